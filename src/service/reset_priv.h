/* Shared by the reset files only. */
#ifndef SERVICE_RESET_PRIV_H
#define SERVICE_RESET_PRIV_H

#include "service/flow.h"
#include "service/otp_priv.h"
#include "service/reset.h"

/**
 * reset_bound() - what a reset of @account is good for only: this password and this identifier
 *
 * It goes into the hash of the code, so that nobody has to remember to void anything.
 */
struct str reset_bound(struct request *rq, const struct account *account);

/**
 * reset_find_django() - otp_find() for a link of the Django system
 * @pk:     its primary key, our external_id
 * @target: names no flow: there is none
 */
MAY_YIELD MUST_CHECK enum err reset_find_django(
    struct request *rq, struct str pk, const struct otp_target *target, struct otp_found *ret);
/** reset_django_opens() - was @token made for the person found, as they are, not too long ago? */
bool reset_django_opens(struct request *rq, const struct otp_found *found, struct secret token);

#endif
