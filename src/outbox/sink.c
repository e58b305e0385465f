#include "outbox/sink.h"

#include "base/codec.h"
#include "outbox/event.h"

/* Deliveries on their way at once. */
#define MESSAGES_AT_ONCE 16
#define EVENTS_AT_ONCE 8
#define NAME_MAX_BYTES 32
/* What Standard Webhooks asks of a secret. */
#define SECRET_MIN 24
#define SECRET_MAX 64

struct parser {
	struct sinks *sinks;
	struct arena *arena;
	struct str problem;
};

static bool refuse(struct parser *p, const char *setting, const char *what, struct str name)
{
	p->problem = str_printf(p->arena, "webhook.%s: %.*s %s.", setting, STR_ARG(name), what);
	return false;
}

/* "name=value" taken apart; @ret_name is empty when it is not that. */
static void split(struct str entry, struct str *ret_name, struct str *ret_value)
{
	ssize_t equals = str_find(entry, '=');

	*ret_name = equals > 0 ? str_trim(str_upto(entry, (size_t)equals)) : STR_NULL;
	*ret_value = equals > 0 ? str_trim(str_from(entry, (size_t)equals + 1)) : STR_NULL;
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return s.len > 0 && s.len <= NAME_MAX_BYTES;
}

static struct sink *webhook_named(struct sinks *sinks, struct str name)
{
	for (size_t i = 0; i < sinks->n; i++) {
		if (sinks->v[i].kind == SINK_WEBHOOK && str_eq(sinks->v[i].own_name, name))
			return &sinks->v[i];
	}
	return NULL;
}

/* Credentials in the URL would end up in listings; receivers know us by the signature. */
static bool has_userinfo(struct str url)
{
	struct str rest = str_from(url, (size_t)str_find(url, ':') + 3);

	for (size_t i = 0; i < rest.len && !strchr("/?#", rest.ptr[i]); i++) {
		if (rest.ptr[i] == '@')
			return true;
	}
	return false;
}

static bool add_url(struct parser *p, struct str name, struct str url)
{
	struct sinks *sinks = p->sinks;

	if (!is_name(name))
		return refuse(
		    p, "urls", "is no name of small letters, digits, - and _, at most 32", name);
	if (webhook_named(sinks, name))
		return refuse(p, "urls", "is there twice", name);
	if (sinks->n == SINKS_MAX)
		return refuse(p, "urls", "is one too many; there may be eight", name);
	if ((!str_starts(url, STR("https://")) && !str_starts(url, STR("http://"))) ||
	    has_userinfo(url))
		return refuse(p, "urls", "needs a URL like https://shop.example/hooks", name);
	sinks->v[sinks->n++] = (struct sink){
		.name = str_printf(p->arena, "webhook:%.*s", STR_ARG(name)),
		.kind = SINK_WEBHOOK,
		.own_name = name,
		.url = url,
	};
	return true;
}

static bool add_secret(struct parser *p, struct str name, struct str text)
{
	struct sink *sink = webhook_named(p->sinks, name);
	struct arena *wiping = arena_new(ARENA_WIPING, 512);
	struct str bytes = STR_NULL;
	bool usable;

	if (str_starts(text, STR("whsec_")))
		text = str_from(text, 6);
	usable = base64_decode(wiping, text, &bytes) && bytes.len >= SECRET_MIN &&
		 bytes.len <= SECRET_MAX;
	if (sink && usable && sink->n_keys < SINK_SECRETS_MAX)
		hmac_key_init(&sink->keys[sink->n_keys++], secret_of(bytes));
	else
		usable = false;
	arena_free(&wiping);
	if (usable)
		return true;
	if (!sink)
		return refuse(p, "secrets", "is not in webhook.urls", name);
	return refuse(p, "secrets",
	    "needs one or two secrets of 24 to 64 bytes, written whsec_ and base64", name);
}

static bool add_events(struct parser *p, struct str name, struct str pattern)
{
	struct sink *sink = webhook_named(p->sinks, name);

	if (!sink)
		return refuse(p, "events", "is not in webhook.urls", name);
	if (!event_pattern_known(pattern))
		return refuse(p, "events", "is no event or group of events", pattern);
	sink->chooses = true;
	return true;
}

static bool each_entry(struct parser *p, const char *setting, struct str list,
    bool (*add)(struct parser *p, struct str name, struct str value))
{
	struct str entry, name, value;

	while (str_next_token(&list, ',', &entry)) {
		split(entry, &name, &value);
		if (str_empty(name) || str_empty(value))
			return refuse(p, setting, "is a list of NAME=VALUE, separated by commas",
			    STR("this"));
		if (!add(p, name, value))
			return false;
	}
	return true;
}

static bool all_signed(struct parser *p)
{
	for (size_t i = 0; i < p->sinks->n; i++) {
		const struct sink *sink = &p->sinks->v[i];

		if (sink->kind == SINK_WEBHOOK && sink->n_keys == 0)
			return refuse(p, "secrets", "has no secret to sign with", sink->own_name);
	}
	return true;
}

enum err sinks_init(struct sinks *sinks, const struct outbox_config *config, struct arena *arena,
    struct str *ret_problem)
{
	struct parser p = { .sinks = sinks, .arena = arena };
	bool good;

	*sinks = (struct sinks){ .n = 2 };
	sinks->v[0] = (struct sink){ .kind = SINK_EMAIL, .name = channel_name(CHANNEL_EMAIL) };
	sinks->v[1] = (struct sink){ .kind = SINK_SMS, .name = channel_name(CHANNEL_SMS) };
	good = each_entry(&p, "urls", config->webhook_urls, add_url) &&
	       each_entry(&p, "secrets", secret_reveal(config->webhook_secrets), add_secret) &&
	       each_entry(&p, "events", config->webhook_events, add_events) && all_signed(&p);
	for (size_t i = 0; i < sinks->n; i++)
		sinks->v[i].events = config->webhook_events;
	*ret_problem = p.problem;
	return good ? OK : ERR_VALIDATION_FAILED;
}

void sinks_done(struct sinks *sinks)
{
	wipe(sinks, sizeof(*sinks));
}

bool sink_wants(const struct sink *sink, struct str type)
{
	struct str rest = sink->events, entry, name, pattern;

	if (sink->kind != SINK_WEBHOOK)
		return false;
	while (sink->chooses && str_next_token(&rest, ',', &entry)) {
		split(entry, &name, &pattern);
		if (str_eq(name, sink->own_name) && event_matches(type, pattern))
			return true;
	}
	return !sink->chooses;
}

int64_t sink_room(const struct sink *sink, int64_t now_us)
{
	int64_t in_flight = (int64_t)__atomic_load_n(&sink->in_flight, __ATOMIC_ACQUIRE);
	int64_t most = sink->kind == SINK_WEBHOOK ? EVENTS_AT_ONCE : MESSAGES_AT_ONCE;

	if (__atomic_load_n(&sink->rest_until_us, __ATOMIC_ACQUIRE) > now_us)
		return 0;
	/* After a rest one delivery finds out whether it is back. */
	if (sink_failures(sink) > 0)
		most = 1;
	return in_flight < most ? most - in_flight : 0;
}

void sink_worked(struct sink *sink)
{
	__atomic_store_n(&sink->failures, 0, __ATOMIC_RELEASE);
}

void sink_failed(struct sink *sink, int64_t rest_until_us)
{
	__atomic_add_fetch(&sink->failures, 1, __ATOMIC_ACQ_REL);
	__atomic_store_n(&sink->rest_until_us, rest_until_us, __ATOMIC_RELEASE);
}

unsigned sink_failures(const struct sink *sink)
{
	return __atomic_load_n(&sink->failures, __ATOMIC_ACQUIRE);
}
