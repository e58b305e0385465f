/* The signed-in person themselves. */
#include "api/tables.h"
#include "service/closing.h"
#include "service/profile.h"

struct me_reply {
	struct user_view user;
};

static const struct field me_reply_fields[] = {
	{ MEMBER_OBJECT(struct me_reply, user), .sub = &user_schema,
	    .doc = "The signed-in person." },
	{ 0 },
};
static const struct schema me_reply_schema = {
	.name = "Me",
	.size = sizeof(struct me_reply),
	.fields = me_reply_fields,
	.doc = "Who is signed in.",
};

static enum err me_get(struct request *rq, const void *in, void *ret_out)
{
	struct me_reply *reply = ret_out;

	(void)in;
	account_view(rq->account, &reply->user);
	rq->version = rq->account->row.updated_at_us;
	return OK;
}

#define PROFILE(m) MEMBER(struct profile, m), .flags = FIELD_CLEARABLE

static const struct field profile_fields[] = {
	{ PROFILE(first_name), .max = 150, .example = "Ada", .doc = "Given name." },
	{ PROFILE(last_name), .max = 150, .doc = "Family name." },
	{ PROFILE(image_url), .max = 2000, .format = "uri",
	    .doc = "Picture: an https:// address. It is kept, not fetched." },
	{ PROFILE(bio), .max = 1000, .doc = "What they say about themselves." },
	{ PROFILE(country), .max = 2, .doc = "ISO 3166-1 alpha-2 code." },
	{ PROFILE(state), .max = 100, .doc = "State or province." },
	{ PROFILE(city), .max = 100, .example = "Lagos", .doc = "City." },
	{ PROFILE(address), .max = 300, .doc = "Street address." },
	{ PROFILE(gender), .max = 50, .doc = "As they put it." },
	{ PROFILE(date_of_birth), .max = 10, .format = "date", .doc = "ISO 8601 date." },
	{ PROFILE(locale), .max = 35, .doc = "Language of their messages, RFC 5646." },
	{ PROFILE(contact_email), .max = 254, .format = "email",
	    .doc = "A further address to reach them at; never a login." },
	{ PROFILE(contact_phone), .max = 64,
	    .doc = "A further number to reach them at; never a login." },
	{ 0 },
};
static const struct schema profile_schema = {
	.name = "MePatch",
	.size = sizeof(struct profile),
	.fields = profile_fields,
	.doc = "What to change. What is not named stays; null clears (RFC 7396).",
};

static enum err me_patch(struct request *rq, const void *in, void *ret_out)
{
	struct me_reply *reply = ret_out;

	return profile_update(rq, in, &reply->user);
}

struct close_body {
	struct secret password;
};

static const struct field close_fields[] = {
	{ MEMBER(struct close_body, password), .example = "correct horse battery",
	    .doc = "Their password; not needed right after a sign-in." },
	{ 0 },
};
static const struct schema close_schema = {
	.name = "CloseRequest",
	.size = sizeof(struct close_body),
	.fields = close_fields,
	.doc = "Closes the account.",
};

static enum err me_delete(struct request *rq, const void *in, void *ret_out)
{
	const struct close_body *body = in;

	(void)ret_out;
	return account_close(rq, body->password);
}

const struct route me_routes[] = {
	{
	    .method = METHOD_GET,
	    .path = "me/",
	    .operation = "me",
	    .tag = "Account",
	    .summary = "Read your own account",
	    .doc = "The person the access token belongs to, read afresh: an ended session, a "
		   "disabled account or a changed role shows at once.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_OK,
	    .versioned = true,
	    .reply = &me_reply_schema,
	    .handler = me_get,
	},
	{
	    .method = METHOD_PATCH,
	    .path = "me/",
	    .operation = "me_update",
	    .tag = "Account",
	    .log_tag = "PROFILE",
	    .summary = "Change your profile",
	    .doc = "A merge patch: what is not named stays, null clears. What you sign in with is "
		   "changed elsewhere.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_PROFILE_UPDATED,
	    .body = &profile_schema,
	    .versioned = true,
	    .reply = &me_reply_schema,
	    .handler = me_patch,
	},
	{
	    .method = METHOD_DELETE,
	    .path = "me/",
	    .operation = "me_close",
	    .tag = "Account",
	    .log_tag = "CLOSE",
	    .summary = "Close your account",
	    .doc = "Ends every session at once and hides the account. Support can restore it "
		   "within the grace; then it is erased for good.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 204,
	    .body = &close_schema,
	    .handler = me_delete,
	    .errors = (const enum err[]){ ERR_REAUTH_REQUIRED, ERR_LAST_SUPERADMIN, OK },
	},
	{ 0 },
};
