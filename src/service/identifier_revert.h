/* What the old address gets: a link, good once and for 72 hours. Shared by the identifier files. */
#ifndef SERVICE_IDENTIFIER_REVERT_H
#define SERVICE_IDENTIFIER_REVERT_H

#include "service/identifier_change.h"
#include "store/flow_store.h"

/** struct revert_draft - the rows, made before the transaction that writes them. */
struct revert_draft {
	struct flow_row flow;
	bool has_message;
	struct outbox_row message;
};

/** revert_draft() - to @account at the address it still has. */
void revert_draft(struct request *rq, const struct account *account, struct revert_draft *ret);
/** revert_begin() - inside the transaction that takes the address away. */
MUST_CHECK enum err revert_begin(struct tx *tx, const struct revert_draft *draft);

#endif
