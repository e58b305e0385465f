#include "tests/unit/test.h"

#include "base/arena.h"
#include "crypto/seal.h"

#define KEY_0 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_A "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="

static struct keyring *ring(const char *master)
{
	struct keyring_config config = { secret_of(str_of(master)), secret_of(STR(KEY_A)), false };
	const char *problem = "";
	struct keyring *keys = NULL;

	if (keyring_new(&config, &keys, &problem) != OK)
		fail_msg("%s", problem);
	return keys;
}

static struct str flipped(struct arena *arena, struct str bytes, size_t at)
{
	uint8_t *copy = arena_copy(arena, bytes.ptr, bytes.len);

	copy[at] ^= 1;
	return str_bytes(copy, bytes.len);
}

static void a_persons_field_comes_back(void **state)
{
	static const size_t lengths[] = { 0, 1, 15, 16, 17, 254, 70000 };
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct data_key key, other;

	(void)state;
	data_key_generate(&key);
	data_key_generate(&other);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct str plain = str_bytes(arena_alloc(arena, lengths[i] + 1), lengths[i]);
		struct str sealed = seal(arena, &key, STR("users.email"), plain), back, again;

		assert_int_equal(sealed.len, plain.len + 30);
		assert_int_equal(unseal(arena, &key, STR("users.email"), sealed, &back), OK);
		assert_bytes(back, plain);
		again = seal(arena, &key, STR("users.email"), plain);
		assert_false(str_eq(again, sealed));
		assert_int_equal(
		    unseal(arena, &key, STR("users.phone"), sealed, &back), ERR_INTERNAL);
		assert_int_equal(
		    unseal(arena, &other, STR("users.email"), sealed, &back), ERR_INTERNAL);
	}
	arena_free(&arena);
}

static void no_byte_can_be_changed_or_cut(void **state)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct keyring *keys = ring("1:" KEY_0 ",0:" KEY_A);
	struct data_key key;
	struct str sealed, of_system, back = STR_NULL;

	(void)state;
	data_key_generate(&key);
	sealed = seal(arena, &key, STR("f"), STR("ada@example.com"));
	of_system = seal_system(arena, keys, KEY_SYSTEM, STR("f"), STR("ada@example.com"));
	for (size_t i = 0; i < sealed.len; i++) {
		assert_int_equal(
		    unseal(arena, &key, STR("f"), flipped(arena, sealed, i), &back), ERR_INTERNAL);
		assert_int_equal(
		    unseal(arena, &key, STR("f"), str_upto(sealed, i), &back), ERR_INTERNAL);
		assert_int_equal(unseal_system(arena, keys, KEY_SYSTEM, STR("f"),
				     flipped(arena, of_system, i), &back),
		    ERR_INTERNAL);
		assert_int_equal(
		    unseal_system(arena, keys, KEY_SYSTEM, STR("f"), str_upto(of_system, i), &back),
		    ERR_INTERNAL);
	}
	assert_null(back.ptr);
	keyring_unref(&keys);
	arena_free(&arena);
}

static void a_wrapped_key_is_its_owners(void **state)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct keyring *keys = ring("1:" KEY_0), *rotated = ring("2:" KEY_A ",1:" KEY_0);
	struct keyring *strange = ring("1:" KEY_A), *without = ring("2:" KEY_A);
	struct uuid ada = uuid_v4(), bob = uuid_v4();
	struct data_key key, back;
	struct str wrapped;

	(void)state;
	data_key_generate(&key);
	wrapped = data_key_wrap(arena, keys, ada, &key);
	assert_int_equal(data_key_unwrap(keys, ada, wrapped, &back), OK);
	assert_memory_equal(back.b, key.b, sizeof(key.b));
	data_key_wipe(&back);
	assert_memory_equal(back.b, (uint8_t[32]){ 0 }, 32);
	/* After a rotation the old key still opens, and new ones are wrapped under the new. */
	assert_int_equal(data_key_unwrap(rotated, ada, wrapped, &back), OK);
	assert_memory_equal(back.b, key.b, sizeof(key.b));
	assert_int_equal(data_key_wrap(arena, rotated, ada, &key).ptr[1], 2);
	assert_int_equal(data_key_unwrap(keys, bob, wrapped, &back), ERR_INTERNAL);
	assert_int_equal(data_key_unwrap(strange, ada, wrapped, &back), ERR_INTERNAL);
	assert_int_equal(data_key_unwrap(without, ada, wrapped, &back), ERR_INTERNAL);
	assert_int_equal(data_key_unwrap(keys, ada, STR_NULL, &back), ERR_INTERNAL);
	for (size_t i = 0; i < wrapped.len; i++)
		assert_int_equal(
		    data_key_unwrap(keys, ada, flipped(arena, wrapped, i), &back), ERR_INTERNAL);
	keyring_unref(&keys);
	keyring_unref(&rotated);
	keyring_unref(&strange);
	keyring_unref(&without);
	arena_free(&arena);
}

static void system_seals_are_apart_by_purpose_and_field(void **state)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct keyring *keys = ring("1:" KEY_0), *rotated = ring("2:" KEY_A ",1:" KEY_0);
	struct str sealed = seal_system(arena, keys, KEY_REFRESH, STR("f"), STR("token")), back;

	(void)state;
	assert_int_equal(unseal_system(arena, keys, KEY_REFRESH, STR("f"), sealed, &back), OK);
	assert_str(back, "token");
	assert_int_equal(unseal_system(arena, rotated, KEY_REFRESH, STR("f"), sealed, &back), OK);
	assert_str(back, "token");
	assert_int_equal(
	    unseal_system(arena, keys, KEY_DEVICE, STR("f"), sealed, &back), ERR_INTERNAL);
	assert_int_equal(
	    unseal_system(arena, keys, KEY_REFRESH, STR("g"), sealed, &back), ERR_INTERNAL);
	keyring_unref(&keys);
	keyring_unref(&rotated);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_persons_field_comes_back),
		cmocka_unit_test(no_byte_can_be_changed_or_cut),
		cmocka_unit_test(a_wrapped_key_is_its_owners),
		cmocka_unit_test(system_seals_are_apart_by_purpose_and_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
