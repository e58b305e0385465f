/* A store of its own for a test: fresh files or a fresh database, a key ring, rows that only differ
 * in their number. */
#ifndef TESTS_SUPPORT_STORE_FIXTURE_H
#define TESTS_SUPPORT_STORE_FIXTURE_H

#include "store/audit_store.h"
#include "store/flow_store.h"
#include "store/limit_store.h"
#include "store/migrate.h"
#include "store/outbox_store.h"
#include "store/session_store.h"
#include "store/user_store.h"

struct store_fixture {
	struct arena *arena;
	struct str dir, path;
	struct keyring *keys;
	struct store_config config; /* change it between the two calls below */
	struct store *store;
	struct audit_sealer sealer;
};

/**
 * store_fixture_postgresql() - from here on fixtures are databases of a PostgreSQL server that this
 * call starts; false when none is installed. store_fixture_postgresql_stop() ends it.
 */
bool store_fixture_postgresql(void);
void store_fixture_postgresql_stop(void);

/** store_fixture_home() - the folder in which fixtures make their directories. */
const char *store_fixture_home(void);
/** store_fixture_init() - a directory, keys, and a migrated file that nobody has open. */
void store_fixture_init(struct store_fixture *f);
/** store_fixture_open() - open it as f->config says; again after store_close(&f->store). */
void store_fixture_open(struct store_fixture *f);
/** store_fixture_done() - close it and remove the files. */
void store_fixture_done(struct store_fixture *f);

/** fixture_tx() - store_tx() for a request of its own, whose arena is f->arena's: it lives on. */
enum err fixture_tx(struct store_fixture *f, store_fn *fn, void *arg);
/** fixture_read() - the same for store_read(). */
enum err fixture_read(struct store_fixture *f, store_fn *fn, void *arg);

/** fixture_seal() - where seals come after the commit, seal now. */
void fixture_seal(struct store_fixture *f);

/** fixture_id() - the @n-th id of a kind, e.g. 'u'; sorts by @n. */
struct uuid fixture_id(char kind, unsigned n);
/** fixture_bytes() - 32 bytes that stand for a hash; static, for @n < 4096. */
struct str fixture_bytes(unsigned n);

#define FIXTURE_NOW_US (INT64_C(1800000000) * US_PER_S)

/* Rows number @n, complete and consistent with each other. */
struct user_row fixture_user(unsigned n);
struct session_row fixture_session(unsigned n, unsigned user);
struct flow_row fixture_flow(unsigned n, unsigned user);
struct audit_row fixture_audit(unsigned n);
struct outbox_row fixture_outbox(unsigned n, unsigned user);

#endif
