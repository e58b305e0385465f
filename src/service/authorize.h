/* May this caller do that? Every refusal of a signed-in person is on record. */
#ifndef SERVICE_AUTHORIZE_H
#define SERVICE_AUTHORIZE_H

#include "service/permissions.h"

/**
 * authorize() - may the caller do what @p names?
 *
 * A refusal is written to the audit trail first, as "access.denied" on the permission.
 *
 * Returns: OK, ERR_FORBIDDEN, or a machine error (also when the refusal cannot be recorded).
 */
MAY_YIELD MUST_CHECK enum err authorize(struct request *rq, enum permission p);

/**
 * authorize_impersonated() - is this call one that may be made through somebody else's eyes?
 * @reads: does it only read?
 *
 * Every such call is written to the audit trail, whether it may or not. Fine at once when nobody
 * impersonates anybody. Returns: OK, ERR_FORBIDDEN, or a machine error.
 */
MAY_YIELD MUST_CHECK enum err authorize_impersonated(struct request *rq, bool reads);

#endif
