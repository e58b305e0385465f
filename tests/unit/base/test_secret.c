#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/secret.h"

static void equality_is_by_length_and_content(void **state)
{
	struct secret a = secret_of(STR("swordfish")), none = secret_of(STR_NULL);

	(void)state;
	assert_true(secret_equal(a, secret_of(STR("swordfish"))));
	assert_false(secret_equal(a, secret_of(STR("swordfis"))));
	assert_true(secret_equal(none, secret_of(STR(""))));
	assert_false(secret_equal(none, a));
	for (size_t i = 0; i < a.len; i++) {
		char other[] = "swordfish";

		for (int bit = 0; bit < 8; bit++) {
			other[i] = (char)((uint8_t) "swordfish"[i] ^ 1u << bit);
			assert_false(secret_equal(a, secret_of(str_of(other))));
			assert_false(bytes_equal(a.ptr, other, a.len));
		}
	}
	assert_true(bytes_equal("same", "same", 4));
	assert_true(bytes_equal(NULL, NULL, 0));
}

static void a_copy_is_its_own(void **state)
{
	struct arena *a = arena_new(ARENA_WIPING, 0);
	char original[] = "swordfish";
	struct secret copy = secret_copy(a, secret_of(str_of(original)));

	(void)state;
	wipe(original, sizeof(original));
	assert_str(secret_reveal(copy), "swordfish");
	arena_free(&a);
}

static void copy_into(void *arena)
{
	secret_copy(arena, secret_of(STR("swordfish")));
}

static void a_plain_arena_is_refused(void **state)
{
	struct arena *a = arena_new(ARENA_PLAIN, 0);

	(void)state;
	assert_true(aborts(copy_into, a));
	arena_free(&a);
}

static void wipe_zeroes_exactly(void **state)
{
	char bytes[] = { 1, 2, 3, 4, 5 };

	(void)state;
	wipe(bytes + 1, 3);
	assert_memory_equal(bytes, ((char[]){ 1, 0, 0, 0, 5 }), 5);
	wipe(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equality_is_by_length_and_content),
		cmocka_unit_test(a_copy_is_its_own),
		cmocka_unit_test(a_plain_arena_is_refused),
		cmocka_unit_test(wipe_zeroes_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
