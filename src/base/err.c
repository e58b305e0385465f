#include "base/err.h"

#include <assert.h>

struct err_row {
	struct str slug;
	enum err_level level;
};

/* Being full or going down is a refusal, not a fault: a flood must not fill the log with errors. */
static const struct err_row err_table[] = {
	[OK] = { STR_INIT("ok"), ERR_LEVEL_INFO },

	[ERR_INTERNAL] = { STR_INIT("internal"), ERR_LEVEL_ERROR },
	[ERR_UNAVAILABLE] = { STR_INIT("unavailable"), ERR_LEVEL_ERROR },
	[ERR_OVERLOADED] = { STR_INIT("overloaded"), ERR_LEVEL_WARNING },
	[ERR_DEADLINE] = { STR_INIT("unavailable"), ERR_LEVEL_ERROR },
	[ERR_SHUTDOWN] = { STR_INIT("unavailable"), ERR_LEVEL_WARNING },

	[ERR_MALFORMED_JSON] = { STR_INIT("malformed_json"), ERR_LEVEL_WARNING },
	[ERR_VALIDATION_FAILED] = { STR_INIT("validation_failed"), ERR_LEVEL_WARNING },
	[ERR_NOT_FOUND] = { STR_INIT("not_found"), ERR_LEVEL_WARNING },
	[ERR_METHOD_NOT_ALLOWED] = { STR_INIT("method_not_allowed"), ERR_LEVEL_WARNING },
	[ERR_TIMEOUT] = { STR_INIT("timeout"), ERR_LEVEL_WARNING },
	[ERR_TOO_LARGE] = { STR_INIT("too_large"), ERR_LEVEL_WARNING },
	[ERR_HEADERS_TOO_LARGE] = { STR_INIT("headers_too_large"), ERR_LEVEL_WARNING },
	[ERR_UNSUPPORTED_MEDIA_TYPE] = { STR_INIT("unsupported_media_type"), ERR_LEVEL_WARNING },
	[ERR_BAD_REQUEST] = { STR_INIT("bad_request"), ERR_LEVEL_WARNING },
	[ERR_THROTTLED] = { STR_INIT("throttled"), ERR_LEVEL_WARNING },
	[ERR_CONFLICT] = { STR_INIT("conflict"), ERR_LEVEL_WARNING },
	[ERR_IDEMPOTENCY_CONFLICT] = { STR_INIT("idempotency_conflict"), ERR_LEVEL_WARNING },
	[ERR_PRECONDITION_FAILED] = { STR_INIT("precondition_failed"), ERR_LEVEL_WARNING },

	[ERR_INVALID_CREDENTIALS] = { STR_INIT("invalid_credentials"), ERR_LEVEL_WARNING },
	[ERR_OTP_INVALID] = { STR_INIT("otp_invalid"), ERR_LEVEL_WARNING },
	[ERR_RESET_INVALID] = { STR_INIT("reset_invalid"), ERR_LEVEL_WARNING },
	[ERR_PASSWORD_REJECTED] = { STR_INIT("password_rejected"), ERR_LEVEL_WARNING },
	[ERR_ALREADY_REGISTERED] = { STR_INIT("already_registered"), ERR_LEVEL_WARNING },
	[ERR_VERIFICATION_REQUIRED] = { STR_INIT("verification_required"), ERR_LEVEL_WARNING },
	[ERR_ACCOUNT_DISABLED] = { STR_INIT("account_disabled"), ERR_LEVEL_WARNING },
	[ERR_FORBIDDEN] = { STR_INIT("forbidden"), ERR_LEVEL_WARNING },
	[ERR_REAUTH_REQUIRED] = { STR_INIT("reauth_required"), ERR_LEVEL_WARNING },
	[ERR_MFA_ENROLMENT_REQUIRED] = { STR_INIT("mfa_enrolment_required"), ERR_LEVEL_WARNING },
	[ERR_TOKEN_MISSING] = { STR_INIT("token_missing"), ERR_LEVEL_WARNING },
	[ERR_TOKEN_INVALID] = { STR_INIT("token_invalid"), ERR_LEVEL_WARNING },
	[ERR_TOKEN_EXPIRED] = { STR_INIT("token_expired"), ERR_LEVEL_WARNING },
	[ERR_TOKEN_REVOKED] = { STR_INIT("token_revoked"), ERR_LEVEL_WARNING },
	[ERR_REFRESH_INVALID] = { STR_INIT("refresh_invalid"), ERR_LEVEL_WARNING },
	[ERR_REFRESH_EXPIRED] = { STR_INIT("refresh_expired"), ERR_LEVEL_WARNING },
	[ERR_REFRESH_SUPERSEDED] = { STR_INIT("refresh_superseded"), ERR_LEVEL_WARNING },
	[ERR_REFRESH_REUSED] = { STR_INIT("refresh_reused"), ERR_LEVEL_WARNING },
	[ERR_LAST_SUPERADMIN] = { STR_INIT("last_superadmin"), ERR_LEVEL_WARNING },
	[ERR_IDENTITY_INVALID] = { STR_INIT("identity_invalid"), ERR_LEVEL_WARNING },
	[ERR_IDENTITY_UNVERIFIED] = { STR_INIT("identity_unverified"), ERR_LEVEL_WARNING },
	[ERR_LINK_REQUIRED] = { STR_INIT("link_required"), ERR_LEVEL_WARNING },
	[ERR_LAST_SIGN_IN] = { STR_INIT("last_sign_in"), ERR_LEVEL_WARNING },
};
_Static_assert(ARRAY_LEN(err_table) == ERR_COUNT, "one row for each enum err");

static const struct err_row *row_of(enum err e)
{
	assert((unsigned)e < ERR_COUNT);
	return &err_table[e];
}

struct str err_slug(enum err e)
{
	return row_of(e)->slug;
}

enum err_level err_level(enum err e)
{
	return row_of(e)->level;
}

bool err_is_machine(enum err e)
{
	return e >= ERR_INTERNAL && e <= ERR_SHUTDOWN;
}
