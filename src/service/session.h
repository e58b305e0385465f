/*
 * Sessions and their tokens: begin, authenticate, rotate, end. A session has one current refresh
 * token; its two predecessors are remembered by keyed hash so that a lost reply, a race and a theft
 * can be told apart (docs/ARCHITECTURE.md, "Rotation").
 */
#ifndef SERVICE_SESSION_H
#define SERVICE_SESSION_H

#include "service/account.h"
#include "service/idempotency.h"
#include "service/notice.h"
#include "service/service.h"
#include "store/audit_store.h"

/** struct token_pair - what a client keeps. */
struct token_pair {
	struct secret access, refresh;
	int64_t expires_in_s;
	int64_t access_expires_at_us, refresh_expires_at_us;
};

/** struct signed_in - the reply of everything that signs a person in. */
struct signed_in {
	struct token_pair tokens;
	struct secret device; /* to be sent back as X-Cloakroom-Device */
	struct user_view user;
};

/**
 * session_refresh() - rotate: one successor, whoever asks and how often
 *
 * Presented the current token: rotate. The one before it, within the grace: the same successor
 * again. The one before that, while its own grace runs: ERR_REFRESH_SUPERSEDED, nothing revoked.
 * Anything older: ERR_REFRESH_REUSED, the session ends and the owner is told.
 *
 * Returns: OK, ERR_REFRESH_INVALID, ERR_REFRESH_EXPIRED, ERR_REFRESH_SUPERSEDED,
 * ERR_REFRESH_REUSED, ERR_TOKEN_REVOKED (ended, disabled, deleted), ERR_THROTTLED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err session_refresh(
    struct request *rq, struct secret refresh, struct token_pair *ret);

/** session_logout() - end the session of this refresh token; fine when it has ended already. */
MAY_YIELD MUST_CHECK enum err session_logout(struct request *rq, struct secret refresh);

/**
 * session_authenticate() - who holds this access token; sets rq->actor and rq->account
 *
 * One primary read; never cached. Returns: OK, ERR_TOKEN_INVALID, ERR_TOKEN_EXPIRED,
 * ERR_TOKEN_REVOKED, or a machine error.
 */
MAY_YIELD MUST_CHECK enum err session_authenticate(struct request *rq, struct secret access);

/* For the flows that end in a session (login, otp). */

/** struct session_draft - a session and its tokens made before the transaction that inserts it. */
struct session_draft {
	struct session_row row;
	struct token_pair tokens;
	struct audit_row evicted; /* for each session that has to go; its id is filled in then */
	struct notice notice;     /* due, unless the device has been seen before */
};

/** session_draft() - @amr is how the person proved themselves: "pwd", "otp". */
void session_draft(struct request *rq, const struct account *account, struct str amr,
    const struct idempotency *idempotency, struct session_draft *ret);
/**
 * session_begin() - insert the draft, keep the role's limit of sessions, note the login
 *
 * Inside a transaction, which a refusal must roll back. Returns OK, ERR_FORBIDDEN (session.on_limit
 * = refuse and all taken), or ERR_PRECONDITION_FAILED: since @account was read they were disabled,
 * or got another role or password; read again and decide again.
 */
MUST_CHECK enum err session_begin(struct request *rq, struct tx *tx, const struct account *account,
    const struct session_draft *draft);

/** How often a flow decides anew while the person it is about keeps changing. */
#define SESSION_TRIES 3
/** session_unsettled() - give up on that: ERR_UNAVAILABLE, for the client to come again. */
enum err session_unsettled(struct request *rq);

/** session_answer() - the reply, once the transaction is durable; a fresh device token with it. */
void session_answer(struct request *rq, struct account *account, const struct session_draft *draft,
    struct signed_in *ret);
/**
 * session_answer_retry() - the reply of an earlier call with the same Idempotency-Key
 * @ret_answered: false when there was none (or the request has no key, or the person may not sign
 * in any more): go on
 *
 * Returns: OK, ERR_IDEMPOTENCY_CONFLICT, or a machine error.
 */
MAY_YIELD MUST_CHECK enum err session_answer_retry(struct request *rq,
    const struct idempotency *idempotency, struct signed_in *ret, bool *ret_answered);

/**
 * session_answer_conflict() - the same, after ERR_CONFLICT: somebody has used the key
 *
 * Returns: OK, ERR_IDEMPOTENCY_CONFLICT (also when that session is over), or a machine error.
 */
MAY_YIELD MUST_CHECK enum err session_answer_conflict(
    struct request *rq, const struct idempotency *idempotency, struct signed_in *ret);

/**
 * session_impersonate() - draft a session of @account that the signed-in staff member holds
 *
 * Of @ret_tokens only the access half is filled in. No sign-in is as recent as such a session asks.
 */
void session_impersonate(struct request *rq, const struct account *account, struct session_row *ret,
    struct token_pair *ret_tokens);

/** session_origin() - where @session began, unsealed; empty strs where nothing is known. */
MUST_CHECK enum err session_origin(struct request *rq, const struct account *account,
    const struct session_row *session, struct str *ret_address, struct str *ret_user_agent);

/** struct token_check - reply of auth/token/verify/. */
struct token_check {
	struct str token_type;
	struct uuid user_id, session_id;
	int64_t expires_at_us;
	struct str role;
};
/** session_check_token() - is this access or refresh token good now? */
MAY_YIELD MUST_CHECK enum err session_check_token(
    struct request *rq, struct secret token, struct token_check *ret);

#endif
