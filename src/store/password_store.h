/* The hashes of the passwords somebody had before the present one, which is in users. */
#ifndef STORE_PASSWORD_STORE_H
#define STORE_PASSWORD_STORE_H

#include "store/store.h"

/** password_old_add() - @encoded was @user's password until @now_us. */
MUST_CHECK enum err password_old_add(
    struct tx *tx, struct uuid user, struct str encoded, int64_t now_us);
/** password_old_trim() - keep the newest @keep of @user's; 0: none. */
MUST_CHECK enum err password_old_trim(struct tx *tx, struct uuid user, int64_t keep);
/** password_old_list() - the newest @max of @user's, newest first; @ret in the arena. */
MUST_CHECK enum err password_old_list(
    struct tx *tx, struct uuid user, int64_t max, struct str **ret, size_t *ret_n);

#endif
