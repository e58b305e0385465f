/* For whoever runs the server: is it alive, is it ready, what does it do. */
#include "api/api_priv.h"
#include "api/tables.h"

struct health_reply {
	struct str status;
};

static const struct field health_fields[] = {
	{ MEMBER(struct health_reply, status), .example = "ok", .doc = "Always ok." },
	{ 0 },
};
static const struct schema health_schema = {
	.name = "Health",
	.size = sizeof(struct health_reply),
	.fields = health_fields,
	.doc = "The server answers.",
};

static enum err health_get(struct request *rq, const void *in, void *ret_out)
{
	struct health_reply *reply = ret_out;

	(void)rq;
	(void)in;
	reply->status = STR("ok");
	return OK;
}

static void ready_get(
    struct api *api, struct request *rq, const struct api_request *in, struct api_reply *reply)
{
	struct str why_not = STR_NULL;
	struct json_writer w;
	struct buf body;

	if (api->probe.ready && !api->probe.ready(api->probe.arg, rq->arena, &why_not)) {
		reply_raw_failure(api, rq, in,
		    fault(rq, ERR_UNAVAILABLE, "not ready: %.*s", STR_ARG(why_not)), reply);
		return;
	}
	buf_init(&body, rq->arena, 128);
	json_writer_init(&w, &body);
	reply_begin(&w, rq->locale, TEXT_OK);
	schema_encode(&w, &health_schema, &(struct health_reply){ STR("ok") });
	reply_end(&w);
	reply->status = 200;
	reply->content_type = STR("application/json");
	reply->body = buf_str(&body);
}

static void metrics_get(
    struct api *api, struct request *rq, const struct api_request *in, struct api_reply *reply)
{
	struct buf out;

	(void)in;
	buf_init(&out, rq->arena, 65536);
	metrics_write(&out);
	if (api->probe.metrics)
		api->probe.metrics(api->probe.arg, &out);
	reply->status = 200;
	reply->content_type = STR("text/plain; version=0.0.4; charset=utf-8");
	reply->body = buf_str(&out);
}

const struct route operator_routes[] = {
	{
	    .method = METHOD_GET,
	    .path = "/healthz",
	    .mount = MOUNT_ROOT,
	    .is_inline = true,
	    .operation = "health",
	    .tag = "Operation",
	    .summary = "Is the process alive?",
	    .doc = "Answered by the loop itself; it touches no store.",
	    .success = 200,
	    .message = TEXT_OK,
	    .reply = &health_schema,
	    .handler = health_get,
	},
	{
	    .method = METHOD_GET,
	    .path = "/readyz",
	    .mount = MOUNT_ROOT,
	    .is_inline = true,
	    .operation = "ready",
	    .tag = "Operation",
	    .summary = "Can it serve?",
	    .doc = "503 while the store is away or the server is going down.",
	    .success = 200,
	    .reply = &health_schema,
	    .raw = ready_get,
	    .errors = (const enum err[]){ ERR_UNAVAILABLE, OK },
	},
	{
	    .method = METHOD_GET,
	    .path = "/metrics",
	    .mount = MOUNT_METRICS,
	    .is_inline = true,
	    .operation = "metrics",
	    .tag = "Operation",
	    .summary = "Counters for Prometheus",
	    .doc = "On the metrics listener only.",
	    .success = 200,
	    .media = "text/plain",
	    .raw = metrics_get,
	},
	{ 0 },
};
