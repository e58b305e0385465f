#include "store/pg_schema.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/pg_pool.h"

#define CONNECT_US (10 * US_PER_S)
#define LOCK_KEY \
	"4849664921413153618" /* "CLKROOM" and a version, as a number: any other would do */
#define MARKS_TABLE                                                                \
	"CREATE TABLE IF NOT EXISTS schema_migration (version bigint PRIMARY KEY," \
	" name text NOT NULL, sha256 text NOT NULL, oldest bigint NOT NULL,"       \
	" applied_at bigint NOT NULL)"

struct schema {
	struct pg_conn *conn;
};

const struct migration *pg_migrations(size_t *ret_n)
{
	*ret_n = postgresql_embedded_count;
	return postgresql_embedded;
}

/* refused() - what the server said, as a sentence. Takes @result. */
static enum err refused(struct schema *schema, struct arena *arena, const char *what,
    PGresult *result, struct str *ret_problem)
{
	const char *said = result ? PQresultErrorMessage(result) : PQerrorMessage(schema->conn->pg);

	*ret_problem =
	    str_printf(arena, "PostgreSQL: %s failed: %.*s", what, STR_ARG(str_trim(str_of(said))));
	PQclear(result);
	return ERR_UNAVAILABLE;
}

/* exec() - texts of which only success matters. */
static enum err exec(struct schema *schema, struct arena *arena, const char *what, const char *sql,
    struct str *ret_problem)
{
	PGresult *result = pg_conn_exec(schema->conn, sql, NEVER_US);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		return refused(schema, arena, what, result, ret_problem);
	PQclear(result);
	return OK;
}

/* query() - rows; the caller clears *@ret. */
static enum err query(struct schema *schema, struct arena *arena, const char *what, const char *sql,
    PGresult **ret, struct str *ret_problem)
{
	PGresult *result = pg_conn_exec(schema->conn, sql, NEVER_US);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return refused(schema, arena, what, result, ret_problem);
	*ret = result;
	return OK;
}

static enum err open_schema(struct str url, struct lane *blocking, struct arena *arena,
    struct schema **ret, struct str *ret_problem)
{
	struct pg_conn *conn = NULL;
	enum err r =
	    pg_connect(url, blocking, now_mono_us() + CONNECT_US, arena, &conn, ret_problem);

	if (r != OK)
		return r;
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		abort();
	(*ret)->conn = conn;
	return OK;
}

enum err pg_schema_open(
    struct str url, bool make, struct arena *arena, struct schema **ret, struct str *ret_problem)
{
	(void)make; /* the database is made by its administrator */
	return open_schema(url, NULL, arena, ret, ret_problem);
}

void pg_schema_close(struct schema *schema)
{
	pg_conn_close(schema->conn);
	free(schema);
}

static int64_t number(const PGresult *result, int row, int column)
{
	return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

/* look() - are there marks; if not, is there anything else in our schema? */
static enum err look(
    struct schema *schema, struct arena *arena, bool *ret_marked, struct str *ret_problem)
{
	PGresult *result = NULL;
	enum err r = query(schema, arena, "looking at the schema",
	    "SELECT (to_regclass('schema_migration') IS NOT NULL)::int, (SELECT count(*)"
	    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	    " WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p'))",
	    &result, ret_problem);
	bool others;

	if (r != OK)
		return r;
	*ret_marked = number(result, 0, 0) == 1;
	others = number(result, 0, 1) > 0;
	PQclear(result);
	if (*ret_marked || !others)
		return OK;
	*ret_problem = STR("The PostgreSQL database holds another program's tables.");
	return ERR_INTERNAL;
}

enum err pg_schema_marks(struct schema *schema, struct arena *arena, struct migration_mark **ret,
    size_t *ret_n, struct str *ret_problem)
{
	PGresult *result = NULL;
	bool marked = false;
	enum err r = look(schema, arena, &marked, ret_problem);

	*ret = NULL;
	*ret_n = 0;
	if (r != OK || !marked)
		return r;
	r = query(schema, arena, "reading the schema's versions",
	    "SELECT version, sha256, oldest FROM schema_migration ORDER BY version", &result,
	    ret_problem);
	if (r != OK)
		return r;
	*ret_n = (size_t)PQntuples(result);
	*ret = ARENA_ARRAY(arena, *ret_n, struct migration_mark);
	for (size_t i = 0; i < *ret_n; i++)
		(*ret)[i] = (struct migration_mark){
			.version = number(result, (int)i, 0),
			.sha256 = str_dup(arena, str_of(PQgetvalue(result, (int)i, 1))),
			.oldest = number(result, (int)i, 2),
		};
	PQclear(result);
	return OK;
}

enum err pg_schema_check(
    struct str url, struct lane *blocking, struct arena *arena, struct str *ret_problem)
{
	struct migration_mark *marks = NULL;
	struct schema *schema = NULL;
	size_t n = 0;
	enum err r = open_schema(url, blocking, arena, &schema, ret_problem);

	if (r != OK)
		return r;
	r = pg_schema_marks(schema, arena, &marks, &n, ret_problem);
	pg_schema_close(schema);
	if (r != OK)
		return r;
	switch (schema_judge(
	    postgresql_embedded, postgresql_embedded_count, marks, n, arena, ret_problem)) {
	case SCHEMA_CURRENT:
		return OK;
	case SCHEMA_OLDER:
	case SCHEMA_WRONG:
		break;
	}
	return ERR_INTERNAL;
}

/* was_here() - has somebody else applied it while we waited for the lock? */
static enum err was_here(struct schema *schema, const struct migration *m, struct arena *arena,
    bool *ret, struct str *ret_problem)
{
	PGresult *result = NULL;
	enum err r = query(schema, arena, "reading the schema's version",
	    "SELECT coalesce(max(version), 0) FROM schema_migration", &result, ret_problem);

	if (r != OK)
		return r;
	*ret = number(result, 0, 0) >= m->version;
	PQclear(result);
	return OK;
}

/*
 * apply() - inside a transaction. One who migrates holds off the others; requests are held off
 * by nothing for long, as a lock that is not to be had soon ends the migration.
 */
static enum err apply(
    struct schema *schema, const struct migration *m, struct arena *arena, struct str *ret_problem)
{
	const char *name = str_printf(arena, "migration %lld", (long long)m->version).ptr;
	struct str mark = str_printf(arena,
	    "INSERT INTO schema_migration (version, name, sha256, oldest, applied_at)"
	    " VALUES (%lld, '%.*s', '%.*s', %lld, %lld)",
	    (long long)m->version, STR_ARG(m->name), STR_ARG(m->sha256), (long long)m->oldest,
	    (long long)now_wall_us());
	bool done = false;
	enum err r = exec(schema, arena, "taking the migration lock",
	    "SELECT pg_advisory_xact_lock(" LOCK_KEY ")", ret_problem);

	if (r == OK)
		r = exec(schema, arena, name,
		    "SET LOCAL client_min_messages = warning; "
		    "SET LOCAL lock_timeout = '2s'; " MARKS_TABLE,
		    ret_problem);
	if (r == OK)
		r = was_here(schema, m, arena, &done, ret_problem);
	if (r != OK || done)
		return r;
	r = exec(schema, arena, name, m->sql.ptr, ret_problem);
	return r == OK ? exec(schema, arena, name, mark.ptr, ret_problem) : r;
}

enum err pg_schema_apply(
    struct schema *schema, const struct migration *m, struct arena *arena, struct str *ret_problem)
{
	struct str ignored;
	enum err r = exec(schema, arena, "BEGIN", "BEGIN", ret_problem);

	if (r == OK)
		r = apply(schema, m, arena, ret_problem);
	if (r == OK)
		r = exec(schema, arena, "COMMIT", "COMMIT", ret_problem);
	if (r != OK && exec(schema, arena, "ROLLBACK", "ROLLBACK", &ignored) != OK)
		return ERR_UNAVAILABLE; /* the connection is gone, and with it the transaction */
	return r;
}
