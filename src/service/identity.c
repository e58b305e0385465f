#include "service/identity.h"

#include "service/audit.h"
#include "service/throttle.h"
#include "store/flow_store.h"

/* Nothing hashes to it: no password opens this account until its owner sets one. */
#define NO_PASSWORD STR("!")

enum arrival_kind {
	ARRIVAL_KNOWN,    /* linked before */
	ARRIVAL_NEW,      /* nobody has the address */
	ARRIVAL_TAKEOVER, /* somebody wrote it down, and never proved it */
};

/* One sign-in between the proof and the rows. */
struct arrival {
	struct request *rq;
	const struct proven_identity *in;
	const struct idempotency *idempotency;
	struct str subject_indexes[16], email_indexes[16];
	size_t n_subject, n_email; /* n_email 0: no proven address */
	struct identifier email;

	/* What was found. */
	struct identity_row identity;
	struct user_row user;
	bool linked, exists;

	/* What is to be written. */
	enum arrival_kind kind;
	struct account *account;
	struct session_draft session;
	struct audit_row opened, verified, link, signed_in;
};

static enum err find_tx(struct tx *tx, void *arg)
{
	struct arrival *a = arg;
	enum err e;

	a->exists = false;
	e = identity_by_index(tx, a->subject_indexes, a->n_subject, &a->identity, &a->linked);
	if (e != OK)
		return e;
	if (a->linked)
		return user_by_id(tx, a->identity.user_id, &a->user, &a->exists);
	if (a->n_email == 0)
		return OK;
	return user_by_index(
	    tx, IDENTIFIER_EMAIL, a->email_indexes, a->n_email, &a->user, &a->exists);
}

static void prepare(struct arrival *a)
{
	const struct proven_identity *in = a->in;

	a->n_subject = identity_indexes(a->rq, in, a->subject_indexes);
	if (in->email_verified &&
	    identifier_parse_email(a->rq->arena, in->email, &a->email) == TEXT_NONE)
		a->n_email = identifier_indexes(a->rq, &a->email, a->email_indexes);
}

/* --- refusing --- */

static enum err refuse(struct arrival *a, enum err answer, const char *why)
{
	struct audit_entry entry = {
		.event = STR("user.login_failed"),
		.outcome = answer,
		.object_type = STR("identity"),
		.object_id = a->in->provider,
		.reason = str_of(why),
	};
	enum err e = OK;

	if (a->exists && a->user.state != USER_ERASED)
		e = account_open_key(a->rq, &a->user, &a->account);
	if (e != OK)
		return e;
	entry.subject = a->exists && a->user.state != USER_ERASED ? a->account : NULL;
	if (!entry.subject)
		entry.subject_index = a->subject_indexes[0];
	e = audit_write(a->rq, &entry);
	return e == OK ? fault(a->rq, answer, "%s", why) : e;
}

static enum err judge(struct arrival *a)
{
	if (!a->exists && (a->linked || a->n_email == 0))
		return refuse(a, ERR_IDENTITY_UNVERIFIED, "the provider vouches for no address");
	if (!a->exists) {
		a->kind = ARRIVAL_NEW;
		return OK;
	}
	if (a->user.state == USER_DISABLED && a->rq->service->config.reveal_disabled)
		return refuse(a, ERR_ACCOUNT_DISABLED, "account is disabled");
	if (a->user.state != USER_ACTIVE)
		return refuse(a, ERR_INVALID_CREDENTIALS, "account is not active");
	if (!a->linked && a->user.is_verified)
		return refuse(a, ERR_LINK_REQUIRED, "the address is another account's");
	a->kind = a->linked ? ARRIVAL_KNOWN : ARRIVAL_TAKEOVER;
	return OK;
}

/* --- drafting --- */

static struct profile profile_of(const struct proven_identity *in)
{
	return (struct profile){
		.first_name = in->first_name,
		.last_name = in->last_name,
		.image_url = in->image_url,
		.locale = in->locale,
	};
}

static void draft_new(struct arrival *a)
{
	const struct profile profile = profile_of(a->in);

	a->account = account_draft(
	    a->rq, &a->email, a->email_indexes[0], ROLE_CLIENT, &profile, NO_PASSWORD);
	a->account->row.auth_provider = a->in->provider;
	a->account->row.is_verified = true;
}

/* What the other wrote goes: password, name, role, contact. The row and its id stay. */
static enum err draft_takeover(struct arrival *a)
{
	enum err e = account_open(a->rq, &a->user, &a->account);

	if (e != OK)
		return e;
	a->account->profile = profile_of(a->in);
	a->account->row.password = NO_PASSWORD;
	a->account->row.role = ROLE_CLIENT;
	a->account->row.is_verified = true;
	a->account->row.updated_at_us = a->rq->now_us;
	a->account->row.profile =
	    account_seal_profile(a->rq, &a->account->key, &a->account->profile);
	return OK;
}

static void draft_rows(struct arrival *a)
{
	struct audit_entry entry = {
		.subject = a->account,
		.object_type = STR("identity"),
		.object_id = a->in->provider,
	};

	entry.event = a->kind == ARRIVAL_TAKEOVER ? STR("user.taken_over") : STR("user.registered");
	audit_draft(a->rq, &entry, &a->opened);
	entry.session = &a->session.row.id;
	entry.event = STR("user.verified");
	audit_draft(a->rq, &entry, &a->verified);
	entry.event = STR("identity.linked");
	audit_draft(a->rq, &entry, &a->link);
	entry.event = STR("user.logged_in");
	audit_draft(a->rq, &entry, &a->signed_in);
}

static enum err draft(struct arrival *a)
{
	enum err e = OK;

	switch (a->kind) {
	case ARRIVAL_KNOWN:
		e = account_open(a->rq, &a->user, &a->account);
		break;
	case ARRIVAL_NEW:
		draft_new(a);
		break;
	case ARRIVAL_TAKEOVER:
		e = draft_takeover(a);
		break;
	}
	if (e != OK)
		return e;
	session_draft(a->rq, a->account, a->in->provider, a->idempotency, &a->session);
	if (a->kind != ARRIVAL_KNOWN)
		identity_draft(a->rq, a->account, a->in, a->subject_indexes[0], &a->identity);
	draft_rows(a);
	return OK;
}

/* --- writing: ERR_PRECONDITION_FAILED undoes all of it, and everything is decided anew --- */

static enum err open_account(struct arrival *a, struct tx *tx)
{
	const struct user_row *user = &a->account->row;
	struct event_field role = { .name = STR("role"), .value = role_name(user->role) };
	bool taken = false;
	enum err e = user_insert(tx, user, &taken);

	if (e == OK && taken)
		e = ERR_PRECONDITION_FAILED;
	if (e == OK)
		e = session_begin(a->rq, tx, a->account, &a->session);
	if (e == OK)
		e = outbox_append_event(a->rq->service->outbox, tx, STR("user.registered"),
		    user->id, a->rq->now_us, &role, 1);
	return e;
}

/* An account that nobody has proven has no session; that none is left is made sure all the same. */
static enum err take_over(struct arrival *a, struct tx *tx)
{
	const struct user_row *user = &a->account->row;
	int64_t now_us = a->rq->now_us, ended;
	bool settled = false;
	enum err e = session_begin(a->rq, tx, a->account, &a->session);

	if (e == OK)
		e = user_settle(tx, user, now_us, &settled);
	if (e == OK && !settled)
		e = ERR_PRECONDITION_FAILED;
	if (e == OK)
		e = user_set_verified(tx, user->id, now_us);
	if (e == OK)
		e = session_end_all(
		    tx, user->id, a->session.row.id, STR("taken_over"), now_us, &ended);
	if (e == OK)
		e = flow_void_user(tx, user->identifier_index, user->id, now_us);
	if (e == OK)
		e = consent_clear(tx, user->id);
	if (e == OK)
		e = identity_clear(tx, user->id);
	return e;
}

static enum err link_and_verify(struct arrival *a, struct tx *tx)
{
	struct request *rq = a->rq;
	bool taken = false;
	enum err e = identity_insert(tx, &a->identity, &taken);

	if (e == OK && taken)
		e = ERR_PRECONDITION_FAILED;
	if (e == OK)
		e = audit_append(tx, rq->keys, &a->opened);
	if (e == OK)
		e = audit_append(tx, rq->keys, &a->verified);
	if (e == OK)
		e = audit_append(tx, rq->keys, &a->link);
	if (e == OK)
		e = outbox_append_event(rq->service->outbox, tx, STR("user.verified"),
		    a->account->row.id, rq->now_us, NULL, 0);
	return e;
}

static enum err come_back(struct arrival *a, struct tx *tx)
{
	bool there = false;
	enum err e = session_begin(a->rq, tx, a->account, &a->session);

	if (e == OK)
		e = identity_used(tx, a->identity.id, a->rq->now_us, &there);
	return e == OK && !there ? ERR_PRECONDITION_FAILED : e;
}

static enum err write_tx(struct tx *tx, void *arg)
{
	struct arrival *a = arg;
	enum err e = OK;

	switch (a->kind) {
	case ARRIVAL_KNOWN:
		e = come_back(a, tx);
		break;
	case ARRIVAL_NEW:
		e = open_account(a, tx);
		break;
	case ARRIVAL_TAKEOVER:
		e = take_over(a, tx);
		break;
	}
	if (e == OK && a->kind != ARRIVAL_KNOWN)
		e = link_and_verify(a, tx);
	return e == OK ? audit_append(tx, a->rq->keys, &a->signed_in) : e;
}

static enum err decide(struct arrival *a, struct signed_in *ret)
{
	struct request *rq = a->rq;
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, find_tx, a);

	if (e == OK)
		e = judge(a);
	if (e == OK)
		e = draft(a);
	if (e != OK)
		return e;
	e = store_tx(rq->service->store, rq, write_tx, a);
	if (e == ERR_CONFLICT)
		return session_answer_conflict(rq, a->idempotency, ret);
	if (e == ERR_FORBIDDEN)
		return refuse(a, e, "all sessions of this role are taken");
	if (e != OK)
		return e;
	outbox_ring(rq->service->outbox);
	session_answer(rq, a->account, &a->session, ret);
	return OK;
}

enum err identity_sign_in(struct request *rq, const struct proven_identity *in,
    const struct idempotency *idempotency, struct signed_in *ret)
{
	struct arrival a = { .rq = rq, .in = in, .idempotency = idempotency };
	enum err e;

	prepare(&a);
	e = throttle_subject(rq, STR("identity"), a.subject_indexes[0]);
	if (e != OK)
		return e;
	for (int tries = 0; tries < SESSION_TRIES; tries++) {
		e = decide(&a, ret);
		if (e != ERR_PRECONDITION_FAILED)
			return e;
	}
	return session_unsettled(rq);
}
