#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

#define MAX_LEVELS 31 /* bits of has_element, less the top level's */

void json_writer_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){ .out = out };
}

/* What must stand before the next name or value of this level. */
static void separate(struct json_writer *w)
{
	uint32_t level = UINT32_C(1) << w->depth;

	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->has_element & level)
		buf_add_char(w->out, ',');
	w->has_element |= level;
}

static void begin(struct json_writer *w, char c)
{
	separate(w);
	buf_add_char(w->out, c);
	assert(w->depth < MAX_LEVELS);
	w->depth++;
	w->has_element &= ~(UINT32_C(1) << w->depth);
}

static void end(struct json_writer *w, char c)
{
	assert(w->depth > 0 && !w->after_key);
	w->depth--;
	buf_add_char(w->out, c);
}

void json_begin_object(struct json_writer *w)
{
	begin(w, '{');
}

void json_end_object(struct json_writer *w)
{
	end(w, '}');
}

void json_begin_array(struct json_writer *w)
{
	begin(w, '[');
}

void json_end_array(struct json_writer *w)
{
	end(w, ']');
}

static void add_escaped(struct buf *out, char c)
{
	static const char letters[] = "\bb\tt\nn\ff\rr\"\"\\\\";

	for (const char *p = letters; *p; p += 2) {
		if (*p == c) {
			buf_add_char(out, '\\');
			buf_add_char(out, p[1]);
			return;
		}
	}
	buf_printf(out, "\\u%04x", (unsigned)(uint8_t)c);
}

static bool is_plain(uint32_t c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

/* Bytes that are not UTF-8 (a user agent, say) become U+FFFD: what we send always parses. */
static void add_escaped_text(struct buf *out, struct str s)
{
	while (s.len > 0) {
		size_t plain = 0, n = 0;
		uint32_t c = 0;

		while (plain < s.len) {
			plain += str_plain_span(str_from(s, plain));
			n = str_utf8_next(str_from(s, plain), &c);
			if (n == 0 || !is_plain(c))
				break;
			plain += n;
		}
		buf_add(out, str_upto(s, plain));
		s = str_from(s, plain);
		if (s.len == 0)
			break;
		if (n == 0)
			buf_add(out, STR("\xef\xbf\xbd"));
		else
			add_escaped(out, s.ptr[0]);
		s = str_from(s, 1);
	}
}

static void add_quoted(struct buf *out, struct str s)
{
	/* Nearly everything is plain throughout: names, tokens, ids, times. */
	bool plain = str_plain_span(s) == s.len;

	buf_reserve(out, s.len + 2);
	buf_add_char(out, '"');
	if (plain)
		buf_add(out, s);
	else
		add_escaped_text(out, s);
	buf_add_char(out, '"');
}

void json_key(struct json_writer *w, struct str name)
{
	assert(w->depth > 0 && !w->after_key);
	separate(w);
	add_quoted(w->out, name);
	buf_add_char(w->out, ':');
	w->after_key = true;
}

void json_write_str(struct json_writer *w, struct str s)
{
	separate(w);
	add_quoted(w->out, s);
}

void json_write_i64(struct json_writer *w, int64_t n)
{
	char room[I64_TEXT_SIZE];

	separate(w);
	buf_add(w->out, i64_str(n, room));
}

/* Fifteen digits where they are the same number, seventeen where it takes them. */
void json_write_real(struct json_writer *w, double n)
{
	char text[32];

	if (!isfinite(n)) {
		json_write_null(w);
		return;
	}
	snprintf(text, sizeof(text), "%.15g", n);
	if (strtod(text, NULL) != n)
		snprintf(text, sizeof(text), "%.17g", n);
	separate(w);
	buf_add(w->out, str_of(text));
	if (!strpbrk(text, ".e"))
		buf_add(w->out, STR(".0"));
}

void json_write_bool(struct json_writer *w, bool b)
{
	json_write_raw(w, b ? STR("true") : STR("false"));
}

void json_write_null(struct json_writer *w)
{
	json_write_raw(w, STR("null"));
}

void json_write_raw(struct json_writer *w, struct str text)
{
	separate(w);
	buf_add(w->out, text);
}

static bool write_member(void *arg, struct str name, const struct json *value)
{
	struct json_writer *w = arg;

	json_key(w, name);
	json_write_value(w, value);
	return true;
}

static void write_array(struct json_writer *w, const struct json *v)
{
	json_begin_array(w);
	for (size_t i = 0; i < json_array_length(v); i++)
		json_write_value(w, json_array_at(v, i));
	json_end_array(w);
}

void json_write_value(struct json_writer *w, const struct json *v)
{
	switch (json_type(v)) {
	case JSON_TYPE_NULL:
		json_write_null(w);
		break;
	case JSON_TYPE_FALSE:
	case JSON_TYPE_TRUE:
		json_write_bool(w, json_type(v) == JSON_TYPE_TRUE);
		break;
	case JSON_TYPE_INTEGER:
		json_write_i64(w, json_integer(v));
		break;
	case JSON_TYPE_REAL:
		json_write_real(w, json_real(v));
		break;
	case JSON_TYPE_STRING:
		json_write_str(w, json_string(v));
		break;
	case JSON_TYPE_ARRAY:
		write_array(w, v);
		break;
	case JSON_TYPE_OBJECT:
		json_begin_object(w);
		json_each_member(v, write_member, w);
		json_end_object(w);
		break;
	}
}

void json_member_str(struct json_writer *w, struct str name, struct str s)
{
	json_key(w, name);
	json_write_str(w, s);
}

void json_member_i64(struct json_writer *w, struct str name, int64_t n)
{
	json_key(w, name);
	json_write_i64(w, n);
}

void json_member_bool(struct json_writer *w, struct str name, bool b)
{
	json_key(w, name);
	json_write_bool(w, b);
}
