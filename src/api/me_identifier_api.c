/* Another address or number to sign in with. */
#include "api/tables.h"
#include "service/identifier_change.h"

static const struct field change_fields[] = {
	{ MEMBER(struct identifier_wish, email), .max = 254, .format = "email",
	    .example = "ada.new@example.com",
	    .doc = "The new e-mail address; exactly one of email and phone." },
	{ MEMBER(struct identifier_wish, phone), .max = 64,
	    .doc = "The new phone number; exactly one of email and phone." },
	{ MEMBER(struct identifier_wish, password), .example = "correct horse battery",
	    .doc = "Their password. Who has none signs in first." },
	{ 0 },
};
static const struct schema change_schema = {
	.name = "IdentifierRequest",
	.size = sizeof(struct identifier_wish),
	.fields = change_fields,
	.doc = "What to sign in with instead.",
};

struct change_reply {
	struct verification verification;
};

static const struct field change_reply_fields[] = {
	{ MEMBER_OBJECT(struct change_reply, verification), .sub = &verification_schema,
	    .doc = "Where the code went." },
	{ 0 },
};
static const struct schema change_reply_schema = {
	.name = "IdentifierCodeSent",
	.size = sizeof(struct change_reply),
	.fields = change_reply_fields,
	.doc = "A code is on its way to the new address.",
};

static enum err change_post(struct request *rq, const void *in, void *ret_out)
{
	struct change_reply *reply = ret_out;

	return identifier_change(rq, in, &reply->verification);
}

struct confirm_body {
	struct uuid flow_id;
	struct secret otp;
};

static const struct field confirm_fields[] = {
	{ MEMBER(struct confirm_body, flow_id), .flags = FIELD_REQUIRED, .doc = "Of the answer." },
	{ MEMBER(struct confirm_body, otp), .flags = FIELD_REQUIRED, .max = 16, .example = "123456",
	    .doc = "The code that came to the new address." },
	{ 0 },
};
static const struct schema confirm_schema = {
	.name = "IdentifierConfirm",
	.size = sizeof(struct confirm_body),
	.fields = confirm_fields,
	.doc = "Proves the new address.",
};

struct confirm_reply {
	struct user_view user;
};

static const struct field confirm_reply_fields[] = {
	{ MEMBER_OBJECT(struct confirm_reply, user), .sub = &user_schema,
	    .doc = "The person as they are now." },
	{ 0 },
};
static const struct schema confirm_reply_schema = {
	.name = "IdentifierChanged",
	.size = sizeof(struct confirm_reply),
	.fields = confirm_reply_fields,
	.doc = "The new address counts.",
};

static enum err confirm_post(struct request *rq, const void *in, void *ret_out)
{
	const struct confirm_body *body = in;
	struct confirm_reply *reply = ret_out;

	return identifier_confirm(rq, body->flow_id, body->otp, &reply->user);
}

struct revert_body {
	struct secret token;
};

static const struct field revert_fields[] = {
	{ MEMBER(struct revert_body, token), .flags = FIELD_REQUIRED, .max = 200,
	    .example = "Bxk2W3pYQ0mBq1Jd0c9q4AxZ", .doc = "What the old address was sent." },
	{ 0 },
};
static const struct schema revert_schema = {
	.name = "IdentifierRevert",
	.size = sizeof(struct revert_body),
	.fields = revert_fields,
	.doc = "Takes the account back.",
};

static enum err revert_post(struct request *rq, const void *in, void *ret_out)
{
	const struct revert_body *body = in;

	(void)ret_out;
	return identifier_revert(rq, body->token);
}

const struct route me_identifier_routes[] = {
	{
	    .method = METHOD_POST,
	    .path = "me/identifier/",
	    .operation = "identifier_change",
	    .tag = "Account",
	    .log_tag = "IDENTIFIER",
	    .summary = "Ask for another address or number to sign in with",
	    .doc = "Sends a code there; nothing changes until it comes back. The answer is the "
		   "same for an address somebody else has.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .uniform = true,
	    .success = 200,
	    .message = TEXT_CODE_SENT,
	    .body = &change_schema,
	    .reply = &change_reply_schema,
	    .handler = change_post,
	    .errors = (const enum err[]){ ERR_REAUTH_REQUIRED, OK },
	},
	{
	    .method = METHOD_POST,
	    .path = "me/identifier/confirm/",
	    .operation = "identifier_confirm",
	    .tag = "Account",
	    .log_tag = "IDENTIFIER CONFIRM",
	    .summary = "Prove the new address or number",
	    .doc = "Ends all your other sessions. The old address is told, and can undo it for 72 "
		   "hours.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_VERIFIED,
	    .body = &confirm_schema,
	    .reply = &confirm_reply_schema,
	    .handler = confirm_post,
	    .errors = (const enum err[]){ ERR_OTP_INVALID, ERR_CONFLICT, OK },
	},
	{
	    .method = METHOD_POST,
	    .path = "auth/identifier/revert/",
	    .operation = "identifier_revert",
	    .tag = "Sign-in",
	    .log_tag = "IDENTIFIER REVERT",
	    .summary = "Take an account back by its former address",
	    .doc = "With what that address was sent, once and within 72 hours. Every session ends "
		   "and the password has to be reset.",
	    .throttle = THROTTLE_BURST,
	    .success = 200,
	    .message = TEXT_OK,
	    .body = &revert_schema,
	    .handler = revert_post,
	    .errors = (const enum err[]){ ERR_OTP_INVALID, ERR_CONFLICT, OK },
	},
	{ 0 },
};
