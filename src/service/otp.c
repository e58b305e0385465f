#include "service/otp.h"

#include "service/audit.h"
#include "service/flow.h"
#include "service/otp_priv.h"
#include "service/pending.h"
#include "service/throttle.h"

struct consume {
	struct request *rq;
	struct otp_found *found;
	struct str code_hash;
	bool settles; /* a registration waits for the proof */
	struct pending pending;
	struct session_draft session;
	struct audit_row verified, signed_in, failed;
	bool consumed;
};

/* Everything a right code makes true, in the transaction that used the code up. */
static enum err prove(struct tx *tx, struct consume *c)
{
	const struct account *account = c->found->account;
	struct request *rq = c->rq;
	enum err e = session_begin(rq, tx, account, &c->session);

	if (e == OK && c->settles)
		e = pending_settle(tx, account, &c->pending, rq->now_us);
	if (e == OK)
		e = user_set_verified(tx, account->row.id, rq->now_us);
	if (e == OK)
		e = flow_set_session(tx, c->found->flow.id, c->session.row.id);
	if (e == OK)
		e = audit_append(tx, rq->keys, &c->verified);
	if (e == OK)
		e = audit_append(tx, rq->keys, &c->signed_in);
	if (e == OK)
		e = outbox_append_event(rq->service->outbox, tx, STR("user.verified"),
		    account->row.id, rq->now_us, NULL, 0);
	return e;
}

static enum err consume_tx(struct tx *tx, void *arg)
{
	struct consume *c = arg;
	struct flow_row after;
	bool found;
	enum err e = OK;

	c->consumed = false;
	if (c->found->has_flow)
		e = flow_try(tx, c->found->flow.id, c->code_hash, c->rq->now_us, &c->consumed,
		    &after, &found);
	if (e != OK)
		return e;
	if (!c->consumed || !c->found->account)
		return audit_append(tx, c->rq->keys, &c->failed);
	return prove(tx, c);
}

static void draft_rows(struct consume *c)
{
	struct audit_entry entry = {
		.event = STR("otp.failed"),
		.outcome = ERR_OTP_INVALID,
		.subject = c->found->owner,
	};

	if (!c->found->owner)
		entry.subject_index = otp_subject(c->rq, c->found);
	audit_draft(c->rq, &entry, &c->failed);
	if (!c->found->account)
		return;
	entry.outcome = OK;
	entry.session = &c->session.row.id;
	entry.event = STR("user.verified");
	audit_draft(c->rq, &entry, &c->verified);
	entry.event = STR("user.logged_in");
	audit_draft(c->rq, &entry, &c->signed_in);
}

/* The address alone does not tell whose registration a code belongs to: docs/adr/0007. */
static enum err adopt_pending(struct consume *c)
{
	struct otp_found *f = c->found;
	enum err e;

	c->settles = !str_empty(f->flow.pending) && !f->by_identifier && !f->user.is_verified;
	if (!c->settles)
		return OK;
	e = pending_open(c->rq, &f->account->key, f->flow.pending, &c->pending);
	if (e == OK)
		pending_adopt(c->rq, f->account, &c->pending);
	return e;
}

static enum err draft_proof(struct consume *c, const struct idempotency *idempotency)
{
	struct otp_found *f = c->found;
	enum err e;

	if (!f->account)
		return OK;
	e = adopt_pending(c);
	if (e != OK)
		return e;
	f->account->row.is_verified = true;
	f->account->row.updated_at_us = c->rq->now_us;
	session_draft(c->rq, f->account, STR("otp"), idempotency, &c->session);
	return OK;
}

/* Unless the same call, a moment earlier, used the code up: then its answer. */
static enum err refuse_code(
    struct request *rq, const struct idempotency *idempotency, struct signed_in *ret)
{
	bool answered;
	enum err e = session_answer_retry(rq, idempotency, ret, &answered);

	if (e != OK || answered)
		return e;
	return fault(rq, ERR_OTP_INVALID, "wrong, used, expired, exhausted or unknown");
}

/* ERR_PRECONDITION_FAILED: the person changed since they were found; nothing is used up. */
static enum err use_code(struct request *rq, struct otp_found *found, struct secret code,
    const struct idempotency *idempotency, struct signed_in *ret)
{
	struct consume c = { .rq = rq, .found = found };
	enum err e;

	/* A newest flow that is a decoy leads to nobody, whoever has the identifier. */
	if (found->has_flow && !found->flow.has_user)
		found->account = NULL;
	if (found->has_flow && !flow_code_hash(rq, &found->flow, STR_NULL, code, &c.code_hash))
		return fault(rq, ERR_OTP_INVALID, "the code's key is gone");
	e = draft_proof(&c, idempotency);
	if (e != OK)
		return e;
	draft_rows(&c);
	e = store_tx(rq->service->store, rq, consume_tx, &c);
	if (e == ERR_CONFLICT)
		return session_answer_conflict(rq, idempotency, ret);
	if (e != OK)
		return e;
	if (!c.consumed || !found->account)
		return refuse_code(rq, idempotency, ret);
	outbox_ring(rq->service->outbox);
	found->account->row.updated_at_us = rq->now_us;
	session_answer(rq, found->account, &c.session, ret);
	return OK;
}

enum err otp_verify(
    struct request *rq, const struct otp_target *target, struct secret code, struct signed_in *ret)
{
	struct idempotency idempotency = idempotency_of(rq);
	struct otp_found found;
	bool answered;
	enum err e, retry;

	retry = session_answer_retry(rq, &idempotency, ret, &answered);
	if (idempotency_settled(retry, answered))
		return retry;
	e = otp_find(rq, FLOW_VERIFY, target, &found);
	if (e == OK)
		e = otp_admit(rq, STR("verify_otp"), &found, THROTTLE_TRIES_CODE);
	if (e == OK)
		e = retry;
	for (int tries = 0; e == OK && tries < SESSION_TRIES; tries++) {
		e = use_code(rq, &found, code, &idempotency, ret);
		if (e != ERR_PRECONDITION_FAILED)
			return e;
		e = otp_find(rq, FLOW_VERIFY, target, &found);
	}
	return e == OK ? session_unsettled(rq) : e;
}
