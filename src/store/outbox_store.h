/* Outbox rows: what must leave the house, written in the transaction it tells of. */
#ifndef STORE_OUTBOX_STORE_H
#define STORE_OUTBOX_STORE_H

#include "store/store.h"

struct outbox_row {
	int64_t id; /* given by the store */
	struct uuid event_id;
	struct str sink; /* "email", "sms", "webhook:NAME", … */
	struct str kind; /* template or event name */
	bool has_user;
	struct uuid user_id;
	struct str payload; /* sealed; wiped when delivered, expired or dead past replay */
	int64_t created_at_us, expires_at_us; /* 0: never */
	struct str state;
	int64_t next_at_us, attempts;
	struct str last_error;
	int64_t finished_at_us;
	struct str data_key; /* outbox_lease() only: the user's wrapped key; empty without a user */
};

/** outbox_insert() - add one; a repeat of (event_id, sink) is ignored. */
MUST_CHECK enum err outbox_insert(struct tx *tx, const struct outbox_row *row);
/**
 * outbox_lease() - take rows that are due, in order per (user, sink): a row waits while an older
 * one of its pair is pending
 */
MUST_CHECK enum err outbox_lease(struct tx *tx, int64_t now_us, int64_t lease_until_us,
    int64_t limit, struct outbox_row **ret, size_t *ret_n);
/** outbox_finish() - delivered, expired or dead; delivered and expired wipe the payload. */
MUST_CHECK enum err outbox_finish(
    struct tx *tx, int64_t id, struct str state, struct str error, int64_t now_us);
/** outbox_retry() - give the lease back and try again at @next_at_us; attempts grows by one. */
MUST_CHECK enum err outbox_retry(struct tx *tx, int64_t id, struct str error, int64_t next_at_us);
/** outbox_replay() - make dead rows pending again: one (@id) or all (@id 0); @ret_n how many. */
MUST_CHECK enum err outbox_replay(struct tx *tx, int64_t id, int64_t now_us, int64_t *ret_n);
/** outbox_list() - rows in @state (empty: any) with id > @after. */
MUST_CHECK enum err outbox_list(struct tx *tx, struct str state, int64_t after, int64_t limit,
    struct outbox_row **ret, size_t *ret_n);
/** outbox_next_due() - when the next pending row is due; NEVER_US when none waits. */
MUST_CHECK enum err outbox_next_due(struct tx *tx, int64_t *ret_us);
/** outbox_sweep() - delete rows finished before @before_us; @limit at most. */
MUST_CHECK enum err outbox_sweep(struct tx *tx, int64_t before_us, int64_t limit, int64_t *ret_n);

#endif
