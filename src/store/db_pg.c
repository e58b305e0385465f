/*
 * PostgreSQL as a driver. A transaction's function runs in its caller. What it pushes is only
 * noted and sent; it waits for an answer where it asks for one, and once at the end. So most
 * transactions are one or two round trips, whatever they write.
 *
 * Writes are SERIALIZABLE: a function may rely on what it has read, as on SQLite with its one
 * writer, and runs again when that was wrong. Those that need not (DB_APPEND) are one implicit
 * transaction, without BEGIN and COMMIT.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "store/pg_pool.h"
#include "store/pg_schema.h"

#define AGAIN_FIRST_US (1 * US_PER_MS)
#define AGAIN_LAST_US (50 * US_PER_MS)
#define AGAIN_MAX 200
#define RETRY_AFTER_US US_PER_S
#define RETRY_FULL_US (5 * US_PER_S)

struct db_pg {
	struct db db;
	struct pg_pools *pools;
	bool read_only;
	uint64_t transactions, statements, retries, full; /* atomic */
};

/* struct pg_tx - one run of a function over one connection. */
struct pg_tx {
	struct tx tx; /* first */
	struct pg_conn *conn;
	enum db_mode mode;
	bool begun, committing;
};

static struct db_pg *pg_of(struct db *db)
{
	return CONTAINER_OF(db, struct db_pg, db);
}

static struct pg_tx *pg_tx_of(struct tx *tx)
{
	return CONTAINER_OF(tx, struct pg_tx, tx);
}

static void count(uint64_t *gauge, uint64_t n)
{
	__atomic_fetch_add(gauge, n, __ATOMIC_RELAXED);
}

static bool is_explicit(enum db_mode mode)
{
	return mode == DB_READ || mode == DB_WRITE;
}

/* --- statements --- */

/* err_of() - a fate as the function sees it; what the caller sees, conclude() says. */
static enum err err_of(const struct pg_conn *c)
{
	switch (c->fate) {
	case PG_WELL:
		return OK;
	case PG_REFUSED:
		return c->otherwise;
	case PG_WRONG:
		return ERR_INTERNAL;
	case PG_AGAIN:
	case PG_OUTAGE:
	case PG_MOVED:
	case PG_LATE:
	case PG_LOST:
		break;
	}
	return ERR_UNAVAILABLE;
}

/* settle() - note in the transaction what has failed: nothing commits over it. */
static enum err settle(struct pg_tx *t, enum statement id)
{
	struct pg_conn *c = t->conn;
	enum err r = err_of(c);

	if (r == OK || t->tx.failed != OK)
		return t->tx.failed;
	t->tx.failed = r;
	if (c->fate != PG_REFUSED && c->fate != PG_AGAIN)
		fault(t->tx.rq, r, "postgresql %s %s, in: %s", c->sqlstate, c->message,
		    id == STMT_NONE ? "COMMIT" : statement_sql_pg(id));
	return r;
}

static void send(struct pg_tx *t, const struct pg_note *note, const struct val *params, size_t n)
{
	if (!t->begun && is_explicit(t->mode))
		pg_send_control(t->conn, t->mode == DB_WRITE ? PG_BEGIN_WRITE : PG_BEGIN_READ);
	t->begun = true;
	pg_send(t->conn, note, params, n);
	/* Nothing else follows: the answer and the end of it come together. */
	if (t->mode == DB_READ_ONE)
		pg_send_sync(t->conn);
}

static enum err ask(struct pg_tx *t, enum statement id, const struct pg_note *note,
    const struct val *params, size_t n)
{
	send(t, note, params, n);
	pg_receive(t->conn, t->mode == DB_READ_ONE);
	return settle(t, id);
}

static enum err pg_row(
    struct tx *tx, enum statement id, const struct val *params, size_t n, struct row *ret)
{
	const struct pg_note note = { PG_WANT_ROW, PG_TEXT_STATEMENT(id), OK, ret };

	*ret = (struct row){ .found = false };
	return ask(pg_tx_of(tx), id, &note, params, n);
}

/* defer() - send what nobody waits for; a read waits for no commit and would not hear of it. */
static enum err defer(struct pg_tx *t, enum statement id, const struct pg_note *note,
    const struct val *params, size_t n)
{
	if (t->mode == DB_READ || t->mode == DB_READ_ONE) {
		t->tx.failed = ERR_INTERNAL;
		return fault(t->tx.rq, ERR_INTERNAL, "a read writes: %s", statement_sql_pg(id));
	}
	send(t, note, params, n);
	return settle(t, id);
}

static enum err pg_push(struct tx *tx, enum statement id, const struct val *params, size_t n)
{
	const struct pg_note note = { PG_WANT_DONE, PG_TEXT_STATEMENT(id), OK, NULL };

	return defer(pg_tx_of(tx), id, &note, params, n);
}

static enum err pg_require(
    struct tx *tx, enum statement id, const struct val *params, size_t n, enum err otherwise)
{
	const struct pg_note note = { PG_WANT_DONE, PG_TEXT_REQUIRED(id), otherwise, NULL };

	return defer(pg_tx_of(tx), id, &note, params, n);
}

static enum err pg_count(
    struct tx *tx, enum statement id, const struct val *params, size_t n, int64_t *ret)
{
	const struct pg_note note = { PG_WANT_COUNT, PG_TEXT_STATEMENT(id), OK, ret };

	return ask(pg_tx_of(tx), id, &note, params, n);
}

static enum err pg_each_row(
    struct tx *tx, enum statement id, const struct val *params, size_t n, row_fn *each, void *arg)
{
	struct pg_each rows = { .each = each, .arg = arg };
	const struct pg_note note = { PG_WANT_EACH, PG_TEXT_STATEMENT(id), OK, &rows };

	return ask(pg_tx_of(tx), id, &note, params, n);
}

static enum err pg_gather(struct tx *tx, struct tx_query *queries, size_t n)
{
	struct pg_tx *t = pg_tx_of(tx);

	for (size_t i = 0; i < n; i++) {
		struct tx_query *q = &queries[i];
		const struct pg_note note = { PG_WANT_ROW, PG_TEXT_STATEMENT(q->id), OK, &q->row };

		q->row = (struct row){ .found = false };
		send(t, &note, q->params, q->n);
	}
	pg_receive(t->conn, t->mode == DB_READ_ONE);
	return settle(t, n > 0 ? queries[0].id : STMT_NONE);
}

/* --- ends --- */

/*
 * commit() - make it durable. A read has nothing to: nobody waits for its end, which is received
 * before the connection is used again.
 */
static void commit(struct pg_tx *t)
{
	if (is_explicit(t->mode))
		pg_send_control(t->conn, PG_COMMIT);
	if (t->mode != DB_READ_ONE)
		pg_send_sync(t->conn);
	if (t->mode == DB_READ || t->mode == DB_READ_ONE)
		return;
	t->committing = true;
	pg_receive(t->conn, true);
	settle(t, STMT_NONE);
}

/*
 * roll_back() - leave nothing open. After a failure the server skips what it is sent up to the next
 * sync; in an implicit transaction that alone undoes everything.
 */
static void roll_back(struct pg_tx *t)
{
	struct pg_conn *c = t->conn;

	if (t->mode == DB_READ_ONE)
		return;
	if (t->committing) {
		if (PQtransactionStatus(c->pg) == PQTRANS_IDLE)
			return;
	} else if (c->fate != PG_WELL) {
		pg_send_sync(c);
		if (!is_explicit(t->mode))
			return;
	}
	pg_send_control(c, PG_ROLLBACK);
	pg_send_sync(c);
}

/* attempt() - one run, to its end. */
static enum err attempt(struct pg_tx *t, store_fn *fn, void *arg)
{
	enum err r;

	t->tx.failed = OK;
	t->tx.statements = 0;
	t->begun = t->committing = false;
	pg_conn_fresh(t->conn, &t->tx, t->tx.rq->deadline_us);
	r = tx_run(&t->tx, fn, arg);
	if (!t->begun)
		return r;
	if (r == OK)
		commit(t);
	if (r != OK || t->conn->fate != PG_WELL)
		roll_back(t);
	return t->tx.failed != OK ? t->tx.failed : r;
}

/* again() - wait a little, longer each time, so that those in each other's way part. */
static bool again(struct request *rq, unsigned tries)
{
	int64_t pause_us = AGAIN_FIRST_US << (tries < 6 ? tries : 6);
	int64_t now_us = now_mono_us();

	if (pause_us > AGAIN_LAST_US)
		pause_us = AGAIN_LAST_US;
	pause_us = random_below((uint32_t)pause_us);
	if (tries >= AGAIN_MAX || now_us + pause_us >= rq->deadline_us)
		return false;
	rt_sleep_until(now_us + pause_us);
	return true;
}

/* conclude() - what the caller hears when it will not be tried again. */
static enum err conclude(struct db_pg *s, const struct pg_tx *t, enum err r)
{
	const struct pg_conn *c = t->conn;
	struct request *rq = t->tx.rq;
	bool full = str_eq(str_of(c->sqlstate), STR("53100"));

	if (r != ERR_UNAVAILABLE || c->fate == PG_WELL)
		return r;
	rq->retry_after_us = full ? RETRY_FULL_US : RETRY_AFTER_US;
	if (full)
		count(&s->full, 1);
	if (c->fate == PG_AGAIN)
		return fault(rq, r, "others were always in the way");
	return fault(rq, r, "%s%s", c->message, t->committing ? "; COMMIT was under way" : "");
}

/* may_repeat() - is it certain that nothing of it stands? */
static bool may_repeat(const struct pg_tx *t)
{
	switch (t->conn->fate) {
	case PG_AGAIN:
	case PG_MOVED:
		return true;
	case PG_LOST:
		return !t->committing;
	case PG_WELL:
	case PG_REFUSED:
	case PG_OUTAGE:
	case PG_WRONG:
	case PG_LATE:
		break;
	}
	return false;
}

/* run() - until it is done, or cannot be. */
static enum err run(struct db_pg *s, struct request *rq, enum db_mode mode, store_fn *fn, void *arg)
{
	struct pg_tx t = { .tx = { .ops = &db_pg, .arena = rq->arena, .rq = rq }, .mode = mode };
	unsigned tries = 0, connections = 0;
	bool repeat;
	enum err r;

	do {
		if (!t.conn) {
			r = pg_pools_get(s->pools, rq, &t.conn);
			if (r != OK)
				return r;
			connections++;
		}
		r = attempt(&t, fn, arg);
		rq->statements += t.tx.statements;
		count(&s->statements, t.tx.statements);
		repeat = may_repeat(&t) &&
			 (t.conn->fate == PG_AGAIN ? again(rq, tries++) : connections < 2);
		if (!repeat)
			r = conclude(s, &t, r);
		else
			count(&s->retries, 1);
		if (!repeat || t.conn->fate != PG_AGAIN) {
			pg_pools_put(s->pools, t.conn);
			t.conn = NULL;
		}
	} while (repeat);
	return r;
}

static enum err pg_tx(struct db *db, struct request *rq, enum db_mode mode, store_fn *fn, void *arg)
{
	enum err r;

	if (pg_of(db)->read_only)
		return fault(rq, ERR_INTERNAL, "the store was opened to read only");
	if (now_mono_us() >= rq->deadline_us)
		return ERR_DEADLINE;
	r = run(pg_of(db), rq, mode, fn, arg);
	if (r == OK)
		count(&pg_of(db)->transactions, 1);
	return r;
}

static enum err pg_read(struct db *db, struct request *rq, unsigned flags, store_fn *fn, void *arg)
{
	return run(pg_of(db), rq, flags & STORE_SINGLE ? DB_READ_ONE : DB_READ, fn, arg);
}

static enum err pg_backup(struct db *db, struct request *rq, struct str path)
{
	(void)db;
	(void)path;
	return fault(rq, ERR_CONFLICT,
	    "PostgreSQL is backed up with pg_dump or pg_basebackup, not from here");
}

static void pg_gauges(struct db *db, struct store_gauges *ret)
{
	struct db_pg *s = pg_of(db);

	ret->transactions = ret->batches = __atomic_load_n(&s->transactions, __ATOMIC_RELAXED);
	ret->statements = __atomic_load_n(&s->statements, __ATOMIC_RELAXED);
	ret->retries = __atomic_load_n(&s->retries, __ATOMIC_RELAXED);
	ret->full = __atomic_load_n(&s->full, __ATOMIC_RELAXED);
	pg_pools_gauges(s->pools, ret);
}

static void pg_close(struct db *db)
{
	struct db_pg *s = pg_of(db);

	pg_pools_free(s->pools);
	free(s);
}

static enum err pg_open(const struct store_config *config, struct str where, struct arena *arena,
    struct db **ret, struct str *ret_problem)
{
	enum err r = pg_schema_check(where, config->blocking, arena, ret_problem);
	struct db_pg *s;

	if (r != OK)
		return ERR_INTERNAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->db.ops = &db_pg;
	s->read_only = config->read_only;
	s->pools = pg_pools_new(config, where);
	*ret = &s->db;
	return OK;
}

const struct db_ops db_pg = {
	.seals_late = true,
	.migrations = pg_migrations,
	.open = pg_open,
	.close = pg_close,
	.tx = pg_tx,
	.read = pg_read,
	.backup = pg_backup,
	.gauges = pg_gauges,
	.row = pg_row,
	.push = pg_push,
	.each = pg_each_row,
	.count = pg_count,
	.gather = pg_gather,
	.require = pg_require,
	.schema_open = pg_schema_open,
	.schema_marks = pg_schema_marks,
	.schema_apply = pg_schema_apply,
	.schema_close = pg_schema_close,
};
