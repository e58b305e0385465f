#include "tests/unit/test.h"

#include "base/arena.h"
#include "crypto/keyring.h"

/* Base64 of the bytes 0…31, of 32 times 'A', of 32 times 'B', and of 31 bytes. */
#define KEY_0 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_A "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
#define KEY_B "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="
#define KEY_SHORT "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ=="

static struct keyring_config config_of(const char *master, const char *tokens)
{
	return (
	    struct keyring_config){ secret_of(str_of(master)), secret_of(str_of(tokens)), false };
}

static struct keyring *ring(const char *master, const char *tokens)
{
	struct keyring_config config = config_of(master, tokens);
	const char *problem = "";
	struct keyring *keys = NULL;

	if (keyring_new(&config, &keys, &problem) != OK)
		fail_msg("%s", problem);
	return keys;
}

static void each_mistake_has_its_sentence(void **state)
{
	static const struct {
		const char *master, *tokens, *sentence;
	} rows[] = {
		{ "", KEY_A, "MASTER_KEY is not set" },
		{ " \n", KEY_A, "MASTER_KEY is not set" },
		{ KEY_0, "", "TOKEN_SECRET is not set" },
		{ "1:" KEY_0 ",2:*", KEY_A, "MASTER_KEY: a key is not base64" },
		{ "correct horse battery staple, correct horse", KEY_A, "is not base64" },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", KEY_A, "is not base64" },
		{ KEY_0, "1:not base64", "TOKEN_SECRET: a secret is not base64" },
		{ "1:" KEY_0 ",1:" KEY_A, KEY_A, "MASTER_KEY: two keys have the same id" },
		{ KEY_0, "7:" KEY_A ",07:" KEY_B, "TOKEN_SECRET: two secrets have the same id" },
		{ "256:" KEY_0, KEY_A, "MASTER_KEY: every key of a list needs an id" },
		{ "99999999999999999999:" KEY_0, KEY_A, "MASTER_KEY: every key of a list needs" },
		{ "-1:" KEY_0, KEY_A, "MASTER_KEY: every key of a list needs an id" },
		{ "old:" KEY_0, KEY_A, "MASTER_KEY: every key of a list needs an id" },
		{ "1:" KEY_0 "," KEY_A, KEY_A, "MASTER_KEY: every key of a list needs an id" },
		{ "1:" KEY_0 ",,2:" KEY_A, KEY_A, "MASTER_KEY: every key of a list needs an id" },
		{ KEY_0, "256:" KEY_A, "TOKEN_SECRET: every secret of a list needs an id" },
		{ KEY_0, "1:" KEY_A "," KEY_B, "TOKEN_SECRET: every secret of a list needs" },
		{ KEY_SHORT, KEY_A, "MASTER_KEY: a key has fewer than 32 bytes" },
		{ "1:" KEY_0 ",2:" KEY_SHORT, KEY_A, "a key has fewer than 32 bytes" },
		{ KEY_0, "1:" KEY_SHORT, "TOKEN_SECRET: a secret has fewer than 32 bytes" },
		{ KEY_0, "only thirty-one bytes of text!!", "a secret has fewer than 32 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct keyring_config config = config_of(rows[i].master, rows[i].tokens);
		const char *problem = "none";
		struct keyring *keys = NULL;

		if (keyring_new(&config, &keys, &problem) != ERR_INTERNAL ||
		    !strstr(problem, rows[i].sentence))
			fail_msg("row %zu: have \"%s\", want \"%s\"", i, problem, rows[i].sentence);
		assert_null(keys);
	}
}

static void seventeen_keys_are_too_many(void **state)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct keyring_config config;
	struct keyring *keys = NULL;
	const char *problem = "none";
	struct buf list;

	(void)state;
	buf_init(&list, arena, 1024);
	for (int i = 0; i < 16; i++)
		buf_printf(&list, "%s%d:" KEY_0, i > 0 ? "," : "", i);
	config = config_of("", KEY_A);
	config.master = secret_of(buf_str(&list));
	assert_int_equal(keyring_new(&config, &keys, &problem), OK);
	keyring_unref(&keys);
	buf_add(&list, STR(",16:" KEY_0));
	config.master = secret_of(buf_str(&list));
	assert_int_equal(keyring_new(&config, &keys, &problem), ERR_INTERNAL);
	assert_non_null(strstr(problem, "more than 16"));
	arena_free(&arena);
}

static void a_short_token_secret_needs_leave(void **state)
{
	struct keyring_config config = config_of(KEY_0, "short");
	struct keyring *keys = NULL;
	const char *problem = "none";

	(void)state;
	assert_int_equal(keyring_new(&config, &keys, &problem), ERR_INTERNAL);
	config.allow_short_token_secret = true;
	assert_int_equal(keyring_new(&config, &keys, &problem), OK);
	keyring_unref(&keys);
	config.token_secret = secret_of(STR("0:"));
	assert_int_equal(keyring_new(&config, &keys, &problem), ERR_INTERNAL);
	/* The master key never may be short. */
	config = config_of(KEY_SHORT, KEY_A);
	config.allow_short_token_secret = true;
	assert_int_equal(keyring_new(&config, &keys, &problem), ERR_INTERNAL);
}

static void the_first_key_is_active_and_all_are_known(void **state)
{
	struct keyring *keys = ring(" 200:" KEY_0 ", 3:" KEY_A ",0:" KEY_B "\n", KEY_A);
	struct keyring *bare = ring(KEY_0, KEY_A);
	uint8_t ids[16];

	(void)state;
	assert_int_equal(keyring_active(keys), 200);
	assert_int_equal(keyring_ids(keys, ids), 3);
	assert_memory_equal(ids, ((uint8_t[]){ 200, 3, 0 }), 3);
	assert_int_equal(keyring_active(bare), 0);
	assert_int_equal(keyring_ids(bare, ids), 1);
	keyring_unref(&keys);
	keyring_unref(&bare);
	assert_null(keys);
	keyring_unref(&keys);
}

/*
 * Computed apart from this code: HKDF with the label, then HMAC over the parts, each after its
 * length in eight bytes. If a row changes, stored data is lost.
 */
static void the_labels_are_frozen(void **state)
{
	static const struct {
		enum key_purpose purpose;
		uint8_t start[4];
	} rows[] = {
		{ KEY_WRAP, { 0x9d, 0xed, 0xbe, 0xaa } },
		{ KEY_BLIND_INDEX, { 0x4d, 0x9b, 0x37, 0x4e } },
		{ KEY_OTP, { 0xd2, 0xc4, 0x74, 0x29 } },
		{ KEY_REFRESH, { 0xf7, 0x00, 0xbf, 0x48 } },
		{ KEY_AUDIT, { 0xcc, 0x47, 0xde, 0xcc } },
		{ KEY_SEAL, { 0xdd, 0xee, 0x29, 0x75 } },
		{ KEY_DEVICE, { 0xcb, 0x4a, 0xbc, 0xbf } },
		{ KEY_IDEMPOTENCY, { 0xc6, 0x85, 0xff, 0x17 } },
		{ KEY_LIMIT, { 0x2c, 0xf6, 0x29, 0xb2 } },
		{ KEY_SYSTEM, { 0x16, 0x36, 0x73, 0x73 } },
	};
	struct keyring *keys = ring("5:" KEY_A ",1:" KEY_0, KEY_A);
	const struct str parts[] = { STR("ab"), STR("c") };
	struct mac mac;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(keyring_mac(keys, rows[i].purpose, 1, parts, 2, &mac));
		assert_memory_equal(mac.b, rows[i].start, sizeof(rows[i].start));
	}
	assert_int_equal(ARRAY_LEN(rows), KEY_PURPOSE_COUNT);
	keyring_unref(&keys);
}

static void macs_depend_on_key_and_on_where_parts_end(void **state)
{
	struct keyring *keys = ring("5:" KEY_A ",1:" KEY_0, KEY_A);
	const struct str one[] = { STR("ab"), STR("c") }, other[] = { STR("a"), STR("bc") };
	struct mac a, b;

	(void)state;
	assert_true(keyring_mac(keys, KEY_OTP, KEYRING_ACTIVE, one, 2, &a));
	assert_true(keyring_mac(keys, KEY_OTP, 5, one, 2, &b));
	assert_memory_equal(a.b, b.b, sizeof(a.b));
	assert_true(keyring_mac(keys, KEY_OTP, 5, other, 2, &b));
	assert_memory_not_equal(a.b, b.b, sizeof(a.b));
	assert_true(keyring_mac(keys, KEY_OTP, 1, one, 2, &b));
	assert_memory_not_equal(a.b, b.b, sizeof(a.b));
	assert_false(keyring_mac(keys, KEY_OTP, 2, one, 2, &b));
	assert_true(keyring_mac(keys, KEY_OTP, 5, NULL, 0, &b));
	keyring_unref(&keys);
}

static void fingerprints_tell_rings_apart(void **state)
{
	static const char *const rings[][2] = {
		{ KEY_0, KEY_A },
		{ KEY_0, KEY_B },
		{ KEY_A, KEY_A },
		{ "1:" KEY_0, KEY_A },
		{ "0:" KEY_0 ",1:" KEY_A, KEY_A },
		{ "1:" KEY_A ",0:" KEY_0, KEY_A },
	};
	char prints[ARRAY_LEN(rings)][9];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rings); i++) {
		struct keyring *keys = ring(rings[i][0], rings[i][1]);

		keyring_fingerprint(keys, prints[i]);
		assert_int_equal(strlen(prints[i]), 8);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(prints[i], prints[j]);
		keyring_unref(&keys);
	}
}

static void a_reference_keeps_a_ring(void **state)
{
	struct keyring *keys = ring("9:" KEY_0, KEY_A), *held = keyring_ref(keys);

	(void)state;
	keyring_unref(&keys);
	assert_int_equal(keyring_active(held), 9);
	keyring_unref(&held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_mistake_has_its_sentence),
		cmocka_unit_test(seventeen_keys_are_too_many),
		cmocka_unit_test(a_short_token_secret_needs_leave),
		cmocka_unit_test(the_first_key_is_active_and_all_are_known),
		cmocka_unit_test(the_labels_are_frozen),
		cmocka_unit_test(macs_depend_on_key_and_on_where_parts_end),
		cmocka_unit_test(fingerprints_tell_rings_apart),
		cmocka_unit_test(a_reference_keeps_a_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
