/* The HTTP reader must say the same of a stream however it is cut. */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/http/reading.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct http_limits limits = { .target = 128, .head = 512, .body = 256 };
	struct str bytes = str_bytes(data, size), whole;
	struct arena *arena = arena_new(ARENA_PLAIN, 0);

	whole = reading_of(arena, &limits, bytes, size + 1);
	if (!str_eq(reading_of(arena, &limits, bytes, 1), whole) ||
	    !str_eq(reading_of(arena, &limits, bytes, 7), whole))
		abort();
	arena_free(&arena);
	return 0;
}
