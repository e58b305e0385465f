/* Reads on a loop share a snapshot: never an old one, and never for longer than a turn. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "rt/loop.h"
#include "tests/support/store_fixture.h"

struct world_of_reader {
	struct store_fixture f;
	struct rt_loop *loop;
	void (*run)(struct world_of_reader *w);
	struct rt_mail mail;
	sem_t done;
	int before, after;
};

static int init(void **state)
{
	struct world_of_reader *w = calloc(1, sizeof(*w));

	store_fixture_init(&w->f);
	store_fixture_open(&w->f);
	w->loop = rt_loop_new(&(struct rt_loop_config){ .engine = ENGINE_ASYNC });
	assert_non_null(w->loop);
	assert_int_equal(rt_loop_start(w->loop), OK);
	sem_init(&w->done, 0, 0);
	*state = w;
	return 0;
}

static int done(void **state)
{
	struct world_of_reader *w = *state;

	rt_loop_free(&w->loop);
	store_fixture_done(&w->f);
	sem_destroy(&w->done);
	free(w);
	return 0;
}

/* --- on the loop --- */

static void coroutine(void *arg)
{
	struct world_of_reader *w = arg;

	w->run(w);
	sem_post(&w->done);
}

static void on_mail(struct rt_mail *mail)
{
	struct world_of_reader *w = CONTAINER_OF(mail, struct world_of_reader, mail);

	if (!w->run)
		sem_post(&w->done);
	else if (rt_loop_coroutine(w->loop, coroutine, w) != OK)
		abort();
}

/* on_loop() - run @fn in a coroutine and wait for its end; NULL: only wait for a new turn. */
static void on_loop(struct world_of_reader *w, void (*fn)(struct world_of_reader *w))
{
	w->run = fn;
	w->mail.fn = on_mail;
	rt_loop_post(w->loop, &w->mail);
	sem_wait(&w->done);
}

static void count_one(void *arg, const struct limit_admission *a)
{
	(void)a;
	++*(int *)arg;
}

static enum err count_limits(struct tx *tx, void *arg)
{
	return limit_each_live(tx, 0, count_one, arg);
}

static int limits(struct world_of_reader *w)
{
	struct request rq;
	int n = 0;

	request_init(&rq, NULL, NEVER_US);
	if (store_read(w->f.store, &rq, STORE_PRIMARY, count_limits, &n) != OK)
		abort();
	request_done(&rq);
	return n;
}

static enum err add_limit(struct tx *tx, void *arg)
{
	struct limit_admission a = { STR("s"), 1, 1, 1000 };

	(void)arg;
	return limit_insert(tx, &a);
}

static void *write_one(void *arg)
{
	struct world_of_reader *w = arg;
	struct request rq;

	request_init(&rq, NULL, NEVER_US);
	if (store_tx(w->f.store, &rq, add_limit, NULL) != OK)
		abort();
	request_done(&rq);
	return NULL;
}

/* The loop's thread waits for the other one: the turn goes on, and so does the snapshot. */
static void read_write_read(struct world_of_reader *w)
{
	pthread_t thread;

	w->before = limits(w);
	if (pthread_create(&thread, NULL, write_one, w) != 0)
		abort();
	pthread_join(thread, NULL);
	w->after = limits(w);
}

static void a_read_shows_what_was_committed_before_it(void **state)
{
	struct world_of_reader *w = *state;

	for (int i = 0; i < 5; i++) {
		on_loop(w, read_write_read);
		assert_int_equal(w->before, i);
		assert_int_equal(w->after, i + 1);
	}
}

static void only_read(struct world_of_reader *w)
{
	w->before = limits(w);
}

/* Writing the log over from its beginning needs every reader to have left it. */
static bool log_is_free(struct world_of_reader *w)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	bool ret_free;

	assert_int_equal(sqlite3_open(w->f.path.ptr, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "PRAGMA wal_checkpoint(RESTART)", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	ret_free = sqlite3_column_int(stmt, 0) == 0;
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return ret_free;
}

static void read_and_look(struct world_of_reader *w)
{
	only_read(w);
	w->after = log_is_free(w);
}

static void a_snapshot_ends_with_its_turn(void **state)
{
	struct world_of_reader *w = *state;

	write_one(w);
	on_loop(w, read_and_look);
	assert_int_equal(w->before, 1);
	assert_false(w->after);
	on_loop(w, NULL);
	assert_true(log_is_free(w));
	on_loop(w, only_read);
	on_loop(w, NULL);
	assert_true(log_is_free(w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_read_shows_what_was_committed_before_it, init, done),
		cmocka_unit_test_setup_teardown(a_snapshot_ends_with_its_turn, init, done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
