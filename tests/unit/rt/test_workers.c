#include "tests/unit/test.h"

#include "rt/workers.h"

struct job {
	struct rt_work work;
	struct rt_workers *workers;
	struct rt_sem *begun, *go;
	int ran;
};

static void hold(struct rt_work *work)
{
	struct job *job = CONTAINER_OF(work, struct job, work);

	rt_sem_post(job->begun);
	if (rt_sem_wait(job->go, NEVER_US) == OK)
		job->ran++;
}

/* Two workers, a queue of one: three are taken, the fourth is not. */
static void test_bound(void **state)
{
	struct rt_workers *w =
	    rt_workers_new(&(struct rt_workers_config){ .threads = 2, .queue = 1 });
	struct rt_sem begun, go;
	struct job jobs[4];

	(void)state;
	assert_non_null(w);
	rt_sem_init(&begun, 0);
	rt_sem_init(&go, 0);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		jobs[i] = (struct job){ .work = { .fn = hold }, .begun = &begun, .go = &go };
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(rt_workers_submit(w, &jobs[i].work), OK);
	assert_int_equal(rt_workers_submit(w, &jobs[3].work), ERR_OVERLOADED);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(rt_sem_wait(&begun, NEVER_US), OK);
	assert_int_equal(rt_workers_waiting(w), 1);
	assert_int_equal(rt_workers_submit(w, &jobs[3].work), ERR_OVERLOADED);
	for (size_t i = 0; i < 3; i++)
		rt_sem_post(&go);
	rt_workers_free(&w); /* runs what is queued */
	assert_null(w);
	assert_int_equal(jobs[0].ran + jobs[1].ran + jobs[2].ran, 3);
	rt_workers_free(&w);
	rt_sem_done(&begun);
	rt_sem_done(&go);
}

static void test_cancel(void **state)
{
	struct rt_workers *w =
	    rt_workers_new(&(struct rt_workers_config){ .threads = 1, .queue = 2 });
	struct rt_sem begun, go;
	struct job first = { .work = { .fn = hold }, .begun = &begun, .go = &go };
	struct job second = first, third = first;

	(void)state;
	rt_sem_init(&begun, 0);
	rt_sem_init(&go, 0);
	assert_int_equal(rt_workers_submit(w, &first.work), OK);
	assert_int_equal(rt_sem_wait(&begun, NEVER_US), OK);
	assert_int_equal(rt_workers_submit(w, &second.work), OK);
	assert_int_equal(rt_workers_submit(w, &third.work), OK);
	assert_false(rt_workers_cancel(w, &first.work));
	assert_true(rt_workers_cancel(w, &second.work));
	assert_false(rt_workers_cancel(w, &second.work));
	assert_int_equal(rt_workers_waiting(w), 1);
	rt_sem_post(&go);
	rt_sem_post(&go);
	rt_workers_free(&w);
	assert_int_equal(first.ran, 1);
	assert_int_equal(second.ran, 0);
	assert_int_equal(third.ran, 1);
	rt_sem_done(&begun);
	rt_sem_done(&go);
}

static void never(struct rt_work *work)
{
	(void)work;
	fail();
}

static void submit_until_refused(struct rt_work *work)
{
	struct job *job = CONTAINER_OF(work, struct job, work);
	struct rt_work more = { .fn = never };
	enum err r;

	rt_sem_post(job->begun);
	while ((r = rt_workers_submit(job->workers, &more)) == OK)
		if (!rt_workers_cancel(job->workers, &more))
			return;
	job->ran = r == ERR_SHUTDOWN;
}

static void test_closing_refuses(void **state)
{
	struct rt_workers *w =
	    rt_workers_new(&(struct rt_workers_config){ .threads = 1, .queue = 1 });
	struct rt_sem begun;
	struct job job = {
		.work = { .fn = submit_until_refused },
		.workers = w,
		.begun = &begun,
	};

	(void)state;
	rt_sem_init(&begun, 0);
	assert_int_equal(rt_workers_submit(w, &job.work), OK);
	assert_int_equal(rt_sem_wait(&begun, NEVER_US), OK);
	rt_workers_free(&w);
	assert_int_equal(job.ran, 1);
	rt_sem_done(&begun);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_closing_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
