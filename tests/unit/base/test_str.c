#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

static void equality(void **state)
{
	(void)state;
	assert_true(str_eq(STR(""), STR_NULL));
	assert_true(str_eq(STR("a\0b"), STR("a\0b")));
	assert_false(str_eq(STR("a\0b"), STR("a\0c")));
	assert_false(str_eq(STR("ab"), STR("abc")));
	assert_true(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
	assert_false(str_eq_nocase(STR("[@`{"), STR("{`@[")));
	assert_false(str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4"))); /* only ASCII folds */
}

static void prefixes_and_suffixes(void **state)
{
	(void)state;
	assert_true(str_starts(STR("Bearer x"), STR("Bearer ")));
	assert_false(str_starts(STR("Bear"), STR("Bearer ")));
	assert_true(str_starts(STR_NULL, STR("")));
	assert_true(str_ends(STR("a.sql"), STR(".sql")));
	assert_false(str_ends(STR("sql"), STR(".sql")));
	assert_true(str_ends(STR_NULL, STR("")));
}

static void finding(void **state)
{
	(void)state;
	assert_int_equal(str_find(STR("a@b@c"), '@'), 1);
	assert_int_equal(str_find_last(STR("a@b@c"), '@'), 3);
	assert_int_equal(str_find(STR("abc"), '@'), -1);
	assert_int_equal(str_find_last(STR_NULL, '@'), -1);
	assert_int_equal(str_find(STR_NULL, '@'), -1);
}

static void cutting(void **state)
{
	(void)state;
	assert_str(str_from(STR("abc"), 1), "bc");
	assert_str(str_from(STR("abc"), 3), "");
	assert_str(str_from(STR("abc"), SIZE_MAX), "");
	assert_str(str_upto(STR("abc"), 2), "ab");
	assert_str(str_upto(STR("abc"), SIZE_MAX), "abc");
	assert_str(str_trim(STR(" \t a b\t ")), "a b");
	assert_str(str_trim(STR(" \t ")), "");
	assert_str(str_trim(STR("\na\n")), "\na\n");
	assert_true(str_blank(STR(" \t\r\n\v\f")));
	assert_true(str_blank(STR_NULL));
	assert_false(str_blank(STR(" x ")));
	assert_false(str_blank(STR("\0")));
}

static void tokens(void **state)
{
	static const struct {
		const char *text;
		const char *pieces[5];
	} rows[] = {
		{ "a.b.c", { "a", "b", "c" } },
		{ "", { NULL } },
		{ "abc", { "abc" } },
		{ "a..b", { "a", "", "b" } },
		{ ".a", { "", "a" } },
		{ "a.", { "a" } },
		{ "..", { "", "" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str rest = str_of(rows[i].text), piece;

		for (const char *const *p = rows[i].pieces; *p; p++) {
			assert_true(str_next_token(&rest, '.', &piece));
			assert_str(piece, *p);
		}
		assert_false(str_next_token(&rest, '.', &piece));
	}
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} rows[] = {
		{ "0", true, 0 }, { "-0", true, 0 }, { "007", true, 7 }, { "-15", true, -15 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN }, { "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 }, { "99999999999999999999", false, 0 },
		{ "", false, 0 }, { "-", false, 0 }, { "+1", false, 0 }, { "--1", false, 0 },
		{ " 1", false, 0 }, { "1 ", false, 0 }, { "1a", false, 0 }, { "0x1", false, 0 },
		{ "\xd9\xa1", false, 0 }, /* a digit, but not ours */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t n = 42;

		assert_int_equal(str_to_i64(str_of(rows[i].text), &n), rows[i].ok);
		assert_int_equal(n, rows[i].ok ? rows[i].value : 42);
	}
	assert_false(str_to_i64(STR("1\0"), &(int64_t){ 0 }));
}

static size_t put_utf8(uint32_t c, char out[4])
{
	static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(leads[n] | c);
	return n;
}

static void every_code_point_is_read(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x1fffff; c++) {
		bool valid = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
		char bytes[4];
		struct str s = { bytes, put_utf8(c, bytes) };
		uint32_t got = 0;

		assert_int_equal(str_utf8_next(s, &got), valid ? s.len : 0);
		assert_int_equal(got, valid ? c : 0);
		assert_int_equal(str_utf8_valid(s), valid);
		if (valid)
			assert_int_equal(str_utf8_length(s), 1);
		if (s.len > 1)
			assert_false(str_utf8_valid(str_upto(s, s.len - 1)));
	}
}

/* Every other way to begin two, three or four bytes must be refused: counted, not listed. */
static void nothing_else_is_utf8(void **state)
{
	size_t found[5] = { 0 };
	char bytes[4] = { 0, 0, 0, (char)0x80 };
	uint32_t ignored;

	(void)state;
	for (uint32_t i = 0; i < 1u << 24; i += i < 0xc00000 ? 0x10000 : 1) {
		bytes[0] = (char)(i >> 16);
		bytes[1] = (char)(i >> 8);
		bytes[2] = (char)i;
		found[str_utf8_next((struct str){ bytes, 4 }, &ignored)]++;
	}
	assert_int_equal(found[1], 128);
	assert_int_equal(found[2], 0x780 * 256); /* any third byte */
	assert_int_equal(found[3], 0x10000 - 0x800 - 0x800);
	assert_int_equal(found[4], 0x100000 / 64); /* one fourth byte of 64 */
}

static void length_counts_code_points(void **state)
{
	(void)state;
	assert_int_equal(str_utf8_length(STR("Ad\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")), 5);
	assert_int_equal(str_utf8_length(STR_NULL), 0);
	assert_true(str_utf8_valid(STR_NULL));
	assert_true(str_utf8_valid(STR("a\0b")));
	assert_false(str_utf8_valid(STR("ok\xff")));
}

static void zero_random(void *p, size_t n)
{
	memset(p, 0, n);
}

/* The values are Python's, which hashes bytes with SipHash-1-3 as well: PYTHONHASHSEED=0. */
static void hash_is_siphash_1_3(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} rows[] = {
		{ 1, 0x68a914128e01e473 },
		{ 3, 0x4d4c9a4a8ef6e0ad },
		{ 7, 0x2f098ab0c751325a },
		{ 8, 0xead411e67ebe2eea },
		{ 9, 0x75927f9d95124362 },
		{ 15, 0xf30eb725bb91c9ea },
		{ 16, 0x8972188433a5c5b7 },
		{ 63, 0x385d3e39e5f37359 },
	};
	struct world zero = world_real;
	uint8_t bytes[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	zero.random = zero_random;
	world = &zero;
	str_hash(STR("the key is drawn here"));
	world = &world_real;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(str_hash(str_bytes(bytes, rows[i].len)) == rows[i].hash);
	assert_true(str_hash(STR_NULL) == str_hash(STR("")));
}

static void copies(void **state)
{
	struct arena *a = arena_new(ARENA_PLAIN, 64);
	struct str s = str_dup(a, STR("a\0b"));

	(void)state;
	assert_bytes(s, STR("a\0b"));
	assert_int_equal(s.ptr[3], 0);
	assert_string_equal(str_cstr(a, STR("abc")), "abc");
	assert_string_equal(str_cstr(a, STR_NULL), "");
	assert_str(str_lower(a, STR("ADA@[\xc3\x84")), "ada@[\xc3\x84");
	s = str_printf(a, "%s %d%c", "x", 42, '!');
	assert_str(s, "x 42!");
	assert_int_equal(s.ptr[s.len], 0);
	arena_free(&a);
}

static void a_buf_grows(void **state)
{
	struct arena *a = arena_new(ARENA_PLAIN, 0);

	(void)state;
	for (size_t cap = 0; cap < 20; cap++) {
		struct str text;
		struct buf b;

		buf_init(&b, a, cap);
		for (int i = 0; i < 100; i++) {
			buf_add(&b, STR("ab"));
			buf_add_char(&b, '-');
			buf_add(&b, STR_NULL);
			buf_printf(&b, "%d;", i % 10);
		}
		text = buf_str(&b);
		assert_int_equal(text.len, 500);
		for (size_t i = 0; i < 100; i++, text = str_from(text, 5)) {
			char piece[] = "ab-0;";

			piece[3] = (char)('0' + i % 10);
			assert_str(str_upto(text, 5), piece);
		}
	}
	arena_free(&a);
}

static void reserved_room_keeps_what_was_written(void **state)
{
	struct arena *a = arena_new(ARENA_PLAIN, 0);
	struct buf b;

	(void)state;
	buf_init(&b, a, 0);
	buf_add(&b, STR("head"));
	memset(buf_reserve(&b, 1000), 'x', 1000);
	b.len += 1000;
	assert_str(str_upto(buf_str(&b), 5), "headx");
	assert_int_equal(buf_str(&b).len, 1004);
	arena_free(&a);
}

static void reserve_too_much(void *buf)
{
	buf_reserve(buf, SIZE_MAX);
}

static void an_impossible_buf_aborts(void **state)
{
	struct arena *a = arena_new(ARENA_PLAIN, 0);
	struct buf b;

	(void)state;
	buf_init(&b, a, 0);
	buf_add(&b, STR("head"));
	assert_true(aborts(reserve_too_much, &b));
	arena_free(&a);
}

/* Every byte at every place of a long text: words of eight and what is left of them agree. */
static void plain_text_ends_where_it_must(void **state)
{
	char text[37];

	(void)state;
	for (int c = 0; c < 256; c++) {
		bool plain = c >= ' ' && c <= '~' && c != '"' && c != '\\';

		for (size_t at = 0; at < sizeof(text); at++) {
			memset(text, at % 2 ? '~' : ' ', sizeof(text));
			text[at] = (char)c;
			assert_int_equal(str_plain_span(str_bytes(text, sizeof(text))),
			    plain ? sizeof(text) : at);
		}
	}
	assert_int_equal(str_plain_span(STR("")), 0);
}

static void numbers_are_written(void **state)
{
	static const int64_t numbers[] = { 0, 7, -7, 10, 99, 100, -1000, 1795303627, INT64_MAX,
		INT64_MIN };
	char room[I64_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		char expected[32];

		snprintf(expected, sizeof(expected), "%lld", (long long)numbers[i]);
		assert_str(i64_str(numbers[i], room), expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_siphash_1_3), /* first: it chooses the key */
		cmocka_unit_test(equality),
		cmocka_unit_test(prefixes_and_suffixes),
		cmocka_unit_test(finding),
		cmocka_unit_test(cutting),
		cmocka_unit_test(tokens),
		cmocka_unit_test(numbers),
		cmocka_unit_test(every_code_point_is_read),
		cmocka_unit_test(nothing_else_is_utf8),
		cmocka_unit_test(length_counts_code_points),
		cmocka_unit_test(copies),
		cmocka_unit_test(a_buf_grows),
		cmocka_unit_test(reserved_room_keeps_what_was_written),
		cmocka_unit_test(an_impossible_buf_aborts),
		cmocka_unit_test(plain_text_ends_where_it_must),
		cmocka_unit_test(numbers_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
