/*
 * What the outbox's contract tests stand on: a real store, the relay on the background loop, a mail
 * server and an HTTP server in Python. The wall clock is the real one plus what a test adds to it,
 * so that waits of minutes take none.
 */
#ifndef TESTS_CONTRACT_OUTBOX_POST_H
#define TESTS_CONTRACT_OUTBOX_POST_H

#include "tests/unit/test.h"

#include "outbox/outbox.h"
#include "tests/contract/rt_host.h"
#include "tests/support/child.h"
#include "tests/support/store_fixture.h"

#define USERS 40

extern struct child mail_server, gateway;

/* One outbox with all it stands on. */
struct post {
	struct store_fixture f;
	struct lane *lane;
	struct net *net;
	struct outbox *o;
	struct data_key keys[USERS + 1];
};

struct outbox_config config_of(const struct post *p);
/** open_post() - everything but the outbox, with users 1 to USERS. */
void open_post(struct post *p);
/** start_relay() - an outbox of @config, relaying. */
void start_relay(struct post *p, const struct outbox_config *config);
/** open_usual() - both, with the usual configuration. */
struct post *open_usual(void);
void close_post(struct post *p);

/** post_insert() - a transaction that inserts a row. */
enum err post_insert(struct tx *tx, void *row);
/** row_of() - the row of @event as it is now; fails the test when there is none. */
struct outbox_row row_of(struct post *p, struct uuid event);
void assert_state(struct post *p, struct uuid event, const char *state, int64_t attempts);
/** let_pass() - put the clock forward and let the relay look. */
void let_pass(struct post *p, int64_t us);
bool has(struct str text, const char *part);

#define AWAIT(p, gauge, least)                        \
	while (outbox_gauges((p)->o).gauge < (least)) \
	rt_sleep_until(now_mono_us() + US_PER_MS)

/** post_start(), post_stop() - the helpers and the clock, once for a group of tests. */
int post_start(void **state);
int post_stop(void **state);

/** outbox_event_tests() - the group in outbox_contract_events.c; returns how many failed. */
int outbox_event_tests(void);

#endif
