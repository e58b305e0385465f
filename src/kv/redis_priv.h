/* The parts of the Redis client; for this folder only. */
#ifndef KV_REDIS_PRIV_H
#define KV_REDIS_PRIV_H

#include <pthread.h>

#include "kv/redis.h"
#include "net/stream.h"
#include "rt/loop.h"

#define REDIS_SLOTS 16384
/** REDIS_NODES_MAX - servers of a cluster that are known at once; the first is the URL's. */
#define REDIS_NODES_MAX 64
#define REDIS_HOST_MAX 254

/** struct redis_place - where to connect, and as whom. */
struct redis_place {
	char host[REDIS_HOST_MAX];
	uint16_t port;
	bool tls;
	struct secret user, password; /* empty: none */
	int64_t database;
};

/** redis_url_parse() - @ret's secrets are in @arena. Returns: false with a sentence. */
bool redis_url_parse(
    struct arena *arena, struct str url, struct redis_place *ret, struct str *ret_problem);

/** struct redis_conn - one connection and what has come of its next reply. */
struct redis_conn {
	struct redis_conn *next; /* in its owner's list */
	struct stream *stream;
	void *reader; /* hiredis's redisReader */
	unsigned node;
};

/** redis_conn_open() - connect and log in; @place's secrets are only borrowed. */
MAY_YIELD MUST_CHECK enum err redis_conn_open(struct net *net, const struct redis_place *place,
    int64_t deadline_us, struct redis_conn **ret, struct str *ret_problem);
void redis_conn_close(struct redis_conn **c);
/** redis_conn_reply() - the next reply, in @arena. */
MAY_YIELD MUST_CHECK enum err redis_conn_reply(
    struct redis_conn *c, struct arena *arena, int64_t deadline_us, struct redis_value *ret);
/** redis_write_command() - in Redis's protocol: how many parts, then each with its length. */
void redis_write_command(struct buf *out, const struct str *parts, size_t n);

/** struct redis_pool - connections by owner: a loop's are its own, the threads share theirs. */
struct redis_pool;
struct redis_pool *redis_pool_new(unsigned connections);
void redis_pool_free(struct redis_pool **p);
/**
 * redis_pool_enter() - wait for a place among the calling thread's connections
 * @ret: an idle one to @node, or NULL: open one
 *
 * After OK the place is given back with redis_pool_leave().
 */
MAY_YIELD MUST_CHECK enum err redis_pool_enter(
    struct redis_pool *p, unsigned node, int64_t deadline_us, struct redis_conn **ret);
/** redis_pool_leave() - @conn is fit for the next one; NULL when it is not, and closed. */
void redis_pool_leave(struct redis_pool *p, struct redis_conn *conn);
/** redis_pool_forget() - close every idle connection to @node. */
void redis_pool_forget(struct redis_pool *p, unsigned node);

/** struct redis_node - one server and whether it rests. */
struct redis_node {
	struct redis_place place;
	unsigned failures;     /* atomic: in a row */
	int64_t rest_until_us; /* atomic; monotonic */
};

/** redis_slot() - the cluster's slot of @key: of what stands in {} where there are any. */
unsigned redis_slot(struct str key);

#endif
