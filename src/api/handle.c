/* One request from the match to the reply: gates, body, handler, envelope, headers, log, counters.
 */
#include "api/api_priv.h"
#include "base/clock.h"
#include "base/log.h"
#include "service/audit.h"

#define BODY_ROOM 1536    /* most replies fit */
#define RETRY_US US_PER_S /* where nobody knows better */

/* --- replies --- */

void reply_begin(struct json_writer *w, struct str locale, enum text message)
{
	json_begin_object(w);
	json_member_bool(w, STR("success"), true);
	json_member_str(w, STR("message"), text_get(locale, message));
	json_key(w, STR("data"));
}

void reply_end(struct json_writer *w)
{
	json_key(w, STR("errors"));
	json_write_null(w);
	json_end_object(w);
}

static void reply_success(const struct call *call, const void *data)
{
	const struct route *route = call->route;
	bool secret = route->reply && schema_has_secret(route->reply);
	struct json_writer w;
	struct buf body;

	call->reply->status = route->success;
	if (route->versioned && call->rq->version != 0)
		api_reply_header(call->rq, call->reply, STR("ETag"),
		    etag_format(call->rq->arena, call->rq->version));
	if (route->success == 204)
		return;
	buf_init(&body, secret ? call->rq->secrets : call->rq->arena, BODY_ROOM);
	json_writer_init(&w, &body);
	reply_begin(&w, call->rq->locale, route->message);
	if (route->reply)
		schema_encode(&w, route->reply, data);
	else
		json_write_null(&w);
	reply_end(&w);
	call->reply->content_type = STR("application/json");
	call->reply->body = buf_str(&body);
}

/* Ceiling, never zero: a client that comes back at that second is let in. */
static int64_t retry_after_s(const struct request *rq)
{
	int64_t us = rq->retry_after_us > 0 ? rq->retry_after_us : RETRY_US;

	return (us + US_PER_S - 1) / US_PER_S;
}

void reply_failure(const struct call *call, enum err e, struct str data)
{
	struct request *rq = call->rq;
	struct api_reply *reply = call->reply;
	enum error_style style = call->api->config.errors;
	struct problem problem = {
		.err = e,
		.fields = rq->field_errors,
		.locale = rq->locale,
		.method = call->in ? call->in->method_text : STR_NULL,
		.media = call->headers[HEADER_CONTENT_TYPE],
		.retry_after_s = retry_after_s(rq),
		.access_token = call->route && call->route->auth != AUTH_NONE,
		.data = data,
	};
	struct json_writer w;
	struct buf body;

	buf_init(&body, rq->arena, BODY_ROOM / 2);
	json_writer_init(&w, &body);
	problem_write(&w, style, &problem);
	reply->outcome = e;
	reply->status = problem_status(e);
	reply->content_type = problem_content_type(style);
	reply->body = buf_str(&body);
	if (reply->status == 401)
		api_reply_header(rq, reply, STR("WWW-Authenticate"),
		    style == ERRORS_DRF ? STR("Bearer realm=\"api\"") : STR("Bearer"));
	if (problem_retries(e))
		api_reply_header(rq, reply, STR("Retry-After"),
		    str_printf(rq->arena, "%lld", (long long)problem.retry_after_s));
}

void reply_raw_failure(struct api *api, struct request *rq, const struct api_request *in,
    enum err e, struct api_reply *reply)
{
	struct call call = { .api = api, .rq = rq, .in = in, .reply = reply };

	reply_failure(&call, e, STR_NULL);
}

/* --- the way through --- */

/* No row for this path and method: 404, 405, or the OPTIONS of a path that exists. */
static enum err answer_unrouted(struct call *call)
{
	const struct endpoint *e = match_endpoint(call->api, call->in->path, &(struct str){ 0 });

	if (!e)
		return fault(call->rq, ERR_NOT_FOUND, "no such path");
	api_reply_header(call->rq, call->reply, STR("Allow"), e->allow);
	if (call->in->method != METHOD_OPTIONS)
		return fault(call->rq, ERR_METHOD_NOT_ALLOWED, "no such method here");
	call->reply->status = 204;
	cors_preflight(call, e->allow);
	return OK;
}

static void forget_field_errors(struct request *rq)
{
	rq->field_errors = NULL;
	rq->field_errors_tail = &rq->field_errors;
}

static enum err undeclared(const struct call *call, enum err e)
{
	log_error("%s returned %.*s, which its route does not declare", call->route->operation,
	    STR_ARG(err_slug(e)));
	if (call->api->config.abort_on_undeclared)
		die("undeclared error");
	forget_field_errors(call->rq);
	return fault(call->rq, ERR_INTERNAL, "undeclared error");
}

static struct str encode_error_data(const struct call *call, const void *data)
{
	const struct schema *schema = call->route->error_reply.schema;
	struct json_writer w;
	struct buf text;

	buf_init(&text, schema_has_secret(schema) ? call->rq->secrets : call->rq->arena, 512);
	json_writer_init(&w, &text);
	schema_encode(&w, schema, data);
	return buf_str(&text);
}

static size_t reply_room(const struct route *route)
{
	size_t n = route->reply ? route->reply->size : 0;
	size_t m = route->error_reply.schema ? route->error_reply.schema->size : 0;

	return n > m ? n : m;
}

static enum err run_handler(struct call *call, const void *in)
{
	const struct route *route = call->route;
	void *out = arena_alloc(call->rq->arena, reply_room(route));
	enum err r = route->handler(call->rq, in, out);

	if (r == OK) {
		reply_success(call, out);
		return OK;
	}
	if (!route_may_return(route, r))
		return undeclared(call, r);
	if (r == route->error_reply.err)
		reply_failure(call, r, encode_error_data(call, out));
	return r;
}

static enum err answer(struct call *call)
{
	const struct route *route = call->route;
	struct request *rq = call->rq;
	void *in = NULL;
	enum err r = gates_admit(call);

	if (r != OK)
		return r;
	if (route->raw) {
		route->raw(call->api, rq, call->in, call->reply);
		return call->reply->outcome;
	}
	r = input_decode(call, &in);
	return r == OK ? run_handler(call, in) : r;
}

/* --- around it --- */

static bool has_header(const struct api_reply *reply, struct str name)
{
	for (size_t i = 0; i < reply->n_headers; i++)
		if (str_eq(reply->headers[i].name, name))
			return true;
	return false;
}

static void add_server_timing(const struct call *call, int64_t total_us)
{
	struct request *rq = call->rq;

	api_reply_header(rq, call->reply, STR("Server-Timing"),
	    str_printf(rq->arena,
		"total;dur=%.3f, hash;dur=%.3f, store;dur=%.3f, statements;desc=\"%u\"",
		(double)total_us / 1000, (double)rq->hash_us / 1000, (double)rq->store_us / 1000,
		rq->statements));
}

static void add_headers(const struct call *call, int64_t total_us)
{
	struct request *rq = call->rq;
	struct api_reply *reply = call->reply;

	api_reply_header(rq, reply, STR("X-Request-ID"), rq->id);
	if (!has_header(reply, STR("Cache-Control")))
		api_reply_header(rq, reply, STR("Cache-Control"), STR("no-store"));
	api_reply_header(rq, reply, STR("X-Content-Type-Options"), STR("nosniff"));
	api_reply_header(rq, reply, STR("Referrer-Policy"), STR("no-referrer"));
	if (call->api->https)
		api_reply_header(
		    rq, reply, STR("Strict-Transport-Security"), STR("max-age=31536000"));
	cors_headers(call);
	if (call->api->config.dev)
		add_server_timing(call, total_us);
}

static const char *log_tag(const struct call *call, char *room, size_t size)
{
	struct str engine = engine_name(call->rq->engine);

	if (!call->route || !call->route->log_tag)
		return NULL;
	snprintf(room, size, "%.*s %s", STR_ARG(engine), call->route->log_tag);
	for (char *p = room; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	return room;
}

static void log_entry(const struct call *call)
{
	const struct request *rq = call->rq;
	char room[64];
	const struct log_field fields[] = {
		LOG_FIELD_STR("engine", engine_name(rq->engine)),
		LOG_FIELD_STR("operation", rq->operation),
		LOG_FIELD_STR("request_id", rq->id),
		LOG_FIELD_STR("address", client_address_text(rq->arena, &rq->client)),
	};

	log_event(LOG_LEVEL_INFO, log_tag(call, room, sizeof(room)), "request", fields,
	    ARRAY_LEN(fields));
}

static void log_exit(const struct call *call, enum err outcome, int64_t total_us)
{
	static const struct {
		enum log_level level;
		const char *text;
	} ends[] = {
		[ERR_LEVEL_INFO] = { LOG_LEVEL_INFO, "answered" },
		[ERR_LEVEL_WARNING] = { LOG_LEVEL_WARNING, "refused" },
		[ERR_LEVEL_ERROR] = { LOG_LEVEL_ERROR, "failed" },
	};
	enum err_level end = err_level(outcome);
	struct request *rq = call->rq;
	bool failed = outcome != OK && rq->fault.file;
	bool placed = failed && end == ERR_LEVEL_ERROR;
	struct str user = rq->actor.present ? uuid_str(rq->arena, rq->actor.user_id) : STR_NULL;
	struct str place =
	    placed ? str_printf(rq->arena, "%s:%d", rq->fault.file, rq->fault.line) : STR_NULL;
	char room[64];
	const struct log_field fields[] = {
		LOG_FIELD_STR("engine", engine_name(rq->engine)),
		LOG_FIELD_STR("operation", rq->operation),
		LOG_FIELD_STR("request_id", rq->id),
		LOG_FIELD_STR("user_id", user),
		LOG_FIELD_STR("address", client_address_text(rq->arena, &rq->client)),
		LOG_FIELD_I64("status", call->reply->status),
		LOG_FIELD_STR("code", err_slug(outcome)),
		LOG_FIELD_I64("total_us", total_us),
		LOG_FIELD_I64("hash_us", rq->hash_us),
		LOG_FIELD_I64("store_us", rq->store_us),
		LOG_FIELD_STR("detail", failed ? rq->fault.detail : STR_NULL),
		LOG_FIELD_STR("place", place),
	};

	log_event(ends[end].level, log_tag(call, room, sizeof(room)), ends[end].text, fields,
	    ARRAY_LEN(fields));
}

/* Health checks and documents are many and say nothing: they are logged only when refused. */
static void finish(const struct call *call, enum err outcome)
{
	struct request *rq = call->rq;
	bool counts = call->route && call->route->log_tag;
	int64_t total_us = now_mono_us() - rq->arrived_us;

	add_headers(call, total_us);
	if (counts && problem_retries(outcome))
		audit_count_refusal(rq, outcome);
	metrics_count(call->route, rq->engine, outcome, total_us);
	if (counts || outcome != OK)
		log_exit(call, outcome, total_us);
}

void api_handle(struct api *api, struct request *rq, const struct api_request *in,
    const struct api_match *match, struct api_reply *ret)
{
	struct call call = {
		.api = api, .rq = rq, .in = in, .match = match, .route = match->route, .reply = ret
	};
	enum err r;

	*ret = (struct api_reply){ 0 };
	if (match->route)
		rq->operation = str_of(match->route->operation);
	r = gates_identify(&call);
	if (match->route && match->route->log_tag)
		log_entry(&call);
	if (match->route && !match->route->is_inline)
		service_lend_keys(rq);
	if (r == OK)
		r = match->route ? answer(&call) : answer_unrouted(&call);
	if (r != OK && ret->status == 0)
		reply_failure(&call, r, STR_NULL);
	finish(&call, r);
}

void api_refuse(struct api *api, struct request *rq, const struct api_request *in, enum err e,
    struct api_reply *ret)
{
	struct call call = { .api = api, .rq = rq, .in = in, .reply = ret };
	struct api_match match = { 0 };

	*ret = (struct api_reply){ 0 };
	if (in) {
		api_match(api, in, &match);
		call.route = match.route;
		/* Why the headers would be refused too no longer matters. */
		(void)!gates_identify(&call);
		forget_field_errors(rq);
	} else {
		rq->id = uuid_str(rq->arena, uuid_v4());
	}
	if (call.route)
		rq->operation = str_of(call.route->operation);
	reply_failure(&call, e, STR_NULL);
	finish(&call, e);
}
