#include "service/flow.h"
#include "service/otp_priv.h"
#include "service/throttle.h"

static enum err find_tx(struct tx *tx, void *arg)
{
	struct otp_found *f = arg;
	enum err e;

	f->has_user = false;
	if (f->by_identifier)
		e = flow_newest(tx, f->indexes, f->n_indexes, f->purpose, &f->flow, &f->has_flow);
	else
		e = flow_by_id(tx, f->target->flow_id, &f->flow, &f->has_flow);
	/* A flow of another purpose is none: its code is for another door. */
	if (e == OK && f->has_flow)
		f->has_flow = str_eq(f->flow.purpose, f->purpose);
	if (e == OK && f->has_flow && f->flow.has_user)
		return user_by_id(tx, f->flow.user_id, &f->user, &f->has_user);
	if (e == OK && f->by_identifier)
		return user_by_index(
		    tx, f->identifier.kind, f->indexes, f->n_indexes, &f->user, &f->has_user);
	return e;
}

enum err otp_find(
    struct request *rq, struct str purpose, const struct otp_target *target, struct otp_found *f)
{
	enum text problem;
	enum err e;

	*f = (struct otp_found){
		.purpose = purpose,
		.target = target,
		.by_identifier = !target->has_flow,
	};
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

struct str otp_subject(struct request *rq, const struct otp_found *f)
{
	if (f->by_identifier)
		return f->indexes[0];
	if (f->has_flow)
		return f->flow.subject_index;
	return str_dup(rq->arena, uuid_bytes(&f->target->flow_id));
}

enum err otp_admit(
    struct request *rq, struct str purpose, const struct otp_found *f, unsigned extras)
{
	struct str subject = otp_subject(rq, f);

	if (f->by_identifier)
		return throttle_identifier(rq, purpose, f->indexes, f->n_indexes, extras);
	return throttle_identifier(rq, purpose, &subject, 1, extras);
}
