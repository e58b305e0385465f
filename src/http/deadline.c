#include "http/deadline.h"

#include "http/conn.h"
#include "http/http_priv.h"

static void arm(struct http_loop *loop, int64_t due_us)
{
	struct deadlines *d = &loop->deadlines;
	int64_t left_us = due_us - rt_loop_now_us(loop->rt);

	ev_timer_stop(loop->ev, &d->timer);
	ev_timer_set(&d->timer, left_us > 0 ? (double)left_us / US_PER_S : 0., 0.);
	ev_timer_start(loop->ev, &d->timer);
	d->timer_us = due_us;
}

struct conn *deadline_first(struct http_loop *loop, enum deadline_kind kind)
{
	struct list *conns = &loop->deadlines.kinds[kind].conns;

	return list_empty(conns) ? NULL : CONTAINER_OF(conns->next, struct conn, link);
}

static void on_timer(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
	struct http_loop *loop = timer->data;
	struct deadlines *d = &loop->deadlines;
	int64_t now = rt_loop_now_us(loop->rt), next = NEVER_US;
	struct conn *conn;

	(void)ev;
	(void)revents;
	for (enum deadline_kind kind = DEADLINE_HEAD; kind < DEADLINE_COUNT; kind++) {
		while ((conn = deadline_first(loop, kind)) && conn->due_us <= now)
			conn_expired(conn, kind);
	}
	/* Only now: an expiry may have set a deadline of another kind. */
	for (enum deadline_kind kind = DEADLINE_HEAD; kind < DEADLINE_COUNT; kind++) {
		if ((conn = deadline_first(loop, kind)) && conn->due_us < next)
			next = conn->due_us;
	}
	d->timer_us = NEVER_US;
	if (next != NEVER_US)
		arm(loop, next);
}

void deadlines_init(struct http_loop *loop)
{
	const struct http_config *config = &loop->server->config;
	struct deadlines *d = &loop->deadlines;

	for (enum deadline_kind kind = DEADLINE_NONE; kind < DEADLINE_COUNT; kind++)
		list_init(&d->kinds[kind].conns);
	d->kinds[DEADLINE_HEAD].span_us = config->head_us;
	d->kinds[DEADLINE_BODY].span_us = config->body_us;
	d->kinds[DEADLINE_IDLE].span_us = config->idle_us;
	d->kinds[DEADLINE_WRITE].span_us = config->write_us;
	d->kinds[DEADLINE_LINGER].span_us = config->linger_us;
	d->kinds[DEADLINE_QUIET].span_us = config->quiet_us;
	ev_timer_init(&d->timer, on_timer, 0., 0.);
	d->timer.data = loop;
	d->timer_us = NEVER_US;
}

void deadline_set(struct conn *conn, enum deadline_kind kind)
{
	struct http_loop *loop = conn->loop;
	struct deadlines *d = &loop->deadlines;

	list_remove(&conn->link);
	list_push_back(&d->kinds[kind].conns, &conn->link);
	if (kind == DEADLINE_NONE)
		return;
	conn->due_us = rt_loop_now_us(loop->rt) + d->kinds[kind].span_us;
	if (conn->due_us < d->timer_us)
		arm(loop, conn->due_us);
}
