#include "service/audit.h"

#include <pthread.h>

#include "base/json.h"
#include "base/log.h"
#include "service/device.h"

#define FIELD_ADDRESS STR("audit.address")
#define FIELD_USER_AGENT STR("audit.user_agent")
#define FIELD_CHANGES STR("audit.changes")
/* Browsers need 300 bytes at most; the header may have eight thousand, on every failed login. */
#define USER_AGENT_MAX 512

/* Personal bytes go under the subject's key, or the system's when there is no subject. */
static struct str seal_for(
    struct request *rq, const struct account *subject, struct str field, struct str plain)
{
	if (str_empty(plain))
		return STR_NULL;
	if (subject)
		return seal(rq->arena, &subject->key, field, plain);
	return seal_system(rq->arena, rq->keys, KEY_SYSTEM, field, plain);
}

struct str user_agent_kept(const struct request *rq)
{
	return str_upto(rq->user_agent, USER_AGENT_MAX);
}

static enum err open_for(struct request *rq, const struct account *subject, struct str field,
    struct str sealed, struct str *ret)
{
	enum err e;

	*ret = STR_NULL;
	if (str_empty(sealed))
		return OK;
	e = subject ? unseal(rq->arena, &subject->key, field, sealed, ret)
		    : unseal_system(rq->arena, rq->keys, KEY_SYSTEM, field, sealed, ret);
	return e == OK ? OK : fault(rq, ERR_INTERNAL, "an audit row does not open");
}

enum err audit_unseal(struct request *rq, const struct account *subject,
    const struct audit_row *row, struct audit_personal *ret)
{
	enum err e = open_for(rq, subject, FIELD_ADDRESS, row->address, &ret->address);

	if (e == OK)
		e = open_for(rq, subject, FIELD_USER_AGENT, row->user_agent, &ret->user_agent);
	return e == OK ? open_for(rq, subject, FIELD_CHANGES, row->changes, &ret->changes) : e;
}

static void write_side(
    struct json_writer *w, struct str name, const struct audit_change *c, struct str value)
{
	json_key(w, name);
	if (!c->is_json)
		json_write_str(w, value);
	else
		json_write_raw(w, str_empty(value) ? STR("null") : value);
}

static struct str changes_json(struct request *rq, const struct audit_entry *entry)
{
	struct json_writer w;
	struct buf out;

	if (entry->n_changes == 0)
		return STR_NULL;
	buf_init(&out, rq->arena, 256);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	for (size_t i = 0; i < entry->n_changes; i++) {
		const struct audit_change *c = &entry->changes[i];

		json_key(&w, c->field);
		json_begin_object(&w);
		if (c->hidden) {
			json_member_bool(&w, STR("changed"), !str_eq(c->before, c->after));
		} else {
			write_side(&w, STR("before"), c, c->before);
			write_side(&w, STR("after"), c, c->after);
		}
		json_end_object(&w);
	}
	json_end_object(&w);
	return buf_str(&out);
}

void audit_draft(struct request *rq, const struct audit_entry *entry, struct audit_row *ret)
{
	*ret = (struct audit_row){
		.at_us = rq->now_us,
		.event = entry->event,
		.outcome = err_slug(entry->outcome),
		.count = 1,
		.object_type = entry->object_type,
		.object_id = entry->object_id,
		.operation = rq->operation,
		.engine = engine_name(rq->engine),
		.request_id = rq->id,
		.subject_index = entry->subject_index,
		.device = device_id_hash(rq),
		.reason = entry->reason,
	};
	if (rq->actor.present) {
		ret->has_actor = true;
		ret->actor_id = uuid_is_nil(rq->actor.impersonator_id) ? rq->actor.user_id
								       : rq->actor.impersonator_id;
	}
	if (entry->subject) {
		ret->has_subject = true;
		ret->subject_id = entry->subject->row.id;
	}
	if (entry->session) {
		ret->has_session = true;
		ret->session_id = *entry->session;
	}
	ret->address = seal_for(
	    rq, entry->subject, FIELD_ADDRESS, client_address_text(rq->arena, &rq->client));
	ret->user_agent = seal_for(rq, entry->subject, FIELD_USER_AGENT, user_agent_kept(rq));
	ret->changes = seal_for(rq, entry->subject, FIELD_CHANGES, changes_json(rq, entry));
}

struct audit_append_arg {
	const struct keyring *keys;
	struct audit_row *rows;
	size_t n;
};

static enum err append_tx(struct tx *tx, void *arg)
{
	struct audit_append_arg *a = arg;

	for (size_t i = 0; i < a->n; i++) {
		enum err e = audit_append(tx, a->keys, &a->rows[i]);

		if (e != OK)
			return e;
	}
	return OK;
}

enum err audit_write(struct request *rq, const struct audit_entry *entry)
{
	struct audit_row row;
	struct audit_append_arg arg = { .keys = rq->keys, .rows = &row, .n = 1 };

	audit_draft(rq, entry, &row);
	return store_tx_plain(rq->service->store, rq, append_tx, &arg);
}

/*
 * Refusals in memory: a fixed table, so that a flood of addresses cannot grow it. When it is full,
 * further subjects of the minute are counted together.
 */
#define REFUSAL_SLOTS 1024

struct refusal {
	int64_t minute;
	int64_t count;
	struct client_address network;
	enum err outcome;
	enum engine engine;
	char operation[48];
};

static struct {
	pthread_mutex_t lock;
	struct refusal slots[REFUSAL_SLOTS + 1]; /* the last one: everybody else */
} refusals = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool refusal_matches(const struct refusal *r, const struct refusal *want)
{
	return r->count > 0 && r->minute == want->minute && r->outcome == want->outcome &&
	       memcmp(&r->network, &want->network, sizeof(r->network)) == 0 &&
	       memcmp(r->operation, want->operation, sizeof(r->operation)) == 0;
}

/* Open addressing over a few slots; a slot still waiting to be written is never overwritten. */
static struct refusal *refusal_slot(const struct refusal *want)
{
	uint64_t h = str_hash(str_bytes(&want->network, sizeof(want->network))) ^
		     str_hash(str_of(want->operation)) ^ (uint64_t)want->outcome;

	for (unsigned i = 0; i < 8; i++) {
		struct refusal *r = &refusals.slots[(h + i) % REFUSAL_SLOTS];

		if (r->count == 0 || refusal_matches(r, want))
			return r;
	}
	return &refusals.slots[REFUSAL_SLOTS];
}

/* Under one more name when the table is full: whose they are is not known any more. */
static void refusal_add(const struct refusal *want, int64_t n)
{
	const struct refusal others = {
		.minute = want->minute,
		.outcome = want->outcome,
		.engine = want->engine,
		.operation = "several",
	};
	struct refusal *r;

	pthread_mutex_lock(&refusals.lock);
	r = refusal_slot(want);
	if (r->count == 0)
		*r = r == &refusals.slots[REFUSAL_SLOTS] ? others : *want;
	r->count += n;
	pthread_mutex_unlock(&refusals.lock);
}

void audit_count_refusal(struct request *rq, enum err outcome)
{
	struct refusal want = {
		.minute = rq->now_us / US_PER_MIN,
		.network = client_address_network(&rq->client),
		.outcome = outcome,
		.engine = rq->engine,
	};
	struct str operation = str_upto(rq->operation, sizeof(want.operation) - 1);

	if (!str_empty(operation))
		memcpy(want.operation, operation.ptr, operation.len);
	refusal_add(&want, 1);
}

/* Moves the slots of minutes that ended by @before_us out; returns how many. */
static size_t refusals_take(int64_t before_us, struct refusal *out)
{
	size_t n = 0;

	pthread_mutex_lock(&refusals.lock);
	for (size_t i = 0; i <= REFUSAL_SLOTS; i++) {
		struct refusal *r = &refusals.slots[i];

		if (r->count == 0 || r->minute >= before_us / US_PER_MIN)
			continue;
		out[n++] = *r;
		r->count = 0;
	}
	pthread_mutex_unlock(&refusals.lock);
	return n;
}

static void refusals_give_back(struct refusal *taken, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t count = taken[i].count;

		taken[i].count = 0;
		refusal_add(&taken[i], count);
	}
}

static void refusal_row(struct request *rq, const struct refusal *r, struct audit_row *ret)
{
	*ret = (struct audit_row){
		.at_us = r->minute * US_PER_MIN,
		.event = STR("request.refused"),
		.outcome = err_slug(r->outcome),
		.count = r->count,
		.operation = str_dup(rq->arena, str_of(r->operation)),
		.engine = engine_name(r->engine),
		.request_id = rq->id,
		.address =
		    seal_for(rq, NULL, FIELD_ADDRESS, client_address_text(rq->arena, &r->network)),
	};
}

enum err audit_flush_refusals(struct request *rq, int64_t before_us)
{
	struct refusal *taken = ARENA_ARRAY(rq->arena, REFUSAL_SLOTS + 1, struct refusal);
	size_t n = refusals_take(before_us, taken);
	struct audit_append_arg arg = {
		.keys = rq->keys,
		.rows = ARENA_ARRAY(rq->arena, n + 1, struct audit_row),
		.n = n,
	};
	enum err e;

	if (n == 0)
		return OK;
	for (size_t i = 0; i < n; i++)
		refusal_row(rq, &taken[i], &arg.rows[i]);
	e = store_tx_plain(rq->service->store, rq, append_tx, &arg);
	if (e != OK)
		refusals_give_back(taken, n);
	return e;
}
