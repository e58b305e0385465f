#include "tests/unit/test.h"

#include "store/sqlite_conn.h"
#include "tests/support/store_fixture.h"

static int open_conn(void **state)
{
	static struct store_fixture f;

	store_fixture_init(&f);
	*state = &f;
	return 0;
}

static int close_conn(void **state)
{
	store_fixture_done(*state);
	return 0;
}

/* highest() - the largest N of the $N in @sql, when all from 1 to N are there; else -1. */
static int highest(const char *sql)
{
	bool seen[100] = { false };
	int max = 0;

	for (const char *p = sql; (p = strchr(p, '$')); p++) {
		long n = strtol(p + 1, NULL, 10);

		assert_in_range(n, 1, 99);
		seen[n] = true;
		if (n > max)
			max = (int)n;
	}
	for (int n = 1; n <= max; n++)
		if (!seen[n])
			return -1;
	return max;
}

static void every_statement_prepares(void **state)
{
	struct store_fixture *f = *state;
	struct sqlite_conn conn;

	assert_int_equal(sqlite_conn_open(&conn, f->path.ptr, SQLITE_MODE_WRITE), SQLITE_OK);
	if (sqlite_conn_prepare_all(&conn) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(conn.db));
	for (int id = STMT_NONE + 1; id < STMT_COUNT; id++) {
		const char *sql = statement_sql((enum statement)id);
		int n = sqlite3_bind_parameter_count(conn.statements[id]);

		/* PostgreSQL wants every number up to the highest used. */
		if (highest(sql) != n)
			fail_msg("parameters of: %s", sql);
		/* $2 stands for the second value, whichever comes first in the text. */
		for (int i = 1; i <= n; i++)
			assert_int_equal(sqlite3_bind_parameter_name(conn.statements[id], i)[1],
			    '0' + (i < 10 ? i : i / 10));
	}
	sqlite_conn_close(&conn);
}

static void check_plans(struct store_fixture *f, const enum statement *ids, size_t n, bool in_order)
{
	struct sqlite_conn conn;

	assert_int_equal(sqlite_conn_open(&conn, f->path.ptr, SQLITE_MODE_WRITE), SQLITE_OK);
	for (size_t i = 0; i < n; i++) {
		char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", statement_sql(ids[i]));
		sqlite3_stmt *stmt;

		assert_int_equal(sqlite3_prepare_v2(conn.db, sql, -1, &stmt, NULL), SQLITE_OK);
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const char *plan = (const char *)sqlite3_column_text(stmt, 3);

			if (strncmp(plan, "SCAN", 4) == 0 ||
			    (in_order && strstr(plan, "USE TEMP B-TREE FOR")))
				fail_msg("%s: %s", plan, sql);
		}
		sqlite3_finalize(stmt);
		sqlite3_free(sql);
	}
	sqlite_conn_close(&conn);
}

static void what_requests_run_uses_indexes(void **state)
{
	static const enum statement hot[] = {
		STMT_USER_BY_EMAIL,
		STMT_USER_BY_PHONE,
		STMT_USER_BY_ID,
		STMT_USER_BY_EXTERNAL_ID,
		STMT_USER_COUNT_ROLE,
		STMT_USER_LIST_ROLE,
		STMT_USER_NAMES_DONE,
		STMT_USER_NAMES_CLEAR,
		STMT_USER_SET_STATE,
		STMT_USER_SET_ROLE,
		STMT_USER_SET_PASSWORD,
		STMT_USER_CHANGE_PASSWORD,
		STMT_SESSION_WITH_USER,
		STMT_SESSION_BY_IDEMPOTENCY,
		STMT_SESSION_ROTATE,
		STMT_SESSION_END,
		STMT_SESSION_END_ALL,
		STMT_SESSION_LIST_LIVE,
		STMT_SESSION_DEVICE_SEEN,
		STMT_SESSION_FREE_KEY,
		STMT_SESSION_SWEEP,
		STMT_FLOW_BY_ID,
		STMT_FLOW_NEWEST,
		STMT_FLOW_BY_IDEMPOTENCY,
		STMT_FLOW_TRY,
		STMT_FLOW_RENEW_CODE,
		STMT_FLOW_VOID_OLDER,
		STMT_FLOW_ATTEMPTS,
		STMT_FLOW_FREE_KEY,
		STMT_FLOW_SWEEP,
		STMT_AUDIT_MACS,
		STMT_AUDIT_LIST_SUBJECT,
		STMT_OUTBOX_FINISH,
		STMT_OUTBOX_RETRY,
		STMT_OUTBOX_SWEEP,
		STMT_LIMIT_SWEEP,
	};
	check_plans(*state, hot, ARRAY_LEN(hot), false);
}

/* A page of a long list is read off an index, in its order: nothing is sorted first. */
static void pages_are_read_in_order(void **state)
{
	static const enum statement paged[] = {
		STMT_USER_SEARCH_ALL,
		STMT_USER_SEARCH_ROLE,
		STMT_USER_SEARCH_STATE,
		STMT_USER_SEARCH_PROVIDER,
		STMT_USER_SEARCH_CREATED,
		STMT_USER_SEARCH_NAME,
		STMT_NOTE_LIST,
		STMT_AUDIT_QUERY_ALL,
		STMT_AUDIT_QUERY_SUBJECT,
		STMT_AUDIT_QUERY_ACTOR,
		STMT_AUDIT_QUERY_OBJECT,
		STMT_AUDIT_QUERY_EVENT,
		STMT_AUDIT_SINCE,
	};

	check_plans(*state, paged, ARRAY_LEN(paged), true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_statement_prepares),
		cmocka_unit_test(what_requests_run_uses_indexes),
		cmocka_unit_test(pages_are_read_in_order),
	};

	return cmocka_run_group_tests(tests, open_conn, close_conn);
}
