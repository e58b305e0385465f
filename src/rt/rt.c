/* The seam: each call goes to the engine of the calling thread. */
#include "rt/rt.h"

#include <assert.h>
#include <signal.h>

#include "base/log.h"
#include "rt/rt_priv.h"

static __thread const struct rt_engine *engine_of_thread = &rt_engine_sync;

const struct rt_engine *rt_engine_current(void)
{
	return engine_of_thread;
}

void rt_engine_use(const struct rt_engine *engine)
{
	engine_of_thread = engine;
}

enum engine rt_engine(void)
{
	return engine_of_thread->id;
}

struct str engine_name(enum engine e)
{
	static const struct str names[] = {
		[ENGINE_SYNC] = STR_INIT("sync"),
		[ENGINE_ASYNC] = STR_INIT("async"),
		[ENGINE_BACKGROUND] = STR_INIT("background"),
		[ENGINE_SIMULATION] = STR_INIT("simulation"),
	};

	return names[e];
}

void rt_point(void)
{
	if (engine_of_thread->point)
		engine_of_thread->point();
}

enum err rt_wait_fds(struct rt_fd *v, size_t n, int64_t deadline_us)
{
	return engine_of_thread->wait_fds(v, n, deadline_us, true);
}

enum err rt_wait_fds_begun(struct rt_fd *v, size_t n, int64_t deadline_us)
{
	return engine_of_thread->wait_fds(v, n, deadline_us, false);
}

enum err rt_sleep_until(int64_t mono_us)
{
	return engine_of_thread->sleep_until(mono_us);
}

enum err rt_gather(struct rt_task *tasks, size_t n)
{
	return engine_of_thread->gather(tasks, n);
}

enum err rt_gather_result(const struct rt_task *tasks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tasks[i].result != OK)
			return tasks[i].result;
	return OK;
}

void rt_waiter_init(struct rt_waiter *w)
{
	*w = (struct rt_waiter){ .engine = engine_of_thread };
	list_init(&w->link);
	if (w->engine->bind)
		w->engine->bind(w);
	__atomic_store_n(&w->state, WAITER_IDLE, __ATOMIC_RELAXED);
}

enum waiter_state waiter_state(const struct rt_waiter *w)
{
	return (enum waiter_state)__atomic_load_n(&w->state, __ATOMIC_ACQUIRE);
}

static bool waiter_move(struct rt_waiter *w, enum waiter_state from, enum waiter_state to)
{
	int expected = (int)from;

	return __atomic_compare_exchange_n(
	    &w->state, &expected, (int)to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

bool waiter_settle(struct rt_waiter *w, enum waiter_state state)
{
	return waiter_move(w, WAITER_PARKED, state);
}

static enum err park(struct rt_waiter *w, int64_t deadline_us, bool stoppable)
{
	assert(w->engine == engine_of_thread);
	if (waiter_move(w, WAITER_IDLE, WAITER_PARKED))
		w->engine->park(w, deadline_us, stoppable);
	switch (waiter_state(w)) {
	case WAITER_WOKEN:
		return OK;
	case WAITER_TIMED_OUT:
		return ERR_DEADLINE;
	case WAITER_STOPPED:
		return ERR_SHUTDOWN;
	case WAITER_IDLE:
	case WAITER_PARKED:
		break;
	}
	die("rt: a waiter came back without having been woken");
}

enum err rt_park(struct rt_waiter *w, int64_t deadline_us)
{
	return park(w, deadline_us, false);
}

enum err rt_park_stoppable(struct rt_waiter *w, int64_t deadline_us)
{
	return park(w, deadline_us, true);
}

bool rt_wake(struct rt_waiter *w)
{
	const struct rt_engine *engine = w->engine;

	/* Woken before it parked: the owner sees the state and @w may be gone from here on. */
	if (waiter_move(w, WAITER_IDLE, WAITER_WOKEN))
		return true;
	if (!waiter_settle(w, WAITER_WOKEN))
		return false;
	engine->deliver(w);
	return true;
}

enum err rt_thread_start(pthread_t *ret, const char *name, void *(*fn)(void *arg), void *arg)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
	sigset_t all, before;
	char short_name[16];
	int failed;

	/*
	 * A new thread inherits the mask: signals stay with the thread that waits for them, but
	 * for those a thread brings upon itself.
	 */
	sigfillset(&all);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		sigdelset(&all, own[i]);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(ret, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		return ERR_INTERNAL;
	snprintf(short_name, sizeof(short_name), "%.15s", name);
	pthread_setname_np(*ret, short_name);
	return OK;
}
