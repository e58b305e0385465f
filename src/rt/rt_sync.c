/* The sync engine: waiting blocks the thread. */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "rt/rt_priv.h"

/* Longest single wait, so that no deadline overflows a timespec; waits go round again. */
#define ROUND_US US_PER_HOUR

/* left() - time until @deadline_us as a timespec; false when it has passed. */
static bool left(int64_t deadline_us, struct timespec *ret)
{
	int64_t us = deadline_us == NEVER_US ? ROUND_US : deadline_us - now_mono_us();

	if (us <= 0)
		return false;
	if (us > ROUND_US)
		us = ROUND_US;
	ret->tv_sec = us / US_PER_S;
	ret->tv_nsec = us % US_PER_S * 1000;
	return true;
}

static enum err sync_wait_fds(struct rt_fd *v, size_t n, int64_t deadline_us, bool stoppable)
{
	(void)stoppable;
	for (;;) {
		struct timespec t = { 0, 0 };
		bool last = !left(deadline_us, &t);
		int ready = ppoll((struct pollfd *)(void *)v, n, &t, NULL);

		if (ready > 0)
			return OK;
		if (ready < 0 && errno != EINTR)
			return ERR_INTERNAL;
		if (ready == 0 && last)
			return ERR_DEADLINE;
	}
}

static enum err sync_sleep_until(int64_t mono_us)
{
	struct timespec t;

	while (left(mono_us, &t))
		nanosleep(&t, NULL);
	return OK;
}

static enum err sync_gather(struct rt_task *tasks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tasks[i].result = tasks[i].fn(tasks[i].arg);
	return rt_gather_result(tasks, n);
}

/*
 * A futex, not a condition variable: the waker's last touch of the waiter is the change of its
 * state, so the owner may leave at once. Waking an address that is gone by then wakes nobody.
 */
static void sync_park(struct rt_waiter *w, int64_t deadline_us, bool stoppable)
{
	struct timespec t;

	(void)stoppable;
	while (waiter_state(w) == WAITER_PARKED) {
		if (!left(deadline_us, &t)) {
			waiter_settle(w, WAITER_TIMED_OUT);
			return;
		}
		syscall(SYS_futex, &w->state, FUTEX_WAIT_PRIVATE, WAITER_PARKED, &t, NULL, 0);
	}
}

static void sync_deliver(struct rt_waiter *w)
{
	syscall(SYS_futex, &w->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

const struct rt_engine rt_engine_sync = {
	.id = ENGINE_SYNC,
	.wait_fds = sync_wait_fds,
	.sleep_until = sync_sleep_until,
	.gather = sync_gather,
	.park = sync_park,
	.deliver = sync_deliver,
};

_Static_assert(sizeof(struct rt_fd) == sizeof(struct pollfd) &&
		   offsetof(struct rt_fd, fd) == offsetof(struct pollfd, fd) &&
		   offsetof(struct rt_fd, events) == offsetof(struct pollfd, events) &&
		   offsetof(struct rt_fd, revents) == offsetof(struct pollfd, revents),
    "rt_fd is handed to poll(2) as it is");
