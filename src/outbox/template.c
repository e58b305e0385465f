#include "outbox/template.h"

static const struct str var_names[VAR_COUNT] = {
	[VAR_CODE] = STR_INIT("code"),
	[VAR_LINK] = STR_INIT("link"),
	[VAR_NAME] = STR_INIT("name"),
	[VAR_PRODUCT] = STR_INIT("product"),
	[VAR_DETAIL] = STR_INIT("detail"),
	[VAR_MINUTES] = STR_INIT("minutes"),
	[VAR_TIME] = STR_INIT("time"),
};

struct compiler {
	struct arena *arena;
	struct str text;
	size_t at; /* how far it has been read */
	struct piece *pieces;
	size_t n;
	bool in_section;
	enum template_var section;
	struct str problem;
};

static bool find_var(struct str name, enum template_var *ret)
{
	for (int v = 0; v < VAR_COUNT; v++) {
		if (str_eq(name, var_names[v])) {
			*ret = (enum template_var)v;
			return true;
		}
	}
	return false;
}

static void add_text(struct compiler *c, size_t from, size_t to)
{
	if (to > from)
		c->pieces[c->n++] = (struct piece){
			.type = PIECE_TEXT,
			.text = str_bytes(c->text.ptr + from, to - from),
		};
}

/* Takes the mark's "#", "^" or "/" off @name. */
static enum piece_type mark_type(struct str *name)
{
	enum piece_type type = PIECE_VALUE;

	if (str_starts(*name, STR("#")))
		type = PIECE_IF;
	else if (str_starts(*name, STR("^")))
		type = PIECE_UNLESS;
	else if (str_starts(*name, STR("/")))
		type = PIECE_END;
	if (type != PIECE_VALUE)
		*name = str_from(*name, 1);
	return type;
}

static bool check_section(struct compiler *c, enum piece_type type, enum template_var var)
{
	if (type == PIECE_IF || type == PIECE_UNLESS) {
		if (c->in_section)
			return false;
		c->in_section = true;
		c->section = var;
	} else if (type == PIECE_END) {
		if (!c->in_section || c->section != var)
			return false;
		c->in_section = false;
	}
	return true;
}

/* A section's mark alone on its line takes the line's end with it. */
static size_t skip_line_end(const struct compiler *c, size_t open, size_t close)
{
	bool begins = open == 0 || c->text.ptr[open - 1] == '\n';

	return begins && close < c->text.len && c->text.ptr[close] == '\n' ? close + 1 : close;
}

/* One mark, whose "{{" is at @open. */
static bool compile_mark(struct compiler *c, size_t open)
{
	struct str rest = str_from(c->text, open + 2), name;
	char *end = memmem(rest.ptr, rest.len, "}}", 2);
	struct piece piece;

	if (!end) {
		c->problem = STR("a {{ is not closed");
		return false;
	}
	name = str_trim(str_bytes(rest.ptr, (size_t)(end - rest.ptr)));
	piece = (struct piece){ .type = mark_type(&name) };
	if (!find_var(name, &piece.var)) {
		c->problem = str_printf(c->arena, "unknown placeholder {{%.*s}}", STR_ARG(name));
		return false;
	}
	if (!check_section(c, piece.type, piece.var)) {
		c->problem = str_printf(
		    c->arena, "{{%.*s}} opens or closes a section out of turn", STR_ARG(name));
		return false;
	}
	add_text(c, c->at, open);
	c->pieces[c->n++] = piece;
	c->at = (size_t)(end - c->text.ptr) + 2;
	if (piece.type != PIECE_VALUE)
		c->at = skip_line_end(c, open, c->at);
	return true;
}

static size_t count_marks(struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < text.len; i++)
		n += text.ptr[i] == '{' && text.ptr[i + 1] == '{';
	return n;
}

bool template_compile(
    struct arena *arena, struct str text, struct template *ret, struct str *ret_problem)
{
	struct compiler c = { .arena = arena, .text = text };
	char *open;

	c.pieces = ARENA_ARRAY(arena, 2 * count_marks(text) + 1, struct piece);
	while ((open = memmem(text.ptr + c.at, text.len - c.at, "{{", 2)) != NULL) {
		if (!compile_mark(&c, (size_t)(open - text.ptr))) {
			*ret_problem = c.problem;
			return false;
		}
	}
	if (c.in_section) {
		*ret_problem = str_printf(
		    arena, "the section {{#%.*s}} is not closed", STR_ARG(var_names[c.section]));
		return false;
	}
	add_text(&c, c.at, text.len);
	*ret = (struct template){ .pieces = c.pieces, .n = c.n };
	return true;
}

static struct str entity(char c)
{
	switch (c) {
	case '&':
		return STR("&amp;");
	case '<':
		return STR("&lt;");
	case '>':
		return STR("&gt;");
	case '"':
		return STR("&quot;");
	case '\'':
		return STR("&#39;");
	default:
		return STR_NULL;
	}
}

static void add_value(struct buf *out, enum template_escape escape, struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		struct str special = escape == ESCAPE_HTML ? entity(c) : STR_NULL;

		if (special.ptr)
			buf_add(out, special);
		else if ((unsigned char)c < ' ' || c == 0x7f)
			buf_add_char(out, ' ');
		else
			buf_add_char(out, c);
	}
}

struct str template_render(const struct template *t, struct arena *arena,
    enum template_escape escape, const struct template_values *values)
{
	bool shown = true;
	struct buf out;

	buf_init(&out, arena, 2048);
	for (size_t i = 0; i < t->n; i++) {
		const struct piece *p = &t->pieces[i];

		if (p->type == PIECE_END)
			shown = true;
		else if (p->type == PIECE_IF)
			shown = !str_empty(values->v[p->var]);
		else if (p->type == PIECE_UNLESS)
			shown = str_empty(values->v[p->var]);
		else if (shown && p->type == PIECE_VALUE)
			add_value(&out, escape, values->v[p->var]);
		else if (shown)
			buf_add(&out, p->text);
	}
	return buf_str(&out);
}
