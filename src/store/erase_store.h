/* Erasing: what is left of a person is an id that says nothing. */
#ifndef STORE_ERASE_STORE_H
#define STORE_ERASE_STORE_H

#include "store/user_store.h"

/**
 * person_erase() - destroy the data key, and every row and column that is about the person
 * @index:      their blind index, for the flows of strangers about it
 * @ret_erased: false when nobody is there, or was erased before
 *
 * The audit trail stays: its sealed fields open for nobody any more. What is destroyed leaves the
 * pages of the database and its log with this transaction.
 */
MUST_CHECK enum err person_erase(
    struct tx *tx, struct uuid id, struct str index, int64_t now_us, bool *ret_erased);
/** person_list_closed() - accounts closed before @before_us, the oldest first. */
MUST_CHECK enum err person_list_closed(
    struct tx *tx, int64_t before_us, int64_t limit, struct user_row **ret, size_t *ret_n);

#endif
