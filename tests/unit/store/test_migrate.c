#include "tests/unit/test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

#include "store/db.h"
#include "tests/support/store_fixture.h"

/* --- what the operator is told --- */

static enum err try_open(struct store_fixture *f, struct str *problem)
{
	*problem = STR_NULL;
	return store_open(&f->config, f->arena, &f->store, problem);
}

#define REFUSED(f, words)                                                 \
	do {                                                              \
		struct str problem_;                                      \
                                                                          \
		assert_int_equal(try_open((f), &problem_), ERR_INTERNAL); \
		if (!strstr(str_cstr((f)->arena, problem_), (words)))     \
			fail_msg("said: %.*s", STR_ARG(problem_));        \
	} while (0)

static void sql(struct store_fixture *f, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path.ptr, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static enum err migrate_again(struct store_fixture *f, struct migrate_result *result)
{
	return migrate(f->config.url, false, f->arena, NULL, NULL, result);
}

static int init(void **state)
{
	struct store_fixture *f = calloc(1, sizeof(*f));

	store_fixture_init(f);
	*state = f;
	return 0;
}

static int done(void **state)
{
	store_fixture_done(*state);
	free(*state);
	return 0;
}

static void count_sentence(void *arg, struct str sentence)
{
	assert_true(sentence.len > 0);
	++*(int *)arg;
}

static void from_nothing_to_the_latest(void **state)
{
	struct store_fixture *f = *state;
	struct str url = str_printf(f->arena, "sqlite:%.*s/new/x.db", STR_ARG(f->dir));
	char *path = str_cstr(f->arena, str_from(url, 7));
	struct migrate_result result;
	struct stat st;
	int said = 0;
	size_t known;

	assert_int_equal(migrate(url, true, f->arena, count_sentence, &said, &result), OK);
	assert_int_equal(result.from, 0);
	assert_int_equal(result.to, migrate_latest());
	db_sqlite.migrations(&known);
	assert_int_equal(said, known);
	assert_int_equal(stat(path, &st), -1);

	assert_int_equal(migrate(url, false, f->arena, count_sentence, &said, &result), OK);
	assert_int_equal(result.from, 0);
	assert_int_equal(result.to, migrate_latest());
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(str_printf(f->arena, "%.*s/new", STR_ARG(f->dir)).ptr, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);

	said = 0;
	assert_int_equal(migrate(url, false, f->arena, count_sentence, &said, &result), OK);
	assert_int_equal(result.from, migrate_latest());
	assert_int_equal(said, 0);
	unlink(path);
	rmdir(str_printf(f->arena, "%.*s/new", STR_ARG(f->dir)).ptr);
}

static void a_sound_file_opens(void **state)
{
	struct store_fixture *f = *state;

	f->config.check = true;
	store_fixture_open(f);
	store_close(&f->store);
	f->config.read_only = true;
	store_fixture_open(f);
}

static void wrong_urls(void **state)
{
	struct store_fixture *f = *state;
	struct migrate_result result;

	f->config.url = STR("mysql:x");
	REFUSED(f, "sqlite:PATH");
	assert_int_equal(migrate_again(f, &result), ERR_INTERNAL);
	f->config.url = STR("sqlite:");
	REFUSED(f, "sqlite:PATH");
}

static void no_file(void **state)
{
	struct store_fixture *f = *state;

	unlink(f->path.ptr);
	REFUSED(f, "cloakroom migrate");
}

static void an_empty_file(void **state)
{
	struct store_fixture *f = *state;

	assert_int_equal(truncate(f->path.ptr, 0), 0);
	REFUSED(f, "cloakroom migrate");
}

static void an_older_schema(void **state)
{
	struct store_fixture *f = *state;

	sql(f, "DELETE FROM schema_migration");
	REFUSED(f, "cloakroom migrate");
}

static void a_newer_schema(void **state)
{
	struct store_fixture *f = *state;
	struct migrate_result result;

	sql(f, "INSERT INTO schema_migration VALUES (999, 'later', 'x', 1)");
	REFUSED(f, "newer program");
	assert_int_equal(migrate_again(f, &result), ERR_INTERNAL);
	assert_true(result.problem.len > 0);
}

static void a_changed_migration(void **state)
{
	struct store_fixture *f = *state;
	struct migrate_result result;

	sql(f, "UPDATE schema_migration SET sha256 = '0' || substr(sha256, 2)"
	       " || CASE WHEN sha256 LIKE '0%' THEN 'x' ELSE '' END");
	REFUSED(f, "SHA-256 differs");
	assert_int_equal(migrate_again(f, &result), ERR_INTERNAL);
}

static void another_programs_database(void **state)
{
	struct store_fixture *f = *state;
	struct migrate_result result;

	unlink(f->path.ptr);
	sql(f, "CREATE TABLE mine (x)");
	REFUSED(f, "another program");
	assert_int_equal(migrate_again(f, &result), ERR_INTERNAL);
}

static void no_database(void **state)
{
	struct store_fixture *f = *state;
	struct migrate_result result;
	FILE *file = fopen(f->path.ptr, "w");

	fputs("a shopping list, and long enough to be a header", file);
	fclose(file);
	REFUSED(f, "not an SQLite database");
	assert_int_equal(migrate_again(f, &result), ERR_INTERNAL);
	unlink(f->path.ptr);
	assert_int_equal(mkdir(f->path.ptr, 0700), 0);
	REFUSED(f, "not a file");
	rmdir(f->path.ptr);
}

static void somebody_elses_file(void **state)
{
	struct store_fixture *f = *state;

	if (geteuid() != 0)
		skip(); /* only root can give a file away */
	assert_int_equal(chown(f->path.ptr, 12345, (gid_t)-1), 0);
	REFUSED(f, "belongs to user 12345");
	/* The directory too, or the fixture could not clean up as another user would. */
	assert_int_equal(chown(f->path.ptr, 0, (gid_t)-1), 0);
}

static void damage_is_found_on_request(void **state)
{
	struct store_fixture *f = *state;
	FILE *file;
	long size;

	sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
	file = fopen(f->path.ptr, "r+");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	for (long at = 3 * 4096L; at < size; at += 4096) {
		fseek(file, at, SEEK_SET);
		fputs("\xff\xff\xff\xff\xff\xff\xff\xff", file);
	}
	fclose(file);
	f->config.check = true;
	REFUSED(f, "damaged");
	assert_int_equal(truncate(f->path.ptr, size / 2), 0);
	f->config.check = false;
	REFUSED(f, "damaged");
}

/* Two programs start at once: one migrates, the other waits and finds it done. */
static void *migrate_thread(void *arg)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct migrate_result result;
	enum err r = migrate(*(struct str *)arg, false, arena, NULL, NULL, &result);

	arena_free(&arena);
	return r == OK ? arg : NULL;
}

static void two_at_once(void **state)
{
	struct store_fixture *f = *state;
	pthread_t threads[4];
	void *result;

	unlink(f->path.ptr);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, migrate_thread, &f->config.url), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], &result);
		assert_non_null(result);
	}
	store_fixture_open(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(from_nothing_to_the_latest, init, done),
		cmocka_unit_test_setup_teardown(a_sound_file_opens, init, done),
		cmocka_unit_test_setup_teardown(wrong_urls, init, done),
		cmocka_unit_test_setup_teardown(no_file, init, done),
		cmocka_unit_test_setup_teardown(an_empty_file, init, done),
		cmocka_unit_test_setup_teardown(an_older_schema, init, done),
		cmocka_unit_test_setup_teardown(a_newer_schema, init, done),
		cmocka_unit_test_setup_teardown(a_changed_migration, init, done),
		cmocka_unit_test_setup_teardown(another_programs_database, init, done),
		cmocka_unit_test_setup_teardown(no_database, init, done),
		cmocka_unit_test_setup_teardown(somebody_elses_file, init, done),
		cmocka_unit_test_setup_teardown(damage_is_found_on_request, init, done),
		cmocka_unit_test_setup_teardown(two_at_once, init, done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
