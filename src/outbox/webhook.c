/* Webhooks, signed as standardwebhooks.com says, so that receivers find libraries for it. */
#include "base/clock.h"
#include "base/codec.h"
#include "outbox/outbox_priv.h"

/* Only the status of a reply is read. */
#define REPLY_MAX ((size_t)64 << 10)
#define GONE 410

/* "v1,BASE64", once for each secret: a receiver that knows either of two is served. */
static struct str sign(
    struct arena *arena, const struct sink *sink, struct str id, struct str at, struct str body)
{
	uint8_t mac[SHA256_SIZE];
	struct buf out;
	struct hmac h;

	buf_init(&out, arena, 128);
	for (size_t i = 0; i < sink->n_keys; i++) {
		hmac_begin(&h, &sink->keys[i]);
		hmac_add(&h, id);
		hmac_add(&h, STR("."));
		hmac_add(&h, at);
		hmac_add(&h, STR("."));
		hmac_add(&h, body);
		hmac_end(&h, mac);
		buf_printf(&out, "%sv1,%.*s", i > 0 ? " " : "",
		    STR_ARG(base64_encode(arena, str_bytes(mac, sizeof(mac)))));
	}
	return buf_str(&out);
}

/* Whatever it answers may be about the moment; only "gone" is for ever. */
static struct attempt judge(struct request *rq, const struct net_reply *reply)
{
	struct attempt attempt = { .result = ERR_UNAVAILABLE };
	int64_t seconds;

	if (reply->status >= 200 && reply->status < 300)
		return (struct attempt){ .result = OK };
	if (reply->status == GONE)
		attempt.result = ERR_FORBIDDEN;
	attempt.problem = str_printf(rq->arena, "The receiver answered %d.", reply->status);
	attempt.sink_down = reply->status == 429 || reply->status >= 502;
	if (str_to_i64(reply->retry_after, &seconds) && seconds > 0 && seconds < 86400)
		attempt.retry_after_us = seconds * US_PER_S;
	return attempt;
}

MAY_YIELD struct attempt webhook_send(struct outbox *o, const struct sink *sink, struct request *rq,
    const struct outbox_row *row, int64_t deadline_us)
{
	struct str id = uuid_str(rq->arena, row->event_id);
	struct str at = str_printf(rq->arena, "%lld", (long long)(now_wall_us() / US_PER_S));
	const struct net_header headers[] = {
		{ STR("Content-Type"), STR("application/json") },
		{ STR("webhook-id"), id },
		{ STR("webhook-timestamp"), at },
		{ STR("webhook-signature"), sign(rq->arena, sink, id, at, row->payload) },
	};
	const struct net_request in = {
		.method = STR("POST"),
		.url = sink->url,
		.headers = headers,
		.n_headers = ARRAY_LEN(headers),
		.body = row->payload,
		.max_reply = REPLY_MAX,
		.public_only = true,
	};
	int64_t patience_us = now_mono_us() + o->config.webhook_timeout_us;
	struct attempt attempt = { 0 };
	struct net_reply reply;

	if (patience_us < deadline_us)
		deadline_us = patience_us;
	attempt.result = net_fetch(o->deps.net, rq, &in, deadline_us, &reply);
	if (attempt.result == OK)
		return judge(rq, &reply);
	attempt.problem = reply.problem;
	attempt.sink_down = attempt.result == ERR_UNAVAILABLE || attempt.result == ERR_DEADLINE;
	return attempt;
}
