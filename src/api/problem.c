/* A failure on the wire: its status, its code and its sentence, in one of three styles. */
#include "api/api_priv.h"

static const short statuses[] = {
	[OK] = 200,

	[ERR_INTERNAL] = 500,
	[ERR_UNAVAILABLE] = 503,
	[ERR_OVERLOADED] = 503,
	[ERR_DEADLINE] = 503,
	[ERR_SHUTDOWN] = 503,

	[ERR_MALFORMED_JSON] = 400,
	[ERR_VALIDATION_FAILED] = 400,
	[ERR_NOT_FOUND] = 404,
	[ERR_METHOD_NOT_ALLOWED] = 405,
	[ERR_TIMEOUT] = 408,
	[ERR_TOO_LARGE] = 413,
	[ERR_HEADERS_TOO_LARGE] = 431,
	[ERR_UNSUPPORTED_MEDIA_TYPE] = 415,
	[ERR_BAD_REQUEST] = 400,
	[ERR_THROTTLED] = 429,
	[ERR_CONFLICT] = 409,
	[ERR_IDEMPOTENCY_CONFLICT] = 409,
	[ERR_PRECONDITION_FAILED] = 412,

	[ERR_INVALID_CREDENTIALS] = 401,
	[ERR_OTP_INVALID] = 400,
	[ERR_RESET_INVALID] = 400,
	[ERR_PASSWORD_REJECTED] = 400,
	[ERR_ALREADY_REGISTERED] = 409,
	[ERR_VERIFICATION_REQUIRED] = 403,
	[ERR_ACCOUNT_DISABLED] = 403,
	[ERR_FORBIDDEN] = 403,
	[ERR_REAUTH_REQUIRED] = 403,
	[ERR_MFA_ENROLMENT_REQUIRED] = 403,
	[ERR_TOKEN_MISSING] = 401,
	[ERR_TOKEN_INVALID] = 401,
	[ERR_TOKEN_EXPIRED] = 401,
	[ERR_TOKEN_REVOKED] = 401,
	[ERR_REFRESH_INVALID] = 401,
	[ERR_REFRESH_EXPIRED] = 401,
	[ERR_REFRESH_SUPERSEDED] = 401,
	[ERR_REFRESH_REUSED] = 401,
	[ERR_LAST_SUPERADMIN] = 409,
	[ERR_IDENTITY_INVALID] = 401,
	[ERR_IDENTITY_UNVERIFIED] = 403,
	[ERR_LINK_REQUIRED] = 409,
	[ERR_LAST_SIGN_IN] = 409,
};
_Static_assert(ARRAY_LEN(statuses) == ERR_COUNT, "one status for each enum err");

int problem_status(enum err e)
{
	return statuses[e];
}

bool problem_retries(enum err e)
{
	return statuses[e] == 429 || statuses[e] == 503;
}

struct str problem_content_type(enum error_style style)
{
	return style == ERRORS_PROBLEM ? STR("application/problem+json") : STR("application/json");
}

static bool is_first_of_its_field(const struct field_error *all, const struct field_error *f)
{
	for (; all != f; all = all->next)
		if (str_eq(all->field, f->field))
			return false;
	return true;
}

void problem_write_fields(struct json_writer *w, const struct field_error *fields)
{
	for (const struct field_error *f = fields; f; f = f->next) {
		if (!is_first_of_its_field(fields, f))
			continue;
		json_key(w, f->field);
		json_begin_array(w);
		for (const struct field_error *g = f; g; g = g->next)
			if (str_eq(g->field, f->field))
				json_write_str(w, g->text);
		json_end_array(w);
	}
}

static void write_errors_member(struct json_writer *w, const struct field_error *fields)
{
	json_key(w, STR("errors"));
	if (!fields) {
		json_write_null(w);
		return;
	}
	json_begin_object(w);
	problem_write_fields(w, fields);
	json_end_object(w);
}

static void write_data_member(struct json_writer *w, struct str data)
{
	json_key(w, STR("data"));
	json_write_raw(w, str_empty(data) ? STR("null") : data);
}

static void write_envelope(struct json_writer *w, const struct problem *p)
{
	json_begin_object(w);
	json_member_bool(w, STR("success"), false);
	json_member_str(w, STR("message"), text_get(p->locale, text_err(p->err)));
	json_member_str(w, STR("code"), err_slug(p->err));
	write_data_member(w, p->data);
	write_errors_member(w, p->fields);
	json_end_object(w);
}

/* RFC 9457; "code", "errors" and "data" are extension members (3.2). */
static void write_rfc9457(struct json_writer *w, const struct problem *p)
{
	json_begin_object(w);
	json_member_str(w, STR("type"), STR("about:blank"));
	json_member_str(w, STR("title"), text_get(p->locale, text_err(p->err)));
	json_member_i64(w, STR("status"), problem_status(p->err));
	json_member_str(w, STR("code"), err_slug(p->err));
	if (!str_empty(p->data))
		write_data_member(w, p->data);
	if (p->fields)
		write_errors_member(w, p->fields);
	json_end_object(w);
}

void problem_write(struct json_writer *w, enum error_style style, const struct problem *p)
{
	switch (style) {
	case ERRORS_ENVELOPE:
		write_envelope(w, p);
		break;
	case ERRORS_DRF:
		problem_write_drf(w, p);
		break;
	case ERRORS_PROBLEM:
		write_rfc9457(w, p);
		break;
	}
}
