/*
 * A change somebody makes to another person's account: from the command line, or as staff. One
 * transaction looks at both people as they are now, changes one, ends sessions, writes the audit
 * row and the event, or changes nothing and writes down who wanted what.
 */
#ifndef SERVICE_USER_CHANGE_H
#define SERVICE_USER_CHANGE_H

#include "service/audit.h"
#include "store/note_store.h"

enum user_change_kind {
	CHANGE_NOTHING, /* only what comes with it: sessions, a note */
	CHANGE_STATE,
	CHANGE_ROLE,
	CHANGE_PASSWORD,
};

struct user_change {
	const struct account *account; /* whose, as read; never an erased one's */
	enum user_change_kind kind;
	enum user_state from, state; /* CHANGE_STATE: only in @from it becomes @state */
	enum role role;              /* CHANGE_ROLE */
	struct str password;         /* CHANGE_PASSWORD: encoded */
	struct str event;            /* of the audit row and the outbox */
	bool is_quiet;               /* no event leaves the house */
	struct str reason;           /* for the audit row */
	const struct audit_change *changes;
	size_t n_changes;
	bool ends_sessions;
	struct str end_reason;            /* why, with ends_sessions */
	const struct uuid *session;       /* only this one; NULL: all */
	const struct session_row *begins; /* a session of a customer's, to be begun; may be NULL */
	const struct note_row *note;      /* to be left; may be NULL */
	const struct outbox_row *message; /* to be sent; may be NULL */

	/* Afterwards. */
	bool changed;  /* false: it was so already */
	int64_t ended; /* sessions */
};

/**
 * user_change() - make the change, if the caller may
 *
 * Without an actor it is the command line's, which may everything but take the last active
 * superadmin away. An actor must outrank the person, now, and may give no role that may do more
 * than theirs. Every refusal is in the audit trail.
 *
 * Returns: OK, ERR_FORBIDDEN, ERR_TOKEN_REVOKED (the actor is not who they were), ERR_CONFLICT
 * (deleted, erased, or not in the state it was read in), ERR_LAST_SUPERADMIN, machine errors.
 */
MAY_YIELD MUST_CHECK enum err user_change(struct request *rq, struct user_change *change);

#endif
