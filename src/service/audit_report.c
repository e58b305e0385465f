#include "service/audit_report.h"

#include "base/clock.h"
#include "service/permissions.h"
#include "service/session.h"
#include "store/audit_query.h"

/* Reports may wait for a queue, or for us; a token lives minutes. */
#define TOKEN_GRACE_S 3600

enum err audit_report_service(struct request *rq, struct secret credential, struct str *ret_name)
{
	struct str rest = secret_reveal(rq->service->config.audit_services), one;
	struct str shown = secret_reveal(credential);
	bool found = false;

	/* All are compared, so that time tells nothing of which is nearly right. */
	while (str_next_token(&rest, ',', &one)) {
		struct str name, own;

		one = str_trim(one);
		if (!str_next_token(&one, ':', &name))
			continue;
		own = one;
		if (own.len == shown.len && own.len > 0 &&
		    bytes_equal(own.ptr, shown.ptr, own.len)) {
			*ret_name = name;
			found = true;
		}
	}
	return found ? OK : fault(rq, ERR_TOKEN_INVALID, "no service has this credential");
}

/* One event on its way to its row. */
struct reported {
	const struct audit_report *event;
	struct token_claims claims;
	struct user_row subject;
	bool subject_known;
	struct uuid actor_id;
	bool actor_known;
	struct audit_row row;
};

struct reporting {
	struct request *rq;
	struct reported *events;
	size_t n;
	struct audit_reported result;
};

static enum err refuse(struct request *rq, size_t i, const char *member, enum text text)
{
	struct str field = str_printf(rq->arena, "events.%zu.%s", i, member);

	return request_refuse_field(rq, field, text, NULL, 0);
}

/* Ours, of an access token's kind, and not too old; what it says of the role was true then. */
static bool read_token(struct request *rq, struct reported *r)
{
	enum role role;
	enum err e = token_verify(rq->secrets, rq->keys, &rq->service->config.token, TOKEN_ACCESS,
	    secret_reveal(r->event->actor_token), rq->now_us / US_PER_S, &r->claims);

	if (e == ERR_TOKEN_EXPIRED && rq->now_us / US_PER_S - r->claims.exp_s <= TOKEN_GRACE_S)
		e = OK;
	return e == OK && r->claims.has_session && role_parse(r->claims.role, &role) &&
	       role_may(&rq->service->config, role, PERM_AUDIT_WRITE);
}

static enum err look_tx(struct tx *tx, void *arg)
{
	struct reporting *p = arg;
	enum err e = OK;

	for (size_t i = 0; e == OK && i < p->n; i++) {
		struct reported *r = &p->events[i];
		struct session_user actor = { .found = false };

		e = session_with_user(tx, r->claims.session_id, &actor);
		r->actor_known = actor.found;
		r->actor_id = actor.user.id;
		if (e == OK && !uuid_is_nil(r->event->subject_id))
			e = user_by_id(tx, r->event->subject_id, &r->subject, &r->subject_known);
	}
	return e;
}

static enum err check(struct request *rq, struct reporting *p)
{
	enum err e = OK;

	for (size_t i = 0; i < p->n; i++)
		if (!read_token(rq, &p->events[i]))
			e = refuse(rq, i, "actor_token", TEXT_ACTOR_TOKEN_INVALID);
	if (e == OK)
		e = store_read(rq->service->store, rq, STORE_PRIMARY, look_tx, p);
	if (e != OK)
		return e;
	for (size_t i = 0; i < p->n; i++) {
		const struct reported *r = &p->events[i];

		if (!r->actor_known)
			e = refuse(rq, i, "actor_token", TEXT_ACTOR_TOKEN_INVALID);
		if (!uuid_is_nil(r->event->subject_id) && !r->subject_known)
			e = refuse(rq, i, "subject_id", TEXT_PERSON_UNKNOWN);
	}
	return e;
}

static enum err draft(struct request *rq, struct str service, struct reported *r)
{
	const struct audit_report *event = r->event;
	struct audit_entry entry = {
		.event =
		    str_printf(rq->arena, "%.*s.%.*s", STR_ARG(service), STR_ARG(event->event)),
		.session = &r->claims.session_id,
		.object_type = event->object_type,
		.object_id = event->object_id,
		.reason = event->reason,
		.changes = event->changes,
		.n_changes = event->n_changes,
	};
	struct account *subject = NULL;
	enum err e = OK;

	/* Of somebody who was erased only the pseudonymous id is kept. */
	if (r->subject_known && r->subject.state != USER_ERASED)
		e = account_open_key(rq, &r->subject, &subject);
	if (e != OK)
		return e;
	entry.subject = subject;
	audit_draft(rq, &entry, &r->row);
	r->row.has_actor = true;
	r->row.actor_id = r->actor_id;
	r->row.has_subject = r->subject_known;
	r->row.subject_id = r->event->subject_id;
	if (!str_empty(event->request_id))
		r->row.request_id = event->request_id;
	return OK;
}

static enum err record_tx(struct tx *tx, void *arg)
{
	struct reporting *p = arg;
	enum err e = OK;

	p->result = (struct audit_reported){ .recorded = 0 };
	for (size_t i = 0; e == OK && i < p->n; i++) {
		struct reported *r = &p->events[i];
		struct audit_row row = r->row;
		bool fresh = false;

		e = audit_report_once(tx, r->event->id, p->rq->now_us, &fresh);
		if (e == OK && fresh)
			e = audit_append(tx, p->rq->keys, &row);
		p->result.recorded += fresh;
		p->result.known += !fresh;
	}
	return e;
}

enum err audit_report(struct request *rq, struct str service, const struct audit_report *events,
    size_t n, struct audit_reported *ret)
{
	struct reporting p = {
		.rq = rq,
		.events = ARENA_ARRAY(rq->arena, n + 1, struct reported),
		.n = n,
	};
	enum err e;

	for (size_t i = 0; i < n; i++)
		p.events[i].event = &events[i];
	e = check(rq, &p);
	for (size_t i = 0; e == OK && i < n; i++)
		e = draft(rq, service, &p.events[i]);
	if (e == OK)
		e = store_tx(rq->service->store, rq, record_tx, &p);
	*ret = p.result;
	return e;
}
