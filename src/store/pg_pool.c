#include "store/pg_pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "rt/loop.h"

#define POOL_SIZE 16
#define POOL_SHARE_MIN 2
#define LINE_MAX_EACH 512 /* callers waiting for a connection, per owner */
#define CONNECT_US (2 * US_PER_S)
#define AGE_US (30 * US_PER_MIN)
#define BREAKER_FAILURES 3 /* late answers in a row; a refused connection alone is enough */
#define BREAKER_FIRST_US (50 * US_PER_MS)
#define BREAKER_LAST_US US_PER_S
#define RETRY_AFTER_US US_PER_S
#define FULL_US (500 * US_PER_MS)

/* struct pool - one owner's. */
struct pool {
	struct list link;
	struct pg_pools *pools;
	pthread_mutex_t lock;
	struct list idle; /* the one used last comes first */
	struct list line; /* struct wait, in order of arrival */
	unsigned open, max, waiting;
	int64_t full_until_us; /* the server has no more for us: wait for one of ours */
};

/* struct wait - one who waits for a connection, on the stack; woken with one, or to make one. */
struct wait {
	struct rt_waiter waiter;
	struct pg_conn *given;
};

struct breaker {
	pthread_mutex_t lock;
	unsigned failures;
	bool probing; /* somebody is finding out */
	int64_t retry_at_us;
};

struct pg_pools {
	struct str url; /* owned */
	struct lane *blocking;
	unsigned share;
	int64_t patience_us;
	bool unnamed;
	pthread_key_t mine; /* a loop's pool */
	pthread_mutex_t lock;
	struct list pools;
	struct pool *shared; /* of all threads that are no loops */
	struct breaker breaker;
	uint64_t trips, lost; /* atomic */
};

/* --- the breaker --- */

/* breaker_enter() - may this caller try? Whoever may reports back with breaker_leave(). */
static enum err breaker_enter(struct breaker *b, struct request *rq)
{
	int64_t now_us = now_mono_us();
	enum err r = OK;

	pthread_mutex_lock(&b->lock);
	if (b->failures >= BREAKER_FAILURES) {
		if (b->probing || now_us < b->retry_at_us)
			r = ERR_UNAVAILABLE;
		else
			b->probing = true;
	}
	pthread_mutex_unlock(&b->lock);
	if (r == OK)
		return OK;
	rq->retry_after_us = RETRY_AFTER_US;
	return fault(rq, r, "the database is away");
}

/* breaker_cancel() - nothing was found out. */
static void breaker_cancel(struct breaker *b)
{
	pthread_mutex_lock(&b->lock);
	b->probing = false;
	pthread_mutex_unlock(&b->lock);
}

static void breaker_leave(struct breaker *b, bool answered, bool refused)
{
	int64_t pause_us = BREAKER_FIRST_US;
	bool opened = false, closed = false;

	pthread_mutex_lock(&b->lock);
	if (answered) {
		closed = b->failures >= BREAKER_FAILURES;
		b->failures = 0;
	} else {
		b->failures++;
		if (refused && b->failures < BREAKER_FAILURES)
			b->failures = BREAKER_FAILURES;
		opened = b->failures == BREAKER_FAILURES && !b->probing;
		for (unsigned i = BREAKER_FAILURES; i < b->failures && pause_us < BREAKER_LAST_US;
		     i++)
			pause_us *= 2;
		if (pause_us > BREAKER_LAST_US)
			pause_us = BREAKER_LAST_US;
		b->retry_at_us =
		    now_mono_us() + pause_us / 2 + random_below((uint32_t)pause_us / 2);
	}
	b->probing = false;
	pthread_mutex_unlock(&b->lock);
	if (opened)
		log_warning("store: the database is away");
	if (closed)
		log_info("store: the database is back");
}

/* --- owners --- */

static struct pool *pool_new(struct pg_pools *pools, unsigned max)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->pools = pools;
	p->max = max;
	pthread_mutex_init(&p->lock, NULL);
	list_init(&p->idle);
	list_init(&p->line);
	pthread_mutex_lock(&pools->lock);
	list_push_back(&pools->pools, &p->link);
	pthread_mutex_unlock(&pools->lock);
	return p;
}

static void close_idle(struct pool *p)
{
	struct list *link;

	while ((link = list_pop_front(&p->idle))) {
		pg_conn_close(CONTAINER_OF(link, struct pg_conn, link));
		p->open--;
	}
}

static void pool_free(struct pool *p)
{
	close_idle(p);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void loop_ends(void *arg)
{
	struct pool *p = arg;

	pthread_mutex_lock(&p->pools->lock);
	list_remove(&p->link);
	pthread_mutex_unlock(&p->pools->lock);
	pool_free(p);
}

static struct pool *pool_of_thread(struct pg_pools *pools)
{
	struct pool *p;

	if (!rt_loop_self())
		return pools->shared;
	p = pthread_getspecific(pools->mine);
	if (!p) {
		/* The background loop has one task at a time, nearly always. */
		p = pool_new(
		    pools, rt_engine() == ENGINE_BACKGROUND ? POOL_SHARE_MIN : pools->share);
		if (pthread_setspecific(pools->mine, p) != 0)
			abort();
	}
	return p;
}

/* --- getting one --- */

/* wake_first() - with a connection, or with NULL to make one; false when nobody waits. */
static bool wake_first(struct pool *p, struct pg_conn *c)
{
	struct list *link;

	while ((link = list_pop_front(&p->line))) {
		struct wait *w = CONTAINER_OF(link, struct wait, waiter.link);

		w->given = c;
		if (rt_wake(&w->waiter))
			return true;
	}
	return false;
}

/* leave_place() - a connection of @p is no more: whoever waits may make another. */
static void leave_place(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->open--;
	wake_first(p, NULL);
	pthread_mutex_unlock(&p->lock);
}

static void discard(struct pool *p, struct pg_conn *c)
{
	pg_conn_close(c);
	leave_place(p);
}

/* wait_in_line() - called with the lock held, which it gives back. */
static enum err wait_in_line(struct pool *p, struct request *rq, struct pg_conn **ret)
{
	int64_t until_us = rq->deadline_us;
	struct wait w = { .given = NULL };
	enum err r;

	if (p->waiting >= LINE_MAX_EACH) {
		pthread_mutex_unlock(&p->lock);
		rq->retry_after_us = RETRY_AFTER_US;
		return fault(rq, ERR_OVERLOADED, "too many wait for a connection");
	}
	if (p->pools->patience_us > 0 && now_mono_us() + p->pools->patience_us < until_us)
		until_us = now_mono_us() + p->pools->patience_us;
	rt_waiter_init(&w.waiter);
	list_push_back(&p->line, &w.waiter.link);
	p->waiting++;
	pthread_mutex_unlock(&p->lock);
	r = rt_park(&w.waiter, until_us);
	pthread_mutex_lock(&p->lock);
	list_remove(&w.waiter.link);
	p->waiting--;
	pthread_mutex_unlock(&p->lock);
	*ret = r == OK ? w.given : NULL;
	if (r == OK)
		return OK;
	rq->retry_after_us = RETRY_AFTER_US;
	return fault(rq, r == ERR_DEADLINE ? ERR_UNAVAILABLE : r, "no connection was free in time");
}

/* may_make() - with the lock held. */
static bool may_make(const struct pool *p)
{
	return p->open < p->max && (p->open == 0 || now_mono_us() >= p->full_until_us);
}

/* take() - one that is idle, a place to make one (*@ret is NULL), or a wait. */
static enum err take(struct pool *p, struct request *rq, struct pg_conn **ret)
{
	for (;;) {
		struct list *link;
		enum err r;

		pthread_mutex_lock(&p->lock);
		link = list_pop_front(&p->idle);
		*ret = link ? CONTAINER_OF(link, struct pg_conn, link) : NULL;
		if (*ret || may_make(p)) {
			p->open += *ret == NULL;
			pthread_mutex_unlock(&p->lock);
			return OK;
		}
		r = wait_in_line(p, rq, ret);
		if (r != OK || *ret)
			return r;
	}
}

static int64_t connect_until(const struct pg_pools *pools, const struct request *rq)
{
	int64_t until_us = now_mono_us() + CONNECT_US;

	if (pools->patience_us > 0 && now_mono_us() + pools->patience_us < until_us)
		until_us = now_mono_us() + pools->patience_us;
	return until_us < rq->deadline_us ? until_us : rq->deadline_us;
}

static enum err make(struct pg_pools *pools, struct request *rq, struct pg_conn **ret)
{
	struct str problem = STR_NULL;
	enum err r = pg_connect(
	    pools->url, pools->blocking, connect_until(pools, rq), rq->arena, ret, &problem);

	if (r == OK && !pg_conn_pipeline(*ret, pools->unnamed, pools->patience_us)) {
		pg_conn_close(*ret);
		r = ERR_UNAVAILABLE;
	}
	if (r == OK) {
		(*ret)->retire_at_us =
		    now_mono_us() + AGE_US + random_below((uint32_t)(AGE_US / 4));
		return OK;
	}
	rq->retry_after_us = RETRY_AFTER_US;
	return fault(rq, ERR_UNAVAILABLE, "%.*s", STR_ARG(problem));
}

/* still_good() - has the server kept it open, and answered what was asked last? */
static bool still_good(struct pg_conn *c, struct request *rq)
{
	if (!pg_conn_silent(c))
		return false;
	pg_conn_fresh(c, NULL, rq->deadline_us);
	return !pg_conn_useless(c);
}

/* has_others() - a place was not filled; does @p live on other connections? */
static bool has_others(struct pool *p)
{
	bool others;

	pthread_mutex_lock(&p->lock);
	others = p->open > 1;
	if (others)
		p->full_until_us = now_mono_us() + FULL_US;
	pthread_mutex_unlock(&p->lock);
	return others;
}

/* get() - past the breaker, which hears how it went. */
static enum err get(struct pg_pools *pools, struct request *rq, struct pg_conn **ret)
{
	struct pool *p = pool_of_thread(pools);

	for (;;) {
		bool others;
		enum err r = take(p, rq, ret);

		if (r != OK) {
			breaker_cancel(&pools->breaker);
			return r;
		}
		if (*ret && still_good(*ret, rq))
			return OK;
		if (*ret) {
			__atomic_fetch_add(&pools->lost, 1, __ATOMIC_RELAXED);
			discard(p, *ret);
			continue;
		}
		r = make(pools, rq, ret);
		if (r == OK)
			return OK;
		others = has_others(p);
		leave_place(p);
		if (!others) {
			breaker_leave(&pools->breaker, false, true);
			return r;
		}
	}
}

enum err pg_pools_get(struct pg_pools *pools, struct request *rq, struct pg_conn **ret)
{
	enum err r = breaker_enter(&pools->breaker, rq);

	return r == OK ? get(pools, rq, ret) : r;
}

void pg_pools_put(struct pg_pools *pools, struct pg_conn *c)
{
	struct pool *p = pool_of_thread(pools);
	bool useless = pg_conn_useless(c);

	breaker_leave(&pools->breaker, !useless || c->fate != PG_LATE, false);
	__atomic_fetch_add(&pools->trips, c->trips, __ATOMIC_RELAXED);
	c->trips = 0;
	if (useless)
		__atomic_fetch_add(&pools->lost, 1, __ATOMIC_RELAXED);
	if (useless || c->fate == PG_MOVED || now_mono_us() >= c->retire_at_us) {
		discard(p, c);
		return;
	}
	pthread_mutex_lock(&p->lock);
	if (!wake_first(p, c))
		list_push_front(&p->idle, &c->link);
	pthread_mutex_unlock(&p->lock);
}

void pg_pools_gauges(struct pg_pools *pools, struct store_gauges *ret)
{
	ret->round_trips = __atomic_load_n(&pools->trips, __ATOMIC_RELAXED);
	ret->lost = __atomic_load_n(&pools->lost, __ATOMIC_RELAXED);
	pthread_mutex_lock(&pools->lock);
	for (struct list *link = pools->pools.next; link != &pools->pools; link = link->next) {
		struct pool *p = CONTAINER_OF(link, struct pool, link);

		pthread_mutex_lock(&p->lock);
		ret->connections += p->open;
		ret->waiting += p->waiting;
		pthread_mutex_unlock(&p->lock);
	}
	pthread_mutex_unlock(&pools->lock);
	pthread_mutex_lock(&pools->breaker.lock);
	ret->away = pools->breaker.failures >= BREAKER_FAILURES;
	pthread_mutex_unlock(&pools->breaker.lock);
}

/* --- all of them --- */

struct pg_pools *pg_pools_new(const struct store_config *config, struct str url)
{
	struct pg_pools *pools = calloc(1, sizeof(*pools));
	unsigned size = config->pool_size ? config->pool_size : POOL_SIZE;
	char *copy = strndup(url.ptr, url.len);

	if (!pools || !copy || pthread_key_create(&pools->mine, loop_ends) != 0)
		abort();
	pools->url = str_of(copy);
	pools->blocking = config->blocking;
	pools->patience_us = config->patience_us;
	pools->unnamed = config->unnamed;
	pools->share = size / (config->pool_owners ? config->pool_owners : 1);
	if (pools->share < POOL_SHARE_MIN)
		pools->share = POOL_SHARE_MIN;
	pthread_mutex_init(&pools->lock, NULL);
	pthread_mutex_init(&pools->breaker.lock, NULL);
	list_init(&pools->pools);
	pools->shared = pool_new(pools, pools->share);
	return pools;
}

void pg_pools_free(struct pg_pools *pools)
{
	struct list *link;

	/* The threads that had one are gone, or done with it. */
	pthread_key_delete(pools->mine);
	while ((link = list_pop_front(&pools->pools)))
		pool_free(CONTAINER_OF(link, struct pool, link));
	pthread_mutex_destroy(&pools->breaker.lock);
	pthread_mutex_destroy(&pools->lock);
	free((void *)(uintptr_t)pools->url.ptr);
	free(pools);
}
