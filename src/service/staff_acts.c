#include "service/staff_acts.h"

#include "service/session.h"
#include "service/user_agent.h"
#include "service/user_change.h"

static enum err run(
    struct request *rq, struct uuid id, struct user_change *change, struct account **ret)
{
	enum err e = account_read(rq, id, ret);

	change->account = *ret;
	return e == OK ? user_change(rq, change) : e;
}

/* --- state --- */

static enum err set_state(
    struct request *rq, struct uuid id, struct user_change *change, struct staff_view *ret)
{
	struct audit_change *field = ARENA_NEW(rq->arena, struct audit_change);
	struct account *account = NULL;
	enum err e;

	*field = (struct audit_change){
		.field = STR("state"),
		.before = user_state_name(change->from),
		.after = user_state_name(change->state),
	};
	change->kind = CHANGE_STATE;
	change->changes = field;
	change->n_changes = 1;
	e = run(rq, id, change, &account);
	if (e != OK)
		return e;
	if (change->changed) {
		account->row.state = change->state;
		account->row.state_at_us = account->row.updated_at_us = rq->now_us;
	}
	staff_view(rq, account, ret);
	return OK;
}

enum err staff_disable(
    struct request *rq, struct uuid id, struct str reason, struct staff_view *ret)
{
	struct user_change change = {
		.from = USER_ACTIVE,
		.state = USER_DISABLED,
		.event = STR("user.disabled"),
		.reason = reason,
		.ends_sessions = true,
		.end_reason = STR("disabled"),
	};

	return set_state(rq, id, &change, ret);
}

enum err staff_enable(struct request *rq, struct uuid id, struct str reason, struct staff_view *ret)
{
	struct user_change change = {
		.from = USER_DISABLED,
		.state = USER_ACTIVE,
		.event = STR("user.enabled"),
		.reason = reason,
	};

	return set_state(rq, id, &change, ret);
}

enum err staff_restore(
    struct request *rq, struct uuid id, struct str reason, struct staff_view *ret)
{
	struct user_change change = {
		.from = USER_DELETED,
		.state = USER_ACTIVE,
		.event = STR("user.restored"),
		.reason = reason,
	};

	return set_state(rq, id, &change, ret);
}

/* --- role --- */

enum err staff_set_role(
    struct request *rq, struct uuid id, struct str role, struct str reason, struct staff_view *ret)
{
	struct audit_change field = { .field = STR("role") };
	struct user_change change = {
		.kind = CHANGE_ROLE,
		.event = STR("user.role_changed"),
		.reason = reason,
		.changes = &field,
		.n_changes = 1,
	};
	struct account *account;
	enum err e;

	if (!role_parse(role, &change.role))
		return request_refuse_field(rq, STR("role"), TEXT_ROLE_UNKNOWN, NULL, 0);
	e = account_read(rq, id, &account);
	if (e != OK)
		return e;
	change.account = account;
	field.before = role_name(account->row.role);
	field.after = role_name(change.role);
	e = user_change(rq, &change);
	if (e != OK)
		return e;
	account->row.role = change.role;
	if (change.changed)
		account->row.updated_at_us = rq->now_us;
	staff_view(rq, account, ret);
	return OK;
}

/* --- notes --- */

enum err staff_note(
    struct request *rq, struct uuid id, struct str note, struct str reason, struct staff_view *ret)
{
	struct note_row row = {
		.id = uuid_v7(),
		.user_id = id,
		.author_id = rq->actor.user_id,
		.created_at_us = rq->now_us,
	};
	struct user_change change = {
		.kind = CHANGE_NOTHING,
		.event = STR("user.noted"),
		.reason = reason,
		.note = &row,
		.is_quiet = true,
	};
	struct account *account;
	enum err e = account_read(rq, id, &account);

	if (e != OK)
		return e;
	row.note = staff_note_seal(rq, account, str_empty(note) ? reason : note);
	change.account = account;
	e = user_change(rq, &change);
	if (e == OK)
		staff_view(rq, account, ret);
	return e;
}

/* --- sessions --- */

struct listing {
	struct request *rq;
	struct uuid id;
	struct session_row *rows;
	size_t n;
	struct audit_row audit;
};

static enum err list_tx(struct tx *tx, void *arg)
{
	struct listing *l = arg;
	enum err e = session_list_live(tx, l->id, l->rq->now_us, &l->rows, &l->n);

	return e == OK ? audit_append(tx, l->rq->keys, &l->audit) : e;
}

enum err staff_sessions(struct request *rq, struct uuid id, struct staff_session_list *ret)
{
	struct listing l = { .rq = rq, .id = id };
	struct audit_entry entry = { .event = STR("user.sessions_viewed") };
	struct account *account;
	enum err e = account_read(rq, id, &account);

	if (e != OK)
		return e;
	entry.subject = account;
	audit_draft(rq, &entry, &l.audit);
	e = store_tx(rq->service->store, rq, list_tx, &l);
	ret->items = ARENA_ARRAY(rq->arena, l.n + 1, struct staff_session);
	for (; e == OK && ret->n < l.n; ret->n++) {
		const struct session_row *row = &l.rows[ret->n];
		struct staff_session *s = &ret->items[ret->n];

		*s = (struct staff_session){
			.id = row->id,
			.method = row->amr,
			.created_at_us = row->created_at_us,
			.last_seen_us = row->rotated_at_us,
			.expires_at_us = row->idle_expires_at_us,
			.impersonator_id = row->impersonator_id,
		};
		if (session_origin(rq, account, row, &s->address, &s->user_agent) != OK)
			return fault(rq, ERR_INTERNAL, "a session's origin does not open");
		s->device = user_agent_name(rq->arena, s->user_agent);
	}
	return e;
}

enum err staff_end_sessions(
    struct request *rq, struct uuid id, struct str reason, int64_t *ret_ended)
{
	struct user_change change = {
		.kind = CHANGE_NOTHING,
		.event = STR("user.sessions_ended"),
		.reason = reason,
		.ends_sessions = true,
		.end_reason = STR("staff"),
	};
	struct account *account = NULL;
	enum err e = run(rq, id, &change, &account);

	if (e == OK)
		*ret_ended = change.ended;
	return e;
}
