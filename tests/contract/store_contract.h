/* The store's cases: each runs as one task on a host and uses a store of its own. */
#ifndef TESTS_CONTRACT_STORE_CONTRACT_H
#define TESTS_CONTRACT_STORE_CONTRACT_H

#include "rt_host.h"
#include "tests/support/store_fixture.h"

/** store_case - arg is the struct store_fixture; the store is open and empty. */
typedef void store_case(void *arg);

store_case store_users, store_user_changes, store_user_lists, store_meta;
store_case store_sessions, store_session_rotation, store_session_ends;
store_case store_flows, store_flow_attempts, store_flow_resend, store_flow_idempotency;
store_case store_audit, store_outbox_order, store_outbox_ends, store_outbox_events;
store_case store_limits;
store_case store_failed_fn_rolls_back;

/* Races: 64 tasks share this. */
struct store_race {
	struct store_fixture *f;
	int started, won, counted; /* atomic */
};

/** store_race_*() - arg is the struct store_race. */
store_case store_race_right_code, store_race_wrong_code, store_race_rotation, store_race_user;
/** What must hold before and after a race, as a task. */
store_case store_race_seed;

/** RUN() - a store_fn with its argument, which must return OK. */
#define RUN(f, fn, arg) CHECK(fixture_tx((f), (fn), (arg)) == OK)
#define READ(f, fn, arg) CHECK(fixture_read((f), (fn), (arg)) == OK)

/** add_users() - rows 1 to @n of fixture_user(). */
void add_users(struct store_fixture *f, unsigned n);

#endif
