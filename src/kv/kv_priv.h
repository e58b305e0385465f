/* The parts of the in-process kv; for this folder only. */
#ifndef KV_KV_PRIV_H
#define KV_KV_PRIV_H

#include "kv/limit_table.h"

struct values;
struct cache;

struct kv {
	struct store *store; /* NULL: nothing outlives the process (tests) */
	struct limit_table *limits;
	struct values *values;
	struct cache *cache;
};

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
