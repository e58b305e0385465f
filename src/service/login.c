#include "service/login.h"

#include "base/log.h"
#include "service/audit.h"
#include "service/flow.h"
#include "service/password.h"
#include "service/throttle.h"

struct attempt {
	struct request *rq;
	struct identifier identifier;
	struct str indexes[16];
	size_t n_indexes;
	bool exists;
	struct user_row user;
	struct account *account;
	enum password_match match;

	struct idempotency idempotency;
	struct str rehash; /* a better hash of the same password; empty: the stored one is fine */
	struct session_draft session;
	struct flow_draft flow;
	struct audit_row audit;
};

static enum err find_tx(struct tx *tx, void *arg)
{
	struct attempt *a = arg;

	return user_by_index(
	    tx, a->identifier.kind, a->indexes, a->n_indexes, &a->user, &a->exists);
}

/* What is no password of anybody's costs no hash. */
static enum err check_input(
    struct request *rq, struct str email_or_phone, struct secret password, struct identifier *ret)
{
	const struct service_config *config = &rq->service->config;
	enum text problem =
	    identifier_parse(rq->arena, email_or_phone, config->default_country, ret);
	enum err e = password_check_length(rq, STR("password"), password);

	if (problem != TEXT_NONE)
		e = request_refuse_field(rq, STR("email_or_phone"), problem, NULL, 0);
	return e;
}

/* Somebody or nobody, one hash: an absent or unusable one costs as much and never matches. */
static enum err check_password(struct attempt *a, struct secret password)
{
	enum err e = store_read(a->rq->service->store, a->rq, STORE_PRIMARY, find_tx, a);

	a->account = NULL;
	if (e != OK)
		return e;
	e = password_compare(a->rq, password, a->exists ? a->user.password : STR_NULL, &a->match);
	if (e == OK && a->exists && a->user.state != USER_ERASED)
		e = account_open(a->rq, &a->user, &a->account);
	return e;
}

struct refusal {
	struct attempt *attempt;
	enum err answer;
};

static enum err refuse_tx(struct tx *tx, void *arg)
{
	const struct refusal *r = arg;
	struct request *rq = r->attempt->rq;
	struct event_field reason = { .name = STR("reason"), .value = err_slug(r->answer) };
	enum err e = audit_append(tx, rq->keys, &r->attempt->audit);

	if (e == OK && r->attempt->account)
		e = outbox_append_event(rq->service->outbox, tx, STR("user.login_failed"),
		    r->attempt->account->row.id, rq->now_us, &reason, 1);
	return e;
}

static enum err refuse(struct attempt *a, enum err answer, const char *why)
{
	struct refusal refusal = { .attempt = a, .answer = answer };
	struct audit_entry entry = {
		.event = STR("user.login_failed"),
		.outcome = answer,
		.subject = a->account,
		.reason = str_of(why),
	};
	enum err e;

	if (!a->account)
		entry.subject_index = a->indexes[0];
	audit_draft(a->rq, &entry, &a->audit);
	a->rq->step_us = a->rq->service->config.refusal_us;
	e = store_tx(a->rq->service->store, a->rq, refuse_tx, &refusal);
	return e == OK ? fault(a->rq, answer, "%s", why) : e;
}

static enum err ask_for_proof_tx(struct tx *tx, void *arg)
{
	struct attempt *a = arg;
	enum err e = flow_begin(tx, &a->flow);

	return e == OK ? audit_append(tx, a->rq->keys, &a->audit) : e;
}

/* The password is right, the address never proven: a fresh code instead of a session. */
static enum err ask_for_proof(struct attempt *a, struct verification *ret)
{
	struct request *rq = a->rq;
	struct flow_wish wish = {
		.purpose = FLOW_VERIFY,
		.identifier = &a->identifier,
		.subject_index = a->indexes[0],
		.account = a->account,
		.message = STR("verification_code"),
	};
	struct audit_entry entry = {
		.event = STR("user.login_failed"),
		.outcome = ERR_VERIFICATION_REQUIRED,
		.subject = a->account,
	};
	enum err e = throttle_identifier(
	    rq, STR("login_code"), a->indexes, a->n_indexes, THROTTLE_SENDS_CODE);

	if (e != OK)
		return e;
	flow_draft(rq, &wish, &a->flow);
	audit_draft(rq, &entry, &a->audit);
	e = store_tx(rq->service->store, rq, ask_for_proof_tx, a);
	if (e != OK)
		return e;
	outbox_ring(rq->service->outbox);
	*ret = a->flow.view;
	return fault(rq, ERR_VERIFICATION_REQUIRED, "not verified yet");
}

static enum err sign_in_tx(struct tx *tx, void *arg)
{
	struct attempt *a = arg;
	struct request *rq = a->rq;
	bool changed;
	enum err e = session_begin(rq, tx, a->account, &a->session);

	/* Only while the old hash stands: a password changed meanwhile is not changed back. */
	if (e == OK && !str_empty(a->rehash))
		e = user_set_password(
		    tx, a->user.id, a->rehash, a->user.password, rq->now_us, &changed);
	return e == OK ? audit_append(tx, rq->keys, &a->audit) : e;
}

/* A better hash, if one is due and the lane has room: a right password is not refused for it. */
static void rehash(struct attempt *a, struct secret password)
{
	a->rehash = STR_NULL;
	if (a->match != PASSWORD_AGED)
		return;
	if (password_hash(a->rq, password, &a->rehash) != OK)
		a->rehash = STR_NULL;
}

static enum err sign_in(struct attempt *a, struct secret password, struct signed_in *ret)
{
	struct request *rq = a->rq;
	struct audit_entry entry = { .event = STR("user.logged_in"), .subject = a->account };
	enum err e;

	rehash(a, password);
	session_draft(rq, a->account, STR("pwd"), &a->idempotency, &a->session);
	entry.session = &a->session.row.id;
	audit_draft(rq, &entry, &a->audit);
	e = store_tx(rq->service->store, rq, sign_in_tx, a);
	if (e == ERR_CONFLICT)
		return session_answer_conflict(rq, &a->idempotency, ret);
	if (e == ERR_FORBIDDEN)
		return refuse(a, e, "all sessions of this role are taken");
	if (e != OK)
		return e;
	/* She is in. What cannot be forgiven now leaves its window by itself. */
	if (throttle_forgive(rq, a->indexes, a->n_indexes) != OK)
		log_debug("guesses were not forgiven");
	outbox_ring(rq->service->outbox);
	session_answer(rq, a->account, &a->session, ret);
	return OK;
}

/* ERR_PRECONDITION_FAILED: what was decided on changed before it was written down. */
static enum err decide(struct attempt *a, struct secret password, struct signed_in *ret,
    struct verification *ret_verification)
{
	enum err e = check_password(a, password);

	if (e != OK)
		return e;
	if (a->match == PASSWORD_WRONG)
		return refuse(a, ERR_INVALID_CREDENTIALS, "no such person, or wrong password");
	if (a->user.state == USER_DISABLED && a->rq->service->config.reveal_disabled)
		return refuse(a, ERR_ACCOUNT_DISABLED, "account is disabled");
	if (a->user.state != USER_ACTIVE)
		return refuse(a, ERR_INVALID_CREDENTIALS, "account is not active");
	if (!a->user.is_verified)
		return ask_for_proof(a, ret_verification);
	return sign_in(a, password, ret);
}

enum err login_password(struct request *rq, struct str email_or_phone, struct secret password,
    struct signed_in *ret, struct verification *ret_verification)
{
	struct attempt a = { .rq = rq, .idempotency = idempotency_of(rq) };
	bool answered;
	enum err e, retry;

	e = check_input(rq, email_or_phone, password, &a.identifier);
	if (e != OK)
		return e;
	a.n_indexes = identifier_indexes(rq, &a.identifier, a.indexes);
	retry = session_answer_retry(rq, &a.idempotency, ret, &answered);
	if (idempotency_settled(retry, answered))
		return retry;
	e = password_room(rq);
	if (e == OK)
		e = throttle_identifier(
		    rq, STR("login"), a.indexes, a.n_indexes, THROTTLE_TRIES_PASSWORD);
	if (e == OK)
		e = retry;
	if (e != OK)
		return e;
	for (int tries = 0; tries < SESSION_TRIES; tries++) {
		e = decide(&a, password, ret, ret_verification);
		if (e != ERR_PRECONDITION_FAILED)
			return e;
	}
	return session_unsettled(rq);
}
