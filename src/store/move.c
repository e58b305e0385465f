#include "store/move.h"

#include <stdlib.h>

#include "base/clock.h"
#include "crypto/hmac.h"
#include "store/pg_pool.h"
#include "store/sqlite_conn.h"

#define COLUMNS_MAX 40
#define BATCH_ROWS 100
#define CONNECT_US (10 * US_PER_S)

/* struct sum - of a table's rows: how many, and their HMACs added up, whatever their order. */
struct sum {
	int64_t rows;
	uint64_t lanes[4];
};

struct move {
	struct sqlite_conn from;
	PGconn *to;
	struct arena *arena;   /* the caller's: for sentences */
	struct arena *scratch; /* of one table */
	struct str *problem;
	struct hmac_key key; /* any: both sides are hashed with it */
};

struct table {
	struct str name, columns; /* "a, b, c" */
	size_t n;
};

static enum err sqlite_failed(struct move *m)
{
	*m->problem = str_printf(m->arena, "SQLite: %s.", sqlite3_errmsg(m->from.db));
	return ERR_UNAVAILABLE;
}

static enum err pg_failed(struct move *m)
{
	*m->problem = str_printf(
	    m->arena, "PostgreSQL: %.*s", STR_ARG(str_trim(str_of(PQerrorMessage(m->to)))));
	return ERR_UNAVAILABLE;
}

static bool prepare(struct move *m, struct str sql, sqlite3_stmt **ret)
{
	return sqlite3_prepare_v2(m->from.db, sql.ptr, (int)sql.len, ret, NULL) == SQLITE_OK;
}

/* --- sums --- */

static void sum_add(struct sum *sum, struct hmac *row)
{
	uint8_t hash[SHA256_SIZE];
	uint64_t lanes[4];

	hmac_end(row, hash);
	memcpy(lanes, hash, sizeof(lanes));
	for (size_t i = 0; i < ARRAY_LEN(lanes); i++)
		sum->lanes[i] += lanes[i];
	sum->rows++;
}

static bool sum_equal(const struct sum *a, const struct sum *b)
{
	return a->rows == b->rows && memcmp(a->lanes, b->lanes, sizeof(a->lanes)) == 0;
}

/* hash_value() - its kind and length first, so that no two rows have the same bytes. */
static void hash_value(struct hmac *row, char kind, const void *bytes, size_t len)
{
	uint64_t size = len;

	hmac_add(row, str_bytes(&kind, 1));
	hmac_add(row, str_bytes(&size, sizeof(size)));
	hmac_add(row, str_bytes(bytes ? bytes : "", len));
}

/* --- the file's side --- */

/* struct values - one row as parameters. */
struct values {
	const char *values[COLUMNS_MAX];
	int lengths[COLUMNS_MAX], formats[COLUMNS_MAX];
	char numbers[COLUMNS_MAX][24];
};

static void read_value(sqlite3_stmt *stmt, int i, struct values *v, struct hmac *row)
{
	int64_t number;

	v->lengths[i] = 0;
	v->formats[i] = 1;
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_NULL:
		v->values[i] = NULL;
		hash_value(row, '0', NULL, 0);
		break;
	case SQLITE_INTEGER:
		number = sqlite3_column_int64(stmt, i);
		snprintf(v->numbers[i], sizeof(v->numbers[i]), "%lld", (long long)number);
		v->values[i] = v->numbers[i];
		v->formats[i] = 0;
		hash_value(row, 'i', &number, sizeof(number));
		break;
	default: /* text or bytes: the schema is STRICT */
		v->values[i] = sqlite3_column_blob(stmt, i);
		v->values[i] = v->values[i] ? v->values[i] : "";
		v->lengths[i] = sqlite3_column_bytes(stmt, i);
		hash_value(row, 'b', v->values[i], (size_t)v->lengths[i]);
		break;
	}
}

/* --- copying --- */

/* finish_batch() - wait for what was sent; all of it stands, or none. */
static enum err finish_batch(struct move *m)
{
	PGresult *result;
	bool over = false, failed = false;

	if (!PQpipelineSync(m->to))
		return pg_failed(m);
	while (!over && PQstatus(m->to) == CONNECTION_OK) {
		result = PQgetResult(m->to);
		if (!result) /* the end of one statement's */
			continue;
		over = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		if (PQresultStatus(result) == PGRES_FATAL_ERROR && !failed) {
			failed = true;
			*m->problem = str_printf(m->arena, "PostgreSQL: %.*s",
			    STR_ARG(str_trim(str_of(PQresultErrorMessage(result)))));
		}
		PQclear(result);
	}
	if (!over)
		return pg_failed(m);
	return failed ? ERR_UNAVAILABLE : OK;
}

static struct str insert_text(struct move *m, const struct table *t)
{
	struct buf sql;

	buf_init(&sql, m->scratch, 1024);
	buf_printf(&sql, "INSERT INTO %.*s (%.*s) VALUES (", STR_ARG(t->name), STR_ARG(t->columns));
	for (size_t i = 1; i <= t->n; i++)
		buf_printf(&sql, "%s$%zu", i > 1 ? ", " : "", i);
	buf_add(&sql, STR(") ON CONFLICT DO NOTHING"));
	return buf_str(&sql);
}

/* copy() - every row, summed up on the way. */
static enum err copy(struct move *m, const struct table *t, struct sum *sum)
{
	const char *insert = str_cstr(m->scratch, insert_text(m, t));
	struct values v;
	sqlite3_stmt *stmt = NULL;
	enum err r = OK;
	int step = SQLITE_DONE;

	if (!prepare(m,
		str_printf(
		    m->scratch, "SELECT %.*s FROM %.*s", STR_ARG(t->columns), STR_ARG(t->name)),
		&stmt))
		return sqlite_failed(m);
	if (!PQsendPrepare(m->to, "move", insert, 0, NULL))
		r = pg_failed(m);
	while (r == OK && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct hmac row;

		hmac_begin(&row, &m->key);
		for (size_t i = 0; i < t->n; i++)
			read_value(stmt, (int)i, &v, &row);
		sum_add(sum, &row);
		if (!PQsendQueryPrepared(
			m->to, "move", (int)t->n, v.values, v.lengths, v.formats, 1))
			r = pg_failed(m);
		else if (sum->rows % BATCH_ROWS == 0)
			r = finish_batch(m);
	}
	if (r == OK && step != SQLITE_DONE)
		r = sqlite_failed(m);
	sqlite3_finalize(stmt);
	return r == OK ? finish_batch(m) : r;
}

/* --- comparing --- */

static void sum_result(const struct hmac_key *key, const PGresult *result, int row, struct sum *sum)
{
	struct hmac hash;

	hmac_begin(&hash, key);
	for (int i = 0; i < PQnfields(result); i++) {
		const char *p = PQgetvalue(result, row, i);
		int64_t number;

		if (PQgetisnull(result, row, i)) {
			hash_value(&hash, '0', NULL, 0);
		} else if (PQftype(result, i) == 20 /* int8 */) {
			memcpy(&number, p, sizeof(number));
			number = (int64_t)__builtin_bswap64((uint64_t)number);
			hash_value(&hash, 'i', &number, sizeof(number));
		} else {
			hash_value(&hash, 'b', p, (size_t)PQgetlength(result, row, i));
		}
	}
	sum_add(sum, &hash);
}

/* look() - what has arrived, read back from the server. */
static enum err look(struct move *m, const struct table *t, struct sum *sum)
{
	struct str sql =
	    str_printf(m->scratch, "SELECT %.*s FROM %.*s", STR_ARG(t->columns), STR_ARG(t->name));
	PGresult *result;
	bool failed = false;

	PQexitPipelineMode(m->to);
	if (!PQsendQueryParams(m->to, sql.ptr, 0, NULL, NULL, NULL, NULL, 1) ||
	    !PQsetSingleRowMode(m->to))
		return pg_failed(m);
	while ((result = PQgetResult(m->to))) {
		failed |= PQresultStatus(result) == PGRES_FATAL_ERROR;
		for (int i = 0; i < PQntuples(result); i++)
			sum_result(&m->key, result, i, sum);
		PQclear(result);
	}
	return failed ? pg_failed(m) : OK;
}

static enum err move_table(struct move *m, const struct table *t, int64_t *ret_rows)
{
	struct sum here = { 0 }, there = { 0 };
	enum err r;

	if (!PQenterPipelineMode(m->to))
		return pg_failed(m);
	r = copy(m, t, &here);
	if (r == OK)
		r = look(m, t, &there);
	if (r == OK)
		PQclear(PQexec(m->to, "DEALLOCATE ALL"));
	*ret_rows = here.rows;
	if (r != OK || sum_equal(&here, &there))
		return r;
	*m->problem = str_printf(m->arena,
	    "Table %.*s has %lld rows here and %lld there, or they differ: the database moved to "
	    "was not empty, or somebody writes.",
	    STR_ARG(t->name), (long long)here.rows, (long long)there.rows);
	return ERR_CONFLICT;
}

/* --- all of it --- */

/* What a table refers to comes before it: today only people are referred to. */
#define TABLES                                                                           \
	"SELECT name, (SELECT group_concat(name, ', ') FROM pragma_table_info(t.name))," \
	" (SELECT count(*) FROM pragma_table_info(t.name)) FROM sqlite_schema t"         \
	" WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"               \
	" AND name <> 'schema_migration' ORDER BY"                                       \
	" (SELECT count(*) FROM pragma_foreign_key_list(t.name)), name"

static enum err move_tables(struct move *m, void (*said)(void *arg, struct str sentence), void *arg)
{
	sqlite3_stmt *stmt = NULL;
	enum err r = OK;

	if (!prepare(m, STR(TABLES), &stmt))
		return sqlite_failed(m);
	while (r == OK && sqlite3_step(stmt) == SQLITE_ROW) {
		struct table t = {
			.name = str_of((const char *)sqlite3_column_text(stmt, 0)),
			.columns = str_of((const char *)sqlite3_column_text(stmt, 1)),
			.n = (size_t)sqlite3_column_int64(stmt, 2),
		};
		int64_t rows = 0;

		if (t.n > COLUMNS_MAX)
			abort();
		r = move_table(m, &t, &rows);
		if (r == OK)
			said(arg, str_printf(m->arena, "%.*s: %lld rows are there.",
				      STR_ARG(t.name), (long long)rows));
		arena_reset(m->scratch);
	}
	sqlite3_finalize(stmt);
	return r;
}

/* exec() - texts that prepare the other side. */
static enum err exec(struct move *m, const char *sql)
{
	PGresult *result = PQexec(m->to, sql);
	ExecStatusType status = PQresultStatus(result);

	PQclear(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? OK : pg_failed(m);
}

/* make_room() - the months the trail has; its first row is not always the oldest, but nearly. */
static enum err make_room(struct move *m)
{
	int64_t first = 0, last = 0;
	int rc = sqlite_conn_int(&m->from, "SELECT coalesce(min(at), 0) FROM audit", &first);

	if (rc == SQLITE_OK)
		rc = sqlite_conn_int(&m->from, "SELECT coalesce(max(at), 0) FROM audit", &last);
	if (rc != SQLITE_OK)
		return sqlite_failed(m);
	if (last == 0)
		return OK;
	return exec(m, str_printf(m->arena, "SELECT audit_partitions(%lld, %lld)", (long long)first,
			   (long long)((last - first) / (28 * US_PER_DAY) + 2))
			   .ptr);
}

/* Numbers the other side gives from here on follow those that came. */
#define NUMBER_ON                                                                            \
	"SELECT setval(pg_get_serial_sequence(c.table_name, 'id'), n) FROM (VALUES"          \
	" ('audit', (SELECT max(id) FROM audit)), ('outbox', (SELECT max(id) FROM outbox))," \
	" ('limit_admissions', (SELECT max(id) FROM limit_admissions))) c(table_name, n)"    \
	" WHERE n IS NOT NULL"

static enum err open_both(struct move *m, struct str from, struct str to, struct pg_conn **ret)
{
	struct str path = str_starts(from, STR("sqlite:")) ? str_from(from, 7) : from;
	enum err r = pg_connect(to, NULL, now_mono_us() + CONNECT_US, m->arena, ret, m->problem);

	if (r != OK)
		return r;
	m->to = (*ret)->pg;
	PQsetnonblocking(m->to, 0);
	if (sqlite_conn_open(&m->from, str_cstr(m->arena, path), SQLITE_MODE_READ) == SQLITE_OK)
		return OK;
	*m->problem = str_printf(m->arena, "The database %.*s cannot be opened.", STR_ARG(path));
	return ERR_UNAVAILABLE;
}

enum err store_move(struct str from, struct str to, struct arena *arena,
    void (*said)(void *arg, struct str sentence), void *arg, struct str *ret_problem)
{
	struct move m = {
		.arena = arena,
		.scratch = arena_new(ARENA_PLAIN, 0),
		.problem = ret_problem,
	};
	struct pg_conn *conn = NULL;
	enum err r = open_both(&m, from, to, &conn);

	hmac_key_init(&m.key, secret_of(STR("move")));
	if (r == OK)
		r = make_room(&m);
	if (r == OK)
		r = move_tables(&m, said, arg);
	if (r == OK)
		r = exec(&m, NUMBER_ON);
	sqlite_conn_close(&m.from);
	if (conn)
		pg_conn_close(conn);
	arena_free(&m.scratch);
	return r;
}
