#include "tests/unit/test.h"

#include <ev.h>
#include <pthread.h>

#include "base/clock.h"
#include "rt/loop.h"

static struct rt_loop *start_loop(unsigned max_coroutines)
{
	struct rt_loop *loop = rt_loop_new(&(struct rt_loop_config){
	    .engine = ENGINE_ASYNC, .max_coroutines = max_coroutines, .name = "unit" });

	assert_non_null(loop);
	assert_int_equal(rt_loop_start(loop), OK);
	return loop;
}

/* struct call - run @fn on a loop's thread and wait for it. */
struct call {
	struct rt_mail mail;
	struct rt_loop *loop;
	void (*fn)(struct rt_loop *loop, void *arg);
	void *arg;
	struct rt_latch done;
};

static void on_call(struct rt_mail *mail)
{
	struct call *call = CONTAINER_OF(mail, struct call, mail);

	call->fn(call->loop, call->arg);
	rt_latch_set(&call->done);
}

static void call_on(struct rt_loop *loop, void (*fn)(struct rt_loop *loop, void *arg), void *arg)
{
	struct call call = { .mail = { .fn = on_call }, .loop = loop, .fn = fn, .arg = arg };

	rt_latch_init(&call.done);
	rt_loop_post(loop, &call.mail);
	assert_int_equal(rt_latch_wait(&call.done, NEVER_US), OK);
	rt_latch_done(&call.done);
}

/* --- mail --- */

#define SENDERS 4
#define LETTERS 2000

struct letter {
	struct rt_mail mail;
	struct sender *sender;
	int number;
};

struct sender {
	struct rt_loop *loop;
	struct letter letters[LETTERS];
	int received;
	bool in_order;
	pthread_t thread;
};

static void on_letter(struct rt_mail *mail)
{
	struct letter *letter = CONTAINER_OF(mail, struct letter, mail);
	struct sender *sender = letter->sender;

	if (letter->number != sender->received || rt_loop_self() != sender->loop)
		sender->in_order = false;
	sender->received++;
}

static void *send_all(void *arg)
{
	struct sender *sender = arg;

	for (int i = 0; i < LETTERS; i++) {
		struct letter *letter = &sender->letters[i];

		*letter = (struct letter){ { .fn = on_letter }, sender, i };
		rt_loop_post(sender->loop, &letter->mail);
	}
	return NULL;
}

static void test_mail_keeps_order(void **state)
{
	static struct sender senders[SENDERS];
	struct rt_loop *loop = start_loop(0);

	(void)state;
	assert_null(rt_loop_self());
	for (size_t i = 0; i < SENDERS; i++) {
		senders[i].loop = loop;
		senders[i].in_order = true;
		assert_int_equal(
		    pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
	}
	for (size_t i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	rt_loop_stop(loop); /* comes after all mail */
	for (size_t i = 0; i < SENDERS; i++) {
		assert_int_equal(senders[i].received, LETTERS);
		assert_true(senders[i].in_order);
	}
	rt_loop_free(&loop);
	assert_null(loop);
	rt_loop_free(&loop);
}

/* --- time --- */

static void look_at_time(struct rt_loop *loop, void *arg)
{
	*(int64_t *)arg = rt_loop_now_us(loop);
}

static void test_now(void **state)
{
	struct rt_loop *loop = start_loop(0);
	int64_t before_us = now_mono_us(), seen_us = 0;

	(void)state;
	call_on(loop, look_at_time, &seen_us);
	assert_in_range(seen_us, before_us, now_mono_us());
	rt_loop_free(&loop);
}

/* --- coroutines --- */

static void sleep_long(void *arg)
{
	enum err *ret = arg;

	*ret = rt_sleep_until(NEVER_US);
}

static enum err gathered(void *arg)
{
	++*(int *)arg;
	return OK;
}

static void gather_many(void *arg)
{
	struct rt_task tasks[10];

	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		tasks[i] = (struct rt_task){ .fn = gathered, .arg = arg };
	if (rt_gather(tasks, ARRAY_LEN(tasks)) != OK)
		abort();
}

struct crowd {
	enum err results[3];
	int gathered;
};

static void fill_up(struct rt_loop *loop, void *arg)
{
	struct crowd *crowd = arg;

	for (size_t i = 0; i < 2; i++)
		if (rt_loop_coroutine(loop, sleep_long, &crowd->results[i]) != OK)
			abort();
	/* A third that gathers finds no room for its children, and runs them itself. */
	if (rt_loop_coroutine(loop, gather_many, &crowd->gathered) != OK)
		abort();
	if (rt_loop_coroutine(loop, sleep_long, &crowd->results[2]) != OK)
		abort();
	if (rt_loop_coroutine(loop, sleep_long, NULL) != ERR_OVERLOADED)
		abort();
}

static void test_coroutines_are_capped(void **state)
{
	struct rt_loop *loop = start_loop(3);
	struct crowd crowd = { 0 };

	(void)state;
	call_on(loop, fill_up, &crowd);
	assert_int_equal(rt_loop_coroutines(loop), 3);
	rt_loop_stop(loop);
	assert_int_equal(rt_loop_coroutines(loop), 0);
	assert_int_equal(crowd.gathered, 10);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(crowd.results[i], ERR_SHUTDOWN);
	rt_loop_free(&loop);
}

/* --- stop --- */

struct begun {
	struct rt_waiter w;
	struct rt_latch stopping;
	enum err slept, waited, slept_late, coroutine;
};

/* Something is under way: a stop must wait for its end. */
static void wait_for_end(void *arg)
{
	struct begun *b = arg;

	rt_waiter_init(&b->w);
	b->waited = rt_park(&b->w, NEVER_US);
	b->slept_late = rt_sleep_until(NEVER_US);
	b->coroutine = rt_loop_coroutine(rt_loop_self(), sleep_long, NULL);
}

static void sleep_and_tell(void *arg)
{
	struct begun *b = arg;

	b->slept = rt_sleep_until(NEVER_US);
	rt_latch_set(&b->stopping);
}

static void begin(struct rt_loop *loop, void *arg)
{
	if (rt_loop_coroutine(loop, wait_for_end, arg) != OK ||
	    rt_loop_coroutine(loop, sleep_and_tell, arg) != OK)
		abort();
}

static void *wake_once_stopping(void *arg)
{
	struct begun *b = arg;

	if (rt_latch_wait(&b->stopping, NEVER_US) != OK || !rt_wake(&b->w))
		abort();
	return NULL;
}

static void test_stop_waits_for_what_has_begun(void **state)
{
	struct rt_loop *loop = start_loop(0);
	struct begun b = { 0 };
	pthread_t thread;

	(void)state;
	rt_latch_init(&b.stopping);
	call_on(loop, begin, &b);
	assert_int_equal(pthread_create(&thread, NULL, wake_once_stopping, &b), 0);
	rt_loop_stop(loop);
	pthread_join(thread, NULL);
	assert_int_equal(b.slept, ERR_SHUTDOWN);
	assert_int_equal(b.waited, OK);
	assert_int_equal(b.slept_late, ERR_SHUTDOWN);
	assert_int_equal(b.coroutine, ERR_SHUTDOWN);
	rt_latch_done(&b.stopping);
	rt_loop_free(&loop);
}

/* --- across threads --- */

#define ROUNDS 500

struct table {
	struct rt_sem ping, pong;
	int64_t patience_us;
	int served;
};

static void serve(void *arg)
{
	struct table *t = arg;

	for (int i = 0; i < ROUNDS; i++) {
		while (rt_sem_wait(&t->ping, now_mono_us() + t->patience_us) != OK)
			;
		t->served++;
		rt_sem_post(&t->pong);
	}
}

static void serve_on(struct rt_loop *loop, void *arg)
{
	if (rt_loop_coroutine(loop, serve, arg) != OK)
		abort();
}

/* Coroutines of two loops and this thread hand counts to each other, with deadlines in between. */
static void test_semaphores_cross_threads(void **state)
{
	struct rt_loop *loops[2] = { start_loop(0), start_loop(0) };
	struct table tables[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		tables[i] = (struct table){ .patience_us = i < 2 ? 20 : US_PER_HOUR };
		rt_sem_init(&tables[i].ping, 0);
		rt_sem_init(&tables[i].pong, 0);
		call_on(loops[i % 2], serve_on, &tables[i]);
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < ARRAY_LEN(tables); i++)
			rt_sem_post(&tables[i].ping);
		for (size_t i = 0; i < ARRAY_LEN(tables); i++)
			assert_int_equal(rt_sem_wait(&tables[i].pong, NEVER_US), OK);
	}
	for (size_t i = 0; i < 2; i++)
		rt_loop_free(&loops[i]);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		assert_int_equal(tables[i].served, ROUNDS);
		rt_sem_done(&tables[i].ping);
		rt_sem_done(&tables[i].pong);
	}
}

/* --- libev watchers of the thread's own --- */

struct tick {
	struct ev_timer timer;
	struct rt_latch rang;
};

static void on_tick(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	(void)ev;
	(void)events;
	rt_latch_set(&CONTAINER_OF(timer, struct tick, timer)->rang);
}

static void start_tick(struct rt_loop *loop, void *arg)
{
	struct tick *tick = arg;

	ev_timer_init(&tick->timer, on_tick, 0.001, 0.);
	ev_timer_start(rt_loop_ev(loop), &tick->timer);
}

static void test_own_watchers(void **state)
{
	struct rt_loop *loop = start_loop(0);
	struct tick tick;

	(void)state;
	rt_latch_init(&tick.rang);
	call_on(loop, start_tick, &tick);
	assert_int_equal(rt_latch_wait(&tick.rang, NEVER_US), OK);
	rt_loop_free(&loop);
	rt_latch_done(&tick.rang);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail_keeps_order),
		cmocka_unit_test(test_now),
		cmocka_unit_test(test_coroutines_are_capped),
		cmocka_unit_test(test_stop_waits_for_what_has_begun),
		cmocka_unit_test(test_semaphores_cross_threads),
		cmocka_unit_test(test_own_watchers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
