#include "service/admin.h"

#include "service/audit.h"
#include "service/notice.h"
#include "service/password.h"

#define NOBODY ((struct uuid){ 0 })

/* --- create --- */

struct creation {
	struct request *rq;
	struct account *account;
	struct audit_row audit;
	bool taken;
};

static enum err create_tx(struct tx *tx, void *arg)
{
	struct creation *c = arg;
	const struct user_row *user = &c->account->row;
	struct event_field role = { .name = STR("role"), .value = role_name(user->role) };
	enum err e = user_insert(tx, user, &c->taken);

	if (e != OK || c->taken)
		return e;
	e = outbox_append_event(
	    c->rq->service->outbox, tx, STR("user.registered"), user->id, c->rq->now_us, &role, 1);
	return e == OK ? audit_append(tx, c->rq->keys, &c->audit) : e;
}

static enum err check_new(
    struct request *rq, const struct admin_new_user *in, struct identifier *ret)
{
	struct str country =
	    str_empty(in->country) ? rq->service->config.default_country : in->country;
	enum text problem = identifier_parse(rq->arena, in->identifier, country, ret);
	bool parsed = problem == TEXT_NONE;
	enum err e = password_check_policy(rq, STR("password"), in->password, parsed ? ret : NULL);

	if (!parsed)
		e = request_refuse_field(rq, STR("identifier"), problem, NULL, 0);
	if (!str_empty(in->country) && !identifier_country_known(in->country))
		e = request_refuse_field(rq, STR("country"), TEXT_COUNTRY_INVALID, NULL, 0);
	return e;
}

enum err admin_user_create(
    struct request *rq, const struct admin_new_user *in, struct account **ret)
{
	struct profile profile = {
		.first_name = in->first_name,
		.last_name = in->last_name,
		.country = in->country,
	};
	struct audit_change role = { .field = STR("role"), .after = role_name(in->role) };
	struct audit_entry entry = {
		.event = STR("user.created"),
		.reason = in->reason,
		.changes = &role,
		.n_changes = 1,
	};
	struct creation c = { .rq = rq };
	struct identifier identifier;
	struct str indexes[16], encoded = STR_NULL;
	enum err e = check_new(rq, in, &identifier);

	if (e == OK)
		e = password_hash(rq, in->password, &encoded);
	if (e != OK)
		return e;
	identifier_indexes(rq, &identifier, indexes);
	c.account = account_draft(rq, &identifier, indexes[0], in->role, &profile, encoded);
	c.account->row.is_verified = true;
	entry.subject = c.account;
	audit_draft(rq, &entry, &c.audit);
	e = store_tx(rq->service->store, rq, create_tx, &c);
	if (e == OK && c.taken)
		return fault(rq, ERR_ALREADY_REGISTERED, "identifier is taken");
	if (e == OK)
		*ret = c.account;
	return e;
}

/* --- find and list --- */

struct search {
	struct str text;
	bool is_id, is_identifier, found;
	struct uuid id;
	struct identifier identifier;
	struct str indexes[16];
	size_t n_indexes;
	struct user_row user;
};

static enum err find_tx(struct tx *tx, void *arg)
{
	struct search *s = arg;
	enum err e = OK;

	if (s->is_id)
		e = user_by_id(tx, s->id, &s->user, &s->found);
	if (e == OK && !s->found && s->is_identifier)
		e = user_by_index(
		    tx, s->identifier.kind, s->indexes, s->n_indexes, &s->user, &s->found);
	if (e == OK && !s->found)
		e = user_by_external_id(tx, s->text, &s->user, &s->found);
	return e;
}

/* An erased person's key is destroyed: the row is all there is. */
static enum err open_row(struct request *rq, const struct user_row *row, struct account **ret)
{
	if (row->state != USER_ERASED)
		return account_open(rq, row, ret);
	*ret = ARENA_NEW(rq->secrets, struct account);
	(*ret)->row = *row;
	return OK;
}

enum err admin_user_find(struct request *rq, struct str text, struct account **ret)
{
	struct search s = { .text = text };
	enum err e;

	s.is_id = uuid_parse(text, &s.id);
	s.is_identifier = identifier_parse(rq->arena, text, rq->service->config.default_country,
			      &s.identifier) == TEXT_NONE;
	if (s.is_identifier)
		s.n_indexes = identifier_indexes(rq, &s.identifier, s.indexes);
	e = store_read(rq->service->store, rq, STORE_PRIMARY, find_tx, &s);
	if (e != OK)
		return e;
	return s.found ? open_row(rq, &s.user, ret) : fault(rq, ERR_NOT_FOUND, "no such user");
}

struct listing {
	const struct user_page *page;
	struct user_row *rows;
	size_t n;
};

static enum err list_tx(struct tx *tx, void *arg)
{
	struct listing *l = arg;

	return user_list(tx, l->page, &l->rows, &l->n);
}

enum err admin_user_list(
    struct request *rq, const struct user_page *page, struct account ***ret, size_t *ret_n)
{
	struct listing l = { .page = page };
	struct account **accounts;
	enum err e = store_read(rq->service->store, rq, STORE_STALE_OK, list_tx, &l);

	if (e != OK)
		return e;
	accounts = ARENA_ARRAY(rq->arena, l.n + 1, struct account *);
	for (size_t i = 0; i < l.n; i++) {
		e = open_row(rq, &l.rows[i], &accounts[i]);
		if (e != OK)
			return e;
	}
	*ret = accounts;
	*ret_n = l.n;
	return OK;
}

/* --- change --- */

enum refusal {
	REFUSED_NOT,
	REFUSED_GONE,
	REFUSED_LAST_SUPERADMIN,
};

struct change {
	struct request *rq;
	const struct account *account;
	enum user_state state; /* set_state */
	struct str password;   /* set_password: encoded */
	struct str event;      /* for the audit row and the outbox */
	struct str end_reason; /* of the sessions; empty: they go on */
	struct audit_row audit;
	struct notice notice; /* to the person; may be none */
	bool changed;
	enum refusal refusal;
};

/* The state is read again in the transaction: what was shown to the operator may be old. */
static enum err check_change(struct tx *tx, struct change *c)
{
	struct user_row now;
	int64_t superadmins = 0;
	bool found;
	enum err e = user_by_id(tx, c->account->row.id, &now, &found);

	if (e != OK)
		return e;
	c->refusal = REFUSED_NOT;
	if (!found || now.state == USER_DELETED || now.state == USER_ERASED)
		c->refusal = REFUSED_GONE;
	if (c->state == USER_ACTIVE || now.state != USER_ACTIVE || now.role != ROLE_SUPERADMIN)
		return OK;
	e = user_count_role(tx, ROLE_SUPERADMIN, &superadmins);
	if (e == OK && superadmins <= 1)
		c->refusal = REFUSED_LAST_SUPERADMIN;
	return e;
}

static enum err apply_change(struct tx *tx, struct change *c)
{
	struct uuid id = c->account->row.id;
	int64_t now_us = c->rq->now_us;
	enum err e;

	if (str_empty(c->password))
		return user_set_state(tx, id, c->state, now_us, &c->changed);
	e = user_set_password(tx, id, c->password, STR_NULL, now_us, &c->changed);
	if (e == OK)
		e = user_bump_epoch(tx, id, now_us);
	return e;
}

static enum err change_tx(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct request *rq = c->rq;
	struct uuid id = c->account->row.id;
	const struct event_field why = { .name = STR("reason"), .value = c->end_reason };
	int64_t ended;
	enum err e = check_change(tx, c);

	if (e != OK || c->refusal != REFUSED_NOT)
		return e;
	e = apply_change(tx, c);
	if (e != OK || !c->changed)
		return e;
	if (!str_empty(c->end_reason))
		e = session_end_all(tx, id, NOBODY, c->end_reason, rq->now_us, &ended);
	if (e == OK)
		e = outbox_append_event(rq->service->outbox, tx, c->event, id, rq->now_us, &why,
		    !str_empty(c->password));
	if (e == OK)
		e = notice_post(tx, &c->notice);
	return e == OK ? audit_append(tx, rq->keys, &c->audit) : e;
}

static enum err run_change(struct change *c, struct audit_entry *entry)
{
	enum err e;

	entry->event = c->event;
	entry->subject = c->account;
	audit_draft(c->rq, entry, &c->audit);
	e = store_tx(c->rq->service->store, c->rq, change_tx, c);
	if (e != OK)
		return e;
	if (c->refusal == REFUSED_GONE)
		return fault(c->rq, ERR_CONFLICT, "user is deleted or erased");
	if (c->refusal == REFUSED_LAST_SUPERADMIN)
		return fault(c->rq, ERR_LAST_SUPERADMIN, "last active superadmin");
	return OK;
}

enum err admin_user_set_state(struct request *rq, const struct account *account,
    enum user_state state, struct str reason, bool *ret_changed)
{
	struct change c = {
		.rq = rq,
		.account = account,
		.state = state,
		.event = state == USER_ACTIVE ? STR("user.enabled") : STR("user.disabled"),
		.end_reason = state == USER_ACTIVE ? STR_NULL : STR("disabled"),
	};
	struct audit_change field = {
		.field = STR("state"),
		.before = user_state_name(account->row.state),
		.after = user_state_name(state),
	};
	struct audit_entry entry = { .reason = reason, .changes = &field, .n_changes = 1 };
	enum err e;

	if (account->row.state == USER_ERASED)
		return fault(rq, ERR_CONFLICT, "user is erased");
	e = run_change(&c, &entry);
	if (e == OK)
		*ret_changed = c.changed;
	return e;
}

enum err admin_user_set_password(
    struct request *rq, const struct account *account, struct secret password, struct str reason)
{
	struct change c = {
		.rq = rq,
		.account = account,
		.state = USER_ACTIVE,
		.event = STR("password.changed"),
		.end_reason = STR("password_set"),
	};
	struct audit_change field = {
		.field = STR("password"),
		.before = STR("old"),
		.after = STR("new"),
		.hidden = true,
	};
	struct audit_entry entry = { .reason = reason, .changes = &field, .n_changes = 1 };
	struct identifier own;
	bool known = identifier_parse(rq->arena, account->identifier, STR_NULL, &own) == TEXT_NONE;
	enum err e;

	if (account->row.state == USER_ERASED)
		return fault(rq, ERR_CONFLICT, "user is erased");
	e = password_check_policy(rq, STR("password"), password, known ? &own : NULL);
	if (e == OK)
		e = password_hash(rq, password, &c.password);
	if (e != OK)
		return e;
	notice_draft(rq, account, STR("password_changed"), STR_NULL, &c.notice);
	return run_change(&c, &entry);
}
