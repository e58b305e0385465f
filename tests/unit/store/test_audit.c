#include "tests/unit/test.h"

#include "base/clock.h"
#include "store/sqlite_conn.h"
#include "tests/support/store_fixture.h"

#define BATCHES 12
#define ROWS 5 /* in each */
#define TAMPERINGS 1000

struct trail {
	struct store_fixture f;
	struct sqlite_conn conn; /* the tests' own, beside no server */
	struct arena *arena;
	uint64_t dice;
};

static struct tx trail_tx(struct trail *t)
{
	return (struct tx){ .ops = &db_sqlite, .conn = &t->conn, .arena = t->arena };
}

static unsigned roll(struct trail *t, unsigned n)
{
	t->dice = t->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((t->dice >> 33) % n);
}

static int init(void **state)
{
	struct trail *t = calloc(1, sizeof(*t));
	struct tx tx;

	t->dice = 1;
	t->arena = arena_new(ARENA_PLAIN, 0);
	store_fixture_init(&t->f);
	assert_int_equal(sqlite_conn_open(&t->conn, t->f.path.ptr, SQLITE_MODE_WRITE), SQLITE_OK);
	tx = trail_tx(t);
	for (unsigned i = 0; i < BATCHES * ROWS; i++) {
		struct audit_row row = fixture_audit(i);

		assert_int_equal(audit_append(&tx, t->f.keys, &row), OK);
		if (i % ROWS == ROWS - 1)
			assert_int_equal(audit_seal_batch(&tx, t->f.keys, FIXTURE_NOW_US), OK);
	}
	*state = t;
	return 0;
}

static int done(void **state)
{
	struct trail *t = *state;

	sqlite_conn_close(&t->conn);
	store_fixture_done(&t->f);
	arena_free(&t->arena);
	free(t);
	return 0;
}

static struct audit_verdict verify(struct trail *t)
{
	struct audit_verdict verdict;
	struct tx tx = trail_tx(t);

	assert_int_equal(audit_verify_rows(&tx, t->f.keys, NULL, NULL, &verdict), OK);
	return verdict;
}

/* run() - SQL with numbers in it, as somebody with a shell and the file would. */
static void run(struct trail *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void run(struct trail *t, const char *fmt, ...)
{
	char sql[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(sql, sizeof(sql), fmt, args);
	va_end(args);
	if (sqlite_conn_exec(&t->conn, sql) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(t->conn.db));
}

static void an_honest_trail_verifies(void **state)
{
	struct trail *t = *state;
	struct audit_verdict verdict = verify(t);

	assert_true(verdict.intact);
	assert_int_equal(verdict.rows, BATCHES * ROWS);
	assert_int_equal(verdict.seals, BATCHES);
	assert_int_equal(verdict.head.n, BATCHES);
	assert_int_equal(verdict.head.last_id, BATCHES * ROWS);
}

/* --- tampering --- */

static void flip_column(struct trail *t)
{
	static const char *const columns[] = { "at", "event", "outcome", "count", "actor_id",
		"subject_id", "subject_index", "session_id", "object_type", "object_id",
		"operation", "engine", "request_id", "address", "user_agent", "device", "geo",
		"changes", "reason", "key_id", "mac" };
	const char *column = columns[roll(t, ARRAY_LEN(columns))];
	unsigned id = 1 + roll(t, BATCHES * ROWS);

	/* A number grows, text and bytes get another last byte, NULL becomes something. */
	run(t,
	    "UPDATE audit SET %s = CASE typeof(%s) WHEN 'integer' THEN %s + 1"
	    " WHEN 'text' THEN %s || 'x'"
	    " WHEN 'blob' THEN CAST(substr(%s, 1, length(%s) - 1) || CASE substr(%s, -1)"
	    " WHEN x'21' THEN x'22' ELSE x'21' END AS BLOB)"
	    " ELSE CASE WHEN '%s' IN ('object_type', 'object_id', 'geo', 'reason') THEN ''"
	    " ELSE x'' END END WHERE id = %u",
	    column, column, column, column, column, column, column, column, id);
}

static void flip_seal(struct trail *t)
{
	static const char *const numbers[] = { "at", "first_id", "last_id", "count", "key_id" };
	static const char *const macs[] = { "root", "prev", "mac" };
	const char *number = numbers[roll(t, ARRAY_LEN(numbers))];
	unsigned n = 1 + roll(t, BATCHES);

	if (roll(t, 2))
		run(t, "UPDATE audit_seals SET %s = %s + 1 WHERE n = %u", number, number, n);
	else
		run(t, "UPDATE audit_seals SET %s = randomblob(32) WHERE n = %u",
		    macs[roll(t, ARRAY_LEN(macs))], n);
}

static void remove_row(struct trail *t)
{
	run(t, "DELETE FROM audit WHERE id = %u", 1 + roll(t, BATCHES * ROWS));
}

static void remove_seal(struct trail *t)
{
	run(t, "DELETE FROM audit_seals WHERE n = %u", 1 + roll(t, BATCHES));
}

/* A whole batch with its seal, the numbers behind closed up: only the chain can tell. */
static void remove_batch(struct trail *t)
{
	unsigned n = 1 + roll(t, BATCHES - 1);

	run(t, "DELETE FROM audit WHERE (id - 1) / %d = %u - 1", ROWS, n);
	run(t, "DELETE FROM audit_seals WHERE n = %u", n);
	run(t, "UPDATE audit_seals SET n = n - 1 WHERE n > %u", n);
}

static void swap_rows(struct trail *t)
{
	unsigned a = 1 + roll(t, BATCHES * ROWS);
	unsigned b = 1 + (a - 1 + 1 + roll(t, BATCHES * ROWS - 1)) % (BATCHES * ROWS);

	run(t, "UPDATE audit SET id = -1 WHERE id = %u", a);
	run(t, "UPDATE audit SET id = %u WHERE id = %u", a, b);
	run(t, "UPDATE audit SET id = %u WHERE id = -1", b);
}

static void copy_row(struct trail *t)
{
	unsigned id = 1 + roll(t, BATCHES * ROWS);

	run(t, "CREATE TEMP TABLE copy AS SELECT * FROM audit WHERE id = %u", id);
	run(t, "UPDATE copy SET id = %d", roll(t, 2) ? BATCHES * ROWS + 1 : -5);
	run(t, "INSERT INTO audit SELECT * FROM copy");
	run(t, "DROP TABLE copy");
}

static void any_tampering_is_found(void **state)
{
	static void (*const kinds[])(struct trail * t) = {
		flip_column,
		flip_column,
		flip_seal,
		remove_row,
		remove_seal,
		remove_batch,
		swap_rows,
		copy_row,
	};
	struct trail *t = *state;

	for (unsigned i = 0; i < TAMPERINGS; i++) {
		unsigned kind = roll(t, ARRAY_LEN(kinds));
		struct audit_verdict verdict;

		run(t, "BEGIN");
		kinds[kind](t);
		verdict = verify(t);
		if (verdict.intact)
			fail_msg("tampering %u of kind %u was not found", i, kind);
		assert_true(verdict.broken_row != 0 || verdict.broken_seal != 0);
		assert_true(verdict.problem.len > 0);
		run(t, "ROLLBACK");
		arena_reset(t->arena);
	}
	assert_true(verify(t).intact);
}

static void the_changed_row_is_named(void **state)
{
	struct trail *t = *state;
	struct audit_verdict verdict;

	run(t, "UPDATE audit SET outcome = 'forged' WHERE id = 23");
	verdict = verify(t);
	assert_false(verdict.intact);
	assert_int_equal(verdict.broken_row, 23);
	assert_str(verdict.problem, "Audit row 23 has been changed.");
	run(t, "DELETE FROM audit WHERE id = 7");
	verdict = verify(t);
	assert_int_equal(verdict.broken_seal, 2);
	assert_str(verdict.problem, "Audit seal 2 covers a row that has been removed.");
}

static void a_backlog_is_sealed_in_pieces(void **state)
{
	struct trail *t = *state;
	struct tx tx = trail_tx(t);
	struct audit_verdict verdict;
	struct audit_seal head;
	bool found;

	run(t, "BEGIN");
	for (unsigned i = 0; i < 2500; i++) {
		struct audit_row row = fixture_audit(i);

		assert_int_equal(audit_append(&tx, t->f.keys, &row), OK);
	}
	verdict = verify(t);
	assert_false(verdict.intact);
	assert_int_equal(verdict.broken_row, BATCHES * ROWS + 1);
	assert_int_equal(audit_seal_batch(&tx, t->f.keys, FIXTURE_NOW_US), OK);
	assert_int_equal(audit_seal_batch(&tx, t->f.keys, FIXTURE_NOW_US), OK);
	assert_int_equal(audit_head(&tx, &head, &found), OK);
	assert_int_equal(head.n, BATCHES + 3);
	verdict = verify(t);
	assert_true(verdict.intact);
	assert_int_equal(verdict.rows, BATCHES * ROWS + 2500);
	run(t, "COMMIT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_honest_trail_verifies, init, done),
		cmocka_unit_test_setup_teardown(any_tampering_is_found, init, done),
		cmocka_unit_test_setup_teardown(the_changed_row_is_named, init, done),
		cmocka_unit_test_setup_teardown(a_backlog_is_sealed_in_pieces, init, done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
