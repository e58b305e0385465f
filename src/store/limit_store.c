#include "store/limit_store.h"

#include <assert.h>

#include "store/columns.h"
#include "store/db.h"

enum err limit_insert(struct tx *tx, const struct limit_admission *a)
{
	const struct val params[] = { val_blob(a->subject), val_int(a->at_us), val_int(a->amount),
		val_int(a->expires_at_us) };

	return tx_push(tx, STMT_LIMIT_INSERT, params, ARRAY_LEN(params));
}

struct live {
	void (*each)(void *arg, const struct limit_admission *a);
	void *arg;
	struct arena *scratch;
};

static bool live_one(void *arg, const struct row *row)
{
	struct cursor c = { row->cols };
	struct live *live = arg;
	struct limit_admission a;

	a.subject = take_str(&c);
	a.at_us = take_int(&c);
	a.amount = take_int(&c);
	a.expires_at_us = take_int(&c);
	live->each(live->arg, &a);
	arena_reset(live->scratch);
	return true;
}

enum err limit_each_live(struct tx *tx, int64_t now_us,
    void (*each)(void *arg, const struct limit_admission *a), void *arg)
{
	/* There may be very many: each row's memory is used again for the next. */
	struct live live = { each, arg, arena_new(ARENA_PLAIN, 0) };
	struct arena *own = tx_use_arena(tx, live.scratch);
	const struct val now = val_int(now_us);
	enum err r = tx_each(tx, STMT_LIMIT_LIVE, &now, 1, live_one, &live);

	tx_use_arena(tx, own);
	arena_free(&live.scratch);
	return r;
}

enum err limit_each_of(struct tx *tx, const struct str *subjects, size_t n, int64_t now_us,
    void (*each)(void *arg, const struct limit_admission *a), void *arg)
{
	struct val params[1 + LIMIT_SUBJECTS_MAX] = { val_int(now_us) };
	struct live live = { each, arg, arena_new(ARENA_PLAIN, 0) };
	struct arena *own;
	enum err r;

	assert(n > 0 && n <= LIMIT_SUBJECTS_MAX);
	for (size_t i = 0; i < LIMIT_SUBJECTS_MAX; i++)
		params[1 + i] = val_blob(subjects[i < n ? i : 0]);
	own = tx_use_arena(tx, live.scratch);
	r = tx_each(tx, STMT_LIMIT_OF, params, ARRAY_LEN(params), live_one, &live);
	tx_use_arena(tx, own);
	arena_free(&live.scratch);
	return r;
}

enum err limit_forget(struct tx *tx, struct str subject, int64_t until_us)
{
	const struct val params[] = { val_blob(subject), val_int(until_us) };

	return tx_push(tx, STMT_LIMIT_FORGET, params, ARRAY_LEN(params));
}

enum err limit_sweep(struct tx *tx, int64_t now_us, int64_t limit, int64_t *ret_n)
{
	const struct val params[] = { val_int(now_us), val_int(limit) };

	return tx_count(tx, STMT_LIMIT_SWEEP, params, ARRAY_LEN(params), ret_n);
}
