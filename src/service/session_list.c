#include "service/session_list.h"

#include "service/audit.h"
#include "service/session_priv.h"
#include "service/user_agent.h"

struct listing {
	struct session_page page;
	struct session_row *rows;
	size_t n;
};

static enum err list_tx(struct tx *tx, void *arg)
{
	struct listing *l = arg;

	return session_page(tx, &l->page, &l->rows, &l->n);
}

static enum err view(
    struct request *rq, const struct session_row *session, struct session_view *ret)
{
	*ret = (struct session_view){
		.id = session->id,
		.amr = session->amr,
		.current = uuid_equal(session->id, rq->actor.session_id),
		.created_at_us = session->created_at_us,
		.last_seen_us = session->rotated_at_us,
		.expires_at_us = session->idle_expires_at_us,
	};
	if (session_origin(rq, rq->account, session, &ret->address, &ret->user_agent) != OK)
		return fault(rq, ERR_INTERNAL, "a session's origin does not open");
	ret->device = user_agent_name(rq->arena, ret->user_agent);
	return OK;
}

enum err session_list(struct request *rq, const struct page *page, struct session_view **ret,
    size_t *ret_n, struct page_key *ret_next)
{
	size_t limit = page_limit(page);
	struct listing l = { .page = {
				 .user = rq->actor.user_id,
				 .before = page->after.id,
				 .now_us = rq->now_us,
				 .limit = limit + 1,
			     } };
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, list_tx, &l);

	if (e != OK)
		return e;
	*ret_n = l.n < limit ? l.n : limit;
	*ret_next = (struct page_key){ .n = 0 };
	if (l.n > limit)
		ret_next->id = l.rows[limit - 1].id;
	*ret = ARENA_ARRAY(rq->arena, *ret_n, struct session_view);
	for (size_t i = 0; e == OK && i < *ret_n; i++)
		e = view(rq, &l.rows[i], &(*ret)[i]);
	return e;
}

struct ending {
	struct request *rq;
	struct uuid session; /* the one to end, or the one to keep */
	struct audit_row audit;
	bool ended;
};

static enum err end_own_tx(struct tx *tx, void *arg)
{
	struct ending *end = arg;
	struct request *rq = end->rq;
	struct uuid user = rq->actor.user_id;
	const struct event_field fields[] = {
		{ .name = STR("session_id"), .value = uuid_str(tx_arena(tx), end->session) },
		{ .name = STR("reason"), .value = STR("user") },
	};
	enum err e = session_end_of(tx, end->session, user, STR("user"), rq->now_us, &end->ended);

	if (e != OK || !end->ended)
		return e;
	e = outbox_append_event(rq->service->outbox, tx, STR("session.revoked"), user, rq->now_us,
	    fields, ARRAY_LEN(fields));
	return e == OK ? audit_append(tx, rq->keys, &end->audit) : e;
}

static enum err end_others_tx(struct tx *tx, void *arg)
{
	struct ending *end = arg;
	struct request *rq = end->rq;
	struct uuid user = rq->actor.user_id;
	const struct event_field kept = {
		.name = STR("kept_session_id"),
		.value = uuid_str(tx_arena(tx), end->session),
	};
	int64_t n;
	enum err e = session_end_all(tx, user, end->session, STR("user"), rq->now_us, &n);

	end->ended = e == OK && n > 0;
	if (!end->ended)
		return e;
	e = outbox_append_event(
	    rq->service->outbox, tx, STR("session.others_revoked"), user, rq->now_us, &kept, 1);
	return e == OK ? audit_append(tx, rq->keys, &end->audit) : e;
}

static enum err end(struct ending *end, struct str event, store_fn *fn)
{
	struct request *rq = end->rq;
	struct audit_entry entry = {
		.event = event,
		.subject = rq->account,
		.session = &end->session,
		.reason = STR("user"),
	};
	enum err e;

	audit_draft(rq, &entry, &end->audit);
	e = store_tx(rq->service->store, rq, fn, end);
	if (e == OK && end->ended)
		outbox_ring(rq->service->outbox);
	return e;
}

enum err session_end_own(struct request *rq, struct uuid session)
{
	struct ending ending = { .rq = rq, .session = session };
	enum err e = end(&ending, STR("session.revoked"), end_own_tx);

	if (e == OK && !ending.ended)
		return fault(rq, ERR_NOT_FOUND, "no such live session of theirs");
	return e;
}

enum err session_end_others(struct request *rq)
{
	struct ending ending = { .rq = rq, .session = rq->actor.session_id };

	return end(&ending, STR("session.others_revoked"), end_others_tx);
}
