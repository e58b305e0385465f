#include "base/log.h"
#include "crypto/django_token.h"
#include "service/audit.h"
#include "service/new_password.h"
#include "service/password.h"
#include "service/reset_priv.h"
#include "service/throttle.h"

struct confirm {
	struct request *rq;
	const struct reset_proof *proof;
	struct secret password;

	struct otp_target target; /* where the proof leads */
	struct str django_pk;     /* or there */
	bool is_django;
	struct otp_found found;
	struct str code_hash; /* of what was shown, for the flow found */

	struct new_password next;
	struct audit_row failed, verified;
	bool opens; /* the proof was good when it was looked at */
	bool done;  /* and still when it was used */
};

/* Which of the two kinds of link it is shows in its token; what is neither leads nowhere. */
static void read_proof(struct confirm *c)
{
	const struct reset_proof *proof = c->proof;
	struct str id;

	if (!proof->has_link) {
		c->target = proof->target;
		return;
	}
	c->target.has_flow = true;
	if (!flow_link_read(c->rq, proof->uidb64, &id))
		return;
	c->is_django = django_token_shaped(secret_reveal(proof->token));
	if (c->is_django)
		/* No primary key is anything but text, and not every database takes other bytes. */
		c->django_pk = str_utf8_valid(id) && str_find(id, '\0') < 0 ? id : STR("");
	else if (id.len == sizeof(c->target.flow_id.b))
		memcpy(c->target.flow_id.b, id.ptr, id.len);
}

static enum err find(struct confirm *c)
{
	if (!c->is_django)
		return otp_find(c->rq, FLOW_RESET, &c->target, &c->found);
	return reset_find_django(c->rq, c->django_pk, &c->target, &c->found);
}

/* Whoever has a link is counted by it: who has none uses up nobody's tries. */
static enum err admit(struct confirm *c)
{
	struct str purpose = STR("password_reset_confirm");
	struct str token = secret_reveal(c->proof->token);

	if (c->proof->has_link)
		return throttle_identifier(c->rq, purpose, &token, 1, 0);
	return otp_admit(c->rq, purpose, &c->found, THROTTLE_TRIES_RESET);
}

static bool flow_opens(const struct request *rq, const struct flow_row *flow, struct str hash)
{
	return !flow->consumed_at_us && !flow->voided_at_us &&
	       rq->now_us < flow->code_expires_at_us && rq->now_us < flow->expires_at_us &&
	       flow->attempts < flow->max_attempts && hash.len == flow->code_hash.len &&
	       bytes_equal(hash.ptr, flow->code_hash.ptr, hash.len);
}

/* A look only; what counts and consumes is the transaction. */
static void look(struct confirm *c)
{
	const struct otp_found *f = &c->found;
	struct secret shown = c->proof->has_link ? c->proof->token : c->proof->code;
	struct str bound;

	if (c->is_django) {
		c->opens = reset_django_opens(c->rq, f, shown);
		return;
	}
	c->code_hash = STR_NULL;
	c->opens = false;
	if (!f->has_flow)
		return;
	bound = f->flow.has_user && f->account ? reset_bound(c->rq, f->account) : STR_NULL;
	if (flow_code_hash(c->rq, &f->flow, bound, shown, &c->code_hash))
		c->opens = !str_empty(bound) && flow_opens(c->rq, &f->flow, c->code_hash);
}

static void draft(struct confirm *c)
{
	struct audit_entry entry = {
		.event = STR("password.reset_failed"),
		.outcome = ERR_RESET_INVALID,
		.subject = c->found.owner,
	};

	if (!c->found.owner)
		entry.subject_index = otp_subject(c->rq, &c->found);
	audit_draft(c->rq, &entry, &c->failed);
	if (!c->opens)
		return;
	entry.event = STR("user.verified");
	entry.outcome = OK;
	audit_draft(c->rq, &entry, &c->verified);
	new_password_draft(c->rq, &c->next);
}

/* Who receives what is sent to an address has proven it, whichever form it came in. */
static enum err verify(struct tx *tx, struct confirm *c)
{
	struct request *rq = c->rq;
	struct uuid user = c->found.account->row.id;
	enum err e;

	if (c->found.account->row.is_verified)
		return OK;
	e = user_set_verified(tx, user, rq->now_us);
	if (e == OK)
		e = audit_append(tx, rq->keys, &c->verified);
	if (e == OK)
		e = outbox_append_event(
		    rq->service->outbox, tx, STR("user.verified"), user, rq->now_us, NULL, 0);
	return e;
}

static enum err confirm_tx(struct tx *tx, void *arg)
{
	struct confirm *c = arg;
	struct flow_row after;
	bool found;
	enum err e = OK;

	/* A link of Django's dies by what the password was changed from. */
	c->done = c->is_django;
	if (c->found.has_flow)
		e = flow_try(
		    tx, c->found.flow.id, c->code_hash, c->rq->now_us, &c->done, &after, &found);
	c->done = c->done && c->opens;
	if (e == OK && !c->done)
		e = audit_append(tx, c->rq->keys, &c->failed);
	else if (e == OK)
		e = new_password_write(c->rq, tx, &c->next);
	if (e == OK && c->done)
		e = verify(tx, c);
	return e;
}

/* Nobody who was locked out by others' guesses stays so. */
static void forgive(struct confirm *c)
{
	struct request *rq = c->rq;
	struct identifier own;
	struct str indexes[16];
	size_t n;

	if (identifier_parse(rq->arena, c->found.account->identifier, STR_NULL, &own) != TEXT_NONE)
		return;
	n = identifier_indexes(rq, &own, indexes);
	if (throttle_forgive(rq, indexes, n) != OK)
		log_debug("guesses were not forgiven");
}

/* ERR_PRECONDITION_FAILED: the person changed since they were found; nothing is used up. */
static enum err decide(struct confirm *c)
{
	struct request *rq = c->rq;
	enum err e = OK;

	look(c);
	c->next = (struct new_password){
		.account = c->found.account,
		.event = STR("password.reset"),
		.reason = STR("password_reset"),
	};
	if (c->opens)
		e = new_password_make(rq, &c->next, c->password);
	if (e != OK)
		return e;
	draft(c);
	e = store_tx(rq->service->store, rq, confirm_tx, c);
	if (e != OK)
		return e;
	if (!c->done)
		return fault(rq, ERR_RESET_INVALID, "wrong, used, expired or unknown");
	forgive(c);
	outbox_ring(rq->service->outbox);
	return OK;
}

enum err reset_confirm(struct request *rq, const struct reset_proof *proof, struct secret password)
{
	struct confirm c = { .rq = rq, .proof = proof, .password = password };
	enum err e = password_check_length(rq, STR("new_password"), password);

	if (e != OK)
		return fault(rq, ERR_PASSWORD_REJECTED, "too long");
	read_proof(&c);
	e = password_room(rq);
	if (e == OK)
		e = find(&c);
	if (e == OK)
		e = admit(&c);
	for (int tries = 0; e == OK && tries < SESSION_TRIES; tries++) {
		e = decide(&c);
		if (e != ERR_PRECONDITION_FAILED)
			return e;
		e = find(&c);
	}
	return e == OK ? session_unsettled(rq) : e;
}
