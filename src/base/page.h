/* Lists come in pages: the next one starts after the last item of the one before (keyset). */
#ifndef BASE_PAGE_H
#define BASE_PAGE_H

#include "base/codec.h"

/** struct page_key - what a list is ordered by: a number (a time, a row's id), an id, or both. */
struct page_key {
	int64_t n;
	struct uuid id;
};

#define PAGE_USUAL 50
#define PAGE_MAX 200

/** struct page - which part of a list is wanted. */
struct page {
	struct page_key after; /* all zero: from the start */
	int64_t limit;         /* 0: PAGE_USUAL */
};

/** page_key_is_start() - all zero: before the first item, or after the last page. */
static inline bool page_key_is_start(struct page_key key)
{
	return key.n == 0 && uuid_is_nil(key.id);
}

/**
 * page_limit() - how many items @page may have; ask the store for one more, to know whether
 * another page follows
 */
static inline size_t page_limit(const struct page *page)
{
	return page->limit > 0 ? (size_t)page->limit : PAGE_USUAL;
}

#endif
