/* One subject of a limit and its marks; see limit_table.h. Callers hold the lock of its shard. */
#ifndef KV_SUBJECT_H
#define KV_SUBJECT_H

#include "kv/limit_table.h"

struct mark {
	int64_t at_us;
	uint32_t amount;
};

struct subject {
	struct subject *next; /* in its bucket */
	struct limit_key key;
	int64_t window_us;
	uint32_t max;   /* of the limit last asked with; 0: loaded and not asked yet */
	uint32_t used;  /* the marks' amounts together */
	uint32_t pins;  /* claims not settled yet */
	uint32_t epoch; /* grows with every forget, so that an older claim undoes nothing */
	bool durable;

	/* Above KV_EXACT_MAX, durable admissions draw on a block that is stored already. */
	bool leasing; /* a block is on its way to the store */
	uint32_t lease_left;
	int64_t lease_until_us;

	uint32_t n, cap;
	struct mark *marks;
};

/** subject_size() - bytes it takes, the allocator's own included. */
size_t subject_size(const struct subject *s);
/** subject_advance() - bring the marks to @now_us: what has left its window goes. */
void subject_advance(struct subject *s, int64_t now_us);
/**
 * subject_wait() - 0 when @limit admits one more beside @also others, else how long until it would
 * @s: NULL when nothing was counted yet
 */
int64_t subject_wait(
    const struct subject *s, const struct kv_limit *limit, uint32_t also, int64_t now_us);
/** subject_admit() - count one, and decide what of it must be stored. */
void subject_admit(struct subject *s, struct limit_claim *claim, int64_t now_us);
/** subject_settle() - the other half of subject_admit(). */
void subject_settle(struct subject *s, const struct limit_claim *claim, bool kept, int64_t now_us);
/** subject_forget() - nothing was ever counted. */
void subject_forget(struct subject *s);
/** subject_load() - add a stored row as it is; subject_loaded() then puts it in its place. */
void subject_load(struct subject *s, const struct limit_admission *row);
void subject_loaded(struct subject *s, int64_t now_us);
/** subject_hot() - so much used that forgetting it would let somebody in too early. */
bool subject_hot(const struct subject *s);
/** subject_colder() - would forgetting @a do less harm than forgetting @b? */
bool subject_colder(const struct subject *a, const struct subject *b);

#endif
