/*
 * Schema versions: numbered .sql files (sql/sqlite, sql/postgresql), embedded at build time,
 * applied in order, each in one transaction, each remembered with its SHA-256. Forward only.
 *
 * A file for PostgreSQL begins with "-- oldest: N": a program that knows schema N or newer can go
 * on using what this migration leaves. So nodes are upgraded one after the other: what is renamed
 * or dropped is so in two steps, a release apart.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "base/err.h"
#include "base/str.h"

struct arena;

struct migrate_result {
	int64_t from, to;   /* schema versions before and after; 0: empty */
	struct str problem; /* on failure: a sentence for the operator */
};

/**
 * migrate() - bring the database at @url to this program's schema
 * @plan_only: only say what would be done
 * @said: called with one sentence a step; may be NULL
 *
 * Returns: OK; ERR_UNAVAILABLE (busy); ERR_INTERNAL (newer schema, changed migration, not ours).
 */
MUST_CHECK enum err migrate(struct str url, bool plan_only, struct arena *arena,
    void (*said)(void *arg, struct str sentence), void *arg, struct migrate_result *ret);

/** migrate_at_start() - does `serve` migrate the database at @url by itself? */
bool migrate_at_start(struct str url);

/** migrate_latest() - the newest schema version this program has. */
int64_t migrate_latest(void);

#endif
