/* Everything that is held on a person, for themselves (GDPR 15 and 20). */
#ifndef SERVICE_EXPORT_H
#define SERVICE_EXPORT_H

#include "service/consents.h"
#include "service/identity.h"
#include "service/session_list.h"
#include "service/typed_profile.h"

/** EXPORT_ACTIVITY_MAX - rows of the audit trail in one export: the newest. */
#define EXPORT_ACTIVITY_MAX 5000

/** struct activity - one row of the audit trail about them. */
struct activity {
	int64_t at_us;
	struct str event, outcome, operation;
	struct str address, user_agent;
	struct str changes; /* JSON; empty: none */
	bool by_them;       /* false: somebody, or nobody, else */
};

struct export
{
	int64_t made_at_us;
	struct user_view user;
	struct client_view client; /* all zero: never was one */
	struct vendor_view vendor;
	struct session_view *sessions;
	size_t n_sessions;
	struct identity_view *identities;
	size_t n_identities;
	struct consents_view consents;
	struct activity *activity; /* oldest first */
	size_t n_activity;
};

/** export_make() - of the signed-in person; that they asked is on record. */
MAY_YIELD MUST_CHECK enum err export_make(struct request *rq, struct export *ret);

#endif
