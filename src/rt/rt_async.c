/* The async engine: waiting parks the coroutine, and the loop of its thread goes on. */
#include <assert.h>
#include <ev.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rt/coro.h"
#include "rt/loop.h"
#include "rt/rt_priv.h"

/* --- parking --- */

/* What a parked coroutine keeps on its stack. */
struct parked {
	struct list link; /* in the loop's list, when stoppable */
	struct rt_waiter *w;
	struct ev_timer timer;
	int64_t deadline_us;
};

static void on_mail(struct rt_mail *mail)
{
	struct rt_waiter *w = CONTAINER_OF(mail, struct rt_waiter, mail);

	rt_loop_resume(w->loop, w->coro);
}

static void async_bind(struct rt_waiter *w)
{
	w->loop = rt_loop_self();
	w->coro = coro_self();
	w->mail.fn = on_mail;
}

static void async_deliver(struct rt_waiter *w)
{
	rt_loop_post(w->loop, &w->mail);
}

/* settle() - end a park from the loop's own thread, unless a wake is on its way already. */
static void settle(struct rt_waiter *w, enum waiter_state state)
{
	if (waiter_settle(w, state))
		rt_loop_resume(w->loop, w->coro);
}

static void arm(struct ev_loop *ev, struct parked *p, int64_t now_us)
{
	double after = (double)(p->deadline_us - now_us) / (double)US_PER_S;

	ev_timer_set(&p->timer, after, 0.);
	ev_timer_start(ev, &p->timer);
}

static void on_timer(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	struct parked *p = CONTAINER_OF(timer, struct parked, timer);
	int64_t now_us = now_mono_us();

	(void)events;
	/* libev's clock and ours are read a moment apart: never come back early. */
	if (now_us < p->deadline_us)
		arm(ev, p, now_us);
	else
		settle(p->w, WAITER_TIMED_OUT);
}

static void async_park(struct rt_waiter *w, int64_t deadline_us, bool stoppable)
{
	struct parked p = { .w = w, .deadline_us = deadline_us };
	struct ev_loop *ev = rt_loop_ev(w->loop);
	int64_t now_us = rt_loop_now_us(w->loop);

	assert(w->coro && w->coro == coro_self());
	/* A wake that wins against these is in the mail and must be waited for. */
	if (stoppable && rt_loop_stopping(w->loop) && waiter_settle(w, WAITER_STOPPED))
		return;
	if (deadline_us <= now_us && waiter_settle(w, WAITER_TIMED_OUT))
		return;
	list_init(&p.link);
	if (stoppable)
		list_push_back(rt_loop_stoppable(w->loop), &p.link);
	ev_timer_init(&p.timer, on_timer, 0., 0.);
	if (deadline_us != NEVER_US)
		arm(ev, &p, now_us);
	coro_yield();
	ev_timer_stop(ev, &p.timer);
	list_remove(&p.link);
}

void rt_async_stop(struct list *stoppable)
{
	struct list *node;

	while ((node = list_pop_front(stoppable)))
		settle(CONTAINER_OF(node, struct parked, link)->w, WAITER_STOPPED);
}

/* --- sleeping, descriptors --- */

static enum err async_sleep_until(int64_t mono_us)
{
	struct rt_waiter w;
	enum err r;

	rt_waiter_init(&w);
	r = rt_park_stoppable(&w, mono_us);
	return r == ERR_DEADLINE ? OK : r;
}

static void on_fd(struct ev_loop *ev, struct ev_io *io, int events)
{
	(void)ev;
	(void)events;
	settle(io->data, WAITER_WOKEN);
}

/* wait_once() - park until libev sees one of @v, or the deadline. */
static enum err wait_once(
    struct ev_io *io, const struct rt_fd *v, size_t n, int64_t deadline_us, bool stoppable)
{
	struct ev_loop *ev = rt_loop_ev(rt_loop_self());
	struct rt_waiter w;
	enum err r;

	rt_waiter_init(&w);
	for (size_t i = 0; i < n; i++) {
		int mask = (v[i].events & (POLLIN | POLLPRI | POLLRDHUP) ? EV_READ : 0) |
			   (v[i].events & POLLOUT ? EV_WRITE : 0);

		ev_io_init(&io[i], on_fd, v[i].fd, mask);
		io[i].data = &w;
		if (v[i].fd >= 0 && mask)
			ev_io_start(ev, &io[i]);
	}
	r = stoppable ? rt_park_stoppable(&w, deadline_us) : rt_park(&w, deadline_us);
	for (size_t i = 0; i < n; i++)
		ev_io_stop(ev, &io[i]);
	return r;
}

static enum err async_wait_fds(struct rt_fd *v, size_t n, int64_t deadline_us, bool stoppable)
{
	struct ev_io few[4];
	struct ev_io *io = few;
	enum err r;

	if (n > ARRAY_LEN(few)) {
		io = calloc(n, sizeof(*io));
		if (!io)
			abort();
	}
	/* poll(2) fills in revents, so that they mean the same on every engine. */
	for (;;) {
		int ready;

		r = wait_once(io, v, n, deadline_us, stoppable);
		if (r == ERR_SHUTDOWN)
			break;
		ready = poll((struct pollfd *)(void *)v, n, 0);
		if (ready > 0)
			r = OK;
		if (ready > 0 || r == ERR_DEADLINE)
			break;
	}
	if (io != few)
		free(io);
	return r;
}

/* --- gather --- */

struct rt_join {
	struct rt_waiter parent;
	size_t left; /* branches not at their end; the parent counts as one */
};

static void branch(void *arg)
{
	struct rt_task *task = arg;
	struct rt_join *join = task->join;

	task->result = task->fn(task->arg);
	if (--join->left == 0)
		rt_wake(&join->parent);
}

static enum err async_gather(struct rt_task *tasks, size_t n)
{
	struct rt_join join = { .left = n };

	if (n == 0)
		return OK;
	rt_waiter_init(&join.parent);
	for (size_t i = 0; i + 1 < n; i++) {
		tasks[i].join = &join;
		if (rt_loop_coroutine(join.parent.loop, branch, &tasks[i]) == OK)
			continue;
		/* No coroutine to be had: the parent runs it, as on the sync engine. */
		tasks[i].result = tasks[i].fn(tasks[i].arg);
		join.left--;
	}
	tasks[n - 1].result = tasks[n - 1].fn(tasks[n - 1].arg);
	if (--join.left > 0) {
		enum err woken = rt_park(&join.parent, NEVER_US);

		assert(woken == OK);
	}
	return rt_gather_result(tasks, n);
}

const struct rt_engine rt_engine_async = {
	.id = ENGINE_ASYNC,
	.wait_fds = async_wait_fds,
	.sleep_until = async_sleep_until,
	.gather = async_gather,
	.bind = async_bind,
	.park = async_park,
	.deliver = async_deliver,
};

const struct rt_engine rt_engine_background = {
	.id = ENGINE_BACKGROUND,
	.wait_fds = async_wait_fds,
	.sleep_until = async_sleep_until,
	.gather = async_gather,
	.bind = async_bind,
	.park = async_park,
	.deliver = async_deliver,
};
