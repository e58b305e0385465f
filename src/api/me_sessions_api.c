/* Where the signed-in person is signed in. */
#include "api/tables.h"
#include "service/session_list.h"

#define SESSION(m) MEMBER(struct session_view, m)
#define SESSION_TIME(m, wire) MEMBER_TIME(struct session_view, m, wire)

static const struct field session_fields[] = {
	{ SESSION(id), .doc = "The session's id." },
	{ SESSION(device), .example = "Firefox on Windows", .doc = "What it seems to run on." },
	{ SESSION(user_agent), .flags = FIELD_NULLABLE, .doc = "What it called itself." },
	{ SESSION(address), .flags = FIELD_NULLABLE, .example = "203.0.113.7",
	    .doc = "Where it signed in from." },
	{ SESSION(amr), .example = "pwd", .doc = "How they proved who they are (RFC 8176)." },
	{ SESSION(current), .doc = "Is it the one that asks?" },
	{ SESSION_TIME(created_at_us, "created_at"), .doc = "When it began." },
	{ SESSION_TIME(last_seen_us, "last_seen"), .doc = "When its tokens were last made." },
	{ SESSION_TIME(expires_at_us, "expires_at"), .doc = "When it ends if it is not used." },
	{ 0 },
};
const struct schema session_schema = {
	.name = "Session",
	.size = sizeof(struct session_view),
	.fields = session_fields,
	.doc = "One sign-in that has not ended.",
};

struct sessions_query {
	struct page page;
};

static const struct field sessions_query_fields[] = {
	PAGE_FIELDS(struct sessions_query, page),
	{ 0 },
};
static const struct schema sessions_query_schema = {
	.name = "SessionsQuery",
	.size = sizeof(struct sessions_query),
	.fields = sessions_query_fields,
	.doc = "Which page.",
};

struct sessions_reply {
	struct list_of items;
	struct page_key next;
};

static const struct field sessions_fields[] = {
	LIST_FIELDS(struct sessions_reply, items, next, &session_schema),
	{ 0 },
};
static const struct schema sessions_schema = {
	.name = "Sessions",
	.size = sizeof(struct sessions_reply),
	.fields = sessions_fields,
	.doc = "Live sessions, newest first.",
};

static enum err sessions_get(struct request *rq, const void *in, void *ret_out)
{
	const struct sessions_query *query = in;
	struct sessions_reply *reply = ret_out;
	struct session_view *items = NULL;
	enum err e = session_list(rq, &query->page, &items, &reply->items.n, &reply->next);

	reply->items.items = items;
	return e;
}

static enum err sessions_delete(struct request *rq, const void *in, void *ret_out)
{
	(void)in;
	(void)ret_out;
	return session_end_others(rq);
}

struct session_path {
	struct uuid id;
};

static enum err session_delete(struct request *rq, const void *in, void *ret_out)
{
	const struct session_path *path = in;

	(void)ret_out;
	return session_end_own(rq, path->id);
}

const struct route me_session_routes[] = {
	{
	    .method = METHOD_GET,
	    .path = "me/sessions/",
	    .operation = "me_sessions",
	    .tag = "Account",
	    .summary = "Where you are signed in",
	    .doc = "Live sessions, newest first.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_OK,
	    .query = &sessions_query_schema,
	    .reply = &sessions_schema,
	    .handler = sessions_get,
	},
	{
	    .method = METHOD_DELETE,
	    .path = "me/sessions/",
	    .operation = "me_sessions_end",
	    .tag = "Account",
	    .log_tag = "SESSIONS END",
	    .summary = "End all your other sessions",
	    .doc = "At once: their access tokens are refused from now on. The session that asks "
		   "goes on.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 204,
	    .handler = sessions_delete,
	},
	{
	    .method = METHOD_DELETE,
	    .path = "me/sessions/{id}/",
	    .operation = "me_session_end",
	    .tag = "Account",
	    .log_tag = "SESSION END",
	    .summary = "End one of your sessions",
	    .doc = "Also the one that asks. What is not yours, or has ended, is not found.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 204,
	    .param = &(const struct field){ MEMBER(struct session_path, id),
		.doc = "Of the session, as the list says." },
	    .handler = session_delete,
	},
	{ 0 },
};
