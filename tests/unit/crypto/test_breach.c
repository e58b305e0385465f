#include "tests/unit/corpus.h"

#include <fcntl.h>

#include "crypto/breach.h"
#include "crypto/breach_build.h"

struct fixture {
	struct arena *arena;
	char path[64];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	f->arena = arena_new(ARENA_PLAIN, 0);
	snprintf(f->path, sizeof(f->path), "/tmp/test-breach-XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	close(fd);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	arena_free(&f->arena);
	free(f);
	return 0;
}

static int64_t build(struct fixture *f, struct str list)
{
	struct breach_builder *b = breach_builder_new();
	struct str line;
	int64_t n;

	while (str_next_token(&list, '\n', &line))
		assert_true(breach_builder_add(b, line));
	n = breach_builder_write(b, f->path);
	breach_builder_free(&b);
	breach_builder_free(&b);
	return n;
}

static struct breach *open_file(struct fixture *f)
{
	struct str problem = STR_NULL;
	struct breach *b = NULL;

	if (breach_open(f->arena, str_of(f->path), &b, &problem) != OK)
		fail_msg("%.*s", STR_ARG(problem));
	return b;
}

static bool contains(const struct breach *b, const char *password)
{
	return breach_contains(b, secret_of(str_of(password)));
}

static void what_is_in_the_list_is_found(void **state)
{
	struct fixture *f = *state;
	struct breach *b;

	assert_int_equal(build(f, STR("123456\npassword\n\nqwerty\r\npassword\np\xc3\xa4ss\n")), 4);
	b = open_file(f);
	assert_int_equal(breach_count(b), 4);
	assert_true(contains(b, "123456"));
	assert_true(contains(b, "password"));
	assert_true(contains(b, "qwerty"));
	assert_true(contains(b, "p\xc3\xa4ss"));
	assert_false(contains(b, "Password"));
	assert_false(contains(b, "password "));
	assert_false(contains(b, ""));
	breach_close(&b);
	breach_close(&b);
}

/* As Have I Been Pwned has them; what only looks like one is a password. */
static void hashes_are_taken_as_such(void **state)
{
	struct fixture *f = *state;
	struct breach *b;

	assert_int_equal(build(f, STR("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9659365\n"
				      "7c4a8d09ca3762af61e59520943dc26494f8941b\n"
				      "b1b3773a05c0ed0176787a4f1574ff0075f7521\n"
				      "b1b3773a05c0ed0176787a4f1574ff0075f7521e;1\n")),
	    4);
	b = open_file(f);
	assert_true(contains(b, "password"));
	assert_true(contains(b, "123456"));
	assert_false(contains(b, "qwerty"));
	assert_true(contains(b, "b1b3773a05c0ed0176787a4f1574ff0075f7521"));
	breach_close(&b);
}

static void an_empty_list_holds_nothing(void **state)
{
	struct fixture *f = *state;
	struct breach *b;

	assert_int_equal(build(f, STR("\n")), 0);
	b = open_file(f);
	assert_false(contains(b, "password"));
	assert_false(contains(b, ""));
	breach_close(&b);
}

/* Sizes around those where the number of buckets doubles. */
static void lists_of_every_size(void **state)
{
	static const int sizes[] = { 1, 2, 31, 32, 33, 63, 64, 65, 1023, 1024, 5000 };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct breach *b;
		struct buf list;
		int wrong = 0;

		buf_init(&list, f->arena, 1 << 16);
		for (int n = 0; n < sizes[i]; n++)
			buf_printf(&list, "word %d\n", n);
		assert_int_equal(build(f, buf_str(&list)), sizes[i]);
		b = open_file(f);
		for (int n = 0; n < sizes[i]; n++)
			assert_true(contains(b, str_printf(f->arena, "word %d", n).ptr));
		for (int n = 0; n < 10000; n++)
			wrong += contains(b, str_printf(f->arena, "other %d", n).ptr);
		assert_in_range(wrong, 0, 1);
		breach_close(&b);
	}
}

static void assert_refused(struct fixture *f, const char *what)
{
	struct str problem = STR_NULL;
	struct breach *b = NULL;

	if (breach_open(f->arena, str_of(f->path), &b, &problem) != ERR_UNAVAILABLE)
		fail_msg("opened: %s", what);
	assert_null(b);
	assert_true(str_starts(problem, STR("password.breached_file: ")));
}

static void write_at(struct fixture *f, off_t at, const void *bytes, size_t n)
{
	int fd = open(f->path, O_WRONLY);

	assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

static void a_damaged_file_is_refused(void **state)
{
	static const struct {
		off_t at;
		uint8_t byte;
		const char *what;
	} rows[] = {
		{ 0, 'X', "magic" },
		{ 11, 39, "count" },
		{ 15, 29, "bucket bits" },
		{ 15, 2, "fewer buckets than there are" },
		{ 16, 1, "first bucket" },
		{ 20, 0xff, "a start behind the next one" },
		{ 24, 0xff, "the last start" },
	};
	struct fixture *f = *state;
	struct buf list;

	buf_init(&list, f->arena, 1024);
	for (int n = 0; n < 40; n++)
		buf_printf(&list, "word %d\n", n);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct breach *b;

		assert_int_equal(build(f, buf_str(&list)), 40);
		b = open_file(f);
		breach_close(&b);
		write_at(f, rows[i].at, &rows[i].byte, 1);
		assert_refused(f, rows[i].what);
	}
	assert_int_equal(build(f, buf_str(&list)), 40);
	assert_int_equal(truncate(f->path, 100), 0);
	assert_refused(f, "cut off");
	assert_int_equal(truncate(f->path, 0), 0);
	assert_refused(f, "empty");
	unlink(f->path);
	assert_refused(f, "missing");
}

static void what_cannot_be_written_is_said(void **state)
{
	struct breach_builder *b = breach_builder_new();

	(void)state;
	assert_int_equal(breach_builder_write(b, "/nonexistent/file"), -1);
	breach_builder_free(&b);
}

static void ten_thousand_stolen_ones_are_found(void **state)
{
	struct fixture *f = *state;
	struct str text =
	    corpus_read(f->arena, "breached-top1M/10_million_password_list_top_1M.txt");
	struct str rest = text, line;
	unsigned found = 0, wrong = 0;
	struct breach *b;

	assert_true(build(f, text) > 900000);
	b = open_file(f);
	while (found < 10000 && str_next_token(&rest, '\n', &line)) {
		if (str_utf8_length(line) < 8)
			continue;
		assert_true(breach_contains(b, secret_of(line)));
		found++;
	}
	assert_int_equal(found, 10000);
	for (int n = 0; n < 200000; n++) {
		char text_of_n[32];

		snprintf(text_of_n, sizeof(text_of_n), "not a stolen one %d", n);
		wrong += contains(b, text_of_n);
	}
	assert_in_range(wrong, 0, 4); /* one in 500,000 */
	breach_close(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_in_the_list_is_found),
		TEST(hashes_are_taken_as_such),
		TEST(an_empty_list_holds_nothing),
		TEST(lists_of_every_size),
		TEST(a_damaged_file_is_refused),
		TEST(what_cannot_be_written_is_said),
		TEST(ten_thousand_stolen_ones_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
