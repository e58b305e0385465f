/* People, as staff find, read and change them. */
#include "api/tables.h"
#include "service/impersonation.h"
#include "service/staff_acts.h"

/* --- finding and reading --- */

struct users_query {
	struct str q, role, state, provider;
	struct time_us since, until;
	struct page page;
};

static const char *const states[] = { "active", "disabled", "deleted", NULL };

static const struct field users_query_fields[] = {
	{ MEMBER(struct users_query, q), .max = 254,
	    .doc =
		"An id, e-mail address, phone number or external id, or the beginning of a name: "
		"three letters or more, or the whole of a shorter one." },
	{ MEMBER(struct users_query, role), .max = 32, .doc = "Only people of this role." },
	{ MEMBER(struct users_query, state), .choices = states,
	    .doc = "Only people in this state; active and disabled ones when absent." },
	{ MEMBER(struct users_query, provider), .max = 32,
	    .doc = "Only accounts opened this way: email, phone, google …" },
	{ MEMBER(struct users_query, since), .doc = "Only accounts opened then or later." },
	{ MEMBER(struct users_query, until), .doc = "Only accounts opened before then." },
	PAGE_FIELDS(struct users_query, page),
	{ 0 },
};
static const struct schema users_query_schema = {
	.name = "StaffUsersQuery",
	.size = sizeof(struct users_query),
	.fields = users_query_fields,
	.doc = "Which people, and which page of them.",
};

struct users_reply {
	struct list_of items;
	struct page_key next;
};

static const struct field users_reply_fields[] = {
	LIST_FIELDS(struct users_reply, items, next, &staff_user_schema),
	{ 0 },
};
static const struct schema users_reply_schema = {
	.name = "StaffUserList",
	.size = sizeof(struct users_reply),
	.fields = users_reply_fields,
	.doc = "People, newest first. A page may be short, even empty, and yet have a next one.",
};

static enum err read_filter(
    struct request *rq, const struct users_query *in, struct user_filter *ret)
{
	enum role role;

	*ret = (struct user_filter){
		.role = -1,
		.state = -1,
		.provider = in->provider,
		.since_us = in->since.us,
		.until_us = in->until.us,
	};
	for (int s = USER_ACTIVE; s <= USER_DELETED; s++)
		if (str_eq(in->state, user_state_name((enum user_state)s)))
			ret->state = s;
	if (str_empty(in->role))
		return OK;
	if (!role_parse(in->role, &role))
		return request_refuse_field(rq, STR("role"), TEXT_ROLE_UNKNOWN, NULL, 0);
	ret->role = (int)role;
	return OK;
}

static enum err list(struct request *rq, const struct staff_query *query, struct users_reply *reply)
{
	struct staff_view_list found;
	enum err e = staff_users(rq, query, &found);

	if (e != OK)
		return e;
	reply->items = (struct list_of){ found.items, found.n };
	reply->next = found.next;
	return OK;
}

static enum err users_get(struct request *rq, const void *in, void *ret_out)
{
	const struct users_query *asked = in;
	struct staff_query query = { .q = str_trim(asked->q), .page = asked->page };
	enum err e = read_filter(rq, asked, &query.filter);

	return e == OK ? list(rq, &query, ret_out) : e;
}

struct deleted_query {
	struct page page;
};

static const struct field deleted_query_fields[] = {
	PAGE_FIELDS(struct deleted_query, page),
	{ 0 },
};
static const struct schema deleted_query_schema = {
	.name = "StaffDeletedQuery",
	.size = sizeof(struct deleted_query),
	.fields = deleted_query_fields,
	.doc = "Which page.",
};

static enum err deleted_get(struct request *rq, const void *in, void *ret_out)
{
	const struct deleted_query *asked = in;
	const struct staff_query query = {
		.filter = { .role = -1, .state = USER_DELETED },
		.page = asked->page,
	};

	return list(rq, &query, ret_out);
}

struct user_path {
	struct uuid id;
};

#define ID_OF(T) (&(const struct field){ MEMBER(T, id), .doc = "The person's id." })

static const struct field note_fields[] = {
	{ MEMBER(struct staff_note, id), .format = "uuid", .doc = "The note's id." },
	{ MEMBER(struct staff_note, author_id), .format = "uuid", .doc = "Whose it is." },
	{ MEMBER(struct staff_note, note), .example = "Called about order 81.",
	    .doc = "What they noted." },
	{ MEMBER_TIME(struct staff_note, created_at_us, "created_at"), .doc = "When." },
	{ 0 },
};
static const struct schema note_schema = {
	.name = "StaffNote",
	.size = sizeof(struct staff_note),
	.fields = note_fields,
	.doc = "What somebody of the staff noted about a person.",
};

struct user_reply {
	struct staff_view user;
	struct list_of notes;
};

static const struct field user_reply_fields[] = {
	{ MEMBER_OBJECT(struct user_reply, user), .sub = &staff_user_schema, .doc = "The person." },
	{ MEMBER(struct user_reply, notes), .sub = &note_schema,
	    .doc = "The newest fifty notes, newest first." },
	{ 0 },
};
static const struct schema user_reply_schema = {
	.name = "StaffUserDetail",
	.size = sizeof(struct user_reply),
	.fields = user_reply_fields,
	.doc = "One person, and what staff noted about them.",
};

static enum err user_get(struct request *rq, const void *in, void *ret_out)
{
	const struct user_path *path = in;
	struct user_reply *reply = ret_out;
	struct staff_user found = { .n_notes = 0 };
	enum err e = staff_user(rq, path->id, &found);

	reply->user = found.view;
	reply->notes = (struct list_of){ found.notes, found.n_notes };
	return e;
}

/* --- changing --- */

struct act_body {
	struct uuid id;
	struct str reason, role, note;
};

#define REASON_FIELD                                                                    \
	{                                                                               \
		MEMBER(struct act_body, reason), .flags = FIELD_REQUIRED, .max = 500,   \
						 .example = "Ticket 4711.",             \
						 .doc = "Why; kept in the audit trail." \
	}

static const struct field act_fields[] = {
	REASON_FIELD,
	{ 0 },
};
static const struct schema act_schema = {
	.name = "StaffAct",
	.size = sizeof(struct act_body),
	.fields = act_fields,
	.doc = "Why.",
};
static const struct field role_fields[] = {
	{ MEMBER(struct act_body, role), .flags = FIELD_REQUIRED | FIELD_PRIVILEGED, .max = 32,
	    .example = "support", .doc = "The role they shall have." },
	REASON_FIELD,
	{ 0 },
};
static const struct schema role_schema = {
	.name = "StaffRoleChange",
	.size = sizeof(struct act_body),
	.fields = role_fields,
	.doc = "Which role, and why.",
};
static const struct field note_body_fields[] = {
	{ MEMBER(struct act_body, note), .max = 2000, .example = "Called about order 81.",
	    .doc = "The note; the reason when absent." },
	REASON_FIELD,
	{ 0 },
};
static const struct schema note_body_schema = {
	.name = "StaffNoteRequest",
	.size = sizeof(struct act_body),
	.fields = note_body_fields,
	.doc = "What to note, and why.",
};

struct act_reply {
	struct staff_view user;
};

static const struct field act_reply_fields[] = {
	{ MEMBER_OBJECT(struct act_reply, user), .sub = &staff_user_schema,
	    .doc = "The person as they are now." },
	{ 0 },
};
static const struct schema act_reply_schema = {
	.name = "StaffActed",
	.size = sizeof(struct act_reply),
	.fields = act_reply_fields,
	.doc = "It is done.",
};

static enum err disable_post(struct request *rq, const void *in, void *ret_out)
{
	const struct act_body *body = in;

	return staff_disable(rq, body->id, body->reason, &((struct act_reply *)ret_out)->user);
}

static enum err enable_post(struct request *rq, const void *in, void *ret_out)
{
	const struct act_body *body = in;

	return staff_enable(rq, body->id, body->reason, &((struct act_reply *)ret_out)->user);
}

static enum err restore_post(struct request *rq, const void *in, void *ret_out)
{
	const struct act_body *body = in;

	return staff_restore(rq, body->id, body->reason, &((struct act_reply *)ret_out)->user);
}

static enum err role_post(struct request *rq, const void *in, void *ret_out)
{
	const struct act_body *body = in;

	return staff_set_role(
	    rq, body->id, body->role, body->reason, &((struct act_reply *)ret_out)->user);
}

static enum err note_post(struct request *rq, const void *in, void *ret_out)
{
	const struct act_body *body = in;

	return staff_note(
	    rq, body->id, body->note, body->reason, &((struct act_reply *)ret_out)->user);
}

/* --- through their eyes --- */

struct impersonate_reply {
	struct impersonation is;
	struct str token_type;
};

static const struct field impersonate_fields[] = {
	{ MEMBER_AS(struct impersonate_reply, is.access, "access"), .example = EXAMPLE_JWT,
	    .doc = "Access token of the person's account; its act claim names who asked." },
	{ MEMBER(struct impersonate_reply, token_type), .example = "Bearer",
	    .doc = "Always Bearer." },
	{ MEMBER_AS(struct impersonate_reply, is.expires_in_s, "expires_in"), .example = "600",
	    .doc = "Seconds it lives. It cannot be refreshed." },
	{ MEMBER_TIME(struct impersonate_reply, is.expires_at_us, "access_expires_at"),
	    .doc = "When it ends." },
	{ MEMBER_AS(struct impersonate_reply, is.session_id, "session_id"), .format = "uuid",
	    .doc = "The session, as its owner sees it in me/sessions/." },
	{ .name = "user",
	    .type = FIELD_OBJECT,
	    .offset = offsetof(struct impersonate_reply, is.user),
	    .sub = &staff_user_schema,
	    .doc = "Whose account it is." },
	{ 0 },
};
static const struct schema impersonate_schema = {
	.name = "StaffImpersonation",
	.size = sizeof(struct impersonate_reply),
	.fields = impersonate_fields,
	.doc = "A short session that may read and nothing else.",
};

static enum err impersonate_post(struct request *rq, const void *in, void *ret_out)
{
	const struct act_body *body = in;
	struct impersonate_reply *reply = ret_out;

	reply->token_type = STR("Bearer");
	return impersonate(rq, body->id, body->reason, &reply->is);
}

/* --- sessions --- */

static const struct field staff_session_fields[] = {
	{ MEMBER(struct staff_session, id), .format = "uuid", .doc = "The session's id." },
	{ MEMBER(struct staff_session, method), .example = "pwd",
	    .doc = "How they proved who they are." },
	{ MEMBER(struct staff_session, device), .example = "Firefox on Windows",
	    .doc = "What signed in, as far as it says." },
	{ MEMBER(struct staff_session, user_agent), .doc = "Of the program that signed in." },
	{ MEMBER(struct staff_session, address), .example = "203.0.113.7",
	    .doc = "Where it signed in from." },
	{ MEMBER_TIME(struct staff_session, created_at_us, "created_at"), .doc = "When." },
	{ MEMBER_TIME(struct staff_session, last_seen_us, "last_seen"),
	    .doc = "When it was last refreshed." },
	{ MEMBER_TIME(struct staff_session, expires_at_us, "expires_at"),
	    .doc = "When it ends unless it is refreshed." },
	{ MEMBER(struct staff_session, impersonator_id), .flags = FIELD_NULLABLE, .format = "uuid",
	    .doc = "Who of the staff holds it; null: it is the person's own." },
	{ 0 },
};
static const struct schema staff_session_schema = {
	.name = "StaffSession",
	.size = sizeof(struct staff_session),
	.fields = staff_session_fields,
	.doc = "A live session of somebody.",
};

struct sessions_reply {
	struct list_of items;
	struct page_key next;
};

static const struct field sessions_reply_fields[] = {
	LIST_FIELDS(struct sessions_reply, items, next, &staff_session_schema),
	{ 0 },
};
static const struct schema sessions_reply_schema = {
	.name = "StaffSessionList",
	.size = sizeof(struct sessions_reply),
	.fields = sessions_reply_fields,
	.doc = "Live sessions, oldest first; all on one page.",
};

static enum err sessions_get(struct request *rq, const void *in, void *ret_out)
{
	const struct user_path *path = in;
	struct sessions_reply *reply = ret_out;
	struct staff_session_list found = { .n = 0 };
	enum err e = staff_sessions(rq, path->id, &found);

	reply->items = (struct list_of){ found.items, found.n };
	return e;
}

static const struct field end_query_fields[] = {
	{ MEMBER(struct act_body, reason), .max = 500, .doc = "Why; kept in the audit trail." },
	{ 0 },
};
static const struct schema end_query_schema = {
	.name = "StaffEndSessionsQuery",
	.size = sizeof(struct act_body),
	.fields = end_query_fields,
	.doc = "Why.",
};

struct ended_reply {
	int64_t ended;
};

static const struct field ended_reply_fields[] = {
	{ MEMBER(struct ended_reply, ended), .example = "2", .doc = "How many sessions ended." },
	{ 0 },
};
static const struct schema ended_reply_schema = {
	.name = "StaffSessionsEnded",
	.size = sizeof(struct ended_reply),
	.fields = ended_reply_fields,
	.doc = "They are over.",
};

static enum err sessions_delete(struct request *rq, const void *in, void *ret_out)
{
	const struct act_body *query = in;

	return staff_end_sessions(
	    rq, query->id, query->reason, &((struct ended_reply *)ret_out)->ended);
}

/* --- the table --- */

#define STAFF_GET                                                                                 \
	.method = METHOD_GET, .tag = "Staff", .auth = AUTH_BEARER, .throttle = THROTTLE_ADAPTIVE, \
	.success = 200, .message = TEXT_OK
#define STAFF_POST                                                                      \
	.method = METHOD_POST, .tag = "Staff", .log_tag = "STAFF", .auth = AUTH_BEARER, \
	.throttle = THROTTLE_ADAPTIVE, .success = 200, .message = TEXT_OK

static const enum err conflict[] = { ERR_CONFLICT, OK };
static const enum err takes_away[] = { ERR_CONFLICT, ERR_LAST_SUPERADMIN, OK };

const struct route staff_users_routes[] = {
	{
	    STAFF_GET,
	    .path = "staff/users/",
	    .operation = "staff_users",
	    .summary = "Find people",
	    .doc =
		"Newest first. Without users.identifiers, e-mail addresses and phone numbers are "
		"masked; they are still found by the whole of them.",
	    .permission = PERM_USERS_READ,
	    .query = &users_query_schema,
	    .reply = &users_reply_schema,
	    .handler = users_get,
	},
	{
	    STAFF_GET,
	    .path = "staff/users/{id}/",
	    .operation = "staff_user",
	    .summary = "Read one person",
	    .doc = "With the notes about them. That they were read is in the audit trail.",
	    .permission = PERM_USERS_READ,
	    .param = ID_OF(struct user_path),
	    .reply = &user_reply_schema,
	    .handler = user_get,
	},
	{
	    STAFF_POST,
	    .path = "staff/users/{id}/disable/",
	    .operation = "staff_disable",
	    .summary = "Disable an account",
	    .doc = "They are signed out everywhere at once and cannot sign in any more.",
	    .permission = PERM_USERS_DISABLE,
	    .param = ID_OF(struct act_body),
	    .body = &act_schema,
	    .reply = &act_reply_schema,
	    .handler = disable_post,
	    .errors = takes_away,
	},
	{
	    STAFF_POST,
	    .path = "staff/users/{id}/enable/",
	    .operation = "staff_enable",
	    .summary = "Enable a disabled account",
	    .doc = "They may sign in again; what ended stays ended.",
	    .permission = PERM_USERS_DISABLE,
	    .param = ID_OF(struct act_body),
	    .body = &act_schema,
	    .reply = &act_reply_schema,
	    .handler = enable_post,
	    .errors = conflict,
	},
	{
	    STAFF_POST,
	    .path = "staff/users/{id}/restore/",
	    .operation = "staff_restore",
	    .summary = "Restore a deleted account",
	    .doc = "As it was; possible until the person is erased.",
	    .permission = PERM_USERS_RESTORE,
	    .param = ID_OF(struct act_body),
	    .body = &act_schema,
	    .reply = &act_reply_schema,
	    .handler = restore_post,
	    .errors = conflict,
	},
	{
	    STAFF_POST,
	    .path = "staff/users/{id}/role/",
	    .operation = "staff_set_role",
	    .summary = "Give somebody a role",
	    .doc = "It counts from their next call on. Nobody gives a role that may do what they "
		   "may not.",
	    .permission = PERM_USERS_SET_ROLE,
	    .param = ID_OF(struct act_body),
	    .body = &role_schema,
	    .reply = &act_reply_schema,
	    .handler = role_post,
	    .errors = takes_away,
	},
	{
	    STAFF_POST,
	    .path = "staff/users/{id}/note/",
	    .operation = "staff_note",
	    .summary = "Leave a note about somebody",
	    .doc = "Staff see it when they read the person; the person does not.",
	    .permission = PERM_USERS_NOTE,
	    .param = ID_OF(struct act_body),
	    .body = &note_body_schema,
	    .reply = &act_reply_schema,
	    .handler = note_post,
	    .errors = conflict,
	},
	{
	    STAFF_POST,
	    .path = "staff/users/{id}/impersonate/",
	    .operation = "staff_impersonate",
	    .summary = "See a customer's account as they do",
	    .doc = "For a few minutes, to read and nothing else. The person is told and sees the "
		   "session; every call in it is in the audit trail. Company people are not looked "
		   "at this way.",
	    .permission = PERM_USERS_IMPERSONATE,
	    .param = ID_OF(struct act_body),
	    .body = &act_schema,
	    .reply = &impersonate_schema,
	    .handler = impersonate_post,
	    .errors = conflict,
	},
	{
	    STAFF_GET,
	    .path = "staff/users/{id}/sessions/",
	    .operation = "staff_sessions",
	    .summary = "Read somebody's sessions",
	    .doc = "The live ones. That they were read is in the audit trail.",
	    .permission = PERM_USERS_READ,
	    .param = ID_OF(struct user_path),
	    .reply = &sessions_reply_schema,
	    .handler = sessions_get,
	},
	{
	    .method = METHOD_DELETE,
	    .path = "staff/users/{id}/sessions/",
	    .operation = "staff_end_sessions",
	    .tag = "Staff",
	    .log_tag = "STAFF",
	    .summary = "End somebody's sessions",
	    .doc = "All of them, at once.",
	    .auth = AUTH_BEARER,
	    .permission = PERM_SESSIONS_END,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_OK,
	    .param = ID_OF(struct act_body),
	    .query = &end_query_schema,
	    .reply = &ended_reply_schema,
	    .handler = sessions_delete,
	    .errors = conflict,
	},
	{
	    STAFF_GET,
	    .path = "staff/deleted/",
	    .operation = "staff_deleted",
	    .summary = "List deleted accounts",
	    .doc = "Those that can still be restored, newest first.",
	    .permission = PERM_USERS_RESTORE,
	    .query = &deleted_query_schema,
	    .reply = &users_reply_schema,
	    .handler = deleted_get,
	},
	{
	    STAFF_POST,
	    .path = "staff/deleted/{id}/restore/",
	    .operation = "staff_deleted_restore",
	    .summary = "Restore one of them",
	    .doc = "The same as staff/users/{id}/restore/.",
	    .permission = PERM_USERS_RESTORE,
	    .param = ID_OF(struct act_body),
	    .body = &act_schema,
	    .reply = &act_reply_schema,
	    .handler = restore_post,
	    .errors = conflict,
	},
	{ 0 },
};
