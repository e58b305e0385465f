/*
 * What staff do to other people's accounts. Each takes a reason, changes the account and writes its
 * audit row in one transaction, or changes nothing. Nobody acts on somebody whose rank is not below
 * theirs, and nobody sees or sets another's password, code or token.
 */
#ifndef SERVICE_STAFF_ACTS_H
#define SERVICE_STAFF_ACTS_H

#include "service/staff_users.h"

/*
 * Common to all below: @ret is the person afterwards. Each returns OK, ERR_NOT_FOUND (no such
 * person, or erased), ERR_FORBIDDEN, ERR_TOKEN_REVOKED, ERR_CONFLICT (their state does not allow
 * it), ERR_LAST_SUPERADMIN where something is taken away, or machine errors.
 */

/** staff_disable() - no sign-in any more, and every session ends now; staff_enable() takes it back.
 */
MAY_YIELD MUST_CHECK enum err staff_disable(
    struct request *rq, struct uuid id, struct str reason, struct staff_view *ret);
MAY_YIELD MUST_CHECK enum err staff_enable(
    struct request *rq, struct uuid id, struct str reason, struct staff_view *ret);
/** staff_restore() - bring a deleted account back, as it was. */
MAY_YIELD MUST_CHECK enum err staff_restore(
    struct request *rq, struct uuid id, struct str reason, struct staff_view *ret);
/**
 * staff_set_role() - from the next call on
 * @role: its name
 *
 * Also returns: ERR_VALIDATION_FAILED for a role that does not exist.
 */
MAY_YIELD MUST_CHECK enum err staff_set_role(
    struct request *rq, struct uuid id, struct str role, struct str reason, struct staff_view *ret);
/** staff_note() - leave a note; without @note the reason is it. */
MAY_YIELD MUST_CHECK enum err staff_note(
    struct request *rq, struct uuid id, struct str note, struct str reason, struct staff_view *ret);

/** struct staff_session - a session as staff see it. */
struct staff_session {
	struct uuid id;
	struct str device, method, user_agent, address;
	int64_t created_at_us, last_seen_us, expires_at_us;
	struct uuid impersonator_id; /* nil: it is the person's own */
};
struct staff_session_list {
	struct staff_session *items;
	size_t n;
};
/** staff_sessions() - the live ones, oldest first; that they were read is in the audit trail. */
MAY_YIELD MUST_CHECK enum err staff_sessions(
    struct request *rq, struct uuid id, struct staff_session_list *ret);
/** staff_end_sessions() - all of them; @ret_ended how many. */
MAY_YIELD MUST_CHECK enum err staff_end_sessions(
    struct request *rq, struct uuid id, struct str reason, int64_t *ret_ended);

#endif
