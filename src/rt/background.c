/* The one background loop, and rt_spawn() onto it. */
#include <ev.h>
#include <pthread.h>
#include <stdlib.h>

#include "rt/loop.h"
#include "rt/rt_priv.h"

#define MAX_TASKS 1000
#define RETRY_S .05 /* when no stack can be mapped */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct rt_loop *background; /* under mutex; NULL when new tasks are refused */

struct spawn {
	struct rt_mail mail;
	struct ev_timer retry;
	void (*fn)(void *arg);
	void *arg;
};

static void run(void *arg)
{
	struct spawn spawn = *(struct spawn *)arg;

	free(arg);
	spawn.fn(spawn.arg);
}

static void start(struct spawn *spawn)
{
	struct rt_loop *loop = rt_loop_self();

	if (!rt_loop_run_reserved(loop, run, spawn))
		ev_timer_start(rt_loop_ev(loop), &spawn->retry);
}

static void on_mail(struct rt_mail *mail)
{
	start(CONTAINER_OF(mail, struct spawn, mail));
}

static void on_retry(struct ev_loop *ev, struct ev_timer *retry, int events)
{
	(void)ev;
	(void)events;
	start(CONTAINER_OF(retry, struct spawn, retry));
}

static enum err spawn_locked(void (*fn)(void *arg), void *arg)
{
	struct spawn *spawn;

	if (!background)
		return ERR_SHUTDOWN;
	if (!rt_loop_reserve(background))
		return ERR_OVERLOADED;
	spawn = calloc(1, sizeof(*spawn));
	if (!spawn)
		abort();
	spawn->mail.fn = on_mail;
	spawn->fn = fn;
	spawn->arg = arg;
	ev_timer_init(&spawn->retry, on_retry, RETRY_S, 0.);
	rt_loop_post(background, &spawn->mail);
	return OK;
}

enum err rt_spawn(void (*fn)(void *arg), void *arg)
{
	const struct rt_engine *engine = rt_engine_current();
	enum err r;

	if (engine->spawn)
		return engine->spawn(fn, arg);
	pthread_mutex_lock(&mutex);
	r = spawn_locked(fn, arg);
	pthread_mutex_unlock(&mutex);
	return r;
}

enum err rt_background_start(void)
{
	struct rt_loop *loop = rt_loop_new(&(struct rt_loop_config){
	    .engine = ENGINE_BACKGROUND, .max_coroutines = MAX_TASKS, .name = "background" });

	if (!loop)
		return ERR_INTERNAL;
	if (rt_loop_start(loop) != OK) {
		rt_loop_free(&loop);
		return ERR_INTERNAL;
	}
	pthread_mutex_lock(&mutex);
	background = loop;
	pthread_mutex_unlock(&mutex);
	return OK;
}

void rt_background_stop(void)
{
	struct rt_loop *loop;

	pthread_mutex_lock(&mutex);
	loop = background;
	background = NULL;
	pthread_mutex_unlock(&mutex);
	rt_loop_free(&loop);
}
