#include "tests/support/rt_sim.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rt/coro.h"
#include "rt/rt_priv.h"

#define START_MONO_US (INT64_C(1000000) * US_PER_S)
#define START_WALL_US (INT64_C(1790000000) * US_PER_S)
#define SLICE_US 2000
/* Far more switches than any test needs: tasks that wait in a circle are told, not waited for. */
#define MAX_SWITCHES 5000000

struct task {
	struct list link; /* in sim.tasks */
	unsigned number;
	bool spawned;
	struct coro *co;
	void (*fn)(void *arg);
	void *arg;

	/* Why it does not run; all empty when it can. */
	struct rt_waiter *w;
	int64_t due_us;
	bool stoppable;
	struct rt_fd *fds;
	size_t fd_count;
};

static struct {
	struct coro_pool pool;
	struct list tasks;
	struct task *current;
	unsigned started;
	size_t roots; /* given to rt_sim_run(), not at their ends */
	bool stopping;
	int64_t elapsed_us;
	uint64_t choices, bytes; /* states of two generators */
	uint64_t trace;
} sim;

/* --- seed and clock --- */

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t below(uint64_t n)
{
	return next(&sim.choices) % n;
}

static int64_t now(void)
{
	return START_MONO_US + sim.elapsed_us;
}

static int64_t sim_mono_us(void)
{
	sim.elapsed_us++; /* a loop that only looks at the clock must end too */
	return now();
}

static int64_t sim_wall_us(void)
{
	sim.elapsed_us++;
	return START_WALL_US + sim.elapsed_us;
}

static void sim_random_bytes(void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((unsigned char *)p)[i] = (unsigned char)next(&sim.bytes);
}

static const struct world sim_world = {
	.wall_us = sim_wall_us,
	.mono_us = sim_mono_us,
	.random = sim_random_bytes,
};

uint64_t rt_sim_random(void)
{
	return next(&sim.bytes);
}

uint64_t rt_sim_trace(void)
{
	return sim.trace;
}

/* --- tasks --- */

static void task_main(void *arg)
{
	struct task *task = arg;

	task->fn(task->arg);
	list_remove(&task->link);
	if (!task->spawned && --sim.roots == 0)
		sim.stopping = true;
	free(task);
}

static struct task *task_new(void (*fn)(void *arg), void *arg)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		abort();
	task->number = sim.started++;
	task->fn = fn;
	task->arg = arg;
	task->due_us = NEVER_US;
	task->co = coro_new(&sim.pool, task_main, task);
	if (!task->co)
		abort();
	list_push_back(&sim.tasks, &task->link);
	return task;
}

static bool fds_ready(const struct task *task)
{
	return task->fds && poll((struct pollfd *)(void *)task->fds, task->fd_count, 0) > 0;
}

static bool can_run(const struct task *task)
{
	return !task->w || waiter_state(task->w) != WAITER_PARKED || task->due_us <= now() ||
	       (sim.stopping && task->stoppable) || fds_ready(task);
}

/* choose() - any of the tasks that can run; NULL when none can. */
static struct task *choose(void)
{
	struct task *chosen = NULL;
	uint64_t seen = 0;

	for (struct list *l = sim.tasks.next; l != &sim.tasks; l = l->next) {
		struct task *task = CONTAINER_OF(l, struct task, link);

		if (can_run(task) && below(++seen) == 0)
			chosen = task;
	}
	return chosen;
}

/* jump() - move the clock to the next deadline; false when there is none. */
static bool jump(void)
{
	int64_t next_us = NEVER_US;

	for (struct list *l = sim.tasks.next; l != &sim.tasks; l = l->next) {
		struct task *task = CONTAINER_OF(l, struct task, link);

		if (task->due_us < next_us)
			next_us = task->due_us;
	}
	if (next_us == NEVER_US)
		return false;
	sim.elapsed_us = next_us - START_MONO_US;
	return true;
}

static void run_task(struct task *task)
{
	sim.trace = (sim.trace ^ task->number) * UINT64_C(0x100000001b3);
	sim.elapsed_us += (int64_t)below(50);
	if (task->w) {
		/* Of several reasons to go on, any may come first, as on a real machine. */
		if (fds_ready(task))
			waiter_settle(task->w, WAITER_WOKEN);
		else if (sim.stopping && task->stoppable)
			waiter_settle(task->w, WAITER_STOPPED);
		else
			waiter_settle(task->w, WAITER_TIMED_OUT);
		task->w = NULL;
	}
	sim.current = task;
	coro_resume(task->co);
	sim.current = NULL;
}

/* wait_here() - let others run until @w is settled. */
static void wait_here(
    struct rt_waiter *w, int64_t deadline_us, bool stoppable, struct rt_fd *fds, size_t n)
{
	struct task *self = sim.current;

	self->w = w;
	self->due_us = deadline_us;
	self->stoppable = stoppable;
	self->fds = fds;
	self->fd_count = n;
	coro_yield();
	self->due_us = NEVER_US;
	self->stoppable = false;
	self->fds = NULL;
}

/* pause_us() - let @us pass, whatever is stopping. */
static void pause_us(int64_t us)
{
	struct rt_waiter w;
	enum err r;

	rt_waiter_init(&w);
	r = rt_park(&w, now() + us);
	if (r != ERR_DEADLINE)
		abort();
}

/* --- the engine --- */

static void sim_bind(struct rt_waiter *w)
{
	w->coro = sim.current->co;
}

static void sim_park(struct rt_waiter *w, int64_t deadline_us, bool stoppable)
{
	wait_here(w, deadline_us, stoppable, NULL, 0);
}

static void sim_deliver(struct rt_waiter *w)
{
	(void)w; /* choose() looks at its state */
}

static void sim_point(void)
{
	if (below(2) == 0)
		pause_us(0);
}

static enum err sim_sleep_until(int64_t mono_us)
{
	struct rt_waiter w;
	enum err r;

	rt_waiter_init(&w);
	r = rt_park_stoppable(&w, mono_us);
	return r == ERR_DEADLINE ? OK : r;
}

static enum err sim_wait_fds(struct rt_fd *v, size_t n, int64_t deadline_us, bool stoppable)
{
	struct rt_waiter w;

	sim_point();
	rt_waiter_init(&w);
	w.state = WAITER_PARKED;
	wait_here(&w, deadline_us, stoppable, v, n);
	if (waiter_state(&w) == WAITER_STOPPED)
		return ERR_SHUTDOWN;
	return poll((struct pollfd *)(void *)v, n, 0) > 0 ? OK : ERR_DEADLINE;
}

struct rt_join {
	struct rt_waiter parent;
	size_t left;
};

static void branch(void *arg)
{
	struct rt_task *task = arg;
	struct rt_join *join = task->join;

	task->result = task->fn(task->arg);
	if (--join->left == 0)
		rt_wake(&join->parent);
}

static enum err sim_gather(struct rt_task *tasks, size_t n)
{
	struct rt_join join = { .left = n };

	if (n == 0)
		return OK;
	rt_waiter_init(&join.parent);
	for (size_t i = 0; i < n; i++) {
		tasks[i].join = &join;
		task_new(branch, &tasks[i])->spawned = true;
	}
	if (rt_park(&join.parent, NEVER_US) != OK)
		abort();
	return rt_gather_result(tasks, n);
}

static enum err sim_offload(struct lane *lane, struct lane_job *job)
{
	enum err r = lane_admit(lane, job);

	if (r != OK)
		return r;
	do
		pause_us((int64_t)below(SLICE_US));
	while ((r = lane_begin(lane, job)) == ERR_OVERLOADED);
	if (r != OK)
		return r;
	while (!job->ops->step(job))
		pause_us((int64_t)below(SLICE_US));
	if (job->ops->done)
		job->ops->done(job);
	lane_end(lane, job);
	pause_us(0);
	return OK;
}

static enum err sim_spawn(void (*fn)(void *arg), void *arg)
{
	if (sim.stopping)
		return ERR_SHUTDOWN;
	task_new(fn, arg)->spawned = true;
	return OK;
}

static const struct rt_engine sim_engine = {
	.id = ENGINE_SIMULATION,
	.wait_fds = sim_wait_fds,
	.sleep_until = sim_sleep_until,
	.gather = sim_gather,
	.bind = sim_bind,
	.park = sim_park,
	.deliver = sim_deliver,
	.offload = sim_offload,
	.spawn = sim_spawn,
	.point = sim_point,
};

void rt_sim_yield(void)
{
	if (sim.current)
		pause_us(0);
}

/* --- a run --- */

/* run_all() - until no task is left, or none can go on. */
static void run_all(void)
{
	for (unsigned switches = 0; !list_empty(&sim.tasks) && switches < MAX_SWITCHES;) {
		struct task *task = choose();

		if (task) {
			run_task(task);
			switches++;
		} else if (!jump()) {
			return;
		}
	}
}

/* drop_stuck() - name and forget the tasks that are left. */
static int drop_stuck(uint64_t seed)
{
	struct list *node;
	int stuck = 0;

	while ((node = list_pop_front(&sim.tasks))) {
		struct task *task = CONTAINER_OF(node, struct task, link);

		fprintf(stderr, "rt_sim: seed %llu: task %u of %u is stuck (%s)\n",
		    (unsigned long long)seed, task->number, sim.started,
		    task->fds ? "descriptors"
		    : task->w ? "parked"
			      : "runs on and on");
		coro_drop(task->co);
		free(task);
		stuck++;
	}
	return stuck;
}

int rt_sim_run(uint64_t seed, void (*const fns[])(void *arg), void *const args[], size_t n)
{
	const struct rt_engine *engine_before = rt_engine_current();
	const struct world *world_before = world;
	int stuck;

	memset(&sim, 0, sizeof(sim));
	sim.choices = seed;
	sim.bytes = ~seed;
	sim.trace = UINT64_C(0xcbf29ce484222325);
	sim.roots = n;
	coro_pool_init(&sim.pool);
	list_init(&sim.tasks);
	world = &sim_world;
	rt_engine_use(&sim_engine);
	for (size_t i = 0; i < n; i++)
		task_new(fns[i], args ? args[i] : NULL);
	run_all();
	stuck = drop_stuck(seed);
	rt_engine_use(engine_before);
	world = world_before;
	coro_pool_done(&sim.pool);
	return stuck;
}
