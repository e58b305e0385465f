/* What the store remembers of a limit's subject, for when Redis has forgotten it or is away. */
#include "base/clock.h"
#include "kv/kv_priv.h"

struct reading {
	struct known *known;
	size_t n;
	int64_t now_us;
};

/* A full list puts its two oldest together: they count until the later of them leaves. */
static void add_mark(struct known *k, struct known_mark mark)
{
	size_t i;

	if (k->n == KNOWN_MARKS_MAX) {
		k->v[1].amount += k->v[0].amount;
		memmove(k->v, k->v + 1, (KNOWN_MARKS_MAX - 1) * sizeof(*k->v));
		k->n--;
	}
	for (i = k->n; i > 0 && k->v[i - 1].counts_us > mark.counts_us; i--)
		k->v[i] = k->v[i - 1];
	k->v[i] = mark;
	k->n++;
}

/* Nobody knows when a block's admissions were made, only by when. */
static void take_row(void *arg, const struct limit_admission *a)
{
	const struct reading *r = arg;
	struct known_mark mark = { .at_us = a->at_us, .amount = a->amount };

	for (size_t i = 0; i < r->n; i++) {
		struct known *k = &r->known[i];

		if (!str_eq(a->subject, limit_key_str(&k->key)))
			continue;
		mark.counts_us = a->at_us + (a->amount > 1 ? k->window_us : 0);
		if (mark.counts_us > r->now_us)
			mark.counts_us = r->now_us;
		if (mark.counts_us + k->window_us > r->now_us)
			add_mark(k, mark);
		return;
	}
}

static enum err read_fn(struct tx *tx, void *arg)
{
	const struct reading *r = arg;
	struct str subjects[LIMIT_SUBJECTS_MAX];

	for (size_t i = 0; i < r->n; i++) {
		r->known[i].n = 0;
		subjects[i] = limit_key_str(&r->known[i].key);
	}
	return limit_each_of(tx, subjects, r->n, r->now_us, take_row, arg);
}

_Static_assert(KV_ASKS_MAX <= LIMIT_SUBJECTS_MAX, "one statement reads all of a call");

MAY_YIELD enum err known_read(struct kv *kv, struct request *rq, struct known *known, size_t n)
{
	struct reading r = { .known = known, .n = n, .now_us = now_wall_us() };

	if (!kv->store || n == 0)
		return OK;
	return store_read(kv->store, rq, STORE_PRIMARY, read_fn, &r);
}

int64_t known_wait(const struct known *known, uint32_t max, int64_t now_us)
{
	int64_t used = 0;

	for (size_t i = 0; i < known->n; i++)
		used += known->v[i].amount;
	if (used < max)
		return 0;
	for (size_t i = 0; i < known->n; i++) {
		used -= known->v[i].amount;
		if (used < max)
			return known->v[i].counts_us + known->window_us - now_us;
	}
	return known->window_us;
}
