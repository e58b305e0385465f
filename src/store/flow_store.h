/* Flows: one-time codes and links on their way, counted and consumed by single statements. */
#ifndef STORE_FLOW_STORE_H
#define STORE_FLOW_STORE_H

#include "store/store.h"

struct flow_row {
	struct uuid id;
	struct str purpose; /* "verify", "reset", … */
	bool has_user;      /* false: a decoy */
	struct uuid user_id;
	struct str subject_index; /* blind index of the identifier */
	int64_t index_version;
	struct str channel;     /* "email", "sms" */
	struct str destination; /* sealed: the address, or for a decoy its masked form */
	struct str code_hash;
	int64_t code_key; /* master key id behind code_hash */
	int64_t attempts, max_attempts, sends;
	int64_t created_at_us, code_expires_at_us, resend_at_us, expires_at_us;
	int64_t voided_at_us, consumed_at_us; /* 0: not */
	bool has_session;
	struct uuid session_id; /* what consuming it created */
	struct str pending;     /* sealed: what takes effect when it is consumed */
	struct str idempotency_hash, idempotency_body;
	int64_t idempotency_until_us;
};

/** flow_insert() - add one; ERR_CONFLICT when a live row has its id or idempotency key. */
MUST_CHECK enum err flow_insert(struct tx *tx, const struct flow_row *flow);
MUST_CHECK enum err flow_by_id(
    struct tx *tx, struct uuid id, struct flow_row *ret, bool *ret_found);
/**
 * flow_newest() - the newest flow of @purpose for a subject, used or over as it may be
 *
 * A voided one only where all are: who began first may have committed last, and voided a later one.
 */
MUST_CHECK enum err flow_newest(struct tx *tx, const struct str *indexes, size_t n,
    struct str purpose, struct flow_row *ret, bool *ret_found);
MUST_CHECK enum err flow_by_idempotency(
    struct tx *tx, struct str hash, int64_t now_us, struct flow_row *ret, bool *ret_found);

/**
 * flow_try() - spend one attempt on a flow and, if the code is right, consume it: one statement
 * @code_hash:     of the code presented
 * @ret_consumed:  it was right, in time, unused, and attempts were left
 * @ret:           the row afterwards, when there is one
 *
 * A wrong code counts; attempts never exceed max_attempts.
 */
MUST_CHECK enum err flow_try(struct tx *tx, struct uuid id, struct str code_hash, int64_t now_us,
    bool *ret_consumed, struct flow_row *ret, bool *ret_found);
/** flow_set_session() - remember what consuming @id created, and the call's idempotency key. */
MUST_CHECK enum err flow_set_session(struct tx *tx, struct uuid id, struct uuid session);

struct flow_resend {
	struct uuid id;
	struct str code_hash;
	int64_t code_key, now_us, code_expires_at_us, resend_at_us;
	struct str idempotency_hash, idempotency_body; /* of this call; empty: the row's stay */
	int64_t idempotency_until_us;
	bool drop_pending; /* the flow's id is no secret of its beginner's any more */
};
/**
 * flow_renew_code() - replace the code of a live flow whose cool-down is over; attempts stay spent
 * @ret_renewed: false when it is used, voided, expired or still cooling down
 */
MUST_CHECK enum err flow_renew_code(
    struct tx *tx, const struct flow_resend *resend, bool *ret_renewed);
/** flow_void_older() - void every live flow of @purpose for the subject but @keep. */
MUST_CHECK enum err flow_void_older(
    struct tx *tx, struct str subject_index, struct str purpose, struct uuid keep, int64_t now_us);
/** flow_void_user() - void every live flow for the subject that is this user's, of any purpose. */
MUST_CHECK enum err flow_void_user(
    struct tx *tx, struct str subject_index, struct uuid user, int64_t now_us);
/** flow_attempts_since() - wrong attempts on all flows of @purpose for a subject since @since_us.
 */
MUST_CHECK enum err flow_attempts_since(struct tx *tx, const struct str *indexes, size_t n,
    struct str purpose, int64_t since_us, int64_t *ret);
MUST_CHECK enum err flow_sweep(struct tx *tx, int64_t before_us, int64_t limit, int64_t *ret_n);

#endif
