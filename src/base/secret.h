/*
 * Bytes that must never be printed, logged, compared in variable time or left in memory.
 * A distinct type, so no printf, log or JSON writer takes it by accident. The bytes live in a
 * wiping arena (struct request.secrets) or in an owner that calls wipe().
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/str.h"

struct secret {
	const uint8_t *ptr;
	size_t len;
};

/** secret_of() - treat @s as secret from here on; borrows. */
static inline struct secret secret_of(struct str s)
{
	return (struct secret){ (const uint8_t *)s.ptr, s.len };
}

/** secret_reveal() - the bytes as text; every call is a place to review. */
static inline struct str secret_reveal(struct secret s)
{
	return (struct str){ (const char *)s.ptr, s.len };
}

/** secret_copy() - copy into @arena, which must be a wiping one. */
struct secret secret_copy(struct arena *arena, struct secret s);
/** secret_equal() - same bytes? Takes as long for any content; lengths are not secret. */
bool secret_equal(struct secret a, struct secret b);
/** bytes_equal() - the same for @n raw bytes, e.g. two MACs. */
bool bytes_equal(const void *a, const void *b, size_t n);
/** wipe() - zero @n bytes in a way no compiler removes. */
void wipe(void *p, size_t n);

#endif
