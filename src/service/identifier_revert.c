#include "service/identifier_revert.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/audit.h"
#include "service/flow.h"
#include "service/identifier_take.h"
#include "service/session.h"
#include "service/throttle.h"

#define FLOW_REVERT STR("revert")
#define FIELD_PENDING STR("flows.pending")
#define FIELD_DESTINATION STR("flows.destination")
#define NOBODY ((struct uuid){ 0 })
#define REVERT_LIFE_US (72 * US_PER_HOUR)
#define SECRET_BYTES 16
#define TOKEN_MARK STR("{token}")

/* The flow's id and 128 random bits: nobody guesses them, so tries at them need no count. */
static struct str token_new(struct request *rq, struct uuid flow, struct str *ret_secret)
{
	char *bytes = arena_alloc(rq->secrets, sizeof(flow) + SECRET_BYTES);

	memcpy(bytes, flow.b, sizeof(flow));
	random_bytes(bytes + sizeof(flow), SECRET_BYTES);
	*ret_secret = hex_encode(rq->secrets, str_bytes(bytes + sizeof(flow), SECRET_BYTES));
	return base64url_encode(rq->secrets, str_bytes(bytes, sizeof(flow) + SECRET_BYTES));
}

/* The page's address stands in the settings; without one the token itself is sent. */
static struct str link_of(struct request *rq, struct str token)
{
	struct str url = rq->service->config.revert_url;
	const char *at = url.len ? memmem(url.ptr, url.len, TOKEN_MARK.ptr, TOKEN_MARK.len) : NULL;
	struct buf link;

	if (!at)
		return STR_NULL;
	buf_init(&link, rq->secrets, url.len + token.len);
	buf_add(&link, str_upto(url, (size_t)(at - url.ptr)));
	buf_add(&link, token);
	buf_add(&link, str_from(url, (size_t)(at - url.ptr) + TOKEN_MARK.len));
	return buf_str(&link);
}

static void draft_message(
    struct request *rq, const struct account *account, struct str token, struct revert_draft *draft)
{
	bool email = account->row.kind == IDENTIFIER_EMAIL;
	struct message message = {
		.channel = email ? CHANNEL_EMAIL : CHANNEL_SMS,
		.kind = STR("identifier_changed"),
		.to = account->identifier,
		.name = account->profile.first_name,
		.locale = account_locale(rq, account),
		.link = link_of(rq, token),
		.expires_at_us = draft->flow.expires_at_us,
	};

	if (str_empty(message.link))
		message.code = token;
	draft->has_message = outbox_can_send(rq->service->outbox, message.channel);
	if (draft->has_message)
		outbox_draft_message(rq->service->outbox, rq, &account->row.id, &account->key,
		    &message, &draft->message);
}

void revert_draft(struct request *rq, const struct account *account, struct revert_draft *ret)
{
	struct flow_row *row = &ret->flow;
	struct str secret, token;

	*ret = (struct revert_draft){ .flow = {
					  .id = uuid_v4(),
					  .purpose = FLOW_REVERT,
					  .has_user = true,
					  .user_id = account->row.id,
					  .subject_index = account->row.identifier_index,
					  .index_version = account->row.index_version,
					  .code_key = keyring_active(rq->keys),
					  .max_attempts = INT32_MAX,
					  .sends = 1,
					  .created_at_us = rq->now_us,
					  .code_expires_at_us = rq->now_us + REVERT_LIFE_US,
					  .resend_at_us = rq->now_us + REVERT_LIFE_US,
					  .expires_at_us = rq->now_us + REVERT_LIFE_US,
				      } };
	row->channel =
	    channel_name(account->row.kind == IDENTIFIER_EMAIL ? CHANNEL_EMAIL : CHANNEL_SMS);
	row->pending = seal(rq->arena, &account->key, FIELD_PENDING, account->identifier);
	row->destination = seal(rq->arena, &account->key, FIELD_DESTINATION, account->identifier);
	token = token_new(rq, row->id, &secret);
	if (!flow_code_hash(rq, row, STR_NULL, secret_of(secret), &row->code_hash))
		die("no active master key");
	draft_message(rq, account, token, ret);
}

enum err revert_begin(struct tx *tx, const struct revert_draft *draft)
{
	enum err e = flow_insert(tx, &draft->flow);

	return e == OK && draft->has_message ? outbox_insert(tx, &draft->message) : e;
}

/* --- the way back --- */

struct reverting {
	struct request *rq;
	struct uuid flow_id;
	struct str secret;
	struct flow_row flow;
	struct user_row user;
	bool found, has_user, consumed;
	struct str code_hash;
	struct account *account;
	struct taking taking;
	struct audit_row reverted, failed;
};

static bool read_token(struct reverting *r, struct secret token)
{
	struct str bytes;

	if (!base64url_decode(r->rq->secrets, secret_reveal(token), &bytes) ||
	    bytes.len != sizeof(r->flow_id) + SECRET_BYTES)
		return false;
	memcpy(r->flow_id.b, bytes.ptr, sizeof(r->flow_id));
	r->secret = hex_encode(r->rq->secrets, str_from(bytes, sizeof(r->flow_id)));
	return true;
}

static enum err find_tx(struct tx *tx, void *arg)
{
	struct reverting *r = arg;
	enum err e = flow_by_id(tx, r->flow_id, &r->flow, &r->found);

	if (e == OK && r->found)
		r->found = str_eq(r->flow.purpose, FLOW_REVERT) && r->flow.has_user;
	r->has_user = false;
	if (e == OK && r->found)
		e = user_by_id(tx, r->flow.user_id, &r->user, &r->has_user);
	return e;
}

/* ERR_OTP_INVALID: it leads to nobody who could come back. */
static enum err find(struct reverting *r)
{
	struct request *rq = r->rq;
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, find_tx, r);
	struct str display;

	if (e != OK)
		return e;
	if (!r->has_user || r->user.state != USER_ACTIVE)
		return fault(rq, ERR_OTP_INVALID, "no such link");
	e = account_open(rq, &r->user, &r->account);
	if (e != OK)
		return e;
	if (!flow_code_hash(rq, &r->flow, STR_NULL, secret_of(r->secret), &r->code_hash))
		return fault(rq, ERR_OTP_INVALID, "its key is gone");
	r->taking = (struct taking){ .rq = rq, .account = r->account };
	if (unseal(rq->arena, &r->account->key, FIELD_PENDING, r->flow.pending, &display) != OK ||
	    identifier_parse(rq->arena, display, STR_NULL, &r->taking.identifier) != TEXT_NONE)
		return fault(rq, ERR_INTERNAL, "a former identifier does not open");
	taking_draft(&r->taking);
	return OK;
}

static void draft_rows(struct reverting *r)
{
	struct audit_entry entry = {
		.event = STR("identifier.reverted"),
		.subject = r->account,
	};

	audit_draft(r->rq, &entry, &r->reverted);
	entry.outcome = ERR_OTP_INVALID;
	audit_draft(r->rq, &entry, &r->failed);
}

/* Whoever took the account over knows its password and holds its sessions: neither is left. */
static enum err lock_out(struct tx *tx, const struct reverting *r)
{
	struct uuid id = r->user.id;
	int64_t now_us = r->rq->now_us, ended;
	bool changed;
	enum err e = session_end_all(tx, id, NOBODY, STR("identifier_reverted"), now_us, &ended);

	if (e == OK)
		e = user_set_password(tx, id, STR("!"), STR_NULL, now_us, &changed);
	return e == OK ? user_bump_epoch(tx, id, now_us) : e;
}

static enum err revert_tx(struct tx *tx, void *arg)
{
	struct reverting *r = arg;
	struct request *rq = r->rq;
	struct flow_row after;
	bool found;
	enum err e =
	    flow_try(tx, r->flow_id, r->code_hash, rq->now_us, &r->consumed, &after, &found);

	if (e != OK)
		return e;
	if (!r->consumed)
		return audit_append(tx, rq->keys, &r->failed);
	e = taking_write(tx, &r->taking);
	/* Not used up: the link is still good, now or once the address is free. */
	if (e == OK && (r->taking.stale || r->taking.taken))
		return r->taking.stale ? ERR_PRECONDITION_FAILED : ERR_CONFLICT;
	if (e == OK)
		e = lock_out(tx, r);
	if (e == OK)
		e = outbox_append_event(rq->service->outbox, tx, STR("user.identifier_changed"),
		    r->user.id, rq->now_us, NULL, 0);
	return e == OK ? audit_append(tx, rq->keys, &r->reverted) : e;
}

enum err identifier_revert(struct request *rq, struct secret token)
{
	struct reverting r = { .rq = rq };
	struct str subject;
	enum err e;

	if (!read_token(&r, token))
		return fault(rq, ERR_OTP_INVALID, "no token of ours");
	subject = str_dup(rq->arena, uuid_bytes(&r.flow_id));
	e = throttle_identifier(rq, STR("identifier_revert"), &subject, 1, 0);
	for (int tries = 0; e == OK && tries < SESSION_TRIES; tries++) {
		e = find(&r);
		if (e != OK)
			return e;
		draft_rows(&r);
		e = store_tx(rq->service->store, rq, revert_tx, &r);
		if (e == ERR_CONFLICT)
			return fault(rq, e, "the address is another account's");
		if (e != OK && e != ERR_PRECONDITION_FAILED)
			return e;
		if (e == OK && !r.consumed)
			return fault(rq, ERR_OTP_INVALID, "used or over");
		if (e == OK)
			return OK;
		e = OK;
	}
	return e == OK ? session_unsettled(rq) : e;
}
