/*
 * Limits and challenges that two servers share, on good days and on bad ones. A server is a kv of
 * its own; the two have the store and Redis in common.
 */
#include "tests/contract/kv_shop.h"

#define TASKS 64
#define SUBJECTS 40

struct pair {
	struct shop a, b;
};

static void open_pair(struct pair *p, enum engine engine)
{
	*p = (struct pair){ .a = { .host = { engine, 1 }, .shared = true } };
	if (redis_server.port == 0)
		skip(); /* there is no redis-server here */
	shop_init(&p->a);
	shop_open(&p->a);
	shop_join(&p->b, &p->a);
}

static void close_pair(struct pair *p)
{
	shop_leave(&p->b);
	shop_close(&p->a);
	shop_done(&p->a);
}

/* How often @s is let in until it is refused. */
static int fill_up(struct shop *s, const struct kv_limit *limit)
{
	int n = 0;
	enum err r;

	while ((r = shop_ask_one(s, limit)) == OK)
		n++;
	assert_int_equal(r, ERR_THROTTLED);
	return n;
}

static void admit_n(struct shop *s, const struct kv_limit *limit, int n)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(shop_ask_one(s, limit), OK);
}

static void task_ask(struct pair *p, const struct kv_limit *limit, int times)
{
	for (int i = 0; i < times; i++) {
		struct shop *s = i % 2 ? &p->a : &p->b;
		enum err r = shop_ask_one(s, limit);

		CHECK(r == OK || r == ERR_THROTTLED);
		raise_flag(r == OK ? &p->a.admitted : &p->a.refused);
	}
}

static void task_ten(void *arg)
{
	task_ask(arg, &limit_ten, 2);
}

static void task_thousand(void *arg)
{
	task_ask(arg, &limit_thousand, 20);
}

static void run_tasks(struct pair *p, void (*fn)(void *arg))
{
	void (*fns[TASKS])(void *);

	for (size_t i = 0; i < TASKS; i++)
		fns[i] = fn;
	host_run(&p->a.host, 0, fns, TASKS, p);
}

static void two_servers(struct pair *p)
{
	run_tasks(p, task_ten);
	assert_int_equal(p->a.admitted, 10);
	run_tasks(p, task_thousand);
	assert_int_equal(p->a.admitted, 1010);
	/* Neither a restart of one nor of both is forgiveness. */
	shop_leave(&p->b);
	shop_join(&p->b, &p->a);
	assert_int_equal(fill_up(&p->b, &limit_ten), 0);
	assert_int_equal(fill_up(&p->b, &limit_thousand), 0);
}

static void test_two_servers_sync(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, ENGINE_SYNC);
	two_servers(&p);
	close_pair(&p);
}

static void test_two_servers_async(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, ENGINE_ASYNC);
	two_servers(&p);
	close_pair(&p);
}

static void test_refund(void **state)
{
	const struct kv_limit *both[] = { &limit_thousand, &limit_ten };
	struct pair p;

	(void)state;
	open_pair(&p, ENGINE_SYNC);
	admit_n(&p.a, &limit_ten, 10);
	for (int i = 0; i < 20; i++)
		assert_int_equal(shop_ask(&p.b, STR("ada@example.com"), both, 2), ERR_THROTTLED);
	/* Refused calls cost the other limit nothing. */
	assert_int_equal(fill_up(&p.a, &limit_thousand), 1000);
	close_pair(&p);
}

static void forgive(struct shop *s)
{
	const struct kv_ask asks[] = {
		{ &limit_ten, STR("ada@example.com") },
		{ &limit_thousand, STR("ada@example.com") },
	};
	struct request rq;

	request_init(&rq, NULL, NEVER_US);
	rq.keys = s->f.keys;
	assert_int_equal(kv_forgive(s->kv, &rq, asks, 2), OK);
	request_done(&rq);
}

/* What one server forgives is forgiven by all, and by the store. */
static void test_forgiven_by_all(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, ENGINE_SYNC);
	admit_n(&p.a, &limit_ten, 5);
	admit_n(&p.b, &limit_ten, 5);
	admit_n(&p.b, &limit_thousand, 1000);
	forgive(&p.a);
	assert_int_equal(fill_up(&p.b, &limit_ten), 10);
	assert_int_equal(fill_up(&p.a, &limit_thousand), 1000);
	forgive(&p.b);
	redis_order("flush");
	assert_int_equal(fill_up(&p.a, &limit_ten), 10);
	close_pair(&p);
}

/* Flushed, evicted or begun anew: what matters comes back from the store. */
static void lost(const char *first, const char *then)
{
	struct pair p;

	open_pair(&p, ENGINE_SYNC);
	admit_n(&p.a, &limit_ten, 4);
	admit_n(&p.b, &limit_ten, 3);
	admit_n(&p.a, &limit_ten_in_memory, 7);
	admit_n(&p.b, &limit_thousand, 500);
	redis_order(first);
	if (then)
		redis_order(then);
	assert_int_equal(fill_up(&p.b, &limit_ten), 3);
	assert_int_equal(fill_up(&p.a, &limit_ten), 0);
	/* Blocks that were begun count whole. */
	assert_in_range(fill_up(&p.a, &limit_thousand), 400, 500);
	/* What is nowhere else each server still knows for itself. */
	assert_int_equal(fill_up(&p.a, &limit_ten_in_memory), 3);
	close_pair(&p);
}

static void test_flushed(void **state)
{
	(void)state;
	lost("flush", NULL);
}

static void test_evicted(void **state)
{
	(void)state;
	lost("evict", NULL);
}

static void test_restarted(void **state)
{
	(void)state;
	lost("kill", "start");
}

static enum err put(struct shop *s, const char *key, bool *ret)
{
	struct request rq;
	enum err r;

	request_init(&rq, NULL, NEVER_US);
	rq.keys = s->f.keys;
	r = kv_put(s->kv, &rq, STR("space"), str_of(key), STR("value"), US_PER_HOUR, ret);
	CHECK(r == OK || rq.retry_after_us > 0);
	request_done(&rq);
	return r;
}

static enum err take(struct shop *s, const char *key, bool *ret)
{
	struct str value = STR_NULL;
	struct request rq;
	enum err r;

	request_init(&rq, NULL, NEVER_US);
	rq.keys = s->f.keys;
	r = kv_take(s->kv, &rq, STR("space"), str_of(key), &value, ret);
	CHECK(r != OK || !*ret || str_eq(value, STR("value")));
	CHECK(r == OK || rq.retry_after_us > 0);
	request_done(&rq);
	return r;
}

static void test_challenges(void **state)
{
	bool done = false;
	struct pair p;

	(void)state;
	open_pair(&p, ENGINE_SYNC);
	assert_int_equal(put(&p.a, "k", &done), OK);
	assert_true(done);
	assert_int_equal(put(&p.b, "k", &done), OK);
	assert_false(done); /* it is there already */
	assert_int_equal(take(&p.b, "k", &done), OK);
	assert_true(done);
	assert_int_equal(take(&p.a, "k", &done), OK);
	assert_false(done); /* once only */
	assert_int_equal(put(&p.a, "lost", &done), OK);
	redis_order("flush");
	assert_int_equal(take(&p.a, "lost", &done), OK);
	assert_false(done);
	close_pair(&p);
}

/* Until it answers again; each try after its rest is a look at it. */
static void await_redis(struct shop *s)
{
	bool done;

	while (put(s, "back", &done) != OK)
		rt_sleep_until(now_mono_us() + 10 * US_PER_MS);
	assert_int_equal(take(s, "back", &done), OK);
}

/*
 * Away, in whichever way: challenges are refused, and of each limit a server admits half (there are
 * two), less what the store knows of. Never more than the limit together.
 */
static void away(const char *begin, const char *end)
{
	struct pair p;
	bool done;

	open_pair(&p, ENGINE_SYNC);
	admit_n(&p.a, &limit_ten, 6);
	admit_n(&p.b, &limit_ten_in_memory, 2);
	redis_order(begin);
	assert_int_equal(put(&p.a, "k", &done), ERR_UNAVAILABLE);
	assert_int_equal(take(&p.b, "k", &done), ERR_UNAVAILABLE);
	assert_int_equal(fill_up(&p.a, &limit_ten), 0);
	assert_int_equal(fill_up(&p.b, &limit_ten), 4);
	assert_int_equal(fill_up(&p.b, &limit_ten_in_memory), 3);
	assert_int_equal(fill_up(&p.a, &limit_ten_in_memory), 5);
	assert_in_range(fill_up(&p.a, &limit_thousand), 450, 500);
	assert_in_range(fill_up(&p.b, &limit_thousand), 400, 500);
	assert_true(kv_gauges(p.a.kv).shared_away);
	redis_order(end);
	await_redis(&p.a);
	await_redis(&p.b);
	assert_false(kv_gauges(p.a.kv).shared_away);
	/* Back, and it learns from the store what it missed. */
	assert_int_equal(fill_up(&p.a, &limit_ten), 0);
	assert_int_equal(fill_up(&p.b, &limit_ten), 0);
	close_pair(&p);
}

static void test_killed(void **state)
{
	(void)state;
	away("kill", "start");
}

static void test_frozen(void **state)
{
	(void)state;
	away("freeze", "thaw");
}

static void test_stalled(void **state)
{
	(void)state;
	away("stall", "flow");
}

/* Keys of two servers, asked for through one of them. */
static void test_cluster(void **state)
{
	const char *const cluster[] = { "--cluster", NULL };
	const struct kv_limit *both[] = { &limit_ten, &limit_ten_in_memory };
	struct child alone = redis_server;
	struct pair p;

	(void)state;
	if (alone.port == 0)
		skip();
	child_start(&redis_server, "redis_server.py", cluster);
	open_pair(&p, ENGINE_SYNC);
	for (unsigned i = 0; i < SUBJECTS; i++) {
		struct str subject = str_printf(p.a.f.arena, "subject %u", i);
		int n = 0;

		while (shop_ask(n % 2 ? &p.a : &p.b, subject, both, 2) == OK)
			n++;
		assert_int_equal(n, 10);
	}
	child_stop(&redis_server);
	redis_server = alone;
	close_pair(&p);
}

int kv_shared_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_servers_sync),
		cmocka_unit_test(test_two_servers_async),
		cmocka_unit_test(test_refund),
		cmocka_unit_test(test_forgiven_by_all),
		cmocka_unit_test(test_flushed),
		cmocka_unit_test(test_evicted),
		cmocka_unit_test(test_restarted),
		cmocka_unit_test(test_challenges),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_frozen),
		cmocka_unit_test(test_stalled),
		cmocka_unit_test(test_cluster),
	};

	return cmocka_run_group_tests_name("kv shared", tests, kv_start, kv_stop);
}
