/*
 * Failures as Django REST framework and SimpleJWT word them, for clients written against those.
 * Their sentences are a wire format here, not text for people: clients compare them.
 */
#include "api/api_priv.h"

static const struct {
	enum err err;
	struct str detail;
	struct str code; /* empty: DRF sends none */
} shapes[] = {
	{ ERR_INTERNAL, STR_INIT("A server error occurred."), STR_INIT("") },
	{ ERR_NOT_FOUND, STR_INIT("Not found."), STR_INIT("") },
	{ ERR_FORBIDDEN, STR_INIT("You do not have permission to perform this action."),
	    STR_INIT("") },
	{ ERR_TOKEN_MISSING, STR_INIT("Authentication credentials were not provided."),
	    STR_INIT("") },
	{ ERR_INVALID_CREDENTIALS, STR_INIT("No active account found with the given credentials"),
	    STR_INIT("") },
	{ ERR_TOKEN_INVALID, STR_INIT("Token is invalid"), STR_INIT("token_not_valid") },
	{ ERR_TOKEN_EXPIRED, STR_INIT("Token is expired"), STR_INIT("token_not_valid") },
	{ ERR_TOKEN_REVOKED, STR_INIT("Token is blacklisted"), STR_INIT("token_not_valid") },
	{ ERR_REFRESH_INVALID, STR_INIT("Token is invalid"), STR_INIT("token_not_valid") },
	{ ERR_REFRESH_EXPIRED, STR_INIT("Token is expired"), STR_INIT("token_not_valid") },
	{ ERR_REFRESH_SUPERSEDED, STR_INIT("Token is blacklisted"), STR_INIT("token_not_valid") },
	{ ERR_REFRESH_REUSED, STR_INIT("Token is blacklisted"), STR_INIT("token_not_valid") },
};

static void write_detail(struct json_writer *w, struct str detail, struct str code)
{
	json_member_str(w, STR("detail"), detail);
	if (!str_empty(code))
		json_member_str(w, STR("code"), code);
}

/* What SimpleJWT's JWTAuthentication says of an access token none of its classes accepts. */
static void write_access_token(struct json_writer *w, struct str message)
{
	write_detail(w, STR("Given token not valid for any token type"), STR("token_not_valid"));
	json_key(w, STR("messages"));
	json_begin_array(w);
	json_begin_object(w);
	json_member_str(w, STR("token_class"), STR("AccessToken"));
	json_member_str(w, STR("token_type"), STR("access"));
	json_member_str(w, STR("message"), message);
	json_end_object(w);
	json_end_array(w);
}

/* The three sentences that quote the request. False for the other errors. */
static bool write_quoting(struct json_writer *w, const struct problem *p)
{
	struct buf text;

	buf_init(&text, w->out->arena, 128);
	if (p->err == ERR_METHOD_NOT_ALLOWED)
		buf_printf(&text, "Method \"%.*s\" not allowed.", STR_ARG(p->method));
	else if (p->err == ERR_UNSUPPORTED_MEDIA_TYPE)
		buf_printf(&text, "Unsupported media type \"%.*s\" in request.", STR_ARG(p->media));
	else if (p->err == ERR_THROTTLED)
		buf_printf(&text, "Request was throttled. Expected available in %lld second%s.",
		    (long long)p->retry_after_s, p->retry_after_s == 1 ? "" : "s");
	else
		return false;
	json_member_str(w, STR("detail"), buf_str(&text));
	return true;
}

static void write_shape(struct json_writer *w, const struct problem *p)
{
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		if (shapes[i].err != p->err)
			continue;
		if (p->access_token && !str_empty(shapes[i].code))
			write_access_token(w, shapes[i].detail);
		else
			write_detail(w, shapes[i].detail, shapes[i].code);
		return;
	}
	write_detail(w, text_get(p->locale, text_err(p->err)), err_slug(p->err));
}

void problem_write_drf(struct json_writer *w, const struct problem *p)
{
	json_begin_object(w);
	if (p->fields)
		problem_write_fields(w, p->fields);
	else if (!write_quoting(w, p))
		write_shape(w, p);
	if (!str_empty(p->data)) {
		json_key(w, STR("data"));
		json_write_raw(w, p->data);
	}
	json_end_object(w);
}
