/* Lanes: admission, the queue, and workers that run one job or two interleaved. */
#include "rt/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "rt/rt_priv.h"

#define LOW_PRIORITY 10 /* as nice(1) */

enum phase {
	PHASE_WAITING,
	PHASE_RUNNING,
	PHASE_ENDED,
};

struct lane {
	struct lane_config config;
	pthread_mutex_t mutex;
	pthread_cond_t wanted;
	struct list queue;
	unsigned waiting, running;
	unsigned busy;       /* workers with a job */
	int64_t admitted_us; /* cost of what waits and runs */
	size_t memory;       /* of what runs */
	uint64_t refused, finished;
	bool closing;
	unsigned count;
	pthread_t threads[];
};

/* struct slots - what one worker runs: @a alone, or both. */
struct slots {
	struct lane_job *a, *b;
};

/* --- the account; all under the mutex --- */

static unsigned idle(const struct lane *lane)
{
	return lane->config.workers - lane->busy;
}

static bool full(const struct lane *lane, int64_t cost_us)
{
	const struct lane_config *c = &lane->config;

	if (c->max_waiting > 0 && lane->waiting >= c->max_waiting + idle(lane))
		return true;
	/* Never fewer than two a worker, however dear: a worker has one to pair or to go on with.
	 */
	return c->max_queued_us > 0 && lane->waiting + lane->running >= 2 * c->workers &&
	       lane->admitted_us + cost_us > c->max_queued_us * (int64_t)c->workers;
}

static enum err admit(struct lane *lane, struct lane_job *job)
{
	if (lane->closing)
		return ERR_SHUTDOWN;
	if (full(lane, job->cost_us)) {
		lane->refused++;
		return ERR_OVERLOADED;
	}
	list_init(&job->link);
	job->phase = PHASE_WAITING;
	job->finished = false;
	lane->waiting++;
	lane->admitted_us += job->cost_us;
	return OK;
}

/* drop() - take a waiting job out; its outcome will be @why. */
static void drop(struct lane *lane, struct lane_job *job, enum err why)
{
	list_remove(&job->link);
	lane->waiting--;
	lane->admitted_us -= job->cost_us;
	job->phase = PHASE_ENDED;
	job->outcome = why;
}

static bool too_late(const struct lane_job *job)
{
	return now_mono_us() >= job->deadline_us ||
	       (job->cancelled && __atomic_load_n(job->cancelled, __ATOMIC_RELAXED));
}

static bool memory_fits(const struct lane *lane, const struct lane_job *job)
{
	return lane->config.max_memory == 0 || lane->running == 0 ||
	       lane->memory + job->memory <= lane->config.max_memory;
}

static void begin(struct lane *lane, struct lane_job *job)
{
	list_remove(&job->link);
	lane->waiting--;
	lane->running++;
	lane->memory += job->memory;
	job->phase = PHASE_RUNNING;
	job->started_us = now_mono_us();
}

static void end(struct lane *lane, struct lane_job *job)
{
	lane->running--;
	lane->memory -= job->memory;
	lane->admitted_us -= job->cost_us;
	lane->finished++;
	job->phase = PHASE_ENDED;
	job->outcome = OK;
}

/* --- a worker --- */

/*
 * take() - begin the first job of the queue
 * @partner: running already; only a job that pairs with it will do. NULL: any
 *
 * First come, first served: where the first cannot begin, none behind it does.
 */
static struct lane_job *take(struct lane *lane, const struct lane_job *partner)
{
	while (!list_empty(&lane->queue)) {
		struct lane_job *job = CONTAINER_OF(lane->queue.next, struct lane_job, link);

		if (too_late(job)) {
			drop(lane, job, ERR_DEADLINE);
			rt_wake(&job->waiter);
			continue;
		}
		if (partner && job->ops->step_pair != partner->ops->step_pair)
			return NULL;
		if (!memory_fits(lane, job))
			return NULL;
		begin(lane, job);
		return job;
	}
	return NULL;
}

/* refill() - give the worker something to run, waiting for it; false when the lane closes. */
static bool refill(struct lane *lane, struct slots *s)
{
	while (!s->a) {
		s->a = take(lane, NULL);
		if (s->a) {
			lane->busy++;
			break;
		}
		if (lane->closing)
			return false;
		pthread_cond_wait(&lane->wanted, &lane->mutex);
	}
	/* A job goes to an idle worker before it shares one. */
	if (!s->b && s->a->ops->step_pair && lane->waiting > idle(lane))
		s->b = take(lane, s->a);
	return true;
}

static void run_slice(struct slots *s)
{
	if (s->b)
		s->a->ops->step_pair(s->a, s->b);
	else
		s->a->finished = s->a->ops->step(s->a);
	if (s->a->finished && s->a->ops->done)
		s->a->ops->done(s->a);
	if (s->b && s->b->finished && s->b->ops->done)
		s->b->ops->done(s->b);
}

static void retire_one(struct lane *lane, struct lane_job **slot)
{
	struct lane_job *job = *slot;

	if (!job || !job->finished)
		return;
	*slot = NULL;
	end(lane, job);
	/* Others may be idle only because the first in the queue found no memory. */
	if (job->memory > 0 && lane->waiting > 0)
		pthread_cond_broadcast(&lane->wanted);
	rt_wake(&job->waiter); /* the job may be gone from here on */
}

static void retire(struct lane *lane, struct slots *s)
{
	retire_one(lane, &s->a);
	retire_one(lane, &s->b);
	if (!s->a) {
		s->a = s->b;
		s->b = NULL;
	}
	if (!s->a)
		lane->busy--;
}

static void *lane_main(void *arg)
{
	struct lane *lane = arg;
	struct slots slots = { 0 };

	if (lane->config.low_priority)
		setpriority(PRIO_PROCESS, (id_t)gettid(), LOW_PRIORITY);
	pthread_mutex_lock(&lane->mutex);
	while (refill(lane, &slots)) {
		pthread_mutex_unlock(&lane->mutex);
		run_slice(&slots);
		pthread_mutex_lock(&lane->mutex);
		retire(lane, &slots);
	}
	pthread_mutex_unlock(&lane->mutex);
	return NULL;
}

/* --- life --- */

struct lane *lane_new(const struct lane_config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned workers = config->workers ? config->workers : (unsigned)(cores > 0 ? cores : 1);
	struct lane *lane = calloc(1, sizeof(*lane) + workers * sizeof(pthread_t));

	if (!lane)
		abort();
	lane->config = *config;
	lane->config.workers = workers;
	pthread_mutex_init(&lane->mutex, NULL);
	pthread_cond_init(&lane->wanted, NULL);
	list_init(&lane->queue);
	while (lane->count < workers) {
		char name[32];

		snprintf(name, sizeof(name), "%.12s-%u", config->name, lane->count);
		if (rt_thread_start(&lane->threads[lane->count], name, lane_main, lane) != OK) {
			lane_free(&lane);
			return NULL;
		}
		lane->count++;
	}
	return lane;
}

void lane_free(struct lane **lane_ptr)
{
	struct lane *lane = *lane_ptr;

	*lane_ptr = NULL;
	if (!lane)
		return;
	pthread_mutex_lock(&lane->mutex);
	lane->closing = true;
	while (!list_empty(&lane->queue)) {
		struct lane_job *job = CONTAINER_OF(lane->queue.next, struct lane_job, link);

		drop(lane, job, ERR_SHUTDOWN);
		rt_wake(&job->waiter);
	}
	pthread_cond_broadcast(&lane->wanted);
	pthread_mutex_unlock(&lane->mutex);
	for (unsigned i = 0; i < lane->count; i++)
		pthread_join(lane->threads[i], NULL);
	pthread_cond_destroy(&lane->wanted);
	pthread_mutex_destroy(&lane->mutex);
	free(lane);
}

/* --- callers --- */

static enum err run_here(struct lane_job *job)
{
	if (too_late(job))
		return ERR_DEADLINE;
	job->started_us = now_mono_us();
	while (!job->ops->step(job))
		;
	if (job->ops->done)
		job->ops->done(job);
	return OK;
}

/* give_up() - the deadline came first: leave the queue, or wait for the end of what has begun. */
static enum err give_up(struct lane *lane, struct lane_job *job)
{
	bool running;

	pthread_mutex_lock(&lane->mutex);
	if (job->phase == PHASE_WAITING)
		drop(lane, job, ERR_DEADLINE);
	running = job->phase == PHASE_RUNNING;
	if (running)
		rt_waiter_init(&job->waiter);
	pthread_mutex_unlock(&lane->mutex);
	return running ? rt_park(&job->waiter, NEVER_US) : OK;
}

static enum err queue_and_wait(struct lane *lane, struct lane_job *job)
{
	enum err r;

	rt_waiter_init(&job->waiter);
	pthread_mutex_lock(&lane->mutex);
	r = admit(lane, job);
	if (r == OK) {
		list_push_back(&lane->queue, &job->link);
		pthread_cond_signal(&lane->wanted);
	}
	pthread_mutex_unlock(&lane->mutex);
	if (r != OK)
		return r;
	if (rt_park(&job->waiter, job->deadline_us) != OK) {
		r = give_up(lane, job);
		if (r != OK)
			return r;
	}
	return job->outcome;
}

enum err rt_offload(struct lane *lane, struct lane_job *job)
{
	const struct rt_engine *engine = rt_engine_current();

	if (engine->offload)
		return engine->offload(lane, job);
	if (engine->id == ENGINE_SYNC && lane->config.max_queued_us == 0)
		return run_here(job);
	return queue_and_wait(lane, job);
}

struct call {
	struct lane_job job;
	void (*fn)(void *arg);
	void *arg;
};

static bool call_step(struct lane_job *job)
{
	struct call *call = CONTAINER_OF(job, struct call, job);

	call->fn(call->arg);
	return true;
}

enum err rt_offload_call(struct lane *lane, void (*fn)(void *arg), void *arg, int64_t deadline_us)
{
	static const struct lane_ops ops = { .step = call_step };
	struct call call = {
		.job = { .ops = &ops, .deadline_us = deadline_us },
		.fn = fn,
		.arg = arg,
	};

	return rt_offload(lane, &call.job);
}

/* --- for an engine that runs jobs itself --- */

enum err lane_admit(struct lane *lane, struct lane_job *job)
{
	enum err r;

	pthread_mutex_lock(&lane->mutex);
	r = admit(lane, job);
	pthread_mutex_unlock(&lane->mutex);
	return r;
}

bool lane_is_full(struct lane *lane, int64_t cost_us)
{
	bool r;

	pthread_mutex_lock(&lane->mutex);
	r = full(lane, cost_us);
	pthread_mutex_unlock(&lane->mutex);
	return r;
}

enum err lane_begin(struct lane *lane, struct lane_job *job)
{
	enum err r = OK;

	pthread_mutex_lock(&lane->mutex);
	if (too_late(job)) {
		drop(lane, job, ERR_DEADLINE);
		r = ERR_DEADLINE;
	} else if (lane->busy == lane->config.workers || !memory_fits(lane, job)) {
		r = ERR_OVERLOADED;
	} else {
		begin(lane, job);
		lane->busy++;
	}
	pthread_mutex_unlock(&lane->mutex);
	return r;
}

void lane_end(struct lane *lane, struct lane_job *job)
{
	pthread_mutex_lock(&lane->mutex);
	end(lane, job);
	lane->busy--;
	pthread_mutex_unlock(&lane->mutex);
}

/* --- gauges --- */

struct lane_gauges lane_gauges(struct lane *lane)
{
	struct lane_gauges g;

	pthread_mutex_lock(&lane->mutex);
	g = (struct lane_gauges){
		.workers = lane->config.workers,
		.waiting = lane->waiting,
		.running = lane->running,
		.queued_us = lane->admitted_us,
		.refused = lane->refused,
		.finished = lane->finished,
	};
	pthread_mutex_unlock(&lane->mutex);
	return g;
}

int64_t lane_retry_after_us(struct lane *lane)
{
	struct lane_gauges g = lane_gauges(lane);

	return g.queued_us / g.workers;
}
