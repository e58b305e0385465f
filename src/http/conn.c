#include "http/conn.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/log.h"
#include "http/peers.h"
#include "http/response.h"
#include "http/transport.h"

/* A reply longer than this gets a new write deadline for every such piece taken. */
#define WRITE_PIECE 65536
/* What a client may still send after the last reply before it is cut. */
#define LINGER_MAX ((size_t)4 * 1024 * 1024)

/* Thousands of them are idle at any time. */
_Static_assert(sizeof(struct conn) <= 512, "an idle connection is small");

static void on_readable(struct ev_loop *ev, struct ev_io *io, int revents);
static void on_writable(struct ev_loop *ev, struct ev_io *io, int revents);
static void on_step(struct ev_loop *ev, struct ev_timer *timer, int revents);

/* --- opening and closing --- */

static void on_opened(struct rt_mail *mail)
{
	struct conn *conn = CONTAINER_OF(mail, struct conn, opened);

	if (conn->loop->cutting) {
		conn_close(conn);
		return;
	}
	deadline_set(conn, DEADLINE_HEAD);
	if (conn->loop->draining)
		conn_quiesce(conn);
	ev_io_start(conn->loop->ev, &conn->readable);
}

void conn_open(struct http_loop *loop, const struct http_listener *listener, int fd,
    const struct client_address *address, struct peer *peer)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		die("out of memory");
	list_init(&conn->link);
	conn->loop = loop;
	conn->listener = listener;
	conn->fd = fd;
	if (listener->tls)
		conn->tls = tls_accept(listener->tls, fd);
	conn->address = *address;
	conn->peer = peer;
	ev_io_init(&conn->readable, on_readable, fd, EV_READ);
	ev_io_init(&conn->writable, on_writable, fd, EV_WRITE);
	ev_timer_init(&conn->step, on_step, 0., 0.);
	conn->readable.data = conn->writable.data = conn->step.data = conn;
	conn->opened.fn = on_opened;
	http_hold(&loop->server->open);
	HTTP_COUNT(loop->server, connections, 1);
	if (loop->rt == rt_loop_self())
		on_opened(&conn->opened);
	else
		rt_loop_post(loop->rt, &conn->opened);
}

static void abandon(struct conn *conn)
{
	struct exchange *ex = conn->current;

	conn->current = NULL;
	if (conn->state == CONN_RUNNING && !exchange_cancel(ex))
		ex->conn = NULL; /* freed when it has run */
	else
		exchange_free(ex);
}

void conn_close(struct conn *conn)
{
	struct http_loop *loop = conn->loop;

	if (conn->state == CONN_CLOSED)
		return;
	ev_io_stop(loop->ev, &conn->readable);
	ev_io_stop(loop->ev, &conn->writable);
	ev_timer_stop(loop->ev, &conn->step);
	transport_close(conn);
	if (conn->current)
		abandon(conn);
	if (conn->next)
		exchange_free(conn->next);
	conn->next = NULL;
	conn->state = CONN_CLOSED;
	list_remove(&conn->link);
	conn->next_closed = loop->closed;
	loop->closed = conn;
	ev_prepare_start(loop->ev, &loop->reap);
	peers_leave(loop->server->peers, conn->peer);
	HTTP_COUNT(loop->server, connections, -1);
	http_release(loop->server, &loop->server->open);
}

void conn_reap(struct http_loop *loop)
{
	struct conn *conn;

	while ((conn = loop->closed)) {
		loop->closed = conn->next_closed;
		free(conn);
	}
}

/* Only now: callers up the stack still look at a connection that was closed under them. */
static void on_reap(struct ev_loop *ev, struct ev_prepare *reap, int revents)
{
	(void)revents;
	conn_reap(reap->data);
	ev_prepare_stop(ev, reap);
}

void conn_reap_init(struct http_loop *loop)
{
	ev_prepare_init(&loop->reap, on_reap);
	loop->reap.data = loop;
}

/* --- reading --- */

/* Wait for bytes; those a TLS record brought along are there already. */
static void await_bytes(struct conn *conn)
{
	ev_io_start(conn->loop->ev, &conn->readable);
	if (transport_has_more(conn))
		ev_feed_event(conn->loop->ev, &conn->readable, EV_READ);
}

/* The client sends no more. What has begun is answered: it may only have closed its side. */
static void receive_eof(struct conn *conn)
{
	conn->eof = true;
	ev_io_stop(conn->loop->ev, &conn->readable);
	if (conn->state == CONN_IDLE) {
		conn_close(conn);
	} else if (conn->state == CONN_RUNNING && exchange_cancel(conn->current)) {
		exchange_free(conn->current);
		conn->current = NULL;
		conn_close(conn);
	}
}

static void begin_request(struct conn *conn)
{
	conn->state = CONN_READING;
	conn->in_body = false;
	deadline_set(conn, DEADLINE_HEAD);
}

/*
 * Takes what has arrived, also while a request is running: that is how a client's leaving shows.
 * What comes then waits, as much as one buffer holds.
 */
static void receive(struct conn *conn)
{
	struct exchange *ex = conn->next ? conn->next : exchange_new(conn, 0);
	ssize_t n = -1;

	if (!exchange_space(ex)) {
		ev_io_stop(conn->loop->ev, &conn->readable);
		return;
	}
	n = transport_read(conn, ex->in + ex->in_len, exchange_space(ex));
	if (n > 0) {
		exchange_received(ex, (size_t)n);
		conn->next = ex;
		if (conn->state == CONN_IDLE)
			begin_request(conn);
		return;
	}
	if (!conn->next)
		exchange_free(ex);
	if (n == 0)
		receive_eof(conn);
	else if (errno != EAGAIN && errno != EINTR)
		conn_close(conn);
	else if (transport_wants_write(conn))
		ev_io_start(conn->loop->ev, &conn->writable);
}

static void refuse(struct conn *conn, enum err e, const char *why)
{
	struct http_server *server = conn->loop->server;

	if (e == ERR_TIMEOUT)
		HTTP_COUNT(server, refused_timeout, 1);
	else if (e == ERR_BAD_REQUEST)
		HTTP_COUNT(server, refused_malformed, 1);
	else
		HTTP_COUNT(server, refused_too_large, 1);
	conn->current = conn->next;
	conn->next = NULL;
	conn->closing = true; /* nobody knows where a next request would begin */
	exchange_refuse(conn->current, e, why);
	conn_answer(conn);
}

/* The head has come and the body has not. */
static void begin_body(struct conn *conn)
{
	static const struct str proceed[2] = { STR_INIT("HTTP/1.1 100 Continue\r\n\r\n") };
	const struct exchange *ex = conn->next;

	conn->in_body = true;
	deadline_set(conn, DEADLINE_BODY);
	if (!ex->parser.expect_continue || ex->in_len > ex->parser.body_at)
		return;
	/* Every earlier reply has been taken: the socket has room for this. */
	if (transport_write(conn, proceed) != (ssize_t)proceed[0].len)
		conn_close(conn);
}

/* Judges what has been received; runs the request when it is complete. */
static void advance(struct conn *conn)
{
	struct exchange *ex = conn->next;

	switch (http_parse(&ex->parser, ex->in, &ex->in_len)) {
	case HTTP_MORE:
		if (conn->eof)
			refuse(conn, ERR_BAD_REQUEST, "the client stopped in the middle");
		else if (http_parser_in_body(&ex->parser) && !conn->in_body)
			begin_body(conn);
		if (conn->state == CONN_READING && !exchange_space(ex))
			exchange_grow(ex);
		break;
	case HTTP_COMPLETE:
		conn->current = ex;
		conn->next = exchange_split(ex);
		conn->closing = ex->parser.close;
		conn->state = CONN_RUNNING;
		deadline_set(conn, DEADLINE_NONE);
		exchange_run(ex);
		break;
	case HTTP_REFUSED:
		refuse(conn, ex->parser.err, ex->parser.why);
		break;
	}
}

/* After the last reply: were the socket closed on unread bytes, the reply would be lost to them. */
static void discard(struct conn *conn)
{
	char nothing[4096];
	ssize_t n;

	for (int i = 0; i < 16; i++) {
		n = recv(conn->fd, nothing, sizeof(nothing), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		conn->moved += n > 0 ? (size_t)n : 0;
		if (n <= 0 || conn->moved > LINGER_MAX) {
			conn_close(conn);
			return;
		}
	}
}

static void on_readable(struct ev_loop *ev, struct ev_io *io, int revents)
{
	struct conn *conn = io->data;

	(void)ev;
	if (conn->state == CONN_LINGERING) {
		discard(conn);
		return;
	}
	if (revents & EV_READ)
		receive(conn);
	if (conn->state == CONN_READING)
		advance(conn);
	if (ev_is_active(io))
		await_bytes(conn);
}

/* --- writing --- */

static void linger(struct conn *conn)
{
	if (conn->next)
		exchange_free(conn->next);
	conn->next = NULL;
	if (conn->eof) {
		conn_close(conn);
		return;
	}
	transport_finish(conn);
	conn->state = CONN_LINGERING;
	conn->moved = 0;
	deadline_set(conn, DEADLINE_LINGER);
	ev_io_start(conn->loop->ev, &conn->readable);
}

static void reply_sent(struct conn *conn)
{
	struct ev_loop *ev = conn->loop->ev;

	HTTP_COUNT(conn->loop->server, replies, 1);
	ev_io_stop(ev, &conn->writable);
	exchange_free(conn->current);
	conn->current = NULL;
	if (conn->closing) {
		linger(conn);
		return;
	}
	if (!conn->eof)
		await_bytes(conn);
	if (conn->next) {
		/* Not from here: this may be a coroutine, and the stack would grow with the
		 * pipeline. */
		begin_request(conn);
		ev_feed_event(ev, &conn->readable, EV_CUSTOM);
	} else if (conn->eof) {
		conn_close(conn);
	} else {
		conn->state = CONN_IDLE;
		deadline_set(conn, conn->loop->draining ? DEADLINE_QUIET : DEADLINE_IDLE);
	}
}

static void consume(struct conn *conn, size_t n)
{
	size_t head = n < conn->out[0].len ? n : conn->out[0].len;

	conn->out[0] = str_from(conn->out[0], head);
	conn->out[1] = str_from(conn->out[1], n - head);
	conn->moved += n;
}

static void wait_writable(struct conn *conn)
{
	if (ev_is_active(&conn->writable) && conn->moved < WRITE_PIECE)
		return;
	ev_io_start(conn->loop->ev, &conn->writable);
	deadline_set(conn, DEADLINE_WRITE);
	conn->moved = 0;
}

static void write_reply(struct conn *conn)
{
	ssize_t n;

	conn->state = CONN_WRITING;
	while (conn->out[0].len + conn->out[1].len) {
		n = transport_write(conn, conn->out);
		if (n >= 0) {
			consume(conn, (size_t)n);
		} else if (errno == EAGAIN) {
			wait_writable(conn);
			return;
		} else if (errno != EINTR) {
			conn_close(conn);
			return;
		}
	}
	reply_sent(conn);
}

static void on_writable(struct ev_loop *ev, struct ev_io *io, int revents)
{
	struct conn *conn = io->data;

	(void)revents;
	if (conn->state == CONN_WRITING) {
		write_reply(conn);
		return;
	}
	/* A handshake waited for room. */
	ev_io_stop(ev, io);
	on_readable(ev, &conn->readable, EV_READ);
}

/* The timer counts from the beginning of the loop's turn, as rt_loop_now_us() does. */
static void arm_step(struct conn *conn)
{
	int64_t left_us = conn->due_us - rt_loop_now_us(conn->loop->rt);

	ev_timer_set(&conn->step, left_us > 0 ? (double)left_us / US_PER_S : 0., 0.);
	ev_timer_start(conn->loop->ev, &conn->step);
}

static void on_step(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
	struct conn *conn = timer->data;

	(void)ev;
	(void)revents;
	if (now_mono_us() < conn->due_us)
		arm_step(conn);
	else
		write_reply(conn);
}

/* How far the steps of this reply are apart; 0: it leaves at once. */
static int64_t step_of(const struct conn *conn)
{
	const struct exchange *ex = conn->current;
	int64_t uniform_us = conn->loop->server->config.uniform_us;

	if (!ex->match.uniform)
		return 0;
	return ex->rq.step_us > uniform_us ? ex->rq.step_us : uniform_us;
}

/*
 * A uniform reply leaves at the next step after it is finished. Steps count from the request's last
 * byte, not its first: a client that chose where its work falls between two steps could measure it.
 */
static void hold(struct conn *conn, int64_t step_us)
{
	int64_t arrived_us = conn->current->arrived_us;
	int64_t steps = (now_mono_us() - arrived_us) / step_us + 1;

	conn->state = CONN_HOLDING;
	conn->due_us = arrived_us + steps * step_us;
	deadline_set(conn, DEADLINE_NONE);
	arm_step(conn);
}

void conn_answer(struct conn *conn)
{
	struct http_loop *loop = conn->loop;
	struct exchange *ex = conn->current;
	int64_t step_us;

	conn->state = CONN_WRITING;
	if (loop->draining && !conn->closing) {
		/* What was sent before the client could know is answered too. */
		if (!conn->eof)
			receive(conn);
		if (conn->state == CONN_CLOSED)
			return;
		conn->closing = !conn->next;
	}
	conn->out[0] = response_head(ex->rq.arena, &ex->reply, http_loop_date(loop), conn->closing);
	conn->out[1] = STR_NULL;
	if (ex->request.method != METHOD_HEAD && response_has_body(ex->reply.status))
		conn->out[1] = ex->reply.body;
	step_us = step_of(conn);
	if (step_us > 0)
		hold(conn, step_us);
	else
		write_reply(conn);
}

/* --- deadlines --- */

void conn_expired(struct conn *conn, enum deadline_kind kind)
{
	switch (kind) {
	case DEADLINE_HEAD:
	case DEADLINE_BODY:
		if (conn->state == CONN_READING)
			refuse(conn, ERR_TIMEOUT, "the client took too long to send");
		else
			conn_close(conn);
		break;
	case DEADLINE_QUIET:
		/* One last look: a request may have come since the loop last asked. */
		receive(conn);
		if (conn->state == CONN_READING)
			advance(conn);
		else
			conn_close(conn);
		break;
	case DEADLINE_NONE:
	case DEADLINE_IDLE:
	case DEADLINE_WRITE:
	case DEADLINE_LINGER:
	case DEADLINE_COUNT:
		conn_close(conn);
		break;
	}
}

void conn_quiesce(struct conn *conn)
{
	if (conn->state == CONN_IDLE)
		deadline_set(conn, DEADLINE_QUIET);
}
