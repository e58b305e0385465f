/* Giving an account another identifier: shared by the change and its revert. */
#ifndef SERVICE_IDENTIFIER_TAKE_H
#define SERVICE_IDENTIFIER_TAKE_H

#include "service/account.h"
#include "store/audit_store.h"

/** struct taking - an account and the identifier it shall have, which is proven. */
struct taking {
	struct request *rq;
	const struct account *account; /* as read */
	struct identifier identifier;
	struct str indexes[16];
	size_t n_indexes;

	struct account *next;     /* the account as it will be; in rq->secrets */
	struct audit_row evicted; /* of an account nobody has proven, which has to go */
	bool taken;               /* out: somebody else has proven it */
	bool stale;               /* out: the account has changed since it was read */
};

/** taking_draft() - seal and index, before the transaction. */
void taking_draft(struct taking *t);
/**
 * taking_write() - inside a transaction, which commits in any case; changed when neither taken nor
 * stale
 *
 * Whoever registered the address without proving it is erased: it is not theirs. What was on its
 * way to the old address is void.
 */
MUST_CHECK enum err taking_write(struct tx *tx, struct taking *t);

#endif
