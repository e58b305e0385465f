/*
 * Rotation. The session row is read first, outside any transaction; what the presented token turns
 * out to be decides what is attempted. Only the conditional UPDATE makes it true: whoever comes
 * second finds the row changed, reads it again, and gets the first one's successor.
 */
#include "base/clock.h"
#include "service/audit.h"
#include "service/notice.h"
#include "service/session_priv.h"
#include "service/throttle.h"

enum presented {
	PRESENTED_CURRENT,
	PRESENTED_PREVIOUS,   /* its successor exists; within the grace it is given again */
	PRESENTED_SUPERSEDED, /* two behind, its own grace still running */
	PRESENTED_REUSED,
};

struct rotation {
	struct request *rq;
	struct token_claims claims;
	struct session_user found;
	struct account *account;
	struct str hashes[16]; /* of the presented token, under each accepted master key */
	size_t n_hashes;

	struct session_rotation update;
	struct signed_token successor;
	struct audit_row audit;
	struct notice notice; /* to the owner, on reuse */
	bool rotated;
};

/* The row's three hashes may have been made under different master keys: keys rotate too. */
static bool presents(const struct rotation *r, struct str stored)
{
	bool found = false;

	for (size_t i = 0; i < r->n_hashes; i++)
		if (r->hashes[i].len == stored.len)
			found |= bytes_equal(r->hashes[i].ptr, stored.ptr, stored.len);
	return found;
}

static void hash_presented(struct rotation *r)
{
	uint8_t ids[16];

	r->n_hashes = keyring_ids(r->rq->keys, ids);
	for (size_t i = 0; i < r->n_hashes; i++)
		r->hashes[i] =
		    session_refresh_hash(r->rq, ids[i], r->claims.session_id, r->claims.jti);
}

static enum presented classify(const struct rotation *r)
{
	const struct session_row *s = &r->found.session;
	int64_t grace_us = r->rq->service->config.grace_us;
	int64_t now_us = r->rq->now_us;

	if (presents(r, s->cur_hash))
		return PRESENTED_CURRENT;
	if (presents(r, s->prev_hash) && now_us - s->rotated_at_us <= grace_us)
		return PRESENTED_PREVIOUS;
	if (presents(r, s->prev2_hash) && now_us - s->prev_rotated_at_us <= grace_us)
		return PRESENTED_SUPERSEDED;
	return PRESENTED_REUSED;
}

static enum err find_tx(struct tx *tx, void *arg)
{
	struct rotation *r = arg;

	return session_with_user(tx, r->claims.session_id, &r->found);
}

/* May this session still be refreshed at all? */
static enum err check_alive(const struct rotation *r)
{
	const struct session_row *s = &r->found.session;

	if (!r->found.found)
		return fault(r->rq, ERR_REFRESH_INVALID, "no such session");
	if (s->ended_at_us)
		return fault(r->rq, ERR_TOKEN_REVOKED, "session has ended");
	if (r->rq->now_us >= s->expires_at_us || r->rq->now_us >= s->idle_expires_at_us)
		return fault(r->rq, ERR_REFRESH_EXPIRED, "session is over");
	if (r->found.user.state != USER_ACTIVE)
		return fault(r->rq, ERR_TOKEN_REVOKED, "user is not active");
	return OK;
}

static void draft_audit(struct rotation *r, struct str event, enum err outcome)
{
	struct audit_entry entry = {
		.event = event,
		.outcome = outcome,
		.subject = r->account,
		.session = &r->found.session.id,
	};

	audit_draft(r->rq, &entry, &r->audit);
}

static void draft_rotation(struct rotation *r)
{
	struct request *rq = r->rq;
	const struct session_row *s = &r->found.session;
	int64_t end_us = session_idle_end(rq, s);

	session_sign(rq, TOKEN_REFRESH, s, &r->found.user, end_us, &r->successor);
	r->update = (struct session_rotation){
		.id = s->id,
		.from_hash = s->cur_hash,
		.to_hash = session_refresh_hash(rq, KEYRING_ACTIVE, s->id, r->successor.jti),
		.hash_key = keyring_active(rq->keys),
		.successor = session_seal_refresh(rq, r->successor.text),
		.now_us = rq->now_us,
		.idle_expires_at_us = end_us,
	};
	draft_audit(r, STR("session.refreshed"), OK);
}

static enum err rotate_tx(struct tx *tx, void *arg)
{
	struct rotation *r = arg;
	enum err e = session_rotate_row(tx, &r->update);

	return e == OK ? audit_append(tx, r->rq->keys, &r->audit) : e;
}

static void answer(
    const struct rotation *r, struct secret refresh, int64_t expires_at_us, struct token_pair *ret)
{
	session_actor(r->rq, &r->found.session, &r->found.user);
	ret->refresh = refresh;
	ret->refresh_expires_at_us = expires_at_us;
	session_access(r->rq, &r->found.session, &r->found.user, ret);
}

static enum err write_audit_tx(struct tx *tx, void *arg)
{
	struct rotation *r = arg;

	return audit_append(tx, r->rq->keys, &r->audit);
}

/* The client did not get, or did not keep, the reply: the same bytes again. */
static enum err replay(struct rotation *r, struct token_pair *ret)
{
	const struct session_row *s = &r->found.session;
	struct secret refresh;
	enum err e = session_unseal_refresh(r->rq, s, &refresh);

	if (e != OK)
		return e;
	draft_audit(r, STR("session.refresh_replayed"), OK);
	e = store_tx_plain(r->rq->service->store, r->rq, write_audit_tx, r);
	if (e == OK)
		answer(r, refresh, s->idle_expires_at_us - s->idle_expires_at_us % US_PER_S, ret);
	return e;
}

static enum err reuse_tx(struct tx *tx, void *arg)
{
	struct rotation *r = arg;
	struct str session = uuid_str(tx_arena(tx), r->found.session.id);
	struct event_field fields[] = {
		{ .name = STR("session_id"), .value = session },
		{ .name = STR("reason"), .value = STR("refresh_reused") },
	};
	bool ended = false;
	enum err e = OK;

	if (r->rq->service->config.on_reuse == ON_REUSE_REVOKE)
		e = session_end(
		    tx, r->found.session.id, STR("refresh_reused"), r->rq->now_us, &ended);
	if (e == OK)
		e = audit_append(tx, r->rq->keys, &r->audit);
	if (e == OK && ended)
		e = notice_post(tx, &r->notice);
	if (e == OK && ended)
		e = outbox_append_event(r->rq->service->outbox, tx, STR("session.revoked"),
		    r->found.user.id, r->rq->now_us, fields, ARRAY_LEN(fields));
	return e;
}

/* An old token came back: either it was stolen or its thief was refused. The session ends. */
static enum err reused(struct rotation *r)
{
	struct request *rq = r->rq;
	enum err e = account_open(rq, &r->found.user, &r->account);

	if (e != OK)
		return e;
	notice_draft(rq, r->account, STR("refresh_reused"), STR_NULL, &r->notice);
	draft_audit(r, STR("session.refresh_reused"), ERR_REFRESH_REUSED);
	e = store_tx(rq->service->store, rq, reuse_tx, r);
	if (e != OK)
		return e;
	outbox_ring(rq->service->outbox);
	return fault(rq, ERR_REFRESH_REUSED, "an old refresh token came back");
}

static enum err superseded(struct rotation *r)
{
	enum err e;

	draft_audit(r, STR("session.refresh_superseded"), ERR_REFRESH_SUPERSEDED);
	e = store_tx_plain(r->rq->service->store, r->rq, write_audit_tx, r);
	if (e != OK)
		return e;
	return fault(r->rq, ERR_REFRESH_SUPERSEDED, "two behind, within the grace");
}

static enum err find(struct rotation *r)
{
	enum err e =
	    store_read(r->rq->service->store, r->rq, STORE_PRIMARY | STORE_SINGLE, find_tx, r);

	if (e == OK && r->found.found && r->found.user.state != USER_ERASED)
		e = account_open_key(r->rq, &r->found.user, &r->account);
	return e;
}

static enum err rotate(struct rotation *r, struct token_pair *ret)
{
	enum err e;

	draft_rotation(r);
	e = store_tx_plain(r->rq->service->store, r->rq, rotate_tx, r);
	r->rotated = e == OK;
	if (e == ERR_CONFLICT) /* somebody was first: see what they left */
		return find(r);
	if (e == OK)
		answer(r, r->successor.text, r->successor.expires_at_us, ret);
	return e;
}

static enum err not_current(struct rotation *r, enum presented presented, struct token_pair *ret)
{
	switch (presented) {
	case PRESENTED_PREVIOUS:
		return replay(r, ret);
	case PRESENTED_SUPERSEDED:
		return superseded(r);
	case PRESENTED_CURRENT:
	case PRESENTED_REUSED:
		break;
	}
	return reused(r);
}

/* The token of a session that was ended is at work still: perhaps it is not its owner who works. */
static enum err refused(const struct rotation *r, enum err answer)
{
	const struct audit_entry entry = {
		.event = STR("session.refresh_failed"),
		.outcome = answer,
		.subject = r->account,
		.session = &r->found.session.id,
		.reason = r->found.session.end_reason,
	};
	enum err e = OK;

	if (answer == ERR_TOKEN_REVOKED && r->account)
		e = audit_write(r->rq, &entry);
	return e == OK ? answer : e;
}

/* The token's own word, before anything is looked up. */
static enum err read_token(struct request *rq, struct secret refresh, struct token_claims *ret)
{
	enum err e = token_verify(rq->secrets, rq->keys, &rq->service->config.token, TOKEN_REFRESH,
	    secret_reveal(refresh), rq->now_us / US_PER_S, ret);

	if (e == ERR_TOKEN_EXPIRED)
		return fault(rq, ERR_REFRESH_EXPIRED, "refresh token past its time");
	if (e != OK || !ret->has_session)
		return fault(rq, ERR_REFRESH_INVALID, "not a refresh token of ours");
	return OK;
}

enum err session_refresh(struct request *rq, struct secret refresh, struct token_pair *ret)
{
	struct rotation r = { .rq = rq };
	enum presented presented;
	enum err e;

	e = read_token(rq, refresh, &r.claims);
	if (e == OK)
		e = throttle_session(rq, STR("token_refresh"), r.claims.session_id);
	if (e == OK)
		e = find(&r);
	if (e != OK)
		return e;
	e = check_alive(&r);
	if (e != OK)
		return refused(&r, e);
	hash_presented(&r);
	presented = classify(&r);
	if (presented == PRESENTED_CURRENT) {
		e = rotate(&r, ret);
		if (e != OK || r.rotated)
			return e;
		e = check_alive(&r);
		if (e != OK)
			return refused(&r, e);
		presented = classify(&r);
	}
	return not_current(&r, presented, ret);
}
