/*
 * Finding people by the beginning of a name, although names are sealed: keyed hashes of the first
 * letters of each word (docs/adr/0013-name-search.md). The index is made in the background, so that
 * no registration waits for it; it may be a few seconds behind.
 */
#ifndef SERVICE_NAME_INDEX_H
#define SERVICE_NAME_INDEX_H

#include "service/account.h"
#include "store/user_search.h"

/** struct name_query - what was asked for, folded. */
struct name_query {
	struct str words[USER_NAME_HASHES];
	size_t n;
	struct str hashes[16]; /* of the longest word, one for each accepted master key */
	size_t n_hashes;
};

/** name_query() - false when @text holds no letter or digit to look for. */
bool name_query(struct request *rq, struct str text, struct name_query *ret);
/** name_query_matches() - does each word of @query begin a word of this person's names? */
bool name_query_matches(
    struct request *rq, const struct name_query *query, const struct profile *profile);

/** name_index_run() - index up to @limit people whose names are not; @ret_n how many there were. */
MAY_YIELD MUST_CHECK enum err name_index_run(struct request *rq, size_t limit, size_t *ret_n);
/** name_index_start() - do that for ever, on the background loop. */
MUST_CHECK enum err name_index_start(struct service *service);

#endif
