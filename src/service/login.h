/* Login with identifier and password. */
#ifndef SERVICE_LOGIN_H
#define SERVICE_LOGIN_H

#include "service/otp.h"

/**
 * login_password() - sign in
 * @ret_verification: filled in with ERR_VERIFICATION_REQUIRED: a fresh code is on its way
 *
 * Unknown, wrong, disabled, deleted, password-less: one reply, one cost, one time.
 *
 * Returns: OK, ERR_INVALID_CREDENTIALS, ERR_VERIFICATION_REQUIRED, ERR_ACCOUNT_DISABLED (only with
 * login.reveal_disabled), ERR_FORBIDDEN (session.on_limit = refuse and all taken),
 * ERR_VALIDATION_FAILED, ERR_THROTTLED, ERR_IDEMPOTENCY_CONFLICT, ERR_OVERLOADED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err login_password(struct request *rq, struct str email_or_phone,
    struct secret password, struct signed_in *ret, struct verification *ret_verification);

#endif
