#include "service/new_password.h"

#include "service/audit.h"
#include "service/password.h"

enum err new_password_make(struct request *rq, struct new_password *p, struct secret password)
{
	struct identifier own;
	bool known =
	    identifier_parse(rq->arena, p->account->identifier, STR_NULL, &own) == TEXT_NONE;
	const struct password_wish wish = {
		.field = STR("new_password"),
		.password = password,
		.own = known ? &own : NULL,
		.account = p->account,
	};
	enum err e = password_check_policy(rq, wish.field, password, wish.own);

	if (e == ERR_VALIDATION_FAILED)
		return fault(rq, ERR_PASSWORD_REJECTED, "policy");
	return e == OK ? password_make(rq, &wish, &p->encoded) : e;
}

void new_password_draft(struct request *rq, struct new_password *p)
{
	const struct audit_change change = {
		.field = STR("password"),
		.before = STR("old"),
		.after = STR("new"),
		.hidden = true,
	};
	const struct audit_entry entry = {
		.event = p->event,
		.subject = p->account,
		.session = uuid_is_nil(p->session) ? NULL : &p->session,
		.changes = &change,
		.n_changes = 1,
	};

	audit_draft(rq, &entry, &p->audit);
	notice_draft(rq, p->account, STR("password_changed"),
	    client_address_text(rq->arena, &rq->client), &p->notice);
}

enum err new_password_write(struct request *rq, struct tx *tx, struct new_password *p)
{
	struct uuid user = p->account->row.id;
	struct event_field why = { .name = STR("reason"), .value = p->reason };
	bool changed = false;
	int64_t ended;
	enum err e = user_change_password(tx, &p->account->row, p->encoded, rq->now_us, &changed);

	if (e == OK && !changed)
		return ERR_PRECONDITION_FAILED;
	if (e == OK)
		e = password_retire(rq, tx, &p->account->row);
	if (e == OK && uuid_is_nil(p->session))
		e = user_bump_epoch(tx, user, rq->now_us);
	if (e == OK)
		e = session_end_all(tx, user, p->session, p->reason, rq->now_us, &ended);
	if (e == OK)
		e = audit_append(tx, rq->keys, &p->audit);
	if (e == OK)
		e = outbox_append_event(
		    rq->service->outbox, tx, STR("password.changed"), user, rq->now_us, &why, 1);
	return e == OK ? notice_post(tx, &p->notice) : e;
}
