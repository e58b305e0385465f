#include "service/closing.h"

#include "service/audit.h"
#include "service/reauth.h"
#include "service/session.h"

#define NOBODY ((struct uuid){ 0 })

struct closing {
	struct request *rq;
	struct audit_row audit;
	bool last_superadmin, gone;
};

/* Read again in the transaction: what the access token led to may be old. */
static enum err check_tx(struct tx *tx, struct closing *c)
{
	int64_t superadmins = 0;
	struct user_row now;
	bool found;
	enum err e = user_by_id(tx, c->rq->actor.user_id, &now, &found);

	if (e != OK)
		return e;
	c->gone = !found || now.state != USER_ACTIVE;
	c->last_superadmin = false;
	if (c->gone || now.role != ROLE_SUPERADMIN)
		return OK;
	e = user_count_role(tx, ROLE_SUPERADMIN, &superadmins);
	c->last_superadmin = superadmins <= 1;
	return e;
}

static enum err close_tx(struct tx *tx, void *arg)
{
	struct closing *c = arg;
	struct request *rq = c->rq;
	struct uuid id = rq->actor.user_id;
	bool changed;
	int64_t ended;
	enum err e = check_tx(tx, c);

	if (e != OK || c->gone || c->last_superadmin)
		return e;
	e = user_set_state(tx, id, USER_DELETED, rq->now_us, &changed);
	if (e == OK && !changed)
		c->last_superadmin = true; /* another one went at the same moment */
	if (e != OK || !changed)
		return e;
	e = session_end_all(tx, id, NOBODY, STR("deleted"), rq->now_us, &ended);
	if (e == OK)
		e = outbox_append_event(
		    rq->service->outbox, tx, STR("user.deleted"), id, rq->now_us, NULL, 0);
	return e == OK ? audit_append(tx, rq->keys, &c->audit) : e;
}

enum err account_close(struct request *rq, struct secret password)
{
	struct closing c = { .rq = rq };
	struct audit_change state = {
		.field = STR("state"),
		.before = user_state_name(USER_ACTIVE),
		.after = user_state_name(USER_DELETED),
	};
	struct audit_entry entry = {
		.event = STR("user.deleted"),
		.subject = rq->account,
		.session = &rq->actor.session_id,
		.changes = &state,
		.n_changes = 1,
	};
	enum err e = reauth_check(rq, password, REAUTH_RECENT);

	if (e != OK)
		return e;
	audit_draft(rq, &entry, &c.audit);
	e = store_tx(rq->service->store, rq, close_tx, &c);
	if (e != OK)
		return e;
	if (c.gone)
		return fault(rq, ERR_TOKEN_REVOKED, "not active any more");
	if (c.last_superadmin)
		return fault(rq, ERR_LAST_SUPERADMIN, "last active superadmin");
	outbox_ring(rq->service->outbox);
	return OK;
}
