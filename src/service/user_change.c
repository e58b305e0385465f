#include "service/user_change.h"

#include "service/password.h"
#include "service/permissions.h"

#define NOBODY ((struct uuid){ 0 })

struct changing {
	struct request *rq;
	struct user_change *change;
	struct audit_row audit;
	struct user_row now; /* the person, in the transaction */
	enum err refusal;    /* OK: none */
};

/* Both are read again: what the caller saw may be old, and so may the caller. */
static enum err judge_actor(struct tx *tx, struct changing *c)
{
	const struct service_config *config = &c->rq->service->config;
	const struct actor *actor = &c->rq->actor;
	const struct user_change *change = c->change;
	struct user_row now;
	bool found;
	enum err e;

	if (!actor->present)
		return OK;
	e = user_by_id(tx, actor->user_id, &now, &found);
	if (e != OK)
		return e;
	if (!found || now.state != USER_ACTIVE || now.epoch != actor->epoch)
		c->refusal = ERR_TOKEN_REVOKED;
	else if (!role_outranks(config, now.role, c->now.role))
		c->refusal = ERR_FORBIDDEN;
	else if (change->begins && role_is_staff(c->now.role))
		c->refusal = ERR_FORBIDDEN;
	else if (change->kind == CHANGE_ROLE && !role_may_grant(config, now.role, change->role))
		c->refusal = ERR_FORBIDDEN;
	return OK;
}

static bool is_as_read(const struct user_change *change, const struct user_row *now)
{
	if (change->kind == CHANGE_STATE)
		return now->state == change->from || now->state == change->state;
	if (now->state == USER_DELETED || now->state == USER_ERASED)
		return false;
	if (change->begins && now->state != USER_ACTIVE)
		return false;
	return change->kind != CHANGE_ROLE || now->role == change->account->row.role ||
	       now->role == change->role;
}

static enum err judge(struct tx *tx, struct changing *c)
{
	bool found;
	enum err e = user_by_id(tx, c->change->account->row.id, &c->now, &found);

	c->refusal = OK;
	if (e == OK && found)
		e = judge_actor(tx, c);
	if (e != OK || c->refusal != OK)
		return e;
	if (!found || !is_as_read(c->change, &c->now))
		c->refusal = ERR_CONFLICT;
	return OK;
}

static enum err apply_password(struct tx *tx, struct changing *c)
{
	struct uuid id = c->now.id;
	enum err e = password_retire(c->rq, tx, &c->now);

	if (e == OK)
		e = user_set_password(
		    tx, id, c->change->password, STR_NULL, c->rq->now_us, &c->change->changed);
	return e == OK ? user_bump_epoch(tx, id, c->rq->now_us) : e;
}

/* What would take the last superadmin away writes no row; that is how it is known. */
static enum err apply(struct tx *tx, struct changing *c)
{
	struct user_change *change = c->change;
	int64_t now_us = c->rq->now_us;
	bool already = false;
	enum err e = OK;

	switch (change->kind) {
	case CHANGE_NOTHING:
		change->changed = true;
		return OK;
	case CHANGE_PASSWORD:
		return apply_password(tx, c);
	case CHANGE_STATE:
		already = c->now.state == change->state;
		e = user_set_state(tx, c->now.id, change->state, now_us, &change->changed);
		break;
	case CHANGE_ROLE:
		already = c->now.role == change->role;
		e = user_set_role(tx, c->now.id, change->role, now_us, &change->changed);
		break;
	}
	if (e == OK && !change->changed && !already)
		c->refusal = ERR_LAST_SUPERADMIN;
	return e;
}

static enum err end_sessions(struct tx *tx, struct changing *c)
{
	const struct user_change *change = c->change;
	bool ended = false;
	enum err e;

	if (!change->ends_sessions)
		return OK;
	if (!change->session)
		return session_end_all(
		    tx, c->now.id, NOBODY, change->end_reason, c->rq->now_us, &c->change->ended);
	e = session_end(tx, *change->session, change->end_reason, c->rq->now_us, &ended);
	c->change->ended = ended;
	return e;
}

static enum err leave_traces(struct tx *tx, struct changing *c)
{
	const struct user_change *change = c->change;
	const struct event_field why = { .name = STR("reason"), .value = change->end_reason };
	struct request *rq = c->rq;
	enum err e = OK;

	if (change->begins)
		e = session_insert(tx, change->begins);
	if (e == OK && change->note)
		e = note_insert(tx, change->note);
	if (e == OK && change->message)
		e = outbox_insert(tx, change->message);
	if (e == OK && !change->is_quiet)
		e = outbox_append_event(rq->service->outbox, tx, change->event, c->now.id,
		    rq->now_us, &why, change->kind == CHANGE_PASSWORD);
	return e == OK ? audit_append(tx, rq->keys, &c->audit) : e;
}

/* Nothing was changed, but somebody wanted to: that is what the row says. */
static enum err record_refusal(struct tx *tx, struct changing *c)
{
	struct audit_row row = c->audit;

	row.outcome = err_slug(c->refusal);
	return audit_append(tx, c->rq->keys, &row);
}

static enum err change_tx(struct tx *tx, void *arg)
{
	struct changing *c = arg;
	enum err e = judge(tx, c);

	if (e == OK && c->refusal == OK)
		e = apply(tx, c);
	if (e != OK)
		return e;
	if (c->refusal != OK)
		return record_refusal(tx, c);
	if (!c->change->changed)
		return OK;
	e = end_sessions(tx, c);
	return e == OK ? leave_traces(tx, c) : e;
}

enum err user_change(struct request *rq, struct user_change *change)
{
	const struct audit_entry entry = {
		.event = change->event,
		.subject = change->account,
		.session = change->session,
		.reason = change->reason,
		.changes = change->changes,
		.n_changes = change->n_changes,
	};
	struct changing c = { .rq = rq, .change = change };
	enum err e;

	audit_draft(rq, &entry, &c.audit);
	e = store_tx(rq->service->store, rq, change_tx, &c);
	if (e == OK && c.refusal == OK && change->changed)
		outbox_ring(rq->service->outbox);
	if (e != OK || c.refusal == OK)
		return e;
	return fault(rq, c.refusal, "%.*s refused", STR_ARG(change->event));
}
