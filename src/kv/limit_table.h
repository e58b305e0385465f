/*
 * The memory of the limits: which subject was admitted when. One table a process, in 64 shards with
 * a mutex each; no call here yields, and none touches the store. kv_local.c gives it keys and makes
 * its admissions durable.
 *
 * A subject's admissions are marks {at, amount}, oldest first; a mark counts whole until @at plus
 * the window. Up to KV_EXACT_MAX every admission is a mark of its own. Above, admissions of the
 * same 24th of the window share one mark, stamped with the latest of them: a subject takes 25 marks
 * at most and is never let in too early.
 */
#ifndef KV_LIMIT_TABLE_H
#define KV_LIMIT_TABLE_H

#include "kv/kv.h"
#include "store/limit_store.h"

struct limit_table;
struct subject;

/** KV_EXACT_MAX - limits up to this size keep an exact log. */
#define KV_EXACT_MAX 64
/** KV_ASKS_MAX - how many asks one kv_admit() takes. */
#define KV_ASKS_MAX 16

/** struct limit_key - keyed hash of a limit's name and its subject. */
struct limit_key {
	uint8_t b[16];
};

/** struct limit_claim - one admission on its way from claimed to settled. */
struct limit_claim {
	struct limit_key key;
	const struct kv_limit *limit;
	bool count_only; /* somebody else says whether it is too many */

	/* Set by limit_table_claim(). */
	struct subject *subject; /* pinned until settled */
	uint32_t epoch;
	int64_t at_us;
	bool drew;      /* on a block that is stored already */
	uint32_t lease; /* to be stored before the admission counts: 1, a block, or 0 for nothing */
};

/** limit_table_new() - an empty table of at most about @max_memory bytes. */
struct limit_table *limit_table_new(size_t max_memory);
void limit_table_free(struct limit_table **t);

/**
 * limit_table_claim() - count all of @claims or none
 * @ret_wait_us: with ERR_THROTTLED, after how long all of them would be admitted
 *
 * After OK every claim must be settled.
 *
 * Returns: OK, ERR_THROTTLED, or ERR_OVERLOADED when the table is full of subjects that must not be
 * forgotten.
 */
MUST_CHECK enum err limit_table_claim(
    struct limit_table *t, struct limit_claim *claims, size_t n, int64_t *ret_wait_us);
/** limit_table_settle() - @kept: the claims stand (their leases are stored); else they are undone.
 */
void limit_table_settle(
    struct limit_table *t, const struct limit_claim *claims, size_t n, bool kept);

/**
 * limit_table_forget() - drop what was counted for @key
 * @ret_until_us: the time until which it was
 *
 * Returns: false when nothing was counted.
 */
bool limit_table_forget(struct limit_table *t, struct limit_key key, int64_t *ret_until_us);

/** limit_claim_expires_us() - when the stored row of @claim stops to matter. */
int64_t limit_claim_expires_us(const struct limit_claim *claim);
/** limit_table_load() - take back a stored row; rows of one subject come oldest first. */
void limit_table_load(struct limit_table *t, const struct limit_admission *row);
/** limit_table_loaded() - after the last row: place the leased blocks in time. */
void limit_table_loaded(struct limit_table *t);

/** limit_table_sweep() - drop the subjects whose admissions have all left their windows. */
void limit_table_sweep(struct limit_table *t);

struct limit_table_gauges {
	uint64_t admitted, refused, evicted;
	size_t subjects, bytes;
};
/** limit_table_gauges() - read them all; any thread. */
struct limit_table_gauges limit_table_gauges(struct limit_table *t);

#endif
