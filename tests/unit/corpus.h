/*
 * Files of the public collections we test against. CLOAKROOM_CORPORA names their directory; a test
 * that finds none is skipped.
 */
#ifndef TESTS_UNIT_CORPUS_H
#define TESTS_UNIT_CORPUS_H

#include <stdio.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "tests/unit/test.h"

static inline struct str corpus_path(struct arena *arena, const char *name)
{
	const char *corpora = getenv("CLOAKROOM_CORPORA");

	return str_printf(arena, "%s/%s", corpora ? corpora : "../shared/corpora", name);
}

/** corpus_read() - the whole of @name, e.g. "django-hashers/vectors.json"; skips without it. */
static inline struct str corpus_read(struct arena *arena, const char *name)
{
	FILE *f = fopen(corpus_path(arena, name).ptr, "rb");
	struct stat st;
	char *bytes;

	if (!f) {
		print_message("no %s\n", corpus_path(arena, name).ptr);
		skip();
	}
	assert_int_equal(fstat(fileno(f), &st), 0);
	bytes = arena_alloc(arena, (size_t)st.st_size + 1);
	assert_int_equal(fread(bytes, 1, (size_t)st.st_size, f), st.st_size);
	fclose(f);
	return str_bytes(bytes, (size_t)st.st_size);
}

#endif
