/* Step-up: who changes how they sign in, or leaves for good, shows once more that it is they. */
#ifndef SERVICE_REAUTH_H
#define SERVICE_REAUTH_H

#include "service/service.h"

enum reauth {
	REAUTH_RECENT,   /* a sign-in of the last security.reauth_age will do */
	REAUTH_PASSWORD, /* only their password, unless the account has none */
};

/**
 * reauth_check() - hold the signed-in person to @want
 * @password: what they typed into the body's "password"; empty: they did not
 *
 * A password is judged whenever there is one; wrong ones are counted with those of a login.
 *
 * Returns: OK, ERR_REAUTH_REQUIRED, ERR_VALIDATION_FAILED (wrong: rq->field_errors names password),
 * ERR_THROTTLED, ERR_OVERLOADED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err reauth_check(
    struct request *rq, struct secret password, enum reauth want);

#endif
