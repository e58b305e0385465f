#include "tests/unit/test.h"

#include <pthread.h>

#include "base/clock.h"

static bool parse(const char *text, int64_t *ret)
{
	return time_parse(text, strlen(text), ret);
}

static void times_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} rows[] = {
		{ "1970-01-01T00:00:00.000000Z", 0 },
		{ "2026-11-21T20:15:00.123456Z", 1795292100123456 },
		{ "2000-02-29T23:59:59.999999Z", 951868799999999 },
		{ "1969-12-31T23:59:59.999999Z", -1 },
		{ "1900-02-28T00:00:00.000000Z", -2203977600000000 },
		{ "0000-01-01T00:00:00.000000Z", -62167219200000000 },
		{ "9999-12-31T23:59:59.999999Z", 253402300799999999 },
	};
	char text[TIME_TEXT_SIZE];
	int64_t us;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		time_format(rows[i].us, text);
		assert_string_equal(text, rows[i].text);
		assert_true(parse(rows[i].text, &us));
		assert_int_equal(us, rows[i].us);
	}
}

static void other_spellings_are_read(void **state)
{
	static const struct {
		const char *text, *same;
	} rows[] = {
		{ "1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520000Z" }, /* RFC 3339 5.8 */
		{ "1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57.000000Z" },
		{ "1990-12-31T23:59:60Z", "1991-01-01T00:00:00.000000Z" },
		{ "1990-12-31T15:59:60.5-08:00", "1991-01-01T00:00:00.500000Z" },
		{ "1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870000Z" },
		{ "2026-01-01t00:00:00z", "2026-01-01T00:00:00.000000Z" },
		{ "2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00.000000Z" },
		{ "2026-01-01T00:00:00.1234567899Z", "2026-01-01T00:00:00.123456Z" },
		{ "2026-03-01T00:00:00+23:59", "2026-02-28T00:01:00.000000Z" },
	};
	char text[TIME_TEXT_SIZE];
	int64_t us;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(parse(rows[i].text, &us));
		time_format(us, text);
		assert_string_equal(text, rows[i].same);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"2026",
		"2026-11-21",
		"2026-11-21T20:15:00",
		"2026-11-21 20:15:00Z",
		"2026-11-21T20:15Z",
		"2026-11-21T20:15:00.Z",
		"2026-11-21T20:15:00,5Z",
		"2026-11-21T20:15:00ZZ",
		"2026-11-21T20:15:00 Z",
		" 2026-11-21T20:15:00Z",
		"2026-00-21T20:15:00Z",
		"2026-13-21T20:15:00Z",
		"2026-11-00T20:15:00Z",
		"2026-11-31T20:15:00Z",
		"2026-02-29T20:15:00Z",
		"1900-02-29T20:15:00Z",
		"2026-11-21T24:00:00Z",
		"2026-11-21T20:60:00Z",
		"2026-11-21T20:15:61Z",
		"2026-11-21T20:15:60Z",
		"2026-11-21T23:59:60Z",
		"2026-11-30T23:59:60+01:00",
		"2026-11-21T20:15:00+24:00",
		"2026-11-21T20:15:00+01:60",
		"2026-11-21T20:15:00+0100",
		"2026-11-21T20:15:00+1:00",
		"2026-11-21T20:15:00+",
		"-026-11-21T20:15:00Z",
		"2026--1-21T20:15:00Z",
		"26-11-21T20:15:00Z",
		"2026-11-21T20:15:00.-1Z",
		"12026-11-21T20:15:00Z",
		"2026-1-21T20:15:00Z",
	};
	int64_t us = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (parse(rows[i], &us))
			print_error("taken for a time: %s\n", rows[i]);
		assert_int_equal(us, 42);
	}
	assert_false(time_parse(NULL, 0, &us));
	assert_false(time_parse("2026-11-21T20:15:00Z\0", 21, &us));
}

/* libc's calendar is the judge, over all the years of RFC 3339 and every end of February. */
static void assert_same_as_libc(int64_t us)
{
	int64_t second = us / US_PER_S - (us % US_PER_S < 0);
	char text[TIME_TEXT_SIZE], expected[TIME_TEXT_SIZE];
	struct tm tm;
	int64_t back = 0;

	assert_non_null(gmtime_r(&second, &tm));
	time_http(us, text);
	assert_true(strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
	if (tm.tm_year + 1900 >= 1000) /* strftime does not pad the years before */
		assert_string_equal(text, expected);
	time_format(us, text);
	assert_int_equal(tm.tm_mday, (text[8] - '0') * 10 + text[9] - '0');
	assert_int_equal(tm.tm_mon + 1, (text[5] - '0') * 10 + text[6] - '0');
	assert_true(parse(text, &back));
	assert_int_equal(back, us);
}

static void every_year_agrees_with_libc(void **state)
{
	int64_t first = -62167219200 * US_PER_S, end = 253402300800 * US_PER_S, us;
	char text[] = "0000-02-28T23:59:59.999999Z";

	(void)state;
	for (us = first; us < end; us += 37 * US_PER_DAY + 12345678901)
		assert_same_as_libc(us);
	for (int year = 0; year <= 9999; year++) {
		for (int i = 3, y = year; i >= 0; i--, y /= 10)
			text[i] = (char)('0' + y % 10);
		assert_true(parse(text, &us));
		assert_same_as_libc(us);
		assert_same_as_libc(us + 1);
		assert_same_as_libc(us + 1 + US_PER_DAY);
	}
}

static void times_out_of_range_are_clamped(void **state)
{
	char text[TIME_TEXT_SIZE];

	(void)state;
	time_format(NEVER_US, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
	time_format(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00.000000Z");
	time_http(NEVER_US, text);
	assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void http_dates_are_written(void **state)
{
	char text[TIME_TEXT_SIZE];

	(void)state;
	time_http(784111777 * US_PER_S + 999999, text); /* RFC 9110 5.6.7 */
	assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
	time_http(0, text);
	assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}

static void real_clocks_run(void **state)
{
	int64_t mono = now_mono_us(), wall = now_wall_us();

	(void)state;
	assert_true(wall > 1700000000 * US_PER_S);
	assert_true(now_mono_us() >= mono);
}

/* Stands in for the kernel: hands out what the test wrote down. */
static const uint32_t *script;

static void scripted_random(void *p, size_t n)
{
	assert_int_equal(n, sizeof(*script));
	memcpy(p, script++, n);
}

static void below_has_no_bias(void **state)
{
	static const uint32_t values[] = { 0, 1, 5, 3, 4, UINT32_MAX, 7 };
	struct world scripted = world_real;

	(void)state;
	scripted.random = scripted_random;
	world = &scripted;
	script = values;
	assert_int_equal(random_below(3), 1); /* 2^32 = 3k + 1: one value too many, 0 */
	assert_int_equal(random_below(6), 5); /* four too many: 0 to 3 */
	assert_int_equal(random_below(6), 4);
	assert_int_equal(random_below(UINT32_MAX), 0); /* 2^32 - 1 itself wraps */
	assert_int_equal(random_below(1), 0);
	assert_ptr_equal(script, values + ARRAY_LEN(values));
	world = &world_real;
	for (int i = 0; i < 1000; i++)
		assert_true(random_below(10) < 10);
}

#define DRAWS 2000

static void *draw(void *out)
{
	uint64_t *values = out;

	for (size_t i = 0; i < DRAWS; i++)
		random_bytes(&values[i], sizeof(values[i]));
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint64_t));
}

static void threads_draw_different_bytes(void **state)
{
	static uint64_t values[4][DRAWS];
	pthread_t threads[4];
	uint64_t *all = values[0];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, draw, values[i]), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	qsort(all, sizeof(values) / sizeof(*all), sizeof(*all), compare);
	for (size_t i = 1; i < sizeof(values) / sizeof(*all); i++)
		assert_true(all[i - 1] != all[i]);
}

/* Also the long reads, which go to the kernel directly: no byte may stay as it was. */
static void every_byte_is_drawn(void **state)
{
	static const size_t sizes[] = { 1, 16, 63, 64, 65, 300, 2000 };
	uint8_t bytes[2000], seen[2000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		memset(seen, 0, sizeof(seen));
		for (int round = 0; round < 16; round++) {
			memset(bytes, 0, sizeof(bytes));
			random_bytes(bytes, sizes[i]);
			for (size_t k = 0; k < sizeof(bytes); k++)
				seen[k] |= bytes[k];
		}
		for (size_t k = 0; k < sizeof(seen); k++)
			assert_int_equal(seen[k] != 0, k < sizes[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read_and_written),
		cmocka_unit_test(other_spellings_are_read),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(every_year_agrees_with_libc),
		cmocka_unit_test(times_out_of_range_are_clamped),
		cmocka_unit_test(http_dates_are_written),
		cmocka_unit_test(real_clocks_run),
		cmocka_unit_test(below_has_no_bias),
		cmocka_unit_test(threads_draw_different_bytes),
		cmocka_unit_test(every_byte_is_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
