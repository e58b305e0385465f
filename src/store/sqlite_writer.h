/*
 * The one thread that writes. It takes every transaction that waits, runs each in a savepoint of
 * one outer transaction, commits once (one fsync), and then wakes all whose work is durable.
 */
#ifndef STORE_SQLITE_WRITER_H
#define STORE_SQLITE_WRITER_H

#include "store/sqlite_conn.h"

struct writer;

/** writer_new() - takes over @conn and starts the thread; NULL when there can be none. */
struct writer *writer_new(const struct sqlite_conn *conn, const struct store_config *config);
/** writer_free() - finish what is queued, join, close the connection. */
void writer_free(struct writer *w);
/** writer_tx() - db_ops.tx. */
MAY_YIELD MUST_CHECK enum err writer_tx(
    struct writer *w, struct request *rq, store_fn *fn, void *arg);
/** writer_commits() - how many batches are durable; raised before any caller hears of one. */
uint64_t writer_commits(const struct writer *w);
/** writer_gauges() - fill in what it counts. */
void writer_gauges(struct writer *w, struct store_gauges *ret);

#endif
