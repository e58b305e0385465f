/* Outbox rows: what must leave the house, written in the transaction it tells of. */
#ifndef STORE_OUTBOX_STORE_H
#define STORE_OUTBOX_STORE_H

#include "store/store.h"

struct outbox_row {
	int64_t id; /* given by the store */
	struct uuid event_id;
	struct str sink; /* "email", "sms", "webhook:NAME" */
	struct str kind; /* template or event name */
	bool has_user;
	struct uuid user_id;
	/* A message's is sealed, and wiped when it was delivered or expired; an event's is kept. */
	struct str payload;
	int64_t created_at_us, expires_at_us; /* 0: never */
	struct str state;
	int64_t next_at_us, attempts;
	struct str last_error;
	int64_t finished_at_us;
	struct str data_key; /* outbox_lease() only: the user's wrapped key; empty without a user */
};

/** outbox_insert() - add one; a repeat of (event_id, sink) is ignored. */
MUST_CHECK enum err outbox_insert(struct tx *tx, const struct outbox_row *row);

/** struct outbox_lease - up to @limit rows of @sink that are due @now_us, until @until_us. */
struct outbox_lease {
	struct str sink;
	int64_t now_us, until_us, limit;
};

/**
 * outbox_lease() - take rows that are due, in order per (user, sink): a row waits while an older
 * one of its pair is pending
 *
 * However many nodes ask at once, a row is leased to one.
 */
MUST_CHECK enum err outbox_lease(
    struct tx *tx, const struct outbox_lease *lease, struct outbox_row **ret, size_t *ret_n);
/** outbox_finish() - delivered, expired or dead; what a message said is wiped unless dead. */
MUST_CHECK enum err outbox_finish(
    struct tx *tx, int64_t id, struct str state, struct str error, int64_t now_us);
/** outbox_retry() - give the lease back and try again at @next_at_us; attempts grows by one. */
MUST_CHECK enum err outbox_retry(struct tx *tx, int64_t id, struct str error, int64_t next_at_us);

/** struct outbox_again - which finished rows. Dead ones, and of events delivered ones too … */
struct outbox_again {
	int64_t id;      /* … when it is this one */
	struct str sink; /* without @id: only of this sink; empty: of all */
	int64_t since_us; /* … and of @sink when they were finished since then; 0: dead ones only */
};

/** outbox_replay() - make rows pending again; @ret_n says how many. */
MUST_CHECK enum err outbox_replay(
    struct tx *tx, const struct outbox_again *again, int64_t now_us, int64_t *ret_n);
/** outbox_list() - rows in @state (empty: any) with id > @after. */
MUST_CHECK enum err outbox_list(struct tx *tx, struct str state, int64_t after, int64_t limit,
    struct outbox_row **ret, size_t *ret_n);

/** struct outbox_due - when the next pending row of @sink is due; NEVER_US when none waits. */
struct outbox_due {
	struct str sink;
	int64_t at_us;
};

/** outbox_next_due() - fill in due->at_us. */
MUST_CHECK enum err outbox_next_due(struct tx *tx, struct outbox_due *due);
/** outbox_sweep() - delete rows finished before @before_us; @limit at most. */
MUST_CHECK enum err outbox_sweep(struct tx *tx, int64_t before_us, int64_t limit, int64_t *ret_n);

#endif
