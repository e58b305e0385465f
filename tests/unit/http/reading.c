#include "tests/unit/http/reading.h"

#include <assert.h>
#include <stdlib.h>

static void write_request(struct buf *out, const struct http_parser *p, const char *in)
{
	struct api_header fields[HTTP_MAX_FIELDS];
	struct api_request request;

	http_parser_request(p, in, fields, &request);
	buf_printf(out, "%.*s %.*s", STR_ARG(request.method_text), STR_ARG(request.path));
	if (!str_empty(request.query))
		buf_printf(out, "?%.*s", STR_ARG(request.query));
	buf_add(out, STR(" ["));
	buf_add(out, request.body);
	buf_printf(
	    out, "]%s%s\n", p->close ? " close" : "", p->expect_continue ? " 100-continue" : "");
	for (size_t i = 0; i < request.n_headers; i++) {
		buf_add(out, request.headers[i].name);
		buf_add(out, STR(": "));
		buf_add(out, request.headers[i].value);
		buf_add_char(out, '\n');
	}
}

struct str reading_of(
    struct arena *arena, const struct http_limits *limits, struct str bytes, size_t piece)
{
	enum http_verdict v = HTTP_MORE;
	struct http_parser p;
	struct buf out;
	size_t len = 0;
	char *in;

	/* Exactly as large as what is in it, so that a sanitizer sees a read past the end. */
	in = malloc(1);
	assert(in);
	buf_init(&out, arena, 256);
	http_parser_init(&p, limits);
	while (v == HTTP_MORE && !str_empty(bytes)) {
		struct str now = str_upto(bytes, piece);

		bytes = str_from(bytes, piece);
		in = realloc(in, len + now.len);
		assert(in);
		memcpy(in + len, now.ptr, now.len);
		len += now.len;
		while ((v = http_parse(&p, in, &len)) == HTTP_COMPLETE && !p.close) {
			write_request(&out, &p, in);
			memmove(in, in + p.end, len - p.end);
			len -= p.end;
			http_parser_init(&p, limits);
		}
		assert(v != HTTP_MORE || len < http_parser_room(&p));
	}
	if (v == HTTP_COMPLETE) {
		write_request(&out, &p, in);
		buf_add(&out, STR("close\n"));
	} else if (v == HTTP_REFUSED) {
		struct str slug = err_slug(p.err);

		buf_printf(&out, "refused %.*s: %s\n", STR_ARG(slug), p.why);
	} else {
		buf_add(&out, STR("more\n"));
	}
	free(in);
	return buf_str(&out);
}
