#include "http/parse.h"

/* Longest method token taken, and what surrounds the target in a request line. */
#define METHOD_MAX 16
#define REQUEST_LINE_REST (METHOD_MAX + sizeof("  HTTP/1.1\r\n") - 1)
/* Hex digits of a chunk size: far above any body limit, far below overflow. */
#define CHUNK_DIGITS_MAX 8
#define CHUNK_LINE_MAX (CHUNK_DIGITS_MAX + 2)

/* Sets of ASCII characters, one bit each; bytes above 127 are in none. */
struct charset {
	uint64_t low, high;
};

/* tchar of RFC 9110: !#$%&'*+-.^_`|~ digits letters */
static const struct charset token_chars = { 0x03ff6cfa00000000, 0x57ffffffc7fffffe };
/* pchar of RFC 3986 and '/': letters digits -._~!$&'()*+,;=:@%/ */
static const struct charset path_chars = { 0x2ffffff200000000, 0x47fffffe87ffffff };
/* The same, '?', and the []\^`{|} that browsers leave as they are in a query. */
static const struct charset query_chars = { 0xaffffff200000000, 0x7fffffffffffffff };
/* Names, addresses and a port: letters digits -._~!$&'()*+;=:[]% */
static const struct charset host_chars = { 0x2fff6ff200000000, 0x47fffffeaffffffe };

static bool in_set(const struct charset *set, char c)
{
	unsigned char u = (unsigned char)c;

	return u < 128 && ((u < 64 ? set->low >> u : set->high >> (u - 64)) & 1);
}

static bool all_in_set(const struct charset *set, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!in_set(set, s.ptr[i]))
			return false;
	}
	return true;
}

/* What may stand in a line at all: HTAB, SP, VCHAR, and bytes above ASCII (opaque in values). */
static bool is_text(char c)
{
	unsigned char u = (unsigned char)c;

	return (u >= ' ' && u != 0x7f) || u == '\t';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* How a step of the reader ended. */
enum step {
	GO_ON,
	WAIT,   /* it needs more bytes */
	REFUSE, /* p->err and p->why say why */
};

static enum step refuse(struct http_parser *p, enum err e, const char *why)
{
	p->err = e;
	p->why = why;
	return REFUSE;
}

static enum step bad(struct http_parser *p, const char *why)
{
	return refuse(p, ERR_BAD_REQUEST, why);
}

void http_parser_init(struct http_parser *p, const struct http_limits *limits)
{
	*p = (struct http_parser){ .limits = limits };
}

/*
 * Finds the end of the line at p->line, going on where the last call stopped. The line must end
 * before offset @limit. Bytes are judged strictly in their order, so that a line is refused for
 * the same reason whether it came at once or in pieces.
 */
static enum step next_line(
    struct http_parser *p, const char *buf, size_t len, size_t limit, struct str *ret)
{
	size_t stop = len < limit ? len : limit;
	size_t at = p->scan;

	for (;;) {
		at += str_plain_span(str_bytes(buf + at, at < stop ? stop - at : 0));
		if (at >= stop || !is_text(buf[at]))
			break;
		at++;
	}
	p->scan = at;
	if (at == limit || (at + 1 == limit && at < stop && buf[at] == '\r'))
		return refuse(p, ERR_TOO_LARGE, "line too long");
	if (at == len)
		return WAIT;
	if (buf[at] != '\r')
		return bad(p, buf[at] == '\n' ? "bare LF" : "control character");
	if (at + 1 == len)
		return WAIT;
	if (buf[at + 1] != '\n')
		return bad(p, "bare CR");
	*ret = str_bytes(buf + p->line, at - p->line);
	p->line = p->scan = at + 2;
	return GO_ON;
}

static struct http_span span_of(const char *buf, struct str s)
{
	return (struct http_span){ (uint16_t)(s.ptr - buf), (uint16_t)s.len };
}

static bool escapes_valid(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '%' &&
		    (s.len - i < 3 || hex_value(s.ptr[i + 1]) < 0 || hex_value(s.ptr[i + 2]) < 0))
			return false;
	}
	return true;
}

static enum step parse_target(
    struct http_parser *p, const char *buf, struct str method, struct str target)
{
	struct str path = target, query = str_from(target, target.len);
	ssize_t mark = str_find(target, '?');

	if (target.len > p->limits->target)
		return refuse(p, ERR_TOO_LARGE, "target too long");
	if (mark >= 0) {
		path = str_upto(target, (size_t)mark);
		query = str_from(target, (size_t)mark + 1);
	}
	if (str_empty(path) || path.ptr[0] != '/') {
		if (!str_eq(target, STR("*")) || !str_eq(method, STR("OPTIONS")))
			return bad(p, "target not in origin form");
	}
	if (!all_in_set(&path_chars, path) || !all_in_set(&query_chars, query) ||
	    !escapes_valid(target))
		return bad(p, "character not allowed in the target");
	p->path = span_of(buf, path);
	p->query = span_of(buf, query);
	p->phase = HTTP_FIELDS;
	return GO_ON;
}

static enum step parse_request_line(struct http_parser *p, const char *buf, struct str line)
{
	ssize_t first = str_find(line, ' '), last = str_find_last(line, ' ');
	struct str method, target, version;

	if (first < 0 || first == last)
		return bad(p, "request line not in three parts");
	method = str_upto(line, (size_t)first);
	target = str_from(str_upto(line, (size_t)last), (size_t)first + 1);
	version = str_from(line, (size_t)last + 1);
	if (str_empty(method) || method.len > METHOD_MAX || !all_in_set(&token_chars, method))
		return bad(p, "method not a token");
	if (str_eq(version, STR("HTTP/1.0")))
		p->http_1_0 = p->close = true;
	else if (!str_eq(version, STR("HTTP/1.1")))
		return bad(p, "version neither HTTP/1.1 nor HTTP/1.0");
	p->method = span_of(buf, method);
	return parse_target(p, buf, method, target);
}

static enum step field_host(struct http_parser *p, struct str value)
{
	if (p->has_host)
		return bad(p, "more than one Host");
	if (str_empty(value) || !all_in_set(&host_chars, value))
		return bad(p, "Host not a name and port");
	p->has_host = true;
	return GO_ON;
}

static enum step field_content_length(struct http_parser *p, struct str value)
{
	if (p->has_length)
		return bad(p, "more than one Content-Length");
	if (str_empty(value))
		return bad(p, "empty Content-Length");
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] < '0' || value.ptr[i] > '9')
			return bad(p, "Content-Length not a number");
		/* Past the limit it is too large, however much larger. */
		if (p->content_length <= p->limits->body)
			p->content_length = p->content_length * 10 + (uint64_t)(value.ptr[i] - '0');
	}
	if (p->content_length > p->limits->body)
		return refuse(p, ERR_TOO_LARGE, "body too large");
	p->has_length = true;
	return GO_ON;
}

static enum step field_transfer_encoding(struct http_parser *p, struct str value)
{
	if (p->chunked)
		return bad(p, "more than one Transfer-Encoding");
	/* The RFC allows any case; every client writes it so, and other spellings are attacks. */
	if (!str_eq(value, STR("chunked")))
		return bad(p, "Transfer-Encoding not chunked");
	p->chunked = true;
	return GO_ON;
}

static enum step field_connection(struct http_parser *p, struct str value)
{
	struct str option;

	while (str_next_token(&value, ',', &option)) {
		if (str_eq_nocase(str_trim(option), STR("close")))
			p->close = true;
	}
	return GO_ON;
}

static enum step field_expect(struct http_parser *p, struct str value)
{
	if (!str_eq_nocase(value, STR("100-continue"))) {
		p->expectation_failed = true;
		return bad(p, "unknown expectation");
	}
	p->expect_continue = true;
	return GO_ON;
}

/* The fields that say where a request ends, or whether another may follow. */
static const struct {
	struct str name;
	enum step (*read)(struct http_parser *p, struct str value);
} framing_fields[] = {
	{ STR_INIT("host"), field_host },
	{ STR_INIT("content-length"), field_content_length },
	{ STR_INIT("transfer-encoding"), field_transfer_encoding },
	{ STR_INIT("connection"), field_connection },
	{ STR_INIT("expect"), field_expect },
};

static enum step parse_field(struct http_parser *p, const char *buf, struct str line)
{
	ssize_t colon = str_find(line, ':');
	struct str name, raw, value;

	if (p->n_fields == HTTP_MAX_FIELDS)
		return refuse(p, ERR_HEADERS_TOO_LARGE, "too many fields");
	if (colon <= 0)
		return bad(p, "field without a name");
	name = str_upto(line, (size_t)colon);
	raw = str_from(line, (size_t)colon + 1);
	value = str_trim(raw);
	if (!all_in_set(&token_chars, name))
		return bad(p, "field name not a token");
	p->fields[p->n_fields].name = span_of(buf, name);
	p->fields[p->n_fields].value = span_of(buf, value);
	p->n_fields++;

	for (size_t i = 0; i < ARRAY_LEN(framing_fields); i++) {
		if (!str_eq_nocase(name, framing_fields[i].name))
			continue;
		/* Not every reader takes a tab for a space. */
		if (str_find(raw, '\t') >= 0)
			return bad(p, "tab in a framing field");
		return framing_fields[i].read(p, value);
	}
	return GO_ON;
}

static enum step finish_head(struct http_parser *p)
{
	if (!p->has_host && !p->http_1_0)
		return bad(p, "no Host");
	if (p->chunked && p->has_length)
		return bad(p, "Transfer-Encoding and Content-Length");
	if (p->chunked && p->http_1_0)
		return bad(p, "Transfer-Encoding in HTTP/1.0");
	if (p->http_1_0)
		p->expect_continue = false;
	p->body_at = p->scan;
	p->phase = p->chunked ? HTTP_CHUNK_SIZE : HTTP_BODY;
	return GO_ON;
}

static enum step parse_head(struct http_parser *p, const char *buf, size_t len)
{
	size_t limit = p->limits->target + REQUEST_LINE_REST;
	struct str line;
	enum step step;

	if (p->phase == HTTP_REQUEST_LINE) {
		if (limit > p->limits->head)
			limit = p->limits->head;
		step = next_line(p, buf, len, limit, &line);
		return step == GO_ON ? parse_request_line(p, buf, line) : step;
	}
	step = next_line(p, buf, len, p->limits->head, &line);
	if (step == REFUSE && p->err == ERR_TOO_LARGE)
		return refuse(p, ERR_HEADERS_TOO_LARGE, "head too long");
	if (step != GO_ON)
		return step;
	return str_empty(line) ? finish_head(p) : parse_field(p, buf, line);
}

static enum step parse_body(struct http_parser *p, size_t len)
{
	size_t end = p->body_at + (size_t)p->content_length;

	p->scan = len < end ? len : end;
	if (len < end)
		return WAIT;
	p->body_len = (size_t)p->content_length;
	p->phase = HTTP_DONE;
	return GO_ON;
}

static enum step parse_chunk_size(struct http_parser *p, const char *buf, size_t len)
{
	size_t size = 0;
	struct str line;
	enum step step;

	step = next_line(p, buf, len, p->line + CHUNK_LINE_MAX, &line);
	if (step == REFUSE)
		return bad(p, "chunk size not on a line of its own");
	if (step == WAIT)
		return step;
	if (str_empty(line))
		return bad(p, "empty chunk size");
	for (size_t i = 0; i < line.len; i++) {
		int digit = hex_value(line.ptr[i]);

		if (digit < 0)
			return bad(p, "chunk size not hexadecimal");
		size = size << 4 | (size_t)digit;
	}
	if (size > p->limits->body - p->body_len)
		return refuse(p, ERR_TOO_LARGE, "body too large");
	p->chunk_left = size;
	p->phase = size ? HTTP_CHUNK_DATA : HTTP_LAST_CHUNK_END;
	return GO_ON;
}

/* Moves the data down over the framing before it: the body becomes one piece. */
static enum step parse_chunk_data(struct http_parser *p, char *buf, size_t len)
{
	size_t n = len - p->scan < p->chunk_left ? len - p->scan : p->chunk_left;

	memmove(buf + p->body_at + p->body_len, buf + p->scan, n);
	p->body_len += n;
	p->chunk_left -= n;
	p->line = p->scan += n;
	if (p->chunk_left)
		return WAIT;
	p->phase = HTTP_CHUNK_END;
	return GO_ON;
}

/* The CRLF after a chunk's data, or after the last chunk where trailers would stand. */
static enum step parse_chunk_end(struct http_parser *p, const char *buf, size_t len)
{
	bool last = p->phase == HTTP_LAST_CHUNK_END;

	for (; p->scan < p->line + 2; p->scan++) {
		if (p->scan == len)
			return WAIT;
		if (buf[p->scan] != "\r\n"[p->scan - p->line])
			return bad(p, last ? "trailer field" : "chunk longer than its size");
	}
	p->line = p->scan;
	p->phase = last ? HTTP_DONE : HTTP_CHUNK_SIZE;
	return GO_ON;
}

static enum step parse_step(struct http_parser *p, char *buf, size_t len)
{
	switch (p->phase) {
	case HTTP_REQUEST_LINE:
	case HTTP_FIELDS:
		return parse_head(p, buf, len);
	case HTTP_BODY:
		return parse_body(p, len);
	case HTTP_CHUNK_SIZE:
		return parse_chunk_size(p, buf, len);
	case HTTP_CHUNK_DATA:
		return parse_chunk_data(p, buf, len);
	case HTTP_CHUNK_END:
	case HTTP_LAST_CHUNK_END:
		return parse_chunk_end(p, buf, len);
	case HTTP_DONE:
		break;
	}
	return WAIT;
}

/* Cuts the chunk framing already read out of the buffer, so that it never fills it. */
static void drop_framing(struct http_parser *p, char *buf, size_t *len)
{
	size_t body_end = p->body_at + p->body_len;
	size_t gap = p->line - body_end;

	memmove(buf + body_end, buf + p->line, *len - p->line);
	*len -= gap;
	p->line -= gap;
	p->scan -= gap;
}

enum http_verdict http_parse(struct http_parser *p, char *buf, size_t *len)
{
	enum step step;

	do
		step = parse_step(p, buf, *len);
	while (step == GO_ON);
	if (step == REFUSE)
		return HTTP_REFUSED;
	p->end = p->scan;
	if (p->phase == HTTP_DONE)
		return HTTP_COMPLETE;
	if (p->chunked && http_parser_in_body(p))
		drop_framing(p, buf, len);
	return HTTP_MORE;
}

size_t http_parser_room(const struct http_parser *p)
{
	if (!http_parser_in_body(p))
		return p->limits->head;
	if (p->chunked)
		return p->body_at + p->limits->body + CHUNK_LINE_MAX;
	return p->body_at + (size_t)p->content_length;
}

static struct str span_str(const char *buf, struct http_span span)
{
	return str_bytes(buf + span.at, span.len);
}

static enum method method_of(struct str text)
{
	static const struct {
		struct str name;
		enum method method;
	} methods[] = {
		{ STR_INIT("GET"), METHOD_GET },
		{ STR_INIT("POST"), METHOD_POST },
		{ STR_INIT("HEAD"), METHOD_HEAD },
		{ STR_INIT("OPTIONS"), METHOD_OPTIONS },
		{ STR_INIT("PATCH"), METHOD_PATCH },
		{ STR_INIT("DELETE"), METHOD_DELETE },
		{ STR_INIT("PUT"), METHOD_PUT },
	};

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (str_eq(text, methods[i].name))
			return methods[i].method;
	}
	return METHOD_OTHER;
}

void http_parser_request(const struct http_parser *p, const char *buf, struct api_header *fields,
    struct api_request *ret)
{
	*ret = (struct api_request){
		.method = method_of(span_str(buf, p->method)),
		.method_text = span_str(buf, p->method),
		.path = span_str(buf, p->path),
		.query = span_str(buf, p->query),
		.headers = fields,
		.n_headers = p->n_fields,
		.body = str_bytes(buf + p->body_at, p->body_len),
	};
	for (unsigned i = 0; i < p->n_fields; i++) {
		fields[i].name = span_str(buf, p->fields[i].name);
		fields[i].value = span_str(buf, p->fields[i].value);
	}
}
