/*
 * A connection out that carries bytes: TCP, or TLS over it, waiting on the seam. For protocols that
 * libcurl does not speak. A stream may be used by one task at a time, on whichever thread.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "net/http_client.h"

struct stream;

struct stream_target {
	struct str host; /* name or numeric address, without brackets */
	uint16_t port;
	bool tls; /* 1.2 or later; the certificate must be @host's and one we trust */
};

/**
 * stream_open() - look up, connect, shake hands
 * @ret_problem: on failure a sentence without secrets
 *
 * Returns: OK, ERR_UNAVAILABLE, ERR_DEADLINE, ERR_OVERLOADED or ERR_SHUTDOWN.
 */
MAY_YIELD MUST_CHECK enum err stream_open(struct net *net, const struct stream_target *target,
    int64_t deadline_us, struct stream **ret, struct str *ret_problem);
/** stream_close() - at once, without saying goodbye; NULL is fine. */
void stream_close(struct stream **s);

/** stream_write() - all of @bytes. Returns: OK, ERR_UNAVAILABLE, ERR_DEADLINE or ERR_SHUTDOWN. */
MAY_YIELD MUST_CHECK enum err stream_write(struct stream *s, struct str bytes, int64_t deadline_us);
/** stream_read() - what there is, at least a byte; as stream_write(), the end is ERR_UNAVAILABLE.
 */
MAY_YIELD MUST_CHECK enum err stream_read(
    struct stream *s, char *room, size_t size, int64_t deadline_us, size_t *ret_n);
/** stream_is_quiet() - open, and nothing has come: fit for the next question. Does not wait. */
bool stream_is_quiet(const struct stream *s);

#endif
