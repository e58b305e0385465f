/*
 * One connection: bytes in, requests one after the other, replies out. It lives on one loop's
 * thread. While idle it holds no buffer, no request and no coroutine.
 */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include "http/exchange.h"
#include "net/tls.h"

enum conn_state {
	CONN_IDLE,    /* between requests */
	CONN_READING, /* a request has begun */
	CONN_RUNNING, /* an engine has one */
	CONN_HOLDING, /* a uniform reply waits for its step */
	CONN_WRITING,
	CONN_LINGERING, /* the last reply is out; the client may still be sending */
	CONN_CLOSED,    /* freed at the end of the turn */
};

struct conn {
	struct list link; /* in one of the loop's deadline lists */
	struct conn *next_closed;
	int64_t due_us; /* of its deadline, or of a uniform reply's step */
	struct http_loop *loop;
	const struct http_listener *listener;
	struct peer *peer;
	struct client_address address;
	int fd;
	struct tls_stream *tls; /* NULL: plain */
	enum conn_state state;
	bool closing; /* after this reply */
	bool eof;     /* the client sends no more */
	bool in_body; /* conn->next has its head */

	struct exchange *current; /* with an engine, or its reply being written */
	struct exchange *next;    /* being received; never empty */

	struct str out[2]; /* what is left of the reply: head and body */
	size_t moved;      /* bytes written since the deadline was set, or dropped lingering */

	struct ev_io readable, writable;
	struct ev_timer step; /* uniform replies */
	struct rt_mail opened;
};

/**
 * conn_open() - serve an accepted socket on @loop; any thread
 * @fd:   taken; non-blocking
 * @peer: taken
 */
void conn_open(struct http_loop *loop, const struct http_listener *listener, int fd,
    const struct client_address *address, struct peer *peer);

/** conn_close() - cut it; the memory goes at the end of the loop's turn. */
void conn_close(struct conn *conn);
/** conn_answer() - conn->current has its reply: send it, now or at its step. */
void conn_answer(struct conn *conn);
/** conn_expired() - a deadline passed; leaves @conn with another one, or closed. */
void conn_expired(struct conn *conn, enum deadline_kind kind);
/** conn_quiesce() - the server drains: an idle connection has config.quiet_us left. */
void conn_quiesce(struct conn *conn);

/** conn_reap_init() - free closed connections at the end of each turn of @loop. */
void conn_reap_init(struct http_loop *loop);
/** conn_reap() - free them now. */
void conn_reap(struct http_loop *loop);

#endif
