/* Users: rows of sealed bytes. What is sealed how is account.c's business (service). */
#ifndef STORE_USER_STORE_H
#define STORE_USER_STORE_H

#include "store/store.h"

enum user_state {
	USER_ACTIVE,
	USER_DISABLED,
	USER_DELETED,
	USER_ERASED,
};

/** user_state_name() - "active", "disabled" … as in the database. */
struct str user_state_name(enum user_state s);

enum identifier_kind {
	IDENTIFIER_EMAIL,
	IDENTIFIER_PHONE,
};

/** struct user_row - one row of users; empty str is NULL, 0 is NULL for times. */
struct user_row {
	struct uuid id;
	struct str external_id;
	enum identifier_kind kind;   /* which of e-mail and phone is set */
	struct str identifier;       /* sealed */
	struct str identifier_index; /* blind index, 32 bytes */
	int64_t index_version;       /* master key id behind it */
	struct str data_key;         /* wrapped */
	struct str profile;          /* sealed */
	struct str password;         /* encoded hash */
	int64_t password_at_us;
	enum role role;
	struct str auth_provider;
	bool is_verified;
	enum user_state state;
	int64_t state_at_us;
	int64_t epoch;
	int64_t last_login_us;
	int64_t created_at_us, updated_at_us;
};

/**
 * user_insert() - add a user and the profile row of its role
 * @ret_taken: the blind index or external_id is another user's; nothing was written
 */
MUST_CHECK enum err user_insert(struct tx *tx, const struct user_row *user, bool *ret_taken);
/**
 * user_by_index() - by blind index
 * @indexes: @n candidates, one for each accepted master key
 */
MUST_CHECK enum err user_by_index(struct tx *tx, enum identifier_kind kind,
    const struct str *indexes, size_t n, struct user_row *ret, bool *ret_found);
MUST_CHECK enum err user_by_id(
    struct tx *tx, struct uuid id, struct user_row *ret, bool *ret_found);
MUST_CHECK enum err user_by_external_id(
    struct tx *tx, struct str external_id, struct user_row *ret, bool *ret_found);

/** user_set_verified() - mark verified; harmless when it is already. */
MUST_CHECK enum err user_set_verified(struct tx *tx, struct uuid id, int64_t now_us);
/**
 * user_set_password() - replace the hash
 * @only_if: when not empty, only while the stored hash is still this one: the same password, hashed
 *           better, so password_at stays
 */
MUST_CHECK enum err user_set_password(struct tx *tx, struct uuid id, struct str encoded,
    struct str only_if, int64_t now_us, bool *ret_changed);
/**
 * user_change_password() - a new password, if nothing stands in the way of it any more than it did
 * @as_read:     the row the decision was made on
 * @ret_changed: false when the person is not active, or has another password since
 *
 * password_at always moves on, so that it tells one password from the next.
 */
MUST_CHECK enum err user_change_password(struct tx *tx, const struct user_row *as_read,
    struct str encoded, int64_t now_us, bool *ret_changed);
/**
 * user_withhold_password() - leave an account that nobody has proven without a usable password
 * @ret_withheld: false when it is verified (by now)
 */
MUST_CHECK enum err user_withhold_password(
    struct tx *tx, struct uuid id, int64_t now_us, bool *ret_withheld);
/**
 * user_settle() - give an account that nobody has proven yet its password, profile and role
 * @user:        its id, and what it becomes
 * @ret_settled: false when it is verified (by now)
 */
MUST_CHECK enum err user_settle(
    struct tx *tx, const struct user_row *user, int64_t now_us, bool *ret_settled);
/**
 * user_set_profile() - replace the profile of an active person
 * @as_read_us:  updated_at of the row the new one was made from
 * @now_us:      later than that
 * @ret_changed: false when the row has changed since
 */
MUST_CHECK enum err user_set_profile(struct tx *tx, struct uuid id, struct str sealed,
    int64_t as_read_us, int64_t now_us, bool *ret_changed);
/**
 * user_note_login() - set last_login, if nothing stands in the way of it any more than it did
 * @as_read: the row the decision was made on
 *
 * The transaction ends with ERR_PRECONDITION_FAILED (see tx_require()) when the person is not
 * active, or has another role or password since.
 */
MUST_CHECK enum err user_note_login(struct tx *tx, const struct user_row *as_read, int64_t now_us);
/**
 * user_set_identifier() - sign in with another e-mail address or phone number, which is proven
 * @user:        id, kind, identifier, identifier_index, index_version and updated_at_us
 * @old_index:   blind index of the one there was
 * @ret_changed: false when the person is not active, or has another identifier by now
 */
MUST_CHECK enum err user_set_identifier(
    struct tx *tx, const struct user_row *user, struct str old_index, bool *ret_changed);
/**
 * user_set_state() - disable, enable, delete, restore: bumps the epoch, so tokens die
 * @ret_changed: false when it is so already, when they are erased, and when they are the last
 *               active superadmin
 */
MUST_CHECK enum err user_set_state(
    struct tx *tx, struct uuid id, enum user_state state, int64_t now_us, bool *ret_changed);
/** user_set_role() - bumps the epoch and adds the role's profile row; @ret_changed likewise. */
MUST_CHECK enum err user_set_role(
    struct tx *tx, struct uuid id, enum role role, int64_t now_us, bool *ret_changed);
/** user_bump_epoch() - every access token issued so far is dead. */
MUST_CHECK enum err user_bump_epoch(struct tx *tx, struct uuid id, int64_t now_us);

struct user_page {
	struct uuid after; /* nil: from the start */
	size_t limit;
	int role;  /* enum role, or -1 for any */
	int state; /* enum user_state, or -1 for any */
};
/** user_list() - in id order, from after @page->after; @ret in the arena. */
MUST_CHECK enum err user_list(
    struct tx *tx, const struct user_page *page, struct user_row **ret, size_t *ret_n);
/** user_count_role() - active users of @role. */
MUST_CHECK enum err user_count_role(struct tx *tx, enum role role, int64_t *ret);

struct consent_row {
	struct str document, version;
	int64_t given_at_us;
};
/** consent_insert() - note that @user agreed; a repeat is ignored. */
MUST_CHECK enum err consent_insert(
    struct tx *tx, struct uuid user, const struct consent_row *consent);

/** consent_list() - what @user agreed to, by document, the oldest version first. */
MUST_CHECK enum err consent_list(
    struct tx *tx, struct uuid user, struct consent_row **ret, size_t *ret_n);
/** consent_clear() - forget what @user agreed to: it was somebody else who did. */
MUST_CHECK enum err consent_clear(struct tx *tx, struct uuid user);

/** meta_get() / meta_put() - small named values of the installation, e.g. the key check. */
MUST_CHECK enum err meta_get(struct tx *tx, struct str key, struct str *ret, bool *ret_found);
/** meta_put_new() - only when @key is absent; @ret_there is what stands afterwards. */
MUST_CHECK enum err meta_put_new(
    struct tx *tx, struct str key, struct str value, struct str *ret_there);

#endif
