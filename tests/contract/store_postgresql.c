/* What is PostgreSQL's alone: its plans, its migrations, its isolation, its seals, its round trips.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "rt_host.h"
#include "store/db.h"
#include "tests/support/store_fixture.h"

struct bench {
	struct store_fixture f;
	PGconn *pg; /* beside the store */
};

static PGresult *sql(struct bench *b, const char *text)
{
	PGresult *result = PQexec(b->pg, text);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fail_msg("%s: %s", text, PQerrorMessage(b->pg));
	return result;
}

static void run_sql(struct bench *b, const char *text)
{
	PQclear(sql(b, text));
}

static int64_t number(struct bench *b, const char *text)
{
	PGresult *result = sql(b, text);
	int64_t n = strtoll(PQgetvalue(result, 0, 0), NULL, 10);

	PQclear(result);
	return n;
}

static int begin(void **state)
{
	static struct bench b;

	store_fixture_init(&b.f);
	store_fixture_open(&b.f);
	b.pg = PQconnectdb(str_cstr(b.f.arena, b.f.config.url));
	assert_int_equal(PQstatus(b.pg), CONNECTION_OK);
	*state = &b;
	return 0;
}

static int end(void **state)
{
	struct bench *b = *state;

	PQfinish(b->pg);
	store_fixture_done(&b->f);
	return 0;
}

/* --- statements --- */

static int parameters(const char *text)
{
	int max = 0;

	for (const char *p = text; (p = strchr(p, '$')); p++) {
		long n = strtol(p + 1, NULL, 10);

		max = n > max ? (int)n : max;
	}
	return max;
}

static void every_statement_prepares(void **state)
{
	struct bench *b = *state;

	for (int id = STMT_NONE + 1; id < STMT_COUNT; id++) {
		const char *text = statement_sql_pg((enum statement)id);
		PGresult *result = PQprepare(b->pg, "", text, 0, NULL);

		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			fail_msg("%s: %s", text, PQerrorMessage(b->pg));
		PQclear(result);
		result = PQdescribePrepared(b->pg, "");
		assert_int_equal(PQnparams(result), parameters(text));
		assert_int_equal(parameters(text), parameters(statement_sql((enum statement)id)));
		PQclear(result);
	}
}

/* 20,000 rows in each table that grows, as they would be, and what ANALYZE makes of them. */
static void fill(struct bench *b)
{
	run_sql(b,
	    "CREATE OR REPLACE FUNCTION pg_temp.bytes(kind text, i bigint, size int) RETURNS"
	    " bytea LANGUAGE sql AS $$ SELECT substr(sha256((kind || i)::bytea), 1, size) $$");
	run_sql(b,
	    "INSERT INTO users (id, email, email_index, index_version, data_key, role,"
	    " auth_provider, is_verified, state, state_at, created_at, updated_at)"
	    " SELECT pg_temp.bytes('u', i, 16), 'x', pg_temp.bytes('e', i, 32), i % 2, 'k',"
	    " CASE WHEN i % 50 = 0 THEN 'role ' || i / 50 % 20 ELSE 'client' END, 'email', 1,"
	    " CASE WHEN i % 300 = 0 THEN 'disabled' ELSE 'active' END, i, i, i"
	    " FROM generate_series(1, 20000) i");
	run_sql(b, "INSERT INTO clients SELECT id, 1 FROM users");
	run_sql(b, "INSERT INTO vendors SELECT id, 1 FROM users");
	run_sql(b,
	    "INSERT INTO identities (id, user_id, provider, subject_index, index_version,"
	    " subject, linked_at) SELECT pg_temp.bytes('i', i, 16), pg_temp.bytes('u', i, 16),"
	    " 'google', pg_temp.bytes('x', i, 32), 1, 's', 1 FROM generate_series(1, 20000) i");
	run_sql(b, "INSERT INTO consents SELECT id, 'terms', '1', 1 FROM users");
	run_sql(b, "INSERT INTO user_names SELECT substr(id, 1, 16), id FROM users");
	run_sql(b, "INSERT INTO user_notes SELECT id, id, id, 1, 'n' FROM users");
	run_sql(b, "INSERT INTO password_history SELECT id, 1, 'p' FROM users");
	run_sql(b, "INSERT INTO audit_reports SELECT id, created_at FROM users");
	run_sql(b,
	    "INSERT INTO sessions (id, user_id, client, amr, engine, device_id, created_at,"
	    " auth_time, idle_expires_at, expires_at, cur_hash, hash_key, rotated_at,"
	    " ended_at, end_reason, idempotency_hash)"
	    " SELECT pg_temp.bytes('s', i, 16), pg_temp.bytes('u', i, 16), '', 'pwd', 'async',"
	    " pg_temp.bytes('d', i, 32), i, i, i + 100000, i + 200000, 'h', 1, i,"
	    " CASE WHEN i % 5 = 0 THEN i END, CASE WHEN i % 5 = 0 THEN 'logout' END,"
	    " pg_temp.bytes('k', i, 32) FROM generate_series(1, 20000) i");
	run_sql(b, "INSERT INTO flows (id, purpose, subject_index, index_version, channel,"
		   " destination, code_hash, code_key, max_attempts, created_at, code_expires_at,"
		   " resend_at, expires_at, idempotency_hash)"
		   " SELECT pg_temp.bytes('f', i, 16), 'verify', pg_temp.bytes('e', i, 32), 1,"
		   " 'email', 'x', 'h', 1, 5, i, i, i, i + 10, pg_temp.bytes('i', i, 32)"
		   " FROM generate_series(1, 20000) i");
	run_sql(b,
	    "INSERT INTO limit_admissions (subject, at, amount, expires_at)"
	    " SELECT pg_temp.bytes('l', i, 32), i, 1, i + 10 FROM generate_series(1, 20000) i");
	run_sql(b, "INSERT INTO audit (at, event, outcome, subject_id, operation, engine,"
		   " request_id, key_id, mac) SELECT 1900000000000000 + i, 'e', 'ok',"
		   " pg_temp.bytes('u', i, 16), 'o', 'async', 'r', 1, pg_temp.bytes('m', i, 32)"
		   " FROM generate_series(1, 20000) i");
	run_sql(b, "INSERT INTO outbox (event_id, sink, kind, user_id, created_at, state, next_at,"
		   " finished_at) SELECT pg_temp.bytes('o', i, 16), 'email', 'k',"
		   " pg_temp.bytes('u', i, 16), i,"
		   " CASE WHEN i % 50 = 0 THEN 'pending' ELSE 'delivered' END, i,"
		   " CASE WHEN i % 50 = 0 THEN NULL ELSE i END FROM generate_series(1, 20000) i");
	run_sql(b, "ANALYZE");
}

/* Read whole on purpose: a start, a check of everything, an operator's commands on the outbox. */
static bool reads_all(enum statement id)
{
	static const enum statement wide[] = { STMT_AUDIT_COUNT, STMT_LIMIT_LIVE,
		STMT_OUTBOX_REPLAY_ALL, STMT_OUTBOX_REPLAY_SINK, STMT_OUTBOX_LIST_STATE };

	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		if (wide[i] == id)
			return true;
	return false;
}

/* execute() - "EXPLAIN EXECUTE …" with a value for each parameter of what is prepared as looked_at.
 */
static struct str execute(struct bench *b)
{
	PGresult *described = PQdescribePrepared(b->pg, "looked_at");
	int n = PQnparams(described);
	struct buf out;

	buf_init(&out, b->f.arena, 512);
	buf_add(&out, STR("EXPLAIN EXECUTE looked_at"));
	for (int i = 0; i < n; i++) {
		Oid type = PQparamtype(described, i);

		buf_add(&out, i == 0 ? STR("(") : STR(", "));
		buf_add(&out, type == 25   ? STR("'email'")
			      : type == 17 ? STR("'\\x0102'")
					   : STR("50"));
	}
	if (n > 0)
		buf_add_char(&out, ')');
	PQclear(described);
	return buf_str(&out);
}

static bool grows(const char *line)
{
	/* The months to come are empty; the rest has few rows, or is read by its newest. */
	return !strstr(line, "on audit_2") && !strstr(line, "on audit_seals") &&
	       !strstr(line, "on audit_id") && !strstr(line, "on meta") &&
	       !strstr(line, "on signing_keys");
}

/*
 * The plans are those for values, on tables as they are: the server takes one for any values only
 * where it costs no more.
 */
static void every_plan_uses_an_index(void **state)
{
	struct bench *b = *state;

	fill(b);
	for (int id = STMT_NONE + 1; id < STMT_COUNT; id++) {
		const char *text = statement_sql_pg((enum statement)id);
		PGresult *result;

		if (reads_all((enum statement)id))
			continue;
		run_sql(b, "DEALLOCATE ALL");
		PQclear(PQprepare(b->pg, "looked_at", text, 0, NULL));
		result = sql(b, str_cstr(b->f.arena, execute(b)));
		for (int i = 0; i < PQntuples(result); i++) {
			const char *line = PQgetvalue(result, i, 0);

			if (strstr(line, "Seq Scan on") && grows(line))
				fail_msg("%s: %s", line, text);
		}
		PQclear(result);
	}
}

/* --- round trips --- */

static uint64_t trips(struct bench *b)
{
	return store_gauges(b->f.store).round_trips;
}

static enum err seed(struct tx *tx, void *arg)
{
	struct user_row user = fixture_user(1);
	struct session_row session = fixture_session(1, 1);
	bool taken;

	(void)arg;
	CHECK(user_insert(tx, &user, &taken) == OK);
	return session_insert(tx, &session);
}

static enum err find(struct tx *tx, void *arg)
{
	struct session_user found;

	(void)arg;
	return session_with_user(tx, fixture_id('s', 1), &found);
}

static enum err rotate(struct tx *tx, void *arg)
{
	const struct store_fixture *f = arg;
	struct audit_row audit = fixture_audit(1);
	struct session_rotation r = {
		.id = fixture_id('s', 1),
		.from_hash = fixture_bytes(0),
		.to_hash = fixture_bytes(1),
		.successor = STR("next"),
		.now_us = FIXTURE_NOW_US,
		.idle_expires_at_us = FIXTURE_NOW_US,
	};
	enum err e = session_rotate_row(tx, &r);

	return e == OK ? audit_append(tx, f->keys, &audit) : e;
}

static void a_refresh_takes_two_round_trips(void **state)
{
	struct bench *b = *state;
	struct request rq;
	uint64_t before;

	request_init(&rq, NULL, NEVER_US);
	assert_int_equal(store_tx(b->f.store, &rq, seed, NULL), OK);
	before = trips(b);
	assert_int_equal(store_read(b->f.store, &rq, STORE_SINGLE, find, NULL), OK);
	assert_int_equal(trips(b), before + 1);
	assert_int_equal(store_tx_plain(b->f.store, &rq, rotate, &b->f), OK);
	assert_int_equal(trips(b), before + 2);
	/* Somebody was first: known at the end, and nothing of it stands. */
	assert_int_equal(store_tx_plain(b->f.store, &rq, rotate, &b->f), ERR_CONFLICT);
	assert_int_equal(number(b, "SELECT count(*) FROM audit"), 1);
	request_done(&rq);
}

/* --- isolation --- */

struct skew {
	unsigned mine, other;
	int entered, runs; /* atomic */
};

/* Each looks whether the other's row is there, waits until both have looked, and adds its own. */
static enum err add_if_alone(struct tx *tx, void *arg)
{
	struct skew *s = arg;
	struct user_row user = fixture_user(s->mine), there;
	bool found = false, taken;
	enum err r = user_by_id(tx, fixture_id('u', s->other), &there, &found);

	__atomic_add_fetch(&s->runs, 1, __ATOMIC_ACQ_REL);
	if (r != OK || found)
		return r;
	return user_insert(tx, &user, &taken);
}

static void *add_in_thread(void *arg)
{
	struct store_fixture *f = ((void **)arg)[0];

	CHECK(fixture_tx(f, add_if_alone, ((void **)arg)[1]) == OK);
	return NULL;
}

/* What a transaction has read still holds when it commits, or it runs again. */
static void what_was_read_still_holds(void **state)
{
	struct bench *b = *state;

	for (unsigned round = 0; round < 50; round++) {
		struct skew a = { .mine = 2 * round + 1, .other = 2 * round + 2 };
		struct skew c = { .mine = 2 * round + 2, .other = 2 * round + 1 };
		void *args[2][2] = { { &b->f, &a }, { &b->f, &c } };
		pthread_t threads[2];

		for (int i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, add_in_thread, args[i]);
		for (int i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(number(b, "SELECT count(*) FROM users"), round + 1);
	}
}

/* --- seals --- */

static enum err append(struct tx *tx, void *arg)
{
	const struct store_fixture *f = arg;
	struct audit_row row = fixture_audit(1);

	return audit_append(tx, f->keys, &row);
}

static int64_t sealed(struct bench *b)
{
	return number(b, "SELECT coalesce(max(last_id), 0) FROM audit_seals");
}

static enum err verify(struct tx *tx, void *arg)
{
	struct bench *b = arg;
	struct audit_verdict verdict;

	CHECK(audit_verify_rows(tx, b->f.keys, NULL, NULL, &verdict) == OK);
	CHECK(verdict.intact);
	return OK;
}

#define FOREIGN_ROW                                                                          \
	"INSERT INTO audit (at, event, outcome, operation, engine, request_id, key_id, mac)" \
	" SELECT at, event, outcome, operation, engine, request_id, key_id, mac FROM audit LIMIT 1"

/* An id given out first may be committed last: nothing above it is sealed before. */
static void a_late_commit_is_waited_for(void **state)
{
	struct bench *b = *state;

	assert_int_equal(fixture_tx(&b->f, append, &b->f), OK);
	fixture_seal(&b->f);
	assert_int_equal(sealed(b), 1);
	run_sql(b, "BEGIN");
	run_sql(b, FOREIGN_ROW);                                /* id 2 */
	assert_int_equal(fixture_tx(&b->f, append, &b->f), OK); /* id 3 */
	for (int i = 0; i < 3; i++)
		fixture_seal(&b->f);
	assert_int_equal(sealed(b), 1);
	run_sql(b, "ROLLBACK");
	fixture_seal(&b->f);
	assert_int_equal(sealed(b), 3);
	CHECK(fixture_read(&b->f, verify, b) == OK);
}

/* Two nodes that seal at once make one trail. */
static void two_sealers_make_one_trail(void **state)
{
	struct bench *b = *state;
	struct audit_sealer other = { 0 };
	struct request rq;

	request_init(&rq, NULL, NEVER_US);
	rq.keys = b->f.keys;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(fixture_tx(&b->f, append, &b->f), OK);
		fixture_seal(&b->f);
		assert_int_equal(audit_sealer_step(&other, b->f.store, &rq), OK);
	}
	assert_int_equal(sealed(b), 5);
	assert_int_equal(number(b, "SELECT count(*) FROM audit_seals"), 5);
	CHECK(fixture_read(&b->f, verify, b) == OK);
	request_done(&rq);
}

/* --- the schema --- */

static void months_have_partitions(void **state)
{
	struct bench *b = *state;

	assert_int_equal(number(b, "SELECT count(*) FROM pg_inherits"
				   " WHERE inhparent = 'audit'::regclass"),
	    5);
	assert_int_equal(number(b, "SELECT audit_partitions(1893456000000000, 3)"), 3);
	assert_int_equal(number(b, "SELECT audit_partitions(1893456000000000, 3)"), 0);
	run_sql(b, "INSERT INTO audit (at, event, outcome, operation, engine, request_id, key_id,"
		   " mac) VALUES (1893456000000001, '', '', '', '', '', 1, sha256('')),"
		   " (1, '', '', '', '', '', 1, sha256(''))");
	assert_int_equal(number(b, "SELECT count(*) FROM audit_2030_01"), 1);
	assert_int_equal(number(b, "SELECT count(*) FROM audit_default"), 1);
	run_sql(b, "DROP TABLE audit_2030_01, audit_2030_02, audit_2030_03");
}

static enum err open_again(struct bench *b, struct str *ret_problem)
{
	struct store *other = NULL;
	enum err r = store_open(&b->f.config, b->f.arena, &other, ret_problem);

	store_close(&other);
	return r;
}

/* A node upgraded first may leave a schema that the others can go on with, or one they cannot. */
static void a_newer_schema_says_for_whom(void **state)
{
	struct bench *b = *state;
	struct str problem = STR_NULL;

	run_sql(b, "INSERT INTO schema_migration VALUES (9001, 'later', 'x', 1, 0)");
	assert_int_equal(open_again(b, &problem), OK);
	run_sql(b, "INSERT INTO schema_migration VALUES (9002, 'later', 'x', 9001, 0)");
	assert_int_equal(open_again(b, &problem), ERR_INTERNAL);
	assert_true(str_starts(problem, STR("The database is at schema 9002")));
	run_sql(b, "DELETE FROM schema_migration WHERE version > 9000");
	assert_int_equal(open_again(b, &problem), OK);
}

static void an_older_schema_names_the_command(void **state)
{
	struct bench *b = *state;
	struct str problem = STR_NULL;

	run_sql(b, "CREATE TABLE kept AS SELECT * FROM schema_migration WHERE version > 1");
	run_sql(b, "DELETE FROM schema_migration WHERE version > 1");
	assert_int_equal(open_again(b, &problem), ERR_INTERNAL);
	assert_true(strstr(str_cstr(b->f.arena, problem), "Run `cloakroom migrate`"));
	run_sql(b, "INSERT INTO schema_migration SELECT * FROM kept");
	run_sql(b, "DROP TABLE kept");
}

struct migrating {
	struct str url;
	enum err result;
};

static void *migrate_in_thread(void *arg)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct migrating *m = arg;
	struct migrate_result result;

	m->result = migrate(m->url, false, arena, NULL, NULL, &result);
	arena_free(&arena);
	return NULL;
}

/* Two who migrate at once: one does it, the other finds it done. */
static void migrations_run_once(void **state)
{
	struct bench *b = *state;
	struct str url =
	    str_printf(b->f.arena, "%.*s?options=-csearch_path%%3Dfresh", STR_ARG(b->f.config.url));
	struct migrating m[4];
	pthread_t threads[4];
	size_t known;

	db_pg.migrations(&known);
	run_sql(b, "CREATE SCHEMA fresh");
	for (int i = 0; i < 4; i++) {
		m[i] = (struct migrating){ .url = url };
		pthread_create(&threads[i], NULL, migrate_in_thread, &m[i]);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(m[i].result, OK);
	}
	assert_int_equal(number(b, "SELECT count(*) FROM fresh.schema_migration"), known);
	run_sql(b, "SET client_min_messages = warning; DROP SCHEMA fresh CASCADE");
}

static void a_foreign_database_is_left_alone(void **state)
{
	struct bench *b = *state;
	struct str url = str_printf(
	    b->f.arena, "%.*s?options=-csearch_path%%3Dforeign_one", STR_ARG(b->f.config.url));
	struct migrate_result result;

	run_sql(b, "CREATE SCHEMA foreign_one; CREATE TABLE foreign_one.theirs (i int)");
	assert_int_equal(migrate(url, false, b->f.arena, NULL, NULL, &result), ERR_INTERNAL);
	assert_true(str_starts(result.problem, STR("The PostgreSQL database holds another")));
	run_sql(b, "SET client_min_messages = warning; DROP SCHEMA foreign_one CASCADE");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_statement_prepares, begin, end),
		cmocka_unit_test_setup_teardown(every_plan_uses_an_index, begin, end),
		cmocka_unit_test_setup_teardown(a_refresh_takes_two_round_trips, begin, end),
		cmocka_unit_test_setup_teardown(what_was_read_still_holds, begin, end),
		cmocka_unit_test_setup_teardown(a_late_commit_is_waited_for, begin, end),
		cmocka_unit_test_setup_teardown(two_sealers_make_one_trail, begin, end),
		cmocka_unit_test_setup_teardown(months_have_partitions, begin, end),
		cmocka_unit_test_setup_teardown(a_newer_schema_says_for_whom, begin, end),
		cmocka_unit_test_setup_teardown(an_older_schema_names_the_command, begin, end),
		cmocka_unit_test_setup_teardown(migrations_run_once, begin, end),
		cmocka_unit_test_setup_teardown(a_foreign_database_is_left_alone, begin, end),
	};
	int failed;

	if (!store_fixture_postgresql())
		return 77; /* skipped */
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	store_fixture_postgresql_stop();
	return failed;
}
