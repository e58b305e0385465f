/*
 * A loop thread: libev, a pool of coroutines and a mailbox through which other threads reach it.
 * For http (connections, timers) and for the engines; services never see it.
 */
#ifndef RT_LOOP_H
#define RT_LOOP_H

#include "rt/rt.h"

struct ev_loop;
struct rt_loop;

struct rt_loop_config {
	enum engine engine;      /* ENGINE_ASYNC or ENGINE_BACKGROUND */
	unsigned max_coroutines; /* live at once; 0: 16,000 */
	const char *name;        /* thread's name, at most 15 bytes */
};

/** rt_loop_new() - set up; its thread starts with rt_loop_start(). NULL only on exhausted fds. */
struct rt_loop *rt_loop_new(const struct rt_loop_config *config);
/** rt_loop_start() - run the thread. Returns OK or ERR_INTERNAL. */
MUST_CHECK enum err rt_loop_start(struct rt_loop *loop);
/**
 * rt_loop_stop() - end it: parked coroutines get ERR_SHUTDOWN from their waits, run to their ends,
 * then the thread is joined.
 */
void rt_loop_stop(struct rt_loop *loop);
void rt_loop_free(struct rt_loop **loop);

/** rt_loop_self() - the loop of the calling thread, NULL on other threads. */
struct rt_loop *rt_loop_self(void);
/** rt_loop_ev() - the libev loop, for watchers of the thread's own. */
struct ev_loop *rt_loop_ev(struct rt_loop *loop);
/** rt_loop_now_us() - monotonic time as of this turn of the loop; cheaper than the clock. */
int64_t rt_loop_now_us(const struct rt_loop *loop);

/** rt_loop_post() - run mail->fn on @loop's thread soon; any thread; order kept per sender. */
void rt_loop_post(struct rt_loop *loop, struct rt_mail *mail);

/**
 * rt_loop_at_turn_end() - run mail->fn when all that has happened is dealt with, before @loop
 * sleeps again; only on its own thread
 *
 * For what is cheaper to keep for the next one who needs it, but must not be kept while nobody may.
 */
void rt_loop_at_turn_end(struct rt_loop *loop, struct rt_mail *mail);

/**
 * rt_loop_coroutine() - start @fn(@arg) in a coroutine at once; only on @loop's own thread
 *
 * Returns when the coroutine first parks or ends: OK; ERR_OVERLOADED when max_coroutines live or no
 * stack is to be had; ERR_SHUTDOWN when the loop is stopping.
 */
MUST_CHECK enum err rt_loop_coroutine(struct rt_loop *loop, void (*fn)(void *arg), void *arg);
/** rt_loop_coroutines() - how many live now; any thread (a gauge). */
unsigned rt_loop_coroutines(const struct rt_loop *loop);

#endif
