/*
 * Deadlines of connections, cheap to set and to change: each kind lasts equally long on every
 * connection, so a list in the order they were set is a list in the order they fall due. One timer
 * a loop watches the heads of the lists.
 */
#ifndef HTTP_DEADLINE_H
#define HTTP_DEADLINE_H

#include <ev.h>

#include "base/list.h"

struct conn;
struct http_loop;

enum deadline_kind {
	DEADLINE_NONE, /* an engine has the request and its deadline */
	DEADLINE_HEAD,
	DEADLINE_BODY,
	DEADLINE_IDLE,
	DEADLINE_WRITE,
	DEADLINE_LINGER,
	DEADLINE_QUIET,
	DEADLINE_COUNT,
};

struct deadlines {
	struct {
		struct list conns;
		int64_t span_us;
	} kinds[DEADLINE_COUNT];
	struct ev_timer timer;
	int64_t timer_us; /* when it goes off */
};

/** deadlines_init() - spans from the server's configuration; calls conn_expired() on the loop. */
void deadlines_init(struct http_loop *loop);
/** deadline_set() - @conn has this long from now; replaces the deadline it had. */
void deadline_set(struct conn *conn, enum deadline_kind kind);
/** deadline_first() - the connection that has had a deadline of @kind for the longest, or NULL. */
struct conn *deadline_first(struct http_loop *loop, enum deadline_kind kind);

#endif
