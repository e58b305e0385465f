/* Changing one's own password while signed in. */
#ifndef SERVICE_PASSWORD_CHANGE_H
#define SERVICE_PASSWORD_CHANGE_H

#include "service/service.h"

/**
 * password_change() - replace the password of rq->account
 *
 * Showing the current password is proof enough: no fresh login is asked for. This session goes on,
 * all others end, and the owner is told.
 *
 * Returns: OK, ERR_VALIDATION_FAILED (naming current_password: it is not that),
 * ERR_PASSWORD_REJECTED (naming new_password), ERR_THROTTLED, ERR_TOKEN_REVOKED (this session ended
 * meanwhile), ERR_OVERLOADED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err password_change(
    struct request *rq, struct secret current, struct secret wanted);

#endif
