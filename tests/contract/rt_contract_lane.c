/* What lane.h promises to callers, on every engine; test_lane.c looks at the workers themselves. */
#include "tests/unit/test.h"

#include "rt/lane.h"
#include "tests/contract/rt_host.h"

#define COST_US (600 * US_PER_MS) /* so that two fill a lane of one worker and one second */

struct scene {
	struct lane *lane;
	int open;      /* gate jobs end once this is set */
	int begun;     /* gate jobs that run */
	int ended;     /* tasks at their ends */
	int cancelled; /* for the job that is taken back */
	int ran;
};

struct sliced {
	struct lane_job job;
	struct scene *scene;
	int slices;
	bool done;
};

static bool three_slices(struct lane_job *job)
{
	struct sliced *s = CONTAINER_OF(job, struct sliced, job);

	return ++s->slices == 3;
}

static void note_done(struct lane_job *job)
{
	CONTAINER_OF(job, struct sliced, job)->done = true;
}

static bool until_open(struct lane_job *job)
{
	struct sliced *s = CONTAINER_OF(job, struct sliced, job);

	if (s->slices++ == 0)
		raise_flag(&s->scene->begun);
	return __atomic_load_n(&s->scene->open, __ATOMIC_ACQUIRE) != 0;
}

static const struct lane_ops sliced_ops = { .step = three_slices, .done = note_done };
static const struct lane_ops gate_ops = { .step = until_open };

static struct lane *lane_of_one(void)
{
	struct lane *lane = lane_new(
	    &(struct lane_config){ .name = "contract", .workers = 1, .max_queued_us = US_PER_S });

	CHECK(lane);
	return lane;
}

static void offload_sliced(void *arg)
{
	struct scene *scene = arg;
	struct sliced s = {
		.job = { .ops = &sliced_ops, .cost_us = 1, .deadline_us = NEVER_US },
	};

	CHECK(rt_offload(scene->lane, &s.job) == OK);
	CHECK(s.slices == 3 && s.done);
	raise_flag(&scene->ran);
}

void test_offload_runs(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++) {
		struct scene scene = { .lane = lane_of_one() };

		host_run(host, seed,
		    (void (*[])(void *)){
			offload_sliced, offload_sliced, offload_sliced, offload_sliced },
		    4, &scene);
		assert_int_equal(scene.ran, 4);
		assert_int_equal(lane_gauges(scene.lane).finished, 4);
		assert_int_equal(lane_gauges(scene.lane).queued_us, 0);
		lane_free(&scene.lane);
	}
}

/* offload_gate() - a job that holds the only worker until the scene opens. */
static void offload_gate(void *arg)
{
	struct scene *scene = arg;
	struct sliced s = {
		.job = { .ops = &gate_ops, .cost_us = COST_US, .deadline_us = NEVER_US },
		.scene = scene,
	};

	CHECK(rt_offload(scene->lane, &s.job) == OK);
	raise_flag(&scene->ended);
}

static void await_waiting(struct scene *scene, unsigned n)
{
	while (lane_gauges(scene->lane).waiting != n)
		rt_sleep_until(now_mono_us() + 100);
}

static void offload_second_and_open(void *arg)
{
	struct scene *scene = arg;
	struct sliced s = {
		.job = { .ops = &sliced_ops, .cost_us = COST_US, .deadline_us = NEVER_US },
	};

	await(&scene->begun, 1);
	CHECK(rt_offload(scene->lane, &s.job) == OK);
	raise_flag(&scene->ended);
}

static void offload_too_many(void *arg)
{
	struct scene *scene = arg;
	struct sliced s = {
		.job = { .ops = &sliced_ops, .cost_us = COST_US, .deadline_us = NEVER_US },
	};

	await(&scene->begun, 1);
	await_waiting(scene, 1);
	CHECK(rt_offload(scene->lane, &s.job) == ERR_OVERLOADED);
	CHECK(s.slices == 0);
	CHECK(lane_gauges(scene->lane).refused == 1);
	CHECK(lane_retry_after_us(scene->lane) == 2 * COST_US);
	raise_flag(&scene->open);
}

/* Two a worker are taken at any cost, a third that passes the bound is not. */
void test_offload_overload(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++) {
		struct scene scene = { .lane = lane_of_one() };

		host_run(host, seed,
		    (void (*[])(void *)){ offload_gate, offload_second_and_open, offload_too_many },
		    3, &scene);
		assert_int_equal(scene.ended, 2);
		lane_free(&scene.lane);
	}
}

static void offload_late(void *arg)
{
	struct scene *scene = arg;
	struct sliced s = { .job = { .ops = &sliced_ops, .cost_us = 1 } };

	await(&scene->begun, 1);
	s.job.deadline_us = now_mono_us() + 2 * US_PER_MS;
	/* The worker is held all the while: the caller does not wait for it to look. */
	CHECK(rt_offload(scene->lane, &s.job) == ERR_DEADLINE);
	CHECK(s.slices == 0 && now_mono_us() >= s.job.deadline_us);
	CHECK(lane_gauges(scene->lane).waiting == 0);
	raise_flag(&scene->open);
}

static void offload_short_deadline(void *arg)
{
	struct scene *scene = arg;
	struct sliced s = {
		.job = { .ops = &gate_ops, .cost_us = 1 },
		.scene = scene,
	};

	/* Begun in time: it is waited for, however long it takes. */
	s.job.deadline_us = now_mono_us() + US_PER_S;
	CHECK(rt_offload(scene->lane, &s.job) == OK);
}

void test_offload_deadline(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++) {
		struct scene scene = { .lane = lane_of_one() };

		host_run(host, seed, (void (*[])(void *)){ offload_short_deadline, offload_late },
		    2, &scene);
		lane_free(&scene.lane);
	}
}

static void offload_cancelled(void *arg)
{
	struct scene *scene = arg;
	struct sliced s = {
		.job = {
			.ops = &sliced_ops,
			.cost_us = 1,
			.deadline_us = NEVER_US,
			.cancelled = &scene->cancelled,
		},
	};

	await(&scene->begun, 1);
	CHECK(rt_offload(scene->lane, &s.job) == ERR_DEADLINE);
	CHECK(s.slices == 0 && !s.done);
	raise_flag(&scene->ended);
}

static void cancel_and_open(void *arg)
{
	struct scene *scene = arg;

	await(&scene->begun, 1);
	await_waiting(scene, 1);
	raise_flag(&scene->cancelled);
	raise_flag(&scene->open);
}

void test_offload_cancel(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++) {
		struct scene scene = { .lane = lane_of_one() };

		host_run(host, seed,
		    (void (*[])(void *)){ offload_gate, offload_cancelled, cancel_and_open }, 3,
		    &scene);
		assert_int_equal(scene.ended, 2);
		lane_free(&scene.lane);
	}
}

static void add_one(void *arg)
{
	raise_flag(arg);
}

static void offload_call(void *arg)
{
	struct scene *scene = arg;

	CHECK(rt_offload_call(scene->lane, add_one, &scene->ran, NEVER_US) == OK);
	CHECK(rt_offload_call(scene->lane, add_one, &scene->ran, 0) == ERR_DEADLINE);
}

void test_offload_call(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++) {
		struct scene scene = {
			.lane = lane_new(&(struct lane_config){
			    .name = "blocking", .workers = 2, .max_waiting = 16 }),
		};

		host_run(host, seed,
		    (void (*[])(void *)){ offload_call, offload_call, offload_call }, 3, &scene);
		assert_int_equal(scene.ran, 3);
		lane_free(&scene.lane);
	}
}
