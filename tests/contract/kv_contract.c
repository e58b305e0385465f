/* What kv.h promises, held against every engine over a real store, restarts and kills included. */
#include "tests/contract/kv_shop.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS 64

#define ten limit_ten
#define ten_in_memory limit_ten_in_memory
#define thousand limit_thousand
#define ask shop_ask
#define ask_one shop_ask_one

/* A host whose kv is over Redis. */
struct place {
	struct host host;
	bool shared;
};

static void count(struct shop *s, enum err r)
{
	CHECK(r == OK || r == ERR_THROTTLED);
	raise_flag(r == OK ? &s->admitted : &s->refused);
}

static void run_tasks(struct shop *s, unsigned seed, void (*fn)(void *arg), size_t n)
{
	void (*fns[TASKS])(void *);

	for (size_t i = 0; i < n; i++)
		fns[i] = fn;
	host_run(&s->host, seed, fns, n, s);
}

static void each_seed(void **state, void (*test)(struct shop *s, unsigned seed))
{
	const struct place *place = *state;

	if (place->shared && redis_server.port == 0)
		skip(); /* there is no redis-server here */
	for (unsigned seed = 0; seed < place->host.rounds; seed++) {
		struct shop s = { .host = place->host, .shared = place->shared };

		shop_init(&s);
		shop_open(&s);
		test(&s, seed);
		shop_close(&s);
		shop_done(&s);
	}
}

static void task_ten(void *arg)
{
	count(arg, ask_one(arg, &ten));
}

static void ten_of_64(struct shop *s, unsigned seed)
{
	run_tasks(s, seed, task_ten, TASKS);
	assert_int_equal(s->admitted, 10);
	assert_int_equal(s->refused, TASKS - 10);
	if (s->host.engine == ENGINE_SIMULATION)
		return; /* its clock stands before the real one's */
	shop_close(s);
	shop_open(s);
	run_tasks(s, seed, task_ten, TASKS);
	assert_int_equal(s->admitted, 10);
}

static void test_ten_of_64(void **state)
{
	each_seed(state, ten_of_64);
}

static void task_thousand(void *arg)
{
	for (int i = 0; i < 20; i++)
		count(arg, ask_one(arg, &thousand));
}

/* 64 at once share the blocks of one subject, and still no more than the limit get in. */
static void blocks_are_shared(struct shop *s, unsigned seed)
{
	run_tasks(s, seed, task_thousand, TASKS);
	assert_int_equal(s->admitted, 1000);
	assert_int_equal(s->refused, 20 * TASKS - 1000);
}

static void test_blocks_are_shared(void **state)
{
	each_seed(state, blocks_are_shared);
}

static void task_both(void *arg)
{
	const struct kv_limit *both[] = { &ten_in_memory, &ten };

	count(arg, ask(arg, STR("ada@example.com"), both, 2));
}

/* Whoever one limit refuses costs the other nothing. */
static void all_or_none(struct shop *s, unsigned seed)
{
	for (int i = 0; i < 6; i++)
		CHECK(ask_one(s, &ten) == OK);
	run_tasks(s, seed, task_both, TASKS);
	assert_int_equal(s->admitted, 4);
	for (int i = 0; i < 6; i++)
		CHECK(ask_one(s, &ten_in_memory) == OK);
	CHECK(ask_one(s, &ten_in_memory) == ERR_THROTTLED);
}

static void test_all_or_none(void **state)
{
	each_seed(state, all_or_none);
}

static enum err fill(struct request *rq, void *arg, struct str *ret)
{
	struct shop *s = arg;

	raise_flag(&s->filled);
	rt_sleep_until(now_mono_us() + US_PER_MS); /* long enough for the others to come */
	*ret = str_dup(rq->arena, STR("value"));
	return OK;
}

static enum err fill_badly(struct request *rq, void *arg, struct str *ret)
{
	(void)fill(rq, arg, ret);
	return fault(rq, ERR_UNAVAILABLE, "not today");
}

static enum err cached(
    struct shop *s, int64_t version, enum err (*fn)(struct request *rq, void *arg, struct str *ret))
{
	const struct kv_recipe recipe = {
		.key = STR("keys"),
		.version = version,
		.ttl_us = US_PER_HOUR,
		.fill = fn,
		.arg = s,
	};
	struct str value = STR_NULL;
	struct request rq;
	enum err r;

	request_init(&rq, NULL, NEVER_US);
	r = kv_cached(s->kv, &rq, &recipe, &value);
	CHECK(r != OK || str_eq(value, STR("value")));
	request_done(&rq);
	return r;
}

static void task_cached(void *arg)
{
	CHECK(cached(arg, 1, fill) == OK);
}

static void task_cached_badly(void *arg)
{
	CHECK(cached(arg, 2, fill_badly) == ERR_UNAVAILABLE);
}

static void one_filler(struct shop *s, unsigned seed)
{
	run_tasks(s, seed, task_cached, TASKS);
	assert_int_equal(s->filled, 1);
	/* A failure goes to all who waited and is not kept. */
	run_tasks(s, seed, task_cached_badly, TASKS);
	assert_true(s->filled > 1);
	s->filled = 0;
	CHECK(cached(s, 2, fill) == OK && cached(s, 2, fill) == OK && s->filled == 1);
	CHECK(cached(s, 3, fill) == OK && s->filled == 2);
}

static void test_one_filler(void **state)
{
	each_seed(state, one_filler);
}

static void task_take(void *arg)
{
	struct shop *s = arg;
	struct request rq;
	struct str value;
	bool found, put;

	request_init(&rq, NULL, NEVER_US);
	rq.keys = s->f.keys;
	CHECK(kv_put(s->kv, &rq, STR("s"), STR("k"), STR("v"), US_PER_HOUR, &put) == OK);
	CHECK(kv_take(s->kv, &rq, STR("s"), STR("k"), &value, &found) == OK);
	__atomic_add_fetch(&s->admitted, (int)put, __ATOMIC_ACQ_REL);
	__atomic_add_fetch(&s->refused, (int)found, __ATOMIC_ACQ_REL);
	request_done(&rq);
}

/* As many are taken as were put. */
static void taken_once(struct shop *s, unsigned seed)
{
	run_tasks(s, seed, task_take, TASKS);
	assert_true(s->admitted >= 1);
	assert_int_equal(s->admitted, s->refused);
}

static void test_taken_once(void **state)
{
	each_seed(state, taken_once);
}

static void test_forgiven(void **state)
{
	const struct kv_ask asks[] = {
		{ &ten, STR("ada@example.com") },
		{ &thousand, STR("ada@example.com") },
	};
	struct shop s = { .host = { ENGINE_SYNC, 1 } };
	struct request rq;

	(void)state;
	shop_init(&s);
	shop_open(&s);
	for (int i = 0; i < 10; i++)
		CHECK(ask_one(&s, &ten) == OK);
	for (int i = 0; i < 1000; i++)
		CHECK(ask_one(&s, &thousand) == OK);
	request_init(&rq, NULL, NEVER_US);
	rq.keys = s.f.keys;
	assert_int_equal(kv_forgive(s.kv, &rq, asks, 2), OK);
	request_done(&rq);
	CHECK(ask_one(&s, &ten) == OK && ask_one(&s, &thousand) == OK);
	/* The store forgot as well, but not what came after. */
	shop_close(&s);
	shop_open(&s);
	for (int i = 0; i < 9; i++)
		CHECK(ask_one(&s, &ten) == OK);
	assert_int_equal(ask_one(&s, &ten), ERR_THROTTLED);
	for (int i = 0; i < 950; i++)
		CHECK(ask_one(&s, &thousand) == OK);
	assert_int_equal(ask_one(&s, &thousand), ERR_THROTTLED);
	shop_close(&s);
	shop_done(&s);
}

/* A key put before the old one does not change whom the limits know. */
static void test_new_active_key(void **state)
{
	const struct keyring_config config = {
		.master = secret_of(STR("2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=,"
					"1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")),
		.token_secret = secret_of(STR("0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")),
	};
	struct shop s = { .host = { ENGINE_SYNC, 1 } };
	struct keyring *keys = NULL, *old;
	const char *problem = "";

	(void)state;
	shop_init(&s);
	shop_open(&s);
	for (int i = 0; i < 10; i++)
		CHECK(ask_one(&s, &ten) == OK);
	assert_int_equal(keyring_new(&config, &keys, &problem), OK);
	old = s.f.keys;
	s.f.keys = keys;
	assert_int_equal(keyring_active(keys), 2);
	assert_int_equal(ask_one(&s, &ten), ERR_THROTTLED);
	s.f.keys = old;
	keyring_unref(&keys);
	shop_close(&s);
	shop_done(&s);
}

/* What cannot be stored is not admitted, and not counted either. */
static void test_store_fails(void **state)
{
	const struct kv_limit *both[] = { &ten_in_memory, &ten };
	struct shop s = { .host = { ENGINE_SYNC, 1 } };

	(void)state;
	shop_init(&s);
	s.f.config.read_only = true;
	shop_open(&s);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(ask(&s, STR("ada"), both, 2), ERR_UNAVAILABLE);
		assert_int_equal(ask_one(&s, &thousand), ERR_UNAVAILABLE);
	}
	for (int i = 0; i < 10; i++)
		assert_int_equal(ask(&s, STR("ada"), &both[0], 1), OK);
	assert_int_equal(ask(&s, STR("ada"), &both[0], 1), ERR_THROTTLED);
	assert_int_equal(kv_gauges(s.kv).admitted, 10);
	shop_close(&s);
	shop_done(&s);
}

static enum err count_rows(struct tx *tx, void *arg);

static void one_row(void *arg, const struct limit_admission *a)
{
	(void)a;
	++*(int *)arg;
}

static enum err count_rows(struct tx *tx, void *arg)
{
	return limit_each_live(tx, 0, one_row, arg);
}

static void test_rows_and_sweep(void **state)
{
	const struct kv_limit brief = { STR_INIT("brief"), 10, 1, true };
	struct shop s = { .host = { ENGINE_SYNC, 1 } };
	struct request rq;
	int rows = 0;

	(void)state;
	shop_init(&s);
	shop_open(&s);
	for (int i = 0; i < 500; i++)
		CHECK(ask_one(&s, &thousand) == OK);
	CHECK(ask_one(&s, &brief) == OK);
	CHECK(fixture_read(&s.f, count_rows, &rows) == OK);
	assert_int_equal(rows, 11); /* every 50th of the thousand, and the brief one */
	request_init(&rq, NULL, NEVER_US);
	assert_int_equal(kv_sweep(s.kv, &rq), OK);
	request_done(&rq);
	rows = 0;
	CHECK(fixture_read(&s.f, count_rows, &rows) == OK);
	assert_int_equal(rows, 10);
	assert_int_equal(kv_gauges(s.kv).subjects, 1);
	shop_close(&s);
	shop_done(&s);
}

/* In a child: say each admission, then die as hard as a process can. */
static void admit_and_die(struct shop *s, const struct kv_limit *limit, int n, int out)
{
	shop_open(s);
	for (int i = 0; i < n; i++) {
		CHECK(ask_one(s, limit) == OK);
		CHECK(write(out, "x", 1) == 1);
	}
	kill(getpid(), SIGKILL);
}

/* How many get in after that, until the limit says no. */
static int admitted_after_kill(const struct kv_limit *limit, int before)
{
	struct shop s = { .host = { ENGINE_SYNC, 1 } };
	int said = 0, after = 0, ends[2];
	char byte;
	pid_t pid;

	shop_init(&s);
	CHECK(pipe(ends) == 0);
	pid = fork();
	if (pid == 0)
		admit_and_die(&s, limit, before, ends[1]);
	close(ends[1]);
	while (read(ends[0], &byte, 1) == 1)
		said++;
	close(ends[0]);
	CHECK(waitpid(pid, NULL, 0) == pid && said == before);
	shop_open(&s);
	while (ask_one(&s, limit) == OK)
		after++;
	shop_close(&s);
	shop_done(&s);
	return after;
}

static void test_killed(void **state)
{
	(void)state;
	assert_int_equal(admitted_after_kill(&ten, 7), 3);
	/* The rest of a block is lost: 120 admitted are three blocks of 50. */
	assert_int_equal(admitted_after_kill(&thousand, 120), 850);
}

int main(void)
{
	static struct place sync = { { ENGINE_SYNC, 3 }, false };
	static struct place async = { { ENGINE_ASYNC, 3 }, false };
	static struct place sim = { { ENGINE_SIMULATION, 8 }, false };
	static struct place redis_sync = { { ENGINE_SYNC, 3 }, true };
	static struct place redis_async = { { ENGINE_ASYNC, 3 }, true };
#define ON(fn, h)                                                        \
	{                                                                \
		.name = #fn "/" #h, .test_func = fn, .initial_state = &h \
	}
#define ON_REAL(fn) ON(fn, sync), ON(fn, async), ON(fn, redis_sync), ON(fn, redis_async)
#define ON_ALL(fn) ON_REAL(fn), ON(fn, sim)
	const struct CMUnitTest forking[] = {
		cmocka_unit_test(test_killed), /* before there are threads */
	};
	const struct CMUnitTest tests[] = {
		ON_ALL(test_ten_of_64),
		ON_ALL(test_blocks_are_shared),
		/* Asks from outside the tasks too, where the simulation has another clock. */
		ON_REAL(test_all_or_none),
		ON_ALL(test_one_filler),
		ON_ALL(test_taken_once),
		cmocka_unit_test(test_forgiven),
		cmocka_unit_test(test_new_active_key),
		cmocka_unit_test(test_store_fails),
		cmocka_unit_test(test_rows_and_sweep),
	};

	return cmocka_run_group_tests_name("kv killed", forking, NULL, NULL) +
	       cmocka_run_group_tests_name("kv", tests, kv_start, kv_stop) + kv_shared_tests();
}
