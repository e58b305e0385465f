#include "store/sqlite_writer.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define QUEUE_MAX 16384
#define BATCH_MAX 256
#define PAGE_BYTES 4096
#define CHECKPOINT_PAGES 16384 /* 64 MiB: the log keeps its size and is written over */
#define CHECKPOINT_AGAIN 4096  /* more pages before another try, while a reader holds it up */
#define CHECKPOINT_BUSY_MS 50
#define SPACE_LOOK_PAGES 256 /* how much the log grows between two looks at the disk */
#define RETRY_OVERLOADED_US US_PER_S
#define EXIT_STORE_LOST 70 /* EX_SOFTWARE of sysexits.h; the supervisor restarts us */

/* struct job - one transaction, on its caller's stack. */
struct job {
	struct list link; /* in the queue, then in the batch */
	struct rt_waiter waiter;
	bool taken; /* under queue_lock: the caller cannot take it back any more */
	bool done;  /* under done_lock */
	struct request *rq;
	store_fn *fn;
	void *arg;
	enum err result;
};

struct writer {
	struct sqlite_conn conn;
	/* Around a batch: the thread's own but for the simulation engine, which runs them inline.
	 */
	pthread_mutex_t conn_lock;
	pthread_t thread;
	struct arena *arena; /* before_commit's; emptied after each batch */
	enum err (*before_commit)(struct tx *tx, void *arg);
	void *before_commit_arg;
	int wal_pages, checkpoint_at, space_look_at;
	bool scrub_due; /* the log holds what must not be kept */

	pthread_mutex_t queue_lock;
	pthread_cond_t filled;
	struct list queue;
	struct list simulated; /* jobs of the simulation engine, which has no threads */
	unsigned waiting, queue_max;
	bool idle, stopping;

	/* Apart from queue_lock, so that waking a batch does not hold up those who queue. */
	pthread_mutex_t done_lock;

	/* atomic */
	uint64_t transactions, batches, statements, busy, full;
	int64_t wal_gauge;
};

struct batch {
	struct list jobs; /* run, waiting for the commit */
	unsigned n;
	bool scrubs;
	int failed; /* SQLite's code when the whole batch is lost */
};

static void count(uint64_t *gauge, uint64_t n)
{
	__atomic_fetch_add(gauge, n, __ATOMIC_RELAXED);
}

static struct job *job_of(struct list *link)
{
	return CONTAINER_OF(link, struct job, link);
}

/* --- the queue --- */

/* take() - move up to @max jobs from @queue to @to; from here on they run to their end. */
static unsigned take(struct writer *w, struct list *queue, struct list *to, unsigned max)
{
	unsigned n = 0;

	pthread_mutex_lock(&w->queue_lock);
	while (n < max && !list_empty(queue)) {
		struct list *link = list_pop_front(queue);

		job_of(link)->taken = true;
		list_push_back(to, link);
		n++;
	}
	w->waiting -= n;
	pthread_mutex_unlock(&w->queue_lock);
	return n;
}

/* wait_filled() - until there is something to do; false at the end. */
static bool wait_filled(struct writer *w)
{
	bool more;

	pthread_mutex_lock(&w->queue_lock);
	while (list_empty(&w->queue) && !w->stopping) {
		w->idle = true;
		pthread_cond_wait(&w->filled, &w->queue_lock);
	}
	w->idle = false;
	more = !list_empty(&w->queue);
	pthread_mutex_unlock(&w->queue_lock);
	return more;
}

/* enqueue() - let @job wait its turn in @queue, or say why not. */
static enum err enqueue(struct writer *w, struct list *queue, struct job *job)
{
	enum err r = OK;

	pthread_mutex_lock(&w->queue_lock);
	if (w->stopping) {
		r = ERR_SHUTDOWN;
	} else if (w->waiting >= w->queue_max) {
		job->rq->retry_after_us = RETRY_OVERLOADED_US;
		r = ERR_OVERLOADED;
	} else {
		list_push_back(queue, &job->link);
		w->waiting++;
		if (w->idle && queue == &w->queue) {
			w->idle = false;
			pthread_cond_signal(&w->filled);
		}
	}
	pthread_mutex_unlock(&w->queue_lock);
	return r;
}

/* take_back() - its time is up: out of the queue, unless the thread has it. */
static bool take_back(struct writer *w, struct job *job)
{
	bool mine;

	pthread_mutex_lock(&w->queue_lock);
	mine = !job->taken;
	if (mine) {
		list_remove(&job->link);
		w->waiting--;
	}
	pthread_mutex_unlock(&w->queue_lock);
	return mine;
}

/* --- one batch --- */

/* run_job() - one function in its savepoint; false when it took the whole batch down. */
static bool run_job(struct writer *w, struct job *job, struct batch *b)
{
	struct sqlite_conn *conn = &w->conn;
	struct tx tx = {
		.ops = &db_sqlite,
		.conn = conn,
		.arena = job->rq->arena,
		.rq = job->rq,
	};

	if (now_mono_us() >= job->rq->deadline_us) {
		job->result = ERR_DEADLINE;
		return true;
	}
	b->failed = sqlite_conn_control(conn, CONTROL_SAVEPOINT);
	if (b->failed != SQLITE_OK)
		return false;
	conn->result = SQLITE_OK;
	job->result = tx_run(&tx, job->fn, job->arg);
	job->rq->statements += tx.statements;
	b->scrubs |= tx.scrubs && job->result == OK;
	count(&w->statements, tx.statements);
	if (sqlite_is_outage(conn->result) || sqlite3_get_autocommit(conn->db)) {
		b->failed = conn->result != SQLITE_OK ? conn->result : SQLITE_INTERNAL;
		return false;
	}
	if (job->result != OK)
		b->failed = sqlite_conn_control(conn, CONTROL_ROLLBACK_TO);
	if (b->failed == SQLITE_OK)
		b->failed = sqlite_conn_control(conn, CONTROL_RELEASE);
	return b->failed == SQLITE_OK;
}

/* run_jobs() - those of @jobs in turn, moving each to the batch. */
static void run_jobs(struct writer *w, struct list *jobs, struct batch *b)
{
	struct list *link;

	while ((link = list_pop_front(jobs))) {
		list_push_back(&b->jobs, link);
		b->n++;
		if (b->failed == SQLITE_OK)
			run_job(w, job_of(link), b);
	}
}

/* last_words() - the hook that seals the batch. Returns SQLite's code, or one for the hook's own.
 */
static int last_words(struct writer *w, sqlite3_int64 changes_before)
{
	struct tx tx = { .ops = &db_sqlite, .conn = &w->conn, .arena = w->arena };
	enum err r;

	if (!w->before_commit || sqlite3_total_changes64(w->conn.db) == changes_before)
		return SQLITE_OK;
	w->conn.result = SQLITE_OK;
	r = tx_run(&tx, w->before_commit, w->before_commit_arg);
	count(&w->statements, tx.statements);
	arena_reset(w->arena);
	if (r == OK)
		return SQLITE_OK;
	if (w->conn.result != SQLITE_OK)
		return w->conn.result;
	return r == ERR_UNAVAILABLE ? SQLITE_BUSY : SQLITE_ERROR;
}

/*
 * commit() - make it durable. When the disk fails here, nobody can say what is on it: no answer is
 * given, and the restart reads from the log what was written.
 */
static int commit(struct writer *w)
{
	int rc = sqlite_conn_control(&w->conn, CONTROL_COMMIT);

	switch (rc & 0xff) {
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CANTOPEN:
		log_error("store: COMMIT failed (%d: %s); ending, to recover by restart", rc,
		    sqlite3_errmsg(w->conn.db));
		_exit(EXIT_STORE_LOST);
	default:
		return rc;
	}
}

/* fail_batch() - roll everything back and let all of it answer the same. */
static void fail_batch(struct writer *w, struct batch *b)
{
	struct list *link;

	if (!sqlite3_get_autocommit(w->conn.db))
		sqlite_conn_control(&w->conn, CONTROL_ROLLBACK);
	for (link = b->jobs.next; link != &b->jobs; link = link->next) {
		struct job *job = job_of(link);

		job->result = sqlite_err(b->failed, job->rq);
		fault(job->rq, job->result, "the batch was lost: sqlite %d", b->failed);
	}
	if ((b->failed & 0xff) == SQLITE_FULL)
		count(&w->full, 1);
	if ((b->failed & 0xff) == SQLITE_BUSY)
		count(&w->busy, 1);
}

/* deliver() - wake all, once their work is durable or lost. */
static void deliver(struct writer *w, struct batch *b)
{
	struct list *link;

	if (b->failed == SQLITE_OK) {
		count(&w->transactions, b->n);
		__atomic_fetch_add(&w->batches, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_lock(&w->done_lock);
	while ((link = list_pop_front(&b->jobs))) {
		struct job *job = job_of(link);

		job->done = true;
		rt_wake(&job->waiter);
	}
	pthread_mutex_unlock(&w->done_lock);
}

/*
 * space_is_short() - is there soon no room to copy the log into the database? A log that has taken
 * the last block could then neither grow nor be emptied. Looks at the disk now and then.
 */
static bool space_is_short(struct writer *w)
{
	struct statvfs disk;

	if (w->wal_pages < w->space_look_at)
		return false;
	w->space_look_at = w->wal_pages + SPACE_LOOK_PAGES;
	if (statvfs(sqlite3_db_filename(w->conn.db, "main"), &disk) != 0)
		return false;
	return (uint64_t)w->wal_pages * PAGE_BYTES > disk.f_bavail * disk.f_frsize / 2;
}

/*
 * checkpoint() - copy the log into the database, so that writing starts at its beginning again. A
 * full disk is one more reason: pages that are there already can still be written over.
 */
static void checkpoint(struct writer *w, const struct batch *b)
{
	bool full = (b->failed & 0xff) == SQLITE_FULL && w->wal_pages > 0;
	int rc;

	if (w->wal_pages < w->checkpoint_at && !full && !space_is_short(w))
		return;
	sqlite3_busy_timeout(w->conn.db, CHECKPOINT_BUSY_MS);
	rc = sqlite3_wal_checkpoint_v2(w->conn.db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	sqlite3_busy_timeout(w->conn.db, SQLITE_WRITE_BUSY_MS);
	if (rc == SQLITE_OK) {
		w->wal_pages = 0;
		w->checkpoint_at = CHECKPOINT_PAGES;
		w->space_look_at = SPACE_LOOK_PAGES;
	} else if (!full) {
		w->checkpoint_at = w->wal_pages + CHECKPOINT_AGAIN;
	}
	__atomic_store_n(&w->wal_gauge, w->wal_pages, __ATOMIC_RELAXED);
}

/* scrub() - empty the log, file and all. Readers in the way are gone by the next batch. */
static void scrub(struct writer *w)
{
	int rc;

	sqlite3_busy_timeout(w->conn.db, CHECKPOINT_BUSY_MS);
	rc = sqlite3_wal_checkpoint_v2(w->conn.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(w->conn.db, SQLITE_WRITE_BUSY_MS);
	w->scrub_due = rc != SQLITE_OK;
	if (rc == SQLITE_OK)
		w->wal_pages = 0;
}

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct writer *w = arg;

	(void)db;
	(void)name;
	w->wal_pages = pages;
	__atomic_store_n(&w->wal_gauge, pages, __ATOMIC_RELAXED);
	return SQLITE_OK;
}

/*
 * run_batch() - what waits in @queue. The write lock is taken before the jobs are: those that wait
 * for it may still run out of time and leave.
 */
static void run_batch(struct writer *w, struct list *queue)
{
	struct batch b = { .n = 0 };
	sqlite3_int64 changes;
	struct list jobs;

	list_init(&b.jobs);
	list_init(&jobs);
	pthread_mutex_lock(&w->conn_lock);
	changes = sqlite3_total_changes64(w->conn.db);
	b.failed = sqlite_conn_control(&w->conn, CONTROL_BEGIN_IMMEDIATE);
	if (b.failed != SQLITE_OK) {
		take(w, queue, &jobs, UINT_MAX);
		run_jobs(w, &jobs, &b);
	}
	while (
	    b.failed == SQLITE_OK && b.n < BATCH_MAX && take(w, queue, &jobs, BATCH_MAX - b.n) > 0)
		run_jobs(w, &jobs, &b);
	if (b.failed == SQLITE_OK)
		b.failed = last_words(w, changes);
	if (b.failed == SQLITE_OK)
		b.failed = commit(w);
	if (b.failed != SQLITE_OK)
		fail_batch(w, &b);
	w->scrub_due |= b.scrubs && b.failed == SQLITE_OK;
	if (w->scrub_due)
		scrub(w);
	deliver(w, &b);
	checkpoint(w, &b);
	pthread_mutex_unlock(&w->conn_lock);
}

static void *writer_thread(void *arg)
{
	struct writer *w = arg;

	while (wait_filled(w))
		run_batch(w, &w->queue);
	return NULL;
}

/* --- from outside --- */

/* wait_done() - until the batch is over; only what the thread has not taken may give up. */
static enum err wait_done(struct writer *w, struct job *job)
{
	bool done;

	if (rt_park(&job->waiter, job->rq->deadline_us) == OK)
		return job->result;
	if (take_back(w, job))
		return ERR_DEADLINE;
	pthread_mutex_lock(&w->done_lock);
	done = job->done;
	if (!done)
		rt_waiter_init(&job->waiter);
	pthread_mutex_unlock(&w->done_lock);
	if (!done && rt_park(&job->waiter, NEVER_US) != OK)
		die("store: the writer forgot a transaction");
	return job->result;
}

/* tx_simulated() - without threads the first one whose turn it is runs everybody's. */
static enum err tx_simulated(struct writer *w, struct job *job)
{
	enum err r = enqueue(w, &w->simulated, job);

	if (r != OK)
		return r;
	rt_sleep_until(0); /* others may come */
	if (!job->taken)
		run_batch(w, &w->simulated);
	return job->result;
}

enum err writer_tx(struct writer *w, struct request *rq, store_fn *fn, void *arg)
{
	struct job job = { .rq = rq, .fn = fn, .arg = arg };
	enum err r;

	if (now_mono_us() >= rq->deadline_us)
		return ERR_DEADLINE;
	rt_waiter_init(&job.waiter);
	if (rt_engine() == ENGINE_SIMULATION)
		return tx_simulated(w, &job);
	r = enqueue(w, &w->queue, &job);
	return r == OK ? wait_done(w, &job) : r;
}

uint64_t writer_commits(const struct writer *w)
{
	return __atomic_load_n(&w->batches, __ATOMIC_ACQUIRE);
}

void writer_gauges(struct writer *w, struct store_gauges *ret)
{
	ret->transactions = __atomic_load_n(&w->transactions, __ATOMIC_RELAXED);
	ret->batches = __atomic_load_n(&w->batches, __ATOMIC_RELAXED);
	ret->statements += __atomic_load_n(&w->statements, __ATOMIC_RELAXED);
	ret->busy = __atomic_load_n(&w->busy, __ATOMIC_RELAXED);
	ret->full = __atomic_load_n(&w->full, __ATOMIC_RELAXED);
	ret->wal_pages = __atomic_load_n(&w->wal_gauge, __ATOMIC_RELAXED);
	pthread_mutex_lock(&w->queue_lock);
	ret->waiting = w->waiting;
	pthread_mutex_unlock(&w->queue_lock);
}

static bool start_thread(struct writer *w)
{
	sigset_t all, before;
	int failed;

	/* Signals stay with the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&w->thread, NULL, writer_thread, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!failed)
		pthread_setname_np(w->thread, "store-writer");
	return !failed;
}

static void writer_destroy(struct writer *w)
{
	sqlite_conn_close(&w->conn);
	arena_free(&w->arena);
	pthread_mutex_destroy(&w->conn_lock);
	pthread_mutex_destroy(&w->queue_lock);
	pthread_mutex_destroy(&w->done_lock);
	pthread_cond_destroy(&w->filled);
	free(w);
}

struct writer *writer_new(const struct sqlite_conn *conn, const struct store_config *config)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->conn = *conn;
	w->arena = arena_new(ARENA_PLAIN, 0);
	w->before_commit = config->before_commit;
	w->before_commit_arg = config->before_commit_arg;
	w->queue_max = config->queue_max ? config->queue_max : QUEUE_MAX;
	w->checkpoint_at = CHECKPOINT_PAGES;
	w->space_look_at = SPACE_LOOK_PAGES;
	pthread_mutex_init(&w->conn_lock, NULL);
	pthread_mutex_init(&w->queue_lock, NULL);
	pthread_mutex_init(&w->done_lock, NULL);
	pthread_cond_init(&w->filled, NULL);
	list_init(&w->queue);
	list_init(&w->simulated);
	sqlite3_wal_hook(w->conn.db, on_wal, w);
	if (!start_thread(w)) {
		writer_destroy(w);
		return NULL;
	}
	return w;
}

void writer_free(struct writer *w)
{
	pthread_mutex_lock(&w->queue_lock);
	w->stopping = true;
	pthread_cond_signal(&w->filled);
	pthread_mutex_unlock(&w->queue_lock);
	pthread_join(w->thread, NULL);
	/* The last connection to close checkpoints, and only this one may. */
	writer_destroy(w);
}
