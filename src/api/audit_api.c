/* The audit trail: read by staff, added to by the platform's other services. */
#include "api/api_priv.h"
#include "api/tables.h"
#include "service/audit_query.h"
#include "service/audit_report.h"

/* --- reading --- */

struct audit_query {
	struct uuid actor, subject;
	struct str object, event;
	struct time_us since;
	struct page page;
};

static const struct field query_fields[] = {
	{ MEMBER(struct audit_query, actor), .format = "uuid",
	    .doc = "Only what this person did to others, or to no person." },
	{ MEMBER(struct audit_query, subject), .format = "uuid",
	    .doc = "Only what was done to this person, by themselves too." },
	{ MEMBER(struct audit_query, object), .max = 200, .example = "order:81",
	    .doc = "Only what was done to this object: its type, a colon, its id." },
	{ MEMBER(struct audit_query, event), .max = 100, .doc = "Only this event." },
	{ MEMBER(struct audit_query, since), .doc = "Only rows written then or later." },
	PAGE_FIELDS(struct audit_query, page),
	{ 0 },
};
static const struct schema query_schema = {
	.name = "AuditQuery",
	.size = sizeof(struct audit_query),
	.fields = query_fields,
	.doc = "Which rows, and which page of them.",
};

struct audit_item {
	struct audit_view row;
	struct raw_json changes;
};

static const struct field item_fields[] = {
	{ MEMBER_AS(struct audit_item, row.id, "id"), .example = "81", .doc = "The row's number." },
	{ MEMBER_TIME(struct audit_item, row.at_us, "at"), .doc = "When." },
	{ MEMBER_AS(struct audit_item, row.event, "event"), .example = "user.disabled",
	    .doc = "What happened. Other services' events begin with the service's name." },
	{ MEMBER_AS(struct audit_item, row.outcome, "outcome"), .example = "ok",
	    .doc = "ok, or the code of the refusal." },
	{ MEMBER_AS(struct audit_item, row.count, "count"), .example = "1",
	    .doc = "How many calls the row stands for: more than one of refused calls." },
	{ MEMBER_AS(struct audit_item, row.actor_id, "actor_id"), .flags = FIELD_NULLABLE,
	    .format = "uuid", .doc = "Who did it." },
	{ MEMBER_AS(struct audit_item, row.subject_id, "subject_id"), .flags = FIELD_NULLABLE,
	    .format = "uuid", .doc = "To whom. Of somebody who was erased only this is left." },
	{ MEMBER_AS(struct audit_item, row.session_id, "session_id"), .flags = FIELD_NULLABLE,
	    .format = "uuid", .doc = "In or of which session." },
	{ MEMBER_AS(struct audit_item, row.object_type, "object_type"), .flags = FIELD_NULLABLE,
	    .doc = "To what kind of object." },
	{ MEMBER_AS(struct audit_item, row.object_id, "object_id"), .flags = FIELD_NULLABLE,
	    .doc = "Which one." },
	{ MEMBER_AS(struct audit_item, row.operation, "operation"), .example = "staff_disable",
	    .doc = "The route or command." },
	{ MEMBER_AS(struct audit_item, row.engine, "engine"), .example = "async",
	    .doc = "Which engine ran it." },
	{ MEMBER_AS(struct audit_item, row.request_id, "request_id"),
	    .doc = "X-Request-ID of the call." },
	{ MEMBER_AS(struct audit_item, row.address, "address"), .flags = FIELD_NULLABLE,
	    .doc = "Where the call came from." },
	{ MEMBER_AS(struct audit_item, row.user_agent, "user_agent"), .flags = FIELD_NULLABLE,
	    .doc = "Of the program that called." },
	{ MEMBER_AS(struct audit_item, row.geo, "geo"), .flags = FIELD_NULLABLE,
	    .doc = "The address's country." },
	{ MEMBER(struct audit_item, changes),
	    .example = "{\"state\":{\"before\":\"active\",\"after\":\"disabled\"}}",
	    .doc = "Fields before and after; of sealed ones only whether they changed." },
	{ MEMBER_AS(struct audit_item, row.reason, "reason"), .flags = FIELD_NULLABLE,
	    .doc = "Why, as the actor put it." },
	{ 0 },
};
static const struct schema item_schema = {
	.name = "AuditRow",
	.size = sizeof(struct audit_item),
	.fields = item_fields,
	.doc = "One row of the audit trail.",
};

struct audit_reply {
	struct list_of items;
	struct page_key next;
};

static const struct field reply_fields[] = {
	LIST_FIELDS(struct audit_reply, items, next, &item_schema),
	{ 0 },
};
static const struct schema reply_schema = {
	.name = "AuditList",
	.size = sizeof(struct audit_reply),
	.fields = reply_fields,
	.doc = "Rows, newest first. A page may be short, even empty, and yet have a next one.",
};

static enum err read_filter(
    struct request *rq, const struct audit_query *in, struct audit_filter *ret)
{
	ssize_t colon = str_find(in->object, ':');

	*ret = (struct audit_filter){
		.actor = in->actor,
		.subject = in->subject,
		.event = in->event,
		.since_us = in->since.us,
	};
	if (str_empty(in->object))
		return OK;
	if (colon <= 0 || (size_t)colon + 1 == in->object.len)
		return request_refuse_field(rq, STR("object"), TEXT_OBJECT_INVALID, NULL, 0);
	ret->object_type = str_upto(in->object, (size_t)colon);
	ret->object_id = str_from(in->object, (size_t)colon + 1);
	return OK;
}

static struct list_of items_of(struct request *rq, const struct audit_view_list *found)
{
	struct audit_item *items = ARENA_ARRAY(rq->arena, found->n + 1, struct audit_item);

	for (size_t i = 0; i < found->n; i++)
		items[i] = (struct audit_item){ found->items[i], { found->items[i].changes } };
	return (struct list_of){ items, found->n };
}

static enum err audit_get(struct request *rq, const void *in, void *ret_out)
{
	const struct audit_query *query = in;
	struct audit_reply *reply = ret_out;
	struct audit_view_list found;
	struct audit_filter filter;
	enum err e = read_filter(rq, query, &filter);

	if (e == OK)
		e = audit_find(rq, &filter, &query->page, &found);
	if (e != OK)
		return e;
	reply->items = items_of(rq, &found);
	reply->next = found.next;
	return OK;
}

void audit_item_write(struct json_writer *w, const struct audit_view *row)
{
	const struct audit_item item = { *row, { row->changes } };

	schema_encode(w, &item_schema, &item);
}

/* --- adding to it --- */

struct reported_change {
	struct str field;
	struct raw_json before, after;
};

static const struct field change_fields[] = {
	{ MEMBER(struct reported_change, field), .flags = FIELD_REQUIRED, .max = 100,
	    .example = "status", .doc = "The field's name." },
	{ MEMBER(struct reported_change, before), .example = "\"paid\"", .doc = "As it was." },
	{ MEMBER(struct reported_change, after), .example = "\"refunded\"", .doc = "As it is." },
	{ 0 },
};
static const struct schema change_schema = {
	.name = "AuditChange",
	.size = sizeof(struct reported_change),
	.fields = change_fields,
	.doc = "A field, before and after.",
};

struct reported_event {
	struct uuid id, subject_id;
	struct secret actor_token;
	struct str event, object_type, object_id, reason, request_id;
	struct list_of changes;
};

static const struct field event_fields[] = {
	{ MEMBER(struct reported_event, id), .flags = FIELD_REQUIRED | FIELD_PRIVILEGED,
	    .format = "uuid",
	    .doc = "Yours for this event: sent again, it is not recorded again." },
	{ MEMBER(struct reported_event, actor_token), .max = 4096, .example = EXAMPLE_JWT,
	    .doc = "Access token of whoever acted; the batch's when absent." },
	{ MEMBER(struct reported_event, event), .flags = FIELD_REQUIRED, .max = 64,
	    .example = "order.refunded",
	    .doc = "What happened; your service's name is put before it." },
	{ MEMBER(struct reported_event, object_type), .flags = FIELD_REQUIRED, .max = 64,
	    .example = "order", .doc = "To what kind of object." },
	{ MEMBER(struct reported_event, object_id), .flags = FIELD_REQUIRED, .max = 128,
	    .example = "81", .doc = "Which one." },
	{ MEMBER(struct reported_event, subject_id), .format = "uuid",
	    .doc = "The person it was done to, if there is one." },
	{ MEMBER(struct reported_event, reason), .max = 500, .doc = "Why, as the actor put it." },
	{ MEMBER(struct reported_event, request_id), .max = 64, .pattern = "^[A-Za-z0-9._-]{1,64}$",
	    .doc = "X-Request-ID of the actor's call to you." },
	{ MEMBER(struct reported_event, changes), .sub = &change_schema, .max = 50,
	    .doc = "Fields before and after. Kept sealed." },
	{ 0 },
};
static const struct schema event_schema = {
	.name = "AuditEvent",
	.size = sizeof(struct reported_event),
	.fields = event_fields,
	.doc = "Something a person of the staff did in another service.",
};

struct events_body {
	struct secret actor_token;
	struct list_of events;
};

static const struct field events_fields[] = {
	{ MEMBER(struct events_body, actor_token), .max = 4096, .example = EXAMPLE_JWT,
	    .doc = "Access token of whoever acted, for the events that name none." },
	{ MEMBER(struct events_body, events), .flags = FIELD_REQUIRED, .sub = &event_schema,
	    .min = 1, .max = AUDIT_REPORT_MAX, .doc = "All are recorded, or none." },
	{ 0 },
};
static const struct schema events_schema = {
	.name = "AuditEvents",
	.size = sizeof(struct events_body),
	.fields = events_fields,
	.doc = "A batch of events.",
};

static const struct field reported_fields[] = {
	{ MEMBER(struct audit_reported, recorded), .example = "1", .doc = "Recorded now." },
	{ MEMBER(struct audit_reported, known), .doc = "Recorded before, by their ids." },
	{ 0 },
};
static const struct schema reported_schema = {
	.name = "AuditReported",
	.size = sizeof(struct audit_reported),
	.fields = reported_fields,
	.doc = "They are in the audit trail.",
};

static const struct audit_change *changes_of(struct request *rq, const struct reported_event *in)
{
	const struct reported_change *changes = in->changes.items;
	struct audit_change *out = ARENA_ARRAY(rq->arena, in->changes.n + 1, struct audit_change);

	for (size_t i = 0; i < in->changes.n; i++)
		out[i] = (struct audit_change){
			.field = changes[i].field,
			.before = changes[i].before.text,
			.after = changes[i].after.text,
			.is_json = true,
		};
	return out;
}

static enum err events_post(struct request *rq, const void *in, void *ret_out)
{
	const struct events_body *body = in;
	const struct reported_event *events = body->events.items;
	struct audit_report *reports =
	    ARENA_ARRAY(rq->arena, body->events.n + 1, struct audit_report);

	for (size_t i = 0; i < body->events.n; i++)
		reports[i] = (struct audit_report){
			.id = events[i].id,
			.actor_token = events[i].actor_token.len > 0 ? events[i].actor_token
								     : body->actor_token,
			.event = events[i].event,
			.object_type = events[i].object_type,
			.object_id = events[i].object_id,
			.subject_id = events[i].subject_id,
			.reason = events[i].reason,
			.request_id = events[i].request_id,
			.changes = changes_of(rq, &events[i]),
			.n_changes = events[i].changes.n,
		};
	return audit_report(rq, rq->calling_service, reports, body->events.n, ret_out);
}

const struct route audit_routes[] = {
	{
	    .method = METHOD_GET,
	    .path = "staff/audit/",
	    .operation = "staff_audit",
	    .tag = "Audit",
	    .summary = "Read the audit trail",
	    .doc = "Newest first. object=order:81 is the history of one object.",
	    .auth = AUTH_BEARER,
	    .permission = PERM_AUDIT_READ,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_OK,
	    .query = &query_schema,
	    .reply = &reply_schema,
	    .handler = audit_get,
	},
	{
	    .method = METHOD_POST,
	    .path = "audit/events/",
	    .operation = "audit_events",
	    .tag = "Audit",
	    .log_tag = "AUDIT EVENTS",
	    .summary = "Put what staff did in another service on record",
	    .doc = "For services that have a credential of their own (audit.services), sent as "
		   "Authorization: Bearer. Each event names its actor by their access token, which "
		   "may have expired an hour ago at most and whose role must have audit.write.",
	    .auth = AUTH_SERVICE,
	    .throttle = THROTTLE_NONE,
	    .success = 200,
	    .message = TEXT_OK,
	    .body = &events_schema,
	    .reply = &reported_schema,
	    .handler = events_post,
	},
	{ 0 },
};
