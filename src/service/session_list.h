/* A person's own sessions: where they are signed in, and ending what they do not know. */
#ifndef SERVICE_SESSION_LIST_H
#define SERVICE_SESSION_LIST_H

#include "base/page.h"
#include "service/session.h"

/** struct session_view - one live session as its owner sees it. */
struct session_view {
	struct uuid id;
	struct str device;     /* "Firefox on Windows" */
	struct str user_agent; /* as it called itself */
	struct str address;
	struct str amr; /* how they signed in: "pwd", "otp" */
	bool current;   /* the one that asks */
	int64_t created_at_us, last_seen_us, expires_at_us;
};

/**
 * session_list() - the signed-in person's live sessions, newest first
 * @ret_next: all zero on the last page
 */
MAY_YIELD MUST_CHECK enum err session_list(struct request *rq, const struct page *page,
    struct session_view **ret, size_t *ret_n, struct page_key *ret_next);
/** session_end_own() - end one of theirs. Returns OK, ERR_NOT_FOUND, machine errors. */
MAY_YIELD MUST_CHECK enum err session_end_own(struct request *rq, struct uuid session);
/** session_end_others() - end all of theirs but the one that asks. */
MAY_YIELD MUST_CHECK enum err session_end_others(struct request *rq);

#endif
