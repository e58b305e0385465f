#include "service/issuer.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/jws.h"
#include "net/http_client.h"

/* One fetch, discovery and keys together. */
#define FETCH_US (2 * US_PER_S)
#define REPLY_MAX ((size_t)256 * 1024)
/* How long keys are fresh: what Cache-Control says, within reason. */
#define FRESH_DEFAULT_US (5 * US_PER_MIN)
#define FRESH_MIN_US (5 * US_PER_S)
#define FRESH_MAX_US US_PER_DAY
/* An issuer that is away keeps its keys this long beyond their time, not for ever. */
#define STALE_MAX_US US_PER_DAY
/* Endpoints hardly ever move. */
#define ENDPOINTS_FRESH_US US_PER_HOUR
/* How often a kid that is not there may make us ask again. */
#define UNKNOWN_KID_EVERY_US US_PER_MIN
/* How long the answer "it does not answer" is given without asking. */
#define AFTER_FAILURE_US (5 * US_PER_S)
#define BACKGROUND_RETRY_US (10 * US_PER_S)

/* A fetch under way; counted, so that it outlives whoever began it. */
struct flight {
	struct rt_latch landed;
	unsigned refs; /* under the issuer's lock */
	enum err result;
};

struct issuer {
	struct str url;
	struct net *net;
	pthread_mutex_t lock;

	/* Under the lock. */
	struct flight *flight; /* NULL: none is under way */
	int64_t tried_at_us;   /* when the last one ended; 0: never tried */
	bool failed;           /* did it? */
	struct jwk_set *keys;  /* NULL: none yet */
	int64_t fresh_until_us;
	struct arena *arena; /* of @endpoints and @keys_url; NULL: not discovered yet */
	struct issuer_endpoints endpoints;
	struct str keys_url;
	int64_t discovered_at_us;
};

struct issuer *issuer_new(struct str url, struct net *net)
{
	struct issuer *issuer = calloc(1, sizeof(*issuer));
	char *copy = strndup(url.ptr, url.len);

	if (!issuer || !copy)
		die("out of memory");
	issuer->url = str_of(copy);
	issuer->net = net;
	pthread_mutex_init(&issuer->lock, NULL);
	return issuer;
}

void issuer_free(struct issuer **issuer)
{
	struct issuer *gone = *issuer;

	*issuer = NULL;
	if (!gone)
		return;
	jwk_set_unref(&gone->keys);
	arena_free(&gone->arena);
	pthread_mutex_destroy(&gone->lock);
	free((void *)(uintptr_t)gone->url.ptr);
	free(gone);
}

struct str issuer_url(const struct issuer *issuer)
{
	return issuer->url;
}

/* --- fetching --- */

static enum err get(struct issuer *issuer, struct request *rq, struct str url, int64_t deadline_us,
    struct net_reply *ret)
{
	const struct net_header accept = { STR("Accept"), STR("application/json") };
	const struct net_request in = {
		.method = STR("GET"),
		.url = url,
		.headers = &accept,
		.n_headers = 1,
		.max_reply = REPLY_MAX,
	};
	enum err e = net_fetch(issuer->net, rq, &in, deadline_us, ret);

	if (e == OK && ret->status != 200) {
		ret->problem = STR("The answer is not 200.");
		e = ERR_UNAVAILABLE;
	}
	if (e != OK)
		log_warning("issuer %.*s: %.*s", STR_ARG(issuer->url), STR_ARG(ret->problem));
	return e;
}

/* https, or http where the issuer itself is: on loopback, in tests. */
static bool is_endpoint(const struct issuer *issuer, struct str url)
{
	return str_starts(url, STR("https://")) ||
	       (str_starts(issuer->url, STR("http://")) && str_starts(url, STR("http://")));
}

static void keep_endpoints(struct issuer *issuer, const struct json *document)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 1024), *old;
	struct issuer_endpoints endpoints = {
		.authorization =
		    str_dup(arena, json_string(json_get(document, "authorization_endpoint"))),
		.token = str_dup(arena, json_string(json_get(document, "token_endpoint"))),
	};
	struct str keys_url = str_dup(arena, json_string(json_get(document, "jwks_uri")));

	pthread_mutex_lock(&issuer->lock);
	old = issuer->arena;
	issuer->arena = arena;
	issuer->endpoints = endpoints;
	issuer->keys_url = keys_url;
	issuer->discovered_at_us = now_mono_us();
	pthread_mutex_unlock(&issuer->lock);
	arena_free(&old);
}

static enum err discover(struct issuer *issuer, struct request *rq, int64_t deadline_us)
{
	const struct json *document;
	struct net_reply reply;
	struct str url =
	    str_printf(rq->arena, "%.*s/.well-known/openid-configuration", STR_ARG(issuer->url));
	enum err e = get(issuer, rq, url, deadline_us, &reply);

	if (e != OK)
		return e;
	/* The document must be this issuer's own (Discovery 4.3). */
	if (json_parse(rq->arena, reply.body, &document) != OK ||
	    !str_eq(json_string(json_get(document, "issuer")), issuer->url) ||
	    !is_endpoint(issuer, json_string(json_get(document, "jwks_uri"))) ||
	    !is_endpoint(issuer, json_string(json_get(document, "token_endpoint"))) ||
	    !is_endpoint(issuer, json_string(json_get(document, "authorization_endpoint")))) {
		log_warning("issuer %.*s: its configuration is not one", STR_ARG(issuer->url));
		return ERR_UNAVAILABLE;
	}
	keep_endpoints(issuer, document);
	return OK;
}

/* Where the keys are; the empty str when that has to be found out (again). */
static struct str known_keys_url(struct issuer *issuer, struct request *rq)
{
	struct str url = STR_NULL;

	pthread_mutex_lock(&issuer->lock);
	if (issuer->arena && now_mono_us() - issuer->discovered_at_us < ENDPOINTS_FRESH_US)
		url = str_dup(rq->arena, issuer->keys_url);
	pthread_mutex_unlock(&issuer->lock);
	return url;
}

/* max-age of a Cache-Control header (RFC 9111 5.2.2.1), within our bounds. */
static int64_t freshness(struct str cache_control)
{
	struct str directive;
	int64_t seconds;

	while (str_next_token(&cache_control, ',', &directive)) {
		directive = str_trim(directive);
		if (!str_starts(directive, STR("max-age=")) ||
		    !str_to_i64(str_from(directive, 8), &seconds) || seconds < 0)
			continue;
		if (seconds < FRESH_MIN_US / US_PER_S)
			return FRESH_MIN_US;
		return seconds < FRESH_MAX_US / US_PER_S ? seconds * US_PER_S : FRESH_MAX_US;
	}
	return FRESH_DEFAULT_US;
}

static enum err fetch_keys(
    struct issuer *issuer, struct request *rq, struct str url, int64_t deadline_us)
{
	struct jwk_set *keys, *old;
	struct net_reply reply;
	enum err e = get(issuer, rq, url, deadline_us, &reply);

	if (e != OK)
		return e;
	if (!jwk_set_parse(reply.body, &keys)) {
		log_warning("issuer %.*s: no key of use in its key set", STR_ARG(issuer->url));
		return ERR_UNAVAILABLE;
	}
	pthread_mutex_lock(&issuer->lock);
	old = issuer->keys;
	issuer->keys = keys;
	issuer->fresh_until_us = now_mono_us() + freshness(reply.cache_control);
	pthread_mutex_unlock(&issuer->lock);
	jwk_set_unref(&old);
	return OK;
}

static enum err fetch(struct issuer *issuer, struct request *rq)
{
	int64_t deadline_us = now_mono_us() + FETCH_US;
	struct str url = known_keys_url(issuer, rq);
	enum err e = OK;

	if (str_empty(url)) {
		e = discover(issuer, rq, deadline_us);
		url = known_keys_url(issuer, rq);
	}
	return e == OK ? fetch_keys(issuer, rq, url, deadline_us) : e;
}

/* --- one fetch, however many want it --- */

static struct flight *flight_new(void)
{
	struct flight *flight = calloc(1, sizeof(*flight));

	if (!flight)
		die("out of memory");
	rt_latch_init(&flight->landed);
	flight->refs = 1;
	return flight;
}

static void flight_unref(struct issuer *issuer, struct flight *flight)
{
	bool last;

	pthread_mutex_lock(&issuer->lock);
	last = --flight->refs == 0;
	pthread_mutex_unlock(&issuer->lock);
	if (!last)
		return;
	rt_latch_done(&flight->landed);
	free(flight);
}

static void fly(struct issuer *issuer, struct request *rq, struct flight *flight)
{
	enum err e = fetch(issuer, rq);

	pthread_mutex_lock(&issuer->lock);
	flight->result = e;
	issuer->flight = NULL;
	issuer->tried_at_us = now_mono_us();
	issuer->failed = e != OK;
	pthread_mutex_unlock(&issuer->lock);
	rt_latch_set(&flight->landed);
}

/* Join the fetch under way or make one; @patience_us: but not so soon after the last. */
static enum err refresh(struct issuer *issuer, struct request *rq, int64_t patience_us)
{
	struct flight *flight;
	bool first = false;
	enum err e = OK;

	pthread_mutex_lock(&issuer->lock);
	flight = issuer->flight;
	if (!flight && issuer->tried_at_us && now_mono_us() - issuer->tried_at_us < patience_us) {
		e = issuer->failed ? ERR_UNAVAILABLE : OK;
		pthread_mutex_unlock(&issuer->lock);
		return e;
	}
	if (!flight) {
		first = true;
		flight = issuer->flight = flight_new();
	}
	flight->refs++;
	pthread_mutex_unlock(&issuer->lock);
	if (first)
		fly(issuer, rq, flight);
	else
		e = rt_latch_wait(&flight->landed, rq->deadline_us);
	if (e == OK)
		e = flight->result;
	flight_unref(issuer, flight);
	if (first)
		flight_unref(issuer, flight);
	return e;
}

static enum err away(struct request *rq, enum err e)
{
	rq->retry_after_us = AFTER_FAILURE_US;
	return fault(rq, e == ERR_SHUTDOWN ? e : ERR_UNAVAILABLE, "the issuer does not answer");
}

/* The keys there are, with a reference; NULL when there are none, or they are too old. */
static struct jwk_set *borrow_keys(struct issuer *issuer)
{
	struct jwk_set *keys = NULL;

	pthread_mutex_lock(&issuer->lock);
	if (issuer->keys && now_mono_us() < issuer->fresh_until_us + STALE_MAX_US)
		keys = jwk_set_ref(issuer->keys);
	pthread_mutex_unlock(&issuer->lock);
	return keys;
}

static void give_keys_back(void *arg)
{
	struct jwk_set *keys = arg;

	jwk_set_unref(&keys);
}

/* *@ret is NULL when no key is called so; @ret_any: are there keys at all? */
static void look_up(struct issuer *issuer, struct request *rq, const struct jws *jws,
    const struct jwk **ret, bool *ret_any)
{
	struct jwk_set *keys = borrow_keys(issuer);

	*ret = NULL;
	*ret_any = keys != NULL;
	if (!keys)
		return;
	arena_defer(rq->arena, give_keys_back, keys);
	*ret = jwk_set_find(keys, jws->kid, jws->alg);
}

static enum err find_key(
    struct issuer *issuer, struct request *rq, const struct jws *jws, const struct jwk **ret)
{
	bool any;
	enum err e;

	look_up(issuer, rq, jws, ret, &any);
	if (*ret)
		return OK;
	e = refresh(issuer, rq, any ? UNKNOWN_KID_EVERY_US : AFTER_FAILURE_US);
	if (e != OK)
		return away(rq, e);
	look_up(issuer, rq, jws, ret, &any);
	return *ret ? OK : fault(rq, ERR_IDENTITY_INVALID, "no key of the issuer is called so");
}

enum err issuer_verify(
    struct issuer *issuer, struct request *rq, struct str token, const struct json **ret_claims)
{
	const struct jwk *key;
	struct str payload;
	struct jws jws;
	enum err e;

	if (!jws_read(rq->secrets, token, &jws))
		return fault(rq, ERR_IDENTITY_INVALID, "not a signed token as we read them");
	e = find_key(issuer, rq, &jws, &key);
	if (e != OK)
		return e;
	if (!jws_verify(rq->secrets, &jws, key, &payload))
		return fault(rq, ERR_IDENTITY_INVALID, "the issuer did not sign this");
	if (json_parse(rq->secrets, payload, ret_claims) != OK ||
	    json_type(*ret_claims) != JSON_TYPE_OBJECT)
		return fault(rq, ERR_IDENTITY_INVALID, "signed, but no claims");
	return OK;
}

static bool copy_endpoints(struct issuer *issuer, struct request *rq, struct issuer_endpoints *ret)
{
	bool known;

	pthread_mutex_lock(&issuer->lock);
	known = issuer->arena != NULL;
	if (known) {
		ret->authorization = str_dup(rq->arena, issuer->endpoints.authorization);
		ret->token = str_dup(rq->arena, issuer->endpoints.token);
	}
	pthread_mutex_unlock(&issuer->lock);
	return known;
}

enum err issuer_endpoints(struct issuer *issuer, struct request *rq, struct issuer_endpoints *ret)
{
	enum err e;

	if (copy_endpoints(issuer, rq, ret))
		return OK;
	e = refresh(issuer, rq, AFTER_FAILURE_US);
	if (copy_endpoints(issuer, rq, ret))
		return OK;
	return away(rq, e);
}

int64_t issuer_refresh_due(struct issuer *issuer, struct request *rq)
{
	int64_t now_us = now_mono_us(), due_us;
	bool failed;

	pthread_mutex_lock(&issuer->lock);
	due_us = issuer->keys ? issuer->fresh_until_us : now_us;
	failed = issuer->failed;
	pthread_mutex_unlock(&issuer->lock);
	if (due_us > now_us)
		return due_us;
	if (refresh(issuer, rq, failed ? BACKGROUND_RETRY_US : 0) != OK)
		return now_mono_us() + BACKGROUND_RETRY_US;
	pthread_mutex_lock(&issuer->lock);
	due_us = issuer->fresh_until_us;
	pthread_mutex_unlock(&issuer->lock);
	return due_us;
}
