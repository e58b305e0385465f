#include "tests/unit/test.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "tests/support/store_fixture.h"

struct world_of_writer {
	struct store_fixture f;
	sem_t entered, leave; /* of the transaction that holds the writer up */
	sem_t entered_too, leave_too;
	int ran; /* atomic */
	enum err hook;
};

static int init(void **state)
{
	struct world_of_writer *w = calloc(1, sizeof(*w));

	store_fixture_init(&w->f);
	sem_init(&w->entered, 0, 0);
	sem_init(&w->leave, 0, 0);
	sem_init(&w->entered_too, 0, 0);
	sem_init(&w->leave_too, 0, 0);
	*state = w;
	return 0;
}

static int done(void **state)
{
	struct world_of_writer *w = *state;

	store_fixture_done(&w->f);
	sem_destroy(&w->entered);
	sem_destroy(&w->leave);
	sem_destroy(&w->entered_too);
	sem_destroy(&w->leave_too);
	free(w);
	return 0;
}

/* --- transactions --- */

static enum err hold(struct tx *tx, void *arg)
{
	struct world_of_writer *w = arg;

	(void)tx;
	sem_post(&w->entered);
	sem_wait(&w->leave);
	return OK;
}

static enum err hold_too(struct tx *tx, void *arg)
{
	struct world_of_writer *w = arg;

	(void)tx;
	sem_post(&w->entered_too);
	sem_wait(&w->leave_too);
	return OK;
}

static enum err add_limit(struct tx *tx, void *arg)
{
	struct world_of_writer *w = arg;
	struct limit_admission a = { STR("s"), 1, 1, 1000 };

	__atomic_add_fetch(&w->ran, 1, __ATOMIC_RELAXED);
	return limit_insert(tx, &a);
}

static enum err add_and_refuse(struct tx *tx, void *arg)
{
	enum err r = add_limit(tx, arg);

	return r == OK ? ERR_FORBIDDEN : r;
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

static int limits(struct world_of_writer *w)
{
	int n = 0;

	assert_int_equal(fixture_read(&w->f, count_limits, &n), OK);
	return n;
}

/* --- callers --- */

struct caller {
	struct world_of_writer *w;
	store_fn *fn;
	int64_t deadline_us, retry_after_us;
	pthread_t thread;
	enum err result;
	unsigned statements;
};

static void *call(void *arg)
{
	struct caller *c = arg;
	struct request rq;

	request_init(&rq, NULL, c->deadline_us ? c->deadline_us : NEVER_US);
	c->result = store_tx(c->w->f.store, &rq, c->fn, c->w);
	c->retry_after_us = rq.retry_after_us;
	c->statements = rq.statements;
	request_done(&rq);
	return NULL;
}

static void start(struct caller *c, struct world_of_writer *w, store_fn *fn)
{
	c->w = w;
	c->fn = fn;
	assert_int_equal(pthread_create(&c->thread, NULL, call, c), 0);
}

static enum err finish(struct caller *c)
{
	pthread_join(c->thread, NULL);
	return c->result;
}

/* await_waiting() - until @n transactions are in the queue. */
static void await_waiting(struct world_of_writer *w, unsigned n)
{
	while (store_gauges(w->f.store).waiting != n)
		rt_sleep_until(now_mono_us() + 500);
}

/* --- cases --- */

#define MANY 64

static void all_that_wait_are_one_batch(void **state)
{
	struct world_of_writer *w = *state;
	struct caller holder = { 0 }, many[MANY] = { 0 };
	struct store_gauges before, after;

	store_fixture_open(&w->f);
	before = store_gauges(w->f.store);
	start(&holder, w, hold);
	sem_wait(&w->entered);
	for (size_t i = 0; i < MANY; i++)
		start(&many[i], w, i % 2 ? add_limit : add_and_refuse);
	await_waiting(w, MANY);
	sem_post(&w->leave);
	assert_int_equal(finish(&holder), OK);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(finish(&many[i]), i % 2 ? OK : ERR_FORBIDDEN);
		assert_int_equal(many[i].statements, 1);
	}
	after = store_gauges(w->f.store);
	assert_int_equal(after.transactions - before.transactions, MANY + 1);
	assert_int_equal(after.batches - before.batches, 1);
	/* Those that failed took only their own work back. */
	assert_int_equal(limits(w), MANY / 2);
}

static void *call_often(void *arg)
{
	for (int i = 0; i < 50; i++) {
		call(arg);
		assert_int_equal(((struct caller *)arg)->result, OK);
	}
	return NULL;
}

static void batches_are_fewer_than_transactions(void **state)
{
	struct world_of_writer *w = *state;
	struct caller many[MANY] = { 0 };
	struct store_gauges g;

	store_fixture_open(&w->f);
	for (size_t i = 0; i < MANY; i++) {
		many[i].w = w;
		many[i].fn = add_limit;
		assert_int_equal(pthread_create(&many[i].thread, NULL, call_often, &many[i]), 0);
	}
	for (size_t i = 0; i < MANY; i++)
		pthread_join(many[i].thread, NULL);
	g = store_gauges(w->f.store);
	assert_int_equal(g.transactions, MANY * 50);
	assert_in_range(g.batches, 1, MANY * 50 / 4);
	assert_int_equal(limits(w), MANY * 50);
}

static void a_full_queue_refuses(void **state)
{
	struct world_of_writer *w = *state;
	struct caller holder = { 0 }, queued[2] = { 0 }, refused = { .w = w, .fn = add_limit };

	w->f.config.queue_max = 2;
	store_fixture_open(&w->f);
	start(&holder, w, hold);
	sem_wait(&w->entered);
	start(&queued[0], w, add_limit);
	start(&queued[1], w, add_limit);
	await_waiting(w, 2);
	call(&refused);
	assert_int_equal(refused.result, ERR_OVERLOADED);
	assert_true(refused.retry_after_us > 0);
	sem_post(&w->leave);
	finish(&holder);
	assert_int_equal(finish(&queued[0]), OK);
	assert_int_equal(finish(&queued[1]), OK);
	assert_int_equal(w->ran, 2);
}

static void time_runs_out_only_in_the_queue(void **state)
{
	struct world_of_writer *w = *state;
	struct caller holder = { 0 }, late = { 0 }, taken = { 0 }, second = { 0 };

	store_fixture_open(&w->f);
	start(&holder, w, hold);
	sem_wait(&w->entered);
	late.deadline_us = now_mono_us() + 10 * US_PER_MS;
	start(&late, w, add_limit);
	assert_int_equal(finish(&late), ERR_DEADLINE);
	await_waiting(w, 0);
	assert_int_equal(w->ran, 0);
	/* This one is run in time; that its batch takes longer is not its caller's to decide. */
	taken.deadline_us = now_mono_us() + 300 * US_PER_MS;
	start(&taken, w, add_limit);
	await_waiting(w, 1);
	start(&second, w, hold_too);
	await_waiting(w, 2);
	sem_post(&w->leave);
	sem_wait(&w->entered_too);
	rt_sleep_until(taken.deadline_us + 20 * US_PER_MS);
	sem_post(&w->leave_too);
	assert_int_equal(finish(&taken), OK);
	assert_int_equal(finish(&second), OK);
	assert_int_equal(finish(&holder), OK);
	assert_int_equal(limits(w), 1);
}

static enum err hook(struct tx *tx, void *arg)
{
	struct world_of_writer *w = arg;
	struct limit_admission a = { STR("hook"), 1, 1, 1000 };

	assert_true(store_in_tx());
	assert_non_null(tx_arena(tx));
	if (w->hook != OK)
		return w->hook;
	return limit_insert(tx, &a);
}

static enum err nothing(struct tx *tx, void *arg)
{
	(void)tx;
	(void)arg;
	return OK;
}

static void the_hook_has_the_last_word(void **state)
{
	struct world_of_writer *w = *state;
	struct caller c = { .w = w, .fn = add_limit };

	w->f.config.before_commit = hook;
	w->f.config.before_commit_arg = w;
	store_fixture_open(&w->f);
	call(&c);
	assert_int_equal(c.result, OK);
	assert_int_equal(limits(w), 2);
	w->hook = ERR_INTERNAL;
	call(&c);
	assert_int_equal(c.result, ERR_INTERNAL);
	assert_int_equal(limits(w), 2);
	/* Where nothing was written there is nothing to seal. */
	c.fn = nothing;
	call(&c);
	assert_int_equal(c.result, OK);
}

static enum err look_inside(struct tx *tx, void *arg)
{
	(void)tx;
	(void)arg;
	assert_true(store_in_tx());
	return OK;
}

static void a_configured_delay_and_the_counters(void **state)
{
	struct world_of_writer *w = *state;
	struct request rq;
	int n = 0;

	w->f.config.delay_us = 5 * US_PER_MS;
	store_fixture_open(&w->f);
	request_init(&rq, NULL, NEVER_US);
	assert_false(store_in_tx());
	assert_int_equal(store_tx(w->f.store, &rq, look_inside, NULL), OK);
	assert_int_equal(store_read(w->f.store, &rq, STORE_STALE_OK, look_inside, NULL), OK);
	assert_int_equal(store_read(w->f.store, &rq, STORE_PRIMARY, count_limits, &n), OK);
	assert_false(store_in_tx());
	assert_true(rq.store_us >= 15 * US_PER_MS);
	assert_int_equal(rq.statements, 1);
	request_done(&rq);
	assert_true(store_gauges(w->f.store).statements >= 1);
}

static enum err write_much(struct tx *tx, void *arg)
{
	static char bytes[1 << 20];
	struct user_row user = fixture_user(1);
	bool taken;

	(void)arg;
	memset(bytes, 'x', sizeof(bytes));
	user.id = uuid_v7();
	user.identifier_index = uuid_bytes(&user.id);
	user.profile = str_bytes(bytes, sizeof(bytes));
	return user_insert(tx, &user, &taken);
}

static void the_log_is_written_over(void **state)
{
	struct world_of_writer *w = *state;
	struct caller c = { .w = w, .fn = write_much };
	struct stat wal;

	store_fixture_open(&w->f);
	for (int i = 0; i < 100; i++) {
		call(&c);
		assert_int_equal(c.result, OK);
	}
	assert_int_equal(stat(str_printf(w->f.arena, "%.*s-wal", STR_ARG(w->f.path)).ptr, &wal), 0);
	assert_in_range(wal.st_size, 60 << 20, 72 << 20);
	assert_in_range(store_gauges(w->f.store).wal_pages, 1, 16384);
}

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void *read_once(void *arg)
{
	assert_int_equal(limits(arg), 0);
	return NULL;
}

static void a_thread_takes_its_connection_with_it(void **state)
{
	struct world_of_writer *w = *state;
	unsigned before;

	store_fixture_open(&w->f);
	limits(w);
	before = open_files();
	for (int i = 0; i < 20; i++) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, read_once, w), 0);
		pthread_join(thread, NULL);
	}
	/* SQLite keeps a closed file's descriptor while another connection holds a lock on it. */
	assert_in_range(open_files(), before, before + 2);
}

static void read_only_writes_nothing(void **state)
{
	struct world_of_writer *w = *state;
	struct caller c = { .w = w, .fn = add_limit };

	w->f.config.read_only = true;
	store_fixture_open(&w->f);
	call(&c);
	assert_int_equal(c.result, ERR_INTERNAL);
	assert_int_equal(limits(w), 0);
}

static void a_backup_is_a_store(void **state)
{
	struct world_of_writer *w = *state;
	struct caller c = { .w = w, .fn = add_limit };
	struct str copy = str_printf(w->f.arena, "%.*s.copy", STR_ARG(w->f.path));
	struct store_fixture of_copy = w->f;
	struct request rq;
	struct stat st;
	int n = 0;

	store_fixture_open(&w->f);
	call(&c);
	request_init(&rq, NULL, NEVER_US);
	assert_int_equal(store_backup(w->f.store, &rq, copy), OK);
	call(&c);
	assert_int_equal(store_backup(w->f.store, &rq, copy), ERR_CONFLICT);
	request_done(&rq);
	assert_int_equal(stat(copy.ptr, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	of_copy.config.url = str_printf(w->f.arena, "sqlite:%.*s", STR_ARG(copy));
	of_copy.config.check = true;
	store_fixture_open(&of_copy);
	assert_int_equal(fixture_read(&of_copy, count_limits, &n), OK);
	assert_int_equal(n, 1);
	store_close(&of_copy.store);
	unlink(copy.ptr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_that_wait_are_one_batch, init, done),
		cmocka_unit_test_setup_teardown(batches_are_fewer_than_transactions, init, done),
		cmocka_unit_test_setup_teardown(a_full_queue_refuses, init, done),
		cmocka_unit_test_setup_teardown(time_runs_out_only_in_the_queue, init, done),
		cmocka_unit_test_setup_teardown(the_hook_has_the_last_word, init, done),
		cmocka_unit_test_setup_teardown(a_configured_delay_and_the_counters, init, done),
		cmocka_unit_test_setup_teardown(the_log_is_written_over, init, done),
		cmocka_unit_test_setup_teardown(a_thread_takes_its_connection_with_it, init, done),
		cmocka_unit_test_setup_teardown(read_only_writes_nothing, init, done),
		cmocka_unit_test_setup_teardown(a_backup_is_a_store, init, done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
