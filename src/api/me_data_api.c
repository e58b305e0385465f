/* A person's data as theirs: take it along, agree to its use, have it destroyed. */
#include "api/tables.h"
#include "service/erase.h"
#include "service/export.h"

/* --- consents --- */

static const struct field consent_record_fields[] = {
	{ MEMBER(struct consent_row, document), .example = "terms", .doc = "Which document." },
	{ MEMBER(struct consent_row, version), .example = "2026-01", .doc = "Which version." },
	{ MEMBER_TIME(struct consent_row, given_at_us, "given_at"), .doc = "When they agreed." },
	{ 0 },
};
static const struct schema consent_record_schema = {
	.name = "ConsentRecord",
	.size = sizeof(struct consent_row),
	.fields = consent_record_fields,
	.doc = "A document the person agreed to.",
};

static const struct field consent_due_fields[] = {
	{ MEMBER(struct consent_given, document), .example = "terms", .doc = "Which document." },
	{ MEMBER(struct consent_given, version), .example = "2026-01", .doc = "Which version." },
	{ 0 },
};
static const struct schema consent_due_schema = {
	.name = "ConsentDue",
	.size = sizeof(struct consent_given),
	.fields = consent_due_fields,
	.doc = "A document the person is to be asked about.",
};

struct consents_reply {
	struct list_of items, due;
};

static const struct field consents_fields[] = {
	{ MEMBER(struct consents_reply, items), .sub = &consent_record_schema,
	    .doc = "What they agreed to, by document." },
	{ MEMBER(struct consents_reply, due), .sub = &consent_due_schema,
	    .doc = "What they are to be asked: new, or in a new version." },
	{ 0 },
};
static const struct schema consents_schema = {
	.name = "Consents",
	.size = sizeof(struct consents_reply),
	.fields = consents_fields,
	.doc = "What the person agreed to, and has not yet.",
};

static struct consents_reply consents_reply(const struct consents_view *view)
{
	return (struct consents_reply){
		.items = { view->given, view->n_given },
		.due = { view->due, view->n_due },
	};
}

static enum err consents_get(struct request *rq, const void *in, void *ret_out)
{
	struct consents_view view = { .n_given = 0 };
	enum err e = consents_list(rq, &view);

	(void)in;
	*(struct consents_reply *)ret_out = consents_reply(&view);
	return e;
}

struct consents_body {
	struct list_of consents;
};

static const struct field consents_body_fields[] = {
	{ MEMBER(struct consents_body, consents), .flags = FIELD_REQUIRED, .sub = &consent_schema,
	    .min = 1, .max = CONSENTS_MAX, .doc = "What they agree to." },
	{ 0 },
};
static const struct schema consents_body_schema = {
	.name = "ConsentsRequest",
	.size = sizeof(struct consents_body),
	.fields = consents_body_fields,
	.doc = "Agrees to documents.",
};

static enum err consents_post(struct request *rq, const void *in, void *ret_out)
{
	const struct consents_body *body = in;
	struct consents_view view = { .n_given = 0 };
	enum err e = consents_accept(rq, body->consents.items, body->consents.n, &view);

	*(struct consents_reply *)ret_out = consents_reply(&view);
	return e;
}

/* --- export --- */

struct activity_item {
	struct activity what;
	struct raw_json changes;
};

#define ACTIVITY(m) MEMBER_AS(struct activity_item, what.m, #m)

static const struct field activity_fields[] = {
	{ MEMBER_TIME(struct activity_item, what.at_us, "at"), .doc = "When." },
	{ ACTIVITY(event), .example = "user.logged_in", .doc = "What." },
	{ ACTIVITY(outcome), .example = "ok", .doc = "How it went: ok, or an error's code." },
	{ ACTIVITY(operation), .example = "login", .doc = "By which call." },
	{ ACTIVITY(by_them), .doc = "Was it them? Else staff, or the system." },
	{ ACTIVITY(address), .flags = FIELD_NULLABLE, .doc = "From where." },
	{ ACTIVITY(user_agent), .flags = FIELD_NULLABLE, .doc = "With what." },
	{ MEMBER(struct activity_item, changes), .doc = "Fields, before and after; or null." },
	{ 0 },
};
static const struct schema activity_schema = {
	.name = "Activity",
	.size = sizeof(struct activity_item),
	.fields = activity_fields,
	.doc = "One row of the audit trail about the person.",
};

struct export_reply {
	struct export what;
	struct list_of sessions, identities, consents, activity;
};

#define EXPORT_OBJECT(m, schema)                                                           \
	.name = #m, .type = FIELD_OBJECT, .offset = offsetof(struct export_reply, what.m), \
	.sub = (schema)

static const struct field export_fields[] = {
	{ MEMBER_TIME(struct export_reply, what.made_at_us, "made_at"), .doc = "When." },
	{ EXPORT_OBJECT(user, &user_schema), .doc = "The account and its profile." },
	{ EXPORT_OBJECT(client, &client_schema), .flags = FIELD_NULLABLE,
	    .doc = "The client profile; null: there is none." },
	{ EXPORT_OBJECT(vendor, &vendor_schema), .flags = FIELD_NULLABLE,
	    .doc = "The vendor profile; null: there is none." },
	{ MEMBER(struct export_reply, sessions), .sub = &session_schema,
	    .doc = "Where they are signed in." },
	{ MEMBER(struct export_reply, identities), .sub = &identity_schema,
	    .doc = "Accounts elsewhere that open this one." },
	{ MEMBER(struct export_reply, consents), .sub = &consent_record_schema,
	    .doc = "What they agreed to." },
	{ MEMBER(struct export_reply, activity), .sub = &activity_schema,
	    .doc = "What the audit trail says about them: the newest 5,000 rows, oldest first." },
	{ 0 },
};
static const struct schema export_schema = {
	.name = "Export",
	.size = sizeof(struct export_reply),
	.fields = export_fields,
	.doc = "Everything that is held on a person.",
};

static enum err export_get(struct request *rq, const void *in, void *ret_out)
{
	struct export_reply *reply = ret_out;
	struct activity_item *items;
	enum err e = export_make(rq, &reply->what);

	(void)in;
	if (e != OK)
		return e;
	items = ARENA_ARRAY(rq->arena, reply->what.n_activity, struct activity_item);
	for (size_t i = 0; i < reply->what.n_activity; i++)
		items[i] = (struct activity_item){
			.what = reply->what.activity[i],
			.changes = { reply->what.activity[i].changes },
		};
	reply->activity = (struct list_of){ items, reply->what.n_activity };
	reply->sessions = (struct list_of){ reply->what.sessions, reply->what.n_sessions };
	reply->identities = (struct list_of){ reply->what.identities, reply->what.n_identities };
	reply->consents =
	    (struct list_of){ reply->what.consents.given, reply->what.consents.n_given };
	return OK;
}

/* --- erase --- */

struct erase_body {
	struct secret password;
};

static const struct field erase_fields[] = {
	{ MEMBER(struct erase_body, password), .example = "correct horse battery",
	    .doc = "Their password. Who has none signs in first." },
	{ 0 },
};
static const struct schema erase_schema = {
	.name = "EraseRequest",
	.size = sizeof(struct erase_body),
	.fields = erase_fields,
	.doc = "Erases the person.",
};

static enum err erase_post(struct request *rq, const void *in, void *ret_out)
{
	const struct erase_body *body = in;

	(void)ret_out;
	return account_erase(rq, body->password);
}

const struct route me_data_routes[] = {
	{
	    .method = METHOD_GET,
	    .path = "me/consents/",
	    .operation = "me_consents",
	    .tag = "Account",
	    .summary = "What you agreed to, and are to be asked",
	    .doc = "due is empty when every required document was agreed to in its current "
		   "version.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_OK,
	    .reply = &consents_schema,
	    .handler = consents_get,
	},
	{
	    .method = METHOD_POST,
	    .path = "me/consents/",
	    .operation = "me_consents_accept",
	    .tag = "Account",
	    .log_tag = "CONSENTS",
	    .summary = "Agree to documents",
	    .doc = "Each is kept with its version and the time. Agreeing again changes nothing.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_PROFILE_UPDATED,
	    .body = &consents_body_schema,
	    .reply = &consents_schema,
	    .handler = consents_post,
	},
	{
	    .method = METHOD_GET,
	    .path = "me/export/",
	    .operation = "me_export",
	    .tag = "Account",
	    .log_tag = "EXPORT",
	    .summary = "Take your data along",
	    .doc = "Everything that is held on you, as one document. Secrets, which are held as "
		   "hashes, are not in it.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_OK,
	    .reply = &export_schema,
	    .errors = (const enum err[]){ ERR_FORBIDDEN, OK },
	    .handler = export_get,
	},
	{
	    .method = METHOD_POST,
	    .path = "me/erase/",
	    .operation = "me_erase",
	    .tag = "Account",
	    .log_tag = "ERASE",
	    .summary = "Have yourself erased",
	    .doc = "At once and for good: your key is destroyed, and with it everything personal, "
		   "wherever it is stored. The audit trail keeps an id that says nothing. To close "
		   "the account and be able to come back, use DELETE me/.",
	    .auth = AUTH_BEARER,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 204,
	    .body = &erase_schema,
	    .handler = erase_post,
	    .errors = (const enum err[]){ ERR_REAUTH_REQUIRED, ERR_LAST_SUPERADMIN, OK },
	},
	{ 0 },
};
