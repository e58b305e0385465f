/*
 * Connections to one database. Each belongs for life to one owner: a loop, whose thread alone uses
 * it, or all other threads together. Those who find none wait in line, not longer than an answer
 * may take. A breaker stands before it all: a server that does not answer is asked by one caller
 * now and then, and the others are told at once.
 */
#ifndef STORE_PG_POOL_H
#define STORE_PG_POOL_H

#include "store/pg_conn.h"

struct pg_pools;

/** pg_pools_new() - nothing is connected yet. */
struct pg_pools *pg_pools_new(const struct store_config *config, struct str url);
/** pg_pools_free() - nobody uses a connection any more. */
void pg_pools_free(struct pg_pools *pools);

/**
 * pg_pools_get() - a connection for @rq, fresh or used before, with nothing in flight
 *
 * Returns: OK; ERR_UNAVAILABLE (no server, rq->retry_after_us set), ERR_OVERLOADED (the line is
 * full), ERR_DEADLINE, ERR_SHUTDOWN.
 */
MAY_YIELD MUST_CHECK enum err pg_pools_get(
    struct pg_pools *pools, struct request *rq, struct pg_conn **ret);
/** pg_pools_put() - give it back, to the next in line; a useless one is closed. */
void pg_pools_put(struct pg_pools *pools, struct pg_conn *c);

/** pg_pools_gauges() - fill in what it counts. */
void pg_pools_gauges(struct pg_pools *pools, struct store_gauges *ret);

/**
 * pg_connect() - one connection of one's own, from any of the servers @url names
 * @ret_problem: on failure a sentence for the operator
 */
MAY_YIELD MUST_CHECK enum err pg_connect(struct str url, struct lane *blocking, int64_t deadline_us,
    struct arena *arena, struct pg_conn **ret, struct str *ret_problem);

#endif
