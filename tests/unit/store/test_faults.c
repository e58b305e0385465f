#include "tests/unit/test.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "store/sqlite_conn.h"
#include "tests/support/store_fixture.h"
#include "tests/unit/store/fault_vfs.h"

static int init(void **state)
{
	struct store_fixture *f = calloc(1, sizeof(*f));

	fault_vfs_install();
	store_fixture_init(f);
	*state = f;
	return 0;
}

static int done(void **state)
{
	__atomic_store_n(&fault_wal_write, SQLITE_OK, __ATOMIC_RELAXED);
	__atomic_store_n(&fault_wal_sync, SQLITE_OK, __ATOMIC_RELAXED);
	store_fixture_done(*state);
	free(*state);
	return 0;
}

static enum err add_user(struct tx *tx, void *arg)
{
	struct user_row user = fixture_user(*(const unsigned *)arg);
	bool taken;

	return user_insert(tx, &user, &taken);
}

static enum err add(struct store_fixture *f, unsigned n)
{
	return fixture_tx(f, add_user, &n);
}

static enum err look_for(struct tx *tx, void *arg)
{
	struct user_row user;
	unsigned n = *(const unsigned *)arg;
	bool found;
	enum err r = user_by_id(tx, fixture_id('u', n), &user, &found);

	return r == OK && !found ? ERR_NOT_FOUND : r;
}

static enum err find(struct store_fixture *f, unsigned n)
{
	return fixture_read(f, look_for, &n);
}

static void a_full_disk_at_commit(void **state)
{
	struct store_fixture *f = *state;
	unsigned n = 2;
	struct request rq;

	store_fixture_open(f);
	assert_int_equal(add(f, 1), OK);
	__atomic_store_n(&fault_wal_write, SQLITE_FULL, __ATOMIC_RELAXED);
	request_init(&rq, NULL, NEVER_US);
	assert_int_equal(store_tx(f->store, &rq, add_user, &n), ERR_UNAVAILABLE);
	assert_true(rq.retry_after_us > 0);
	request_done(&rq);
	assert_int_equal(add(f, 3), ERR_UNAVAILABLE);
	/* Reads go on, and nothing is half there. */
	assert_int_equal(find(f, 1), OK);
	assert_int_equal(find(f, 2), ERR_NOT_FOUND);
	assert_int_equal(store_gauges(f->store).full, 2);
	__atomic_store_n(&fault_wal_write, SQLITE_OK, __ATOMIC_RELAXED);
	assert_int_equal(add(f, 2), OK);
	assert_int_equal(find(f, 2), OK);
	store_close(&f->store);
	f->config.check = true;
	store_fixture_open(f);
	assert_int_equal(find(f, 1), OK);
	assert_int_equal(find(f, 2), OK);
	assert_int_equal(find(f, 3), ERR_NOT_FOUND);
}

/* A limit on the file's pages: SQLITE_FULL inside the function, which may end the whole batch. */
static enum err limit_pages(struct tx *tx, void *arg)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA max_page_count=%d", *(const int *)arg);
	return sqlite_conn_exec(tx->conn, sql) == SQLITE_OK ? OK : ERR_INTERNAL;
}

static enum err add_large(struct tx *tx, void *arg)
{
	static char bytes[1 << 20];
	struct user_row user = fixture_user(*(const unsigned *)arg);
	bool taken;

	user.profile = str_bytes(bytes, sizeof(bytes));
	/* The error is overlooked on purpose: it must count all the same. */
	if (user_insert(tx, &user, &taken) != OK)
		return OK;
	return OK;
}

static void a_full_disk_inside_a_function(void **state)
{
	struct store_fixture *f = *state;
	int few = 1, many = 1000000;
	unsigned large = 2;

	store_fixture_open(f);
	assert_int_equal(add(f, 1), OK);
	assert_int_equal(fixture_tx(f, limit_pages, &few), OK);
	assert_int_equal(fixture_tx(f, add_large, &large), ERR_UNAVAILABLE);
	assert_int_equal(find(f, 1), OK);
	assert_int_equal(find(f, 2), ERR_NOT_FOUND);
	assert_int_equal(fixture_tx(f, limit_pages, &many), OK);
	assert_int_equal(fixture_tx(f, add_large, &large), OK);
	assert_int_equal(find(f, 2), OK);
}

static void another_program_holds_the_file(void **state)
{
	struct store_fixture *f = *state;
	sqlite3 *other;

	store_fixture_open(f);
	assert_int_equal(add(f, 1), OK);
	assert_int_equal(sqlite3_open(f->path.ptr, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(add(f, 2), ERR_UNAVAILABLE);
	assert_int_equal(find(f, 1), OK);
	assert_int_equal(store_gauges(f->store).busy, 1);
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	assert_int_equal(add(f, 2), OK);
}

/* --- a disk of eight megabytes, in a child that alone sees it --- */

#define PROFILE_BYTES 9000
#define CANNOT 77

static enum err add_sized(struct tx *tx, void *arg)
{
	static char bytes[PROFILE_BYTES];
	struct user_row user = fixture_user(*(const unsigned *)arg);
	bool taken;

	user.profile = str_bytes(bytes, sizeof(bytes));
	return user_insert(tx, &user, &taken);
}

/* add_until_full() - users from @n on. Returns the first that found no room. */
static unsigned add_until_full(struct store_fixture *f, unsigned n)
{
	while (fixture_tx(f, add_sized, &n) == OK)
		n++;
	return n;
}

static void fill_the_disk(void)
{
	static char bytes[1 << 20];
	const char *home = store_fixture_home();
	struct store_fixture f;
	char filler[64];
	unsigned first, second;
	int fd;

	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", home, "tmpfs", 0, "size=8m") != 0)
		_exit(CANNOT);
	snprintf(filler, sizeof(filler), "%s/filler", home);
	fd = open(filler, O_CREAT | O_WRONLY, 0600);
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
		_exit(1);
	store_fixture_init(&f);
	store_fixture_open(&f);
	first = add_until_full(&f, 1);
	/* The log must not have taken what its own emptying needs: most of the disk is rows. */
	if (first * PROFILE_BYTES < 3 << 20)
		_exit(2);
	for (unsigned i = 1; i <= first; i++)
		if ((find(&f, i) == OK) != (i < first))
			_exit(3);
	if (ftruncate(fd, 0) != 0)
		_exit(4);
	second = add_until_full(&f, first);
	if (second < first + 10)
		_exit(5);
	_exit(0);
}

static void a_small_disk_fills_and_is_freed(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		fill_the_disk();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CANNOT)
		skip(); /* mounting is root's */
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A disk that fails at COMMIT: no answer may be given. In a child, which is expected to end. */
static void lose_the_disk(int *fault, int rc)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct store_fixture f;

		close(STDERR_FILENO);
		store_fixture_init(&f);
		store_fixture_open(&f);
		if (add(&f, 1) != OK)
			_exit(1);
		__atomic_store_n(fault, rc, __ATOMIC_RELAXED);
		_exit(add(&f, 2) == OK ? 2 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 70);
}

static void a_failing_disk_ends_the_process(void **state)
{
	(void)state;
	fault_vfs_install();
	lose_the_disk(&fault_wal_sync, SQLITE_IOERR_FSYNC);
	lose_the_disk(&fault_wal_write, SQLITE_IOERR_WRITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: they fork, and no thread may have been started before. */
		cmocka_unit_test(a_failing_disk_ends_the_process),
		cmocka_unit_test(a_small_disk_fills_and_is_freed),
		cmocka_unit_test_setup_teardown(a_full_disk_at_commit, init, done),
		cmocka_unit_test_setup_teardown(a_full_disk_inside_a_function, init, done),
		cmocka_unit_test_setup_teardown(another_program_holds_the_file, init, done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
