/* Shared by the session files only. */
#ifndef SERVICE_SESSION_PRIV_H
#define SERVICE_SESSION_PRIV_H

#include "service/session.h"

struct signed_token {
	struct secret text;
	struct str jti;
	int64_t expires_at_us;
};

/** session_sign() - a token of @type for this session and user. */
void session_sign(struct request *rq, enum token_type type, const struct session_row *session,
    const struct user_row *user, int64_t expires_at_us, struct signed_token *ret);
/** session_access() - fill in the access half of a pair. */
void session_access(struct request *rq, const struct session_row *session,
    const struct user_row *user, struct token_pair *ret);
/** session_refresh_hash() - stored form of a refresh token's id; STR_NULL when @key_id is gone. */
struct str session_refresh_hash(
    struct request *rq, int key_id, struct uuid session, struct str jti);
struct str session_seal_refresh(struct request *rq, struct secret refresh);
MUST_CHECK enum err session_unseal_refresh(
    struct request *rq, const struct session_row *session, struct secret *ret);
/** session_actor() - from here on the request is theirs: the log says so. */
void session_actor(
    struct request *rq, const struct session_row *session, const struct user_row *user);
/** session_idle_end() - when the refresh token made now dies unless used. */
int64_t session_idle_end(const struct request *rq, const struct session_row *session);

#endif
