/* Limits of one process: its table decides, the store remembers what must outlive it. */
#include "kv/kv_priv.h"

MAY_YIELD enum err local_admit(struct kv *kv, struct request *rq, struct claims *claims)
{
	int64_t wait_us;
	enum err r = limit_table_claim(kv->limits, claims->v, claims->n, &wait_us);

	if (r == ERR_THROTTLED)
		return claims_refused(rq, claims, wait_us);
	if (r != OK)
		return claims_failed(rq, "the table of limits is full");
	r = claims_store(kv, rq, claims);
	limit_table_settle(kv->limits, claims->v, claims->n, r == OK);
	return r == OK ? OK : claims_failed(rq, "an admission could not be stored");
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
		r = limit_forget(tx, limit_key_str(&f->keys[i]), f->until_us[i]);
		if (r != OK)
			return r;
	}
	return OK;
}

/*
 * First here, then in the store, and there only what was counted before: an admission that comes
 * between the two keeps its row. Where nothing was counted, nothing is written; where limits are
 * shared, others may have counted.
 */
MAY_YIELD enum err local_forgive(struct kv *kv, struct request *rq, const struct claims *claims)
{
	struct forgotten f = { .n = 0 };

	for (size_t i = 0; i < claims->n; i++) {
		struct limit_key key = claims->v[i].key;
		int64_t until_us;
		bool counted = limit_table_forget(kv->limits, key, &until_us) || kv->redis;

		if (!counted || !claims->v[i].limit->durable)
			continue;
		f.keys[f.n] = key;
		f.until_us[f.n++] = until_us;
	}
	if (f.n == 0 || !kv->store)
		return OK;
	return store_tx_plain(kv->store, rq, store_forget, &f);
}
