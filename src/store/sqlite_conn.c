#include "store/sqlite_conn.h"

#include <assert.h>

#define READ_CACHE "PRAGMA cache_size=-2048"
#define WRITE_CACHE "PRAGMA cache_size=-32768"
#define READ_BUSY_MS 50 /* reads run on the loops, which must not stand still */
#define RETRY_BUSY_US US_PER_S
#define RETRY_FULL_US (5 * US_PER_S)

static const char *const control_texts[CONTROL_COUNT] = {
	[CONTROL_BEGIN] = "BEGIN",
	[CONTROL_BEGIN_IMMEDIATE] = "BEGIN IMMEDIATE",
	[CONTROL_COMMIT] = "COMMIT",
	[CONTROL_ROLLBACK] = "ROLLBACK",
	[CONTROL_SAVEPOINT] = "SAVEPOINT tx",
	[CONTROL_RELEASE] = "RELEASE tx",
	[CONTROL_ROLLBACK_TO] = "ROLLBACK TO tx",
};

int sqlite_conn_exec(struct sqlite_conn *conn, const char *sql)
{
	return sqlite3_exec(conn->db, sql, NULL, NULL, NULL);
}

int sqlite_conn_int(struct sqlite_conn *conn, const char *sql, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		*ret = sqlite3_column_int64(stmt, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return rc;
}

static int configure(struct sqlite_conn *conn, enum sqlite_mode mode)
{
	static const char *const both[] = {
		"PRAGMA mmap_size=0",          /* an I/O error must not be a signal */
		"PRAGMA wal_autocheckpoint=0", /* only the writer checkpoints, when it chooses */
		"PRAGMA temp_store=MEMORY",
	};
	static const char *const writer[] = {
		WRITE_CACHE, "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON",
		"PRAGMA secure_delete=FAST", /* what is wiped leaves the page */
	};
	int rc = SQLITE_OK;

	sqlite3_extended_result_codes(conn->db, 1);
	sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(conn->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(
	    conn->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, mode == SQLITE_MODE_READ, NULL);
	sqlite3_busy_timeout(
	    conn->db, mode == SQLITE_MODE_READ ? READ_BUSY_MS : SQLITE_WRITE_BUSY_MS);
	for (size_t i = 0; i < ARRAY_LEN(both) && rc == SQLITE_OK; i++)
		rc = sqlite_conn_exec(conn, both[i]);
	if (mode == SQLITE_MODE_READ)
		return rc == SQLITE_OK ? sqlite_conn_exec(conn, READ_CACHE) : rc;
	for (size_t i = 0; i < ARRAY_LEN(writer) && rc == SQLITE_OK; i++)
		rc = sqlite_conn_exec(conn, writer[i]);
	return rc;
}

int sqlite_conn_open(struct sqlite_conn *conn, const char *path, enum sqlite_mode mode)
{
	int flags = mode == SQLITE_MODE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	int rc;

	*conn = (struct sqlite_conn){ .db = NULL };
	rc = sqlite3_open_v2(path, &conn->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = configure(conn, mode);
	if (rc != SQLITE_OK)
		sqlite_conn_close(conn);
	return rc;
}

void sqlite_conn_close(struct sqlite_conn *conn)
{
	for (size_t i = 0; i < ARRAY_LEN(conn->control); i++)
		sqlite3_finalize(conn->control[i]);
	for (size_t i = 0; i < ARRAY_LEN(conn->statements); i++)
		sqlite3_finalize(conn->statements[i]);
	sqlite3_close(conn->db);
	*conn = (struct sqlite_conn){ .db = NULL };
}

static int prepare(struct sqlite_conn *conn, const char *sql, sqlite3_stmt **ret)
{
	return sqlite3_prepare_v3(conn->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
}

int sqlite_conn_control(struct sqlite_conn *conn, enum sqlite_control c)
{
	int rc;

	if (!conn->control[c]) {
		rc = prepare(conn, control_texts[c], &conn->control[c]);
		if (rc != SQLITE_OK)
			return rc;
	}
	rc = sqlite3_step(conn->control[c]);
	sqlite3_reset(conn->control[c]);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/*
 * prepare_statement() - SQLite numbers $1, $2 by their first appearance, not by their digits, and
 * would bind wrongly in silence; ?1, ?2 mean what they say.
 */
static NOINLINE int prepare_statement(struct sqlite_conn *conn, enum statement id)
{
	const char *text = statement_sql(id);
	char sql[2048];
	size_t i;

	for (i = 0; text[i] != '\0' && i + 1 < sizeof(sql); i++)
		sql[i] = text[i] == '$' ? '?' : text[i];
	assert(text[i] == '\0');
	sql[i] = '\0';
	return prepare(conn, sql, &conn->statements[id]);
}

static int statement(struct sqlite_conn *conn, enum statement id, sqlite3_stmt **ret)
{
	int rc = conn->statements[id] ? SQLITE_OK : prepare_statement(conn, id);

	*ret = conn->statements[id];
	return rc;
}

int sqlite_conn_prepare_all(struct sqlite_conn *conn)
{
	sqlite3_stmt *stmt;
	int rc = SQLITE_OK;

	for (int id = STMT_NONE + 1; id < STMT_COUNT && rc == SQLITE_OK; id++)
		rc = statement(conn, (enum statement)id, &stmt);
	return rc;
}

bool sqlite_is_outage(int result)
{
	switch (result & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_NOMEM:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PROTOCOL:
	case SQLITE_INTERRUPT:
		return true;
	default:
		return false;
	}
}

enum err sqlite_err(int result, struct request *rq)
{
	if (!sqlite_is_outage(result))
		return ERR_INTERNAL;
	if (rq)
		rq->retry_after_us = (result & 0xff) == SQLITE_FULL ? RETRY_FULL_US : RETRY_BUSY_US;
	return ERR_UNAVAILABLE;
}

static int bind(sqlite3_stmt *stmt, int i, const struct val *v)
{
	const char *p = v->s.ptr ? v->s.ptr : ""; /* SQLite would take NULL for NULL */

	switch (v->type) {
	case VAL_NULL:
		return sqlite3_bind_null(stmt, i);
	case VAL_INT:
		return sqlite3_bind_int64(stmt, i, v->i);
	case VAL_TEXT:
		return sqlite3_bind_text64(stmt, i, p, v->s.len, SQLITE_STATIC, SQLITE_UTF8);
	case VAL_BLOB:
		return sqlite3_bind_blob64(stmt, i, p, v->s.len, SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

static struct str column_bytes(struct arena *arena, const void *p, sqlite3_stmt *stmt, int i)
{
	size_t len = (size_t)sqlite3_column_bytes(stmt, i);

	return str_bytes(arena_copy(arena, p ? p : "", len), len);
}

static struct val column(struct arena *arena, sqlite3_stmt *stmt, int i)
{
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_NULL:
		return val_null();
	case SQLITE_INTEGER:
		return val_int(sqlite3_column_int64(stmt, i));
	case SQLITE_TEXT:
		return val_text(column_bytes(arena, sqlite3_column_text(stmt, i), stmt, i));
	default: /* the schema is STRICT: there are no reals */
		return val_blob(column_bytes(arena, sqlite3_column_blob(stmt, i), stmt, i));
	}
}

static struct row row_of(struct arena *arena, sqlite3_stmt *stmt)
{
	size_t n = (size_t)sqlite3_column_count(stmt);
	struct val *cols = ARENA_ARRAY(arena, n, struct val);

	for (size_t i = 0; i < n; i++)
		cols[i] = column(arena, stmt, (int)i);
	return (struct row){ .found = true, .n = n, .cols = cols };
}

/* tx_fail() - remember what went wrong; a function that overlooks it still cannot commit. */
static enum err tx_fail(struct tx *tx, enum statement id, int rc)
{
	struct sqlite_conn *conn = tx->conn;
	enum err r = sqlite_err(rc, tx->rq);

	if (tx->failed == OK) {
		tx->failed = r;
		conn->result = rc;
	}
	if (tx->rq)
		fault(tx->rq, r, "sqlite %d: %s, in: %s", rc, sqlite3_errmsg(conn->db),
		    statement_sql(id));
	return r;
}

static int bind_all(sqlite3_stmt *stmt, const struct val *params, size_t n)
{
	int rc = SQLITE_OK;

	assert((size_t)sqlite3_bind_parameter_count(stmt) == n);
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
		rc = bind(stmt, (int)i + 1, &params[i]);
	return rc;
}

/* step_all() - hand on every row until @each has enough. */
static int step_all(struct arena *arena, sqlite3_stmt *stmt, row_fn *each, void *arg)
{
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct row row;

		if (!each)
			continue;
		row = row_of(arena, stmt);
		if (!each(arg, &row))
			return SQLITE_OK;
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

enum err sqlite_tx_each(
    struct tx *tx, enum statement id, const struct val *params, size_t n, row_fn *each, void *arg)
{
	sqlite3_stmt *stmt;
	int rc = statement(tx->conn, id, &stmt);

	if (rc != SQLITE_OK)
		return tx_fail(tx, id, rc);
	rc = bind_all(stmt, params, n);
	if (rc == SQLITE_OK)
		rc = step_all(tx->arena, stmt, each, arg);
	/* The fault first: resetting changes what the connection says about it. */
	if (rc != SQLITE_OK)
		tx_fail(tx, id, rc);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc == SQLITE_OK ? OK : tx->failed;
}
