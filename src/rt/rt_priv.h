/* What the files of rt share with each other, and with the tests' simulation engine. */
#ifndef RT_RT_PRIV_H
#define RT_RT_PRIV_H

#include "rt/lane.h"
#include "rt/rt.h"

enum waiter_state {
	WAITER_IDLE, /* not parked yet: a wake need only be noted */
	WAITER_PARKED,
	WAITER_WOKEN,
	WAITER_TIMED_OUT,
	WAITER_STOPPED, /* its loop is stopping */
};

/** struct rt_engine - one way to wait; each thread has one, and rt.c calls through it. */
struct rt_engine {
	enum engine id;
	/** wait_fds() - @stoppable: may end in ERR_SHUTDOWN. */
	enum err (*wait_fds)(struct rt_fd *v, size_t n, int64_t deadline_us, bool stoppable);
	enum err (*sleep_until)(int64_t mono_us);
	enum err (*gather)(struct rt_task *tasks, size_t n);
	/** bind() - fill in loop and coro of a new waiter. */
	void (*bind)(struct rt_waiter *w);
	/**
	 * park() - come back when @w, now WAITER_PARKED, is in another state
	 * @stoppable: may end in WAITER_STOPPED
	 */
	void (*park)(struct rt_waiter *w, int64_t deadline_us, bool stoppable);
	/** deliver() - any thread: @w has left WAITER_PARKED, let its owner run. */
	void (*deliver)(struct rt_waiter *w);
	/** offload() - NULL: on the lane's threads. */
	enum err (*offload)(struct lane *lane, struct lane_job *job);
	/** spawn() - NULL: on the background loop. */
	enum err (*spawn)(void (*fn)(void *arg), void *arg);
	/** point() - a call that may wait has begun; NULL: nothing to do. */
	void (*point)(void);
};

extern const struct rt_engine rt_engine_sync;
extern const struct rt_engine rt_engine_async;
extern const struct rt_engine rt_engine_background;

/** rt_engine_current() - the calling thread's. */
const struct rt_engine *rt_engine_current(void);
/** rt_engine_use() - make @engine the calling thread's. */
void rt_engine_use(const struct rt_engine *engine);
/** rt_point() - tell the engine that a call that may wait has begun. */
void rt_point(void);

/** waiter_settle() - move @w from WAITER_PARKED to @state; false when it has left already. */
bool waiter_settle(struct rt_waiter *w, enum waiter_state state);
/** waiter_state() - its state now. */
enum waiter_state waiter_state(const struct rt_waiter *w);
/** rt_park_stoppable() - rt_park() that a stopping loop ends with ERR_SHUTDOWN. */
MAY_YIELD enum err rt_park_stoppable(struct rt_waiter *w, int64_t deadline_us);
/** rt_gather_result() - what rt_gather() returns for finished @tasks. */
enum err rt_gather_result(const struct rt_task *tasks, size_t n);

/** rt_loop_stopping() - has rt_loop_stop() begun? On @loop's thread. */
bool rt_loop_stopping(const struct rt_loop *loop);
/** rt_loop_stoppable() - where rt_async.c lists the waits rt_loop_stop() ends. */
struct list *rt_loop_stoppable(struct rt_loop *loop);
/** rt_async_stop() - end every wait in that list. */
void rt_async_stop(struct list *stoppable);
/** rt_loop_resume() - let a parked coroutine of @loop go on; on its thread. */
void rt_loop_resume(struct rt_loop *loop, struct coro *co);
/** rt_loop_reserve() - count one more coroutine, any thread; false when too many live. */
bool rt_loop_reserve(struct rt_loop *loop);
/**
 * rt_loop_run_reserved() - start a coroutine counted by rt_loop_reserve(), on a stopping loop too
 *
 * Returns: false when no stack is to be had; the reservation stands.
 */
bool rt_loop_run_reserved(struct rt_loop *loop, void (*fn)(void *arg), void *arg);

/**
 * lane_admit() / lane_begin() / lane_end() - an engine's offload() that runs jobs itself keeps the
 * lane's account with these
 *
 * lane_begin() returns OK, ERR_DEADLINE when the job was dropped, or ERR_OVERLOADED while the
 * lane's workers are all taken: ask again later.
 */
enum err lane_admit(struct lane *lane, struct lane_job *job);
enum err lane_begin(struct lane *lane, struct lane_job *job);
void lane_end(struct lane *lane, struct lane_job *job);

/** rt_thread_start() - a thread named @name (15 bytes of it) that leaves signals to others. */
MUST_CHECK enum err rt_thread_start(
    pthread_t *ret, const char *name, void *(*fn)(void *arg), void *arg);

#endif
