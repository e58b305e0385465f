/* What kv's contract tests stand on: a kv over a real store, in the process or over a real Redis.
 */
#ifndef TESTS_CONTRACT_KV_SHOP_H
#define TESTS_CONTRACT_KV_SHOP_H

#include "tests/unit/test.h"

#include "kv/kv.h"
#include "tests/contract/rt_host.h"
#include "tests/support/child.h"
#include "tests/support/store_fixture.h"

/* A kv over a store of its own, and what happened to it. */
struct shop {
	struct host host;
	bool shared; /* over @redis_server */
	struct store_fixture f;
	struct lane *lane;
	struct net *net;
	struct kv *kv;
	int admitted, refused, filled;
};

/** The Redis of these tests; its port is 0 where there is none. */
extern struct child redis_server;

/** kv_start(), kv_stop() - that Redis, once for a group of tests. */
int kv_start(void **state);
int kv_stop(void **state);
/** redis_order() - "kill", "freeze" … as tests/support/redis_server.py has them; returns when done.
 */
void redis_order(const char *order);

/** shop_init(), shop_done() - a directory for the store; shop_open(), shop_close() - store and kv.
 */
void shop_init(struct shop *s);
void shop_open(struct shop *s);
void shop_close(struct shop *s);
void shop_done(struct shop *s);
/** shop_join() - another server: a kv of its own over the same store and Redis. */
void shop_join(struct shop *s, struct shop *first);
void shop_leave(struct shop *s);

/** shop_ask() - ask for one admission of each of @limits for @subject. */
enum err shop_ask(
    struct shop *s, struct str subject, const struct kv_limit *const *limits, size_t n);
enum err shop_ask_one(struct shop *s, const struct kv_limit *limit);

extern const struct kv_limit limit_ten, limit_ten_in_memory, limit_thousand;

/** kv_shared_tests() - the group in kv_contract_shared.c; returns how many failed. */
int kv_shared_tests(void);

#endif
