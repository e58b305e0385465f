#include "service/identifier_change.h"

#include "service/audit.h"
#include "service/flow.h"
#include "service/identifier_revert.h"
#include "service/identifier_take.h"
#include "service/reauth.h"
#include "service/session.h"
#include "service/throttle.h"

#define FLOW_IDENTIFIER STR("identifier")
#define FIELD_PENDING STR("flows.pending")

/* --- ask --- */

struct asking {
	struct request *rq;
	struct identifier identifier;
	struct str indexes[16];
	size_t n_indexes;
	struct user_row holder;
	bool held;
	struct flow_draft flow;
	struct audit_row audit;
};

static enum err parse(
    struct request *rq, const struct identifier_wish *wish, struct identifier *ret)
{
	struct str country = rq->account->profile.country, field = STR("email");
	enum text problem;

	if (str_empty(wish->email) == str_empty(wish->phone)) {
		(void)request_refuse_field(rq, field, TEXT_IDENTIFIER_ONE_OF, NULL, 0);
		return request_refuse_field(rq, STR("phone"), TEXT_IDENTIFIER_ONE_OF, NULL, 0);
	}
	if (str_empty(country))
		country = rq->service->config.default_country;
	if (str_empty(wish->email)) {
		field = STR("phone");
		problem = identifier_parse_phone(rq->arena, wish->phone, country, ret);
	} else {
		problem = identifier_parse_email(rq->arena, wish->email, ret);
	}
	return problem == TEXT_NONE ? OK : request_refuse_field(rq, field, problem, NULL, 0);
}

static enum err find_tx(struct tx *tx, void *arg)
{
	struct asking *a = arg;

	return user_by_index(
	    tx, a->identifier.kind, a->indexes, a->n_indexes, &a->holder, &a->held);
}

static enum err ask_tx(struct tx *tx, void *arg)
{
	struct asking *a = arg;
	enum err e = flow_begin(tx, &a->flow);

	return e == OK ? audit_append(tx, a->rq->keys, &a->audit) : e;
}

/* What the code proves waits with the flow, under the person's key. */
static struct str seal_pending(struct request *rq, const struct identifier *id)
{
	return seal(rq->arena, &rq->account->key, FIELD_PENDING, id->display);
}

static enum err draft(struct asking *a)
{
	struct request *rq = a->rq;
	struct account *reached = ARENA_NEW(rq->secrets, struct account);
	struct flow_wish wish = {
		.purpose = FLOW_IDENTIFIER,
		.identifier = &a->identifier,
		.subject_index = a->indexes[0],
		.account = reached,
		.message = STR("verification_code"),
		.pending = seal_pending(rq, &a->identifier),
	};
	struct audit_entry entry = {
		.event = STR("identifier.requested"),
		.subject = rq->account,
		.session = &rq->actor.session_id,
	};

	/* The person, at the address that is to be proven. */
	*reached = *rq->account;
	reached->identifier = a->identifier.display;
	if (a->held && a->holder.is_verified && a->holder.state != USER_ERASED) {
		struct account *owner;
		enum err e = account_open(rq, &a->holder, &owner);

		if (e != OK)
			return e;
		entry.outcome = ERR_ALREADY_REGISTERED;
		wish.decoy = true;
		wish.pending = STR_NULL;
		wish.account = owner;
		wish.message = owner->row.state == USER_ACTIVE &&
				       !uuid_equal(owner->row.id, rq->account->row.id)
				   ? STR("already_registered")
				   : STR_NULL;
	}
	flow_draft(rq, &wish, &a->flow);
	audit_draft(rq, &entry, &a->audit);
	return OK;
}

enum err identifier_change(
    struct request *rq, const struct identifier_wish *wish, struct verification *ret)
{
	struct asking a = { .rq = rq };
	enum err e = parse(rq, wish, &a.identifier);

	if (e == OK)
		e = reauth_check(rq, wish->password, REAUTH_PASSWORD);
	if (e != OK)
		return e;
	if (!outbox_can_send(rq->service->outbox,
		a.identifier.kind == IDENTIFIER_EMAIL ? CHANNEL_EMAIL : CHANNEL_SMS))
		return fault(rq, ERR_UNAVAILABLE, "no way to send a code is configured");
	a.n_indexes = identifier_indexes(rq, &a.identifier, a.indexes);
	e = throttle_identifier(rq, STR("identifier"), a.indexes, a.n_indexes, THROTTLE_SENDS_CODE);
	if (e == OK)
		e = store_read(rq->service->store, rq, STORE_PRIMARY, find_tx, &a);
	if (e == OK)
		e = draft(&a);
	if (e == OK)
		e = store_tx(rq->service->store, rq, ask_tx, &a);
	if (e != OK)
		return e;
	outbox_ring(rq->service->outbox);
	*ret = a.flow.view;
	return OK;
}

/* --- confirm --- */

struct confirming {
	struct request *rq;
	struct uuid flow_id;
	struct flow_row flow;
	bool found, mine, consumed;
	struct str code_hash;
	struct taking taking;
	struct revert_draft revert;
	struct audit_row changed, failed;
};

static enum err find_flow_tx(struct tx *tx, void *arg)
{
	struct confirming *c = arg;

	return flow_by_id(tx, c->flow_id, &c->flow, &c->found);
}

static enum err find_flow(struct confirming *c)
{
	struct request *rq = c->rq;
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, find_flow_tx, c);

	/* A decoy is nobody's, and counts all the same. */
	if (e == OK && c->found)
		c->found = str_eq(c->flow.purpose, FLOW_IDENTIFIER) &&
			   (!c->flow.has_user || uuid_equal(c->flow.user_id, rq->account->row.id));
	c->mine = c->found && c->flow.has_user && !str_empty(c->flow.pending);
	return e;
}

static enum err admit(struct confirming *c)
{
	struct str subject =
	    c->found ? c->flow.subject_index : str_dup(c->rq->arena, uuid_bytes(&c->flow_id));

	return throttle_identifier(
	    c->rq, STR("identifier_confirm"), &subject, 1, THROTTLE_TRIES_CODE);
}

static enum err confirm_tx(struct tx *tx, void *arg)
{
	struct confirming *c = arg;
	struct request *rq = c->rq;
	struct uuid id = rq->account->row.id;
	struct flow_row after;
	int64_t ended;
	bool found;
	enum err e = OK;

	c->consumed = false;
	if (c->found)
		e = flow_try(
		    tx, c->flow_id, c->code_hash, rq->now_us, &c->consumed, &after, &found);
	if (e != OK)
		return e;
	if (!c->consumed || !c->mine)
		return audit_append(tx, rq->keys, &c->failed);
	e = taking_write(tx, &c->taking);
	if (e == OK && c->taking.stale)
		return ERR_PRECONDITION_FAILED;
	if (e != OK || c->taking.taken)
		return e;
	e = session_end_all(
	    tx, id, rq->actor.session_id, STR("identifier_changed"), rq->now_us, &ended);
	if (e == OK)
		e = revert_begin(tx, &c->revert);
	if (e == OK)
		e = outbox_append_event(rq->service->outbox, tx, STR("user.identifier_changed"), id,
		    rq->now_us, NULL, 0);
	return e == OK ? audit_append(tx, rq->keys, &c->changed) : e;
}

static enum err open_pending(struct confirming *c)
{
	struct request *rq = c->rq;
	struct str display;

	if (!c->mine)
		return OK;
	if (unseal(rq->arena, &rq->account->key, FIELD_PENDING, c->flow.pending, &display) != OK ||
	    identifier_parse(rq->arena, display, STR_NULL, &c->taking.identifier) != TEXT_NONE)
		return fault(rq, ERR_INTERNAL, "a pending identifier does not open");
	taking_draft(&c->taking);
	revert_draft(rq, rq->account, &c->revert);
	return OK;
}

static enum err draft_confirmation(struct confirming *c, struct secret code)
{
	struct request *rq = c->rq;
	struct audit_change change = {
		.field = STR("identifier"),
		.before = STR("old"),
		.after = STR("new"),
		.hidden = true,
	};
	struct audit_entry entry = {
		.event = STR("otp.failed"),
		.outcome = ERR_OTP_INVALID,
		.subject = rq->account,
		.session = &rq->actor.session_id,
	};
	enum err e;

	/* A code whose key is gone opens nothing. */
	c->found = c->found && flow_code_hash(rq, &c->flow, STR_NULL, code, &c->code_hash);
	c->mine = c->mine && c->found;
	e = open_pending(c);
	if (e != OK)
		return e;
	audit_draft(rq, &entry, &c->failed);
	entry.event = STR("identifier.changed");
	entry.outcome = OK;
	entry.changes = &change;
	entry.n_changes = 1;
	audit_draft(rq, &entry, &c->changed);
	return OK;
}

enum err identifier_confirm(
    struct request *rq, struct uuid flow, struct secret code, struct user_view *ret)
{
	struct confirming c = {
		.rq = rq,
		.flow_id = flow,
		.taking = { .rq = rq, .account = rq->account },
	};
	enum err e = find_flow(&c);

	if (e == OK)
		e = admit(&c);
	if (e == OK)
		e = draft_confirmation(&c, code);
	if (e == OK)
		e = store_tx(rq->service->store, rq, confirm_tx, &c);
	/* Whatever changed it may have ended this session as well: nothing was used up. */
	if (e == ERR_PRECONDITION_FAILED)
		return fault(rq, ERR_TOKEN_REVOKED, "the account changed meanwhile");
	if (e != OK)
		return e;
	if (!c.consumed || !c.mine)
		return fault(rq, ERR_OTP_INVALID, "wrong, used, expired or not theirs");
	if (c.taking.taken)
		return fault(rq, ERR_CONFLICT, "somebody else has proven it");
	outbox_ring(rq->service->outbox);
	rq->version = c.taking.next->row.updated_at_us;
	account_view(c.taking.next, ret);
	return OK;
}
