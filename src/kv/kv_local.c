#include "kv/kv_priv.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/keyring.h"

#define DEFAULT_LIMIT_MEMORY ((size_t)64 << 20)
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

enum err kv_open(const struct kv_config *config, struct store *store, struct request *rq,
    struct kv **ret, struct str *ret_problem)
{
	struct kv *kv;
	enum err r;

	if (!str_empty(config->url)) {
		*ret_problem =
		    STR("kv.url: only the in-process store is built in; leave it empty.");
		return ERR_INTERNAL;
	}
	kv = calloc(1, sizeof(*kv));
	if (!kv)
		die("out of memory");
	kv->store = store;
	kv->limits =
	    limit_table_new(config->max_memory ? config->max_memory : DEFAULT_LIMIT_MEMORY);
	kv->values = values_new(VALUES_MEMORY);
	kv->cache = cache_new();
	r = store ? store_read(store, rq, STORE_PRIMARY, load_fn, kv) : OK;
	if (r != OK) {
		*ret_problem = STR("The limits kept in the database cannot be read.");
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

static struct str key_bytes(const struct limit_key *key)
{
	return str_bytes(key->b, sizeof(key->b));
}

struct claims {
	struct limit_claim v[KV_ASKS_MAX];
	size_t n;
};

static enum err store_claims(struct tx *tx, void *arg)
{
	const struct claims *claims = arg;
	enum err r;

	for (size_t i = 0; i < claims->n; i++) {
		const struct limit_claim *c = &claims->v[i];
		const struct limit_admission row = {
			.subject = key_bytes(&c->key),
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

static bool must_store(const struct kv *kv, const struct claims *claims)
{
	uint32_t leases = 0;

	for (size_t i = 0; i < claims->n; i++)
		leases |= claims->v[i].lease;
	return kv->store && leases > 0;
}

MAY_YIELD enum err kv_admit(struct kv *kv, struct request *rq, const struct kv_ask *asks, size_t n)
{
	struct claims claims = { .n = n };
	int64_t wait_us;
	enum err r;

	assert(n <= KV_ASKS_MAX);
	for (size_t i = 0; i < n; i++) {
		claims.v[i].key = key_of(rq, &asks[i]);
		claims.v[i].limit = asks[i].limit;
	}
	r = limit_table_claim(kv->limits, claims.v, n, &wait_us);
	if (r == ERR_THROTTLED) {
		rq->retry_after_us = wait_us;
		return fault(rq, ERR_THROTTLED, "limit %.*s", STR_ARG(asks[0].limit->name));
	}
	if (r != OK) {
		rq->retry_after_us = US_PER_S;
		return fault(rq, ERR_UNAVAILABLE, "the table of limits is full");
	}
	if (must_store(kv, &claims))
		r = store_tx_plain(kv->store, rq, store_claims, &claims);
	limit_table_settle(kv->limits, claims.v, n, r == OK);
	if (r == OK)
		return OK;
	if (rq->retry_after_us <= 0)
		rq->retry_after_us = US_PER_S;
	return fault(rq, ERR_UNAVAILABLE, "an admission could not be stored");
}

struct forgotten {
	struct limit_key keys[KV_ASKS_MAX];
	int64_t until_us[KV_ASKS_MAX];
	size_t n;
};

static enum err store_forget(struct tx *tx, void *arg)
{
	const struct forgotten *f = arg;
	enum err r;

	for (size_t i = 0; i < f->n; i++) {
		r = limit_forget(tx, key_bytes(&f->keys[i]), f->until_us[i]);
		if (r != OK)
			return r;
	}
	return OK;
}

/*
 * First here, then in the store, and there only what was counted before: an admission that comes
 * between the two keeps its row. Where nothing was counted, nothing is written.
 */
MAY_YIELD enum err kv_forgive(
    struct kv *kv, struct request *rq, const struct kv_ask *asks, size_t n)
{
	struct forgotten f = { .n = 0 };

	assert(n <= KV_ASKS_MAX);
	for (size_t i = 0; i < n; i++) {
		struct limit_key key = key_of(rq, &asks[i]);
		int64_t until_us;

		if (!limit_table_forget(kv->limits, key, &until_us) || !asks[i].limit->durable)
			continue;
		f.keys[f.n] = key;
		f.until_us[f.n++] = until_us;
	}
	if (f.n == 0 || !kv->store)
		return OK;
	return store_tx_plain(kv->store, rq, store_forget, &f);
}

MAY_YIELD enum err kv_put(struct kv *kv, struct request *rq, struct str space, struct str key,
    struct str value, int64_t ttl_us, bool *ret_put)
{
	if (values_put(kv->values, space, key, value, ttl_us, ret_put) == OK)
		return OK;
	rq->retry_after_us = US_PER_S;
	return fault(rq, ERR_UNAVAILABLE, "no room for a challenge");
}

MAY_YIELD enum err kv_take(struct kv *kv, struct request *rq, struct str space, struct str key,
    struct str *ret, bool *ret_found)
{
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

	return (struct kv_gauges){
		.admitted = g.admitted,
		.refused = g.refused,
		.evicted = g.evicted,
		.subjects = g.subjects,
		.bytes = g.bytes,
	};
}
