/*
 * What http hands in and gets back: one request without a socket, one reply without a wire.
 *
 *	http: bytes -> struct api_request -> api_match() -> engine -> api_handle() -> api_reply
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

/**
 * struct api_reply - made in the request's arenas; http adds Date, Content-Length, Connection
 *
 * The reply to a HEAD has the body of the GET; http sends only its length.
 */
struct api_reply {
	int status;
	struct str content_type; /* empty: no body */
	struct str body;
	struct api_header *headers;
	size_t n_headers, cap_headers;
	enum err outcome; /* what a failure says; OK for a success: for the log and the metrics */
};

/** api_reply_header() - add one; @name and @value must live as long as @rq. */
void api_reply_header(
    struct request *rq, struct api_reply *reply, struct str name, struct str value);

struct api;
struct route;

enum error_style {
	ERRORS_ENVELOPE,
	ERRORS_DRF,
	ERRORS_PROBLEM, /* RFC 9457 */
};

struct api_config {
	struct str public_url;      /* for OpenAPI's servers; may be empty */
	struct str cors_origins;    /* exact origins, comma-separated */
	struct str trusted_proxies; /* CIDRs, comma-separated */
	struct secret forwarder;    /* credential of a trusted front-end server; empty: none */
	enum error_style errors;
	bool v2_on_workers;       /* engine.v2 = sync */
	bool dev;                 /* Server-Timing, dev inbox */
	bool abort_on_undeclared; /* tests: a handler's undeclared error aborts */
	bool metrics_only;        /* the metrics listener's api: MOUNT_METRICS routes only */
};

/**
 * struct api_probe - what health, readiness and metrics ask of the rest of the program
 *
 * Filled in by main, which alone knows everybody.
 */
struct api_probe {
	bool (*ready)(void *arg, struct arena *arena, struct str *ret_why_not);
	/** metrics() - append Prometheus text of the layers api cannot see (http, lanes, store). */
	void (*metrics)(void *arg, struct buf *out);
	void *arg;
};

/**
 * api_config_problem() - what is wrong with @config, as a sentence that names the setting; the
 * empty str when nothing is
 */
struct str api_config_problem(const struct api_config *config, struct arena *arena);

/**
 * api_new() - check the route tables, build the matcher and the documents
 *
 * Aborts on a bad table or configuration. Strings of @config are borrowed for the api's life.
 */
struct api *api_new(
    const struct api_config *config, struct service *service, const struct api_probe *probe);
void api_free(struct api **api);
/** api_openapi() - the OpenAPI 3.1 document of @version (1 or 2), made once. */
struct str api_openapi(const struct api *api, int version);

enum api_where {
	API_INLINE,    /* answered on the loop, never parks: health, documents, 404, 405, OPTIONS */
	API_WORKER,    /* v1 and legacy: the sync engine */
	API_COROUTINE, /* v2 and the rest: the async engine */
};

/** struct api_match - what the path leads to; valid for the process's life. */
struct api_match {
	const struct route *route; /* NULL: nothing there, api_handle() says 404 or 405 */
	enum api_where where;
	int version;          /* 1, 2, 0 for legacy and unversioned */
	bool uniform;         /* hold the reply until the next step of security.uniform_ms */
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
