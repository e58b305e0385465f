/* Passwords: asking for a reset, confirming it, changing one's own. */
#include "api/tables.h"
#include "service/password_change.h"
#include "service/reset.h"

enum err password_twice_check(
    struct request *rq, const struct password_twice *twice, struct secret password)
{
	enum err r = OK;

	if (twice->password2.len > 0 && !secret_equal(twice->password2, password))
		r = request_refuse_field(rq, STR("password2"), TEXT_FIELD_MISMATCH, NULL, 0);
	if (twice->confirm_password.len > 0 && !secret_equal(twice->confirm_password, password))
		r = request_refuse_field(rq, STR("confirm_password"), TEXT_FIELD_MISMATCH, NULL, 0);
	return r;
}

/* --- reset-request --- */

struct request_body {
	struct str email_or_phone;
};

static const struct field request_fields[] = {
	{ MEMBER(struct request_body, email_or_phone), .flags = FIELD_REQUIRED, .max = 254,
	    .example = "ada@example.com", .doc = "E-mail address or phone number." },
	{ 0 },
};
static const struct schema request_schema = {
	.name = "ResetRequest",
	.size = sizeof(struct request_body),
	.fields = request_fields,
	.doc = "Whose password is to be reset.",
};

static const struct field sent_fields[] = {
	{ MEMBER(struct reset_sent, flow_id), .format = "uuid",
	    .doc = "To be sent back with the code, if one arrives." },
	{ MEMBER_AS(struct reset_sent, expires_in_s, "expires_in"), .example = "1800",
	    .doc = "Seconds the link or code is good." },
	{ 0 },
};
static const struct schema sent_schema = {
	.name = "ResetSent",
	.size = sizeof(struct reset_sent),
	.fields = sent_fields,
	.doc = "The same for anyone, known or not.",
};

static enum err reset_request_post(struct request *rq, const void *in, void *ret_out)
{
	const struct request_body *body = in;

	return reset_request(rq, body->email_or_phone, ret_out);
}

/* --- reset-confirm --- */

struct confirm_body {
	struct str uidb64;
	struct secret token;
	struct uuid flow_id;
	struct str email_or_phone;
	struct secret otp, new_password;
	struct password_twice twice;
};

static const struct field confirm_fields[] = {
	{ MEMBER(struct confirm_body, uidb64), .max = 256,
	    .doc = "First part of the link; with token." },
	{ MEMBER(struct confirm_body, token), .max = 128,
	    .doc = "Second part of the link; with uidb64." },
	{ MEMBER(struct confirm_body, flow_id), .format = "uuid",
	    .doc = "From the reply that said a code was sent; with otp." },
	{ MEMBER(struct confirm_body, email_or_phone), .max = 254,
	    .doc = "The identifier the code was sent for; with otp, instead of flow_id." },
	{ MEMBER(struct confirm_body, otp), .max = 16,
	    .doc = "The code, as text; with flow_id or email_or_phone." },
	{ MEMBER(struct confirm_body, new_password), .flags = FIELD_REQUIRED,
	    .example = "staple in the haystack", .doc = "What the password shall be." },
	PASSWORD_TWICE(struct confirm_body, twice),
	{ 0 },
};
static const struct schema confirm_schema = {
	.name = "ResetConfirmRequest",
	.size = sizeof(struct confirm_body),
	.fields = confirm_fields,
	.doc =
	    "A proof (uidb64 and token; or otp with either flow_id or email_or_phone) and the new "
	    "password.",
};

static enum err refuse_link(struct request *rq, const struct confirm_body *body)
{
	if (str_empty(body->uidb64))
		return request_refuse_field(rq, STR("uidb64"), TEXT_FIELD_REQUIRED, NULL, 0);
	return request_refuse_field(rq, STR("token"), TEXT_FIELD_REQUIRED, NULL, 0);
}

static enum err refuse_code(struct request *rq, const struct confirm_body *body)
{
	if (uuid_is_nil(body->flow_id) == str_empty(body->email_or_phone)) {
		(void)request_refuse_field(rq, STR("flow_id"), TEXT_FLOW_OR_IDENTIFIER, NULL, 0);
		(void)request_refuse_field(
		    rq, STR("email_or_phone"), TEXT_FLOW_OR_IDENTIFIER, NULL, 0);
	}
	if (body->otp.len == 0)
		(void)request_refuse_field(rq, STR("otp"), TEXT_FIELD_REQUIRED, NULL, 0);
	return ERR_VALIDATION_FAILED;
}

/* One proof, and all of it. */
static enum err read_proof(
    struct request *rq, const struct confirm_body *body, struct reset_proof *ret)
{
	bool has_flow = !uuid_is_nil(body->flow_id);
	bool link = !str_empty(body->uidb64) || body->token.len > 0;
	bool code = has_flow || !str_empty(body->email_or_phone) || body->otp.len > 0;

	*ret = (struct reset_proof){
		.has_link = link,
		.uidb64 = body->uidb64,
		.token = body->token,
		.target = { .has_flow = has_flow,
		    .flow_id = body->flow_id,
		    .email_or_phone = body->email_or_phone },
		.code = body->otp,
	};
	if (link == code)
		return request_refuse_field(rq, STR("non_field_errors"), TEXT_RESET_PROOF, NULL, 0);
	if (link && (str_empty(body->uidb64) || body->token.len == 0))
		return refuse_link(rq, body);
	if (code && (has_flow != str_empty(body->email_or_phone) || body->otp.len == 0))
		return refuse_code(rq, body);
	return OK;
}

static enum err reset_confirm_post(struct request *rq, const void *in, void *ret_out)
{
	const struct confirm_body *body = in;
	struct reset_proof proof;
	enum err r = read_proof(rq, body, &proof);
	enum err twice = password_twice_check(rq, &body->twice, body->new_password);

	(void)ret_out;
	if (r != OK || twice != OK)
		return ERR_VALIDATION_FAILED;
	return reset_confirm(rq, &proof, body->new_password);
}

/* --- change --- */

struct change_body {
	struct secret current_password, new_password;
	struct password_twice twice;
};

static const struct field change_fields[] = {
	{ MEMBER(struct change_body, current_password), .flags = FIELD_REQUIRED,
	    .example = "correct horse battery", .doc = "The password as it is." },
	{ MEMBER(struct change_body, new_password), .flags = FIELD_REQUIRED,
	    .example = "staple in the haystack", .doc = "What it shall be." },
	PASSWORD_TWICE(struct change_body, twice),
	{ 0 },
};
static const struct schema change_schema = {
	.name = "PasswordChangeRequest",
	.size = sizeof(struct change_body),
	.fields = change_fields,
	.doc = "The current password and the new one.",
};

static enum err change_post(struct request *rq, const void *in, void *ret_out)
{
	const struct change_body *body = in;
	enum err r = password_twice_check(rq, &body->twice, body->new_password);

	(void)ret_out;
	return r == OK ? password_change(rq, body->current_password, body->new_password) : r;
}

/* --- the table --- */

static const struct route_example confirm_examples[] = {
	{ .name = "byLink",
	    .request = "{\"uidb64\":\"QS-x0ExgQkm5vQVkIRvjdg\","
		       "\"token\":\"m1N8GRmQ4pEo2u3ZcVdXhT6kYbWfJ7sL0iA9xKrPqCw\","
		       "\"new_password\":\"staple in the haystack\"}" },
	{ .name = "byCode",
	    .request = "{\"flow_id\":\"412fb1d0-4c60-4249-b9bd-0564211be376\","
		       "\"otp\":\"123456\",\"new_password\":\"staple in the haystack\"}" },
	{ .name = "byIdentifier",
	    .request = "{\"email_or_phone\":\"0803 123 4567\",\"otp\":\"123456\","
		       "\"new_password\":\"staple in the haystack\"}" },
	{ 0 },
};

const struct route password_routes[] = {
	{
	    .method = METHOD_POST,
	    .path = "password/reset-request/",
	    .legacy = "/auth/password-reset/",
	    .operation = "password_reset_request",
	    .tag = "Password",
	    .log_tag = "PASSWORD RESET",
	    .summary = "Ask for a link or code to set a new password",
	    .doc = "A mail carries a link, an SMS a code. The reply is the same whether or not "
		   "anybody is there; asking again voids what was sent before.",
	    .throttle = THROTTLE_BURST,
	    .uniform = true,
	    .success = 200,
	    .message = TEXT_PASSWORD_RESET_SENT,
	    .body = &request_schema,
	    .reply = &sent_schema,
	    .handler = reset_request_post,
	    .errors = (const enum err[]){ ERR_IDEMPOTENCY_CONFLICT, OK },
	},
	{
	    .method = METHOD_POST,
	    .path = "password/reset-confirm/",
	    .legacy = "/auth/password-reset-confirm/",
	    .operation = "password_reset_confirm",
	    .tag = "Password",
	    .log_tag = "PASSWORD RESET CONFIRM",
	    .summary = "Set a new password with what was sent",
	    .doc = "Ends all sessions and signs nobody in. A wrong, used, expired, superseded, "
		   "exhausted or unknown link or code gets one and the same reply; a password that "
		   "is refused leaves it as good as it was.",
	    .throttle = THROTTLE_BURST,
	    .uniform = true,
	    .success = 200,
	    .message = TEXT_PASSWORD_RESET,
	    .body = &confirm_schema,
	    .handler = reset_confirm_post,
	    .errors = (const enum err[]){ ERR_RESET_INVALID, ERR_PASSWORD_REJECTED, OK },
	    .examples = confirm_examples,
	},
	{
	    .method = METHOD_POST,
	    .path = "password/change/",
	    .legacy = "/auth/password-change/",
	    .operation = "password_change",
	    .tag = "Password",
	    .log_tag = "PASSWORD CHANGE",
	    .summary = "Change your own password",
	    .doc = "This session goes on, all others end. A wrong current password is named in "
		   "errors.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_SUSTAINED,
	    .success = 200,
	    .message = TEXT_PASSWORD_CHANGED,
	    .body = &change_schema,
	    .handler = change_post,
	    .errors = (const enum err[]){ ERR_PASSWORD_REJECTED, OK },
	},
	{ 0 },
};
