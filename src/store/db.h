/*
 * What a database driver gives the store: SQLite and PostgreSQL stand behind the same calls.
 * A driver knows connections, transactions, rows and how its schema is kept; it knows no table.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "store/store.h"

/** struct migration - one numbered .sql file, embedded by tools/embed_sql.py. */
struct migration {
	int64_t version;
	struct str name;
	struct str sha256; /* 64 hex digits */
	int64_t oldest;    /* a program that knows this version can still use what it leaves */
	struct str sql;
};

/** struct migration_mark - what the database remembers of a migration it has had. */
struct migration_mark {
	int64_t version;
	struct str sha256;
	int64_t oldest; /* as in struct migration; 0: not kept */
};

/** struct db, struct schema - a driver's own; its struct begins with this one. */
struct db {
	const struct db_ops *ops;
};
struct schema;

typedef bool row_fn(void *arg, const struct row *row);

/** struct tx - a transaction, or a read, while its function runs. */
struct tx {
	const struct db_ops *ops;
	void *conn; /* the driver's connection */
	struct arena *arena;
	struct request *rq; /* NULL in store_config.before_commit */
	unsigned statements;
	bool scrubs;     /* tx_scrub() was called */
	enum err failed; /* first failure of the machine: nothing commits over it */
};

enum db_mode {
	DB_READ_ONE, /* one statement that reads */
	DB_READ,     /* on one snapshot */
	DB_WRITE,    /* as if alone */
	DB_APPEND,   /* right whatever others commit: see store_tx_plain() */
};

struct db_ops {
	bool seals_late;        /* see store_seals_late() */
	bool migrates_at_start; /* `serve` brings the schema up to date by itself */
	const struct migration *(*migrations)(size_t *ret_n);

	enum err (*open)(const struct store_config *config, struct str where, struct arena *arena,
	    struct db **ret, struct str *ret_problem);
	void (*close)(struct db *db);
	enum err (*tx)(
	    struct db *db, struct request *rq, enum db_mode mode, store_fn *fn, void *arg);
	enum err (*read)(
	    struct db *db, struct request *rq, unsigned flags, store_fn *fn, void *arg);
	enum err (*backup)(struct db *db, struct request *rq, struct str path);
	void (*gauges)(struct db *db, struct store_gauges *ret);

	enum err (*row)(
	    struct tx *tx, enum statement id, const struct val *params, size_t n, struct row *ret);
	enum err (*push)(struct tx *tx, enum statement id, const struct val *params, size_t n);
	enum err (*each)(struct tx *tx, enum statement id, const struct val *params, size_t n,
	    row_fn *each, void *arg);
	enum err (*count)(
	    struct tx *tx, enum statement id, const struct val *params, size_t n, int64_t *ret);
	enum err (*gather)(struct tx *tx, struct tx_query *queries, size_t n);
	enum err (*require)(struct tx *tx, enum statement id, const struct val *params, size_t n,
	    enum err otherwise);

	/**
	 * schema_open() - look at the database, or with @make be able to change it, making it when
	 * it is not there
	 *
	 * *@ret is NULL with OK when it is not there and @make is false.
	 */
	enum err (*schema_open)(struct str where, bool make, struct arena *arena,
	    struct schema **ret, struct str *ret_problem);
	/** schema_marks() - the migrations it has had, oldest first. */
	enum err (*schema_marks)(struct schema *schema, struct arena *arena,
	    struct migration_mark **ret, size_t *ret_n, struct str *ret_problem);
	/** schema_apply() - one migration and its mark, in one transaction. */
	enum err (*schema_apply)(struct schema *schema, const struct migration *m,
	    struct arena *arena, struct str *ret_problem);
	void (*schema_close)(struct schema *schema);
};

extern const struct db_ops db_sqlite, db_pg;

/**
 * db_for_url() - the driver for @url and the part of it that driver reads
 *
 * Returns: NULL, with a sentence, when there is none.
 */
const struct db_ops *db_for_url(struct str url, struct str *ret_where, struct str *ret_problem);

enum schema_state {
	SCHEMA_CURRENT,
	SCHEMA_OLDER, /* migrations are missing */
	SCHEMA_WRONG, /* newer than this program, or not what it knows: nothing may be done */
};
/** schema_judge() - hold what the database has had against what this program has. */
enum schema_state schema_judge(const struct migration *known, size_t n_known,
    const struct migration_mark *marks, size_t n_marks, struct arena *arena,
    struct str *ret_problem);

/** tx_run() - call @fn(@tx, @arg) under the rules for such functions; its result and @tx's. */
enum err tx_run(struct tx *tx, store_fn *fn, void *arg);
/** db_wait() - rt_wait_fds_begun() from inside a transaction: whoever runs meanwhile is not in it.
 */
MAY_YIELD MUST_CHECK enum err db_wait(struct rt_fd *fd, int64_t deadline_us);
/** tx_use_arena() - let results go into @arena from here on; returns the one so far. */
struct arena *tx_use_arena(struct tx *tx, struct arena *arena);

#endif
