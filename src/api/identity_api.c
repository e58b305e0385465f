/* The accounts elsewhere that open the signed-in person's account here. */
#include "api/tables.h"
#include "service/google.h"

static const struct field identity_fields[] = {
	{ MEMBER(struct identity_view, id), .format = "uuid", .doc = "Of the link." },
	{ MEMBER(struct identity_view, provider), .example = "google", .doc = "Where it is." },
	{ MEMBER(struct identity_view, email), .flags = FIELD_NULLABLE,
	    .example = "ada@example.com", .doc = "Its address when it was linked." },
	{ MEMBER_TIME(struct identity_view, linked_at_us, "linked_at"), .doc = "When." },
	{ MEMBER_TIME(struct identity_view, last_used_at_us, "last_used_at"),
	    .flags = FIELD_NULLABLE, .doc = "When it last signed them in." },
	{ 0 },
};
const struct schema identity_schema = {
	.name = "Identity",
	.size = sizeof(struct identity_view),
	.fields = identity_fields,
	.doc = "An account elsewhere that opens this one.",
};

struct identities_reply {
	struct list_of items;
	struct page_key next;
};

static const struct field identities_fields[] = {
	LIST_FIELDS(struct identities_reply, items, next, &identity_schema),
	{ 0 },
};
static const struct schema identities_schema = {
	.name = "Identities",
	.size = sizeof(struct identities_reply),
	.fields = identities_fields,
	.doc = "All of them, oldest first.",
};

struct identity_reply {
	struct identity_view identity;
};

static const struct field identity_reply_fields[] = {
	{ MEMBER_OBJECT(struct identity_reply, identity), .sub = &identity_schema,
	    .doc = "The link." },
	{ 0 },
};
static const struct schema identity_reply_schema = {
	.name = "IdentityLinked",
	.size = sizeof(struct identity_reply),
	.fields = identity_reply_fields,
	.doc = "It opens this account from now on.",
};

struct identity_path {
	struct uuid id;
};

static enum err identities_get(struct request *rq, const void *in, void *ret_out)
{
	struct identities_reply *reply = ret_out;
	struct identity_view *views = NULL;
	enum err r;

	(void)in;
	r = identity_list_own(rq, &views, &reply->items.n);
	reply->items.items = views;
	return r;
}

static enum err identities_post(struct request *rq, const void *in, void *ret_out)
{
	struct identity_reply *reply = ret_out;
	struct google_proof proof;
	enum err r = google_proof_read(rq, in, &proof);

	return r == OK ? google_link(rq, &proof, &reply->identity) : r;
}

static enum err identity_delete(struct request *rq, const void *in, void *ret_out)
{
	const struct identity_path *path = in;

	(void)ret_out;
	return identity_unlink(rq, path->id);
}

const struct route identity_routes[] = {
	{
	    .method = METHOD_GET,
	    .path = "me/identities/",
	    .operation = "identities",
	    .tag = "Account",
	    .summary = "List the accounts elsewhere that open yours",
	    .doc = "Google and the other providers.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_OK,
	    .reply = &identities_schema,
	    .handler = identities_get,
	},
	{
	    .method = METHOD_POST,
	    .path = "me/identities/",
	    .operation = "identity_link",
	    .tag = "Account",
	    .log_tag = "IDENTITY LINK",
	    .summary = "Link a Google account to yours",
	    .doc =
		"With the same proof that signs in. Whoever signed in a while ago (reauth_required) "
		"signs in again first. Linking twice is fine.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_IDENTITY_LINKED,
	    .body = &google_schema,
	    .reply = &identity_reply_schema,
	    .handler = identities_post,
	    .errors = (const enum err[]){ ERR_IDENTITY_INVALID, ERR_CONFLICT, ERR_NOT_FOUND,
		ERR_REAUTH_REQUIRED, OK },
	},
	{
	    .method = METHOD_DELETE,
	    .path = "me/identities/{id}/",
	    .operation = "identity_unlink",
	    .tag = "Account",
	    .log_tag = "IDENTITY UNLINK",
	    .summary = "Unlink an account elsewhere",
	    .doc = "Not the last way into an account that has no password.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_IDENTITY_UNLINKED,
	    .param =
		&(const struct field){ MEMBER(struct identity_path, id), .doc = "From the list." },
	    .handler = identity_delete,
	    .errors =
		(const enum err[]){ ERR_NOT_FOUND, ERR_LAST_SIGN_IN, ERR_REAUTH_REQUIRED, OK },
	},
	{ 0 },
};
