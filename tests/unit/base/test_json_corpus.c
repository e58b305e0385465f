/*
 * The parser against two public collections: JSONTestSuite (every n_ file refused, every y_ file
 * accepted but for what we refuse on purpose, no i_ file a crash) and the big list of naughty
 * strings. CLOAKROOM_CORPORA names the directory that holds them; without it the test is skipped.
 */
#include "tests/unit/test.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/json.h"

#define SKIPPED 77 /* what Meson takes for it */

static const char *corpora;
static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(ARENA_PLAIN, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct str read_file(const char *folder, const char *name)
{
	struct str path = str_printf(arena, "%s/%s/%s", corpora, folder, name);
	FILE *f = fopen(path.ptr, "rb");
	struct stat st;
	char *bytes;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	/* A malloc of exactly that size: AddressSanitizer sees a read of one byte more. */
	bytes = malloc((size_t)st.st_size + (st.st_size == 0));
	assert_non_null(bytes);
	arena_defer(arena, free, bytes);
	assert_int_equal(fread(bytes, 1, (size_t)st.st_size, f), st.st_size);
	fclose(f);
	return str_bytes(bytes, (size_t)st.st_size);
}

/* Write @v, read that, write it again: both texts must be the same. */
static void assert_round_trip(const struct json *v)
{
	struct buf texts[2];

	for (int i = 0; i < 2; i++) {
		struct json_writer w;

		buf_init(&texts[i], arena, 0);
		json_writer_init(&w, &texts[i]);
		json_write_value(&w, v);
		assert_int_equal(json_parse(arena, buf_str(&texts[i]), &v), OK);
	}
	assert_bytes(buf_str(&texts[1]), buf_str(&texts[0]));
}

/* What RFC 8259 allows and we refuse: a member twice, and a name no C string can hold. */
static bool refused_on_purpose(const char *name)
{
	static const char *const names[] = {
		"y_object_duplicated_key.json",
		"y_object_duplicated_key_and_value.json",
		"y_object_escaped_null_in_key.json",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void check_file(const char *folder, const char *name)
{
	const struct json *v = NULL;
	enum err e = json_parse(arena, read_file(folder, name), &v);
	bool accept = name[0] == 'y' && !refused_on_purpose(name);

	if (e == OK)
		assert_round_trip(v);
	if (name[0] == 'i')
		return;
	if ((e == OK) != accept)
		print_error("%s: %s\n", name, e == OK ? "accepted" : "refused");
	assert_int_equal(e, accept ? OK : ERR_MALFORMED_JSON);
}

static size_t check_folder(const char *folder)
{
	DIR *dir = opendir(str_printf(arena, "%s/%s", corpora, folder).ptr);
	struct dirent *entry;
	size_t files = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (!str_ends(str_of(entry->d_name), STR(".json")))
			continue;
		check_file(folder, entry->d_name);
		files++;
	}
	closedir(dir);
	return files;
}

static void json_test_suite(void **state)
{
	(void)state;
	assert_in_range(check_folder("jsontestsuite/test_parsing"), 300, 1000);
}

static void naughty_strings(void **state)
{
	const struct json *list, *v;

	(void)state;
	assert_int_equal(json_parse(arena, read_file("blns", "blns.json"), &list), OK);
	assert_in_range(json_array_length(list), 400, 10000);
	for (size_t i = 0; i < json_array_length(list); i++) {
		struct str s = json_string(json_array_at(list, i));
		struct json_writer w;
		struct buf b;

		buf_init(&b, arena, 0);
		json_writer_init(&w, &b);
		json_write_str(&w, s);
		assert_int_equal(json_parse(arena, buf_str(&b), &v), OK);
		assert_bytes(json_string(v), s);
		if (json_parse(arena, s, &v) == OK)
			assert_round_trip(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(json_test_suite, set_up, tear_down),
		cmocka_unit_test_setup_teardown(naughty_strings, set_up, tear_down),
	};

	corpora = getenv("CLOAKROOM_CORPORA");
	if (!corpora)
		corpora = "../shared/corpora";
	if (access(corpora, R_OK) != 0)
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
