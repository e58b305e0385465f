/* The store's calls: what is the same for every database, and the way to its driver. */
#include "store/store.h"

#include <assert.h>

#include "base/clock.h"
#include "store/db.h"

struct store {
	struct db *db;
	int64_t delay_us;
};

/* Is this thread inside a transaction's function? Such a function may not wait for anything. */
static __thread bool in_tx;

static const struct db_ops *const drivers[] = {
	&db_sqlite,
};

const struct db_ops *db_for_url(struct str url, struct str *ret_where)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		if (!str_starts(url, drivers[i]->scheme))
			continue;
		*ret_where = str_from(url, drivers[i]->scheme.len);
		return drivers[i];
	}
	return NULL;
}

enum err store_open(const struct store_config *config, struct arena *arena, struct store **ret,
    struct str *ret_problem)
{
	const struct db_ops *ops;
	struct store *s;
	struct str where;
	struct db *db;
	enum err r;

	ops = db_for_url(config->url, &where);
	if (!ops || str_empty(where)) {
		*ret_problem = STR("The database URL must be sqlite:PATH.");
		return ERR_INTERNAL;
	}
	r = ops->open(config, where, arena, &db, ret_problem);
	if (r != OK)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->db = db;
	s->delay_us = config->delay_us;
	*ret = s;
	return OK;
}

void store_close(struct store **s)
{
	if (!*s)
		return;
	(*s)->db->ops->close((*s)->db);
	free(*s);
	*s = NULL;
}

bool store_in_tx(void)
{
	return in_tx;
}

enum err tx_run(struct tx *tx, store_fn *fn, void *arg)
{
	enum err r;

	in_tx = true;
	r = fn(tx, arg);
	in_tx = false;
	return tx->failed != OK ? tx->failed : r;
}

/* delay() - the configured extra latency, slept on the seam like any real one. */
static enum err delay(const struct store *s)
{
	if (s->delay_us == 0)
		return OK;
	return rt_sleep_until(now_mono_us() + s->delay_us);
}

enum err store_tx(struct store *s, struct request *rq, store_fn *fn, void *arg)
{
	int64_t began = now_mono_us();
	enum err r;

	assert(!in_tx);
	r = delay(s);
	if (r == OK)
		r = s->db->ops->tx(s->db, rq, fn, arg);
	rq->store_us += now_mono_us() - began;
	return r;
}

enum err store_read(
    struct store *s, struct request *rq, enum store_read_flags flags, store_fn *fn, void *arg)
{
	int64_t began = now_mono_us();
	enum err r;

	assert(!in_tx);
	r = delay(s);
	if (r == OK)
		r = s->db->ops->read(s->db, rq, flags, fn, arg);
	rq->store_us += now_mono_us() - began;
	return r;
}

enum err store_backup(struct store *s, struct request *rq, struct str path)
{
	assert(!in_tx);
	return s->db->ops->backup(s->db, rq, path);
}

struct store_gauges store_gauges(struct store *s)
{
	struct store_gauges g = { 0 };

	s->db->ops->gauges(s->db, &g);
	return g;
}

struct arena *tx_arena(struct tx *tx)
{
	return tx->arena;
}

struct arena *tx_use_arena(struct tx *tx, struct arena *arena)
{
	struct arena *before = tx->arena;

	tx->arena = arena;
	return before;
}

enum err tx_row(
    struct tx *tx, enum statement id, const struct val *params, size_t n, struct row *ret)
{
	tx->statements++;
	return tx->ops->row(tx, id, params, n, ret);
}

enum err tx_push(struct tx *tx, enum statement id, const struct val *params, size_t n)
{
	tx->statements++;
	return tx->ops->push(tx, id, params, n);
}

enum err tx_each(struct tx *tx, enum statement id, const struct val *params, size_t n,
    bool (*each)(void *arg, const struct row *row), void *arg)
{
	tx->statements++;
	return tx->ops->each(tx, id, params, n, each, arg);
}

enum err tx_count(
    struct tx *tx, enum statement id, const struct val *params, size_t n, int64_t *ret)
{
	tx->statements++;
	return tx->ops->count(tx, id, params, n, ret);
}

enum err tx_gather(struct tx *tx, struct tx_query *queries, size_t n)
{
	tx->statements += (unsigned)n;
	return tx->ops->gather(tx, queries, n);
}
