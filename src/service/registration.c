#include "service/registration.h"

#include "service/audit.h"
#include "service/consents.h"
#include "service/flow.h"
#include "service/password.h"
#include "service/pending.h"
#include "service/profile.h"
#include "service/throttle.h"

/* How often to look again when what was found holds no more: new, then taken, then proven. */
#define TRIES 3

/* What was found, or made, between reading the request and writing the rows. */
struct plan {
	const struct registration *in;
	struct identifier identifier;
	struct str indexes[16];
	size_t n_indexes;
	enum role role;
	struct idempotency idempotency;

	struct user_row existing; /* the look-up's */
	bool exists;
	struct str password; /* encoded */

	struct account *account; /* the new one, or the one that exists */
	bool is_new;
	struct flow_draft flow;
	struct audit_row audit;
	bool stale; /* the look-up's answer is: taken since then, or proven */
};

static enum err check_identifier(
    struct request *rq, const struct registration *in, struct identifier *ret)
{
	struct str country =
	    str_empty(in->country) ? rq->service->config.default_country : in->country;
	enum text problem;

	if (str_empty(in->email) == str_empty(in->phone)) {
		request_refuse_field(rq, STR("email"), TEXT_IDENTIFIER_ONE_OF, NULL, 0);
		return request_refuse_field(rq, STR("phone"), TEXT_IDENTIFIER_ONE_OF, NULL, 0);
	}
	if (!str_empty(in->email)) {
		problem = identifier_parse_email(rq->arena, in->email, ret);
		return problem == TEXT_NONE
			   ? OK
			   : request_refuse_field(rq, STR("email"), problem, NULL, 0);
	}
	problem = identifier_parse_phone(rq->arena, in->phone, country, ret);
	return problem == TEXT_NONE ? OK : request_refuse_field(rq, STR("phone"), problem, NULL, 0);
}

static bool role_may_register(struct str text, enum role *ret)
{
	if (str_empty(text) || str_eq_nocase(text, STR("client")))
		*ret = ROLE_CLIENT;
	else if (str_eq_nocase(text, STR("vendor")))
		*ret = ROLE_VENDOR;
	else
		return false;
	return true;
}

static struct profile profile_of(const struct registration *in)
{
	return (struct profile){
		.first_name = in->first_name,
		.last_name = in->last_name,
		.country = in->country,
		.locale = in->locale,
	};
}

/* Every mistake in the body is named at once, not one a try. */
static enum err check(struct request *rq, struct plan *plan)
{
	const struct registration *in = plan->in;
	struct profile profile = profile_of(in);
	enum err identifier = check_identifier(rq, in, &plan->identifier);
	enum err password = password_check_policy(
	    rq, STR("password"), in->password, identifier == OK ? &plan->identifier : NULL);

	if (!role_may_register(in->role, &plan->role))
		request_refuse_field(rq, STR("role"), TEXT_ROLE_NOT_ALLOWED, NULL, 0);
	if (profile_check(rq, &profile, STR_NULL) != OK ||
	    consents_check(rq, in->consents, in->n_consents) != OK || identifier != OK ||
	    password != OK || rq->field_errors)
		return ERR_VALIDATION_FAILED;
	if (!outbox_can_send(rq->service->outbox,
		plan->identifier.kind == IDENTIFIER_EMAIL ? CHANNEL_EMAIL : CHANNEL_SMS))
		return fault(rq, ERR_UNAVAILABLE, "no way to send a code is configured");
	plan->n_indexes = identifier_indexes(rq, &plan->identifier, plan->indexes);
	return OK;
}

/* The two branches that run side by side: is it there already, and the hash. */
struct branch {
	struct request *rq;
	struct plan *plan;
};

static enum err find_tx(struct tx *tx, void *arg)
{
	struct plan *plan = arg;

	return user_by_index(tx, plan->identifier.kind, plan->indexes, plan->n_indexes,
	    &plan->existing, &plan->exists);
}

static enum err find_branch(void *arg)
{
	struct branch *b = arg;

	return store_read(b->rq->service->store, b->rq, STORE_PRIMARY, find_tx, b->plan);
}

static enum err hash_branch(void *arg)
{
	struct branch *b = arg;

	return password_hash(b->rq, b->plan->in->password, &b->plan->password);
}

static enum err find_and_hash(struct request *rq, struct plan *plan)
{
	struct branch branch = { .rq = rq, .plan = plan };
	struct rt_task tasks[] = {
		{ .fn = find_branch, .arg = &branch },
		{ .fn = hash_branch, .arg = &branch },
	};

	return rt_gather(tasks, ARRAY_LEN(tasks));
}

static struct account *new_account(struct request *rq, const struct plan *plan)
{
	const struct profile profile = profile_of(plan->in);

	return account_draft(
	    rq, &plan->identifier, plan->indexes[0], plan->role, &profile, plan->password);
}

static struct str seal_pending(struct request *rq, const struct plan *plan)
{
	const struct pending pending = {
		.password = plan->password,
		.role = plan->role,
		.profile = profile_of(plan->in),
		.consents = plan->in->consents,
		.n_consents = plan->in->n_consents,
	};

	return pending_seal(rq, &plan->account->key, &pending);
}

/* Somebody is there: gone for good, at home, or never verified. */
static void wish_for_existing(struct request *rq, const struct plan *plan, struct flow_wish *wish)
{
	if (plan->existing.state != USER_ACTIVE) {
		wish->decoy = true;
		wish->message = STR_NULL;
	} else if (plan->existing.is_verified) {
		wish->decoy = true;
		wish->message = STR("already_registered");
	} else {
		wish->pending = seal_pending(rq, plan);
	}
}

/* New, there but never verified, or somebody's: flows that look alike from outside. */
static enum err draft(struct request *rq, struct plan *plan)
{
	struct flow_wish wish = {
		.purpose = FLOW_VERIFY,
		.identifier = &plan->identifier,
		.subject_index = plan->indexes[0],
		.message = STR("verification_code"),
		.idempotency = &plan->idempotency,
	};
	struct audit_entry entry = { .event = STR("user.registered") };
	enum err e;

	plan->is_new = !plan->exists;
	if (plan->is_new) {
		plan->account = new_account(rq, plan);
	} else {
		e = account_open(rq, &plan->existing, &plan->account);
		if (e != OK)
			return e;
		entry.outcome = ERR_ALREADY_REGISTERED;
		wish_for_existing(rq, plan, &wish);
	}
	wish.account = plan->account;
	entry.subject = plan->account;
	flow_draft(rq, &wish, &plan->flow);
	audit_draft(rq, &entry, &plan->audit);
	return OK;
}

struct write_arg {
	struct request *rq;
	struct plan *plan;
};

static enum err write_tx(struct tx *tx, void *arg)
{
	struct write_arg *w = arg;
	struct plan *plan = w->plan;
	const struct user_row *user = &plan->account->row;
	struct event_field role = { .name = STR("role"), .value = role_name(user->role) };
	bool withheld = true;
	enum err e = OK;

	plan->stale = false;
	if (plan->is_new) {
		e = user_insert(tx, user, &plan->stale);
		if (e != OK || plan->stale)
			return e;
		e = consents_write(
		    tx, user->id, plan->in->consents, plan->in->n_consents, w->rq->now_us);
		if (e == OK)
			e = outbox_append_event(w->rq->service->outbox, tx, STR("user.registered"),
			    user->id, w->rq->now_us, &role, 1);
	}
	if (e == OK && !str_empty(plan->flow.row.pending))
		e = user_withhold_password(tx, user->id, w->rq->now_us, &withheld);
	if (e != OK)
		return e;
	plan->stale = !withheld;
	if (plan->stale)
		return OK;
	e = flow_begin(tx, &plan->flow);
	if (e == OK)
		e = audit_append(tx, w->rq->keys, &plan->audit);
	return e;
}

static void answer(struct request *rq, const struct plan *plan, struct registered *ret)
{
	bool is_email = plan->identifier.kind == IDENTIFIER_EMAIL;
	bool revealing = rq->service->config.reveal_existing != REVEAL_NO;

	*ret = (struct registered){
		.email = is_email ? plan->identifier.display : STR_NULL,
		.phone = is_email ? STR_NULL : plan->identifier.display,
		.first_name = plan->in->first_name,
		.last_name = plan->in->last_name,
		.role = role_name(plan->role),
		.auth_provider = is_email ? STR("email") : STR("phone"),
		.verification = plan->flow.view,
	};
	if (revealing && plan->account) {
		ret->has_id = true;
		ret->id = plan->account->row.id;
	}
}

/* The answer of an earlier call with the same key, rebuilt from the flow it made. */
static enum err answer_retry(
    struct request *rq, struct plan *plan, struct registered *ret, bool *ret_answered)
{
	enum err e = flow_answer_retry(
	    rq, &plan->idempotency, &plan->account, &plan->flow.view, ret_answered);

	if (e == OK && *ret_answered)
		answer(rq, plan, ret);
	return e;
}

/*
 * registration.reveal_existing: the classic answer, for those who want it. Unless the one who
 * exists was made by this very call, a moment earlier.
 */
static enum err refuse_existing(
    struct request *rq, struct plan *plan, struct registered *ret, bool *ret_answered)
{
	struct str field = plan->identifier.kind == IDENTIFIER_EMAIL ? STR("email") : STR("phone");
	struct audit_entry entry = {
		.event = STR("user.registered"),
		.outcome = ERR_ALREADY_REGISTERED,
	};
	enum err e = answer_retry(rq, plan, ret, ret_answered);

	if (e != OK || *ret_answered)
		return e;
	e = account_open(rq, &plan->existing, &plan->account);
	if (e != OK)
		return e;
	entry.subject = plan->account;
	e = audit_write(rq, &entry);
	if (e != OK)
		return e;
	request_refuse_field(rq, field, TEXT_IDENTIFIER_TAKEN, NULL, 0);
	if (rq->service->config.reveal_existing == REVEAL_400)
		return ERR_VALIDATION_FAILED;
	return fault(rq, ERR_ALREADY_REGISTERED, "identifier is taken");
}

/* Once more when the person came, or proved their address, between look-up and transaction. */
static enum err write(
    struct request *rq, struct plan *plan, struct registered *ret, bool *ret_answered)
{
	struct write_arg arg = { .rq = rq, .plan = plan };
	enum err e;

	*ret_answered = false;
	for (int tries = 0; tries < TRIES; tries++) {
		if (plan->exists && rq->service->config.reveal_existing != REVEAL_NO)
			return refuse_existing(rq, plan, ret, ret_answered);
		e = draft(rq, plan);
		if (e == OK)
			e = store_tx(rq->service->store, rq, write_tx, &arg);
		if (e != OK || !plan->stale)
			return e;
		e = store_read(rq->service->store, rq, STORE_PRIMARY, find_tx, plan);
		if (e != OK)
			return e;
	}
	rq->retry_after_us = US_PER_S;
	return fault(rq, ERR_UNAVAILABLE, "the identifier kept changing hands");
}

enum err registration_create(
    struct request *rq, const struct registration *in, struct registered *ret)
{
	struct plan plan = { .in = in, .idempotency = idempotency_of(rq) };
	const struct password_wish wish = {
		.field = STR("password"),
		.password = in->password,
		.own = &plan.identifier,
	};
	bool answered;
	enum err e, retry;

	e = check(rq, &plan);
	if (e != OK)
		return e;
	retry = answer_retry(rq, &plan, ret, &answered);
	if (idempotency_settled(retry, answered))
		return retry;
	e = password_room(rq);
	if (e == OK)
		e = password_check_strength(rq, &wish);
	if (e == OK)
		e = throttle_identifier(
		    rq, STR("register"), plan.indexes, plan.n_indexes, THROTTLE_SENDS_CODE);
	if (e == OK)
		e = retry;
	if (e == OK)
		e = find_and_hash(rq, &plan);
	if (e == OK)
		e = write(rq, &plan, ret, &answered);
	if (e == ERR_CONFLICT)
		e = flow_answer_conflict(rq, &plan.idempotency, &plan.account, &plan.flow.view);
	if (e != OK || answered)
		return e;
	outbox_ring(rq->service->outbox);
	answer(rq, &plan, ret);
	return OK;
}
