#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/codec.h"
#include "crypto/hmac.h"

static struct str from_hex(struct arena *arena, const char *text)
{
	struct str bytes;

	assert_true(hex_decode(arena, str_of(text), &bytes));
	return bytes;
}

/* RFC 4231: test cases 1, 2, 6 and 7. */
static void hmac_gives_the_answers_of_rfc_4231(void **state)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	uint8_t long_key[131], short_key[20], mac[SHA256_SIZE];
	const struct {
		struct str key, data;
		const char *mac;
	} rows[] = {
		{ str_bytes(short_key, sizeof(short_key)), STR("Hi There"),
		    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ STR("Jefe"), STR("what do ya want for nothing?"),
		    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ str_bytes(long_key, sizeof(long_key)),
		    STR("Test Using Larger Than Block-Size Key - Hash Key First"),
		    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
		{ str_bytes(long_key, sizeof(long_key)),
		    STR("This is a test using a larger than block-size key and a larger than "
			"block-size data. The key needs to be hashed before being used by the "
			"HMAC algorithm."),
		    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
	};

	(void)state;
	memset(long_key, 0xaa, sizeof(long_key));
	memset(short_key, 0x0b, sizeof(short_key));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hmac_key key;
		struct hmac h;

		hmac_key_init(&key, secret_of(rows[i].key));
		hmac_sha256(&key, rows[i].data, mac);
		assert_bytes(str_bytes(mac, sizeof(mac)), from_hex(arena, rows[i].mac));
		/* The same in two pieces: the key is not used up. */
		hmac_begin(&h, &key);
		hmac_add(&h, str_upto(rows[i].data, 5));
		hmac_add(&h, str_from(rows[i].data, 5));
		hmac_end(&h, mac);
		assert_bytes(str_bytes(mac, sizeof(mac)), from_hex(arena, rows[i].mac));
	}
	arena_free(&arena);
}

/* RFC 5869, appendix A.1 to A.3. */
static void hkdf_gives_the_answers_of_rfc_5869(void **state)
{
	static const struct {
		const char *input, *salt, *label, *output;
	} rows[] = {
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
		    "f0f1f2f3f4f5f6f7f8f9",
		    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b8"
		    "87185865" },
		{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425"
		  "262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b"
		  "4c4d4e4f",
		    "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485"
		    "868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaab"
		    "acadaeaf",
		    "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5"
		    "d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafb"
		    "fcfdfeff",
		    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7"
		    "827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5"
		    "c1f3434f1d87" },
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
		    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4"
		    "b61a96c8" },
	};
	struct arena *arena = arena_new(ARENA_PLAIN, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str expected = from_hex(arena, rows[i].output);
		uint8_t out[128];

		hkdf_sha256(secret_of(from_hex(arena, rows[i].input)),
		    from_hex(arena, rows[i].salt), from_hex(arena, rows[i].label), out,
		    expected.len);
		assert_bytes(str_bytes(out, expected.len), expected);
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hmac_gives_the_answers_of_rfc_4231),
		cmocka_unit_test(hkdf_gives_the_answers_of_rfc_5869),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
