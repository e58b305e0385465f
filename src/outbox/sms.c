#include "outbox/outbox_priv.h"

/* A gateway's reply is a small JSON object, which only its status code tells us anything of. */
#define REPLY_MAX ((size_t)64 << 10)

static bool is_unreserved(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

/* application/x-www-form-urlencoded, as the URL standard serialises it. */
static void add_field(struct buf *out, const char *name, struct str value)
{
	buf_printf(out, "%s%s=", out->len > 0 ? "&" : "", name);
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

/* 401, 407, 408 and 425 are about our settings or the moment, not about this message. */
static enum err judge(int status)
{
	if (status >= 200 && status < 300)
		return OK;
	if (status >= 400 && status < 500 && status != 401 && status != 407 && status != 408 &&
	    status != 425 && status != 429)
		return ERR_FORBIDDEN;
	return ERR_UNAVAILABLE;
}

MAY_YIELD struct attempt sms_send(
    struct outbox *o, struct request *rq, struct str to, struct str text, int64_t deadline_us)
{
	const struct net_header type = {
		STR("Content-Type"),
		STR("application/x-www-form-urlencoded"),
	};
	struct net_request in = {
		.method = STR("POST"),
		.url = o->config.sms_url,
		.headers = &type,
		.n_headers = 1,
		.max_reply = REPLY_MAX,
	};
	struct attempt attempt = { 0 };
	struct net_reply reply;
	struct buf form;
	int64_t seconds;

	buf_init(&form, rq->secrets, 512);
	add_field(&form, "To", to);
	add_field(&form, "From", o->config.sms_from);
	add_field(&form, "Body", text);
	in.body = buf_str(&form);
	attempt.result = net_fetch(o->deps.net, rq, &in, deadline_us, &reply);
	attempt.problem = reply.problem;
	if (attempt.result != OK)
		return attempt;
	attempt.result = judge(reply.status);
	if (attempt.result != OK)
		attempt.problem =
		    str_printf(rq->arena, "The SMS gateway answered %d.", reply.status);
	if (str_to_i64(reply.retry_after, &seconds) && seconds > 0 && seconds < 86400)
		attempt.retry_after_us = seconds * US_PER_S;
	return attempt;
}
