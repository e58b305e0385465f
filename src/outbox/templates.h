/*
 * The texts of mail and SMS: files built in, overridable by directory (templates/README.md says how
 * they are written). Compiled and checked once; afterwards only read, by any thread.
 */
#ifndef OUTBOX_TEMPLATES_H
#define OUTBOX_TEMPLATES_H

#include "base/arena.h"
#include "base/err.h"
#include "outbox/outbox.h"

/** struct embedded_text - a file built into the program (tools/embed_text.py). */
struct embedded_text {
	struct str name; /* "en/KIND.email.txt" */
	const unsigned char *bytes;
	size_t len;
};
extern const struct embedded_text builtin_templates[];
extern const size_t builtin_templates_count;

enum template_var {
	VAR_CODE,
	VAR_LINK,
	VAR_NAME,
	VAR_PRODUCT,
	VAR_DETAIL,
	VAR_MINUTES,
	VAR_TIME,
	VAR_COUNT,
};

struct template_values {
	struct str v[VAR_COUNT];
};

/** struct rendered - a message's words; @subject and @html only of e-mail, @html may be empty. */
struct rendered {
	struct str subject, text, html;
};

struct templates;

/**
 * templates_load() - the built-in files and those of @directory (may be empty), all in @arena
 *
 * Returns: OK, or ERR_INTERNAL with a sentence in @ret_problem.
 */
MUST_CHECK enum err templates_load(
    struct arena *arena, struct str directory, struct templates **ret, struct str *ret_problem);

/** struct template_order - which words, in which language, about what. */
struct template_order {
	enum channel channel;
	struct str kind, locale;
	struct template_values values;
};

/** templates_render() - in @arena; false when there is no such kind for the channel. */
bool templates_render(const struct templates *t, struct arena *arena,
    const struct template_order *order, struct rendered *ret);

#endif
