/*
 * One request and its reply: the bytes received, the reader, the request while an engine has it,
 * and the reply until it is written. It may outlive its connection: what an engine has begun runs
 * to its end, and a reply nobody waits for is dropped.
 *
 * Everything here is called on the loop's thread (or in a coroutine of it).
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/http_priv.h"

struct exchange {
	struct exchange *next_spare; /* while the loop keeps it for later */
	struct http_loop *loop;
	struct conn *conn; /* NULL once it has gone */
	struct api *api;

	char *in; /* received so far */
	size_t in_len, in_cap;
	size_t in_wet; /* no byte from here on has held anything */
	struct http_parser parser;
	struct api_header *fields; /* as many as the parser found; owned */
	struct api_request request;
	struct api_match match;
	int64_t arrived_us; /* monotonic: when the last byte had come */

	struct request rq;
	bool rq_live; /* request_init() was called */
	struct api_reply reply;

	/* While an engine has it. */
	bool on_worker;
	struct rt_work work;
	struct rt_mail finished;
	int begun, left; /* atomics: the worker has called request_init(); the client has gone */
};

/** exchange_new() - an empty one, with room for at least @room bytes received. */
struct exchange *exchange_new(struct conn *conn, size_t room);
/** exchange_free() - give everything back; no engine may have it. */
void exchange_free(struct exchange *ex);
/** exchange_free_spare() - give back what exchange_free() kept for the next request. */
void exchange_free_spare(struct http_loop *loop);

/** exchange_received() - @n bytes have been put behind ex->in_len. */
void exchange_received(struct exchange *ex, size_t n);
/** exchange_space() - how many more bytes may be received into ex->in + ex->in_len. */
size_t exchange_space(const struct exchange *ex);
/** exchange_grow() - make space, as far as the request can need it. */
void exchange_grow(struct exchange *ex);
/**
 * exchange_split() - cut the bytes behind a complete request off
 *
 * Returns: a new exchange that begins with them, or NULL when there are none.
 */
struct exchange *exchange_split(struct exchange *ex);

/**
 * exchange_run() - hand a complete request to the engine its route asks for
 *
 * conn_answer() is called with the reply: before the return when it is there at once, from the loop
 * or a coroutine of it otherwise. When no worker or coroutine is free the reply is
 * ERR_OVERLOADED's.
 */
void exchange_run(struct exchange *ex);

/** exchange_refuse() - make the reply of a request that is not to be run. */
void exchange_refuse(struct exchange *ex, enum err e, const char *why);

/**
 * exchange_cancel() - the client has gone while an engine has the request
 *
 * Returns: true when nothing had begun; @ex is then the caller's to free. Otherwise it runs on.
 */
bool exchange_cancel(struct exchange *ex);

#endif
