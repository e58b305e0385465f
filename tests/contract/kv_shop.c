#include "tests/contract/kv_shop.h"

#include <unistd.h>

const struct kv_limit limit_ten = { STR_INIT("ten"), 10, US_PER_HOUR, true };
const struct kv_limit limit_ten_in_memory = { STR_INIT("memory"), 10, US_PER_HOUR, false };
const struct kv_limit limit_thousand = { STR_INIT("thousand"), 1000, US_PER_DAY, true };

struct child redis_server;

int kv_start(void **state)
{
	const char *const none[] = { NULL };

	(void)state;
	child_start(&redis_server, "redis_server.py", none);
	if (redis_server.port == 0)
		print_message("skipped: what needs redis-server, which is not installed\n");
	return 0;
}

int kv_stop(void **state)
{
	(void)state;
	child_stop(&redis_server);
	return 0;
}

void redis_order(const char *order)
{
	struct str line = str_printf(redis_server.arena, "%s\n", order);

	CHECK(write(redis_server.in, line.ptr, line.len) == (ssize_t)line.len);
	child_event(&redis_server, "done");
}

static void open_kv(struct shop *s)
{
	struct kv_config config = { .nodes = 2, .net = s->net };
	struct str problem = STR_NULL;
	struct request rq;

	request_init(&rq, NULL, NEVER_US);
	if (s->shared)
		config.url = str_printf(rq.arena, "redis://127.0.0.1:%u", redis_server.port);
	/* Busy machines and sanitizers are slower than any Redis: a stall is waited for, not met.
	 */
	config.timeout_us = US_PER_S;
	CHECK(kv_open(&config, s->f.store, &rq, &s->kv, &problem) == OK);
	request_done(&rq);
}

void shop_init(struct shop *s)
{
	store_fixture_init(&s->f);
	if (!s->shared)
		return;
	redis_order("fresh");
	s->net = net_new(&(struct net_config){ 0 });
}

void shop_open(struct shop *s)
{
	store_fixture_open(&s->f);
	open_kv(s);
}

void shop_close(struct shop *s)
{
	kv_close(&s->kv);
	store_close(&s->f.store);
}

void shop_done(struct shop *s)
{
	net_free(&s->net);
	store_fixture_done(&s->f);
}

void shop_join(struct shop *s, struct shop *first)
{
	*s = *first;
	s->admitted = s->refused = s->filled = 0;
	open_kv(s);
}

void shop_leave(struct shop *s)
{
	kv_close(&s->kv);
}

enum err shop_ask(
    struct shop *s, struct str subject, const struct kv_limit *const *limits, size_t n)
{
	struct kv_ask asks[4];
	struct request rq;
	enum err r;

	request_init(&rq, NULL, NEVER_US);
	rq.keys = s->f.keys;
	for (size_t i = 0; i < n; i++)
		asks[i] = (struct kv_ask){ limits[i], subject };
	r = kv_admit(s->kv, &rq, asks, n);
	CHECK(r == OK || rq.retry_after_us > 0);
	request_done(&rq);
	return r;
}

enum err shop_ask_one(struct shop *s, const struct kv_limit *limit)
{
	return shop_ask(s, STR("ada@example.com"), &limit, 1);
}
