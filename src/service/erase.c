#include "service/erase.h"

#include "service/audit.h"
#include "service/reauth.h"
#include "service/session.h"
#include "store/erase_store.h"

/* Of the closed accounts, in one turn of the sweep. */
#define ERASE_BITE 50

struct erasing {
	struct request *rq;
	const struct user_row *user;
	enum user_state from; /* they are still in this state */
	struct audit_row audit;
	bool erased, last_superadmin;
};

/* Read again in the transaction: they may be back, or the last of their kind. */
static enum err check_tx(struct tx *tx, const struct erasing *er, bool *ret_go, bool *ret_last)
{
	int64_t superadmins = 0;
	struct user_row now;
	bool found;
	enum err e = user_by_id(tx, er->user->id, &now, &found);

	if (e != OK)
		return e;
	*ret_last = false;
	*ret_go = found && now.state == er->from;
	if (!*ret_go || now.state != USER_ACTIVE || now.role != ROLE_SUPERADMIN)
		return OK;
	e = user_count_role(tx, ROLE_SUPERADMIN, &superadmins);
	*ret_last = superadmins <= 1;
	return e;
}

static enum err erase_tx(struct tx *tx, void *arg)
{
	struct erasing *er = arg;
	struct request *rq = er->rq;
	bool go;
	enum err e = check_tx(tx, er, &go, &er->last_superadmin);

	er->erased = false;
	if (e != OK || !go || er->last_superadmin)
		return e;
	e = person_erase(tx, er->user->id, er->user->identifier_index, rq->now_us, &er->erased);
	if (e == OK)
		e = outbox_append_event(
		    rq->service->outbox, tx, STR("user.erased"), er->user->id, rq->now_us, NULL, 0);
	return e == OK ? audit_append(tx, rq->keys, &er->audit) : e;
}

static enum err erase(struct erasing *er, const struct account *account)
{
	struct audit_change state = {
		.field = STR("state"),
		.before = user_state_name(er->from),
		.after = user_state_name(USER_ERASED),
	};
	struct audit_entry entry = {
		.event = STR("user.erased"),
		.subject = account,
		.changes = &state,
		.n_changes = 1,
	};
	enum err e;

	audit_draft(er->rq, &entry, &er->audit);
	e = store_tx(er->rq->service->store, er->rq, erase_tx, er);
	if (e == OK && er->erased)
		outbox_ring(er->rq->service->outbox);
	return e;
}

enum err account_erase(struct request *rq, struct secret password)
{
	struct erasing er = { .rq = rq, .user = &rq->account->row, .from = USER_ACTIVE };
	enum err e = reauth_check(rq, password, REAUTH_PASSWORD);

	if (e == OK)
		e = erase(&er, rq->account);
	if (e != OK)
		return e;
	if (er.last_superadmin)
		return fault(rq, ERR_LAST_SUPERADMIN, "last active superadmin");
	if (!er.erased)
		return fault(rq, ERR_TOKEN_REVOKED, "not active any more");
	return OK;
}

struct closed {
	int64_t before_us;
	struct user_row *users;
	size_t n;
};

static enum err list_tx(struct tx *tx, void *arg)
{
	struct closed *c = arg;

	return person_list_closed(tx, c->before_us, ERASE_BITE, &c->users, &c->n);
}

enum err erase_closed(struct request *rq)
{
	struct closed c = { .before_us = rq->now_us - rq->service->config.closed_grace_us };
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, list_tx, &c);

	for (size_t i = 0; e == OK && i < c.n; i++) {
		struct erasing er = { .rq = rq, .user = &c.users[i], .from = USER_DELETED };
		struct account *account = NULL;

		e = account_open_key(rq, &c.users[i], &account);
		if (e == OK)
			e = erase(&er, account);
	}
	return e;
}
