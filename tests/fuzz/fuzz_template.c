/* A template either compiles and renders, or is refused with a sentence; values stay escaped. */
#include <stdlib.h>

#include "base/arena.h"
#include "outbox/template.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct template_values values = { {
	    [VAR_NAME] = STR("\x01\x02\x03"),
	    [VAR_CODE] = STR("\x01\x02"),
	} };
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct str problem = STR_NULL, out;
	struct template t;

	if (template_compile(arena, str_bytes(data, size), &t, &problem)) {
		out = template_render(&t, arena, ESCAPE_HTML, &values);
		if (str_find(str_bytes(data, size), 1) < 0 && str_find(out, 1) >= 0)
			abort();
	} else if (str_empty(problem)) {
		abort();
	}
	arena_free(&arena);
	return 0;
}
