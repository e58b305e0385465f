/* Audit rows and events: structs here, encoded below; written in the change's own transaction. */
#ifndef SERVICE_AUDIT_H
#define SERVICE_AUDIT_H

#include "service/account.h"
#include "service/service.h"
#include "store/audit_store.h"

/** struct audit_change - one field's before and after; sealed fields only say that they changed. */
struct audit_change {
	struct str field, before, after;
	bool hidden;
	bool is_json; /* before and after are JSON values; empty: null */
};

struct audit_entry {
	struct str event; /* "user.registered" … */
	enum err outcome;
	const struct account *subject; /* NULL: nobody known */
	struct str subject_index;      /* of an identifier nobody has */
	const struct uuid *session;
	struct str object_type, object_id;
	struct str reason;
	const struct audit_change *changes;
	size_t n_changes;
};

/** user_agent_kept() - as much of the request's user agent as rows keep. */
struct str user_agent_kept(const struct request *rq);
/** audit_draft() - make the row before the transaction: seals address and user agent. */
void audit_draft(struct request *rq, const struct audit_entry *entry, struct audit_row *ret);
/** struct audit_personal - what a row seals, opened; empty strs where it says nothing. */
struct audit_personal {
	struct str address, user_agent;
	struct str changes; /* JSON */
};
/**
 * audit_unseal() - open what @row says of where the call came from and of what it changed
 * @subject: whom the row is about; NULL: nobody
 *
 * Returns: OK or ERR_INTERNAL (wrong master key, changed bytes).
 */
MUST_CHECK enum err audit_unseal(struct request *rq, const struct account *subject,
    const struct audit_row *row, struct audit_personal *ret);
/** audit_write() - a transaction of its own, for refusals that changed nothing else. */
MAY_YIELD MUST_CHECK enum err audit_write(struct request *rq, const struct audit_entry *entry);

/**
 * audit_count_refusal() - a 429 or 503: kept in memory, one aggregated row a subject and minute
 *
 * The background writes them; a crash loses at most the running minute's counts.
 */
void audit_count_refusal(struct request *rq, enum err outcome);
/** audit_flush_refusals() - write the minutes that were over by @before_us (wall clock). */
MAY_YIELD MUST_CHECK enum err audit_flush_refusals(struct request *rq, int64_t before_us);

#endif
