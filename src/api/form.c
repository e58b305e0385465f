/*
 * Forms as JSON text, so that one decoder judges every body. A form knows only text: where the
 * schema wants a number or a boolean, and the text is one, it is written as one.
 */
#include "api/api_priv.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool url_decode(struct arena *arena, struct str text, bool plus, struct str *ret)
{
	char *out = arena_alloc(arena, text.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '%') {
			int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
			int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		out[n++] = c;
	}
	*ret = (struct str){ out, n };
	return true;
}

struct str query_get(struct arena *arena, struct str query, struct str name)
{
	struct str pair;

	while (str_next_token(&query, '&', &pair)) {
		ssize_t equals = str_find(pair, '=');
		struct str value = STR_NULL;

		if (equals < 0 || !str_eq(str_upto(pair, (size_t)equals), name))
			continue;
		/* "+" stays: it begins phone numbers, which people type into the address bar. */
		if (url_decode(arena, str_from(pair, (size_t)equals + 1), false, &value))
			return value;
	}
	return STR_NULL;
}

static void write_typed(struct json_writer *w, const struct field *f, struct str value)
{
	int64_t n;

	if (f && f->type == FIELD_BOOL &&
	    (str_eq_nocase(value, STR("true")) || str_eq(value, STR("1"))))
		json_write_bool(w, true);
	else if (f && f->type == FIELD_BOOL &&
		 (str_eq_nocase(value, STR("false")) || str_eq(value, STR("0"))))
		json_write_bool(w, false);
	else if (f && f->type == FIELD_I64 && str_to_i64(value, &n))
		json_write_i64(w, n);
	else
		json_write_str(w, value);
}

/* The writer would mend bad UTF-8; in a body it is a mistake (PRODUCT 2). */
static bool write_member(
    struct json_writer *w, const struct schema *schema, struct str name, struct str value)
{
	if (!str_utf8_valid(name) || !str_utf8_valid(value))
		return false;
	json_key(w, name);
	write_typed(w, schema_field(schema, name), value);
	return true;
}

static bool write_pairs(
    struct json_writer *w, struct str text, const struct schema *schema, bool known_only)
{
	struct arena *arena = w->out->arena;
	struct str pair;

	while (str_next_token(&text, '&', &pair)) {
		ssize_t equals = str_find(pair, '=');
		struct str name = equals < 0 ? pair : str_upto(pair, (size_t)equals);
		struct str value = equals < 0 ? STR("") : str_from(pair, (size_t)equals + 1);

		if (str_empty(pair))
			continue;
		if (!url_decode(arena, name, true, &name))
			return false;
		if (known_only && !schema_field(schema, name))
			continue;
		if (!url_decode(arena, value, true, &value) ||
		    !write_member(w, schema, name, value))
			return false;
	}
	return true;
}

static enum err pairs_as_json(struct arena *arena, struct str text, const struct schema *schema,
    bool known_only, struct str *ret)
{
	struct json_writer w;
	struct buf out;
	bool good;

	buf_init(&out, arena, 2 * text.len + 16);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	good = write_pairs(&w, text, schema, known_only);
	json_end_object(&w);
	*ret = buf_str(&out);
	return good ? OK : ERR_MALFORMED_JSON;
}

enum err form_urlencoded(
    struct arena *arena, struct str body, const struct schema *schema, struct str *ret)
{
	return pairs_as_json(arena, body, schema, false, ret);
}

enum err form_query(
    struct arena *arena, struct str query, const struct schema *schema, struct str *ret)
{
	return pairs_as_json(arena, query, schema, true, ret);
}

/* --- multipart/form-data --- */

/* Cut @s before the first @mark; false when there is none. */
static bool cut(struct str *s, struct str mark, struct str *ret)
{
	const char *at = s->len > 0 ? memmem(s->ptr, s->len, mark.ptr, mark.len) : NULL;

	if (!at)
		return false;
	*ret = str_upto(*s, (size_t)(at - s->ptr));
	*s = str_from(*s, (size_t)(at - s->ptr) + mark.len);
	return true;
}

/* name="…" of a Content-Disposition; a filename makes the part a file. */
static enum err part_disposition(struct str value, struct str *ret_name)
{
	struct str parameter = STR_NULL;

	if (!str_next_token(&value, ';', &parameter) ||
	    !str_eq_nocase(str_trim(parameter), STR("form-data")))
		return ERR_MALFORMED_JSON;
	while (str_next_token(&value, ';', &parameter)) {
		parameter = str_trim(parameter);
		if (str_starts(parameter, STR("filename")))
			return ERR_UNSUPPORTED_MEDIA_TYPE;
		if (parameter.len >= 7 && str_starts(parameter, STR("name=\"")) &&
		    str_ends(parameter, STR("\"")))
			*ret_name = (struct str){ parameter.ptr + 6, parameter.len - 7 };
	}
	return ret_name->ptr ? OK : ERR_MALFORMED_JSON;
}

static enum err part_headers(struct str headers, struct str *ret_name)
{
	struct str line;

	while (cut(&headers, STR("\r\n"), &line)) {
		ssize_t colon = str_find(line, ':');
		struct str name = colon < 0 ? line : str_upto(line, (size_t)colon);
		struct str value = str_trim(str_from(line, name.len + 1));
		enum err r = OK;

		if (str_eq_nocase(name, STR("content-disposition")))
			r = part_disposition(value, ret_name);
		else if (str_eq_nocase(name, STR("content-type")) &&
			 !str_eq_nocase(str_upto(value, 10), STR("text/plain")))
			r = ERR_UNSUPPORTED_MEDIA_TYPE;
		if (r != OK)
			return r;
	}
	return ret_name->ptr ? OK : ERR_MALFORMED_JSON;
}

static enum err write_parts(
    struct json_writer *w, struct str rest, struct str delimiter, const struct schema *schema)
{
	/* "--" after a delimiter ends the body; what follows is an epilogue nobody reads. */
	while (!str_starts(rest, STR("--"))) {
		struct str headers, value, name = STR_NULL;
		enum err r;

		if (!str_starts(rest, STR("\r\n")))
			return ERR_MALFORMED_JSON;
		rest = str_from(rest, 2);
		if (!cut(&rest, STR("\r\n\r\n"), &headers) || !cut(&rest, delimiter, &value))
			return ERR_MALFORMED_JSON;
		headers.len += 2; /* the last line's own end */
		r = part_headers(headers, &name);
		if (r != OK)
			return r;
		if (!write_member(w, schema, name, value))
			return ERR_MALFORMED_JSON;
	}
	return OK;
}

enum err form_multipart(struct arena *arena, struct str body, struct str boundary,
    const struct schema *schema, struct str *ret)
{
	/* Every delimiter but the first follows a line end; so does the first one now. */
	struct str delimiter = str_printf(arena, "\r\n--%.*s", STR_ARG(boundary));
	struct str preamble, rest;
	struct json_writer w;
	struct buf out;
	enum err r;

	buf_init(&out, arena, body.len + 2);
	buf_add(&out, STR("\r\n"));
	buf_add(&out, body);
	rest = buf_str(&out);
	if (!cut(&rest, delimiter, &preamble))
		return ERR_MALFORMED_JSON;
	buf_init(&out, arena, 2 * body.len + 16);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	r = write_parts(&w, rest, delimiter, schema);
	json_end_object(&w);
	*ret = buf_str(&out);
	return r;
}
