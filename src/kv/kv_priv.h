/* The parts of kv; for this folder only. */
#ifndef KV_KV_PRIV_H
#define KV_KV_PRIV_H

#include "kv/limit_table.h"
#include "kv/redis.h"

struct values;
struct cache;

struct kv {
	struct store *store; /* NULL: nothing outlives the process (tests) */
	struct redis *redis; /* NULL: nothing is shared */
	unsigned nodes;
	int doubtful; /* atomic: Redis was done without, and has not been asked since */
	int64_t
	    trusted_since_us; /* atomic; Redis's clock: what was seeded before lacks something */
	struct limit_table *limits;
	struct values *values;
	struct cache *cache;
};

/** struct claims - the admissions one call wants. */
struct claims {
	struct limit_claim v[KV_ASKS_MAX];
	size_t n;
};

/** claims_init() - keys and limits of @asks. */
void claims_init(
    struct claims *claims, const struct request *rq, const struct kv_ask *asks, size_t n);
/** claims_store() - write their leases, in one transaction; nothing when there are none. */
MAY_YIELD MUST_CHECK enum err claims_store(
    struct kv *kv, struct request *rq, struct claims *claims);
/** claims_refused() - the fault of a call that has to wait @wait_us. */
enum err claims_refused(struct request *rq, const struct claims *claims, int64_t wait_us);
/** claims_failed() - the fault of a call that could not be counted. */
enum err claims_failed(struct request *rq, const char *why);

/** limit_key_str() - its bytes, as they are stored. */
static inline struct str limit_key_str(const struct limit_key *key)
{
	return str_bytes(key->b, sizeof(key->b));
}

/* kv.h's calls, in the process and shared. */
MAY_YIELD MUST_CHECK enum err local_admit(struct kv *kv, struct request *rq, struct claims *claims);
MAY_YIELD MUST_CHECK enum err shared_admit(
    struct kv *kv, struct request *rq, struct claims *claims);
MAY_YIELD MUST_CHECK enum err local_forgive(
    struct kv *kv, struct request *rq, const struct claims *claims);
MAY_YIELD MUST_CHECK enum err shared_forgive(
    struct kv *kv, struct request *rq, const struct claims *claims);

/** struct named_value - a challenge: @space and @key name it. */
struct named_value {
	struct str space, key, value;
	int64_t ttl_us;
};
MAY_YIELD MUST_CHECK enum err shared_put(
    struct kv *kv, struct request *rq, const struct named_value *v, bool *ret_put);
MAY_YIELD MUST_CHECK enum err shared_take(struct kv *kv, struct request *rq,
    const struct named_value *v, struct str *ret, bool *ret_found);

/** struct known_mark - what the store remembers of one subject: one row or several put together. */
struct known_mark {
	int64_t at_us;     /* of the row: its name */
	int64_t counts_us; /* from when on it counts: a block's from its last possible use */
	int64_t amount;
};

#define KNOWN_MARKS_MAX 64

struct known {
	struct limit_key key;
	int64_t window_us;
	struct known_mark v[KNOWN_MARKS_MAX]; /* by counts_us */
	size_t n;
};

/** known_read() - what the store remembers, for each of @known, whose key and window are given. */
MAY_YIELD MUST_CHECK enum err known_read(
    struct kv *kv, struct request *rq, struct known *known, size_t n);
/** known_wait() - 0 when @max admits one more, else how long until it would. */
int64_t known_wait(const struct known *known, uint32_t max, int64_t now_us);

extern const struct redis_script script_limit_admit, script_limit_refund, script_limit_seed;

/* Challenges: short-lived values, read once. */
struct values *values_new(size_t max_memory);
void values_free(struct values **v);
/** values_put() - Returns: OK or ERR_OVERLOADED when there is no room; @ret_put as kv_put(). */
MUST_CHECK enum err values_put(struct values *v, struct str space, struct str key, struct str value,
    int64_t ttl_us, bool *ret_put);
/** values_take() - the value, in @arena, and gone from here; false when there is none. */
bool values_take(
    struct values *v, struct arena *arena, struct str space, struct str key, struct str *ret);
void values_sweep(struct values *v);

/* Rebuildable values with one filler at a time. */
struct cache *cache_new(void);
void cache_free(struct cache **c);
void cache_sweep(struct cache *c);

#endif
