/* One template: text with {{values}} and {{#sections}}, compiled into pieces. */
#ifndef OUTBOX_TEMPLATE_H
#define OUTBOX_TEMPLATE_H

#include "outbox/templates.h"

enum piece_type {
	PIECE_TEXT,
	PIECE_VALUE,
	PIECE_IF,     /* what follows shows only when the value is not empty */
	PIECE_UNLESS, /* … only when it is */
	PIECE_END,
};

struct piece {
	enum piece_type type;
	enum template_var var;
	struct str text;
};

struct template
{
	const struct piece *pieces; /* NULL: there is no such template */
	size_t n;
};

/** template_compile() - @text lives as long as the result; false with what is wrong in
 * @ret_problem. */
bool template_compile(
    struct arena *arena, struct str text, struct template *ret, struct str *ret_problem);

enum template_escape {
	ESCAPE_TEXT, /* control characters in values become spaces */
	ESCAPE_HTML, /* and the five characters HTML reads */
};

/** template_render() - @t with its placeholders filled in, in @arena. */
struct str template_render(const struct template *t, struct arena *arena,
    enum template_escape escape, const struct template_values *values);

#endif
