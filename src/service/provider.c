#include "service/provider.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/http_client.h"
#include "service/service.h"

#define REDEEM_US (5 * US_PER_S)
#define REPLY_MAX ((size_t)64 * 1024)
#define AFTER_FAILURE_US (5 * US_PER_S)

static const struct str names[PROVIDER_COUNT] = {
	[PROVIDER_GOOGLE] = STR_INIT("google"),
};

struct str provider_name(enum provider_id id)
{
	return names[id];
}

void providers_open(const struct provider_config configs[static PROVIDER_COUNT], struct net *net,
    struct provider ret[static PROVIDER_COUNT])
{
	for (size_t i = 0; i < PROVIDER_COUNT; i++) {
		ret[i] = (struct provider){ .name = names[i], .config = &configs[i] };
		if (!str_empty(configs[i].client_ids))
			ret[i].issuer = issuer_new(configs[i].issuer, net);
	}
}

void providers_close(struct provider providers[static PROVIDER_COUNT])
{
	for (size_t i = 0; i < PROVIDER_COUNT; i++)
		issuer_free(&providers[i].issuer);
}

/* --- the token endpoint --- */

static void add_parameter(struct buf *form, const char *name, struct str value)
{
	static const char digits[] = "0123456789ABCDEF";

	if (form->len > 0)
		buf_add_char(form, '&');
	buf_add(form, str_of(name));
	buf_add_char(form, '=');
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c)) {
			buf_add_char(form, (char)c);
			continue;
		}
		buf_add_char(form, '%');
		buf_add_char(form, digits[c >> 4]);
		buf_add_char(form, digits[c & 15]);
	}
}

static struct str first_client(const struct provider *provider)
{
	struct str rest = provider->config->client_ids, first = STR_NULL;

	(void)!str_next_token(&rest, ',', &first);
	return str_trim(first);
}

static struct str token_form(
    struct request *rq, const struct provider *provider, const struct code_grant *grant)
{
	struct buf form;

	buf_init(&form, rq->secrets, 1024);
	add_parameter(&form, "grant_type", STR("authorization_code"));
	add_parameter(&form, "code", secret_reveal(grant->code));
	add_parameter(&form, "code_verifier", secret_reveal(grant->verifier));
	add_parameter(&form, "redirect_uri", grant->redirect_uri);
	add_parameter(&form, "client_id", first_client(provider));
	if (provider->config->client_secret.len > 0)
		add_parameter(
		    &form, "client_secret", secret_reveal(provider->config->client_secret));
	return buf_str(&form);
}

static enum err read_reply(struct request *rq, const struct net_reply *reply, struct str *ret)
{
	const struct json *tree;

	/* A refusal is about this code (RFC 6749 5.2); anything else is trouble on their side. */
	if (reply->status == 400 || reply->status == 401 || reply->status == 403)
		return fault(rq, ERR_IDENTITY_INVALID, "the provider refused the code: status %d",
		    reply->status);
	if (reply->status == 200 && json_parse(rq->secrets, reply->body, &tree) == OK) {
		*ret = json_string(json_get(tree, "id_token"));
		return OK;
	}
	rq->retry_after_us = AFTER_FAILURE_US;
	return fault(
	    rq, ERR_UNAVAILABLE, "the provider's token endpoint answers %d", reply->status);
}

enum err provider_redeem(struct request *rq, struct net *net, const struct provider *provider,
    const struct code_grant *grant, struct str *ret)
{
	static const struct net_header headers[] = {
		{ STR_INIT("Content-Type"), STR_INIT("application/x-www-form-urlencoded") },
		{ STR_INIT("Accept"), STR_INIT("application/json") },
	};
	struct net_request in = {
		.method = STR("POST"),
		.headers = headers,
		.n_headers = ARRAY_LEN(headers),
		.max_reply = REPLY_MAX,
	};
	struct issuer_endpoints endpoints;
	struct net_reply reply;
	enum err e = issuer_endpoints(provider->issuer, rq, &endpoints);

	if (e != OK)
		return e;
	in.url = endpoints.token;
	in.body = token_form(rq, provider, grant);
	e = net_fetch(net, rq, &in, now_mono_us() + REDEEM_US, &reply);
	if (e == OK)
		return read_reply(rq, &reply, ret);
	rq->retry_after_us = AFTER_FAILURE_US;
	return fault(rq, e == ERR_DEADLINE ? ERR_UNAVAILABLE : e, "token endpoint: %.*s",
	    STR_ARG(reply.problem));
}

/* --- the background --- */

static int64_t refresh_all(struct service *service)
{
	int64_t next_us = NEVER_US;
	struct request rq;

	request_init(&rq, service, now_mono_us() + 30 * US_PER_S);
	rq.operation = STR("issuer_keys");
	for (size_t i = 0; i < PROVIDER_COUNT; i++) {
		int64_t due_us;

		if (!service->providers[i].issuer)
			continue;
		due_us = issuer_refresh_due(service->providers[i].issuer, &rq);
		next_us = due_us < next_us ? due_us : next_us;
	}
	request_done(&rq);
	return next_us;
}

void providers_refresh_loop(void *arg)
{
	struct service *service = arg;
	int64_t next_us;

	do
		next_us = refresh_all(service);
	while (next_us != NEVER_US && rt_sleep_until(next_us) == OK);
}
