#include <assert.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "outbox/outbox_priv.h"

/* Rows another process wrote do not ring; they wait this long at most. */
#define POLL_US (250 * US_PER_MS)
/* What became of a delivery is written down even when the store is busy: tried this often. */
#define SETTLE_PAUSE_US (200 * US_PER_MS)

int64_t backoff_us(const struct outbox_config *config, int64_t attempts)
{
	int64_t delay_us = config->first_retry_us;
	int64_t half_ms;

	for (int64_t i = 0; i < attempts && delay_us < config->last_retry_us; i++)
		delay_us *= 2;
	if (delay_us > config->last_retry_us)
		delay_us = config->last_retry_us;
	/* Half of it fixed, half by chance, so that what failed together does not come back
	 * together. */
	half_ms = delay_us / 2 / US_PER_MS;
	return delay_us - half_ms * US_PER_MS +
	       (int64_t)random_below((uint32_t)half_ms + 1) * US_PER_MS;
}

/* One row on its way. Owns its copy of the row, in rq.arena. */
struct flight {
	struct outbox *o;
	struct request rq;
	struct outbox_row row;
	int64_t lease_until_us; /* wall clock */
};

/* How a flight ends in the store. */
struct landing {
	int64_t id;
	struct str state; /* empty: another attempt at @next_at_us */
	struct str error;
	int64_t now_us, next_at_us;
};

static enum err land_fn(struct tx *tx, void *arg)
{
	const struct landing *l = arg;

	if (str_empty(l->state))
		return outbox_retry(tx, l->id, l->error, l->next_at_us);
	return outbox_finish(tx, l->id, l->state, l->error, l->now_us);
}

static void count(uint64_t *gauge)
{
	__atomic_add_fetch(gauge, 1, __ATOMIC_RELAXED);
}

static void note(struct outbox *o, const struct flight *f, const struct landing *l)
{
	const struct log_field fields[] = {
		LOG_FIELD_I64("id", l->id),
		LOG_FIELD_STR("sink", f->row.sink),
		LOG_FIELD_STR("kind", f->row.kind),
		LOG_FIELD_STR("problem", l->error),
	};

	if (str_empty(l->state)) {
		count(&o->gauges.retried);
	} else if (str_eq(l->state, STR("delivered"))) {
		count(&o->gauges.delivered);
	} else if (str_eq(l->state, STR("expired"))) {
		count(&o->gauges.expired);
	} else {
		count(&o->gauges.dead);
		/* There is no request whose exit line would tell of it. */
		log_event(LOG_LEVEL_WARNING, NULL, "A message could not be delivered.", fields,
		    ARRAY_LEN(fields));
	}
}

static struct landing judge(const struct flight *f, const struct attempt *attempt, int64_t now_us)
{
	const struct outbox_config *config = &f->o->config;
	struct landing l = { .id = f->row.id, .error = attempt->problem, .now_us = now_us };
	int64_t delay_us;

	if (attempt->result == OK) {
		l.state = STR("delivered");
		l.error = STR_NULL;
		return l;
	}
	if (attempt->result == ERR_FORBIDDEN || f->row.attempts + 1 >= config->max_attempts) {
		l.state = STR("dead");
		return l;
	}
	delay_us = backoff_us(config, f->row.attempts);
	if (delay_us < attempt->retry_after_us)
		delay_us = attempt->retry_after_us;
	l.next_at_us = now_us + delay_us;
	/* Nobody behind it waits for a message that will not be sent any more. */
	if (f->row.expires_at_us > 0 && l.next_at_us > f->row.expires_at_us)
		l.next_at_us = f->row.expires_at_us;
	return l;
}

/* When all fails the lease runs out and the row is delivered once more: at least once. */
MAY_YIELD static void land(struct flight *f, struct landing *l)
{
	enum err r;

	for (;;) {
		r = store_tx(f->o->deps.store, &f->rq, land_fn, l);
		if (r == OK)
			note(f->o, f, l);
		if ((r != ERR_UNAVAILABLE && r != ERR_OVERLOADED) ||
		    now_wall_us() + SETTLE_PAUSE_US >= f->lease_until_us ||
		    rt_sleep_until(now_mono_us() + SETTLE_PAUSE_US) != OK)
			return;
	}
}

static bool expired(const struct outbox_row *row, int64_t now_us)
{
	return row->expires_at_us > 0 && row->expires_at_us <= now_us;
}

MAY_YIELD static void fly(struct flight *f)
{
	struct landing l = { .id = f->row.id, .now_us = now_wall_us() };
	struct attempt attempt;

	if (expired(&f->row, l.now_us)) {
		l.state = STR("expired");
		land(f, &l);
		return;
	}
	/* The last quarter of the lease is for writing down what became of it. */
	attempt = deliver(f->o, &f->rq, &f->row, now_mono_us() + f->o->config.lease_us / 4 * 3);
	if (attempt.result == ERR_SHUTDOWN)
		return; /* not tried: the lease runs out, and nothing is counted against it */
	l = judge(f, &attempt, now_wall_us());
	land(f, &l);
}

static void end_flight(struct flight *f)
{
	struct outbox *o = f->o;

	keyring_unref(&f->rq.keys);
	request_done(&f->rq);
	free(f);
	__atomic_sub_fetch(&o->in_flight, 1, __ATOMIC_ACQ_REL);
	outbox_ring(o);
}

MAY_YIELD static void flight_main(void *arg)
{
	struct flight *f = arg;

	fly(f);
	end_flight(f);
}

static struct flight *flight_new(
    struct outbox *o, const struct outbox_row *row, int64_t lease_until_us)
{
	struct flight *f = calloc(1, sizeof(*f));
	struct arena *arena;

	if (!f)
		die("out of memory for a delivery");
	request_init(&f->rq, NULL, now_mono_us() + o->config.lease_us);
	arena = f->rq.arena;
	f->rq.operation = STR("relay");
	f->rq.keys = o->deps.keys_of(o->deps.keys_arg);
	f->o = o;
	f->lease_until_us = lease_until_us;
	f->row = *row;
	f->row.sink = str_dup(arena, row->sink);
	f->row.kind = str_dup(arena, row->kind);
	f->row.payload = str_dup(arena, row->payload);
	f->row.data_key = str_dup(arena, row->data_key);
	return f;
}

struct lease {
	int64_t now_us, until_us, limit;
	struct outbox_row *rows;
	size_t n;
};

static enum err lease_fn(struct tx *tx, void *arg)
{
	struct lease *l = arg;

	return outbox_lease(tx, l->now_us, l->until_us, l->limit, &l->rows, &l->n);
}

static enum err next_due_fn(struct tx *tx, void *arg)
{
	return outbox_next_due(tx, arg);
}

/* Reading when something is due costs no write; leasing does, so it is not done for nothing. */
MAY_YIELD static enum err lease_due(
    struct outbox *o, struct request *rq, struct lease *l, int64_t *ret_due_us)
{
	enum err r = store_read(o->deps.store, rq, STORE_PRIMARY, next_due_fn, ret_due_us);

	if (r != OK || *ret_due_us > l->now_us)
		return r;
	return store_tx(o->deps.store, rq, lease_fn, l);
}

/* Returns: when to look again, monotonic. */
MAY_YIELD static int64_t pass(struct outbox *o)
{
	unsigned in_flight = __atomic_load_n(&o->in_flight, __ATOMIC_ACQUIRE);
	struct lease l = { .now_us = now_wall_us(), .limit = DELIVERIES_MAX - (int64_t)in_flight };
	int64_t due_us = NEVER_US, wait_us = POLL_US;
	struct request rq;

	if (l.limit <= 0)
		return now_mono_us() + POLL_US; /* whoever lands first rings */
	l.until_us = l.now_us + o->config.lease_us;
	request_init(&rq, NULL, now_mono_us() + o->config.lease_us);
	if (lease_due(o, &rq, &l, &due_us) == OK) {
		for (size_t i = 0; i < l.n; i++) {
			struct flight *f = flight_new(o, &l.rows[i], l.until_us);

			__atomic_add_fetch(&o->in_flight, 1, __ATOMIC_ACQ_REL);
			if (rt_spawn(flight_main, f) != OK)
				end_flight(f); /* the lease runs out, then it is tried again */
		}
	}
	if (due_us > l.now_us && due_us - l.now_us < wait_us)
		wait_us = due_us - l.now_us;
	request_done(&rq);
	return now_mono_us() + wait_us;
}

MAY_YIELD static void relay_main(void *arg)
{
	struct outbox *o = arg;
	enum err r;

	do {
		r = rt_sem_wait(&o->wake, pass(o));
		/* Before the next pass: a ring during it is then heard. */
		__atomic_store_n(&o->rung, 0, __ATOMIC_RELEASE);
	} while (r != ERR_SHUTDOWN);
}

enum err outbox_start(struct outbox *o)
{
	assert(o->deps.store && o->deps.keys_of);
	return rt_spawn(relay_main, o);
}
