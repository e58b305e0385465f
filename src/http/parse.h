/*
 * A strict reader of HTTP/1.1 requests (RFC 9112): what is not plainly allowed is refused. It
 * allocates nothing, works on the caller's buffer, and looks at every byte once however the bytes
 * arrive: one at a time or all together, the verdict is the same.
 *
 * Stricter than the RFC asks, because a sign-in server needs none of it and every leniency is a
 * second reading of the same bytes by somebody else (docs/adr/0001-http-reader.md): CRLF only, no
 * folded lines, no chunk extensions, no trailers, no transfer coding but `chunked`, no blank line
 * before a request, origin-form targets only (and `*` for OPTIONS).
 */
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include "api/api.h"

#define HTTP_MAX_FIELDS 64

/** struct http_limits - bytes; what is longer is refused as soon as that shows. */
struct http_limits {
	uint16_t target; /* path and query: ERR_TOO_LARGE */
	uint16_t head;   /* request line and fields, to the blank line: ERR_HEADERS_TOO_LARGE */
	uint32_t body;   /* decoded: ERR_TOO_LARGE */
};

enum http_verdict {
	HTTP_MORE,     /* well-formed so far */
	HTTP_COMPLETE, /* one request is there */
	HTTP_REFUSED,  /* never will be; the connection is of no more use */
};

enum http_phase {
	HTTP_REQUEST_LINE,
	HTTP_FIELDS,
	HTTP_BODY,
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_END,
	HTTP_LAST_CHUNK_END,
	HTTP_DONE,
};

/** struct http_span - a piece of the buffer, by offset: buffers move when they grow. */
struct http_span {
	uint16_t at, len;
};

struct http_parser {
	const struct http_limits *limits;
	enum http_phase phase;

	/* The request; offsets into the buffer. Whole once http_parse() said so. */
	struct http_span method, path, query;
	bool http_1_0;
	bool close;           /* "Connection: close", or HTTP/1.0 */
	bool expect_continue; /* the client waits for 100 before it sends the body */
	struct {
		struct http_span name, value;
	} fields[HTTP_MAX_FIELDS];
	unsigned n_fields;
	size_t body_at, body_len; /* body_len grows as chunks are decoded in place */
	size_t end;               /* where the next request begins */

	/* Why it was refused. */
	enum err err;            /* ERR_BAD_REQUEST, ERR_TOO_LARGE or ERR_HEADERS_TOO_LARGE */
	const char *why;         /* for the log */
	bool expectation_failed; /* its status is 417 */

	/* The reader's own. */
	size_t line; /* where the line being read begins */
	size_t scan; /* first byte not looked at */
	uint64_t content_length;
	size_t chunk_left;
	bool has_host, has_length, chunked;
};

/** http_parser_init() - expect a request at the start of a buffer; @limits outlives the parser. */
void http_parser_init(struct http_parser *p, const struct http_limits *limits);

/**
 * http_parse() - read on
 * @buf: everything received since http_parser_init(), less what earlier calls removed
 * @len: in and out: chunk framing is cut out of the buffer as it is read
 *
 * Call it again with more bytes appended after HTTP_MORE, never after another verdict. Bytes from
 * p->end to *@len, if any, belong to the next request.
 */
enum http_verdict http_parse(struct http_parser *p, char *buf, size_t *len);

/** http_parser_in_body() - is the head complete, the body not? */
static inline bool http_parser_in_body(const struct http_parser *p)
{
	return p->phase > HTTP_FIELDS && p->phase < HTTP_DONE;
}

/** http_parser_room() - the most bytes the buffer may have to hold for this request. */
size_t http_parser_room(const struct http_parser *p);

/**
 * http_parser_request() - what was read, as api sees it
 * @fields: room for p->n_fields; @ret borrows them and @buf
 *
 * Before HTTP_COMPLETE only the finished parts are there.
 */
void http_parser_request(const struct http_parser *p, const char *buf, struct api_header *fields,
    struct api_request *ret);

#endif
