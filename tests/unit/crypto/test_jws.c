#include "tests/unit/corpus.h"

#include <openssl/evp.h>

#include "base/codec.h"
#include "crypto/hmac.h"
#include "crypto/jws.h"

#define PAYLOAD STR("{\"sub\":\"1\"}")

struct fixture {
	struct arena *arena;
	struct jwk ec, rsa;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->arena = arena_new(ARENA_WIPING, 0);
	jwk_generate(f->arena, JOSE_ES256, &f->ec);
	jwk_generate(f->arena, JOSE_RS256, &f->rsa);
	f->ec.kid = STR("ec");
	f->rsa.kid = STR("rsa");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	jwk_done(&f->ec);
	jwk_done(&f->rsa);
	arena_free(&f->arena);
	free(f);
	return 0;
}

static bool good(struct fixture *f, struct str text, const struct jwk *key, struct str *ret)
{
	struct jws jws;

	return jws_read(f->arena, text, &jws) && jws_verify(f->arena, &jws, key, ret);
}

static struct str join(struct fixture *f, struct str a, struct str b, struct str c)
{
	return str_printf(f->arena, "%.*s.%.*s.%.*s", STR_ARG(a), STR_ARG(b), STR_ARG(c));
}

/* The token of @key with another header, under a genuine signature of these very bytes. */
static struct str with_header(struct fixture *f, const struct jwk *key, const char *header)
{
	struct str payload = base64url_encode(f->arena, PAYLOAD);
	struct str head = base64url_encode(f->arena, str_of(header));
	struct str message = str_printf(f->arena, "%.*s.%.*s", STR_ARG(head), STR_ARG(payload));
	uint8_t *signature = arena_alloc(f->arena, 512);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t size = 512;

	assert_int_equal(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key->pkey), 1);
	assert_int_equal(
	    EVP_DigestSign(c, signature, &size, (const uint8_t *)message.ptr, message.len), 1);
	EVP_MD_CTX_free(c);
	return join(f, head, payload, base64url_encode(f->arena, str_bytes(signature, size)));
}

static void test_signs_and_verifies(void **state)
{
	struct fixture *f = *state;
	const struct jwk *keys[] = { &f->ec, &f->rsa };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct str text = secret_reveal(jws_sign(f->arena, keys[i], PAYLOAD)), payload;
		struct jws jws;

		assert_true(jws_read(f->arena, text, &jws));
		assert_bytes(jws.kid, keys[i]->kid);
		assert_int_equal(jws.alg, keys[i]->alg);
		assert_true(jws_verify(f->arena, &jws, keys[i], &payload));
		assert_bytes(payload, PAYLOAD);
		assert_false(jws_verify(f->arena, &jws, keys[!i], &payload));
	}
}

/* RFC 7515 A.3, by its key. It has no kid, so only the signature can be shown. */
static void test_rfc_vector(void **state)
{
	static const char key_text[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"A.3\","
				       "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
				       "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
	static const struct str text = STR_INIT(
	    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6"
	    "Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4Gawxa"
	    "epmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
	struct fixture *f = *state;
	struct jws jws = { .alg = JOSE_ES256 };
	const struct json *tree;
	struct str payload;
	struct jwk key;

	assert_false(jws_read(f->arena, text, &jws));
	assert_true(jws_split(text, &jws.parts));
	assert_int_equal(json_parse(f->arena, str_of(key_text), &tree), OK);
	assert_true(jwk_parse_public(f->arena, tree, &key));
	assert_true(jws_verify(f->arena, &jws, &key, &payload));
	assert_true(str_starts(payload, STR("{\"iss\":\"joe\"")));
	jwk_done(&key);
}

/* RFC 7520 4.1. */
static void test_cookbook(void **state)
{
	struct fixture *f = *state;
	struct str file = corpus_read(f->arena, "jose-cookbook/jws/4_1.rsa_v15_signature.json");
	const struct json *tree, *input;
	struct str text, payload;
	struct jwk key;

	assert_int_equal(json_parse(f->arena, file, &tree), OK);
	input = json_get(tree, "input");
	text = json_string(json_get(json_get(tree, "output"), "compact"));
	assert_true(jwk_parse_public(f->arena, json_get(input, "key"), &key));
	assert_true(good(f, text, &key, &payload));
	assert_bytes(payload, json_string(json_get(input, "payload")));
	jwk_done(&key);
}

static void test_headers_refused(void **state)
{
	static const char *const headers[] = {
		"",
		"[]",
		"null",
		"{}",
		"{\"kid\":\"rsa\"}",
		"{\"alg\":\"RS256\"}",
		"{\"alg\":\"RS256\",\"kid\":\"\"}",
		"{\"alg\":\"RS256\",\"kid\":1}",
		"{\"alg\":\"RS256\",\"kid\":\"a\\u0000b\"}",
		"{\"alg\":\"none\",\"kid\":\"rsa\"}",
		"{\"alg\":\"nOnE\",\"kid\":\"rsa\"}",
		"{\"alg\":\"rs256\",\"kid\":\"rsa\"}",
		"{\"alg\":\"HS256\",\"kid\":\"rsa\"}",
		"{\"alg\":\"RS512\",\"kid\":\"rsa\"}",
		"{\"alg\":\"PS256\",\"kid\":\"rsa\"}",
		"{\"alg\":[\"RS256\"],\"kid\":\"rsa\"}",
		"{\"alg\":\"RS256\\u0000\",\"kid\":\"rsa\"}",
		"{\"alg\":\"RS256\",\"alg\":\"RS256\",\"kid\":\"rsa\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"kid\":\"rsa\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"exp\"],\"exp\":1}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[]}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"b64\":true}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"zip\":\"DEF\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"enc\":\"A128GCM\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jku\":\"https://evil.example/\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jwk\":{}}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5u\":\"https://evil.example/\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5c\":[]}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":1}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\"} x",
	};
	struct fixture *f = *state;
	struct str payload;

	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		if (good(f, with_header(f, &f->rsa, headers[i]), &f->rsa, &payload))
			fail_msg("taken: %s", headers[i]);
	assert_true(good(f,
	    with_header(
		f, &f->rsa, "{\"kid\":\"rsa\",\"x5t\":\"AA\",\"alg\":\"RS256\",\"typ\":\"jwt\"}"),
	    &f->rsa, &payload));
}

/* The public key as an HMAC secret, as PEM and as its raw number: nobody may ask for HS256. */
static void test_public_key_is_no_secret(void **state)
{
	struct fixture *f = *state;
	struct str pem = jwk_public_pem(f->arena, &f->rsa), payload;
	struct str head = base64url_encode(f->arena, STR("{\"alg\":\"HS256\",\"kid\":\"rsa\"}"));
	struct str lying = base64url_encode(f->arena, STR("{\"alg\":\"RS256\",\"kid\":\"rsa\"}"));
	struct str body = base64url_encode(f->arena, PAYLOAD);
	uint8_t mac[SHA256_SIZE];
	struct hmac_key key;

	hmac_key_init(&key, secret_of(pem));
	hmac_sha256(&key, str_printf(f->arena, "%.*s.%.*s", STR_ARG(head), STR_ARG(body)), mac);
	assert_false(
	    good(f, join(f, head, body, base64url_encode(f->arena, str_bytes(mac, sizeof(mac)))),
		&f->rsa, &payload));
	hmac_sha256(&key, str_printf(f->arena, "%.*s.%.*s", STR_ARG(lying), STR_ARG(body)), mac);
	assert_false(
	    good(f, join(f, lying, body, base64url_encode(f->arena, str_bytes(mac, sizeof(mac)))),
		&f->rsa, &payload));
}

/* A signature has one form: sixty-four bytes, not DER, not cut, not zero, not stretched. */
static void test_ec_signatures_refused(void **state)
{
	struct fixture *f = *state;
	struct str text = secret_reveal(jws_sign(f->arena, &f->ec, PAYLOAD)), raw, payload;
	char stretched[65], zeros[64] = { 0 };
	struct jws_parts parts;

	assert_true(jws_split(text, &parts));
	assert_true(base64url_decode(f->arena, parts.signature, &raw));
	assert_int_equal(raw.len, 64);
	memcpy(stretched, raw.ptr, 64);
	stretched[64] = 0;
	const struct str wrong[] = { STR_NULL, str_upto(raw, 63), str_upto(raw, 32),
		str_bytes(stretched, 65), str_bytes(zeros, 64) };

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(good(f,
		    join(f, parts.header, parts.payload, base64url_encode(f->arena, wrong[i])),
		    &f->ec, &payload));
	assert_false(good(
	    f, with_header(f, &f->ec, "{\"alg\":\"ES256\",\"kid\":\"ec\"}"), &f->ec, &payload));
	assert_true(good(f, text, &f->ec, &payload));
}

/* Every bit of every part counts. */
static void test_any_change_is_noticed(void **state)
{
	struct fixture *f = *state;
	const struct jwk *keys[] = { &f->ec, &f->rsa };

	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		struct str text = secret_reveal(jws_sign(f->arena, keys[k], PAYLOAD)), payload;
		char *copy = str_cstr(f->arena, text);

		for (size_t i = 0; i < text.len; i += k ? 7 : 1) {
			copy[i] = copy[i] == 'A' ? 'B' : 'A';
			if (copy[i] != text.ptr[i])
				assert_false(good(f, str_of(copy), keys[k], &payload));
			copy[i] = text.ptr[i];
		}
	}
}

static void test_forms_refused(void **state)
{
	struct fixture *f = *state;
	struct str text = secret_reveal(jws_sign(f->arena, &f->rsa, PAYLOAD)), payload;
	struct jws_parts parts;
	char *huge;

	assert_true(jws_split(text, &parts));
	const struct str wrong[] = {
		STR(""),
		STR("."),
		STR(".."),
		STR("..."),
		parts.signed_part,
		str_printf(f->arena, "%.*s.", STR_ARG(text)),
		str_printf(f->arena, "%.*s.x", STR_ARG(text)),
		str_printf(f->arena, "%.*s=", STR_ARG(text)),
		str_printf(f->arena, "%.*s\n", STR_ARG(text)),
		str_printf(f->arena, " %.*s", STR_ARG(text)),
		join(f, parts.header, parts.payload, STR("")),
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(good(f, wrong[i], &f->rsa, &payload));
	huge = arena_alloc(f->arena, JWS_MAX_BYTES);
	memset(huge, ' ', JWS_MAX_BYTES - 2000);
	assert_false(good(f,
	    secret_reveal(jws_sign(f->arena, &f->rsa, str_bytes(huge, JWS_MAX_BYTES - 2000))),
	    &f->rsa, &payload));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_signs_and_verifies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rfc_vector, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cookbook, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_headers_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_public_key_is_no_secret, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ec_signatures_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_any_change_is_noticed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_forms_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
