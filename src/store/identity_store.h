/* Identities: who a user is at other issuers, found by a blind index of issuer and subject. */
#ifndef STORE_IDENTITY_STORE_H
#define STORE_IDENTITY_STORE_H

#include "store/user_store.h"

struct identity_row {
	struct uuid id, user_id;
	struct str provider;      /* "google" */
	struct str subject_index; /* blind index of issuer and subject */
	int64_t index_version;    /* master key id behind it */
	struct str subject;       /* sealed: issuer and subject */
	struct str email;         /* sealed: as seen; may be empty */
	int64_t linked_at_us, last_used_at_us;
};

/** identity_insert() - @ret_taken: somebody has it already, and nothing was written. */
MUST_CHECK enum err identity_insert(
    struct tx *tx, const struct identity_row *identity, bool *ret_taken);
/** identity_by_index() - @indexes: @n candidates, one for each accepted master key. */
MUST_CHECK enum err identity_by_index(
    struct tx *tx, const struct str *indexes, size_t n, struct identity_row *ret, bool *ret_found);
/** identity_list() - a user's, oldest first. */
MUST_CHECK enum err identity_list(
    struct tx *tx, struct uuid user, struct identity_row **ret, size_t *ret_n);
/** identity_used() - note a sign-in; @ret_there is false when it was unlinked meanwhile. */
MUST_CHECK enum err identity_used(struct tx *tx, struct uuid id, int64_t now_us, bool *ret_there);
/**
 * identity_remove() - unlink one of @user's
 * @only_if_not_last: not when it is the only one
 */
MUST_CHECK enum err identity_remove(
    struct tx *tx, struct uuid user, struct uuid id, bool only_if_not_last, bool *ret_removed);
/** identity_clear() - unlink all of a user's. */
MUST_CHECK enum err identity_clear(struct tx *tx, struct uuid user);

#endif
