#include "service/audit.h"
#include "service/session_priv.h"
#include "service/throttle.h"

struct lookup {
	struct uuid id;
	struct session_user found;
};

static enum err find_tx(struct tx *tx, void *arg)
{
	struct lookup *l = arg;

	return session_with_user(tx, l->id, &l->found);
}

static enum err find(struct request *rq, struct uuid session, struct lookup *ret)
{
	*ret = (struct lookup){ .id = session };
	return store_read(rq->service->store, rq, STORE_PRIMARY | STORE_SINGLE, find_tx, ret);
}

/*
 * The rows decide, not the token: ended, disabled or deleted, and it is dead. A refresh token
 * outlives a change of role; the access token made with it then carries the new epoch.
 */
static bool still_good(
    const struct request *rq, const struct lookup *l, const struct token_claims *claims)
{
	const struct session_row *s = &l->found.session;
	const struct user_row *u = &l->found.user;

	if (!l->found.found || s->ended_at_us || rq->now_us >= s->expires_at_us)
		return false;
	return u->state == USER_ACTIVE &&
	       (claims->type == TOKEN_REFRESH || u->epoch == claims->epoch);
}

void session_actor(
    struct request *rq, const struct session_row *session, const struct user_row *user)
{
	rq->actor = (struct actor){
		.present = true,
		.user_id = user->id,
		.session_id = session->id,
		.role = user->role,
		.epoch = user->epoch,
		.auth_time_us = session->auth_time_us,
		.impersonator_id = session->impersonator_id,
	};
}

static enum err find_for_access_tx(struct tx *tx, void *arg)
{
	struct lookup *l = arg;

	return session_for_access(tx, l->id, &l->found);
}

static enum err read_access(struct request *rq, struct secret access, struct token_claims *ret)
{
	enum err e = token_verify(rq->secrets, rq->keys, &rq->service->config.token, TOKEN_ACCESS,
	    secret_reveal(access), rq->now_us / US_PER_S, ret);

	if (e == OK && !ret->has_session)
		e = ERR_TOKEN_INVALID;
	return e == OK ? OK : fault(rq, e, "access token refused");
}

enum err session_authenticate(struct request *rq, struct secret access)
{
	struct token_claims claims;
	struct account *account;
	struct lookup l;
	enum err e;

	e = read_access(rq, access, &claims);
	if (e != OK)
		return e;
	l.id = claims.session_id;
	e = store_read(
	    rq->service->store, rq, STORE_PRIMARY | STORE_SINGLE, find_for_access_tx, &l);
	if (e != OK)
		return e;
	if (!still_good(rq, &l, &claims))
		return fault(rq, ERR_TOKEN_REVOKED, "session or user has changed");
	e = account_open(rq, &l.found.user, &account);
	if (e != OK)
		return e;
	rq->account = account;
	session_actor(rq, &l.found.session, &account->row);
	return OK;
}

struct logout {
	struct request *rq;
	struct lookup lookup;
	struct audit_row audit;
};

static enum err logout_tx(struct tx *tx, void *arg)
{
	struct logout *l = arg;
	const struct session_row *s = &l->lookup.found.session;
	struct str session = uuid_str(tx_arena(tx), s->id);
	struct event_field fields[] = {
		{ .name = STR("session_id"), .value = session },
		{ .name = STR("reason"), .value = STR("logout") },
	};
	bool ended;
	enum err e = session_end(tx, s->id, STR("logout"), l->rq->now_us, &ended);

	if (e != OK || !ended)
		return e;
	e = audit_append(tx, l->rq->keys, &l->audit);
	if (e == OK)
		e = outbox_append_event(l->rq->service->outbox, tx, STR("session.revoked"),
		    s->user_id, l->rq->now_us, fields, ARRAY_LEN(fields));
	return e;
}

enum err session_logout(struct request *rq, struct secret refresh)
{
	struct token_claims claims;
	struct logout l = { .rq = rq };
	struct account *account;
	struct audit_entry entry = { .event = STR("user.logged_out") };
	enum err e;

	e = token_verify(rq->secrets, rq->keys, &rq->service->config.token, TOKEN_REFRESH,
	    secret_reveal(refresh), rq->now_us / US_PER_S, &claims);
	/* A token past its time may still end what it belonged to. */
	if ((e != OK && e != ERR_TOKEN_EXPIRED) || !claims.has_session)
		return fault(rq, ERR_REFRESH_INVALID, "not a refresh token of ours");
	e = throttle_session(rq, STR("logout"), claims.session_id);
	if (e == OK)
		e = find(rq, claims.session_id, &l.lookup);
	if (e != OK || !l.lookup.found.found || l.lookup.found.session.ended_at_us)
		return e;
	e = account_open_key(rq, &l.lookup.found.user, &account);
	if (e != OK)
		return e;
	entry.subject = account;
	entry.session = &l.lookup.found.session.id;
	audit_draft(rq, &entry, &l.audit);
	e = store_tx(rq->service->store, rq, logout_tx, &l);
	if (e == OK)
		session_actor(rq, &l.lookup.found.session, &account->row);
	return e;
}

static void check_answer(
    const struct lookup *l, const struct token_claims *claims, struct token_check *ret)
{
	*ret = (struct token_check){
		.token_type = claims->type == TOKEN_ACCESS ? STR("access") : STR("refresh"),
		.user_id = l->found.user.id,
		.session_id = l->id,
		.expires_at_us = claims->exp_s * US_PER_S,
		.role = role_name(l->found.user.role),
	};
}

/* Only the current refresh token is good; one that was rotated away is not. */
static bool is_current(
    struct request *rq, const struct lookup *l, const struct token_claims *claims)
{
	const struct session_row *s = &l->found.session;
	struct str hash;

	if (claims->type == TOKEN_ACCESS)
		return true;
	hash = session_refresh_hash(rq, (int)s->hash_key, l->id, claims->jti);
	return hash.len == s->cur_hash.len && bytes_equal(hash.ptr, s->cur_hash.ptr, hash.len);
}

enum err session_check_token(struct request *rq, struct secret token, struct token_check *ret)
{
	const struct token_config *config = &rq->service->config.token;
	int64_t now_s = rq->now_us / US_PER_S;
	struct token_claims claims;
	struct lookup l;
	enum err e;

	e = token_verify(
	    rq->secrets, rq->keys, config, TOKEN_ACCESS, secret_reveal(token), now_s, &claims);
	if (e == ERR_TOKEN_INVALID)
		e = token_verify(rq->secrets, rq->keys, config, TOKEN_REFRESH, secret_reveal(token),
		    now_s, &claims);
	if (e != OK)
		return fault(rq, e, "token refused");
	if (!claims.has_session)
		return fault(rq, ERR_TOKEN_INVALID, "token without a session");
	e = throttle_session(rq, STR("token_verify"), claims.session_id);
	if (e == OK)
		e = find(rq, claims.session_id, &l);
	if (e != OK)
		return e;
	if (!still_good(rq, &l, &claims) || !is_current(rq, &l, &claims))
		return fault(rq, ERR_TOKEN_REVOKED, "session or user has changed");
	check_answer(&l, &claims, ret);
	return OK;
}
