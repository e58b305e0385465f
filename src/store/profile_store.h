/* The typed one-to-one rows of vendors and clients. */
#ifndef STORE_PROFILE_STORE_H
#define STORE_PROFILE_STORE_H

#include "store/store.h"

enum profile_kind {
	PROFILE_CLIENT,
	PROFILE_VENDOR,
};

struct profile_row {
	enum profile_kind kind;
	struct uuid user_id;
	struct str profile;                   /* sealed; empty: nothing said yet */
	struct str slug, verification_state;  /* of vendors */
	int64_t created_at_us, updated_at_us; /* updated: 0 when never */
};

/** profile_get() - one of @user's; whoever never had that role has none. */
MUST_CHECK enum err profile_get(struct tx *tx, enum profile_kind kind, struct uuid user,
    struct profile_row *ret, bool *ret_found);
/**
 * profile_set() - replace what the owner may say
 * @row:         kind, user_id, profile and slug; updated_at_us later than
 * @as_read_us:  updated_at of the row the new one was made from
 * @ret_changed: false when the row has changed since, or the slug is another's
 */
MUST_CHECK enum err profile_set(
    struct tx *tx, const struct profile_row *row, int64_t as_read_us, bool *ret_changed);
/** profile_slug_taken() - does somebody else have @slug? */
MUST_CHECK enum err profile_slug_taken(
    struct tx *tx, struct str slug, struct uuid user, bool *ret_taken);

#endif
