/* An accepted address has one canonical spelling, which is an address and its own spelling. */
#include <stdlib.h>

#include "base/arena.h"
#include "service/identifier.h"
#include "tests/fuzz/fuzz.h"

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f)
			return false;
	return s.len <= 254 && str_utf8_valid(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct identifier once, twice;

	if (identifier_parse_email(arena, str_bytes(data, size), &once) == TEXT_NONE) {
		if (identifier_parse_email(arena, once.canonical, &twice) != TEXT_NONE ||
		    !str_eq(once.canonical, twice.canonical))
			abort();
		if (!is_plain(once.display) || !is_plain(once.canonical))
			abort();
		if (str_empty(identifier_mask(arena, &once)))
			abort();
	}
	arena_free(&arena);
	return 0;
}
