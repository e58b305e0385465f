/*
 * The store: durable transactions and reads over SQLite (PostgreSQL joins behind the same calls).
 * Typed calls per table live in the *_store.h files; nobody outside this folder writes SQL.
 *
 * A transaction is a function. It decides only commit (OK) or rollback (anything else); what the
 * domain makes of it goes into its argument, so that a refusal which must leave a trace commits
 * too. It may run more than once and, on SQLite, runs on the writer thread: it calls tx_* and pure
 * functions only, never rt_*, never the log. While it runs, the request's arena and its argument
 * belong to the writer.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "rt/request.h"
#include "store/statements.h"

struct store;
struct tx;

struct store_config {
	struct str url;     /* "sqlite:PATH" or "postgresql://…" */
	int64_t delay_us;   /* sleep on the seam before each call: for tests and benchmarks */
	unsigned queue_max; /* transactions waiting at most; over: ERR_OVERLOADED. 0: 16,384 */
	bool read_only;     /* for commands beside a live server: store_tx() is refused */
	bool check;         /* read the whole file for damage first; slow when it is large */

	/* PostgreSQL only. */
	struct lane *blocking; /* looks names up; NULL: the caller's thread does */
	unsigned pool_size;    /* connections at most, split among the owners; 0: 16 */
	unsigned pool_owners;  /* threads of loops, and one for all others; 0: 1 */
	int64_t patience_us;   /* how long one answer may take; 0: as long as the request has */
	bool unnamed;          /* prepare nothing that outlives its transaction: for PgBouncer */

	/**
	 * before_commit() - called in the writer once a batch, just before COMMIT; may be NULL.
	 * The audit seal lives here. Anything but OK fails the batch. SQLite only: elsewhere what
	 * is committed is sealed soon after (store_seals_late()).
	 */
	enum err (*before_commit)(struct tx *tx, void *arg);
	void *before_commit_arg;
};

/**
 * store_open() - open, check, and (SQLite) start the writer thread
 * @ret_problem: on failure a sentence for the operator, in @arena
 *
 * Does not migrate: see migrate.h. Refuses a schema older or newer than this program knows, a file
 * it may not write, a file that is no database.
 *
 * Returns: OK or ERR_INTERNAL.
 */
MUST_CHECK enum err store_open(const struct store_config *config, struct arena *arena,
    struct store **ret, struct str *ret_problem);
/** store_close() - finish what is queued, checkpoint, stop; NULL is fine. */
void store_close(struct store **s);

typedef enum err store_fn(struct tx *tx, void *arg);

/**
 * store_tx() - run @fn in a transaction; on OK it is durable
 * @rq: whose arena, deadline and cost counters are used
 *
 * Returns: what @fn returned (OK committed, else rolled back), or ERR_UNAVAILABLE (busy, disk full;
 * rq->retry_after_us set), ERR_OVERLOADED, ERR_DEADLINE or ERR_SHUTDOWN (not begun).
 */
MAY_YIELD MUST_CHECK enum err store_tx(
    struct store *s, struct request *rq, store_fn *fn, void *arg);
/**
 * store_tx_plain() - the same for an @fn that stays right whatever others commit meanwhile
 *
 * One conditional statement decides, and the rest only appends. PostgreSQL then need not watch what
 * the transaction has read; SQLite makes no difference.
 */
MAY_YIELD MUST_CHECK enum err store_tx_plain(
    struct store *s, struct request *rq, store_fn *fn, void *arg);

enum store_read_flags {
	STORE_PRIMARY = 0,
	STORE_STALE_OK = 1u << 0, /* a replica may answer */
	STORE_SINGLE = 1u << 1,   /* one statement: nothing has to agree with anything else */
};

/**
 * store_read() - run @fn, which only reads, on a consistent snapshot. Never waits for writers.
 * @flags: of enum store_read_flags
 */
MAY_YIELD MUST_CHECK enum err store_read(
    struct store *s, struct request *rq, unsigned flags, store_fn *fn, void *arg);

/** store_in_tx() - is the calling thread inside a store_fn, where nothing may wait? */
bool store_in_tx(void);

/* Values and rows. Bytes are borrowed on the way in; on the way out they are in the arena. */
enum val_type {
	VAL_NULL,
	VAL_INT,
	VAL_TEXT,
	VAL_BLOB,
};

struct val {
	enum val_type type;
	int64_t i;
	struct str s;
};

static inline struct val val_int(int64_t i)
{
	return (struct val){ .type = VAL_INT, .i = i };
}

static inline struct val val_text(struct str s)
{
	return (struct val){ .type = VAL_TEXT, .s = s };
}

static inline struct val val_blob(struct str s)
{
	return (struct val){ .type = VAL_BLOB, .s = s };
}

static inline struct val val_null(void)
{
	return (struct val){ .type = VAL_NULL };
}

/** val_blob_or_null() - NULL when @s has no pointer. */
static inline struct val val_blob_or_null(struct str s)
{
	return s.ptr ? val_blob(s) : val_null();
}

static inline struct val val_uuid(const struct uuid *id)
{
	return val_blob(uuid_bytes(id));
}

struct row {
	bool found;
	size_t n;
	const struct val *cols;
};

/* A column of a row that was found, by position; the type is the statement's business. */

/** row_uuid() - nil when the column is NULL. */
struct uuid row_uuid(const struct row *row, size_t i);
static inline int64_t row_int(const struct row *row, size_t i)
{
	return row->cols[i].i;
}
static inline struct str row_str(const struct row *row, size_t i)
{
	return row->cols[i].s;
}
static inline bool row_null(const struct row *row, size_t i)
{
	return row->cols[i].type == VAL_NULL;
}

/** tx_arena() - the request's arena; everything a transaction returns lives there. */
struct arena *tx_arena(struct tx *tx);
/** tx_row() - run a statement whose first row (or its absence) is needed now. */
MUST_CHECK enum err tx_row(
    struct tx *tx, enum statement id, const struct val *params, size_t n, struct row *ret);
/** tx_push() - run a statement for its effect; on PostgreSQL deferred and pipelined. */
MUST_CHECK enum err tx_push(struct tx *tx, enum statement id, const struct val *params, size_t n);
/** tx_count() - run a statement that writes; how many rows it wrote is needed now. */
MUST_CHECK enum err tx_count(
    struct tx *tx, enum statement id, const struct val *params, size_t n, int64_t *ret);
/**
 * tx_require() - run a statement that must write a row, or the transaction ends with @otherwise
 *
 * The answer need not be waited for: on PostgreSQL it may come only when store_tx() returns, and
 * what is done after it in the transaction is undone with it.
 */
MUST_CHECK enum err tx_require(
    struct tx *tx, enum statement id, const struct val *params, size_t n, enum err otherwise);
/** tx_each() - call @each for every row; it returns false to stop, and calls no tx_*. */
MUST_CHECK enum err tx_each(struct tx *tx, enum statement id, const struct val *params, size_t n,
    bool (*each)(void *arg, const struct row *row), void *arg);

/**
 * tx_scrub() - what this transaction takes out of rows shall be gone from the disk with it
 *
 * On SQLite its commit empties the write-ahead log, which still holds the pages as they were, or
 * one of the next commits does if readers are in the way.
 */
void tx_scrub(struct tx *tx);

struct tx_query {
	enum statement id;
	const struct val *params;
	size_t n;
	struct row row;
};

/** tx_gather() - several independent single-row statements; one round trip on PostgreSQL. */
MUST_CHECK enum err tx_gather(struct tx *tx, struct tx_query *queries, size_t n);

struct store_gauges {
	uint64_t transactions, batches, statements; /* since the start; fsyncs = batches */
	unsigned waiting;
	uint64_t busy, full;
	int64_t wal_pages;
	/* PostgreSQL: answers waited for, transactions run again, connections open and lost. */
	uint64_t round_trips, retries, lost;
	unsigned connections;
	bool away; /* it did not answer, and is asked again only now and then */
};
/** store_gauges() - read them all; any thread. */
struct store_gauges store_gauges(struct store *s);

/** store_seals_late() - are audit rows sealed by a task of their own, after their commit? */
bool store_seals_late(const struct store *s);

/** store_backup() - a consistent copy into @path, beside a running server; SQLite only. */
MAY_YIELD MUST_CHECK enum err store_backup(struct store *s, struct request *rq, struct str path);

#endif
