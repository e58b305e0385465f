#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/clock.h"
#include "kv/kv_priv.h"

static int64_t clock_us;

static int64_t fake_us(void)
{
	return clock_us;
}

static void no_chance(void *p, size_t n)
{
	memset(p, 7, n);
}

static const struct world fake = { .wall_us = fake_us, .mono_us = fake_us, .random = no_chance };

static bool put(struct values *v, const char *space, const char *key, const char *value)
{
	bool done;

	assert_int_equal(
	    values_put(v, str_of(space), str_of(key), str_of(value), US_PER_MIN, &done), OK);
	return done;
}

static void once_only(void **state)
{
	struct arena *arena = arena_new(ARENA_WIPING, 0);
	struct values *v = values_new(1 << 20);
	struct str got;

	(void)state;
	world = &fake;
	assert_true(put(v, "passkey", "a", "one"));
	assert_false(put(v, "passkey", "a", "two"));
	assert_true(put(v, "passkey", "b", ""));
	assert_true(put(v, "pass", "keya", "three")); /* not the same name glued differently */
	assert_true(values_take(v, arena, STR("passkey"), STR("a"), &got));
	assert_str(got, "one");
	assert_false(values_take(v, arena, STR("passkey"), STR("a"), &got));
	assert_true(values_take(v, arena, STR("passkey"), STR("b"), &got));
	assert_str(got, "");
	assert_true(values_take(v, arena, STR("pass"), STR("keya"), &got));
	assert_str(got, "three");

	assert_true(put(v, "s", "late", "x"));
	clock_us += US_PER_MIN;
	assert_false(values_take(v, arena, STR("s"), STR("late"), &got));
	assert_true(put(v, "s", "k", "x"));
	clock_us += US_PER_MIN;
	assert_true(put(v, "s", "k", "y")); /* what is over is as if it had never been */
	assert_true(values_take(v, arena, STR("s"), STR("k"), &got));
	assert_str(got, "y");
	values_free(&v);
	arena_free(&arena);
	world = &world_real;
}

static void bounded(void **state)
{
	struct arena *arena = arena_new(ARENA_WIPING, 0);
	struct values *v = values_new(64 << 10);
	static char large[1000];
	unsigned n = 0;
	char key[16];
	bool done;

	(void)state;
	world = &fake;
	memset(large, 'x', sizeof(large) - 1);
	for (;; n++) {
		snprintf(key, sizeof(key), "%u", n);
		if (values_put(v, STR("s"), str_of(key), str_bytes(large, sizeof(large)),
			US_PER_MIN, &done) != OK)
			break;
		assert_true(done);
	}
	assert_true(n > 50 && n < 66);
	assert_false(done);
	/* Full, and yet what is there can be told from what is not. */
	assert_false(put(v, "s", "1", large));
	clock_us += US_PER_MIN;
	assert_true(put(v, "s", key, "room again"));
	values_sweep(v);
	values_free(&v);
	arena_free(&arena);
	world = &world_real;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once_only),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
