/* SQLite as a driver: opening the file, a read connection for each thread, and backups. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "rt/loop.h"
#include "store/sqlite_file.h"
#include "store/sqlite_writer.h"

struct db_sqlite {
	struct db db;
	char *path;            /* owned */
	struct writer *writer; /* NULL: read only */
	pthread_key_t reader;  /* this thread's struct reader */
	pthread_mutex_t readers_lock;
	struct list readers;
	uint64_t statements; /* atomic; of reads */
};

/*
 * struct reader - one thread's connection; closed when the thread or the store ends.
 *
 * Beginning and ending a snapshot costs as much as reading two rows. On a loop it is kept until
 * the end of the turn and lent to all who read in it, but not beyond the next commit: so each still
 * sees all that was acknowledged when it asked.
 */
struct reader {
	struct list link;
	struct db_sqlite *owner;
	struct sqlite_conn conn;
	bool in_snapshot, kept; /* kept: there is a note to end it with the turn */
	uint64_t commits;       /* had been made when the snapshot began */
	struct rt_mail turn_end;
};

static struct db_sqlite *sqlite_of(struct db *db)
{
	return CONTAINER_OF(db, struct db_sqlite, db);
}

/* --- reading --- */

static void reader_free(struct reader *r)
{
	sqlite_conn_close(&r->conn);
	free(r);
}

static void reader_thread_ends(void *arg)
{
	struct reader *r = arg;

	pthread_mutex_lock(&r->owner->readers_lock);
	list_remove(&r->link);
	pthread_mutex_unlock(&r->owner->readers_lock);
	reader_free(r);
}

/* reader_of_thread() - opened at the thread's first read. Returns SQLite's code. */
static int reader_of_thread(struct db_sqlite *s, struct reader **ret)
{
	struct reader *r = pthread_getspecific(s->reader);
	int rc;

	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r)
			abort();
		rc = sqlite_conn_open(&r->conn, s->path, SQLITE_MODE_READ);
		if (rc != SQLITE_OK || pthread_setspecific(s->reader, r) != 0) {
			reader_free(r);
			return rc != SQLITE_OK ? rc : SQLITE_NOMEM;
		}
		r->owner = s;
		pthread_mutex_lock(&s->readers_lock);
		list_push_back(&s->readers, &r->link);
		pthread_mutex_unlock(&s->readers_lock);
	}
	*ret = r;
	return SQLITE_OK;
}

static void end_snapshot(struct reader *r)
{
	if (sqlite_conn_control(&r->conn, CONTROL_COMMIT) != SQLITE_OK)
		sqlite_conn_control(&r->conn, CONTROL_ROLLBACK);
	r->in_snapshot = false;
}

static void on_turn_end(struct rt_mail *mail)
{
	struct reader *r = CONTAINER_OF(mail, struct reader, turn_end);

	r->kept = false;
	if (r->in_snapshot)
		end_snapshot(r);
}

/* begin_snapshot() - one that shows every commit made so far. Returns SQLite's code. */
static int begin_snapshot(struct db_sqlite *s, struct reader *r)
{
	uint64_t commits = s->writer ? writer_commits(s->writer) : 0;
	bool begun = r->in_snapshot;
	int rc;

	if (begun && r->commits == commits)
		return SQLITE_OK;
	if (begun)
		end_snapshot(r);
	rc = sqlite_conn_control(&r->conn, CONTROL_BEGIN);
	r->in_snapshot = rc == SQLITE_OK;
	r->commits = commits;
	return rc;
}

/* leave_snapshot() - after a read that came to @result. */
static void leave_snapshot(struct reader *r, enum err result)
{
	struct rt_loop *loop = rt_loop_self();

	if (!loop || !r->owner->writer || result != OK) {
		end_snapshot(r);
	} else if (!r->kept) {
		r->kept = true;
		r->turn_end.fn = on_turn_end;
		rt_loop_at_turn_end(loop, &r->turn_end);
	}
}

static enum err sqlite_read(
    struct db *db, struct request *rq, unsigned flags, store_fn *fn, void *arg)
{
	struct db_sqlite *s = sqlite_of(db);
	struct tx tx = { .ops = &db_sqlite, .arena = rq->arena, .rq = rq };
	struct reader *reader;
	enum err r;
	int rc = reader_of_thread(s, &reader);

	(void)flags; /* there is no replica */
	if (rc == SQLITE_OK)
		rc = begin_snapshot(s, reader);
	if (rc != SQLITE_OK) {
		r = sqlite_err(rc, rq);
		return fault(rq, r, "no connection to read with: sqlite %d", rc);
	}
	tx.conn = &reader->conn;
	r = tx_run(&tx, fn, arg);
	leave_snapshot(reader, r);
	rq->statements += tx.statements;
	__atomic_fetch_add(&s->statements, tx.statements, __ATOMIC_RELAXED);
	return r;
}

static enum err sqlite_push(struct tx *tx, enum statement id, const struct val *params, size_t n)
{
	return sqlite_tx_each(tx, id, params, n, NULL, NULL);
}

static enum err sqlite_count(
    struct tx *tx, enum statement id, const struct val *params, size_t n, int64_t *ret)
{
	struct sqlite_conn *conn = tx->conn;
	enum err r = sqlite_tx_each(tx, id, params, n, NULL, NULL);

	if (r == OK)
		*ret = sqlite3_changes64(conn->db);
	return r;
}

static enum err sqlite_require(
    struct tx *tx, enum statement id, const struct val *params, size_t n, enum err otherwise)
{
	int64_t written = 0;
	enum err r = sqlite_count(tx, id, params, n, &written);

	return r == OK && written == 0 ? otherwise : r;
}

static bool keep_first(void *arg, const struct row *row)
{
	*(struct row *)arg = *row;
	return false;
}

static enum err sqlite_row(
    struct tx *tx, enum statement id, const struct val *params, size_t n, struct row *ret)
{
	*ret = (struct row){ .found = false };
	return sqlite_tx_each(tx, id, params, n, keep_first, ret);
}

static enum err sqlite_gather(struct tx *tx, struct tx_query *queries, size_t n)
{
	enum err r = OK;

	for (size_t i = 0; i < n && r == OK; i++)
		r = sqlite_row(tx, queries[i].id, queries[i].params, queries[i].n, &queries[i].row);
	return r;
}

static enum err sqlite_tx(
    struct db *db, struct request *rq, enum db_mode mode, store_fn *fn, void *arg)
{
	struct db_sqlite *s = sqlite_of(db);

	(void)mode; /* the writer is always alone */
	if (!s->writer)
		return fault(rq, ERR_INTERNAL, "the store was opened to read only");
	return writer_tx(s->writer, rq, fn, arg);
}

static void sqlite_gauges(struct db *db, struct store_gauges *ret)
{
	struct db_sqlite *s = sqlite_of(db);

	ret->statements = __atomic_load_n(&s->statements, __ATOMIC_RELAXED);
	if (s->writer)
		writer_gauges(s->writer, ret);
}

/* --- backup --- */

/* struct backup - copying takes long: a thread of its own does it while the caller is parked. */
struct backup {
	struct rt_waiter waiter;
	const char *from, *to;
	int rc;
};

/* copy() - a snapshot of the whole file, written out. Returns SQLite's code. */
static int copy(const char *from, const char *to)
{
	struct sqlite_conn conn;
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite_conn_open(&conn, from, SQLITE_MODE_READ);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_prepare_v2(conn.db, "VACUUM INTO ?1", -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(stmt, 1, to, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	sqlite_conn_close(&conn);
	if (rc != SQLITE_DONE)
		return rc;
	return sqlite_file_sync(to) ? SQLITE_OK : SQLITE_IOERR;
}

static void *backup_thread(void *arg)
{
	struct backup *b = arg;

	b->rc = copy(b->from, b->to);
	rt_wake(&b->waiter);
	return NULL;
}

static void backup_run(struct backup *b)
{
	pthread_t thread;

	if (rt_engine() == ENGINE_SIMULATION) {
		b->rc = copy(b->from, b->to);
		return;
	}
	rt_waiter_init(&b->waiter);
	if (pthread_create(&thread, NULL, backup_thread, b) != 0) {
		b->rc = SQLITE_NOMEM;
		return;
	}
	pthread_detach(thread);
	if (rt_park(&b->waiter, NEVER_US) != OK)
		b->rc = SQLITE_INTERNAL;
}

static enum err sqlite_backup(struct db *db, struct request *rq, struct str path)
{
	struct backup b = { .from = sqlite_of(db)->path, .to = str_cstr(rq->arena, path) };
	enum err r;
	/* SQLite takes an empty file; made here, it has our mode and nobody else's bytes. */
	int fd = open(b.to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return fault(rq, errno == EEXIST ? ERR_CONFLICT : ERR_UNAVAILABLE,
		    "cannot make the backup file: errno %d", errno);
	close(fd);
	backup_run(&b);
	if (b.rc == SQLITE_OK)
		return OK;
	unlink(b.to);
	r = sqlite_err(b.rc, rq);
	return fault(rq, r, "backup failed: sqlite %d", b.rc);
}

/* --- opening and closing --- */

static void sqlite_close(struct db *db)
{
	struct db_sqlite *s = sqlite_of(db);
	struct list *link;

	/* The threads that read are gone or done with it; the writer closes last and checkpoints.
	 */
	pthread_key_delete(s->reader);
	while ((link = list_pop_front(&s->readers)))
		reader_free(CONTAINER_OF(link, struct reader, link));
	if (s->writer)
		writer_free(s->writer);
	pthread_mutex_destroy(&s->readers_lock);
	free(s->path);
	free(s);
}

static void init_sqlite(void)
{
	/* No counting of memory under one mutex; a connection is used by one thread at a time. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
}

static enum err sqlite_open(const struct store_config *config, struct str where,
    struct arena *arena, struct db **ret, struct str *ret_problem)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sqlite_conn conn;
	struct db_sqlite *s;
	enum err r;

	pthread_once(&once, init_sqlite);
	r = sqlite_file_open(config, where, arena, &conn, ret_problem);
	if (r != OK)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s || !(s->path = strndup(where.ptr, where.len)) ||
	    pthread_key_create(&s->reader, reader_thread_ends) != 0)
		abort();
	s->db.ops = &db_sqlite;
	pthread_mutex_init(&s->readers_lock, NULL);
	list_init(&s->readers);
	*ret = &s->db;
	if (config->read_only) {
		sqlite_conn_close(&conn);
		return OK;
	}
	s->writer = writer_new(&conn, config);
	if (s->writer)
		return OK;
	sqlite_close(&s->db);
	*ret_problem = STR("The store's writer thread could not be started.");
	return ERR_INTERNAL;
}

const struct db_ops db_sqlite = {
	.migrates_at_start = true,
	.migrations = sqlite_migrations,
	.open = sqlite_open,
	.close = sqlite_close,
	.tx = sqlite_tx,
	.read = sqlite_read,
	.backup = sqlite_backup,
	.gauges = sqlite_gauges,
	.row = sqlite_row,
	.push = sqlite_push,
	.each = sqlite_tx_each,
	.count = sqlite_count,
	.gather = sqlite_gather,
	.require = sqlite_require,
	.schema_open = sqlite_schema_open,
	.schema_marks = sqlite_schema_marks,
	.schema_apply = sqlite_schema_apply,
	.schema_close = sqlite_schema_close,
};
