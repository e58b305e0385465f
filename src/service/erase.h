/* Erasing people: their key is destroyed, and with it every sealed byte about them, everywhere. */
#ifndef SERVICE_ERASE_H
#define SERVICE_ERASE_H

#include "service/account.h"

/**
 * account_erase() - the signed-in person is erased, at once and for good
 * @password: theirs; without one in the account a recent sign-in does
 *
 * Returns: OK, ERR_REAUTH_REQUIRED, ERR_VALIDATION_FAILED, ERR_LAST_SUPERADMIN, ERR_TOKEN_REVOKED
 * (not active any more), ERR_THROTTLED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err account_erase(struct request *rq, struct secret password);
/** erase_closed() - those who closed their account and did not come back within the grace. */
MAY_YIELD MUST_CHECK enum err erase_closed(struct request *rq);

#endif
