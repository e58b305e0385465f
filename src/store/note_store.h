/* What staff noted about somebody, newest first; the text is sealed by service/staff_users.c. */
#ifndef STORE_NOTE_STORE_H
#define STORE_NOTE_STORE_H

#include "store/store.h"

struct note_row {
	struct uuid id, user_id, author_id;
	int64_t created_at_us;
	struct str note; /* sealed under the user's data key */
};

/** note_insert() - add one; both people exist. */
MUST_CHECK enum err note_insert(struct tx *tx, const struct note_row *note);
/** note_list() - the newest @limit about @user; in the arena. */
MUST_CHECK enum err note_list(
    struct tx *tx, struct uuid user, size_t limit, struct note_row **ret, size_t *ret_n);

#endif
