/*
 * Reading the audit trail by what it is about, newest first. Like user_search.h: a page costs a
 * bounded number of rows, and says where to go on.
 */
#ifndef STORE_AUDIT_QUERY_H
#define STORE_AUDIT_QUERY_H

#include "base/page.h"
#include "store/audit_store.h"

/** struct audit_filter - which rows; what is nil or empty does not matter. */
struct audit_filter {
	struct uuid actor; /* acting on others; what they do for themselves is found by subject */
	struct uuid subject;
	struct str object_type, object_id; /* both or neither */
	struct str event;
	int64_t since_us;
};

struct audit_found {
	struct audit_row *rows;
	size_t n;
	struct page_key next; /* its number is the last row's id; all zero: there are no more */
};

/** audit_query() - a page of rows; @look_at of them are read at most. @ret lives in the arena. */
MUST_CHECK enum err audit_query(struct tx *tx, const struct audit_filter *filter,
    const struct page *page, size_t look_at, struct audit_found *ret);

/**
 * audit_report_once() - note that the event @id of another service is being recorded
 * @ret_new: false when it was before
 */
MUST_CHECK enum err audit_report_once(struct tx *tx, struct uuid id, int64_t now_us, bool *ret_new);
/** audit_report_sweep() - forget ids noted before @before_us; @limit at most. */
MUST_CHECK enum err audit_report_sweep(
    struct tx *tx, int64_t before_us, int64_t limit, int64_t *ret_n);

#endif
