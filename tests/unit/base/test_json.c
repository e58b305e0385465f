#include "tests/unit/test.h"

#include <malloc.h>

#include "base/arena.h"
#include "base/json.h"

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(ARENA_WIPING, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const struct json *parse(const char *text)
{
	const struct json *v = NULL;

	assert_int_equal(json_parse(arena, str_of(text), &v), OK);
	return v;
}

static void assert_refused(struct str text)
{
	const struct json *v = NULL;
	enum err e = json_parse(arena, text, &v);

	if (e != ERR_MALFORMED_JSON)
		print_error("accepted: %.*s\n", STR_ARG(text));
	assert_int_equal(e, ERR_MALFORMED_JSON);
	assert_null(v);
}

static void every_type_is_told(void **state)
{
	(void)state;
	assert_int_equal(json_type(parse("null")), JSON_TYPE_NULL);
	assert_int_equal(json_type(parse("false")), JSON_TYPE_FALSE);
	assert_int_equal(json_type(parse(" true ")), JSON_TYPE_TRUE);
	assert_int_equal(json_type(parse("-7")), JSON_TYPE_INTEGER);
	assert_int_equal(json_type(parse("7.0")), JSON_TYPE_REAL);
	assert_int_equal(json_type(parse("7e0")), JSON_TYPE_REAL);
	assert_int_equal(json_type(parse("\"\"")), JSON_TYPE_STRING);
	assert_int_equal(json_type(parse("[]")), JSON_TYPE_ARRAY);
	assert_int_equal(json_type(parse("{}")), JSON_TYPE_OBJECT);
}

static void values_are_read(void **state)
{
	const struct json *v = parse("{\"s\":\"\\u00e9\\ud83d\\ude00\\u0000x\","
				     "\"i\":-9223372036854775808,\"r\":2.5,\"a\":[1,[]]}");
	const struct json *list = json_get(v, "a");

	(void)state;
	assert_bytes(json_string(json_get(v, "s")), STR("\xc3\xa9\xf0\x9f\x98\x80\0x"));
	assert_true(json_integer(json_get(v, "i")) == INT64_MIN);
	assert_true(json_real(json_get(v, "r")) == 2.5);
	assert_true(json_real(json_array_at(list, 0)) == 1.0);
	assert_int_equal(json_array_length(list), 2);
	assert_int_equal(json_type(json_array_at(list, 1)), JSON_TYPE_ARRAY);
}

static void the_wrong_type_reads_as_nothing(void **state)
{
	const struct json *number = parse("42"), *text = parse("\"x\"");

	(void)state;
	assert_int_equal(json_string(number).len, 0);
	assert_int_equal(json_integer(text), 0);
	assert_true(json_real(text) == 0.0);
	assert_int_equal(json_array_length(text), 0);
	assert_null(json_array_at(text, 0));
	assert_null(json_array_at(parse("[1]"), 1));
	assert_null(json_get(text, "x"));
	assert_null(json_get(parse("{\"x\":1}"), "y"));
	assert_int_equal(json_integer(parse("2.9")), 0);
}

static bool collect(void *arg, struct str name, const struct json *value)
{
	struct buf *b = arg;

	buf_printf(b, "%.*s=%lld;", STR_ARG(name), (long long)json_integer(value));
	return b->len < 12;
}

static void members_come_in_order(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, arena, 0);
	json_each_member(parse("{\"z\":1,\"a\":2,\"m\":3,\"never\":4}"), collect, &b);
	assert_str(buf_str(&b), "z=1;a=2;m=3;");
	json_each_member(parse("[]"), collect, &b);
	assert_str(buf_str(&b), "z=1;a=2;m=3;");
}

/* @depth opening brackets, a value, and as many closing ones. */
static struct str nested(size_t depth, const char *open, const char *close)
{
	struct buf b;

	buf_init(&b, arena, 0);
	for (size_t i = 0; i < depth; i++)
		buf_add(&b, str_of(open));
	buf_add_char(&b, '1');
	for (size_t i = 0; i < depth; i++)
		buf_add(&b, str_of(close));
	return buf_str(&b);
}

static void depth_is_bounded(void **state)
{
	const struct json *v;

	(void)state;
	assert_int_equal(json_parse(arena, nested(JSON_MAX_DEPTH, "[", "]"), &v), OK);
	assert_int_equal(json_parse(arena, nested(JSON_MAX_DEPTH, "{\"a\":", "}"), &v), OK);
	assert_refused(nested(JSON_MAX_DEPTH + 1, "[", "]"));
	assert_refused(nested(JSON_MAX_DEPTH + 1, "{\"a\":", "}"));
	assert_refused(nested(1000000, "[", ""));
	/* Neither breadth nor brackets in a string are depth. */
	assert_int_equal(json_parse(arena,
			     STR("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]"
				 ",[],[],[]]"),
			     &v),
	    OK);
	assert_int_equal(json_parse(arena, STR("\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[[\\\\\""), &v), OK);
}

static const char *const malformed[] = {
	"",
	" ",
	"nul",
	"[1,]",
	"[1 2]",
	"{\"a\":1,}",
	"{\"a\" 1}",
	"{a:1}",
	"{'a':1}",
	"01",
	"1.",
	".5",
	"+1",
	"- 1",
	"1e",
	"0x10",
	"NaN",
	"Infinity",
	"\"",
	"\"\\",
	"\"\\x\"",
	"\"\\u12\"",
	"\"a\nb\"",
	"\"\x01\"",
	"[",
	"]",
	"{",
	"}",
	"[1]]",
	"[}",
	"1 2",
	"{}{}",
	"[1]x",
	"/* */1",
	"1//",
	"\xef\xbb\xbf{}",
	/* members twice, also by different spellings */
	"{\"a\":1,\"a\":1}",
	"{\"a\":1,\"\\u0061\":2}",
	"[{\"b\":{\"a\":1,\"a\":2}}]",
	/* not UTF-8: stray, overlong, surrogate, beyond the last, cut short */
	"\"\x80\"",
	"\"\xc0\xaf\"",
	"\"\xed\xa0\x80\"",
	"\"\xf4\x90\x80\x80\"",
	"\"\xe2\x82\"",
	"{\"\xff\":1}",
	"\xff",
	/* surrogates alone */
	"\"\\ud800\"",
	"\"\\udc00\"",
	"\"\\ud800\\u0041\"",
	"\"\\ud800x\"",
	/* NUL in a name */
	"{\"\\u0000\":1}",
	"{\"role\\u0000x\":1}",
	/* numbers out of range */
	"9223372036854775808",
	"-9223372036854775809",
	"1e400",
	"-1e400",
};

static void malformed_texts_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++)
		assert_refused(str_of(malformed[i]));
	assert_refused(STR_NULL);
}

static void a_raw_nul_is_refused(void **state)
{
	static const struct str rows[] = {
		STR_INIT("1\0"),
		STR_INIT("\0"),
		STR_INIT("{}\0{\"role\":1}"),
		STR_INIT("[1,\0 2]"),
		STR_INIT("\"a\0b\""),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_refused(rows[i]);
}

/*
 * The linker sends every free(3) of our code through here (--wrap), where a block that still holds
 * the password has leaked it.
 */
#define PASSWORD "correct-horse-battery-staple"

static size_t freed, leaked;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
	if (p) {
		freed++;
		leaked += memmem(p, malloc_usable_size(p), PASSWORD, 20) != NULL;
	}
	__real_free(p);
}

static void what_is_freed_is_wiped(void **state)
{
	static const char *const texts[] = {
		"{\"password\":\"" PASSWORD "\"}",
		"{\"" PASSWORD "\":[\"" PASSWORD "\\u0021\",\"" PASSWORD "\"]}",
		"[\"" PASSWORD "\", oops]",
		"{\"password\":\"" PASSWORD "\\",
	};
	struct arena *bodies = arena_new(ARENA_WIPING, 0);
	const struct json *v;
	size_t parsed = 0;

	(void)state;
	freed = leaked = 0;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		parsed += json_parse(bodies, str_dup(bodies, str_of(texts[i])), &v) == OK;
	arena_free(&bodies);
	assert_int_equal(parsed, 2);
	assert_true(freed > 10);
	assert_int_equal(leaked, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_told),
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(the_wrong_type_reads_as_nothing),
		cmocka_unit_test(members_come_in_order),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(malformed_texts_are_refused),
		cmocka_unit_test(a_raw_nul_is_refused),
		cmocka_unit_test(what_is_freed_is_wiped),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
