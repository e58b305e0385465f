/*
 * Finding users for staff, newest first: by role, state, provider, time of creation, or the
 * beginning of a name. Whatever is asked for, a page costs a bounded number of index entries: when
 * they run out, the page is short and says where to go on.
 */
#ifndef STORE_USER_SEARCH_H
#define STORE_USER_SEARCH_H

#include "base/page.h"
#include "store/user_store.h"

/** struct user_filter - what a user must be to be listed. */
struct user_filter {
	int role;                   /* enum role, or -1 for any */
	int state;                  /* enum user_state, or -1 for active and disabled ones */
	struct str provider;        /* auth_provider; empty: any */
	int64_t since_us, until_us; /* created in [since, until); 0: any */
	struct str name_hash;       /* in user_names; empty: any */
};

/** struct user_found - a page of ids. */
struct user_found {
	struct uuid *ids;
	size_t n;
	struct page_key next; /* all zero: there are no more */
};

/**
 * user_search() - ids of users that match @filter, newest first
 * @look_at: index entries read at most
 *
 * @ret lives in the arena. A page may be short, even empty, and yet have a next one.
 */
MUST_CHECK enum err user_search(struct tx *tx, const struct user_filter *filter,
    const struct page *page, size_t look_at, struct user_found *ret);
/** user_by_ids() - the rows of @n ids, in their order; *@ret_n those that are there. */
MUST_CHECK enum err user_by_ids(
    struct tx *tx, const struct uuid *ids, size_t n, struct user_row **ret, size_t *ret_n);

#define USER_NAME_HASHES 8 /* of one person at most */
#define USER_NAME_HASH_SIZE 16

/** user_names_stale() - up to @limit users whose names are not in the index as they are now. */
MUST_CHECK enum err user_names_stale(
    struct tx *tx, size_t limit, struct user_row **ret, size_t *ret_n);
/**
 * user_names_put() - replace what the index has of @user by these hashes
 * @updated_at_us: of the row they were made from; nothing happens when it has changed since
 */
MUST_CHECK enum err user_names_put(struct tx *tx, struct uuid user, int64_t updated_at_us,
    const struct str *hashes, size_t n, int64_t now_us);

#endif
