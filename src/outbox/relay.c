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
	struct sink *sink;
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

/* A sink that is down rests before the next row tries it, so that an hour's failure does not use up
 * every row's attempts. */
static void note_sink(struct flight *f, const struct attempt *attempt)
{
	int64_t rest_us;

	if (!attempt->sink_down) {
		sink_worked(f->sink);
		return;
	}
	rest_us = backoff_us(&f->o->config, (int64_t)sink_failures(f->sink));
	if (rest_us < attempt->retry_after_us)
		rest_us = attempt->retry_after_us;
	sink_failed(f->sink, now_wall_us() + rest_us);
}

MAY_YIELD static struct attempt deliver(struct flight *f)
{
	/* The last quarter of the lease is for writing down what became of it. */
	int64_t deadline_us = now_mono_us() + f->o->config.lease_us / 4 * 3;

	if (f->sink->kind == SINK_WEBHOOK)
		return webhook_send(f->o, f->sink, &f->rq, &f->row, deadline_us);
	return message_deliver(f->o, &f->rq, &f->row, deadline_us);
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
	attempt = deliver(f);
	if (attempt.result == ERR_SHUTDOWN)
		return; /* not tried: the lease runs out, and nothing is counted against it */
	note_sink(f, &attempt);
	l = judge(f, &attempt, now_wall_us());
	land(f, &l);
}

static void end_flight(struct flight *f)
{
	struct outbox *o = f->o;

	keyring_unref(&f->rq.keys);
	request_done(&f->rq);
	__atomic_sub_fetch(&f->sink->in_flight, 1, __ATOMIC_ACQ_REL);
	free(f);
	outbox_ring(o);
}

MAY_YIELD static void flight_main(void *arg)
{
	struct flight *f = arg;

	fly(f);
	end_flight(f);
}

static struct flight *flight_new(
    struct outbox *o, struct sink *sink, const struct outbox_row *row, int64_t lease_until_us)
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
	f->sink = sink;
	f->lease_until_us = lease_until_us;
	f->row = *row;
	f->row.sink = str_dup(arena, row->sink);
	f->row.kind = str_dup(arena, row->kind);
	f->row.payload = str_dup(arena, row->payload);
	f->row.data_key = str_dup(arena, row->data_key);
	__atomic_add_fetch(&sink->in_flight, 1, __ATOMIC_ACQ_REL);
	return f;
}

/* One look at what is due: which sinks have room, when their next row is due, what was leased. */
struct look {
	int64_t now_us, until_us;
	size_t n;
	struct {
		struct sink *sink;
		struct outbox_due due;
		int64_t room;
		struct outbox_row *rows;
		size_t n_rows;
	} v[SINKS_MAX];
};

static void look_at_sinks(struct outbox *o, struct look *l)
{
	for (size_t i = 0; i < o->sinks.n; i++) {
		struct sink *sink = &o->sinks.v[i];
		int64_t room = sink_room(sink, l->now_us);

		if (room <= 0)
			continue;
		l->v[l->n].sink = sink;
		l->v[l->n].room = room;
		l->v[l->n++].due = (struct outbox_due){ .sink = sink->name, .at_us = NEVER_US };
	}
}

static enum err next_due_fn(struct tx *tx, void *arg)
{
	struct look *l = arg;
	enum err r = OK;

	for (size_t i = 0; r == OK && i < l->n; i++)
		r = outbox_next_due(tx, &l->v[i].due);
	return r;
}

static enum err lease_fn(struct tx *tx, void *arg)
{
	struct look *l = arg;
	enum err r = OK;

	for (size_t i = 0; r == OK && i < l->n; i++) {
		const struct outbox_lease lease = {
			.sink = l->v[i].sink->name,
			.now_us = l->now_us,
			.until_us = l->until_us,
			.limit = l->v[i].room,
		};

		l->v[i].n_rows = 0;
		if (l->v[i].due.at_us <= l->now_us)
			r = outbox_lease(tx, &lease, &l->v[i].rows, &l->v[i].n_rows);
	}
	return r;
}

static int64_t first_due_us(const struct look *l)
{
	int64_t first_us = NEVER_US;

	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].due.at_us < first_us)
			first_us = l->v[i].due.at_us;
	}
	return first_us;
}

/* Reading when something is due costs no write; leasing does, so it is not done for nothing. */
MAY_YIELD static enum err lease_due(struct outbox *o, struct request *rq, struct look *l)
{
	enum err r = store_read(o->deps.store, rq, STORE_PRIMARY, next_due_fn, l);

	if (r != OK || first_due_us(l) > l->now_us)
		return r;
	return store_tx(o->deps.store, rq, lease_fn, l);
}

static void take_off(struct outbox *o, const struct look *l)
{
	for (size_t i = 0; i < l->n; i++) {
		for (size_t j = 0; j < l->v[i].n_rows; j++) {
			struct flight *f =
			    flight_new(o, l->v[i].sink, &l->v[i].rows[j], l->until_us);

			if (rt_spawn(flight_main, f) != OK)
				end_flight(f); /* the lease runs out, then it is tried again */
		}
	}
}

/* Returns: when to look again, monotonic. Whoever lands before that rings. */
MAY_YIELD static int64_t pass(struct outbox *o)
{
	struct look l = { .now_us = now_wall_us() };
	int64_t wait_us = POLL_US, due_us;
	struct request rq;

	look_at_sinks(o, &l);
	if (l.n == 0)
		return now_mono_us() + POLL_US;
	l.until_us = l.now_us + o->config.lease_us;
	request_init(&rq, NULL, now_mono_us() + o->config.lease_us);
	if (lease_due(o, &rq, &l) == OK)
		take_off(o, &l);
	due_us = first_due_us(&l);
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
