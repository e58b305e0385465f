/*
 * Seeing a customer's account as they see it: a short session of theirs, held by somebody of the
 * staff. It may read and nothing else, every call in it is on record, its token names who holds it
 * ("act", RFC 8693 4.1), and the person is told.
 */
#ifndef SERVICE_IMPERSONATION_H
#define SERVICE_IMPERSONATION_H

#include "service/staff_users.h"

struct impersonation {
	struct secret access; /* there is no refresh token: when it ends, it has ended */
	int64_t expires_in_s, expires_at_us;
	struct uuid session_id;
	struct staff_view user;
};

/**
 * impersonate() - begin one
 *
 * Returns: OK, ERR_NOT_FOUND, ERR_FORBIDDEN (company people are not looked at this way),
 * ERR_TOKEN_REVOKED, ERR_CONFLICT (not active), machine errors.
 */
MAY_YIELD MUST_CHECK enum err impersonate(
    struct request *rq, struct uuid id, struct str reason, struct impersonation *ret);

#endif
