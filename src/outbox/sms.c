/* SMS by HTTP gateways: each kind is a row, how a message is posted to it and what its reply means.
 */
#include "base/clock.h"
#include "base/json.h"
#include "outbox/outbox_priv.h"

/* A gateway's reply is a small JSON object. */
#define REPLY_MAX ((size_t)64 << 10)
/* While it rests, the first gateway is tried after the other. */
#define REST_US (30 * US_PER_S)

/* One SMS on its way to one gateway. */
struct sms {
	struct request *rq;
	const struct sms_gateway *gateway;
	struct str to, text, user, key;
};

struct kind {
	const char *body;
	bool by_basic;          /* user and key as HTTP's own credentials */
	const char *key_header; /* or the key in a header of this name; NULL: neither */
	enum err (*judge)(struct request *rq, struct str reply); /* of a 2xx; NULL: it is taken */
};

/* It answers 201 whatever becomes of the message; each recipient has a code of his own. */
static enum err judge_africas_talking(struct request *rq, struct str reply)
{
	const struct json *json = NULL, *recipients;
	int64_t code;

	if (json_parse(rq->secrets, reply, &json) != OK)
		return ERR_UNAVAILABLE;
	recipients = json_get(json_get(json, "SMSMessageData"), "Recipients");
	if (json_array_length(recipients) == 0)
		return ERR_UNAVAILABLE;
	code = json_integer(json_get(json_array_at(recipients, 0), "statusCode"));
	if (code >= 100 && code <= 102)
		return OK;
	/* An invalid number, an unsupported one, one that asked not to be written to. */
	return code == 403 || code == 404 || code == 406 ? ERR_FORBIDDEN : ERR_UNAVAILABLE;
}

static const struct kind kinds[] = {
	[SMS_TWILIO] = { .body = "To={to}&From={from}&Body={text}", .by_basic = true },
	[SMS_TERMII] = { .body = "{\"api_key\":\"{key}\",\"to\":\"{digits}\",\"from\":\"{from}\","
				 "\"sms\":\"{text}\",\"type\":\"plain\",\"channel\":\"generic\"}" },
	[SMS_AFRICAS_TALKING] = { .body = "username={user}&to={to}&from={from}&message={text}",
	    .key_header = "apiKey",
	    .judge = judge_africas_talking },
	[SMS_TEMPLATE] = { .by_basic = true },
};

static bool is_unreserved(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

/* application/x-www-form-urlencoded, as the URL standard serialises it. */
static void add_to_form(struct buf *out, struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (is_unreserved(c))
			buf_add_char(out, c);
		else if (c == ' ')
			buf_add_char(out, '+');
		else
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
	}
}

/* Inside the quotes that the template has. */
static void add_to_json(struct buf *out, struct arena *arena, struct str value)
{
	struct json_writer w;
	struct buf quoted;

	buf_init(&quoted, arena, value.len + 16);
	json_writer_init(&w, &quoted);
	json_write_str(&w, value);
	buf_add(out, str_bytes(quoted.ptr + 1, quoted.len - 2));
}

/* The value of the placeholder @template begins with; @ret_len is how long that is, or 0. */
static struct str placeholder(const struct sms *sms, struct str template, size_t *ret_len)
{
	bool plus = str_starts(sms->to, STR("+"));
	const struct {
		struct str name, value;
	} known[] = {
		{ STR("{to}"), sms->to },
		{ STR("{digits}"), plus ? str_from(sms->to, 1) : sms->to },
		{ STR("{from}"), sms->gateway->from },
		{ STR("{text}"), sms->text },
		{ STR("{user}"), sms->user },
		{ STR("{key}"), sms->key },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		*ret_len = known[i].name.len;
		if (str_starts(template, known[i].name))
			return known[i].value;
	}
	*ret_len = 0;
	return STR_NULL;
}

static struct str fill_in(const struct sms *sms, struct str template, bool json)
{
	struct arena *secrets = sms->rq->secrets;
	struct str value;
	struct buf out;
	size_t len;

	buf_init(&out, secrets, 512);
	while (!str_empty(template)) {
		value = placeholder(sms, template, &len);
		if (len == 0)
			buf_add_char(&out, template.ptr[0]);
		else if (json)
			add_to_json(&out, secrets, value);
		else
			add_to_form(&out, value);
		template = str_from(template, len > 0 ? len : 1);
	}
	return buf_str(&out);
}

/* 401, 407, 408 and 425 are about our settings or the moment, not about this message. */
static enum err judge_status(int status)
{
	if (status >= 200 && status < 300)
		return OK;
	if (status >= 400 && status < 500 && status != 401 && status != 407 && status != 408 &&
	    status != 425 && status != 429)
		return ERR_FORBIDDEN;
	return ERR_UNAVAILABLE;
}

static void judge(struct sms *sms, const struct net_reply *reply, struct attempt *ret)
{
	const struct kind *kind = &kinds[sms->gateway->kind];
	int64_t seconds;

	ret->result = judge_status(reply->status);
	if (ret->result != OK)
		ret->problem =
		    str_printf(sms->rq->arena, "The SMS gateway answered %d.", reply->status);
	else if (kind->judge && (ret->result = kind->judge(sms->rq, reply->body)) != OK)
		ret->problem = STR("The SMS gateway did not take it.");
	if (str_to_i64(reply->retry_after, &seconds) && seconds > 0 && seconds < 86400)
		ret->retry_after_us = seconds * US_PER_S;
}

MAY_YIELD static struct attempt post(struct outbox *o, struct sms *sms, int64_t deadline_us)
{
	const struct sms_gateway *gateway = sms->gateway;
	const struct kind *kind = &kinds[gateway->kind];
	struct str template = kind->body ? str_of(kind->body) : gateway->body;
	bool json = str_starts(template, STR("{\""));
	const struct net_header headers[] = {
		{ STR("Content-Type"),
		    json ? STR("application/json") : STR("application/x-www-form-urlencoded") },
		{ STR("Accept"), STR("application/json") },
		{ str_of(kind->key_header), sms->key },
	};
	const struct net_request in = {
		.method = STR("POST"),
		.url = gateway->url,
		.headers = headers,
		.n_headers = kind->key_header ? 3 : 2,
		.body = fill_in(sms, template, json),
		.anonymous = !kind->by_basic,
		.max_reply = REPLY_MAX,
	};
	struct attempt attempt = { 0 };
	struct net_reply reply;

	attempt.result = net_fetch(o->deps.net, sms->rq, &in, deadline_us, &reply);
	attempt.problem = reply.problem;
	if (attempt.result == OK)
		judge(sms, &reply, &attempt);
	return attempt;
}

MAY_YIELD static struct attempt try_gateway(
    struct outbox *o, struct sms *sms, size_t i, int64_t deadline_us)
{
	struct secret user, key;

	sms->gateway = &o->config.sms[i];
	net_url_credentials(sms->rq, sms->gateway->url, &user, &key);
	sms->user = secret_reveal(user);
	sms->key = secret_reveal(key);
	return post(o, sms, deadline_us);
}

/* For ever only when nobody would ever take it. */
static struct attempt put_together(struct attempt a, struct attempt b)
{
	if (b.result == OK || a.result == ERR_FORBIDDEN)
		return b;
	return a;
}

MAY_YIELD struct attempt sms_send(
    struct outbox *o, struct request *rq, struct str to, struct str text, int64_t deadline_us)
{
	struct sms sms = { .rq = rq, .to = to, .text = text };
	int64_t now_us = now_mono_us();
	bool rests = __atomic_load_n(&o->sms_rest_until_us, __ATOMIC_ACQUIRE) > now_us;
	struct attempt first;
	size_t i;

	if (str_empty(o->config.sms[1].url))
		return try_gateway(o, &sms, 0, deadline_us);
	i = rests ? 1 : 0;
	first = try_gateway(o, &sms, i, now_us + (deadline_us - now_us) / 2);
	if (first.result == OK || first.result == ERR_SHUTDOWN)
		return first;
	if (i == 0 && first.result != ERR_FORBIDDEN)
		__atomic_store_n(&o->sms_rest_until_us, now_mono_us() + REST_US, __ATOMIC_RELEASE);
	return put_together(first, try_gateway(o, &sms, 1 - i, deadline_us));
}
