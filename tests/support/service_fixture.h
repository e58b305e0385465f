/*
 * A whole service for a test, and all of it real: SQLite in files of its own, the limits, the
 * outbox with its dev inbox, hashing that costs next to nothing, and a wall clock that can be put
 * forward. One after the other, not side by side: the clock is the process's.
 */
#ifndef TESTS_SUPPORT_SERVICE_FIXTURE_H
#define TESTS_SUPPORT_SERVICE_FIXTURE_H

#include "service/login.h"
#include "service/otp.h"
#include "service/password_change.h"
#include "service/registration.h"
#include "service/reset.h"
#include "tests/support/store_fixture.h"

struct service_fixture {
	struct store_fixture base;
	struct service service; /* service.config may be changed between calls */
	pthread_mutex_t lock;
	const char *user_agent;        /* of further requests; NULL: none */
	struct kept_request *requests; /* under lock; given back by service_fixture_done() */
	int64_t trail_seen, posts_seen;
	int trail_broken; /* atomic; set: no audit row can be sealed */
};

/** service_fixture_init() - settings as they ship, with dev on, so that replies show their codes.
 */
void service_fixture_init(struct service_fixture *f);
/** service_fixture_done() - verify the whole audit trail, close, remove the files. */
void service_fixture_done(struct service_fixture *f);
/** service_fixture_hasher() - hash new passwords with other @iterations from now on. */
void service_fixture_hasher(struct service_fixture *f, uint32_t iterations);
/** service_fixture_keys() - accept these keys from now on, the first is active: "2:…,1:…". */
void service_fixture_keys(struct service_fixture *f, const char *ids);

/**
 * service_fixture_clock() - to be called first by a task of the simulation, whose clock starts
 * anew with each run; elsewhere it does nothing
 */
void service_fixture_clock(void);
/** service_fixture_advance() - put the wall clock forward; requests made later see it. */
void service_fixture_advance(int64_t us);

/** fixture_request() - a request from 203.0.113.7 that lives as long as @f; any thread. */
struct request *fixture_request(struct service_fixture *f, const char *operation);
/** fixture_store_tx() - store_tx() on behalf of such a request; CHECKs that it works. */
void fixture_store_tx(struct service_fixture *f, store_fn *fn, void *arg);

/**
 * fixture_trail() - "event outcome" of every audit row since the last call, joined by ", "
 *
 * Checks each row's MAC on the way, and that it names operation, engine, request and address.
 */
const char *fixture_trail(struct service_fixture *f);
/** fixture_posts() - "sink kind" of every outbox row since the last call, joined by ", ". */
const char *fixture_posts(struct service_fixture *f);
/** fixture_newest_post() - what the outbox's last row will say; it must be a person's. */
struct message fixture_newest_post(struct service_fixture *f);
/** fixture_person() - the row behind an identifier, as it is now; false when there is none. */
bool fixture_person(struct service_fixture *f, struct str identifier, struct user_row *ret);
/** fixture_live_sessions() - how many sessions of this person have not ended. */
size_t fixture_live_sessions(struct service_fixture *f, struct uuid user);

#endif
