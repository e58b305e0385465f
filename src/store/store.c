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

/* How URLs begin; libpq reads all of its own, the scheme included. */
static const struct {
	struct str scheme;
	size_t cut;
	const struct db_ops *ops;
} drivers[] = {
	{ STR_INIT("sqlite:"), sizeof("sqlite:") - 1, &db_sqlite },
	{ STR_INIT("postgresql://"), 0, &db_pg },
	{ STR_INIT("postgres://"), 0, &db_pg },
};

const struct db_ops *db_for_url(struct str url, struct str *ret_where, struct str *ret_problem)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		if (!str_starts(url, drivers[i].scheme) || url.len == drivers[i].scheme.len)
			continue;
		*ret_where = str_from(url, drivers[i].cut);
		return drivers[i].ops;
	}
	*ret_problem = STR("The database URL must be sqlite:PATH or postgresql://….");
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

	ops = db_for_url(config->url, &where, ret_problem);
	if (!ops)
		return ERR_INTERNAL;
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

void tx_scrub(struct tx *tx)
{
	tx->scrubs = true;
}

enum err tx_run(struct tx *tx, store_fn *fn, void *arg)
{
	enum err r;

	in_tx = true;
	r = fn(tx, arg);
	in_tx = false;
	return tx->failed != OK ? tx->failed : r;
}

enum err db_wait(struct rt_fd *fd, int64_t deadline_us)
{
	bool inside = in_tx;
	enum err r;

	in_tx = false;
	r = rt_wait_fds_begun(fd, 1, deadline_us);
	in_tx = inside;
	return r;
}

/* delay() - the configured extra latency, slept on the seam like any real one. */
static enum err delay(const struct store *s)
{
	if (s->delay_us == 0)
		return OK;
	return rt_sleep_until(now_mono_us() + s->delay_us);
}

static enum err write_in(
    struct store *s, struct request *rq, enum db_mode mode, store_fn *fn, void *arg)
{
	int64_t began = now_mono_us();
	enum err r;

	assert(!in_tx);
	r = delay(s);
	if (r == OK)
		r = s->db->ops->tx(s->db, rq, mode, fn, arg);
	rq->store_us += now_mono_us() - began;
	return r;
}

enum err store_tx(struct store *s, struct request *rq, store_fn *fn, void *arg)
{
	return write_in(s, rq, DB_WRITE, fn, arg);
}

enum err store_tx_plain(struct store *s, struct request *rq, store_fn *fn, void *arg)
{
	return write_in(s, rq, DB_APPEND, fn, arg);
}

enum err store_read(struct store *s, struct request *rq, unsigned flags, store_fn *fn, void *arg)
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

bool store_seals_late(const struct store *s)
{
	return s->db->ops->seals_late;
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

enum err tx_require(
    struct tx *tx, enum statement id, const struct val *params, size_t n, enum err otherwise)
{
	tx->statements++;
	return tx->ops->require(tx, id, params, n, otherwise);
}

enum err tx_gather(struct tx *tx, struct tx_query *queries, size_t n)
{
	tx->statements += (unsigned)n;
	return tx->ops->gather(tx, queries, n);
}
