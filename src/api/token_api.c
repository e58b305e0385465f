/* The life of a token pair: rotate, end, judge. */
#include "api/tables.h"

struct refresh_body {
	struct secret refresh;
};

static const struct field refresh_fields[] = {
	{ MEMBER(struct refresh_body, refresh), .flags = FIELD_REQUIRED, .max = 4096,
	    .example = EXAMPLE_JWT, .doc = "The session's refresh token." },
	{ 0 },
};
static const struct schema refresh_schema = {
	.name = "RefreshRequest",
	.size = sizeof(struct refresh_body),
	.fields = refresh_fields,
	.doc = "A refresh token.",
};

static enum err refresh_post(struct request *rq, const void *in, void *ret_out)
{
	const struct refresh_body *body = in;
	struct signed_in_reply *reply = ret_out;

	reply->token_type = STR("Bearer");
	return session_refresh(rq, body->refresh, &reply->who.tokens);
}

static enum err logout_post(struct request *rq, const void *in, void *ret_out)
{
	const struct refresh_body *body = in;

	(void)ret_out;
	return session_logout(rq, body->refresh);
}

struct token_body {
	struct secret token;
};

static const struct field token_fields[] = {
	{ MEMBER(struct token_body, token), .flags = FIELD_REQUIRED, .max = 4096,
	    .example = EXAMPLE_JWT, .doc = "An access or refresh token." },
	{ 0 },
};
static const struct schema token_schema = {
	.name = "TokenRequest",
	.size = sizeof(struct token_body),
	.fields = token_fields,
	.doc = "A token to be judged.",
};

static const struct field token_check_fields[] = {
	{ MEMBER(struct token_check, token_type), .example = "access",
	    .doc = "access or refresh." },
	{ MEMBER(struct token_check, user_id), .format = "uuid", .doc = "Whose it is." },
	{ MEMBER(struct token_check, session_id), .format = "uuid", .doc = "Of which session." },
	{ MEMBER_TIME(struct token_check, expires_at_us, "expires_at"), .doc = "When it ends." },
	{ MEMBER(struct token_check, role), .example = "client", .doc = "Their role now." },
	{ 0 },
};
static const struct schema token_check_schema = {
	.name = "TokenCheck",
	.size = sizeof(struct token_check),
	.fields = token_check_fields,
	.doc = "The token is good now.",
};

static enum err verify_token_post(struct request *rq, const void *in, void *ret_out)
{
	const struct token_body *body = in;

	return session_check_token(rq, body->token, ret_out);
}

const struct route token_routes[] = {
	{
	    .method = METHOD_POST,
	    .path = "auth/token/refresh/",
	    .legacy = "/auth/token/refresh/",
	    .operation = "token_refresh",
	    .tag = "Sign-in",
	    .log_tag = "TOKEN REFRESH",
	    .summary = "Exchange a refresh token for its successor",
	    .doc = "Each refresh token has one successor; sending it again within the grace gives "
		   "the same one. An older token ends the session.",
	    .throttle = THROTTLE_SUSTAINED,
	    .success = 200,
	    .message = TEXT_REFRESHED,
	    .body = &refresh_schema,
	    .reply = &token_pair_schema,
	    .handler = refresh_post,
	    .errors = (const enum err[]){ ERR_REFRESH_INVALID, ERR_REFRESH_EXPIRED,
		ERR_REFRESH_SUPERSEDED, ERR_REFRESH_REUSED, ERR_TOKEN_REVOKED, OK },
	},
	{
	    .method = METHOD_POST,
	    .path = "auth/logout/",
	    .legacy = "/auth/logout/",
	    .operation = "logout",
	    .tag = "Sign-in",
	    .log_tag = "LOGOUT",
	    .summary = "End the session of a refresh token",
	    .doc = "At once, its access token too. No access token is needed. Sending it again is "
		   "fine.",
	    .throttle = THROTTLE_SUSTAINED,
	    .success = 200,
	    .message = TEXT_LOGGED_OUT,
	    .body = &refresh_schema,
	    .handler = logout_post,
	    .errors = (const enum err[]){ ERR_REFRESH_INVALID, OK },
	},
	{
	    .method = METHOD_POST,
	    .path = "auth/token/verify/",
	    .legacy = "/auth/token/verify/",
	    .operation = "token_verify",
	    .tag = "Sign-in",
	    .log_tag = "TOKEN VERIFY",
	    .summary = "Is this token good now?",
	    .doc = "For services that do not check signatures themselves: it also sees ended "
		   "sessions and disabled accounts.",
	    .throttle = THROTTLE_SUSTAINED,
	    .success = 200,
	    .message = TEXT_TOKEN_VALID,
	    .body = &token_schema,
	    .reply = &token_check_schema,
	    .handler = verify_token_post,
	    .errors =
		(const enum err[]){ ERR_TOKEN_INVALID, ERR_TOKEN_EXPIRED, ERR_TOKEN_REVOKED, OK },
	},
	{ 0 },
};
