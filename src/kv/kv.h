/*
 * Limits, challenges and rebuildable caches: everything that may be lost without losing a record.
 * Without a URL they are kept in the process (limits that matter also in the store, so that a
 * restart does not forgive). With one, limits and challenges are shared through Redis; while it is
 * away challenges are refused, and of each limit this process admits its share, and what the store
 * remembers counts as well.
 */
#ifndef KV_KV_H
#define KV_KV_H

#include "net/http_client.h"
#include "store/store.h"

struct kv;

struct kv_config {
	struct str url;       /* redis://… or rediss://…; empty: in the process */
	size_t max_memory;    /* of the limit table; 0: 64 MiB */
	int64_t timeout_us;   /* of one call to Redis; 0: 50 ms */
	unsigned connections; /* to it, of the threads together and of each loop; 0: 16 */
	/* Servers that share it: while it is away each admits that part of a limit; 0: 2. */
	unsigned nodes;
	struct net *net; /* with @url */
};

/** kv_check_url() - a sentence for what is wrong with @url, or the empty str. */
struct str kv_check_url(struct arena *arena, struct str url);

/**
 * kv_open() - reads the durable admissions back before it returns
 *
 * Does not need Redis to be there.
 */
MUST_CHECK enum err kv_open(const struct kv_config *config, struct store *store, struct request *rq,
    struct kv **ret, struct str *ret_problem);
void kv_close(struct kv **kv);

/**
 * struct kv_limit - at most @max admissions in any span of @window_us
 *
 * Up to 64 an exact log of admissions; above, 24 sub-windows of which the oldest counts whole. So
 * never more than @max are let in, whatever the timing.
 */
struct kv_limit {
	struct str name; /* purpose; part of the key, so it belongs to one rate */
	uint32_t max;
	int64_t window_us;
	/*
	 * Outlives the process: stored before the admission counts. Up to 64 a row each; above, a
	 * block of a twentieth, whose unused rest a crash forfeits.
	 */
	bool durable;
};

/** struct kv_ask - one admission wanted: @limit for @subject (any bytes; stored keyed-hashed). */
struct kv_ask {
	const struct kv_limit *limit;
	struct str subject;
};

/**
 * kv_admit() - all of @asks or none
 * @n: at most 16
 *
 * Refusing costs nothing: a refused call is not counted anywhere. Durable admissions are committed
 * before this returns OK; one transaction for all of them.
 *
 * Returns: OK; ERR_THROTTLED with rq->retry_after_us the longest wait; ERR_UNAVAILABLE.
 */
MAY_YIELD MUST_CHECK enum err kv_admit(
    struct kv *kv, struct request *rq, const struct kv_ask *asks, size_t n);
/**
 * kv_forgive() - forget what was counted for these (e.g. failures, after a success)
 *
 * Costs a transaction only where something durable was counted.
 */
MAY_YIELD MUST_CHECK enum err kv_forgive(
    struct kv *kv, struct request *rq, const struct kv_ask *asks, size_t n);

/** kv_put() - keep @value under (@space, @key) for @ttl_us; false when the key is there already. */
MAY_YIELD MUST_CHECK enum err kv_put(struct kv *kv, struct request *rq, struct str space,
    struct str key, struct str value, int64_t ttl_us, bool *ret_put);
/** kv_take() - read and remove in one step; once only, whoever else asks. */
MAY_YIELD MUST_CHECK enum err kv_take(struct kv *kv, struct request *rq, struct str space,
    struct str key, struct str *ret, bool *ret_found);

/** struct kv_recipe - a rebuildable value: what it is called, how long it keeps, how it is made. */
struct kv_recipe {
	struct str key;
	int64_t version; /* part of the key, so that a new version never reads the old one */
	int64_t ttl_us;
	/** fill() - make the value in rq->arena; its error goes to everyone who waited. */
	enum err (*fill)(struct request *rq, void *arg, struct str *ret);
	void *arg;
};

/** kv_cached() - @recipe's value: from the cache, or made once, however many ask. */
MAY_YIELD MUST_CHECK enum err kv_cached(
    struct kv *kv, struct request *rq, const struct kv_recipe *recipe, struct str *ret);

/** kv_sweep() - drop what has expired, in memory and in the store; called by the background. */
MAY_YIELD MUST_CHECK enum err kv_sweep(struct kv *kv, struct request *rq);

struct kv_gauges {
	uint64_t admitted, refused, evicted;
	size_t subjects, bytes;
	uint64_t shared_calls, shared_failures; /* to Redis */
	bool shared_away;
};
/** kv_gauges() - read them all; any thread. */
struct kv_gauges kv_gauges(struct kv *kv);

#endif
