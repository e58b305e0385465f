/*
 * A new password for somebody who has one: what a reset and a change have in common. Judged,
 * hashed, and written together with the end of sessions, the audit row, the event and the owner's
 * notice.
 */
#ifndef SERVICE_NEW_PASSWORD_H
#define SERVICE_NEW_PASSWORD_H

#include "service/notice.h"
#include "store/audit_store.h"

struct new_password {
	const struct account *account; /* as it was read */
	struct str encoded;
	struct str event;    /* of the audit row: "password.reset", "password.changed" */
	struct str reason;   /* why sessions end: "password_reset", "password_changed" */
	struct uuid session; /* the one that goes on; nil: none does */
	struct audit_row audit;
	struct notice notice;
};

/**
 * new_password_make() - judge @password, compare it with the last ones, and hash it for @next
 * @next: its account is set; its .encoded is filled in. The field named is "new_password".
 *
 * Returns: OK; ERR_PASSWORD_REJECTED with rq->field_errors set; what the lane or the store says.
 */
MAY_YIELD MUST_CHECK enum err new_password_make(
    struct request *rq, struct new_password *next, struct secret password);
/** new_password_draft() - the rows, before the transaction; @password says all but them. */
void new_password_draft(struct request *rq, struct new_password *password);
/**
 * new_password_write() - inside a transaction, which a refusal must roll back
 *
 * Without a session that goes on, every access token issued so far is dead too.
 *
 * Returns: OK, or ERR_PRECONDITION_FAILED: since the account was read it was disabled, or got
 * another password; read again and decide again.
 */
MUST_CHECK enum err new_password_write(
    struct request *rq, struct tx *tx, struct new_password *password);

#endif
