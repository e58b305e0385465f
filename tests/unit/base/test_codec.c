#include "tests/unit/test.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/codec.h"

struct vector {
	const char *bytes, *base64, *base64url, *hex;
};

static const struct vector vectors[] = {
	/* RFC 4648 10 */
	{ "", "", "", "" },
	{ "f", "Zg==", "Zg", "66" },
	{ "fo", "Zm8=", "Zm8", "666f" },
	{ "foo", "Zm9v", "Zm9v", "666f6f" },
	{ "foob", "Zm9vYg==", "Zm9vYg", "666f6f62" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE", "666f6f6261" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy", "666f6f626172" },
	{ "\xfb\xff\xbf", "+/+/", "-_-_", "fbffbf" },
};

static int set_up(void **state)
{
	*state = arena_new(ARENA_PLAIN, 0);
	return 0;
}

static int tear_down(void **state)
{
	struct arena *a = *state;

	arena_free(&a);
	return 0;
}

static void vectors_hold_both_ways(void **state)
{
	struct arena *a = *state;
	struct str out;

	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		const struct vector *v = &vectors[i];

		assert_str(base64_encode(a, str_of(v->bytes)), v->base64);
		assert_str(base64url_encode(a, str_of(v->bytes)), v->base64url);
		assert_str(hex_encode(a, str_of(v->bytes)), v->hex);
		assert_true(base64_decode(a, str_of(v->base64), &out));
		assert_str(out, v->bytes);
		assert_true(base64url_decode(a, str_of(v->base64url), &out));
		assert_str(out, v->bytes);
		assert_true(hex_decode(a, str_of(v->hex), &out));
		assert_str(out, v->bytes);
	}
	assert_true(hex_decode(a, STR("DEADbeef"), &out));
	assert_str(out, "\xde\xad\xbe\xef");
}

static void any_bytes_come_back(void **state)
{
	uint8_t bytes[200];
	struct str out, in;

	random_bytes(bytes, sizeof(bytes));
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		in = str_bytes(bytes, n);
		assert_true(base64_decode(*state, base64_encode(*state, in), &out));
		assert_bytes(out, in);
		assert_true(base64url_decode(*state, base64url_encode(*state, in), &out));
		assert_bytes(out, in);
		assert_true(hex_decode(*state, hex_encode(*state, in), &out));
		assert_bytes(out, in);
	}
}

static void one_value_has_one_spelling(void **state)
{
	static const char *const not_base64[] = { "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "====", "=",
		"Z===", "Zm9v\n", "Zm 9v", " Zg==", "Zg==Zg==", "Zm-_", "Zg=v", "Zm9vY===" };
	static const char *const not_base64url[] = { "MR", "Zh", "Zm9", "Zg==", "Zm8=", "Z",
		"Zm9vY", "Zm9v ", "+/+/", "Zm.v", "\xc3\xa9" };
	static const char *const not_hex[] = { "f", "0x", "fg", "f ", " f", "\xff\xff" };
	struct str out = STR("untouched");

	for (size_t i = 0; i < ARRAY_LEN(not_base64); i++)
		assert_false(base64_decode(*state, str_of(not_base64[i]), &out));
	for (size_t i = 0; i < ARRAY_LEN(not_base64url); i++)
		assert_false(base64url_decode(*state, str_of(not_base64url[i]), &out));
	for (size_t i = 0; i < ARRAY_LEN(not_hex); i++)
		assert_false(hex_decode(*state, str_of(not_hex[i]), &out));
	assert_false(base64url_decode(*state, STR("Zm\0v"), &out));
	assert_str(out, "untouched");
}

/* Of the 64^2 texts of two characters exactly 256 name a byte. */
static void last_character_is_canonical(void **state)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t accepted = 0;
	struct str out;

	for (int i = 0; i < 64 * 64; i++) {
		char text[] = { digits[i / 64], digits[i % 64] };

		accepted += base64url_decode(*state, str_bytes(text, 2), &out);
	}
	assert_int_equal(accepted, 256);
}

static void uuids_are_read_and_written(void **state)
{
	static const char text[] = "01935d5c-8f7a-7abc-8def-0123456789ab";
	static const char *const wrong[] = { "", "01935d5c8f7a7abc8def0123456789ab",
		"{01935d5c-8f7a-7abc-8def-0123456789ab}", "01935d5c-8f7a-7abc-8def-0123456789a",
		"01935d5c-8f7a-7abc-8def-0123456789abc", "01935d5c-8f7a-7abc-8def-0123456789ag",
		"01935d5c 8f7a-7abc-8def-0123456789ab", "01935d5-c8f7a-7abc-8def-0123456789ab" };
	struct uuid id = { 0 }, same;
	char out[UUID_TEXT_SIZE];

	assert_true(uuid_is_nil(id));
	assert_true(uuid_parse(str_of(text), &id));
	assert_false(uuid_is_nil(id));
	uuid_format(id, out);
	assert_string_equal(out, text);
	assert_str(uuid_str(*state, id), text);
	assert_int_equal(uuid_bytes(&id).len, 16);
	assert_true(uuid_parse(STR("01935D5C-8F7A-7ABC-8DEF-0123456789AB"), &same));
	assert_true(uuid_equal(id, same));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(uuid_parse(str_of(wrong[i]), &same));
	assert_true(uuid_equal(id, same));
	same.b[15] ^= 1;
	assert_false(uuid_equal(id, same));
}

static int64_t fake_wall;

static int64_t read_fake_wall(void)
{
	return fake_wall;
}

static int64_t ms_of(struct uuid id)
{
	int64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id.b[i];
	return ms;
}

static void versions_and_variant_are_set(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct uuid v7 = uuid_v7(), v4 = uuid_v4();

		assert_int_equal(v7.b[6] >> 4, 7);
		assert_int_equal(v7.b[8] >> 6, 2);
		assert_int_equal(v4.b[6] >> 4, 4);
		assert_int_equal(v4.b[8] >> 6, 2);
		assert_false(uuid_equal(v4, uuid_v4()));
	}
}

static void v7_sorts_by_time_whatever_the_clock_does(void **state)
{
	struct world fake = world_real;
	struct uuid last, id;

	(void)state;
	fake.wall_us = read_fake_wall;
	world = &fake;
	fake_wall = 1795292100123456;
	last = uuid_v7();
	assert_int_equal(ms_of(last), 1795292100123);
	for (int i = 0; i < 20000; i++) { /* stands still, steps back, goes on */
		if (i % 5000 == 4999)
			fake_wall += i % 10000 < 5000 ? -5 * US_PER_S : 5 * US_PER_S + 1;
		id = uuid_v7();
		assert_true(memcmp(last.b, id.b, sizeof(id.b)) < 0);
		last = id;
	}
	fake_wall += US_PER_DAY;
	id = uuid_v7();
	assert_int_equal(ms_of(id), fake_wall / US_PER_MS);
	fake_wall -= US_PER_DAY; /* set back on purpose: not a day of ids from tomorrow */
	assert_int_equal(ms_of(uuid_v7()), fake_wall / US_PER_MS);
	world = &world_real;
}

#define IDS 5000

static void *make_ids(void *out)
{
	struct uuid *ids = out;

	for (size_t i = 0; i < IDS; i++)
		ids[i] = uuid_v7();
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

static void threads_never_share_a_tick(void **state)
{
	static struct uuid ids[4][IDS];
	struct uuid *all = ids[0];
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids[i]), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 1; k < IDS; k++)
			assert_true(compare(&ids[i][k - 1], &ids[i][k]) < 0);
	qsort(all, sizeof(ids) / sizeof(*all), sizeof(*all), compare);
	for (size_t i = 1; i < sizeof(ids) / sizeof(*all); i++)
		assert_true(memcmp(all[i - 1].b, all[i].b, 8) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_hold_both_ways),
		cmocka_unit_test(any_bytes_come_back),
		cmocka_unit_test(one_value_has_one_spelling),
		cmocka_unit_test(last_character_is_canonical),
		cmocka_unit_test(uuids_are_read_and_written),
		cmocka_unit_test(versions_and_variant_are_set),
		cmocka_unit_test(v7_sorts_by_time_whatever_the_clock_does),
		cmocka_unit_test(threads_never_share_a_tick),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
