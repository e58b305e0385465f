#include "tests/unit/test.h"

#include "base/clock.h"
#include "rt/rt.h"
#include "tests/support/rt_sim.h"

static int order[8];
static size_t ordered;

static void append(void *arg)
{
	rt_sim_yield();
	order[ordered++] = *(int *)arg;
}

/* run_order() - four tasks under @seed; who came when, as one number. */
static int run_order(uint64_t seed)
{
	int ids[] = { 1, 2, 3, 4 };
	void *args[] = { &ids[0], &ids[1], &ids[2], &ids[3] };
	int n = 0;

	ordered = 0;
	assert_int_equal(
	    rt_sim_run(seed, (void (*[])(void *)){ append, append, append, append }, args, 4), 0);
	assert_int_equal(ordered, 4);
	for (size_t i = 0; i < ordered; i++)
		n = n * 10 + order[i];
	return n;
}

static void test_seed_decides(void **state)
{
	bool seen[4322] = { false };
	unsigned orders = 0;

	(void)state;
	for (unsigned seed = 0; seed < 500; seed++) {
		int n = run_order(seed);
		uint64_t trace = rt_sim_trace();

		orders += !seen[n];
		seen[n] = true;
		assert_int_equal(run_order(seed), n);
		assert_true(rt_sim_trace() == trace);
	}
	assert_int_equal(orders, 24); /* every order there is */
}

static void sleep_a_year(void *arg)
{
	int64_t mono_us = now_mono_us(), wall_us = now_wall_us();

	rt_sleep_until(mono_us + 365 * US_PER_DAY);
	*(bool *)arg = now_mono_us() - mono_us >= 365 * US_PER_DAY &&
		       now_wall_us() - wall_us < 366 * US_PER_DAY;
}

static void test_time_is_virtual(void **state)
{
	bool slept = false;
	void *args[] = { &slept };

	(void)state;
	assert_int_equal(rt_sim_run(1, (void (*[])(void *)){ sleep_a_year }, args, 1), 0);
	assert_true(slept);
	assert_ptr_equal(world, &world_real);
	assert_int_equal(rt_engine(), ENGINE_SYNC);
}

struct two {
	struct rt_sem a, b;
};

static enum err both(struct rt_sem *first, struct rt_sem *second)
{
	enum err r = rt_sem_wait(first, NEVER_US);

	if (r != OK)
		return r;
	r = rt_sem_wait(second, NEVER_US);
	if (r == OK)
		rt_sem_post(second);
	rt_sem_post(first);
	return r;
}

static void a_then_b(void *arg)
{
	struct two *two = arg;

	(void)both(&two->a, &two->b);
}

static void b_then_a(void *arg)
{
	struct two *two = arg;

	(void)both(&two->b, &two->a);
}

/* A lock order bug stands in some interleavings, and those are found and told. */
static void test_deadlock_is_told(void **state)
{
	unsigned stuck = 0, fine = 0;

	(void)state;
	for (unsigned seed = 0; seed < 100; seed++) {
		struct two two;
		void *args[] = { &two, &two };
		int left;

		rt_sem_init(&two.a, 1);
		rt_sem_init(&two.b, 1);
		left = rt_sim_run(seed, (void (*[])(void *)){ a_then_b, b_then_a }, args, 2);
		assert_true(left == 0 || left == 2);
		stuck += left == 2;
		fine += left == 0;
	}
	assert_true(stuck > 0);
	assert_true(fine > 0);
}

static void draw(void *arg)
{
	random_bytes(arg, 8);
	((uint64_t *)arg)[1] = rt_sim_random();
}

static void test_random_follows_seed(void **state)
{
	uint64_t drawn[3][2] = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		void *args[] = { drawn[i] };

		assert_int_equal(rt_sim_run(i / 2, (void (*[])(void *)){ draw }, args, 1), 0);
	}
	assert_memory_equal(drawn[0], drawn[1], sizeof(drawn[0]));
	assert_memory_not_equal(drawn[0], drawn[2], sizeof(drawn[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seed_decides),
		cmocka_unit_test(test_time_is_virtual),
		cmocka_unit_test(test_deadlock_is_told),
		cmocka_unit_test(test_random_follows_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
