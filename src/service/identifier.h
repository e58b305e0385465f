/*
 * What a person signs in with: an e-mail address (RFC 5321, 6531) or a phone number (E.164). Kept
 * as typed for display and sending, folded to one canonical spelling for look-up.
 */
#ifndef SERVICE_IDENTIFIER_H
#define SERVICE_IDENTIFIER_H

#include "base/text.h"
#include "store/user_store.h"

struct identifier {
	enum identifier_kind kind;
	struct str display;   /* as typed, trimmed; a phone in E.164 */
	struct str canonical; /* the one spelling that is indexed */
};

/**
 * identifier_parse_email() - check and fold an address; results live in @arena
 *
 * Returns: TEXT_NONE, or the sentence for the field (TEXT_EMAIL_INVALID).
 */
enum text identifier_parse_email(struct arena *arena, struct str text, struct identifier *ret);
/**
 * identifier_parse_phone() - check by real numbering metadata
 * @country: ISO 3166-1 alpha-2, the region of a number without "+"; may be empty
 *
 * Returns: TEXT_NONE, TEXT_PHONE_INVALID or TEXT_PHONE_NEEDS_COUNTRY.
 */
enum text identifier_parse_phone(
    struct arena *arena, struct str text, struct str country, struct identifier *ret);
/**
 * identifier_parse() - whichever it is: with "@" an address, else a number
 *
 * Returns: TEXT_NONE or TEXT_IDENTIFIER_INVALID.
 */
enum text identifier_parse(
    struct arena *arena, struct str text, struct str country, struct identifier *ret);
/** identifier_mask() - "a**@example.com", "+234*******805": enough to recognise, not to learn. */
struct str identifier_mask(struct arena *arena, const struct identifier *id);
/** identifier_country_known() - is @country an ISO 3166-1 alpha-2 code of upper-case letters? */
bool identifier_country_known(struct str country);

/** phone_warm() - load the numbering metadata (8 ms, 5 MiB) before the first caller waits for it.
 */
void phone_warm(void);

#endif
