#include "tests/unit/http/fake_api.h"

#include "base/clock.h"

void fake_api_init(struct api *api, const char *name)
{
	*api = (struct api){ .name = name };
	rt_latch_init(&api->gate);
}

void fake_api_done(struct api *api)
{
	rt_latch_done(&api->gate);
}

void fake_api_open(struct api *api)
{
	rt_latch_set(&api->gate);
}

void api_reply_header(
    struct request *rq, struct api_reply *reply, struct str name, struct str value)
{
	struct api_header *grown;

	if (reply->n_headers == reply->cap_headers) {
		reply->cap_headers = 2 * reply->cap_headers + 4;
		grown = ARENA_ARRAY(rq->arena, reply->cap_headers, struct api_header);
		if (reply->n_headers)
			memcpy(grown, reply->headers, reply->n_headers * sizeof(*grown));
		reply->headers = grown;
	}
	reply->headers[reply->n_headers++] = (struct api_header){ name, value };
}

void api_match(const struct api *api, const struct api_request *in, struct api_match *ret)
{
	(void)api;
	*ret = (struct api_match){ .where = API_INLINE };
	if (str_starts(in->path, STR("/coroutine/")))
		ret->where = API_COROUTINE;
	else if (str_starts(in->path, STR("/worker/")) || str_starts(in->path, STR("/uniform/")))
		ret->where = API_WORKER;
	ret->uniform = str_starts(in->path, STR("/uniform/"));
}

static struct str big(struct arena *arena, struct str size)
{
	int64_t n = 0;
	char *p;

	(void)str_to_i64(size, &n);
	p = arena_alloc(arena, (size_t)n + 1);
	for (int64_t i = 0; i < n; i++)
		p[i] = (char)('a' + i % 23);
	return str_bytes(p, (size_t)n);
}

static void wait_at_gate(struct api *api, struct request *rq)
{
	enum err r = rt_latch_wait(&api->gate, NEVER_US);

	if (r == OK && __atomic_load_n(&rq->cancelled, __ATOMIC_RELAXED))
		__atomic_add_fetch(&api->cancelled, 1, __ATOMIC_RELAXED);
}

void api_handle(struct api *api, struct request *rq, const struct api_request *in,
    const struct api_match *match, struct api_reply *ret)
{
	(void)match;
	__atomic_add_fetch(&api->begun, 1, __ATOMIC_RELAXED);
	ret->status = 200;
	ret->content_type = STR("text/plain");
	api_reply_header(rq, ret, STR("Server"), str_of(api->name));
	if (str_ends(in->path, STR("/wait")))
		wait_at_gate(api, rq);
	if (str_ends(in->path, STR("/big"))) {
		ret->body = big(rq->arena, in->query);
	} else if (str_ends(in->path, STR("/empty"))) {
		ret->status = 204;
	} else {
		if (str_ends(in->path, STR("/split")))
			api_reply_header(rq, ret, STR("X"), STR("1\r\nY: 2"));
		ret->body = str_printf(rq->arena, "%.*s %.*s?%.*s %.*s", STR_ARG(in->method_text),
		    STR_ARG(in->path), STR_ARG(in->query), STR_ARG(in->body));
	}
	__atomic_store_n(&api->arrived_us, rq->arrived_us, __ATOMIC_RELAXED);
	__atomic_store_n(&api->finished_us, now_mono_us(), __ATOMIC_RELAXED);
}

static int status_of(enum err e)
{
	if (e == ERR_TIMEOUT)
		return 408;
	if (e == ERR_TOO_LARGE)
		return 413;
	if (e == ERR_HEADERS_TOO_LARGE)
		return 431;
	return e == ERR_BAD_REQUEST ? 400 : 503;
}

void api_refuse(struct api *api, struct request *rq, const struct api_request *in, enum err e,
    struct api_reply *ret)
{
	__atomic_add_fetch(&api->refused, 1, __ATOMIC_RELAXED);
	ret->status = status_of(e);
	ret->content_type = STR("text/plain");
	ret->body = err_slug(e);
	if (in)
		ret->body =
		    str_printf(rq->arena, "%.*s: %.*s", STR_ARG(in->path), STR_ARG(ret->body));
	if (ret->status == 503)
		api_reply_header(rq, ret, STR("Retry-After"), STR("1"));
}
