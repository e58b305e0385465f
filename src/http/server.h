/*
 * The HTTP server: loops, their connections, the workers of the sync engine, and the sockets they
 * listen on. One process has one; each listener may answer with an api of its own (the public one,
 * metrics).
 *
 *	loop 0 accepts -> a loop owns the connection -> api_match() says where the request runs
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/parse.h"

struct http_server;
struct tls;

/** struct http_config - fixed for the server's life; start from http_config_default. */
struct http_config {
	unsigned loops;      /* threads that serve connections; 0: one a core */
	unsigned workers;    /* threads of the sync engine */
	unsigned queue;      /* requests waiting for a worker, at most */
	unsigned coroutines; /* requests of the async engine in flight on one loop, at most */

	struct http_limits limits;
	unsigned max_connections;
	unsigned per_peer_connections; /* one IPv4 address or IPv6 /64; 0: no bound */

	int64_t head_us;    /* from a request's first byte, or from accept, to its blank line */
	int64_t body_us;    /* from there to the body's last byte */
	int64_t idle_us;    /* between requests */
	int64_t write_us;   /* for the client to take a reply, or each 64 KiB of a longer one */
	int64_t request_us; /* from the last byte of a request to its reply: rq->deadline_us */
	int64_t linger_us;  /* for the client to read the last reply before the socket goes */
	int64_t quiet_us;   /* draining: how long an idle connection may still bring a request */

	int64_t uniform_us; /* replies of uniform routes leave on multiples of this; 0: at once */
};

extern const struct http_config http_config_default;

/**
 * http_server_new() - loops and workers, not yet running
 * @config:  copied
 * @service: handed to request_init(); outlives the server
 */
struct http_server *http_server_new(const struct http_config *config, struct service *service);

/**
 * http_server_listen() - open a socket, before http_server_start()
 * @host: numeric address; "::" takes IPv4 too
 * @port: 0 picks a free one
 * @api:  answers what comes in here; outlives the server
 *
 * If the supervisor passed sockets (LISTEN_FDS), the n-th call takes the n-th of them instead.
 *
 * Returns: OK or ERR_UNAVAILABLE, with the reason logged.
 */
MUST_CHECK enum err http_server_listen(
    struct http_server *s, const char *host, uint16_t port, struct api *api);
/** http_server_encrypt() - the @n-th listener speaks TLS only; before the start; @tls outlives it.
 */
void http_server_encrypt(struct http_server *s, unsigned n, struct tls *tls);
/** http_server_port() - where the @n-th listener listens. */
uint16_t http_server_port(const struct http_server *s, unsigned n);

/** http_server_start() - start the threads and serve. Returns OK or ERR_INTERNAL. */
MUST_CHECK enum err http_server_start(struct http_server *s);

/**
 * http_server_drain() - stop accepting and let what is there end
 * @deadline_us: monotonic; connections still open then are cut
 *
 * Connections waiting in the listen queue are still taken. Every request received gets its reply,
 * the last one of each connection with "Connection: close"; idle connections are closed once they
 * stayed quiet for config.quiet_us. Call it once; it waits.
 *
 * Returns: true when nothing had to be cut.
 */
bool http_server_drain(struct http_server *s, int64_t deadline_us);

/**
 * http_server_free() - cut what is open, let what has begun run to its end, join every thread
 *
 * Drain first, or requests are lost. Sets *@s to NULL; NULL is fine.
 */
void http_server_free(struct http_server **s);

/** struct http_gauges - for metrics; counters since the start unless said otherwise. */
struct http_gauges {
	uint64_t connections; /* open now */
	uint64_t running;     /* requests with an engine now */
	uint64_t waiting;     /* of those, queued for a worker */
	uint64_t accepted;
	uint64_t requests; /* complete ones */
	uint64_t replies;  /* written to the last byte */

	uint64_t refused_malformed;
	uint64_t refused_too_large; /* body, target or head */
	uint64_t refused_timeout;
	uint64_t refused_overloaded; /* no worker or coroutine free */
	uint64_t refused_peer;       /* connections over per_peer_connections */
	uint64_t evicted;            /* idle connections closed to make room */
	uint64_t cancelled;          /* the client left before its request was begun */

	uint64_t accept_wakeups;
	uint64_t accept_failures; /* out of descriptors or memory */
};

/** http_server_gauges() - read them all; any thread. */
struct http_gauges http_server_gauges(const struct http_server *s);

#endif
