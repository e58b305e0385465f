/* Registration, one-time codes, login: JSON to structs and back; the rules are in service. */
#include "api/tables.h"
#include "service/login.h"
#include "service/otp.h"

struct verification_reply {
	struct verification verification;
};

static const struct field verification_reply_fields[] = {
	{ MEMBER_OBJECT(struct verification_reply, verification), .sub = &verification_schema,
	    .doc = "Where the code went." },
	{ 0 },
};
static const struct schema verification_reply_schema = {
	.name = "CodeSent",
	.size = sizeof(struct verification_reply),
	.fields = verification_reply_fields,
	.doc = "A one-time code is on its way.",
};

/* --- register --- */

struct register_body {
	struct registration in;
	struct password_twice twice;
	struct list_of consents;
};

static const struct field consent_fields[] = {
	{ MEMBER(struct consent_given, document), .flags = FIELD_REQUIRED, .max = 100,
	    .example = "terms", .doc = "Which document." },
	{ MEMBER(struct consent_given, version), .flags = FIELD_REQUIRED, .max = 100,
	    .example = "2026-01", .doc = "Which version of it." },
	{ 0 },
};
const struct schema consent_schema = {
	.name = "Consent",
	.size = sizeof(struct consent_given),
	.fields = consent_fields,
	.doc = "A document the person agreed to.",
};

static const char *const open_roles[] = { "client", "vendor", NULL };

#define REGISTER(m) MEMBER_AS(struct register_body, in.m, #m)

static const struct field register_fields[] = {
	{ REGISTER(email), .max = 254, .format = "email", .example = "ada@example.com",
	    .doc = "E-mail address; exactly one of email and phone." },
	{ REGISTER(phone), .max = 64,
	    .doc = "Phone number, with its country code or in the country's own form; exactly one "
		   "of email and phone." },
	{ REGISTER(password), .flags = FIELD_REQUIRED, .example = "correct horse battery",
	    .doc =
		"Any characters. At least 8, at most 1,024 bytes, hard to guess and in no list of "
		"stolen ones, unless configured." },
	PASSWORD_TWICE(struct register_body, twice),
	{ REGISTER(first_name), .max = 150, .example = "Ada", .doc = "Given name." },
	{ REGISTER(last_name), .max = 150, .doc = "Family name." },
	{ REGISTER(country), .max = 64,
	    .doc = "ISO 3166-1 alpha-2 code; also the region of a bare phone number." },
	{ REGISTER(role), .flags = FIELD_PRIVILEGED, .choices = open_roles, .choice_nocase = true,
	    .example = "client", .doc = "In any case; client when absent. Other roles are given." },
	{ REGISTER(locale), .max = 35,
	    .doc = "Language of their messages, RFC 5646; else from Accept-Language." },
	{ MEMBER(struct register_body, consents), .sub = &consent_schema, .max = 16,
	    .doc = "Documents the person agreed to." },
	{ 0 },
};
static const struct schema register_schema = {
	.name = "RegisterRequest",
	.size = sizeof(struct register_body),
	.fields = register_fields,
	.doc = "Opens an account.",
};

struct register_reply {
	struct registered who;
	bool is_verified; /* never, at this point */
};

#define REGISTERED(m) MEMBER_AS(struct register_reply, who.m, #m)

static const struct field registered_user_fields[] = {
	{ REGISTERED(id), .flags = FIELD_OMIT, .format = "uuid",
	    .doc = "Only with registration.reveal_existing." },
	{ REGISTERED(email), .flags = FIELD_NULLABLE, .format = "email",
	    .example = "ada@example.com", .doc = "As sent." },
	{ REGISTERED(phone), .flags = FIELD_NULLABLE, .doc = "E.164." },
	{ REGISTERED(first_name), .example = "Ada", .doc = "As sent." },
	{ REGISTERED(last_name), .doc = "As sent." },
	{ REGISTERED(role), .example = "client", .doc = "client or vendor." },
	{ REGISTERED(auth_provider), .example = "email", .doc = "email or phone." },
	{ MEMBER(struct register_reply, is_verified), .doc = "Not before the code is entered." },
	{ 0 },
};
static const struct schema registered_user_schema = {
	.name = "RegisteredUser",
	.size = sizeof(struct register_reply),
	.fields = registered_user_fields,
	.doc = "What was sent, echoed: it tells nothing of what was there before.",
};

static const struct field register_reply_fields[] = {
	{ .name = "user",
	    .type = FIELD_OBJECT,
	    .offset = 0,
	    .sub = &registered_user_schema,
	    .doc = "The account." },
	{ .name = "verification",
	    .type = FIELD_OBJECT,
	    .offset = offsetof(struct register_reply, who.verification),
	    .sub = &verification_schema,
	    .doc = "Where the code went." },
	{ 0 },
};
static const struct schema register_reply_schema = {
	.name = "Registered",
	.size = sizeof(struct register_reply),
	.fields = register_reply_fields,
	.doc = "The registration was received; the code proves the address.",
};

static enum err register_post(struct request *rq, const void *in, void *ret_out)
{
	const struct register_body *body = in;
	struct registration registration = body->in;
	struct register_reply *reply = ret_out;
	enum err r = password_twice_check(rq, &body->twice, body->in.password);

	if (r != OK)
		return r;
	registration.consents = body->consents.items;
	registration.n_consents = body->consents.n;
	if (str_empty(registration.locale))
		registration.locale = rq->locale;
	return registration_create(rq, &registration, &reply->who);
}

/* --- one-time codes --- */

struct otp_body {
	struct uuid flow_id;
	struct str email_or_phone;
	struct secret otp;
};

static const struct field verify_otp_fields[] = {
	{ MEMBER(struct otp_body, flow_id), .format = "uuid",
	    .example = "01942f3c-4b5a-7c6d-8e7f-0123456789ab",
	    .doc = "From the reply that said a code was sent; or email_or_phone." },
	{ MEMBER(struct otp_body, email_or_phone), .max = 254,
	    .doc = "The identifier the code was sent for; or flow_id." },
	{ MEMBER(struct otp_body, otp), .flags = FIELD_REQUIRED, .max = 16, .example = "123456",
	    .doc = "The code, as text: a leading zero counts." },
	{ 0 },
};
static const struct schema verify_otp_schema = {
	.name = "VerifyOtpRequest",
	.size = sizeof(struct otp_body),
	.fields = verify_otp_fields,
	.doc = "Proves an identifier with its code.",
};

static const struct field resend_otp_fields[] = {
	{ MEMBER(struct otp_body, flow_id), .format = "uuid",
	    .example = "01942f3c-4b5a-7c6d-8e7f-0123456789ab",
	    .doc = "From the reply that said a code was sent; or email_or_phone." },
	{ MEMBER(struct otp_body, email_or_phone), .max = 254,
	    .doc = "The identifier the code was sent for; or flow_id." },
	{ 0 },
};
static const struct schema resend_otp_schema = {
	.name = "ResendOtpRequest",
	.size = sizeof(struct otp_body),
	.fields = resend_otp_fields,
	.doc = "Asks for a fresh code.",
};

static enum err otp_target(struct request *rq, const struct otp_body *body, struct otp_target *ret)
{
	*ret = (struct otp_target){ .has_flow = !uuid_is_nil(body->flow_id),
		.flow_id = body->flow_id,
		.email_or_phone = body->email_or_phone };
	if (ret->has_flow != !str_empty(body->email_or_phone))
		return OK;
	(void)request_refuse_field(rq, STR("flow_id"), TEXT_FLOW_OR_IDENTIFIER, NULL, 0);
	return request_refuse_field(rq, STR("email_or_phone"), TEXT_FLOW_OR_IDENTIFIER, NULL, 0);
}

static enum err verify_otp_post(struct request *rq, const void *in, void *ret_out)
{
	const struct otp_body *body = in;
	struct signed_in_reply *reply = ret_out;
	struct otp_target target;
	enum err r = otp_target(rq, body, &target);

	reply->token_type = STR("Bearer");
	return r == OK ? otp_verify(rq, &target, body->otp, &reply->who) : r;
}

static enum err resend_otp_post(struct request *rq, const void *in, void *ret_out)
{
	struct verification_reply *reply = ret_out;
	struct otp_target target;
	enum err r = otp_target(rq, in, &target);

	return r == OK ? otp_resend(rq, &target, &reply->verification) : r;
}

/* --- login --- */

struct login_body {
	struct str email_or_phone;
	struct secret password;
};

static const struct field login_fields[] = {
	{ MEMBER(struct login_body, email_or_phone), .flags = FIELD_REQUIRED, .max = 254,
	    .example = "ada@example.com", .doc = "E-mail address or phone number." },
	{ MEMBER(struct login_body, password), .flags = FIELD_REQUIRED,
	    .example = "correct horse battery", .doc = "Compared as it is sent." },
	{ 0 },
};
static const struct schema login_schema = {
	.name = "LoginRequest",
	.size = sizeof(struct login_body),
	.fields = login_fields,
	.doc = "Identifier and password.",
};

static enum err login_post(struct request *rq, const void *in, void *ret_out)
{
	const struct login_body *body = in;
	struct signed_in_reply *reply = ret_out;
	struct verification verification = { 0 };
	enum err r;

	reply->token_type = STR("Bearer");
	r = login_password(rq, body->email_or_phone, body->password, &reply->who, &verification);
	if (r == ERR_VERIFICATION_REQUIRED)
		*(struct verification_reply *)ret_out = (struct verification_reply){ verification };
	return r;
}

/* --- the table --- */

static const struct route_example register_examples[] = {
	{ .name = "byEmail",
	    .request = "{\"email\":\"ada@example.com\",\"password\":\"correct horse battery\","
		       "\"first_name\":\"Ada\"}" },
	{ .name = "byPhone",
	    .request = "{\"phone\":\"0803 123 4567\",\"country\":\"NG\",\"role\":\"vendor\","
		       "\"password\":\"correct horse battery\"}" },
	{ 0 },
};

static const struct route_example verify_otp_examples[] = {
	{ .name = "byFlow",
	    .request = "{\"flow_id\":\"01942f3c-4b5a-7c6d-8e7f-0123456789ab\","
		       "\"otp\":\"123456\"}" },
	{ .name = "byIdentifier",
	    .request = "{\"email_or_phone\":\"ada@example.com\",\"otp\":\"123456\"}" },
	{ 0 },
};

const struct route auth_routes[] = {
	{
	    .method = METHOD_POST,
	    .path = "auth/register/",
	    .legacy = "/auth/register/",
	    .operation = "register",
	    .tag = "Sign-up",
	    .log_tag = "REGISTER",
	    .summary = "Open an account",
	    .doc = "By e-mail address or phone number; a code goes there. An identifier that is "
		   "registered already gets the same reply, and its owner a message.",
	    .throttle = THROTTLE_BURST,
	    .uniform = true,
	    .success = 201,
	    .message = TEXT_REGISTERED,
	    .body = &register_schema,
	    .reply = &register_reply_schema,
	    .handler = register_post,
	    .errors = (const enum err[]){ ERR_PASSWORD_REJECTED, ERR_ALREADY_REGISTERED,
		ERR_IDEMPOTENCY_CONFLICT, OK },
	    .examples = register_examples,
	},
	{
	    .method = METHOD_POST,
	    .path = "auth/verify-otp/",
	    .legacy = "/auth/verify-otp/",
	    .operation = "verify_otp",
	    .tag = "Sign-up",
	    .log_tag = "VERIFY OTP",
	    .summary = "Prove an identifier with its code, and sign in",
	    .doc = "A wrong, used, expired, exhausted or unknown code gets one and the same reply.",
	    .throttle = THROTTLE_BURST,
	    .uniform = true,
	    .success = 200,
	    .message = TEXT_VERIFIED,
	    .body = &verify_otp_schema,
	    .reply = &signed_in_schema,
	    .handler = verify_otp_post,
	    .errors =
		(const enum err[]){ ERR_OTP_INVALID, ERR_FORBIDDEN, ERR_IDEMPOTENCY_CONFLICT, OK },
	    .examples = verify_otp_examples,
	},
	{
	    .method = METHOD_POST,
	    .path = "auth/resend-otp/",
	    .legacy = "/auth/resend-otp/",
	    .operation = "resend_otp",
	    .tag = "Sign-up",
	    .log_tag = "RESEND OTP",
	    .summary = "Ask for a fresh code",
	    .doc = "Voids the old code and keeps the attempts spent. The reply is the same whether "
		   "or not there is anything to send.",
	    .throttle = THROTTLE_BURST,
	    .uniform = true,
	    .success = 200,
	    .message = TEXT_CODE_SENT,
	    .body = &resend_otp_schema,
	    .reply = &verification_reply_schema,
	    .handler = resend_otp_post,
	    .errors = (const enum err[]){ ERR_OTP_INVALID, ERR_IDEMPOTENCY_CONFLICT, OK },
	},
	{
	    .method = METHOD_POST,
	    .path = "auth/login/",
	    .legacy = "/auth/login/",
	    .operation = "login",
	    .tag = "Sign-in",
	    .log_tag = "LOGIN",
	    .summary = "Sign in with identifier and password",
	    .doc = "Unknown, wrong, disabled, deleted: one reply, after one time. A correct "
		   "password on an account not yet verified sends a fresh code.",
	    .throttle = THROTTLE_BURST,
	    .uniform = true,
	    .success = 200,
	    .message = TEXT_LOGGED_IN,
	    .body = &login_schema,
	    .reply = &signed_in_schema,
	    .error_reply = { ERR_VERIFICATION_REQUIRED, &verification_reply_schema },
	    .handler = login_post,
	    .errors = (const enum err[]){ ERR_INVALID_CREDENTIALS, ERR_VERIFICATION_REQUIRED,
		ERR_ACCOUNT_DISABLED, ERR_FORBIDDEN, ERR_IDEMPOTENCY_CONFLICT, OK },
	},
	{ 0 },
};
