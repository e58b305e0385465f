/* Reading the audit trail: rows with what they seal, as far as the people in them still exist. */
#ifndef SERVICE_AUDIT_QUERY_H
#define SERVICE_AUDIT_QUERY_H

#include "service/audit.h"
#include "store/audit_query.h"

/** struct audit_view - a row, unsealed. */
struct audit_view {
	int64_t id, at_us, count;
	struct str event, outcome;
	struct uuid actor_id, subject_id, session_id; /* nil: none */
	struct str object_type, object_id;
	struct str operation, engine, request_id;
	struct str address, user_agent, geo; /* empty when the subject was erased */
	struct str changes;                  /* JSON: {"field": {"before":…,"after":…}} */
	struct str reason;
};

struct audit_view_list {
	struct audit_view *items;
	size_t n;
	struct page_key next;
};

/** audit_find() - a page of rows, newest first. Returns OK or machine errors. */
MAY_YIELD MUST_CHECK enum err audit_find(struct request *rq, const struct audit_filter *filter,
    const struct page *page, struct audit_view_list *ret);
/** audit_read() - up to @limit rows with id > @after, oldest first: for exports. */
MAY_YIELD MUST_CHECK enum err audit_read(
    struct request *rq, int64_t after, size_t limit, struct audit_view_list *ret);

#endif
