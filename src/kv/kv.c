/* What both ways of keeping things have in common, and the choice between them. */
#include "kv/kv.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/keyring.h"
#include "kv/kv_priv.h"

#define DEFAULT_LIMIT_MEMORY ((size_t)64 << 20)
#define DEFAULT_NODES 2
#define VALUES_MEMORY ((size_t)16 << 20)
#define SWEEP_ROWS 1000

static void load_admission(void *arg, const struct limit_admission *a)
{
	struct kv *kv = arg;

	limit_table_load(kv->limits, a);
}

static enum err load_fn(struct tx *tx, void *arg)
{
	return limit_each_live(tx, now_wall_us(), load_admission, arg);
}

static enum err open_redis(
    struct kv *kv, const struct kv_config *config, struct arena *arena, struct str *ret_problem)
{
	const struct redis_config redis = {
		.url = config->url,
		.net = config->net,
		.timeout_us = config->timeout_us,
		.connections = config->connections,
	};

	if (str_empty(config->url))
		return OK;
	return redis_new(&redis, arena, &kv->redis, ret_problem);
}

struct str kv_check_url(struct arena *arena, struct str url)
{
	return str_empty(url) ? STR_NULL : redis_check_url(arena, url);
}

enum err kv_open(const struct kv_config *config, struct store *store, struct request *rq,
    struct kv **ret, struct str *ret_problem)
{
	struct kv *kv = calloc(1, sizeof(*kv));
	enum err r;

	if (!kv)
		die("out of memory");
	kv->store = store;
	kv->nodes = config->nodes ? config->nodes : DEFAULT_NODES;
	kv->limits =
	    limit_table_new(config->max_memory ? config->max_memory : DEFAULT_LIMIT_MEMORY);
	kv->values = values_new(VALUES_MEMORY);
	kv->cache = cache_new();
	r = open_redis(kv, config, rq->arena, ret_problem);
	if (r == OK && store) {
		r = store_read(store, rq, STORE_PRIMARY, load_fn, kv);
		if (r != OK)
			*ret_problem = STR("The limits kept in the database cannot be read.");
	}
	if (r != OK) {
		kv_close(&kv);
		return r;
	}
	limit_table_loaded(kv->limits);
	*ret = kv;
	return OK;
}

void kv_close(struct kv **kv)
{
	if (!*kv)
		return;
	redis_free(&(*kv)->redis);
	limit_table_free(&(*kv)->limits);
	values_free(&(*kv)->values);
	cache_free(&(*kv)->cache);
	free(*kv);
	*kv = NULL;
}

/*
 * Under the oldest master key that is still accepted: making a new key the active one then forgives
 * nobody; only retiring the oldest does, long after.
 */
static struct limit_key key_of(const struct request *rq, const struct kv_ask *ask)
{
	const struct str parts[] = { ask->limit->name, ask->subject };
	uint8_t ids[16];
	size_t n = keyring_ids(rq->keys, ids);
	struct limit_key key;
	struct mac mac;

	if (!keyring_mac(rq->keys, KEY_LIMIT, ids[n - 1], parts, ARRAY_LEN(parts), &mac))
		die("the key ring names a key it does not have");
	memcpy(key.b, mac.b, sizeof(key.b));
	return key;
}

void claims_init(
    struct claims *claims, const struct request *rq, const struct kv_ask *asks, size_t n)
{
	assert(n <= KV_ASKS_MAX);
	claims->n = n;
	for (size_t i = 0; i < n; i++) {
		claims->v[i] = (struct limit_claim){
			.key = key_of(rq, &asks[i]),
			.limit = asks[i].limit,
		};
	}
}

static enum err store_claims(struct tx *tx, void *arg)
{
	const struct claims *claims = arg;
	enum err r;

	for (size_t i = 0; i < claims->n; i++) {
		const struct limit_claim *c = &claims->v[i];
		const struct limit_admission row = {
			.subject = limit_key_str(&c->key),
			.at_us = c->at_us,
			.amount = c->lease,
			.expires_at_us = limit_claim_expires_us(c),
		};

		if (c->lease == 0)
			continue;
		r = limit_insert(tx, &row);
		if (r != OK)
			return r;
	}
	return OK;
}

enum err claims_store(struct kv *kv, struct request *rq, struct claims *claims)
{
	uint32_t leases = 0;

	for (size_t i = 0; i < claims->n; i++)
		leases |= claims->v[i].lease;
	return kv->store && leases > 0 ? store_tx_plain(kv->store, rq, store_claims, claims) : OK;
}

enum err claims_refused(struct request *rq, const struct claims *claims, int64_t wait_us)
{
	rq->retry_after_us = wait_us;
	return fault(rq, ERR_THROTTLED, "limit %.*s", STR_ARG(claims->v[0].limit->name));
}

enum err claims_failed(struct request *rq, const char *why)
{
	if (rq->retry_after_us <= 0)
		rq->retry_after_us = US_PER_S;
	return fault(rq, ERR_UNAVAILABLE, "%s", why);
}

MAY_YIELD enum err kv_admit(struct kv *kv, struct request *rq, const struct kv_ask *asks, size_t n)
{
	struct claims claims;

	claims_init(&claims, rq, asks, n);
	return kv->redis ? shared_admit(kv, rq, &claims) : local_admit(kv, rq, &claims);
}

MAY_YIELD enum err kv_forgive(
    struct kv *kv, struct request *rq, const struct kv_ask *asks, size_t n)
{
	struct claims claims;

	claims_init(&claims, rq, asks, n);
	return kv->redis ? shared_forgive(kv, rq, &claims) : local_forgive(kv, rq, &claims);
}

MAY_YIELD enum err kv_put(struct kv *kv, struct request *rq, struct str space, struct str key,
    struct str value, int64_t ttl_us, bool *ret_put)
{
	const struct named_value v = { space, key, value, ttl_us };

	if (kv->redis)
		return shared_put(kv, rq, &v, ret_put);
	if (values_put(kv->values, space, key, value, ttl_us, ret_put) == OK)
		return OK;
	rq->retry_after_us = US_PER_S;
	return fault(rq, ERR_UNAVAILABLE, "no room for a challenge");
}

MAY_YIELD enum err kv_take(struct kv *kv, struct request *rq, struct str space, struct str key,
    struct str *ret, bool *ret_found)
{
	const struct named_value v = { .space = space, .key = key };

	if (kv->redis)
		return shared_take(kv, rq, &v, ret, ret_found);
	*ret_found = values_take(kv->values, rq->secrets, space, key, ret);
	return OK;
}

struct sweep_arg {
	int64_t now_us, n;
};

static enum err sweep_fn(struct tx *tx, void *arg)
{
	struct sweep_arg *s = arg;

	return limit_sweep(tx, s->now_us, SWEEP_ROWS, &s->n);
}

MAY_YIELD enum err kv_sweep(struct kv *kv, struct request *rq)
{
	struct sweep_arg s = { .now_us = now_wall_us() };
	enum err r = OK;

	limit_table_sweep(kv->limits);
	values_sweep(kv->values);
	cache_sweep(kv->cache);
	if (!kv->store)
		return OK;
	do {
		r = store_tx_plain(kv->store, rq, sweep_fn, &s);
	} while (r == OK && s.n == SWEEP_ROWS);
	return r;
}

struct kv_gauges kv_gauges(struct kv *kv)
{
	struct limit_table_gauges g = limit_table_gauges(kv->limits);
	struct redis_gauges shared = { 0 };

	if (kv->redis)
		shared = redis_gauges(kv->redis);
	return (struct kv_gauges){
		.admitted = g.admitted,
		.refused = g.refused,
		.evicted = g.evicted,
		.subjects = g.subjects,
		.bytes = g.bytes,
		.shared_calls = shared.calls,
		.shared_failures = shared.failures,
		.shared_away = shared.away,
	};
}
