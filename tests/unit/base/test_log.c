#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#define MAX_LINE 4096 /* PIPE_BUF: what a pipe takes at once */

static struct arena *arena;
static int fd;

static int64_t fixed_wall(void)
{
	return 1795292100123456;
}

static int set_up(void **state)
{
	static struct world fixed;

	(void)state;
	fixed = world_real;
	fixed.wall_us = fixed_wall;
	world = &fixed;
	arena = arena_new(ARENA_PLAIN, 0);
	fd = memfd_create("log", 0);
	return fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(fd);
	arena_free(&arena);
	world = &world_real;
	return 0;
}

static void log_to(enum log_format format, enum log_level level)
{
	log_init(&(struct log_config){ .format = format, .level = level, .fd = fd });
}

/* What has been logged since the last call. */
static struct str logged(void)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = arena_alloc(arena, (size_t)size + 1);

	assert_int_equal(pread(fd, text, (size_t)size, 0), size);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return str_bytes(text, (size_t)size);
}

static const struct log_field fields[] = {
	{ .name = "request_id", .kind = LOG_STR, .s = STR_INIT("7f3a") },
	{ .name = "nothing", .kind = LOG_STR },
	{ .name = "agent", .kind = LOG_STR, .s = STR_INIT("curl \"7\"") },
	{ .name = "status", .kind = LOG_I64, .i = -401 },
	{ .name = "known", .kind = LOG_BOOL, .i = 1 },
};

static void text_lines(void **state)
{
	(void)state;
	log_to(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_WARNING, "SYNC LOGIN", "refused", fields, ARRAY_LEN(fields));
	assert_str(logged(), "2026-11-21T20:15:00.123456Z warning [SYNC LOGIN] refused "
			     "request_id=7f3a agent=\"curl \\\"7\\\"\" status=-401 known=true\n");
	log_event(LOG_LEVEL_INFO, NULL, "listening", NULL, 0);
	assert_str(logged(), "2026-11-21T20:15:00.123456Z info listening\n");
}

static void json_lines(void **state)
{
	(void)state;
	log_to(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_ERROR, "ASYNC LOGIN", "failed", fields, ARRAY_LEN(fields));
	assert_str(logged(),
	    "{\"time\":\"2026-11-21T20:15:00.123456Z\",\"level\":\"error\","
	    "\"tag\":\"ASYNC LOGIN\",\"message\":\"failed\",\"request_id\":\"7f3a\","
	    "\"agent\":\"curl \\\"7\\\"\",\"status\":-401,\"known\":true}\n");
	log_info("%d of %s", 3, "\"x\"");
	assert_str(logged(), "{\"time\":\"2026-11-21T20:15:00.123456Z\",\"level\":\"info\","
			     "\"message\":\"3 of \\\"x\\\"\"}\n");
}

static void quiet_levels_are_dropped(void **state)
{
	(void)state;
	log_to(LOG_FORMAT_TEXT, LOG_LEVEL_WARNING);
	log_debug("no");
	log_info("no");
	log_event(LOG_LEVEL_INFO, NULL, "no", NULL, 0);
	assert_str(logged(), "");
	log_warning("yes");
	log_error("yes");
	assert_str(logged(), "2026-11-21T20:15:00.123456Z warning yes\n"
			     "2026-11-21T20:15:00.123456Z error yes\n");
	log_to(LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
	log_debug("yes");
	assert_str(logged(), "2026-11-21T20:15:00.123456Z debug yes\n");
}

/* A new line, colours, a line separator, C1 CSI, and a byte that is no UTF-8. */
#define HOSTILE "x\n2026 error\x1b[31m\xe2\x80\xa8\xc2\x9b\xffz\\"

static void clients_cannot_forge_a_line(void **state)
{
	const struct log_field field = LOG_FIELD_STR("agent", STR(HOSTILE));

	(void)state;
	log_to(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, "A\nB", HOSTILE, &field, 1);
	assert_str(logged(), "2026-11-21T20:15:00.123456Z info [A\\u000aB] "
			     "x\\u000a2026 error\\u001b[31m\\u2028\\u009b\\ufffdz\\\\ "
			     "agent=\"x\\u000a2026 error\\u001b[31m\\u2028\\u009b\\ufffdz\\\\\"\n");
}

static void direction_marks_are_shown(void **state)
{
	/* U+202E, byte by byte: no compiler likes to see it in a source. */
	const char override[] = { (char)0xe2, (char)0x80, (char)0xae, '\0' };

	(void)state;
	log_to(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, NULL, override, NULL, 0);
	assert_str(logged(), "2026-11-21T20:15:00.123456Z info \\u202e\n");
}

static void a_value_cannot_pose_as_fields(void **state)
{
	const struct log_field field = LOG_FIELD_STR("id", STR("1 status=200"));

	(void)state;
	log_to(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, NULL, "x", &field, 1);
	assert_str(logged(), "2026-11-21T20:15:00.123456Z info x id=\"1 status=200\"\n");
}

/* One line, closed by a new line, nothing a terminal acts upon, UTF-8; JSON if it is to be. */
static void assert_sane(struct str line, enum log_format format)
{
	const struct json *v;

	assert_in_range(line.len, 1, MAX_LINE);
	assert_int_equal(str_find(line, '\n'), line.len - 1);
	assert_true(str_utf8_valid(line));
	for (size_t i = 0; i < line.len - 1; i++)
		assert_true((uint8_t)line.ptr[i] >= ' ' && line.ptr[i] != 0x7f);
	if (format == LOG_FORMAT_JSON)
		assert_int_equal(json_parse(arena, line, &v), OK);
}

static void any_bytes_make_sane_lines(void **state)
{
	char bytes[700];

	(void)state;
	for (int round = 0; round < 400; round++) {
		enum log_format format = round % 2 ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
		struct log_field many[12];

		random_bytes(bytes, sizeof(bytes));
		bytes[sizeof(bytes) - 1] = '\0';
		for (size_t i = 0; i < ARRAY_LEN(many); i++)
			many[i] = LOG_FIELD_STR("f", str_bytes(bytes + i, random_below(600)));
		for (size_t i = 0; format == LOG_FORMAT_JSON && i < ARRAY_LEN(many); i++)
			many[i].name = (const char *[]){ "a", "b", "c", "d", "e", "f", "g", "h",
				"i", "j", "k", "l" }[i];
		log_to(format, LOG_LEVEL_INFO);
		log_event(LOG_LEVEL_INFO, bytes, bytes, many, random_below(ARRAY_LEN(many)));
		assert_sane(logged(), format);
	}
}

static void long_lines_are_cut_and_say_so(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i" };
	struct log_field many[ARRAY_LEN(names)];
	char value[3000];
	struct str line;

	(void)state;
	memset(value, '"', sizeof(value)); /* each takes two bytes */
	value[sizeof(value) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = LOG_FIELD_STR(names[i], str_bytes(value, 600));
	log_to(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, NULL, value, many, ARRAY_LEN(many));
	line = logged();
	assert_sane(line, LOG_FORMAT_JSON);
	assert_true(str_ends(line, STR("...\",\"truncated\":true}\n")));
	log_to(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, NULL, value, many, ARRAY_LEN(many));
	assert_true(str_ends(logged(), STR("...\" truncated=true\n")));
	memset(value, 'v', 600); /* would need no quotes, were it shorter */
	log_event(LOG_LEVEL_INFO, NULL, "x", many, 1);
	line = logged();
	assert_true(str_ends(line, STR("vvv...\"\n")));
	assert_in_range(line.len, 512, 600);
}

static void a_log_that_is_gone_is_no_failure(void **state)
{
	(void)state;
	log_init(&(struct log_config){ LOG_FORMAT_TEXT, LOG_LEVEL_INFO, -1 });
	errno = 42;
	log_error("nobody hears this");
	assert_int_equal(errno, 42);
}

static void die_aloud(void *arg)
{
	(void)arg;
	log_to(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	die("cannot be %s", "here");
}

static void dying_leaves_a_line(void **state)
{
	(void)state;
	assert_true(aborts(die_aloud, NULL));
	assert_str(logged(), "2026-11-21T20:15:00.123456Z error cannot be here\n");
}

#define WRITERS 4
#define LINES 200

static void *write_lines(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_event(LOG_LEVEL_INFO, NULL, arg, fields, ARRAY_LEN(fields));
	return NULL;
}

/* Into a pipe, where two writes for one line would mix with another thread's. */
static void lines_of_threads_do_not_mix(void **state)
{
	static char long_text[1001];
	pthread_t threads[WRITERS];
	size_t lines = 0, len = 0;
	char *line = NULL;
	FILE *in;
	int ends[2];

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	log_init(&(struct log_config){ LOG_FORMAT_JSON, LOG_LEVEL_INFO, ends[1] });
	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, long_text), 0);
	in = fdopen(ends[0], "r");
	assert_non_null(in);
	for (; lines < (size_t)WRITERS * LINES; lines++) {
		ssize_t n = getline(&line, &len, in);

		assert_true(n > 0);
		assert_sane(str_bytes(line, (size_t)n), LOG_FORMAT_JSON);
	}
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	free(line);
	fclose(in);
	close(ends[1]);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(text_lines),
		TEST(json_lines),
		TEST(quiet_levels_are_dropped),
		TEST(clients_cannot_forge_a_line),
		TEST(direction_marks_are_shown),
		TEST(a_value_cannot_pose_as_fields),
		TEST(any_bytes_make_sane_lines),
		TEST(long_lines_are_cut_and_say_so),
		TEST(a_log_that_is_gone_is_no_failure),
		TEST(dying_leaves_a_line),
		TEST(lines_of_threads_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
