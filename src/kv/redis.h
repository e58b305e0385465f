/*
 * Redis or Valkey, one server or a cluster, asked over connections that belong to their callers'
 * threads. Several calls travel together. Every call has one key, and whoever is asked for it is
 * found by that key, so a cluster that moves slots about is followed.
 *
 * A server that fails rests for a moment and calls are refused at once meanwhile: nobody waits for
 * what is known to be away.
 */
#ifndef KV_REDIS_H
#define KV_REDIS_H

#include "net/http_client.h"

struct redis;

struct redis_config {
	struct str url; /* redis[s]://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE] */
	struct net *net;
	int64_t timeout_us;   /* of one call, connecting included; 0: 50 ms */
	unsigned connections; /* of the worker threads together, and of each loop; 0: 16 */
};

/** redis_new() - check the URL; nothing is asked yet. A sentence in @ret_problem on ERR_INTERNAL.
 */
MUST_CHECK enum err redis_new(const struct redis_config *config, struct arena *arena,
    struct redis **ret, struct str *ret_problem);
/** redis_check_url() - a sentence for what is wrong with @url, or the empty str. */
struct str redis_check_url(struct arena *arena, struct str url);
/** redis_free() - when nobody asks any more; NULL is fine. */
void redis_free(struct redis **r);

/** struct redis_script - Lua that touches one key; sent by its hash, whole where it is unknown. */
struct redis_script {
	const char *text;
	const char *sha1; /* 40 hex digits */
};

enum redis_type {
	REDIS_NIL,
	REDIS_INTEGER,
	REDIS_STRING,
	REDIS_LIST,
	REDIS_ERROR, /* one the caller is told of: the text begins with its kind */
};

struct redis_value {
	enum redis_type type;
	int64_t integer;
	struct str string;
	const struct redis_value *items;
	size_t n;
};

/** REDIS_CALLS_MAX - that travel together. */
#define REDIS_CALLS_MAX 16
#define REDIS_ARGS_MAX 200

/** struct redis_call - one command (or script), its key, and what stands behind the key. */
struct redis_call {
	const char *command; /* "SET"; NULL: a script */
	const struct redis_script *script;
	struct str key;
	const struct str *args;
	size_t n_args; /* at most REDIS_ARGS_MAX */

	struct redis_value reply; /* in rq->secrets */

	/* redis.c's own. */
	unsigned node;
	bool settled, asking, whole;
};

/**
 * redis_calls() - ask for all of @calls, together
 *
 * Returns: OK with every reply filled in (REDIS_ERROR for what this command did wrong); else some
 * may have been carried out: ERR_UNAVAILABLE (away, loading, read only, full), ERR_DEADLINE or
 * ERR_SHUTDOWN.
 */
MAY_YIELD MUST_CHECK enum err redis_calls(
    struct redis *r, struct request *rq, struct redis_call *calls, size_t n);

struct redis_gauges {
	uint64_t calls, failures, connections; /* since the start */
	bool away;
};
/** redis_gauges() - read them all; any thread. */
struct redis_gauges redis_gauges(const struct redis *r);

#endif
