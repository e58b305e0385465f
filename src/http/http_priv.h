/*
 * What the files of this folder share: the server, its loops, and where they count. Everything in
 * a struct http_loop and below it belongs to that loop's thread alone.
 */
#ifndef HTTP_HTTP_PRIV_H
#define HTTP_HTTP_PRIV_H

#include <ev.h>
#include <pthread.h>

#include "base/clock.h"
#include "http/deadline.h"
#include "http/server.h"
#include "net/tls.h"
#include "rt/loop.h"
#include "rt/workers.h"

#define HTTP_MAX_LISTENERS 4

struct conn;
struct exchange;
struct peers;

struct http_loop {
	struct http_server *server;
	struct rt_loop *rt;
	struct ev_loop *ev;

	struct deadlines deadlines; /* every open connection is in one of its lists */
	struct conn *closed;        /* connections to free once this turn's events are done */
	struct ev_prepare reap;

	struct exchange *spare; /* exchanges kept for the next request */
	unsigned n_spare;

	int64_t date_s; /* the second @date says */
	char date[TIME_TEXT_SIZE];

	bool draining, cutting;
	struct rt_mail drain, cut, evict;
	int evict_posted; /* atomic */
};

struct http_listener {
	struct http_server *server;
	struct api *api;
	struct tls *tls; /* NULL: plain */
	int fd;
	bool inherited; /* from the supervisor */
	bool draining;
	uint16_t port;
	struct ev_io acceptable;
	struct ev_timer pause;
};

struct http_server {
	struct http_config config;
	struct service *service;
	struct rt_workers *workers;
	struct peers *peers;
	struct http_loop *loops;
	unsigned n_loops;
	unsigned next_loop; /* loop 0's: who gets the next connection */
	struct http_listener listeners[HTTP_MAX_LISTENERS];
	unsigned n_listeners;
	int reserve_fd; /* given up for a moment when descriptors run out */
	bool started, cutting;

	struct http_gauges gauges; /* atomics, relaxed */

	/* Counts, atomic; @changed says that one fell to none. */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned open;       /* connections, and listeners still accepting */
	unsigned on_workers; /* exchanges handed to a worker and not back on their loop */
};

/** HTTP_COUNT() - add @n to a gauge, from any thread. */
#define HTTP_COUNT(server, gauge, n) \
	__atomic_fetch_add(&(server)->gauges.gauge, (uint64_t)(n), __ATOMIC_RELAXED)

/** http_hold() / http_release() - count one of s->open or s->on_workers in and out. */
void http_hold(unsigned *count);
void http_release(struct http_server *s, unsigned *count);

/** http_loop_date() - now, as the Date field says it; made once a second. */
struct str http_loop_date(struct http_loop *loop);

#endif
