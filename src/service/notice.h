/* Telling somebody what has happened to their account, at the address they sign in with. */
#ifndef SERVICE_NOTICE_H
#define SERVICE_NOTICE_H

#include "service/account.h"
#include "service/service.h"

/** struct notice - the row, made before the transaction that writes it. */
struct notice {
	bool present; /* false: there is no way to send one */
	struct outbox_row row;
};

/**
 * notice_draft() - @kind is a template, @detail one more value it may show
 *
 * outbox_ring() is due once the transaction is durable.
 */
void notice_draft(struct request *rq, const struct account *account, struct str kind,
    struct str detail, struct notice *ret);
/** notice_post() - inside a transaction. */
MUST_CHECK enum err notice_post(struct tx *tx, const struct notice *notice);

#endif
