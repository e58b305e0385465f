#include "tests/unit/test.h"

#include <pthread.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "rt/lane.h"

/*
 * A probe is a job whose slices go on until it is told to finish, offloaded by a thread of its
 * own. It notes with whom it ran.
 */
struct probe {
	struct lane_job job;
	struct lane *lane;
	pthread_t thread;
	enum err result;
	int finish;            /* atomic: the next slice is the last */
	int alone;             /* atomic: slices run alone */
	int paired;            /* atomic: slices run with another */
	struct probe *partner; /* atomic: last one */
	int nice;
};

static void add(int *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_ACQ_REL);
}

static int get(const int *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static struct probe *probe_of(struct lane_job *job)
{
	return CONTAINER_OF(job, struct probe, job);
}

static const struct probe *partner_of(const struct probe *p)
{
	return __atomic_load_n(&p->partner, __ATOMIC_ACQUIRE);
}

static bool step(struct lane_job *job)
{
	struct probe *p = probe_of(job);

	p->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
	add(&p->alone);
	return get(&p->finish) != 0;
}

static void step_pair(struct lane_job *a, struct lane_job *b)
{
	__atomic_store_n(&probe_of(a)->partner, probe_of(b), __ATOMIC_RELEASE);
	__atomic_store_n(&probe_of(b)->partner, probe_of(a), __ATOMIC_RELEASE);
	a->finished = get(&probe_of(a)->finish) != 0;
	b->finished = get(&probe_of(b)->finish) != 0;
	add(&probe_of(a)->paired);
	add(&probe_of(b)->paired);
}

static void step_other_pair(struct lane_job *a, struct lane_job *b)
{
	step_pair(a, b);
}

static const struct lane_ops pairs = { .step = step, .step_pair = step_pair };
static const struct lane_ops other_pairs = { .step = step, .step_pair = step_other_pair };
static const struct lane_ops whole = { .step = step };

static void *offload(void *arg)
{
	struct probe *p = arg;

	p->result = rt_offload(p->lane, &p->job);
	return NULL;
}

/* begin() - offload @p, and wait until the lane has it. */
static void begin(struct probe *p, struct lane *lane, const struct lane_ops *ops, size_t memory)
{
	struct lane_gauges before = lane_gauges(lane);

	*p = (struct probe){
		.job = { .ops = ops, .cost_us = 1, .memory = memory, .deadline_us = NEVER_US },
		.lane = lane,
	};
	assert_int_equal(pthread_create(&p->thread, NULL, offload, p), 0);
	while (lane_gauges(lane).waiting + lane_gauges(lane).running ==
	       before.waiting + before.running)
		sched_yield();
}

static void await_more(const int *counter, int than)
{
	while (get(counter) <= than)
		sched_yield();
}

static void finish(struct probe *p)
{
	add(&p->finish);
	pthread_join(p->thread, NULL);
	assert_int_equal(p->result, OK);
}

static struct lane *lane_of(unsigned workers)
{
	struct lane *lane = lane_new(&(struct lane_config){
	    .name = "unit", .workers = workers, .max_queued_us = US_PER_S, .max_memory = 100 });

	assert_non_null(lane);
	return lane;
}

static void spread(void)
{
	struct lane *lane = lane_of(2);
	struct probe a, b, c;

	begin(&a, lane, &pairs, 0);
	await_more(&a.alone, 0); /* a lone job starts at once */
	begin(&b, lane, &pairs, 0);
	await_more(&b.alone, 0);
	assert_int_equal(get(&a.paired) + get(&b.paired), 0);
	begin(&c, lane, &pairs, 0);
	await_more(&c.paired, 0); /* no worker is idle: it joins one */
	assert_int_equal(get(&c.alone), 0);
	assert_true(partner_of(&c) == &a || partner_of(&c) == &b);
	finish(&a);
	finish(&b);
	await_more(&c.alone, 0); /* its partner has left */
	finish(&c);
	lane_free(&lane);
	assert_null(lane);
}

/* Again and again: the busy worker looks at the queue before the idle one has woken up. */
static void test_spreads_before_pairing(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		spread();
}

static void test_joins_and_refills(void **state)
{
	struct lane *lane = lane_of(1);
	struct probe a, b, c;

	(void)state;
	begin(&a, lane, &pairs, 0);
	await_more(&a.alone, 0);
	begin(&b, lane, &pairs, 0);
	await_more(&b.paired, 0);
	begin(&c, lane, &pairs, 0);
	await_more(&b.paired, get(&b.paired));
	assert_int_equal(lane_gauges(lane).waiting, 1); /* two at most */
	assert_int_equal(get(&c.alone) + get(&c.paired), 0);
	finish(&a);
	await_more(&c.paired, 0); /* takes the place that is free */
	assert_int_equal(lane_gauges(lane).running, 2);
	finish(&c);
	finish(&b);
	assert_ptr_equal(partner_of(&c), &b);
	assert_int_equal(lane_gauges(lane).finished, 3);
	assert_int_equal(lane_gauges(lane).queued_us, 0);
	lane_free(&lane);
}

/* run_behind() - @second never joins @first, and is not overtaken by a third that could. */
static void run_behind(const struct lane_ops *first, const struct lane_ops *second)
{
	struct lane *lane = lane_of(1);
	struct probe a, b, c;
	int seen;

	begin(&a, lane, first, 0);
	await_more(&a.alone, 0);
	begin(&b, lane, second, 0);
	begin(&c, lane, first, 0);
	seen = get(&a.alone);
	await_more(&a.alone, seen + 1);
	assert_int_equal(get(&a.paired), 0);
	assert_int_equal(lane_gauges(lane).waiting, 2);
	finish(&a);
	await_more(&b.alone, 0);
	assert_int_equal(get(&c.alone), 0);
	finish(&b);
	finish(&c);
	assert_int_equal(get(&b.paired) + get(&c.paired), 0);
	lane_free(&lane);
}

static void test_pairs_only_its_kind(void **state)
{
	(void)state;
	run_behind(&pairs, &other_pairs);
	run_behind(&pairs, &whole);
	run_behind(&whole, &pairs);
	run_behind(&whole, &whole);
}

static void test_memory(void **state)
{
	struct lane *lane = lane_of(3);
	struct probe a, b, c;

	(void)state;
	begin(&a, lane, &whole, 500); /* more than the bound, but alone */
	await_more(&a.alone, 0);
	begin(&b, lane, &whole, 60);
	begin(&c, lane, &whole, 40);
	await_more(&a.alone, get(&a.alone));
	assert_int_equal(lane_gauges(lane).waiting, 2);
	finish(&a);
	await_more(&b.alone, 0); /* together they fit */
	await_more(&c.alone, 0);
	begin(&a, lane, &whole, 1);
	assert_int_equal(lane_gauges(lane).waiting, 1);
	finish(&c);
	await_more(&a.alone, 0);
	finish(&a);
	finish(&b);
	lane_free(&lane);
}

static void *free_lane(void *arg)
{
	lane_free(arg);
	return NULL;
}

/* What waits is told at once; what runs is waited for. */
static void test_free_drops_what_waits(void **state)
{
	struct lane *lane = lane_of(1), *freed = lane;
	struct probe a, b;
	pthread_t thread;

	(void)state;
	begin(&a, lane, &whole, 0);
	await_more(&a.alone, 0);
	begin(&b, lane, &whole, 0);
	assert_int_equal(pthread_create(&thread, NULL, free_lane, &freed), 0);
	pthread_join(b.thread, NULL);
	assert_int_equal(b.result, ERR_SHUTDOWN);
	assert_int_equal(get(&b.alone), 0);
	assert_int_equal(rt_offload(lane, &b.job), ERR_SHUTDOWN);
	finish(&a);
	pthread_join(thread, NULL);
	assert_null(freed);
}

static void test_low_priority(void **state)
{
	struct lane *lane = lane_new(&(struct lane_config){ .name = "a name longer than a thread's",
	    .max_queued_us = US_PER_S,
	    .low_priority = true });
	struct probe a;

	(void)state;
	assert_in_range(lane_gauges(lane).workers, 1, 4096);
	begin(&a, lane, &whole, 0);
	finish(&a);
	assert_int_equal(a.nice, getpriority(PRIO_PROCESS, 0) + 10);
	lane_free(&lane);
}

/* A bound by count holds beside the bound by cost; what an idle worker takes does not count. */
static void test_count_bound(void **state)
{
	struct lane *lane = lane_new(&(struct lane_config){
	    .name = "unit", .workers = 1, .max_waiting = 1, .max_queued_us = US_PER_DAY });
	struct probe a, b, c = { .job = { .ops = &whole, .deadline_us = NEVER_US }, .lane = lane };

	(void)state;
	begin(&a, lane, &whole, 0);
	await_more(&a.alone, 0);
	begin(&b, lane, &whole, 0);
	assert_int_equal(rt_offload(lane, &c.job), ERR_OVERLOADED);
	assert_int_equal(lane_gauges(lane).refused, 1);
	finish(&a);
	finish(&b);
	lane_free(&lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spreads_before_pairing),
		cmocka_unit_test(test_joins_and_refills),
		cmocka_unit_test(test_pairs_only_its_kind),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_free_drops_what_waits),
		cmocka_unit_test(test_low_priority),
		cmocka_unit_test(test_count_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
