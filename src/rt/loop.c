/* A loop thread: libev, its mailbox and the count of its coroutines. */
#include "rt/loop.h"

#include <assert.h>
#include <ev.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rt/coro.h"
#include "rt/rt_priv.h"

/* A guarded stack is two mappings, of the 65,530 a process may have. */
#define MAX_COROUTINES 16000

struct rt_loop {
	struct ev_loop *ev;
	struct ev_async bell; /* mail has come */
	struct ev_check turn;
	struct ev_prepare turn_end;
	struct rt_mail *at_turn_end; /* newest first */
	int64_t now_us;

	const struct rt_engine *engine;
	struct coro_pool pool;
	unsigned max_coroutines;
	unsigned live; /* atomic: coroutines, and those rt_spawn() has promised to start */
	struct list stoppable;

	struct rt_mail *mail; /* atomic: newest first */
	unsigned posting;     /* atomic: threads inside rt_loop_post() */

	struct rt_mail stop;
	bool stopping;
	bool started;
	pthread_t thread;
	char name[16];
};

static __thread struct rt_loop *self;

struct rt_loop *rt_loop_self(void)
{
	return self;
}

struct ev_loop *rt_loop_ev(struct rt_loop *loop)
{
	return loop->ev;
}

int64_t rt_loop_now_us(const struct rt_loop *loop)
{
	return loop->now_us;
}

unsigned rt_loop_coroutines(const struct rt_loop *loop)
{
	return __atomic_load_n(&loop->live, __ATOMIC_RELAXED);
}

bool rt_loop_stopping(const struct rt_loop *loop)
{
	return loop->stopping;
}

struct list *rt_loop_stoppable(struct rt_loop *loop)
{
	return &loop->stoppable;
}

/* --- mailbox --- */

void rt_loop_post(struct rt_loop *loop, struct rt_mail *mail)
{
	struct rt_mail *newest;

	/*
	 * Once pushed, the mail may run and end the loop: rt_loop_free() waits until nobody is
	 * between the push and the bell.
	 */
	__atomic_add_fetch(&loop->posting, 1, __ATOMIC_ACQUIRE);
	newest = __atomic_load_n(&loop->mail, __ATOMIC_RELAXED);
	do
		mail->next = newest;
	while (!__atomic_compare_exchange_n(
	    &loop->mail, &newest, mail, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	/* Whoever finds the box empty rings; the loop takes all there is. */
	if (!newest)
		ev_async_send(loop->ev, &loop->bell);
	__atomic_sub_fetch(&loop->posting, 1, __ATOMIC_RELEASE);
}

static void take_mail(struct rt_loop *loop)
{
	struct rt_mail *newest = __atomic_exchange_n(&loop->mail, NULL, __ATOMIC_ACQUIRE);
	struct rt_mail *oldest = NULL;

	while (newest) {
		struct rt_mail *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct rt_mail *mail = oldest;

		oldest = mail->next;
		mail->fn(mail); /* may end its life */
	}
}

static void on_bell(struct ev_loop *ev, struct ev_async *bell, int events)
{
	(void)ev;
	(void)events;
	take_mail(bell->data);
}

static void on_turn(struct ev_loop *ev, struct ev_check *turn, int events)
{
	struct rt_loop *loop = turn->data;

	(void)ev;
	(void)events;
	loop->now_us = now_mono_us();
}

void rt_loop_at_turn_end(struct rt_loop *loop, struct rt_mail *mail)
{
	assert(loop == self);
	mail->next = loop->at_turn_end;
	loop->at_turn_end = mail;
}

static void on_turn_end(struct ev_loop *ev, struct ev_prepare *turn_end, int events)
{
	struct rt_loop *loop = turn_end->data;

	(void)ev;
	(void)events;
	while (loop->at_turn_end) {
		struct rt_mail *mail = loop->at_turn_end;

		loop->at_turn_end = mail->next;
		mail->fn(mail);
	}
}

/* --- coroutines --- */

bool rt_loop_reserve(struct rt_loop *loop)
{
	if (__atomic_add_fetch(&loop->live, 1, __ATOMIC_RELAXED) <= loop->max_coroutines)
		return true;
	__atomic_sub_fetch(&loop->live, 1, __ATOMIC_RELAXED);
	return false;
}

static void release(struct rt_loop *loop)
{
	if (__atomic_sub_fetch(&loop->live, 1, __ATOMIC_RELAXED) == 0 && loop->stopping)
		ev_break(loop->ev, EVBREAK_ALL);
}

void rt_loop_resume(struct rt_loop *loop, struct coro *co)
{
	if (!coro_resume(co))
		release(loop);
}

bool rt_loop_run_reserved(struct rt_loop *loop, void (*fn)(void *arg), void *arg)
{
	struct coro *co = coro_new(&loop->pool, fn, arg);

	assert(loop == self);
	if (!co)
		return false;
	rt_loop_resume(loop, co);
	return true;
}

enum err rt_loop_coroutine(struct rt_loop *loop, void (*fn)(void *arg), void *arg)
{
	if (loop->stopping)
		return ERR_SHUTDOWN;
	if (!rt_loop_reserve(loop))
		return ERR_OVERLOADED;
	if (rt_loop_run_reserved(loop, fn, arg))
		return OK;
	release(loop);
	return ERR_OVERLOADED;
}

/* --- life --- */

static void on_stop(struct rt_mail *mail)
{
	struct rt_loop *loop = CONTAINER_OF(mail, struct rt_loop, stop);

	loop->stopping = true;
	rt_async_stop(&loop->stoppable);
	if (rt_loop_coroutines(loop) == 0)
		ev_break(loop->ev, EVBREAK_ALL);
}

static void *loop_main(void *arg)
{
	struct rt_loop *loop = arg;

	self = loop;
	rt_engine_use(loop->engine);
	ev_run(loop->ev, 0);
	/* Late mail may still start what rt_spawn() promised, or wake what runs to its end. */
	while (rt_loop_coroutines(loop) > 0 || __atomic_load_n(&loop->mail, __ATOMIC_RELAXED)) {
		take_mail(loop);
		if (rt_loop_coroutines(loop) > 0)
			ev_run(loop->ev, 0);
	}
	return NULL;
}

struct rt_loop *rt_loop_new(const struct rt_loop_config *config)
{
	struct rt_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		abort();
	loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV | EVFLAG_NOTIMERFD);
	if (!loop->ev) {
		free(loop);
		return NULL;
	}
	loop->engine =
	    config->engine == ENGINE_BACKGROUND ? &rt_engine_background : &rt_engine_async;
	loop->max_coroutines = config->max_coroutines ? config->max_coroutines : MAX_COROUTINES;
	loop->now_us = now_mono_us();
	loop->stop.fn = on_stop;
	snprintf(loop->name, sizeof(loop->name), "%s", config->name ? config->name : "loop");
	list_init(&loop->stoppable);
	coro_pool_init(&loop->pool);

	ev_async_init(&loop->bell, on_bell);
	loop->bell.data = loop;
	ev_async_start(loop->ev, &loop->bell);
	/* First in every turn, before any callback asks for the time. */
	ev_check_init(&loop->turn, on_turn);
	ev_set_priority(&loop->turn, EV_MAXPRI);
	loop->turn.data = loop;
	ev_check_start(loop->ev, &loop->turn);
	/* Last of all that is still to do before the loop sleeps. */
	ev_prepare_init(&loop->turn_end, on_turn_end);
	ev_set_priority(&loop->turn_end, EV_MINPRI);
	loop->turn_end.data = loop;
	ev_prepare_start(loop->ev, &loop->turn_end);
	return loop;
}

enum err rt_loop_start(struct rt_loop *loop)
{
	enum err r = rt_thread_start(&loop->thread, loop->name, loop_main, loop);

	loop->started = r == OK;
	return r;
}

void rt_loop_stop(struct rt_loop *loop)
{
	if (!loop->started)
		return;
	assert(loop != self);
	rt_loop_post(loop, &loop->stop);
	pthread_join(loop->thread, NULL);
	loop->started = false;
}

void rt_loop_free(struct rt_loop **loop_ptr)
{
	struct rt_loop *loop = *loop_ptr;

	*loop_ptr = NULL;
	if (!loop)
		return;
	rt_loop_stop(loop);
	while (__atomic_load_n(&loop->posting, __ATOMIC_ACQUIRE) > 0)
		sched_yield();
	ev_loop_destroy(loop->ev);
	coro_pool_done(&loop->pool);
	free(loop);
}
