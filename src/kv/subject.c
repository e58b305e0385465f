#include "kv/subject.h"

#include "base/log.h"

/* The parts of a window that larger limits count in. */
#define SUB_WINDOWS 24
/* What malloc adds to a block, about. */
#define MALLOC_OVERHEAD 16

size_t subject_size(const struct subject *s)
{
	size_t marks = s->cap ? s->cap * sizeof(*s->marks) + MALLOC_OVERHEAD : 0;

	return sizeof(*s) + MALLOC_OVERHEAD + marks;
}

/* The clock may have been set back: a mark in the future then counts from now. */
void subject_advance(struct subject *s, int64_t now_us)
{
	uint32_t gone = 0;

	for (uint32_t i = s->n; i > 0 && s->marks[i - 1].at_us > now_us; i--)
		s->marks[i - 1].at_us = now_us;
	while (gone < s->n && s->marks[gone].at_us + s->window_us <= now_us)
		s->used -= s->marks[gone++].amount;
	if (gone > 0) {
		s->n -= gone;
		memmove(s->marks, s->marks + gone, s->n * sizeof(*s->marks));
	}
}

int64_t subject_wait(
    const struct subject *s, const struct kv_limit *limit, uint32_t also, int64_t now_us)
{
	uint64_t used = (uint64_t)also + (s ? s->used : 0);

	if (used < limit->max)
		return 0;
	for (uint32_t i = 0; s && i < s->n; i++) {
		used -= s->marks[i].amount;
		if (used < limit->max)
			return s->marks[i].at_us + limit->window_us - now_us;
	}
	return limit->window_us;
}

static void push_mark(struct subject *s, int64_t at_us, uint32_t amount)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 4;
		s->marks = realloc(s->marks, s->cap * sizeof(*s->marks));
		if (!s->marks)
			die("out of memory for a limit");
	}
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): cap grew from 0, so it is set */
	s->marks[s->n++] = (struct mark){ .at_us = at_us, .amount = amount };
	s->used += amount;
}

static void add_mark(struct subject *s, const struct kv_limit *limit, int64_t now_us)
{
	int64_t slice = limit->window_us / SUB_WINDOWS + 1;
	struct mark *last = s->n > 0 ? &s->marks[s->n - 1] : NULL;

	if (limit->max > KV_EXACT_MAX && last && last->at_us / slice == now_us / slice) {
		last->at_us = now_us;
		last->amount++;
		s->used++;
		return;
	}
	push_mark(s, now_us, 1);
}

/*
 * A block is one row for the next twentieth of the limit. While it is being stored, others store
 * themselves one by one; group commit makes that cheap. It is used for one window at most, which
 * bounds how long its row has to be kept.
 */
static uint32_t take_lease(struct subject *s, const struct kv_limit *limit, int64_t now_us)
{
	if (!limit->durable)
		return 0;
	if (limit->max <= KV_EXACT_MAX)
		return 1;
	if (s->lease_left > 0 && now_us < s->lease_until_us) {
		s->lease_left--;
		return 0;
	}
	if (s->leasing)
		return 1;
	s->leasing = true;
	s->lease_left = 0;
	return limit->max / 20;
}

void subject_admit(struct subject *s, struct limit_claim *claim, int64_t now_us)
{
	add_mark(s, claim->limit, now_us);
	s->max = claim->limit->max;
	s->window_us = claim->limit->window_us;
	s->durable = claim->limit->durable;
	claim->epoch = s->epoch;
	claim->at_us = now_us;
	claim->lease = take_lease(s, claim->limit, now_us);
	claim->drew =
	    claim->lease == 0 && claim->limit->durable && claim->limit->max > KV_EXACT_MAX;
}

/* Of the marks stamped at or after the claim, the first is the one that took it in. */
static void take_back(struct subject *s, int64_t at_us)
{
	uint32_t i = 0;

	while (i < s->n && s->marks[i].at_us < at_us)
		i++;
	if (i == s->n)
		return;
	s->used--;
	if (--s->marks[i].amount > 0)
		return;
	s->n--;
	memmove(s->marks + i, s->marks + i + 1, (s->n - i) * sizeof(*s->marks));
}

void subject_settle(struct subject *s, const struct limit_claim *claim, bool kept, int64_t now_us)
{
	if (claim->epoch != s->epoch)
		return;
	if (claim->lease > 1) {
		s->leasing = false;
		s->lease_left = kept ? claim->lease - 1 : 0;
		s->lease_until_us = claim->at_us + claim->limit->window_us;
	}
	if (!kept && claim->drew)
		s->lease_left++;
	/* One that has left its window meanwhile is no longer there to be taken back. */
	if (!kept && now_us < claim->at_us + claim->limit->window_us)
		take_back(s, now_us < claim->at_us ? now_us : claim->at_us);
}

void subject_forget(struct subject *s)
{
	s->n = 0;
	s->used = 0;
	s->leasing = false;
	s->lease_left = 0;
	s->epoch++;
}

/* A single admission's row lives one window, a block's two: one to be used in, one to count. */
int64_t limit_claim_expires_us(const struct limit_claim *claim)
{
	return claim->at_us + claim->limit->window_us * (claim->lease > 1 ? 2 : 1);
}

void subject_load(struct subject *s, const struct limit_admission *row)
{
	uint32_t amount = row->amount > INT32_MAX ? INT32_MAX : (uint32_t)row->amount;

	s->window_us = (row->expires_at_us - row->at_us) / (amount > 1 ? 2 : 1);
	s->durable = true;
	push_mark(s, row->at_us, amount);
}

static int by_time(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	return (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

/*
 * Nobody knows when a block's admissions were made, only by when: before the next block was begun,
 * within the window it might be used in, and before now. All of them count from that time.
 */
void subject_loaded(struct subject *s, int64_t now_us)
{
	int64_t next_block_us = now_us;

	qsort(s->marks, s->n, sizeof(*s->marks), by_time);
	for (uint32_t i = s->n; i > 0; i--) {
		struct mark *m = &s->marks[i - 1];
		int64_t began_us = m->at_us;

		if (m->amount == 1)
			continue;
		m->at_us += s->window_us;
		if (m->at_us > next_block_us)
			m->at_us = next_block_us;
		next_block_us = began_us;
	}
	qsort(s->marks, s->n, sizeof(*s->marks), by_time);
	subject_advance(s, now_us);
}

bool subject_hot(const struct subject *s)
{
	return s->max == 0 || s->used >= s->max - s->max / 2;
}

bool subject_colder(const struct subject *a, const struct subject *b)
{
	uint64_t share_a = (uint64_t)a->used * b->max, share_b = (uint64_t)b->used * a->max;

	if (a->durable != b->durable)
		return b->durable;
	if (share_a != share_b)
		return share_a < share_b;
	return a->n > 0 && b->n > 0 && a->marks[a->n - 1].at_us < b->marks[b->n - 1].at_us;
}
