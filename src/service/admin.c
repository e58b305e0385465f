#include "service/admin.h"

#include "service/audit.h"
#include "service/notice.h"
#include "service/password.h"
#include "service/user_change.h"

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
	const struct password_wish wish = {
		.field = STR("password"),
		.password = in->password,
		.own = &identifier,
	};
	enum err e = check_new(rq, in, &identifier);

	if (e == OK)
		e = password_check_strength(rq, &wish);
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

enum err admin_user_set_state(struct request *rq, const struct account *account,
    enum user_state state, struct str reason, bool *ret_changed)
{
	bool disables = state == USER_DISABLED;
	enum user_state from = disables ? USER_ACTIVE : USER_DISABLED;
	const struct audit_change field = {
		.field = STR("state"),
		.before = user_state_name(from),
		.after = user_state_name(state),
	};
	struct user_change change = {
		.account = account,
		.kind = CHANGE_STATE,
		.from = from,
		.state = state,
		.event = disables ? STR("user.disabled") : STR("user.enabled"),
		.reason = reason,
		.changes = &field,
		.n_changes = 1,
		.ends_sessions = disables,
		.end_reason = STR("disabled"),
	};
	enum err e;

	if (account->row.state == USER_ERASED)
		return fault(rq, ERR_CONFLICT, "user is erased");
	e = user_change(rq, &change);
	if (e == OK)
		*ret_changed = change.changed;
	return e;
}

enum err admin_user_set_password(
    struct request *rq, const struct account *account, struct secret password, struct str reason)
{
	const struct audit_change field = {
		.field = STR("password"),
		.before = STR("old"),
		.after = STR("new"),
		.hidden = true,
	};
	struct user_change change = {
		.account = account,
		.kind = CHANGE_PASSWORD,
		.event = STR("password.changed"),
		.reason = reason,
		.changes = &field,
		.n_changes = 1,
		.ends_sessions = true,
		.end_reason = STR("password_set"),
	};
	struct identifier own;
	struct notice notice;
	bool known = identifier_parse(rq->arena, account->identifier, STR_NULL, &own) == TEXT_NONE;
	const struct password_wish wish = {
		.field = STR("password"),
		.password = password,
		.own = known ? &own : NULL,
		.account = account,
	};
	enum err e;

	if (account->row.state == USER_ERASED)
		return fault(rq, ERR_CONFLICT, "user is erased");
	e = password_check_policy(rq, wish.field, password, wish.own);
	if (e == OK)
		e = password_make(rq, &wish, &change.password);
	if (e != OK)
		return e;
	notice_draft(rq, account, STR("password_changed"), STR_NULL, &notice);
	change.message = notice.present ? &notice.row : NULL;
	return user_change(rq, &change);
}
