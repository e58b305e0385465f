#include "service/session.h"

#include "base/log.h"
#include "service/audit.h"
#include "service/device.h"
#include "service/session_priv.h"
#include "service/user_agent.h"

#define FIELD_ADDRESS STR("sessions.address")
#define FIELD_USER_AGENT STR("sessions.user_agent")
#define FIELD_SUCCESSOR STR("sessions.successor")

struct str session_refresh_hash(struct request *rq, int key_id, struct uuid session, struct str jti)
{
	struct str parts[] = { uuid_bytes(&session), jti };
	struct mac mac;

	if (!keyring_mac(rq->keys, KEY_REFRESH, key_id, parts, ARRAY_LEN(parts), &mac))
		return STR_NULL;
	return str_dup(rq->arena, str_bytes(mac.b, sizeof(mac.b)));
}

struct str session_seal_refresh(struct request *rq, struct secret refresh)
{
	return seal_system(
	    rq->arena, rq->keys, KEY_REFRESH, FIELD_SUCCESSOR, secret_reveal(refresh));
}

static enum err open_origin(struct request *rq, const struct account *account, struct str field,
    struct str sealed, struct str *ret)
{
	*ret = STR_NULL;
	return str_empty(sealed) ? OK : unseal(rq->arena, &account->key, field, sealed, ret);
}

enum err session_origin(struct request *rq, const struct account *account,
    const struct session_row *session, struct str *ret_address, struct str *ret_user_agent)
{
	enum err e = open_origin(rq, account, FIELD_ADDRESS, session->address, ret_address);

	if (e != OK)
		return e;
	return open_origin(rq, account, FIELD_USER_AGENT, session->user_agent, ret_user_agent);
}

enum err session_unseal_refresh(
    struct request *rq, const struct session_row *session, struct secret *ret)
{
	struct str text;

	if (unseal_system(rq->secrets, rq->keys, KEY_REFRESH, FIELD_SUCCESSOR, session->successor,
		&text) != OK)
		return fault(rq, ERR_INTERNAL, "a session's successor does not open");
	*ret = secret_of(text);
	return OK;
}

static struct str user_id_text(struct request *rq, const struct user_row *user)
{
	if (rq->service->config.token_user_id_external && !str_empty(user->external_id))
		return user->external_id;
	return uuid_str(rq->arena, user->id);
}

/* Whole seconds: a JWT cannot say it finer, and the row must not outlive what the token says. */
static int64_t whole_seconds(int64_t us)
{
	return us - us % US_PER_S;
}

void session_sign(struct request *rq, enum token_type type, const struct session_row *session,
    const struct user_row *user, int64_t expires_at_us, struct signed_token *ret)
{
	struct token_claims claims = {
		.type = type,
		.iat_s = rq->now_us / US_PER_S,
		.exp_s = expires_at_us / US_PER_S,
		.jti = token_jti(rq->secrets),
		.user_id = user_id_text(rq, user),
		.has_session = true,
		.session_id = session->id,
		.role = role_name(user->role),
		.epoch = user->epoch,
	};

	if (!uuid_is_nil(session->impersonator_id))
		claims.actor = uuid_str(rq->secrets, session->impersonator_id);
	ret->jti = claims.jti;
	ret->text = token_sign(rq->secrets, rq->keys, &rq->service->config.token, &claims);
	ret->expires_at_us = whole_seconds(expires_at_us);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t session_idle_end(const struct request *rq, const struct session_row *session)
{
	return earlier(rq->now_us + rq->service->config.refresh_ttl_us, session->expires_at_us);
}

void session_access(struct request *rq, const struct session_row *session,
    const struct user_row *user, struct token_pair *ret)
{
	int64_t ttl_us = rq->service->config.access_ttl_us;
	struct signed_token access;

	session_sign(rq, TOKEN_ACCESS, session, user,
	    earlier(rq->now_us + ttl_us, session->expires_at_us), &access);
	ret->access = access.text;
	ret->access_expires_at_us = access.expires_at_us;
	ret->expires_in_s = (access.expires_at_us - whole_seconds(rq->now_us)) / US_PER_S;
}

/*
 * A device is known by the token it was given, or by what it calls itself: X-Device-ID, or else its
 * user agent. A first sign-in is from a new device by nature.
 */
static void draft_notice(
    struct request *rq, const struct account *account, struct session_draft *draft)
{
	struct str device, from;

	if (account->row.last_login_us == 0 ||
	    device_known(rq, &account->row.identifier_index, 1, &device))
		return;
	from =
	    str_printf(rq->arena, "%.*s, %.*s", STR_ARG(user_agent_name(rq->arena, rq->user_agent)),
		STR_ARG(client_address_text(rq->arena, &rq->client)));
	notice_draft(rq, account, STR("new_device"), from, &draft->notice);
}

void session_draft(struct request *rq, const struct account *account, struct str amr,
    const struct idempotency *idempotency, struct session_draft *ret)
{
	struct session_row *row = &ret->row;
	struct audit_entry evicted = {
		.event = STR("session.evicted"),
		.subject = account,
		.session = &row->id,
	};
	struct signed_token refresh;

	*ret = (struct session_draft){ .row = {
					   .id = uuid_v7(),
					   .user_id = account->row.id,
					   .client = STR(""),
					   .amr = amr,
					   .engine = engine_name(rq->engine),
					   .device_id = device_fingerprint(rq),
					   .created_at_us = rq->now_us,
					   .auth_time_us = rq->now_us,
					   .expires_at_us =
					       rq->now_us + rq->service->config.session_ttl_us,
					   .hash_key = keyring_active(rq->keys),
					   .generation = 1,
					   .rotated_at_us = rq->now_us,
				       } };
	row->idle_expires_at_us = session_idle_end(rq, row);
	row->address = seal(
	    rq->arena, &account->key, FIELD_ADDRESS, client_address_text(rq->arena, &rq->client));
	row->user_agent = seal(rq->arena, &account->key, FIELD_USER_AGENT, user_agent_kept(rq));
	session_sign(rq, TOKEN_REFRESH, row, &account->row, row->idle_expires_at_us, &refresh);
	row->cur_hash = session_refresh_hash(rq, KEYRING_ACTIVE, row->id, refresh.jti);
	row->successor = session_seal_refresh(rq, refresh.text);
	if (idempotency && idempotency->present) {
		row->idempotency_hash = idempotency->hash;
		row->idempotency_body = idempotency->body;
		row->idempotency_until_us = idempotency->until_us;
	}
	if (rq->service->config.session_max[account->row.role] > 0)
		audit_draft(rq, &evicted, &ret->evicted);
	draft_notice(rq, account, ret);
	session_access(rq, row, &account->row, &ret->tokens);
	ret->tokens.refresh = refresh.text;
	ret->tokens.refresh_expires_at_us = refresh.expires_at_us;
}

void session_impersonate(struct request *rq, const struct account *account, struct session_row *ret,
    struct token_pair *ret_tokens)
{
	int64_t ends_us = rq->now_us + rq->service->config.impersonation_ttl_us;
	struct signed_token access;

	*ret = (struct session_row){
		.id = uuid_v7(),
		.user_id = account->row.id,
		.client = STR(""),
		.amr = STR("impersonation"),
		.engine = engine_name(rq->engine),
		.created_at_us = rq->now_us,
		.idle_expires_at_us = ends_us,
		.expires_at_us = ends_us,
		.hash_key = keyring_active(rq->keys),
		.generation = 1,
		.rotated_at_us = rq->now_us,
		.impersonator_id = rq->actor.user_id,
	};
	ret->address = seal(
	    rq->arena, &account->key, FIELD_ADDRESS, client_address_text(rq->arena, &rq->client));
	ret->user_agent = seal(rq->arena, &account->key, FIELD_USER_AGENT, user_agent_kept(rq));
	/* No token has this id: it is never refreshed. */
	ret->cur_hash = session_refresh_hash(rq, KEYRING_ACTIVE, ret->id, token_jti(rq->secrets));
	session_sign(rq, TOKEN_ACCESS, ret, &account->row, ends_us, &access);
	*ret_tokens = (struct token_pair){
		.access = access.text,
		.access_expires_at_us = access.expires_at_us,
		.expires_in_s = (access.expires_at_us - whole_seconds(rq->now_us)) / US_PER_S,
	};
}

/* In the transaction, which is not the place to draft: the row but for its session's id. */
static enum err evict(struct request *rq, struct tx *tx, const struct session_draft *draft,
    const struct session_row *session)
{
	struct audit_row row = draft->evicted;
	struct event_field fields[] = {
		{ .name = STR("session_id"), .value = uuid_str(tx_arena(tx), session->id) },
		{ .name = STR("reason"), .value = STR("limit") },
	};
	bool ended;
	enum err e = session_end(tx, session->id, STR("limit"), rq->now_us, &ended);

	row.session_id = session->id;
	if (e == OK)
		e = audit_append(tx, rq->keys, &row);
	if (e == OK)
		e = outbox_append_event(rq->service->outbox, tx, STR("session.revoked"),
		    session->user_id, rq->now_us, fields, ARRAY_LEN(fields));
	return e;
}

/* Room for one more: the oldest go, or the new one is refused. */
static enum err keep_limit(struct request *rq, struct tx *tx, const struct user_row *user,
    const struct session_draft *draft)
{
	uint32_t max = rq->service->config.session_max[user->role];
	struct session_row *live;
	size_t n;
	enum err e;

	if (max == 0)
		return OK;
	e = session_list_live(tx, user->id, rq->now_us, &live, &n);
	if (e != OK || n < max)
		return e;
	if (rq->service->config.session_on_limit == SESSION_REFUSE_NEW)
		return ERR_FORBIDDEN;
	for (size_t i = 0; e == OK && i + max <= n; i++)
		e = evict(rq, tx, draft, &live[i]);
	return e;
}

/* Before the new session is there, which has the device too. */
static enum err notice_device(struct request *rq, struct tx *tx, const struct session_draft *draft)
{
	struct event_field field = {
		.name = STR("session_id"),
		.value = uuid_str(tx_arena(tx), draft->row.id),
	};
	bool seen = false;
	enum err e;

	if (!draft->notice.present)
		return OK;
	e = session_device_seen(tx, draft->row.user_id, draft->row.device_id, &seen);
	if (e != OK || seen)
		return e;
	e = notice_post(tx, &draft->notice);
	if (e != OK)
		return e;
	return outbox_append_event(rq->service->outbox, tx, STR("session.new_device"),
	    draft->row.user_id, rq->now_us, &field, 1);
}

enum err session_begin(struct request *rq, struct tx *tx, const struct account *account,
    const struct session_draft *draft)
{
	struct str session = uuid_str(tx_arena(tx), draft->row.id);
	struct event_field field = { .name = STR("session_id"), .value = session };
	enum err e = user_note_login(tx, &account->row, rq->now_us);

	if (e == OK)
		e = keep_limit(rq, tx, &account->row, draft);
	if (e == OK)
		e = notice_device(rq, tx, draft);
	if (e == OK)
		e = session_insert(tx, &draft->row);
	if (e == OK)
		e = outbox_append_event(rq->service->outbox, tx, STR("user.logged_in"),
		    account->row.id, rq->now_us, &field, 1);
	return e;
}

enum err session_unsettled(struct request *rq)
{
	rq->retry_after_us = US_PER_S;
	return fault(rq, ERR_UNAVAILABLE, "the account kept changing");
}

void session_answer(struct request *rq, struct account *account, const struct session_draft *draft,
    struct signed_in *ret)
{
	account->row.last_login_us = draft->row.created_at_us;
	session_actor(rq, &draft->row, &account->row);
	ret->tokens = draft->tokens;
	ret->device = device_token_new(rq, account->row.identifier_index);
	account_view(account, &ret->user);
}

struct retry {
	struct str hash;
	int64_t now_us;
	struct session_user found;
};

static enum err find_retry_tx(struct tx *tx, void *arg)
{
	struct retry *r = arg;

	return session_by_idempotency(tx, r->hash, r->now_us, &r->found);
}

enum err session_answer_retry(struct request *rq, const struct idempotency *idempotency,
    struct signed_in *ret, bool *ret_answered)
{
	struct retry r = { .hash = idempotency->hash, .now_us = rq->now_us };
	struct session_draft draft = { 0 };
	struct account *account = NULL;
	enum err e;

	*ret_answered = false;
	if (!idempotency->present)
		return OK;
	e = store_read(rq->service->store, rq, STORE_PRIMARY, find_retry_tx, &r);
	if (e != OK || !r.found.found || r.found.user.state != USER_ACTIVE)
		return e;
	e = idempotency_check(rq, idempotency, r.found.session.idempotency_body);
	if (e == OK)
		e = account_open(rq, &r.found.user, &account);
	if (e == OK)
		e = session_unseal_refresh(rq, &r.found.session, &draft.tokens.refresh);
	if (e != OK)
		return e;
	draft.row = r.found.session;
	draft.tokens.refresh_expires_at_us = whole_seconds(r.found.session.idle_expires_at_us);
	session_access(rq, &r.found.session, &r.found.user, &draft.tokens);
	session_answer(rq, account, &draft, ret);
	*ret_answered = true;
	return OK;
}

enum err session_answer_conflict(
    struct request *rq, const struct idempotency *idempotency, struct signed_in *ret)
{
	bool answered;
	enum err e = session_answer_retry(rq, idempotency, ret, &answered);

	return e != OK || answered ? e : idempotency_spent(rq);
}
