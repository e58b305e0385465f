#include "tests/unit/test.h"

#include <float.h>
#include <math.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"

static struct arena *arena;
static struct buf out;
static struct json_writer w;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(ARENA_PLAIN, 0);
	buf_init(&out, arena, 0);
	json_writer_init(&w, &out);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void commas_stand_where_they_are_due(void **state)
{
	(void)state;
	json_begin_object(&w);
	json_member_str(&w, STR("a"), STR("b"));
	json_member_i64(&w, STR("n"), INT64_MIN);
	json_member_bool(&w, STR("t"), true);
	json_key(&w, STR("list"));
	json_begin_array(&w);
	json_begin_array(&w);
	json_end_array(&w);
	json_begin_object(&w);
	json_end_object(&w);
	json_write_null(&w);
	json_write_raw(&w, STR("{\"raw\":1}"));
	json_write_bool(&w, false);
	json_end_array(&w);
	json_key(&w, STR("o"));
	json_begin_object(&w);
	json_member_i64(&w, STR("x"), 1);
	json_end_object(&w);
	json_member_i64(&w, STR("last"), 0);
	json_end_object(&w);
	assert_str(buf_str(&out),
	    "{\"a\":\"b\",\"n\":-9223372036854775808,\"t\":true,"
	    "\"list\":[[],{},null,{\"raw\":1},false],\"o\":{\"x\":1},\"last\":0}");
}

static void strings_are_escaped(void **state)
{
	static const struct {
		struct str in;
		const char *out;
	} rows[] = {
		{ STR_INIT(""), "\"\"" },
		{ STR_INIT("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"" },
		{ STR_INIT("\b\t\n\f\r"), "\"\\b\\t\\n\\f\\r\"" },
		{ STR_INIT("\x01\x1b\x1f\x7f"), "\"\\u0001\\u001b\\u001f\\u007f\"" },
		{ STR_INIT("a\0b"), "\"a\\u0000b\"" },
		{ STR_INIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
		    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		/* not UTF-8 */
		{ STR_INIT("a\xff"
			   "b\xc3"),
		    "\"a\xef\xbf\xbd"
		    "b\xef\xbf\xbd\"" },
		{ STR_INIT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		out.len = 0;
		json_writer_init(&w, &out);
		json_write_str(&w, rows[i].in);
		assert_str(buf_str(&out), rows[i].out);
	}
	out.len = 0;
	json_writer_init(&w, &out);
	json_begin_object(&w);
	json_member_str(&w, STR("k\"\n"), STR_NULL);
	json_end_object(&w);
	assert_str(buf_str(&out), "{\"k\\\"\\n\":\"\"}");
}

static void reals_come_back_the_same(void **state)
{
	static const struct {
		double in;
		const char *out;
	} rows[] = {
		{ 0.0, "0.0" },
		{ -0.0, "-0.0" },
		{ 1.0, "1.0" },
		{ 0.1, "0.1" },
		{ 2.5e-8, "2.5e-08" },
		{ 1e300, "1e+300" },
		{ DBL_MAX, "1.7976931348623157e+308" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ HUGE_VAL, "null" },
		{ -HUGE_VAL, "null" },
		{ (double)NAN, "null" },
	};
	const struct json *v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		out.len = 0;
		json_writer_init(&w, &out);
		json_write_real(&w, rows[i].in);
		assert_str(buf_str(&out), rows[i].out);
		assert_int_equal(json_parse(arena, buf_str(&out), &v), OK);
		if (isfinite(rows[i].in)) {
			assert_int_equal(json_type(v), JSON_TYPE_REAL);
			assert_true(json_real(v) == rows[i].in);
		}
	}
}

static void a_parsed_tree_is_written_back(void **state)
{
	struct str text =
	    STR("{\"z\":[1,-2.5,\"x\\u0000\\n\",null,true,false,{}],\"a\":{\"b\":[[]]}}");
	const struct json *v;

	(void)state;
	assert_int_equal(json_parse(arena, text, &v), OK);
	json_write_value(&w, v);
	assert_bytes(buf_str(&out), text);
}

/* Whatever bytes go in, what comes out is JSON; and the same bytes if they were UTF-8. */
static void any_bytes_make_valid_json(void **state)
{
	(void)state;
	for (int round = 0; round < 2000; round++) {
		char bytes[32];
		struct str in = { bytes, random_below(sizeof(bytes)) };
		const struct json *v;

		random_bytes(bytes, sizeof(bytes));
		out.len = 0;
		json_writer_init(&w, &out);
		json_write_str(&w, in);
		assert_int_equal(json_parse(arena, buf_str(&out), &v), OK);
		if (str_utf8_valid(in))
			assert_bytes(json_string(v), in);
	}
}

static void key_twice(void *arg)
{
	(void)arg;
	json_begin_object(&w);
	json_key(&w, STR("a"));
	json_key(&w, STR("b"));
}

static void end_too_often(void *arg)
{
	(void)arg;
	json_end_array(&w);
}

static void too_deep(void *arg)
{
	(void)arg;
	for (int i = 0; i < 32; i++)
		json_begin_array(&w);
}

static void misuse_aborts(void **state)
{
	(void)state;
	assert_true(aborts(key_twice, NULL));
	assert_true(aborts(end_too_often, NULL));
	assert_true(aborts(too_deep, NULL));
	for (int i = 0; i < 31; i++)
		json_begin_array(&w);
	for (int i = 0; i < 31; i++)
		json_end_array(&w);
	assert_int_equal(buf_str(&out).len, 62);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commas_stand_where_they_are_due, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strings_are_escaped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reals_come_back_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_parsed_tree_is_written_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(any_bytes_make_valid_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(misuse_aborts, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
