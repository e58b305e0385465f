#include "tests/unit/corpus.h"

#include "crypto/jwk.h"

/* The key of RFC 7638 3.1 and of RFC 7515 A.3. */
#define RFC7638_N                                                                         \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR" \
	"1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0" \
	"h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91" \
	"CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44" \
	"-csFCur-kEgU8awapJzKnqDKgw"
#define RSA_KEY "\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\",\"e\":\"AQAB\""
#define EC_X "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define EC_Y "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define EC_KEY "\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X "," EC_Y
/* 1024 bits. */
#define SHORT_N                                                                                  \
	"rmM0fFIb9Zi0n_3sb1mgFUxHzKpEn3fMsUSOZJJLg3kUt2_xm9QzAQf7lDqR0FI7R9nT7O_1nHq2bYB8VsH8mw" \
	"rmM0fFIb9Zi0n_3sb1mgFUxHzKpEn3fMsUSOZJJLg3kUt2_xm9QzAQf7lDqR0FI7R9nT7O_1nHq2bYB8VsE"

static int set_up(void **state)
{
	*state = arena_new(ARENA_WIPING, 0);
	return 0;
}

static int tear_down(void **state)
{
	struct arena *arena = *state;

	arena_free(&arena);
	return 0;
}

static bool parse(struct arena *arena, const char *json, struct jwk *ret)
{
	const struct json *tree;

	assert_int_equal(json_parse(arena, str_of(json), &tree), OK);
	return jwk_parse_public(arena, tree, ret);
}

static void test_reads_both_kinds(void **state)
{
	struct jwk key;

	assert_true(
	    parse(*state, "{\"kid\":\"r\",\"alg\":\"RS256\",\"use\":\"sig\"," RSA_KEY "}", &key));
	assert_int_equal(key.alg, JOSE_RS256);
	assert_str(key.kid, "r");
	assert_str(jwk_thumbprint(*state, &key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	jwk_done(&key);
	assert_true(parse(*state, "{\"kid\":\"e\",\"key_ops\":[\"verify\"]," EC_KEY "}", &key));
	assert_int_equal(key.alg, JOSE_ES256);
	assert_true(str_starts(jwk_public_pem(*state, &key), STR("-----BEGIN PUBLIC KEY-----\n")));
	jwk_done(&key);
}

static void test_passes_over(void **state)
{
	static const char *const others[] = {
		"[]",
		"\"key\"",
		"{}",
		/* no name, or an endless one */
		"{" EC_KEY "}",
		"{\"kid\":\"\"," EC_KEY "}",
		"{\"kid\":7," EC_KEY "}",
		/* for something else */
		"{\"kid\":\"e\",\"use\":\"enc\"," EC_KEY "}",
		"{\"kid\":\"e\",\"use\":1," EC_KEY "}",
		"{\"kid\":\"e\",\"key_ops\":[\"encrypt\"]," EC_KEY "}",
		"{\"kid\":\"e\",\"key_ops\":\"verify\"," EC_KEY "}",
		"{\"kid\":\"r\",\"alg\":\"RS512\"," RSA_KEY "}",
		"{\"kid\":\"r\",\"alg\":\"ES256\"," RSA_KEY "}",
		"{\"kid\":\"r\",\"alg\":\"HS256\"," RSA_KEY "}",
		"{\"kid\":\"e\",\"alg\":\"none\"," EC_KEY "}",
		/* of another kind */
		"{\"kid\":\"s\",\"kty\":\"oct\",\"k\":\"AAAA\"}",
		"{\"kid\":\"o\",\"kty\":\"OKP\",\"crv\":\"Ed25519\"," EC_X "}",
		"{\"kid\":\"e\",\"kty\":\"EC\",\"crv\":\"P-384\"," EC_X "," EC_Y "}",
		"{\"kid\":\"e\",\"kty\":\"EC\",\"crv\":\"secp256k1\"," EC_X "," EC_Y "}",
		/* points that are none */
		"{\"kid\":\"e\",\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X "}",
		"{\"kid\":\"e\",\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X ",\"y\":\"AAAA\"}",
		"{\"kid\":\"e\",\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X
		",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4\"}",
		"{\"kid\":\"e\",\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X
		",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1\"}",
		"{\"kid\":\"e\",\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X
		",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0=\"}",
		/* numbers that are no key */
		"{\"kid\":\"r\",\"kty\":\"RSA\",\"n\":\"" SHORT_N "\",\"e\":\"AQAB\"}",
		"{\"kid\":\"r\",\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\"}",
		"{\"kid\":\"r\",\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\",\"e\":\"AQ\"}",
		"{\"kid\":\"r\",\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\",\"e\":\"Ag\"}",
		"{\"kid\":\"r\",\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\",\"e\":\"AQAAAAAB\"}",
		"{\"kid\":\"r\",\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}",
	};
	struct jwk key;

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (parse(*state, others[i], &key))
			fail_msg("taken: %s", others[i]);
}

/* No more than 4096 bits: what takes long to verify is a weapon. */
static void test_bounds(void **state)
{
	struct arena *arena = *state;
	char *zeros = arena_alloc(arena, 1025), *kid = arena_alloc(arena, 257);
	struct jwk key;

	memset(zeros, '_', 1024);
	memset(kid, 'k', 256);
	assert_false(parse(arena,
	    str_printf(arena, "{\"kid\":\"r\",\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}", zeros)
		.ptr,
	    &key));
	assert_false(parse(arena, str_printf(arena, "{\"kid\":\"%s\"," EC_KEY "}", kid).ptr, &key));
}

static struct str print(struct arena *arena, const struct jwk *key)
{
	struct json_writer w;
	struct buf out;

	buf_init(&out, arena, 512);
	json_writer_init(&w, &out);
	jwk_write_public(arena, &w, key);
	return buf_str(&out);
}

static void test_own_keys(void **state)
{
	static const enum jose_alg algs[] = { JOSE_ES256, JOSE_RS256 };

	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		struct jwk key, again, public;
		struct str text;

		jwk_generate(*state, algs[i], &key);
		assert_int_equal(key.kid.len, 43);
		assert_true(jwk_parse_private(*state, algs[i], jwk_private(*state, &key), &again));
		assert_bytes(again.kid, key.kid);
		jwk_done(&again);
		text = print(*state, &key);
		assert_null(memmem(text.ptr, text.len, "\"d\"", 3));
		assert_true(parse(*state, str_cstr(*state, text), &public));
		assert_bytes(public.kid, key.kid);
		assert_bytes(jwk_thumbprint(*state, &public), key.kid);
		assert_bytes(print(*state, &public), text);
		assert_false(
		    jwk_parse_private(*state, algs[!i], jwk_private(*state, &key), &again));
		jwk_done(&public);
		jwk_done(&key);
		assert_true(key.pkey == NULL);
	}
	assert_false(
	    jwk_parse_private(*state, JOSE_ES256, secret_of(STR("no key")), &(struct jwk){ 0 }));
}

static void test_sets(void **state)
{
	static const char *const none[] = { "", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}",
		"{\"keys\":[{}]}", "{\"keys\":[],\"keys\":[{\"kid\":\"e\"," EC_KEY "}]}" };
	struct jwk_set *set, *other;

	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		if (jwk_set_parse(str_of(none[i]), &set))
			fail_msg("taken: %s", none[i]);
	assert_true(jwk_set_parse(STR("{\"x\":1,\"keys\":[null,{\"kid\":\"a\",\"kty\":\"oct\"},"
				      "{\"kid\":\"a\"," EC_KEY "},{\"kid\":\"a\"," RSA_KEY "},"
				      "{\"kid\":\"a\"," EC_KEY "},{\"kid\":\"b\"," EC_KEY "}]}"),
	    &set));
	(void)state;
	assert_int_equal(jwk_set_count(set), 3);
	other = jwk_set_ref(set);
	jwk_set_unref(&set);
	assert_null(set);
	assert_int_equal(jwk_set_find(other, STR("a"), JOSE_RS256)->alg, JOSE_RS256);
	assert_int_equal(jwk_set_find(other, STR("a"), JOSE_ES256)->alg, JOSE_ES256);
	assert_null(jwk_set_find(other, STR("b"), JOSE_RS256));
	assert_null(jwk_set_find(other, STR("A"), JOSE_ES256));
	jwk_set_unref(&other);
	jwk_set_unref(&other);
}

static void test_a_crowd_is_cut(void **state)
{
	struct jwk_set *set;
	struct buf text;

	buf_init(&text, *state, 16384);
	buf_add(&text, STR("{\"keys\":["));
	for (int i = 0; i < 2 * JWK_SET_MAX; i++)
		buf_printf(&text, "%s{\"kid\":\"%d\"," EC_KEY "}", i ? "," : "", i);
	buf_add(&text, STR("]}"));
	assert_true(jwk_set_parse(buf_str(&text), &set));
	assert_int_equal(jwk_set_count(set), JWK_SET_MAX);
	jwk_set_unref(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads_both_kinds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_passes_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_own_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_crowd_is_cut, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
