#include "tests/contract/rt_host.h"

#include <pthread.h>

#include "rt/loop.h"
#include "tests/support/rt_sim.h"

#define MAX_TASKS 65

struct started {
	struct rt_mail mail;
	void (*fn)(void *arg);
	void *arg;
	struct rt_loop *loop;
	struct rt_latch ended;
};

static void *thread_main(void *arg)
{
	struct started *s = arg;

	s->fn(s->arg);
	return NULL;
}

static void run_threads(struct started *s, size_t n)
{
	pthread_t threads[MAX_TASKS];

	for (size_t i = 0; i < n; i++)
		CHECK(pthread_create(&threads[i], NULL, thread_main, &s[i]) == 0);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void coroutine_main(void *arg)
{
	struct started *s = arg;

	s->fn(s->arg);
	rt_latch_set(&s->ended);
}

static void on_mail(struct rt_mail *mail)
{
	struct started *s = CONTAINER_OF(mail, struct started, mail);

	CHECK(rt_loop_coroutine(s->loop, coroutine_main, s) == OK);
}

static void run_loop(struct started *s, size_t n)
{
	struct rt_loop *loop =
	    rt_loop_new(&(struct rt_loop_config){ .engine = ENGINE_ASYNC, .name = "contract" });

	CHECK(loop && rt_loop_start(loop) == OK);
	for (size_t i = 0; i < n; i++) {
		s[i].loop = loop;
		s[i].mail.fn = on_mail;
		rt_latch_init(&s[i].ended);
		rt_loop_post(loop, &s[i].mail);
	}
	for (size_t i = 0; i < n; i++) {
		CHECK(rt_latch_wait(&s[i].ended, NEVER_US) == OK);
		rt_latch_done(&s[i].ended);
	}
	rt_loop_free(&loop);
}

void host_run(
    const struct host *host, unsigned seed, void (*const fns[])(void *arg), size_t n, void *arg)
{
	struct started *s = calloc(MAX_TASKS, sizeof(*s));
	void *args[MAX_TASKS];

	CHECK(s && n <= MAX_TASKS);
	for (size_t i = 0; i < n; i++) {
		s[i].fn = fns[i];
		s[i].arg = args[i] = arg;
	}
	if (host->engine == ENGINE_SIMULATION)
		CHECK(rt_sim_run(seed, fns, args, n) == 0);
	else if (host->engine == ENGINE_ASYNC)
		run_loop(s, n);
	else
		run_threads(s, n);
	free(s);
}
