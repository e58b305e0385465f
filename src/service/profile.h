/* What people say about themselves: checked, and changed by themselves only. */
#ifndef SERVICE_PROFILE_H
#define SERVICE_PROFILE_H

#include "service/account.h"

/**
 * profile_check() - is each field that is set one that may be kept?
 * @profile: a phone number in it is put into E.164; texts in rq->arena
 * @country: region of a bare phone number; may be empty
 *
 * Returns: OK, or ERR_VALIDATION_FAILED with every bad field in rq->field_errors.
 */
MUST_CHECK enum err profile_check(struct request *rq, struct profile *profile, struct str country);
/**
 * profile_update() - change what @patch names of the signed-in person's profile
 * @patch: a field without a pointer stays, an empty one is cleared
 *
 * rq->if_match is kept; rq->version is set.
 *
 * Returns: OK, ERR_VALIDATION_FAILED, ERR_PRECONDITION_FAILED, ERR_TOKEN_REVOKED (not active any
 * more), machine errors.
 */
MAY_YIELD MUST_CHECK enum err profile_update(
    struct request *rq, const struct profile *patch, struct user_view *ret);

#endif
