#include "service/export.h"

#include "service/audit.h"

#define BITE 500

struct trail {
	struct uuid user;
	int64_t after;
	struct audit_row *rows;
	size_t n;
};

static enum err list_tx(struct tx *tx, void *arg)
{
	struct trail *t = arg;

	return audit_list(tx, &t->user, t->after, BITE, &t->rows, &t->n);
}

static enum err view(struct request *rq, const struct audit_row *row, struct activity *ret)
{
	struct audit_personal personal;
	enum err e = audit_unseal(rq, rq->account, row, &personal);

	if (e != OK)
		return e;
	*ret = (struct activity){
		.at_us = row->at_us,
		.event = row->event,
		.outcome = row->outcome,
		.operation = row->operation,
		.address = personal.address,
		.user_agent = personal.user_agent,
		.changes = personal.changes,
		.by_them = !row->has_actor || uuid_equal(row->actor_id, row->subject_id),
	};
	return OK;
}

/* A ring: of more than fit the oldest are overwritten. */
static enum err read_trail(struct request *rq, struct activity *ring, size_t *ret_n)
{
	struct trail t = { .user = rq->actor.user_id };
	enum err e;

	*ret_n = 0;
	do {
		e = store_read(rq->service->store, rq, STORE_PRIMARY, list_tx, &t);
		for (size_t i = 0; e == OK && i < t.n; i++) {
			e = view(rq, &t.rows[i], &ring[*ret_n % EXPORT_ACTIVITY_MAX]);
			++*ret_n;
			t.after = t.rows[i].id;
		}
	} while (e == OK && t.n == BITE);
	return e;
}

static enum err activity(struct request *rq, struct export *ret)
{
	struct activity *ring = ARENA_ARRAY(rq->arena, EXPORT_ACTIVITY_MAX, struct activity);
	size_t all, first;
	enum err e = read_trail(rq, ring, &all);

	if (e != OK)
		return e;
	ret->n_activity = all < EXPORT_ACTIVITY_MAX ? all : EXPORT_ACTIVITY_MAX;
	ret->activity = ARENA_ARRAY(rq->arena, ret->n_activity, struct activity);
	first = all - ret->n_activity;
	for (size_t i = 0; i < ret->n_activity; i++)
		ret->activity[i] = ring[(first + i) % EXPORT_ACTIVITY_MAX];
	return OK;
}

/* Who never was one has none: that is no failure here, and no fault to be logged. */
static enum err typed(struct request *rq, struct export *ret)
{
	enum err e = client_profile_read(rq, &ret->client);

	if (e == OK || e == ERR_NOT_FOUND)
		e = vendor_profile_read(rq, &ret->vendor);
	if (e != OK && e != ERR_NOT_FOUND)
		return e;
	rq->fault = (struct fault){ .err = OK };
	return OK;
}

enum err export_make(struct request *rq, struct export *ret)
{
	struct page page = { .limit = PAGE_MAX };
	struct page_key next;
	struct audit_entry entry = {
		.event = STR("user.exported"),
		.subject = rq->account,
		.session = &rq->actor.session_id,
	};
	enum err e;

	/* Looking through somebody's eyes shows a page of theirs, not the whole of them. */
	if (!uuid_is_nil(rq->actor.impersonator_id))
		return fault(rq, ERR_FORBIDDEN, "the data is for its owner");
	e = audit_write(rq, &entry);
	ret->made_at_us = rq->now_us;
	account_view(rq->account, &ret->user);
	if (e == OK)
		e = typed(rq, ret);
	if (e == OK)
		e = session_list(rq, &page, &ret->sessions, &ret->n_sessions, &next);
	if (e == OK)
		e = identity_list_own(rq, &ret->identities, &ret->n_identities);
	if (e == OK)
		e = consents_list(rq, &ret->consents);
	return e == OK ? activity(rq, ret) : e;
}
