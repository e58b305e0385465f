#include "service/flow.h"

#include "base/clock.h"
#include "base/log.h"

#define FIELD_DESTINATION STR("flows.destination")
#define LINK_TOKEN_BYTES 32
/* A limit here would let anybody who has the flow's id close it for whoever has the link. */
#define LINK_MAX_ATTEMPTS INT32_MAX

/* Digits from the CSPRNG, each uniform; leading zeros are part of the code. */
static struct str code_new(struct request *rq)
{
	uint32_t digits = rq->service->config.otp_digits;
	char *code = arena_alloc(rq->secrets, digits + 1);

	for (uint32_t i = 0; i < digits; i++)
		code[i] = (char)('0' + random_below(10));
	return str_bytes(code, digits);
}

/* 256 bits: nobody types them, and nobody guesses them. */
static struct str token_new(struct request *rq)
{
	char *bytes = arena_alloc(rq->secrets, LINK_TOKEN_BYTES);

	random_bytes(bytes, LINK_TOKEN_BYTES);
	return base64url_encode(rq->secrets, str_bytes(bytes, LINK_TOKEN_BYTES));
}

static bool code_mac(struct request *rq, int key_id, const struct flow_row *flow, struct str bound,
    struct str code, struct str *ret)
{
	struct str parts[] = { uuid_bytes(&flow->id), flow->purpose, code, bound };
	size_t n = ARRAY_LEN(parts) - str_empty(bound);
	struct mac mac;

	if (!keyring_mac(rq->keys, KEY_OTP, key_id, parts, n, &mac))
		return false;
	*ret = str_dup(rq->arena, str_bytes(mac.b, sizeof(mac.b)));
	return true;
}

bool flow_code_hash(struct request *rq, const struct flow_row *flow, struct str bound,
    struct secret code, struct str *ret)
{
	return code_mac(rq, (int)flow->code_key, flow, bound, secret_reveal(code), ret);
}

/* The address stands in the settings; nothing of it comes from a request. */
static struct str make_link(
    struct request *rq, const struct flow_row *flow, struct str address, struct str token)
{
	struct str id = base64url_encode(rq->arena, uuid_bytes(&flow->id));
	struct buf out;

	buf_init(&out, rq->secrets, address.len + id.len + token.len);
	while (!str_empty(address)) {
		if (str_starts(address, FLOW_LINK_ID)) {
			buf_add(&out, id);
			address = str_from(address, FLOW_LINK_ID.len);
		} else if (str_starts(address, FLOW_LINK_TOKEN)) {
			buf_add(&out, token);
			address = str_from(address, FLOW_LINK_TOKEN.len);
		} else {
			buf_add_char(&out, address.ptr[0]);
			address = str_from(address, 1);
		}
	}
	return buf_str(&out);
}

bool flow_link_read(struct request *rq, struct str uidb64, struct str *ret)
{
	/* Django's encoder writes no padding, but some front ends put it back. */
	for (int padding = 0; padding < 2 && str_ends(uidb64, STR("=")); padding++)
		uidb64 = str_upto(uidb64, uidb64.len - 1);
	return base64url_decode(rq->arena, uidb64, ret);
}

static struct str seal_destination(
    struct request *rq, const struct account *account, struct str masked)
{
	if (account)
		return seal(rq->arena, &account->key, FIELD_DESTINATION, masked);
	return seal_system(rq->arena, rq->keys, KEY_SYSTEM, FIELD_DESTINATION, masked);
}

static enum err open_destination(
    struct request *rq, const struct flow_row *flow, const struct account *account, struct str *ret)
{
	enum err e;

	if (account)
		e = unseal(rq->arena, &account->key, FIELD_DESTINATION, flow->destination, ret);
	else
		e = unseal_system(
		    rq->arena, rq->keys, KEY_SYSTEM, FIELD_DESTINATION, flow->destination, ret);
	return e == OK ? OK : fault(rq, e, "a flow's destination does not open");
}

/* A code is shown in a reply only in --dev, or in staging to recipients named for tests. */
static bool code_shown(struct request *rq, const struct identifier *id)
{
	const struct service_config *config = &rq->service->config;
	struct str rest = config->otp_test_recipients;
	struct str one;

	if (config->dev)
		return true;
	if (!id || !str_eq(config->environment, STR("staging")))
		return false;
	while (str_next_token(&rest, ',', &one))
		if (str_eq_nocase(str_trim(one), id->display))
			return true;
	return false;
}

static enum channel channel_of(struct str name)
{
	return str_eq(name, channel_name(CHANNEL_SMS)) ? CHANNEL_SMS : CHANNEL_EMAIL;
}

/*
 * Before the address is proven their name is whatever a caller typed beside it: no words of a
 * stranger's go to an address of their choice.
 * @code: empty, like the link: the message is a notice, and keeps
 */
static void draft_message(struct request *rq, const struct account *account, struct str kind,
    struct str code, struct flow_draft *draft)
{
	struct message message = {
		.channel = channel_of(draft->row.channel),
		.kind = kind,
		.to = account->identifier,
		.name = account->row.is_verified ? account->profile.first_name : STR_NULL,
		.locale = account_locale(rq, account),
		.code = code,
		.link = draft->link,
	};

	if (!str_empty(code) || !str_empty(draft->link))
		message.expires_at_us = draft->row.code_expires_at_us;
	draft->has_message = true;
	outbox_draft_message(
	    rq->service->outbox, rq, &account->row.id, &account->key, &message, &draft->message);
}

/* As it was when the code was sent, so that a retry gets the very same. */
static void set_view(const struct request *rq, struct str masked, struct flow_draft *draft)
{
	const struct flow_row *row = &draft->row;
	int64_t cooldown_us = rq->service->config.otp_cooldown_us;
	int64_t sent_at_us = row->resend_at_us - cooldown_us;

	draft->view = (struct verification){
		.flow_id = row->id,
		.channel = row->channel,
		.destination = masked,
		.expires_in_s = (row->code_expires_at_us - sent_at_us) / US_PER_S,
		.resend_in_s = cooldown_us / US_PER_S,
	};
}

/* Puts a fresh code for @life_us into @row, whose id and purpose are set. */
static void set_code(
    struct request *rq, struct flow_row *row, struct str bound, struct str code, int64_t life_us)
{
	row->code_key = keyring_active(rq->keys);
	if (!code_mac(rq, KEYRING_ACTIVE, row, bound, code, &row->code_hash))
		die("no active master key");
	row->code_expires_at_us = rq->now_us + life_us;
	if (row->code_expires_at_us > row->expires_at_us)
		row->code_expires_at_us = row->expires_at_us; /* no longer than its flow */
	row->resend_at_us = rq->now_us + rq->service->config.otp_cooldown_us;
}

static void set_idempotency(struct flow_row *row, const struct idempotency *idempotency)
{
	if (!idempotency->present)
		return;
	row->idempotency_hash = idempotency->hash;
	row->idempotency_body = idempotency->body;
	row->idempotency_until_us = idempotency->until_us;
}

void flow_draft(struct request *rq, const struct flow_wish *wish, struct flow_draft *ret)
{
	const struct service_config *config = &rq->service->config;
	struct str masked = identifier_mask(rq->arena, wish->identifier);
	const struct account *opens = wish->decoy ? NULL : wish->account;
	bool has_link = !str_empty(wish->link);
	struct flow_row *row = &ret->row;
	struct str code;

	*ret = (struct flow_draft){ .has_message = false };
	row->id = uuid_v4();
	row->purpose = wish->purpose;
	row->has_user = opens != NULL;
	if (opens)
		row->user_id = opens->row.id;
	row->subject_index = wish->subject_index;
	row->index_version = keyring_active(rq->keys);
	row->channel =
	    channel_name(wish->identifier->kind == IDENTIFIER_EMAIL ? CHANNEL_EMAIL : CHANNEL_SMS);
	row->destination = seal_destination(rq, opens, masked);
	row->max_attempts = has_link ? LINK_MAX_ATTEMPTS : config->otp_max_attempts;
	row->sends = 1;
	row->created_at_us = rq->now_us;
	row->expires_at_us = rq->now_us + (wish->life_us ? wish->life_us : config->otp_flow_ttl_us);
	row->pending = wish->pending;
	if (wish->idempotency)
		set_idempotency(row, wish->idempotency);
	code = has_link ? token_new(rq) : code_new(rq);
	set_code(rq, row, wish->bound, code, wish->life_us ? wish->life_us : config->otp_ttl_us);
	set_view(rq, masked, ret);
	if (has_link)
		ret->link = make_link(rq, row, wish->link, code);
	else if (code_shown(rq, wish->identifier))
		ret->view.otp = code;
	if (wish->account && !str_empty(wish->message))
		draft_message(
		    rq, wish->account, wish->message, opens && !has_link ? code : STR_NULL, ret);
}

enum err flow_begin(struct tx *tx, const struct flow_draft *draft)
{
	const struct flow_row *row = &draft->row;
	enum err e;

	e = flow_void_older(tx, row->subject_index, row->purpose, row->id, row->created_at_us);
	if (e == OK)
		e = flow_insert(tx, row);
	if (e == OK && draft->has_message)
		e = outbox_insert(tx, &draft->message);
	return e;
}

enum err flow_redraft(struct request *rq, const struct flow_row *flow,
    const struct account *account, const struct identifier *identifier, struct flow_draft *ret)
{
	struct str masked, code;
	enum err e;

	*ret = (struct flow_draft){ .row = *flow };
	e = open_destination(rq, flow, account, &masked);
	if (e != OK)
		return e;
	code = code_new(rq);
	set_code(rq, &ret->row, STR_NULL, code, rq->service->config.otp_ttl_us);
	set_view(rq, masked, ret);
	if (code_shown(rq, identifier))
		ret->view.otp = code;
	if (account)
		draft_message(rq, account, STR("verification_code"), code, ret);
	return OK;
}

struct retry {
	struct str hash;
	int64_t now_us;
	struct flow_row flow;
	struct user_row user;
	bool found, has_user;
};

static enum err find_retry_tx(struct tx *tx, void *arg)
{
	struct retry *r = arg;
	enum err e = flow_by_idempotency(tx, r->hash, r->now_us, &r->flow, &r->found);

	if (e == OK && r->found && r->flow.has_user)
		e = user_by_id(tx, r->flow.user_id, &r->user, &r->has_user);
	return e;
}

enum err flow_answer_retry(struct request *rq, const struct idempotency *idempotency,
    struct account **ret_account, struct verification *ret, bool *ret_answered)
{
	struct retry r = { .hash = idempotency->hash, .now_us = rq->now_us };
	struct flow_draft draft = { .has_message = false };
	struct str masked = STR_NULL;
	enum err e;

	*ret_answered = false;
	if (!idempotency->present)
		return OK;
	e = store_read(rq->service->store, rq, STORE_PRIMARY, find_retry_tx, &r);
	if (e != OK || !r.found)
		return e;
	e = idempotency_check(rq, idempotency, r.flow.idempotency_body);
	if (e == OK && r.has_user)
		e = account_open(rq, &r.user, ret_account);
	if (e == OK)
		e = open_destination(rq, &r.flow, r.has_user ? *ret_account : NULL, &masked);
	if (e != OK)
		return e;
	draft.row = r.flow;
	set_view(rq, masked, &draft);
	*ret = draft.view;
	*ret_answered = true;
	return OK;
}

enum err flow_answer_conflict(struct request *rq, const struct idempotency *idempotency,
    struct account **ret_account, struct verification *ret)
{
	bool answered;
	enum err e = flow_answer_retry(rq, idempotency, ret_account, ret, &answered);

	return e != OK || answered ? e : idempotency_spent(rq);
}
