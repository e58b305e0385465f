/* The first two bytes are a country. An accepted number is E.164, and that reads as itself. */
#include <ctype.h>
#include <stdlib.h>

#include "base/arena.h"
#include "service/identifier.h"
#include "tests/fuzz/fuzz.h"

static bool is_e164(struct str s)
{
	for (size_t i = 1; i < s.len; i++)
		if (!isdigit((unsigned char)s.ptr[i]))
			return false;
	return s.len > 4 && s.len <= 18 && s.ptr[0] == '+' && s.ptr[1] != '0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_bytes(data, size), country = str_upto(input, 2);
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct identifier once, twice;

	if (identifier_parse_phone(arena, str_from(input, 2), country, &once) == TEXT_NONE) {
		if (!is_e164(once.canonical) || !str_eq(once.display, once.canonical))
			abort();
		if (identifier_parse_phone(arena, once.canonical, STR(""), &twice) != TEXT_NONE ||
		    !str_eq(once.canonical, twice.canonical))
			abort();
		if (identifier_mask(arena, &once).len != once.canonical.len)
			abort();
	}
	arena_free(&arena);
	return 0;
}
