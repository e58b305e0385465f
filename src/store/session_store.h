/*
 * Sessions. A session row holds the keyed hashes of its current refresh token's id and of the two
 * before it, and the sealed successor, so that a rotation is one conditional UPDATE.
 */
#ifndef STORE_SESSION_STORE_H
#define STORE_SESSION_STORE_H

#include "store/user_store.h"

struct session_row {
	struct uuid id, user_id;
	struct str client; /* which front end: "web", "" … */
	struct str amr;    /* "pwd", "otp", space-separated */
	struct str engine;
	struct str device_id;  /* keyed hash */
	struct str user_agent; /* sealed */
	struct str address;    /* sealed */
	int64_t created_at_us, auth_time_us, idle_expires_at_us, expires_at_us;
	struct str cur_hash, prev_hash, prev2_hash;
	int64_t hash_key; /* master key id behind the hashes */
	int64_t generation;
	int64_t rotated_at_us, prev_rotated_at_us;
	struct str successor; /* sealed: the refresh token now current */
	int64_t ended_at_us;  /* 0: live */
	struct str end_reason;
	struct str idempotency_hash, idempotency_body;
	int64_t idempotency_until_us;
	struct uuid impersonator_id; /* who of the staff holds it; nil: it is the person's own */
};

/**
 * session_insert() - add one; the transaction ends with ERR_CONFLICT (see tx_require()) when a live
 * row has its id or idempotency key
 */
MUST_CHECK enum err session_insert(struct tx *tx, const struct session_row *session);

/** struct session_user - what every bearer request and every refresh needs, in one read. */
struct session_user {
	bool found;
	struct session_row session;
	struct user_row user;
};
MUST_CHECK enum err session_with_user(struct tx *tx, struct uuid id, struct session_user *ret);
/**
 * session_for_access() - the same to judge an access token by; of the session only id, user_id,
 * auth_time_us, expires_at_us, ended_at_us and impersonator_id are read
 */
MUST_CHECK enum err session_for_access(struct tx *tx, struct uuid id, struct session_user *ret);
/** session_by_idempotency() - the live session a call with this key made, with its user. */
MUST_CHECK enum err session_by_idempotency(
    struct tx *tx, struct str hash, int64_t now_us, struct session_user *ret);

struct session_rotation {
	struct uuid id;
	struct str from_hash; /* must still be cur_hash */
	struct str to_hash;
	int64_t hash_key;
	struct str successor; /* sealed */
	int64_t now_us, idle_expires_at_us;
};
/**
 * session_rotate_row() - the conditional UPDATE; the transaction ends with ERR_CONFLICT (see
 * tx_require()) when somebody was first
 */
MUST_CHECK enum err session_rotate_row(struct tx *tx, const struct session_rotation *r);

/** session_end() - end one; @ret_ended is false when it had ended already. */
MUST_CHECK enum err session_end(
    struct tx *tx, struct uuid id, struct str reason, int64_t now_us, bool *ret_ended);
/** session_end_of() - the same, if it is @user's. */
MUST_CHECK enum err session_end_of(struct tx *tx, struct uuid id, struct uuid user,
    struct str reason, int64_t now_us, bool *ret_ended);
/** session_end_all() - end all of a user's but @keep (nil: none kept); @ret_n how many. */
MUST_CHECK enum err session_end_all(struct tx *tx, struct uuid user, struct uuid keep,
    struct str reason, int64_t now_us, int64_t *ret_n);
/** session_list_live() - a user's live sessions, oldest first. */
MUST_CHECK enum err session_list_live(
    struct tx *tx, struct uuid user, int64_t now_us, struct session_row **ret, size_t *ret_n);
struct session_page {
	struct uuid user, before; /* nil: the newest first */
	int64_t now_us;
	size_t limit;
};
/** session_page() - a user's live sessions, newest first. */
MUST_CHECK enum err session_page(
    struct tx *tx, const struct session_page *page, struct session_row **ret, size_t *ret_n);
/** session_device_seen() - has this user signed in from @device_id (keyed hash) before? */
MUST_CHECK enum err session_device_seen(
    struct tx *tx, struct uuid user, struct str device_id, bool *ret_seen);
/** session_sweep() - delete rows expired or ended before @before_us; @limit at most. */
MUST_CHECK enum err session_sweep(struct tx *tx, int64_t before_us, int64_t limit, int64_t *ret_n);

#endif
