#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/net_priv.h"

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct transfer *t = arg;
	size_t i = 0;

	(void)easy;
	(void)socket_arg;
	while (i < t->n && t->fds[i].fd != fd)
		i++;
	if (what == CURL_POLL_REMOVE) {
		if (i < t->n)
			t->fds[i] = t->fds[--t->n];
		return 0;
	}
	if (i == TRANSFER_FDS)
		return -1;
	if (i == t->n)
		t->n++;
	t->fds[i] = (struct rt_fd){
		.fd = fd,
		.events = (short)((what & CURL_POLL_IN ? POLLIN : 0) |
				  (what & CURL_POLL_OUT ? POLLOUT : 0)),
	};
	return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct transfer *t = arg;

	(void)multi;
	t->timer_us = timeout_ms < 0 ? NEVER_US : now_mono_us() + timeout_ms * US_PER_MS;
	return 0;
}

void transfer_open(struct transfer *t, CURL *easy)
{
	*t = (struct transfer){ .easy = easy, .multi = curl_multi_init(), .timer_us = NEVER_US };
	if (!t->multi)
		die("out of memory for a transfer");
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
	curl_multi_add_handle(t->multi, easy);
}

MAY_YIELD static enum err wait_for_something(struct transfer *t, int64_t deadline_us)
{
	int64_t until_us = t->timer_us < deadline_us ? t->timer_us : deadline_us;
	enum err r;

	if (t->n > 0)
		return rt_wait_fds(t->fds, t->n, until_us);
	r = rt_sleep_until(until_us);
	return r == OK ? ERR_DEADLINE : r;
}

/* Curl changes t->fds while it is told, so it is told from a copy. */
static void tell_sockets(struct transfer *t, int *running)
{
	struct rt_fd ready[TRANSFER_FDS];
	size_t n = t->n;

	memcpy(ready, t->fds, sizeof(ready));
	for (size_t i = 0; i < n; i++) {
		int mask = 0;

		if (ready[i].revents & (POLLIN | POLLHUP))
			mask |= CURL_CSELECT_IN;
		if (ready[i].revents & POLLOUT)
			mask |= CURL_CSELECT_OUT;
		if (ready[i].revents & (POLLERR | POLLNVAL))
			mask |= CURL_CSELECT_ERR;
		if (mask)
			curl_multi_socket_action(t->multi, ready[i].fd, mask, running);
	}
}

static void tell_time(struct transfer *t, int *running)
{
	t->timer_us = NEVER_US;
	curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, running);
}

MAY_YIELD static enum err run(struct transfer *t, int64_t deadline_us)
{
	int running = 1;
	enum err r;

	tell_time(t, &running);
	while (running > 0) {
		if (now_mono_us() >= deadline_us)
			return ERR_DEADLINE;
		r = wait_for_something(t, deadline_us);
		if (r == OK)
			tell_sockets(t, &running);
		else if (r != ERR_DEADLINE)
			return r;
		if (t->timer_us <= now_mono_us())
			tell_time(t, &running);
	}
	return OK;
}

MAY_YIELD enum err transfer_run(struct transfer *t, int64_t deadline_us, CURLcode *ret_code)
{
	enum err r = run(t, deadline_us);
	const CURLMsg *message;
	int left;

	message = curl_multi_info_read(t->multi, &left);
	*ret_code = message ? message->data.result : CURLE_OPERATION_TIMEDOUT;
	return r;
}

void transfer_close(struct transfer *t)
{
	curl_multi_remove_handle(t->multi, t->easy);
	curl_multi_cleanup(t->multi);
}

struct str transfer_problem(enum err r, CURLcode code)
{
	if (r == ERR_DEADLINE)
		return STR("It took too long.");
	if (r != OK)
		return STR("The server is shutting down.");
	return str_of(curl_easy_strerror(code));
}
