/* Finding and reading people as staff: what is shown depends on the reader's permissions. */
#ifndef SERVICE_STAFF_USERS_H
#define SERVICE_STAFF_USERS_H

#include "service/account.h"
#include "store/user_search.h"

/** struct staff_view - a person as staff see them. */
struct staff_view {
	struct user_view user; /* identifiers masked without users.identifiers */
	bool is_deleted;
	int64_t deleted_at_us; /* 0: not deleted */
};

struct staff_query {
	struct str
	    q; /* id, e-mail, phone, external id, or the beginning of names; empty: anybody */
	struct user_filter filter; /* but for .name_hash, which follows from q */
	struct page page;
};

struct staff_view_list {
	struct staff_view *items;
	size_t n;
	struct page_key next;
};

/**
 * staff_users() - a page of people, newest first
 *
 * An identifier finds who has it, whatever the filter says. A page costs a bounded amount of
 * looking: it may be short, even empty, and yet have a next one.
 *
 * Returns: OK, machine errors.
 */
MAY_YIELD MUST_CHECK enum err staff_users(
    struct request *rq, const struct staff_query *query, struct staff_view_list *ret);

struct staff_note {
	struct uuid id, author_id;
	struct str note;
	int64_t created_at_us;
};

/** struct staff_user - one person, and what staff noted about them, newest first. */
struct staff_user {
	struct staff_view view;
	struct staff_note *notes;
	size_t n_notes;
};

/**
 * staff_user() - read one person; that it was read is in the audit trail ("user.viewed")
 *
 * Returns: OK, ERR_NOT_FOUND (no such person, or erased), machine errors.
 */
MAY_YIELD MUST_CHECK enum err staff_user(
    struct request *rq, struct uuid id, struct staff_user *ret);
/** staff_view() - of a person at hand. */
void staff_view(struct request *rq, const struct account *account, struct staff_view *ret);
/** staff_note_seal() - the value for user_notes.note. */
struct str staff_note_seal(struct request *rq, const struct account *account, struct str note);

#endif
