/* Leaving: an account is closed first, and erased only when nobody has asked for it in time. */
#ifndef SERVICE_CLOSING_H
#define SERVICE_CLOSING_H

#include "service/account.h"

/**
 * account_close() - the signed-in person closes their account (soft delete)
 * @password: proves who asks; empty: a recent sign-in does
 *
 * Hidden everywhere, all sessions over at once; nothing is freed until the grace has passed, so the
 * staff can restore it.
 *
 * Returns: OK, ERR_REAUTH_REQUIRED, ERR_VALIDATION_FAILED, ERR_LAST_SUPERADMIN, ERR_TOKEN_REVOKED
 * (not active any more), ERR_THROTTLED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err account_close(struct request *rq, struct secret password);

#endif
