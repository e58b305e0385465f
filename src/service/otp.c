#include "service/otp.h"

#include "service/audit.h"
#include "service/flow.h"
#include "service/pending.h"
#include "service/throttle.h"

/* What a target leads to: a flow, and the person behind it unless it is a decoy. */
struct found {
	const struct otp_target *target;
	bool by_identifier;
	struct identifier identifier;
	struct str indexes[16];
	size_t n_indexes;

	bool has_flow;
	struct flow_row flow;
	bool has_user;
	struct user_row user;
	struct account *owner;   /* whose it is, disabled or deleted ones too; NULL: nobody's */
	struct account *account; /* the same, if a code may let them in */
};

static enum err find_tx(struct tx *tx, void *arg)
{
	struct found *f = arg;
	enum err e;

	f->has_user = false;
	if (f->by_identifier)
		e = flow_newest(tx, f->indexes, f->n_indexes, FLOW_VERIFY, &f->flow, &f->has_flow);
	else
		e = flow_by_id(tx, f->target->flow_id, &f->flow, &f->has_flow);
	/* A flow of another purpose is none: its code is for another door. */
	if (e == OK && f->has_flow)
		f->has_flow = str_eq(f->flow.purpose, FLOW_VERIFY);
	if (e == OK && f->has_flow && f->flow.has_user)
		return user_by_id(tx, f->flow.user_id, &f->user, &f->has_user);
	if (e == OK && f->by_identifier)
		return user_by_index(
		    tx, f->identifier.kind, f->indexes, f->n_indexes, &f->user, &f->has_user);
	return e;
}

static enum err find(struct request *rq, const struct otp_target *target, struct found *f)
{
	enum text problem;
	enum err e;

	*f = (struct found){ .target = target, .by_identifier = !target->has_flow };
	if (f->by_identifier) {
		if (str_empty(target->email_or_phone))
			return request_refuse_field(
			    rq, STR("flow_id"), TEXT_FLOW_OR_IDENTIFIER, NULL, 0);
		problem = identifier_parse(rq->arena, target->email_or_phone,
		    rq->service->config.default_country, &f->identifier);
		if (problem != TEXT_NONE)
			return request_refuse_field(rq, STR("email_or_phone"), problem, NULL, 0);
		f->n_indexes = identifier_indexes(rq, &f->identifier, f->indexes);
	}
	e = store_read(rq->service->store, rq, STORE_PRIMARY, find_tx, f);
	if (e == OK && f->has_user && f->user.state != USER_ERASED)
		e = account_open(rq, &f->user, &f->owner);
	if (e == OK && f->owner && f->user.state == USER_ACTIVE)
		f->account = f->owner;
	return e;
}

/* Whom the limits count: the identifier, however it was named; a flow nobody has counts itself. */
static struct str subject_of(struct request *rq, const struct found *f)
{
	if (f->by_identifier)
		return f->indexes[0];
	if (f->has_flow)
		return f->flow.subject_index;
	return str_dup(rq->arena, uuid_bytes(&f->target->flow_id));
}

static enum err admit(
    struct request *rq, struct str purpose, const struct found *f, unsigned extras)
{
	struct str subject = subject_of(rq, f);

	if (f->by_identifier)
		return throttle_identifier(rq, purpose, f->indexes, f->n_indexes, extras);
	return throttle_identifier(rq, purpose, &subject, 1, extras);
}

struct consume {
	struct request *rq;
	struct found *found;
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
		entry.subject_index = subject_of(c->rq, c->found);
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
	struct found *f = c->found;
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
	struct found *f = c->found;
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
static enum err use_code(struct request *rq, struct found *found, struct secret code,
    const struct idempotency *idempotency, struct signed_in *ret)
{
	struct consume c = { .rq = rq, .found = found };
	enum err e = OK;

	/* A newest flow that is a decoy leads to nobody, whoever has the identifier. */
	if (found->has_flow && !found->flow.has_user)
		found->account = NULL;
	if (found->has_flow)
		e = flow_code_hash(rq, &found->flow, code, &c.code_hash);
	if (e == OK)
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
	struct found found;
	bool answered;
	enum err e, retry;

	retry = session_answer_retry(rq, &idempotency, ret, &answered);
	if (idempotency_settled(retry, answered))
		return retry;
	e = find(rq, target, &found);
	if (e == OK)
		e = admit(rq, STR("verify_otp"), &found, THROTTLE_TRIES_CODE);
	if (e == OK)
		e = retry;
	for (int tries = 0; e == OK && tries < SESSION_TRIES; tries++) {
		e = use_code(rq, &found, code, &idempotency, ret);
		if (e != ERR_PRECONDITION_FAILED)
			return e;
		e = find(rq, target, &found);
	}
	return e == OK ? session_unsettled(rq) : e;
}

struct resend {
	struct request *rq;
	struct flow_draft draft;
	bool renew;      /* else a new flow */
	bool by_address; /* whoever asks is told the flow's id */
	bool renewed;
	struct idempotency idempotency;
	struct audit_row audit;
};

static enum err resend_tx(struct tx *tx, void *arg)
{
	struct resend *r = arg;
	const struct flow_row *row = &r->draft.row;
	struct flow_resend renewal = {
		.id = row->id,
		.code_hash = row->code_hash,
		.code_key = row->code_key,
		.now_us = r->rq->now_us,
		.code_expires_at_us = row->code_expires_at_us,
		.resend_at_us = row->resend_at_us,
		.idempotency_hash = r->idempotency.hash,
		.idempotency_body = r->idempotency.body,
		.idempotency_until_us = r->idempotency.until_us,
		/* What waits with the flow is its beginner's, who alone knew the id. */
		.drop_pending = r->by_address,
	};
	enum err e;

	r->renewed = true;
	if (r->renew) {
		e = flow_renew_code(tx, &renewal, &r->renewed);
		if (e == OK && r->renewed && r->draft.has_message)
			e = outbox_insert(tx, &r->draft.message);
	} else {
		e = flow_begin(tx, &r->draft);
	}
	if (e == OK && r->renewed)
		e = audit_append(tx, r->rq->keys, &r->audit);
	return e;
}

static bool flow_live(const struct request *rq, const struct flow_row *flow)
{
	return !flow->consumed_at_us && !flow->voided_at_us && rq->now_us < flow->expires_at_us;
}

/* A flow of its own for an identifier without a live one: real for who waits to be verified. */
static void draft_new(struct request *rq, const struct found *f, struct resend *r)
{
	struct flow_wish wish = {
		.purpose = FLOW_VERIFY,
		.identifier = &f->identifier,
		.subject_index = f->indexes[0],
		.account = f->account,
		.decoy = !f->account || f->account->row.is_verified,
		.idempotency = &r->idempotency,
	};

	if (!wish.decoy)
		wish.message = STR("verification_code");
	flow_draft(rq, &wish, &r->draft);
}

/* The same flow goes on; what was sent to somebody who may not come in any more is not sent again.
 */
static enum err draft_renewal(struct request *rq, const struct found *f, struct resend *r)
{
	enum err e = flow_redraft(rq, &f->flow, f->flow.has_user ? f->owner : NULL,
	    f->by_identifier ? &f->identifier : NULL, &r->draft);

	r->draft.has_message = r->draft.has_message && f->account;
	return e;
}

static enum err draft_resend(struct request *rq, const struct found *f, struct resend *r)
{
	struct audit_entry entry = { .event = STR("otp.sent"), .subject = f->owner };
	bool erased = f->flow.has_user && !f->owner;
	enum err e = OK;

	r->renew = f->has_flow && flow_live(rq, &f->flow) && !erased;
	r->by_address = f->by_identifier;
	if (!r->renew && !f->by_identifier)
		return fault(rq, ERR_OTP_INVALID, "no live flow of that id");
	if (!f->owner)
		entry.subject_index = subject_of(rq, f);
	if (r->renew)
		e = draft_renewal(rq, f, r);
	else
		draft_new(rq, f, r);
	audit_draft(rq, &entry, &r->audit);
	return e;
}

/* Another call renewed the flow since it was found: perhaps this one, a moment earlier. */
static enum err renewed_meanwhile(
    struct request *rq, const struct idempotency *idempotency, struct verification *ret)
{
	struct account *unused;
	bool answered;
	enum err e = flow_answer_retry(rq, idempotency, &unused, ret, &answered);

	if (e != OK || answered)
		return e;
	rq->retry_after_us = rq->service->config.otp_cooldown_us;
	return fault(rq, ERR_THROTTLED, "renewed by another call");
}

static enum err cool_down(struct request *rq, const struct found *f)
{
	if (!f->has_flow || !flow_live(rq, &f->flow) || rq->now_us >= f->flow.resend_at_us)
		return OK;
	rq->retry_after_us = f->flow.resend_at_us - rq->now_us;
	return fault(rq, ERR_THROTTLED, "cooling down");
}

enum err otp_resend(struct request *rq, const struct otp_target *target, struct verification *ret)
{
	struct resend r = { .rq = rq, .idempotency = idempotency_of(rq) };
	struct account *unused;
	struct found found;
	bool answered;
	enum err e;

	e = flow_answer_retry(rq, &r.idempotency, &unused, ret, &answered);
	if (e != OK || answered) /* its body holds no secret to be found out by conflicts */
		return e;
	e = find(rq, target, &found);
	if (e == OK)
		e = cool_down(rq, &found);
	if (e == OK)
		e = admit(rq, STR("resend_otp"), &found, THROTTLE_SENDS_CODE);
	if (e == OK)
		e = draft_resend(rq, &found, &r);
	if (e == OK)
		e = store_tx(rq->service->store, rq, resend_tx, &r);
	if (e == ERR_CONFLICT)
		return flow_answer_conflict(rq, &r.idempotency, &unused, ret);
	if (e == OK && !r.renewed)
		return renewed_meanwhile(rq, &r.idempotency, ret);
	if (e != OK)
		return e;
	outbox_ring(rq->service->outbox);
	*ret = r.draft.view;
	return OK;
}
