#include "base/secret.h"

#include <assert.h>

#include "base/arena.h"

struct secret secret_copy(struct arena *arena, struct secret s)
{
	assert(arena_kind(arena) == ARENA_WIPING);
	return (struct secret){ arena_copy(arena, s.ptr, s.len), s.len };
}

bool bytes_equal(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;
	uint8_t difference = 0;

	for (size_t i = 0; i < n; i++) {
		difference |= x[i] ^ y[i];
		/* Hides the value, so that no compiler may stop at the first difference. */
		__asm__("" : "+r"(difference));
	}
	return difference == 0;
}

bool secret_equal(struct secret a, struct secret b)
{
	return a.len == b.len && bytes_equal(a.ptr, b.ptr, a.len);
}

void wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}
