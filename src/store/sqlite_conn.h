/* One SQLite connection with its prepared statements. Used by one thread at a time. */
#ifndef STORE_SQLITE_CONN_H
#define STORE_SQLITE_CONN_H

#include <sqlite3.h>

#include "store/db.h"

/* How long writing waits while another program holds the file. */
#define SQLITE_WRITE_BUSY_MS 1000

/* Statements that are not about tables. */
enum sqlite_control {
	CONTROL_BEGIN,
	CONTROL_BEGIN_IMMEDIATE,
	CONTROL_COMMIT,
	CONTROL_ROLLBACK,
	CONTROL_SAVEPOINT,
	CONTROL_RELEASE,
	CONTROL_ROLLBACK_TO,
	CONTROL_COUNT,
};

struct sqlite_conn {
	sqlite3 *db;
	sqlite3_stmt *control[CONTROL_COUNT];
	sqlite3_stmt *statements[STMT_COUNT];
	int result; /* SQLite's code of the last failure */
};

enum sqlite_mode {
	SQLITE_MODE_READ,
	SQLITE_MODE_WRITE, /* the one connection that writes and checkpoints */
};

/** sqlite_conn_open() - open an existing file. Returns SQLite's code; closed again on failure. */
MUST_CHECK int sqlite_conn_open(struct sqlite_conn *conn, const char *path, enum sqlite_mode mode);
/** sqlite_conn_close() - safe twice. */
void sqlite_conn_close(struct sqlite_conn *conn);
/** sqlite_conn_control() - returns SQLite's code. */
int sqlite_conn_control(struct sqlite_conn *conn, enum sqlite_control c);
/** sqlite_conn_prepare_all() - every statement now, rather than at its first use. */
MUST_CHECK int sqlite_conn_prepare_all(struct sqlite_conn *conn);
/** sqlite_conn_exec() - one text without parameters or result. Returns SQLite's code. */
int sqlite_conn_exec(struct sqlite_conn *conn, const char *sql);
/** sqlite_conn_int() - the number a text without parameters gives. Returns SQLite's code. */
int sqlite_conn_int(struct sqlite_conn *conn, const char *sql, int64_t *ret);

/** sqlite_is_outage() - busy, full, out of memory, I/O: the batch is lost, not our mistake. */
bool sqlite_is_outage(int result);
/** sqlite_err() - SQLite's code as ours; sets rq->retry_after_us when @rq is not NULL. */
enum err sqlite_err(int result, struct request *rq);

/** sqlite_tx_each() - db_ops.each, and with @each NULL .push, on tx->conn. */
MUST_CHECK enum err sqlite_tx_each(
    struct tx *tx, enum statement id, const struct val *params, size_t n, row_fn *each, void *arg);

#endif
