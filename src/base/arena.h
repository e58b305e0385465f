/*
 * Memory with one lifetime: allocate freely, free all at once. Every request owns two (struct
 * request): a plain one and one whose bytes are wiped before they are given back.
 *
 * An arena belongs to one thread at a time. While child tasks of rt_gather() live, parent and
 * children only append. There is no failure result: bounds sit before the arena, and a true
 * out-of-memory aborts the process (DESIGN: the supervisor restarts it).
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/defs.h"

struct arena;

enum arena_kind {
	ARENA_PLAIN,
	ARENA_WIPING, /* every byte is zeroed on reset and free */
};

/** arena_new() - an empty arena whose first block holds @first bytes (0: 8 KiB), doubling after. */
struct arena *arena_new(enum arena_kind kind, size_t first);
/** arena_free() - run the deferred calls, free everything, set *@a to NULL; NULL is fine. */
void arena_free(struct arena **a);
/** arena_reset() - run the deferred calls and empty it, keeping the first block for reuse. */
void arena_reset(struct arena *a);

/** arena_alloc() - @size zeroed bytes, aligned for any type; lives until reset or free. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull));
/** arena_array() - @n zeroed elements of @size bytes; aborts on overflow. */
void *arena_array(struct arena *a, size_t n, size_t size) __attribute__((returns_nonnull));
/** arena_copy() - @len bytes of @p copied, with a NUL byte after them. */
void *arena_copy(struct arena *a, const void *p, size_t len) __attribute__((returns_nonnull));
#define ARENA_NEW(a, T) ((T *)arena_alloc((a), sizeof(T)))
#define ARENA_ARRAY(a, n, T) ((T *)arena_array((a), (n), sizeof(T)))

/** arena_defer() - call @fn(@arg) on reset or free, last registered first. */
void arena_defer(struct arena *a, void (*fn)(void *arg), void *arg);
/** arena_kind() - which kind it was made as. */
enum arena_kind arena_kind(const struct arena *a);
/** arena_used() - bytes handed out since the last reset. */
size_t arena_used(const struct arena *a);

#endif
