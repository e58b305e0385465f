#include "main/config_rules.h"

#include "service/consents.h"
#include "service/flow.h"
#include "service/identifier.h"

typedef struct str rule(struct arena *arena, const struct config *config);

/* Is @url scheme://host[:port] and nothing more? */
static bool is_origin(struct str url, bool http_too)
{
	struct str rest;

	if (str_starts(url, STR("https://")))
		rest = str_from(url, 8);
	else if (http_too && str_starts(url, STR("http://")))
		rest = str_from(url, 7);
	else
		return false;
	for (size_t i = 0; i < rest.len; i++)
		if (rest.ptr[i] <= ' ' || strchr("/?#@\\\"<>*,", rest.ptr[i]))
			return false;
	return rest.len > 0;
}

static struct str public_url(struct arena *arena, const struct config *c)
{
	(void)arena;
	if (!str_empty(c->api.public_url) && !is_origin(c->api.public_url, c->dev))
		return STR("public_url must be like https://auth.example.com, without a path.");
	return STR_NULL;
}

static size_t count_marks(struct str text, struct str mark)
{
	size_t n = 0;

	for (; text.len >= mark.len; text = str_from(text, 1))
		n += str_starts(text, mark);
	return n;
}

/* Whoever clicks the link hands the page a key: its host is one the operator wrote down. */
static struct str reset_url(struct arena *arena, const struct config *c)
{
	struct str url = c->service.reset_url;
	ssize_t slash = str_find(str_from(url, strlen("https://")), '/');
	struct str origin = str_upto(url, slash < 0 ? 0 : strlen("https://") + (size_t)slash);

	(void)arena;
	if (str_empty(url) ||
	    (is_origin(origin, c->dev) && str_find(origin, '{') < 0 && str_find(url, ' ') < 0 &&
		count_marks(url, FLOW_LINK_ID) == 1 && count_marks(url, FLOW_LINK_TOKEN) == 1))
		return STR_NULL;
	return STR("password.reset_url must be like "
		   "https://shop.example.com/reset/{uidb64}/{token}.");
}

static struct str cors_origins(struct arena *arena, const struct config *c)
{
	struct str rest = c->api.cors_origins, origin;

	while (str_next_token(&rest, ',', &origin)) {
		origin = str_trim(origin);
		if (!is_origin(origin, true))
			return str_printf(arena,
			    "cors.origins: %.*s is not an origin like https://shop.example.com.",
			    STR_ARG(origin));
	}
	return STR_NULL;
}

static struct str tls_files(struct arena *arena, const struct config *c)
{
	(void)arena;
	if (c->tls_listen.host[0] && (str_empty(c->tls.certificate) || str_empty(c->tls.key)))
		return STR("tls.listen needs tls.certificate and tls.key.");
	return STR_NULL;
}

static bool is_network(struct str text)
{
	ssize_t slash = str_find(text, '/');
	struct str host = slash < 0 ? text : str_upto(text, (size_t)slash);
	struct client_address address;
	int64_t bits = 0;

	if (slash >= 0 && !str_to_i64(str_from(text, (size_t)slash + 1), &bits))
		return false;
	return client_address_parse(host, &address) && bits >= 0 &&
	       bits <= (str_find(host, ':') >= 0 ? 128 : 32);
}

static struct str trusted_proxies(struct arena *arena, const struct config *c)
{
	struct str rest = c->api.trusted_proxies, network;

	while (str_next_token(&rest, ',', &network)) {
		network = str_trim(network);
		if (!is_network(network))
			return str_printf(arena,
			    "trusted_proxies: %.*s is not a network like 10.0.0.0/8.",
			    STR_ARG(network));
	}
	return STR_NULL;
}

static struct str default_country(struct arena *arena, const struct config *c)
{
	struct str country = c->service.default_country;

	if (!str_empty(country) && !identifier_country_known(country))
		return str_printf(arena, "default_country: %.*s is not a country code like NG.",
		    STR_ARG(country));
	return STR_NULL;
}

static struct str forwarder(struct arena *arena, const struct config *c)
{
	(void)arena;
	if (c->api.forwarder.len > 0 && c->api.forwarder.len < 16)
		return STR("forwarder.secret must be at least 16 bytes long.");
	return STR_NULL;
}

static struct str lifetimes(struct arena *arena, const struct config *c)
{
	(void)arena;
	if (c->service.access_ttl_us > c->service.refresh_ttl_us)
		return STR("token.access_ttl must not be longer than token.refresh_ttl.");
	if (c->service.refresh_ttl_us > c->service.session_ttl_us)
		return STR("token.refresh_ttl must not be longer than session.ttl.");
	if (c->service.otp_ttl_us > c->service.otp_flow_ttl_us)
		return STR("otp.ttl must not be longer than otp.flow_ttl.");
	if (c->outbox.first_retry_us > c->outbox.last_retry_us)
		return STR("outbox.first_retry must not be longer than outbox.last_retry.");
	return STR_NULL;
}

static struct str test_recipients(struct arena *arena, const struct config *c)
{
	(void)arena;
	if (!str_empty(c->service.otp_test_recipients) && !c->dev &&
	    !str_eq(c->service.environment, STR("staging")))
		return STR("otp.test_recipients is for environment = staging only.");
	return STR_NULL;
}

static struct str senders(struct arena *arena, const struct config *c)
{
	const struct outbox_config *o = &c->outbox;

	if (!str_empty(o->smtp_url) && !str_starts(o->smtp_url, STR("smtp://")) &&
	    !str_starts(o->smtp_url, STR("smtps://")))
		return STR("smtp.url must begin with smtp:// or smtps://.");
	if (!str_empty(o->smtp_url) && str_empty(o->mail_from))
		return STR("mail.from must be set together with smtp.url.");
	return outbox_check_webhooks(arena, o);
}

static struct str issuers(struct arena *arena, const struct config *c)
{
	for (size_t i = 0; i < PROVIDER_COUNT; i++) {
		struct str url = c->service.providers[i].issuer;

		if (str_ends(url, STR("/")) || !(str_starts(url, STR("https://")) ||
						   (c->dev && str_starts(url, STR("http://")))))
			return str_printf(arena,
			    "%.*s.issuer must begin with https:// and not end with a slash.",
			    STR_ARG(provider_name((enum provider_id)i)));
	}
	return STR_NULL;
}

static struct str revert_url(struct arena *arena, const struct config *c)
{
	struct str url = c->service.revert_url, mark = STR("{token}");

	(void)arena;
	if (str_empty(url))
		return STR_NULL;
	if (!str_starts(url, STR("https://")) && !(c->dev && str_starts(url, STR("http://"))))
		return STR("account.revert_url must begin with https://.");
	if (!memmem(url.ptr, url.len, mark.ptr, mark.len))
		return STR("account.revert_url must have {token} in it.");
	return STR_NULL;
}

static struct str consents(struct arena *arena, const struct config *c)
{
	struct consent_given ignored[CONSENTS_MAX];

	(void)arena;
	if (consents_parse(c->service.consents_required, ignored) < 0)
		return STR("consents.required: write DOCUMENT:VERSION, separated by commas.");
	return STR_NULL;
}

static struct str gateways(struct arena *arena, const struct config *c)
{
	static const char *const names[SMS_GATEWAYS] = { "sms.", "sms.fallback_" };

	if (str_empty(c->outbox.sms[0].url) && !str_empty(c->outbox.sms[1].url))
		return STR("sms.fallback_url is for beside sms.url; set that first.");
	for (size_t i = 0; i < SMS_GATEWAYS; i++) {
		const struct sms_gateway *g = &c->outbox.sms[i];

		if (str_empty(g->url))
			continue;
		if (!str_starts(g->url, STR("https://")) &&
		    !(c->dev && str_starts(g->url, STR("http://"))))
			return str_printf(arena, "%surl must begin with https://.", names[i]);
		if (str_empty(g->from))
			return str_printf(
			    arena, "%sfrom must be set together with %surl.", names[i], names[i]);
		if ((g->kind == SMS_TEMPLATE) == str_empty(g->body))
			return str_printf(arena,
			    "%sbody must be set for %sgateway = template, and only for it.",
			    names[i], names[i]);
	}
	return STR_NULL;
}

static struct str database(struct arena *arena, const struct config *c)
{
	(void)arena;
	if (!str_starts(c->store.url, STR("sqlite:")) &&
	    !str_starts(c->store.url, STR("postgresql://")))
		return STR("database.url must be sqlite:PATH or postgresql://USER@HOST/NAME.");
	return STR_NULL;
}

static struct str shared_limits(struct arena *arena, const struct config *c)
{
	return kv_check_url(arena, c->kv.url);
}

/* "shop:secret,ads:secret": each name once, plain; each secret long enough not to be guessed. */
static struct str audit_services(struct arena *arena, const struct config *c)
{
	struct str rest = secret_reveal(c->service.audit_services), one;

	(void)arena;
	while (str_next_token(&rest, ',', &one)) {
		ssize_t colon = str_find(str_trim(one), ':');
		struct str name = str_upto(str_trim(one), colon < 0 ? 0 : (size_t)colon);

		for (size_t i = 0; i < name.len; i++)
			if (!(name.ptr[i] >= 'a' && name.ptr[i] <= 'z') && name.ptr[i] != '_')
				name = STR_NULL;
		if (str_empty(name) || str_trim(one).len - name.len - 1 < 16)
			return STR("audit.services must be like name:secret, the name of small "
				   "letters, the secret at least 16 bytes long.");
	}
	return STR_NULL;
}

static rule *const rules[] = {
	database,
	shared_limits,
	public_url,
	reset_url,
	cors_origins,
	trusted_proxies,
	tls_files,
	default_country,
	forwarder,
	lifetimes,
	test_recipients,
	consents,
	revert_url,
	senders,
	audit_services,
	gateways,
	issuers,
};

struct str config_check(struct arena *arena, const struct config *config)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct str problem = rules[i](arena, config);

		if (!str_empty(problem))
			return problem;
	}
	return STR_NULL;
}
