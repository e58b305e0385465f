#include "service/audit.h"
#include "service/reset_priv.h"
#include "service/throttle.h"

struct begin {
	struct request *rq;
	struct identifier identifier;
	struct str indexes[16];
	size_t n_indexes;
	bool exists;
	struct user_row user;
	struct account *account;

	struct flow_draft flow;
	struct audit_row audit;
};

struct str reset_bound(struct request *rq, const struct account *account)
{
	return str_printf(rq->arena, "%lld %.*s", (long long)account->row.password_at_us,
	    STR_ARG(account->identifier));
}

static enum err find_tx(struct tx *tx, void *arg)
{
	struct begin *b = arg;

	return user_by_index(
	    tx, b->identifier.kind, b->indexes, b->n_indexes, &b->user, &b->exists);
}

static enum err find(struct begin *b)
{
	struct request *rq = b->rq;
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, find_tx, b);

	if (e == OK && b->exists && b->user.state != USER_ERASED)
		e = account_open(rq, &b->user, &b->account);
	return e;
}

/*
 * A mail carries a link, where there is a page for it to lead to; an SMS a code, and a code lives
 * no longer here than elsewhere. Which it is depends on what was typed, never on whose it is.
 */
static void set_form(struct request *rq, const struct identifier *id, struct flow_wish *wish)
{
	const struct service_config *config = &rq->service->config;

	wish->life_us = config->reset_ttl_us;
	if (id->kind == IDENTIFIER_EMAIL)
		wish->link = config->reset_url;
	if (str_empty(wish->link) && wish->life_us > config->otp_ttl_us)
		wish->life_us = config->otp_ttl_us;
}

static void draft(struct begin *b, struct flow_wish *wish, struct str reason)
{
	struct audit_entry entry = {
		.event = STR("password.reset_requested"),
		.subject = b->account,
		.reason = reason,
	};

	wish->purpose = FLOW_RESET;
	wish->identifier = &b->identifier;
	wish->subject_index = b->indexes[0];
	if (b->account && b->account->row.state == USER_ACTIVE) {
		wish->account = b->account;
		wish->bound = reset_bound(b->rq, b->account);
	} else {
		wish->decoy = true;
	}
	if (!b->account)
		entry.subject_index = b->indexes[0];
	flow_draft(b->rq, wish, &b->flow);
	audit_draft(b->rq, &entry, &b->audit);
}

static enum err begin_tx(struct tx *tx, void *arg)
{
	struct begin *b = arg;
	const struct flow_row *row = &b->flow.row;
	enum err e = flow_begin(tx, &b->flow);

	/* The newest only, also when the one before was begun under another master key. */
	for (size_t i = 1; e == OK && i < b->n_indexes; i++)
		e = flow_void_older(tx, b->indexes[i], FLOW_RESET, row->id, row->created_at_us);
	if (e == OK)
		e = audit_append(tx, b->rq->keys, &b->audit);
	if (e == OK && row->has_user)
		e = outbox_append_event(b->rq->service->outbox, tx, STR("password.reset_requested"),
		    row->user_id, b->rq->now_us, NULL, 0);
	return e;
}

static void answer(const struct verification *view, struct reset_sent *ret)
{
	*ret = (struct reset_sent){
		.flow_id = view->flow_id,
		.expires_in_s = view->expires_in_s,
	};
}

static enum err check_input(struct begin *b, struct str email_or_phone)
{
	struct request *rq = b->rq;
	enum text problem = identifier_parse(
	    rq->arena, email_or_phone, rq->service->config.default_country, &b->identifier);
	enum channel channel;

	if (problem != TEXT_NONE)
		return request_refuse_field(rq, STR("email_or_phone"), problem, NULL, 0);
	channel = b->identifier.kind == IDENTIFIER_EMAIL ? CHANNEL_EMAIL : CHANNEL_SMS;
	if (!outbox_can_send(rq->service->outbox, channel))
		return fault(rq, ERR_UNAVAILABLE, "no way to send a reset is configured");
	b->n_indexes = identifier_indexes(rq, &b->identifier, b->indexes);
	return OK;
}

enum err reset_request(struct request *rq, struct str email_or_phone, struct reset_sent *ret)
{
	struct begin b = { .rq = rq };
	struct idempotency idempotency = idempotency_of(rq);
	struct flow_wish wish = {
		.message = STR("password_reset"),
		.idempotency = &idempotency,
	};
	struct verification view;
	struct account *unused;
	bool answered;
	enum err e = check_input(&b, email_or_phone);

	if (e != OK)
		return e;
	e = flow_answer_retry(rq, &idempotency, &unused, &view, &answered);
	if (e == OK && answered)
		answer(&view, ret);
	if (e != OK || answered) /* its body holds no secret to be found out by conflicts */
		return e;
	e = throttle_identifier(
	    rq, STR("password_reset_request"), b.indexes, b.n_indexes, THROTTLE_SENDS_CODE);
	if (e == OK)
		e = find(&b);
	if (e != OK)
		return e;
	set_form(rq, &b.identifier, &wish);
	draft(&b, &wish, STR_NULL);
	e = store_tx(rq->service->store, rq, begin_tx, &b);
	if (e == ERR_CONFLICT)
		e = flow_answer_conflict(rq, &idempotency, &unused, &b.flow.view);
	if (e != OK)
		return e;
	outbox_ring(rq->service->outbox);
	answer(&b.flow.view, ret);
	return OK;
}

enum err reset_make_link(
    struct request *rq, const struct account *account, struct str reason, struct str *ret_link)
{
	const struct service_config *config = &rq->service->config;
	struct flow_wish wish = { .link = config->reset_url, .life_us = config->reset_ttl_us };
	struct begin b = { .rq = rq };
	enum err e;

	if (account->row.state != USER_ACTIVE)
		return fault(rq, ERR_CONFLICT, "user is not active");
	if (str_empty(wish.link))
		return fault(
		    rq, ERR_UNAVAILABLE, "neither password.reset_url nor public_url is set");
	e = account_open(rq, &account->row, &b.account);
	if (e == OK &&
	    identifier_parse(rq->arena, account->identifier, STR_NULL, &b.identifier) != TEXT_NONE)
		e = fault(rq, ERR_INTERNAL, "a stored identifier is none");
	if (e != OK)
		return e;
	b.n_indexes = identifier_indexes(rq, &b.identifier, b.indexes);
	draft(&b, &wish, reason);
	e = store_tx(rq->service->store, rq, begin_tx, &b);
	if (e == OK)
		*ret_link = b.flow.link;
	return e;
}
