/* What the files of this folder share: the api itself and one call on its way through it. */
#ifndef API_API_PRIV_H
#define API_API_PRIV_H

#include "api/document.h"
#include "api/route.h"

/** struct endpoint - one path and what answers each method there. */
struct endpoint {
	struct str path;           /* without the trailing slash */
	struct str prefix, suffix; /* around the {…} segment; empty prefix: there is none */
	const struct route *routes[METHOD_OTHER];
	struct str allow; /* "GET, HEAD, OPTIONS" */
	enum api_where where;
	int version;
};

/** struct network - a CIDR block; @bits count from the front of the mapped IPv6 address. */
struct network {
	struct client_address base;
	unsigned bits;
};

#define API_VERSIONS 2

struct api {
	struct api_config config;
	struct service *service;
	struct api_probe probe;
	struct arena *arena; /* everything below */

	struct endpoint *endpoints;
	size_t n_endpoints;
	uint16_t *slots;    /* open addressing over endpoints: index + 1, 0 is free */
	size_t n_slots;     /* a power of two */
	uint16_t *patterns; /* endpoints with a {…} segment */
	size_t n_patterns;

	struct network *trusted;
	size_t n_trusted;
	struct str *origins;
	size_t n_origins;
	bool https; /* public_url is */

	struct document openapi[API_VERSIONS + 1];
	struct document docs_page[API_VERSIONS + 1];
	struct document countries;
};

/** match_build() - mount every route of route_lists; aborts when two want one place. */
void match_build(struct api *api);
/** match_endpoint() - by path, slash optional; NULL when nothing is there. */
const struct endpoint *match_endpoint(
    const struct api *api, struct str path, struct str *ret_parameter);

/** Header fields every request is asked for, picked out in one pass. */
enum known_header {
	HEADER_ACCEPT_LANGUAGE,
	HEADER_AUTHORIZATION,
	HEADER_CONTENT_ENCODING,
	HEADER_CONTENT_TYPE,
	HEADER_COOKIE,
	HEADER_FORWARDER,
	HEADER_FORWARDER_ADDRESS,
	HEADER_FORWARDER_USER_AGENT,
	HEADER_DEVICE_ID,
	HEADER_DEVICE_TOKEN,
	HEADER_IDEMPOTENCY_KEY,
	HEADER_IF_MATCH,
	HEADER_ORIGIN,
	HEADER_REQUEST_ID,
	HEADER_USER_AGENT,
	HEADER_COUNT,
};

/** struct call - one request on its way from the match to the reply. */
struct call {
	struct api *api;
	struct request *rq;
	const struct api_request *in; /* NULL only in api_refuse() */
	const struct api_match *match;
	const struct route *route; /* NULL: nothing answers */
	struct api_reply *reply;
	struct str headers[HEADER_COUNT]; /* first of each name; empty when absent */
	bool header_repeated; /* one of them came twice: nobody's meaning can be trusted */
};

/**
 * gates_identify() - who and what is calling, as far as the headers say: fills in rq's id, client,
 * user agent, device, locale, idempotency key
 *
 * Returns: OK, or why the call goes no further (everything is filled in all the same).
 */
MUST_CHECK enum err gates_identify(struct call *call);
/** gates_admit() - the access token, throttle and permission that belong to the route. */
MAY_YIELD MUST_CHECK enum err gates_admit(struct call *call);

/** networks_parse() - "10.0.0.0/8, ::1": false with the bad piece in @ret_bad. */
bool networks_parse(
    struct arena *arena, struct str list, struct network **ret, size_t *ret_n, struct str *ret_bad);
/** client_find() - the address limits count: see PRODUCT 2. */
struct client_address client_find(const struct call *call);
/** client_is_forwarder() - does the request show the forwarder credential? */
bool client_is_forwarder(const struct call *call);

/** cors_origin_listed() - is @origin one of cors.origins, or this server's own? */
bool cors_origin_listed(const struct api *api, struct str origin);
/** cors_headers() - what a browser wants to see on a reply to another origin. */
void cors_headers(const struct call *call);
/** cors_preflight() - the further ones of an OPTIONS reply. */
void cors_preflight(const struct call *call, struct str allow);

/**
 * body_parse() - the request's body as a JSON tree in rq->secrets, whatever form it came in
 * @schema: tells the numbers and booleans of a form from its texts
 * @ret:    NULL when there is no body
 *
 * Returns: OK, ERR_MALFORMED_JSON, ERR_UNSUPPORTED_MEDIA_TYPE.
 */
MUST_CHECK enum err body_parse(
    const struct call *call, const struct schema *schema, const struct json **ret);
/** form_urlencoded() - application/x-www-form-urlencoded as the text of a JSON object. */
MUST_CHECK enum err form_urlencoded(
    struct arena *arena, struct str body, const struct schema *schema, struct str *ret);
/** form_query() - a query likewise; parameters @schema does not know are left out. */
MUST_CHECK enum err form_query(
    struct arena *arena, struct str query, const struct schema *schema, struct str *ret);
/** form_multipart() - multipart/form-data (RFC 7578) of text parts, likewise; files are refused. */
MUST_CHECK enum err form_multipart(struct arena *arena, struct str body, struct str boundary,
    const struct schema *schema, struct str *ret);
/**
 * input_decode() - what the route's handler is given: body or query, and the path's segment
 * @ret: NULL when it is given nothing
 *
 * Returns: OK, ERR_MALFORMED_JSON, ERR_UNSUPPORTED_MEDIA_TYPE, ERR_VALIDATION_FAILED, ERR_NOT_FOUND
 * (a segment that leads nowhere).
 */
MUST_CHECK enum err input_decode(const struct call *call, void **ret);

/** etag_format() - the ETag of an object's @version (RFC 9110 8.8.3). */
struct str etag_format(struct arena *arena, int64_t version);
/** etag_parse() - If-Match (RFC 9110 13.1.1) as the versions it names; what is none is left out. */
struct if_match etag_parse(struct str header);

/** url_decode() - percent-decoding, "+" as space where @plus; false on a bad escape. */
bool url_decode(struct arena *arena, struct str text, bool plus, struct str *ret);
/**
 * cookie_get() - value of the cookie @name in a Cookie field (RFC 6265 5.4); the empty str when it
 * is absent, or there twice: then one of them is not ours
 */
struct str cookie_get(struct str cookies, struct str name);
/** query_get() - value of @name in a query, decoded; the empty str when absent or badly escaped. */
struct str query_get(struct arena *arena, struct str query, struct str name);

/** struct problem - a failure as the client shall see it. */
struct problem {
	enum err err;
	const struct field_error *fields;
	struct str locale;
	struct str method;     /* of a 405, for DRF's sentence */
	struct str media;      /* of a 415, likewise */
	int64_t retry_after_s; /* of a 429, likewise */
	bool access_token; /* a 401 about the Authorization header, not about a token in the body */
	struct str data;   /* JSON; empty: null */
};

/** problem_status() - the HTTP status of a failure. */
int problem_status(enum err e);
/** problem_content_type() - of a failure's body in @style. */
struct str problem_content_type(enum error_style style);
/** problem_retries() - does the reply to @e carry Retry-After? */
bool problem_retries(enum err e);
void problem_write(struct json_writer *w, enum error_style style, const struct problem *p);
/** problem_write_drf() - the shapes of Django REST framework and SimpleJWT. */
void problem_write_drf(struct json_writer *w, const struct problem *p);
/** problem_write_fields() - {"field": ["sentence", …]}, one member a field; continues an object. */
void problem_write_fields(struct json_writer *w, const struct field_error *fields);

/** reply_failure() - make @reply the refusal @e; @data is JSON or empty. */
void reply_failure(const struct call *call, enum err e, struct str data);
/** reply_raw_failure() - the same from a raw handler. */
void reply_raw_failure(struct api *api, struct request *rq, const struct api_request *in,
    enum err e, struct api_reply *reply);
/** reply_begin() / reply_end() - the envelope of a success around its "data". */
void reply_begin(struct json_writer *w, struct str locale, enum text message);
void reply_end(struct json_writer *w);

/** openapi_write() - the document of @version. */
struct str openapi_write(const struct api *api, struct arena *arena, int version);
/** docs_build(), countries_build() - the pages and documents served as they are. */
void docs_build(struct api *api);
void countries_build(struct api *api);

/** metrics_count() - one request answered; @route NULL: nothing answered it. Any thread. */
void metrics_count(const struct route *route, enum engine engine, enum err outcome, int64_t us);
void metrics_write(struct buf *out);

/** route_index() - position of @route among all rows; route_count() when NULL or none. */
size_t route_index(const struct route *route);
size_t route_count(void);
/** route_at() - the other way. */
const struct route *route_at(size_t i);
/** route_lists_check() - route_table_check() over @lists. */
size_t route_lists_check(
    const struct route *const *lists, struct arena *arena, struct str problems[], size_t max);
/** route_errors() - every error @route may answer with, each once. Returns how many. */
size_t route_errors(const struct route *route, enum err ret[static ERR_COUNT]);

#endif
