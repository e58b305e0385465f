/*
 * What http hands in and gets back: one request without a socket, one reply without a wire.
 *
 *	http: bytes -> struct api_request -> api_match() -> engine -> api_handle() -> struct api_reply
 */
#ifndef API_API_H
#define API_API_H

#include "rt/request.h"

enum method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_OTHER, /* well-formed, but nothing here answers it: 405 */
};

struct api_header {
	struct str name; /* as sent; compare without case */
	struct str value;
};

/** struct api_request - a complete, well-framed request; borrows from the connection's buffer. */
struct api_request {
	enum method method;
	struct str method_text;
	struct str path;  /* absolute, undecoded; no query */
	struct str query; /* after '?', may be empty */
	const struct api_header *headers;
	size_t n_headers;
	struct str body;
	struct client_address peer; /* the socket's; proxies are judged in api */
};

/** api_header() - value of header @name, the empty str when absent. */
struct str api_header(const struct api_request *in, struct str name);

/** struct api_reply - made in rq->arena; http adds Date, Content-Length, Connection. */
struct api_reply {
	int status;
	struct str content_type; /* empty: no body */
	struct str body;
	struct api_header *headers;
	size_t n_headers, cap_headers;
};

void api_reply_header(struct request *rq, struct api_reply *reply, struct str name,
    struct str value);

struct api;
struct route;

enum api_where {
	API_INLINE,  /* answered on the loop, never parks: health, static documents, 404, 405, OPTIONS */
	API_WORKER,  /* v1 and legacy: the sync engine */
	API_COROUTINE, /* v2 and the rest: the async engine */
};

/** struct api_match - what the path leads to; valid for the process's life. */
struct api_match {
	const struct route *route; /* NULL: nothing there, api_handle() says 404 or 405 */
	enum api_where where;
	int version;  /* 1, 2, 0 for legacy and unversioned */
	bool uniform; /* hold the reply until the next step of security.uniform_ms */
	struct str parameter; /* the {id} segment, undecoded, borrowed from the path */
};

/** api_match() - look the path up; any thread, touches nothing. */
void api_match(const struct api *api, const struct api_request *in, struct api_match *ret);

/**
 * api_handle() - answer a request, whatever it is
 * @rq:  fresh from request_init(), on the engine @match asks for
 * @ret: always filled in; lives as long as @rq
 *
 * Gates, decodes, runs the handler, encodes, logs and counts. Never fails: failures are replies.
 */
MAY_YIELD void api_handle(struct api *api, struct request *rq, const struct api_request *in,
    const struct api_match *match, struct api_reply *ret);

/**
 * api_refuse() - the reply for a request that never became one: bad framing, too large, too slow,
 * no worker free
 * @e: ERR_BAD_REQUEST, ERR_TOO_LARGE, ERR_HEADERS_TOO_LARGE, ERR_TIMEOUT, ERR_OVERLOADED,
 *     ERR_SHUTDOWN …
 * @in: as much of it as was read, or NULL
 */
void api_refuse(struct api *api, struct request *rq, const struct api_request *in, enum err e,
    struct api_reply *ret);

#endif
