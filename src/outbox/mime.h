/* An e-mail's bytes: RFC 5322 headers and a MIME body (RFC 2045-2047), all lines CRLF. */
#ifndef OUTBOX_MIME_H
#define OUTBOX_MIME_H

#include "base/codec.h"
#include "base/str.h"

/** struct mailbox - "Name <local@domain>"; the name may be empty. */
struct mailbox {
	struct str name, address;
};

/** mailbox_parse() - both forms; the parts are views of @text. False when there is no address. */
bool mailbox_parse(struct str text, struct mailbox *ret);

struct mime_mail {
	struct mailbox from;
	struct str to, subject, text;
	struct str html; /* empty: plain text only */
	struct uuid id;  /* the same for every attempt, so that a duplicate can be told */
	int64_t at_us;
};

/** mime_build() - the message in @arena. Control characters in header values become spaces. */
struct str mime_build(struct arena *arena, const struct mime_mail *mail);

#endif
