/*
 * The seam between straight-line code and the machine. Services and drivers call these and never
 * know which engine they run on:
 *
 *   sync        a worker thread: waiting blocks the thread
 *   async       a coroutine on a loop thread: waiting parks the coroutine, the loop goes on
 *   background  async, on the one background loop (relay, sealer, sweeps)
 *   simulation  tests only: a virtual clock and seeded interleavings
 *
 * The engine is a property of the calling thread and never changes while a call runs. Nothing
 * started is cancelled half-way: ERR_DEADLINE and ERR_SHUTDOWN come only out of the calls here.
 * Around every MAY_YIELD call: hold no mutex, keep no pointer to a thread-local, expect nothing of
 * errno.
 */
#ifndef RT_RT_H
#define RT_RT_H

#include <pthread.h>

#include "base/err.h"
#include "base/list.h"

struct coro;
struct rt_engine;
struct rt_loop;

enum engine {
	ENGINE_SYNC,
	ENGINE_ASYNC,
	ENGINE_BACKGROUND,
	ENGINE_SIMULATION,
};

/** rt_engine() - which engine the calling thread runs; a plain thread is sync. */
enum engine rt_engine(void);
/** engine_name() - "sync", "async", "background", "simulation": in logs, audit rows, metrics. */
struct str engine_name(enum engine e);

/** struct rt_fd - one descriptor to wait for; @events and @revents as in poll(2). */
struct rt_fd {
	int fd;
	short events;
	short revents;
};

/**
 * rt_wait_fds() - wait until a descriptor is ready
 * @v:           @n of them; revents is filled in
 * @deadline_us: monotonic time, or NEVER_US
 *
 * Returns: OK with at least one revents set, ERR_DEADLINE, or ERR_SHUTDOWN.
 */
MAY_YIELD MUST_CHECK enum err rt_wait_fds(struct rt_fd *v, size_t n, int64_t deadline_us);
/**
 * rt_wait_fds_begun() - the same in the middle of what was begun and must come to its end: a
 * stopping loop does not end this wait. Needs a deadline.
 */
MAY_YIELD MUST_CHECK enum err rt_wait_fds_begun(struct rt_fd *v, size_t n, int64_t deadline_us);

/** rt_sleep_until() - come back at monotonic time @mono_us. Returns OK or ERR_SHUTDOWN. */
MAY_YIELD enum err rt_sleep_until(int64_t mono_us);

/** struct rt_task - one branch of a gather; only reads or hashes, never writes the store. */
struct rt_task {
	enum err (*fn)(void *arg);
	void *arg;
	enum err result;
	struct rt_join *join; /* rt's own */
};

/**
 * rt_gather() - run independent branches and join them all
 *
 * Sync runs them one after the other, async each in a child coroutine on the same thread. Every
 * task runs to its end whatever the others return.
 *
 * Returns: the result of the lowest-numbered task that failed, or OK.
 */
MAY_YIELD enum err rt_gather(struct rt_task *tasks, size_t n);

/** struct rt_mail - a note to a loop (loop.h); the sender owns it until @fn runs there. */
struct rt_mail {
	struct rt_mail *next;
	void (*fn)(struct rt_mail *mail);
};

/**
 * struct rt_waiter - one parked caller, of either kind; lives on the caller's stack
 *
 * The building block of semaphores, lanes and the store's queue. Whoever may wake it holds, while
 * doing so, the lock under which the waiter would leave: so it is never woken after it is gone.
 */
struct rt_waiter {
	struct list link; /* for the owner's queue */

	/* rt's own from here. */
	const struct rt_engine *engine; /* the caller's, which knows how to reach it */
	struct rt_loop *loop;           /* async: where the coroutine lives; NULL: a thread */
	struct coro *coro;
	struct rt_mail mail; /* async: how the wake travels */
	int state;           /* atomic, enum waiter_state */
};

/** rt_waiter_init() - for the calling thread or coroutine. */
void rt_waiter_init(struct rt_waiter *w);
/**
 * rt_park() - wait to be woken
 *
 * Returns: OK when rt_wake() won, ERR_DEADLINE when time did. Exactly one of the two happens. A
 * wake that came before the call counts. One waiter parks once; rt_waiter_init() makes it new.
 * A stopping loop does not end this wait (what was begun is waited for), so whoever parks without
 * a deadline must be sure of its wake.
 */
MAY_YIELD enum err rt_park(struct rt_waiter *w, int64_t deadline_us);
/** rt_wake() - from any thread; false when @w has already timed out. */
bool rt_wake(struct rt_waiter *w);

/** struct rt_sem - counting semaphore shared by threads and coroutines; FIFO. */
struct rt_sem {
	pthread_mutex_t mutex;
	struct list waiters;
	unsigned count;
};

/** rt_sem_init() - with @count to give; rt_sem_done() - nobody may be waiting any more. */
void rt_sem_init(struct rt_sem *s, unsigned count);
void rt_sem_done(struct rt_sem *s);
/** rt_sem_wait() - take one. Returns OK, ERR_DEADLINE, or ERR_SHUTDOWN on a stopping loop. */
MAY_YIELD MUST_CHECK enum err rt_sem_wait(struct rt_sem *s, int64_t deadline_us);
/** rt_sem_post() - give one back; wakes the first who waits. */
void rt_sem_post(struct rt_sem *s);

/** struct rt_latch - closed until set once; then open for ever. */
struct rt_latch {
	pthread_mutex_t mutex;
	struct list waiters;
	bool open;
};

/** rt_latch_init() - closed; rt_latch_done() - nobody waits any more; rt_latch_set() - open it. */
void rt_latch_init(struct rt_latch *l);
void rt_latch_done(struct rt_latch *l);
void rt_latch_set(struct rt_latch *l);
/** rt_latch_wait() - until it is open. Returns OK, ERR_DEADLINE, or ERR_SHUTDOWN as rt_sem_wait().
 */
/** rt_latch_wait() - until it is open. Returns OK, ERR_DEADLINE or ERR_SHUTDOWN. */
MAY_YIELD MUST_CHECK enum err rt_latch_wait(struct rt_latch *l, int64_t deadline_us);

/**
 * rt_spawn() - start background work on the background loop, from any thread
 *
 * Returns: OK, ERR_SHUTDOWN, or ERR_OVERLOADED when too many coroutines live.
 */
enum err rt_spawn(void (*fn)(void *arg), void *arg);

/**
 * rt_background_start() / rt_background_stop() - the loop thread behind rt_spawn()
 *
 * Stop asks every sleeping or waiting task to end with ERR_SHUTDOWN and joins them.
 */
MUST_CHECK enum err rt_background_start(void);
void rt_background_stop(void);

#endif
