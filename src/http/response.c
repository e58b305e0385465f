#include "http/response.h"

#include "base/log.h"

static struct str reason_phrase(int status)
{
	static const struct {
		int status;
		struct str phrase;
	} phrases[] = {
		{ 200, STR_INIT("OK") },
		{ 201, STR_INIT("Created") },
		{ 202, STR_INIT("Accepted") },
		{ 204, STR_INIT("No Content") },
		{ 302, STR_INIT("Found") },
		{ 303, STR_INIT("See Other") },
		{ 304, STR_INIT("Not Modified") },
		{ 400, STR_INIT("Bad Request") },
		{ 401, STR_INIT("Unauthorized") },
		{ 403, STR_INIT("Forbidden") },
		{ 404, STR_INIT("Not Found") },
		{ 405, STR_INIT("Method Not Allowed") },
		{ 408, STR_INIT("Request Timeout") },
		{ 409, STR_INIT("Conflict") },
		{ 412, STR_INIT("Precondition Failed") },
		{ 413, STR_INIT("Content Too Large") },
		{ 415, STR_INIT("Unsupported Media Type") },
		{ 417, STR_INIT("Expectation Failed") },
		{ 429, STR_INIT("Too Many Requests") },
		{ 431, STR_INIT("Request Header Fields Too Large") },
		{ 500, STR_INIT("Internal Server Error") },
		{ 503, STR_INIT("Service Unavailable") },
	};

	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		if (phrases[i].status == status)
			return phrases[i].phrase;
	}
	return STR_NULL; /* the phrase is for people; an empty one is allowed */
}

bool response_has_body(int status)
{
	return status != 204 && status != 304;
}

static bool is_one_line(struct str s)
{
	return str_empty(s) || (!memchr(s.ptr, '\r', s.len) && !memchr(s.ptr, '\n', s.len) &&
				   !memchr(s.ptr, '\0', s.len));
}

static void add_field(struct buf *out, struct str name, struct str value)
{
	/* A second line would be a second reply: whatever let it through, it stops here. */
	if (!is_one_line(name) || !is_one_line(value)) {
		log_error("reply header left out: it holds a line end");
		return;
	}
	buf_add(out, name);
	buf_add(out, STR(": "));
	buf_add(out, value);
	buf_add(out, STR("\r\n"));
}

struct str response_head(
    struct arena *arena, const struct api_reply *reply, struct str date, bool close)
{
	char room[I64_TEXT_SIZE];
	struct buf out;

	buf_init(&out, arena, 1024);
	buf_add(&out, STR("HTTP/1.1 "));
	buf_add(&out, i64_str(reply->status, room));
	buf_add_char(&out, ' ');
	buf_add(&out, reason_phrase(reply->status));
	buf_add(&out, STR("\r\n"));
	add_field(&out, STR("Date"), date);
	if (!str_empty(reply->content_type))
		add_field(&out, STR("Content-Type"), reply->content_type);
	if (response_has_body(reply->status))
		add_field(&out, STR("Content-Length"), i64_str((int64_t)reply->body.len, room));
	if (close)
		buf_add(&out, STR("Connection: close\r\n"));
	for (size_t i = 0; i < reply->n_headers; i++)
		add_field(&out, reply->headers[i].name, reply->headers[i].value);
	buf_add(&out, STR("\r\n"));
	return buf_str(&out);
}
