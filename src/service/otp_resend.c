#include "service/audit.h"
#include "service/flow.h"
#include "service/otp_priv.h"
#include "service/throttle.h"

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
static void draft_new(struct request *rq, const struct otp_found *f, struct resend *r)
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
static enum err draft_renewal(struct request *rq, const struct otp_found *f, struct resend *r)
{
	enum err e = flow_redraft(rq, &f->flow, f->flow.has_user ? f->owner : NULL,
	    f->by_identifier ? &f->identifier : NULL, &r->draft);

	r->draft.has_message = r->draft.has_message && f->account;
	return e;
}

static enum err draft_resend(struct request *rq, const struct otp_found *f, struct resend *r)
{
	struct audit_entry entry = { .event = STR("otp.sent"), .subject = f->owner };
	bool erased = f->flow.has_user && !f->owner;
	enum err e = OK;

	r->renew = f->has_flow && flow_live(rq, &f->flow) && !erased;
	r->by_address = f->by_identifier;
	if (!r->renew && !f->by_identifier)
		return fault(rq, ERR_OTP_INVALID, "no live flow of that id");
	if (!f->owner)
		entry.subject_index = otp_subject(rq, f);
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

static enum err cool_down(struct request *rq, const struct otp_found *f)
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
	struct otp_found found;
	bool answered;
	enum err e;

	e = flow_answer_retry(rq, &r.idempotency, &unused, ret, &answered);
	if (e != OK || answered) /* its body holds no secret to be found out by conflicts */
		return e;
	e = otp_find(rq, FLOW_VERIFY, target, &found);
	if (e == OK)
		e = cool_down(rq, &found);
	if (e == OK)
		e = otp_admit(rq, STR("resend_otp"), &found, THROTTLE_SENDS_CODE);
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
