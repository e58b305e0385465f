/* What rt.h promises, held against every engine. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "rt/rt_priv.h"
#include "tests/contract/rt_host.h"

/* --- engine, sleep --- */

static void sleeper(void *arg)
{
	int64_t until = now_mono_us() + 3 * US_PER_MS;

	CHECK(rt_engine() == ((const struct host *)arg)->engine);
	CHECK(rt_sleep_until(until) == OK);
	CHECK(now_mono_us() >= until);
	CHECK(rt_sleep_until(until) == OK);
	CHECK(rt_sleep_until(0) == OK);
}

static void test_sleep(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++)
		host_run(host, seed, (void (*[])(void *)){ sleeper, sleeper, sleeper }, 3, host);
}

/* --- descriptors --- */

struct pipes {
	int a[2], b[2];
	int read;
};

static void pipe_reader(void *arg)
{
	struct pipes *p = arg;
	char c;
	struct rt_fd v[] = {
		{ .fd = p->a[0], .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
		{ .fd = p->b[0], .events = POLLIN },
		{ .fd = p->b[0], .events = POLLIN },
		{ .fd = p->b[0], .events = POLLIN },
		{ .fd = p->b[0], .events = POLLIN },
	};

	CHECK(rt_wait_fds(v, 3, now_mono_us() + US_PER_MS) == ERR_DEADLINE);
	raise_flag(&p->read);
	CHECK(rt_wait_fds(v, ARRAY_LEN(v), NEVER_US) == OK);
	CHECK(v[0].revents == 0 && v[1].revents == 0 && v[2].revents == POLLIN);
	CHECK(v[5].revents == POLLIN);
	/* What is ready wins over a deadline that has passed. */
	CHECK(rt_wait_fds(v, 3, 0) == OK && v[2].revents == POLLIN);
	CHECK(read(p->b[0], &c, 1) == 1 && c == 'x');
	CHECK(rt_wait_fds(v, 3, 0) == ERR_DEADLINE);
	raise_flag(&p->read);
	CHECK(rt_wait_fds(v, 3, NEVER_US) == OK && v[0].revents & POLLHUP);
	CHECK(rt_wait_fds(NULL, 0, now_mono_us() + US_PER_MS) == ERR_DEADLINE);
}

static void pipe_writer(void *arg)
{
	struct pipes *p = arg;
	struct rt_fd v = { .fd = p->b[1], .events = POLLOUT };

	await(&p->read, 1);
	CHECK(rt_wait_fds(&v, 1, NEVER_US) == OK && v.revents == POLLOUT);
	CHECK(write(p->b[1], "x", 1) == 1);
	await(&p->read, 2);
	close(p->a[1]);
}

static void test_wait_fds(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++) {
		struct pipes p = { 0 };

		CHECK(pipe2(p.a, O_CLOEXEC | O_NONBLOCK) == 0);
		CHECK(pipe2(p.b, O_CLOEXEC | O_NONBLOCK) == 0);
		host_run(host, seed, (void (*[])(void *)){ pipe_reader, pipe_writer }, 2, &p);
		close(p.a[0]);
		close(p.b[0]);
		close(p.b[1]);
	}
}

/* --- gather --- */

struct gathered {
	int ran;
	struct rt_latch first;
};

static enum err fine(void *arg)
{
	raise_flag(&((struct gathered *)arg)->ran);
	return OK;
}

static enum err slow_not_found(void *arg)
{
	rt_sleep_until(now_mono_us() + 2 * US_PER_MS);
	raise_flag(&((struct gathered *)arg)->ran);
	return ERR_NOT_FOUND;
}

static enum err quick_conflict(void *arg)
{
	raise_flag(&((struct gathered *)arg)->ran);
	return ERR_CONFLICT;
}

static enum err nested(void *arg)
{
	struct rt_task tasks[] = {
		{ .fn = fine, .arg = arg },
		{ .fn = quick_conflict, .arg = arg },
		{ .fn = slow_not_found, .arg = arg },
	};

	return rt_gather(tasks, ARRAY_LEN(tasks));
}

static void gatherer(void *arg)
{
	struct gathered g = { 0 };
	struct rt_task tasks[] = {
		{ .fn = fine, .arg = &g },
		{ .fn = slow_not_found, .arg = &g },
		{ .fn = quick_conflict, .arg = &g },
		{ .fn = nested, .arg = &g },
	};

	(void)arg;
	/* The lowest-numbered failure, not the first in time; and every task has run. */
	CHECK(rt_gather(tasks, ARRAY_LEN(tasks)) == ERR_NOT_FOUND);
	CHECK(g.ran == 6);
	CHECK(tasks[0].result == OK && tasks[2].result == ERR_CONFLICT);
	CHECK(tasks[3].result == ERR_CONFLICT);
	CHECK(rt_gather(tasks, 1) == OK && g.ran == 7);
	CHECK(rt_gather(NULL, 0) == OK);
}

static void test_gather(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++)
		host_run(host, seed, (void (*[])(void *)){ gatherer, gatherer }, 2, NULL);
}

static enum err wait_first(void *arg)
{
	return rt_latch_wait(&((struct gathered *)arg)->first, NEVER_US);
}

static enum err set_first(void *arg)
{
	rt_latch_set(&((struct gathered *)arg)->first);
	return OK;
}

static void overlapping(void *arg)
{
	struct gathered g = { 0 };
	struct rt_task tasks[] = {
		{ .fn = wait_first, .arg = &g },
		{ .fn = set_first, .arg = &g },
	};

	(void)arg;
	rt_latch_init(&g.first);
	CHECK(rt_gather(tasks, 2) == OK);
	rt_latch_done(&g.first);
}

/* Coroutines overlap: the first waits for what the second does. The sync engine would stand. */
static void test_gather_overlaps(void **state)
{
	struct host *host = *state;

	if (host->engine == ENGINE_SYNC)
		return;
	for (unsigned seed = 0; seed < host->rounds; seed++)
		host_run(host, seed, (void (*[])(void *)){ overlapping }, 1, NULL);
}

/* --- semaphore --- */

#define QUEUED 4

struct fifo {
	struct rt_sem sem;
	unsigned next; /* whose turn it is to queue */
	int order[QUEUED];
	int served;
};

static unsigned queue_length(struct rt_sem *s)
{
	unsigned n = 0;

	pthread_mutex_lock(&s->mutex);
	for (struct list *l = s->waiters.next; l != &s->waiters; l = l->next)
		n++;
	pthread_mutex_unlock(&s->mutex);
	return n;
}

static void queue_in_turn(void *arg)
{
	struct fifo *f = arg;
	unsigned me = __atomic_fetch_add(&f->next, 1, __ATOMIC_RELAXED);

	while (queue_length(&f->sem) != me)
		rt_sleep_until(now_mono_us() + 100);
	CHECK(rt_sem_wait(&f->sem, NEVER_US) == OK);
	f->order[f->served] = (int)me;
	raise_flag(&f->served);
}

static void post_one_by_one(void *arg)
{
	struct fifo *f = arg;

	while (queue_length(&f->sem) != QUEUED)
		rt_sleep_until(now_mono_us() + 100);
	for (int i = 0; i < QUEUED; i++) {
		rt_sem_post(&f->sem);
		await(&f->served, i + 1);
	}
}

static void test_sem_is_fifo(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++) {
		struct fifo f = { 0 };

		rt_sem_init(&f.sem, 0);
		host_run(host, seed,
		    (void (*[])(void *)){ queue_in_turn, queue_in_turn, queue_in_turn,
			queue_in_turn, post_one_by_one },
		    QUEUED + 1, &f);
		for (int i = 0; i < QUEUED; i++)
			assert_int_equal(f.order[i], i);
		rt_sem_done(&f.sem);
	}
}

struct race {
	struct rt_sem sem;
	int taken, late, posted;
};

static void taker(void *arg)
{
	struct race *r = arg;

	for (int i = 0; i < 30; i++) {
		if (rt_sem_wait(&r->sem, now_mono_us() + INT64_C(50) * (i % 3)) == OK)
			raise_flag(&r->taken);
		else
			raise_flag(&r->late);
	}
}

static void poster(void *arg)
{
	struct race *r = arg;

	for (int i = 0; i < 40; i++) {
		rt_sleep_until(now_mono_us() + INT64_C(40) * (i % 4));
		rt_sem_post(&r->sem);
		raise_flag(&r->posted);
	}
}

/* However deadlines and posts meet, no count is lost or made. */
static void test_sem_deadline_race(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++) {
		struct race r = { 0 };

		rt_sem_init(&r.sem, 1);
		host_run(host, seed,
		    (void (*[])(void *)){ taker, poster, taker, taker, poster, taker }, 6, &r);
		assert_int_equal(r.taken + r.late, 4 * 30);
		assert_int_equal(r.taken + (int)r.sem.count, 1 + r.posted);
		assert_true(list_empty(&r.sem.waiters));
		rt_sem_done(&r.sem);
	}
}

/* --- latch --- */

struct gate {
	struct rt_latch latch;
	int late, passed;
};

static void pass_gate(void *arg)
{
	struct gate *g = arg;

	CHECK(rt_latch_wait(&g->latch, now_mono_us() + US_PER_MS) == ERR_DEADLINE);
	raise_flag(&g->late);
	CHECK(rt_latch_wait(&g->latch, NEVER_US) == OK);
	CHECK(rt_latch_wait(&g->latch, 0) == OK);
	raise_flag(&g->passed);
}

static void open_gate(void *arg)
{
	struct gate *g = arg;

	await(&g->late, 2);
	CHECK(g->passed == 0);
	rt_latch_set(&g->latch);
	rt_latch_set(&g->latch);
}

static void test_latch(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++) {
		struct gate g = { 0 };

		rt_latch_init(&g.latch);
		host_run(
		    host, seed, (void (*[])(void *)){ pass_gate, open_gate, pass_gate }, 3, &g);
		assert_int_equal(g.passed, 2);
		rt_latch_done(&g.latch);
	}
}

/* --- park and wake --- */

#define MEETINGS 100

struct meeting {
	pthread_mutex_t mutex;
	struct rt_waiter *w; /* under the mutex */
	int woken;           /* rt_wake() returned true */
	int parked_ok;
	bool over;
};

static void parker(void *arg)
{
	struct meeting *m = arg;

	for (int i = 0; i < MEETINGS; i++) {
		struct rt_waiter w;
		enum err r;

		rt_waiter_init(&w);
		pthread_mutex_lock(&m->mutex);
		m->w = &w;
		pthread_mutex_unlock(&m->mutex);
		r = rt_park(&w, now_mono_us() + INT64_C(20) * (i % 5));
		CHECK(r == OK || r == ERR_DEADLINE);
		m->parked_ok += r == OK;
		pthread_mutex_lock(&m->mutex);
		m->w = NULL;
		pthread_mutex_unlock(&m->mutex);
	}
	pthread_mutex_lock(&m->mutex);
	m->over = true;
	pthread_mutex_unlock(&m->mutex);
}

static void waker(void *arg)
{
	struct meeting *m = arg;
	bool over = false;

	for (int i = 0; !over; i++) {
		pthread_mutex_lock(&m->mutex);
		over = m->over;
		if (m->w) {
			m->woken += rt_wake(m->w);
			m->w = NULL;
		}
		pthread_mutex_unlock(&m->mutex);
		rt_sleep_until(now_mono_us() + INT64_C(10) * (i % 7));
	}
}

/* Either the wake or the time wins, and both sides agree on which. */
static void test_park_wake_race(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++) {
		struct meeting m = { .mutex = PTHREAD_MUTEX_INITIALIZER };

		host_run(host, seed, (void (*[])(void *)){ parker, waker }, 2, &m);
		assert_int_equal(m.woken, m.parked_ok);
	}
}

static void early_and_late(void *arg)
{
	struct rt_waiter w;

	(void)arg;
	rt_waiter_init(&w);
	CHECK(rt_wake(&w));
	CHECK(!rt_wake(&w));
	CHECK(rt_park(&w, 0) == OK);
	rt_waiter_init(&w);
	CHECK(rt_park(&w, now_mono_us() + 100) == ERR_DEADLINE);
	CHECK(!rt_wake(&w));
}

static void test_early_wake(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++)
		host_run(host, seed, (void (*[])(void *)){ early_and_late }, 1, NULL);
}

/* --- spawn, stop --- */

struct spawned {
	struct rt_sem sem; /* never posted */
	int pipe[2];       /* never written */
	int begun, ended;
};

static void spawn_sleep(void *arg)
{
	struct spawned *s = arg;

	raise_flag(&s->begun);
	CHECK(rt_sleep_until(NEVER_US) == ERR_SHUTDOWN);
	CHECK(rt_sleep_until(NEVER_US) == ERR_SHUTDOWN);
	raise_flag(&s->ended);
}

static void spawn_wait_fds(void *arg)
{
	struct spawned *s = arg;
	struct rt_fd v = { .fd = s->pipe[0], .events = POLLIN };

	raise_flag(&s->begun);
	CHECK(rt_wait_fds(&v, 1, NEVER_US) == ERR_SHUTDOWN);
	raise_flag(&s->ended);
}

static void spawn_sem(void *arg)
{
	struct spawned *s = arg;

	raise_flag(&s->begun);
	CHECK(rt_sem_wait(&s->sem, NEVER_US) == ERR_SHUTDOWN);
	CHECK(rt_spawn(spawn_sem, s) == ERR_SHUTDOWN);
	raise_flag(&s->ended);
}

static void spawn_from_task(void *arg)
{
	struct spawned *s = arg;

	CHECK(rt_spawn(spawn_sleep, s) == OK);
	CHECK(rt_spawn(spawn_wait_fds, s) == OK);
	CHECK(rt_spawn(spawn_sem, s) == OK);
	await(&s->begun, 3);
}

/* A simulation spawns into itself and stops when its tasks have ended. */
static void spawn_on(struct host *host, unsigned seed, struct spawned *s)
{
	bool real = host->engine != ENGINE_SIMULATION;

	if (real)
		assert_int_equal(rt_background_start(), OK);
	host_run(host, seed, (void (*[])(void *)){ spawn_from_task }, 1, s);
	if (real)
		rt_background_stop();
	assert_int_equal(rt_spawn(spawn_sleep, s), ERR_SHUTDOWN);
	assert_int_equal(s->ended, 3);
}

static void test_spawn_and_stop(void **state)
{
	struct host *host = *state;

	for (unsigned seed = 0; seed < host->rounds; seed++) {
		struct spawned s = { 0 };

		rt_sem_init(&s.sem, 0);
		CHECK(pipe2(s.pipe, O_CLOEXEC | O_NONBLOCK) == 0);
		spawn_on(host, seed, &s);
		close(s.pipe[0]);
		close(s.pipe[1]);
		rt_sem_done(&s.sem);
	}
}

static void test_engine_names(void **state)
{
	const struct host *host = *state;
	static const char *const names[] = { "sync", "async", "background", "simulation" };

	assert_true(str_eq(engine_name(host->engine), str_of(names[host->engine])));
}

static int run_on(const char *name, enum engine engine, unsigned rounds)
{
	struct host host = { .engine = engine, .rounds = rounds };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_engine_names, &host),
		cmocka_unit_test_prestate(test_sleep, &host),
		cmocka_unit_test_prestate(test_wait_fds, &host),
		cmocka_unit_test_prestate(test_gather, &host),
		cmocka_unit_test_prestate(test_gather_overlaps, &host),
		cmocka_unit_test_prestate(test_sem_is_fifo, &host),
		cmocka_unit_test_prestate(test_sem_deadline_race, &host),
		cmocka_unit_test_prestate(test_latch, &host),
		cmocka_unit_test_prestate(test_park_wake_race, &host),
		cmocka_unit_test_prestate(test_early_wake, &host),
		cmocka_unit_test_prestate(test_spawn_and_stop, &host),
		cmocka_unit_test_prestate(test_offload_runs, &host),
		cmocka_unit_test_prestate(test_offload_overload, &host),
		cmocka_unit_test_prestate(test_offload_deadline, &host),
		cmocka_unit_test_prestate(test_offload_cancel, &host),
		cmocka_unit_test_prestate(test_offload_call, &host),
	};

	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(void)
{
	return run_on("sync", ENGINE_SYNC, 3) + run_on("async", ENGINE_ASYNC, 3) +
	       run_on("simulation", ENGINE_SIMULATION, 100);
}
