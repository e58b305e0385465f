#include "tests/unit/test.h"

#include "base/arena.h"
#include "crypto/hmac.h"
#include "crypto/token.h"

#define MASTER "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
/* The bytes 0…31, and the same 32 times 'A'. */
#define SECRET_0 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define SECRET_A "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="

#define NOW INT64_C(1700000100)
#define JTI "0123456789abcdef0123456789abcdef"
#define USUAL "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static const struct token_config plain_config = { .user_id_claim = STR_INIT("user_id") };

static struct keyring *ring(const char *secrets)
{
	struct keyring_config config = { secret_of(STR(MASTER)), secret_of(str_of(secrets)),
		false };
	const char *problem = "";
	struct keyring *keys = NULL;

	if (keyring_new(&config, &keys, &problem) != OK)
		fail_msg("%s", problem);
	return keys;
}

struct fixture {
	struct arena *arena;
	struct keyring *keys;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->arena = arena_new(ARENA_WIPING, 0);
	f->keys = ring("7:" SECRET_0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	keyring_unref(&f->keys);
	arena_free(&f->arena);
	free(f);
	return 0;
}

/* A token with a genuine signature, whatever its parts say. */
static struct str mint_raw(struct fixture *f, struct str header, struct str payload)
{
	uint8_t secret[32], mac[SHA256_SIZE];
	struct hmac_key key;
	struct str text;

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)i;
	hmac_key_init(&key, (struct secret){ secret, sizeof(secret) });
	text = str_printf(f->arena, "%.*s.%.*s", STR_ARG(header), STR_ARG(payload));
	hmac_sha256(&key, text, mac);
	return str_printf(f->arena, "%.*s.%.*s", STR_ARG(text),
	    STR_ARG(base64url_encode(f->arena, str_bytes(mac, sizeof(mac)))));
}

static struct str mint(struct fixture *f, struct str header, struct str payload)
{
	return mint_raw(f, base64url_encode(f->arena, header), base64url_encode(f->arena, payload));
}

static enum err verify(struct fixture *f, struct str token, struct token_claims *ret)
{
	return token_verify(f->arena, f->keys, &plain_config, TOKEN_ACCESS, token, NOW, ret);
}

static enum err verify_claims(struct fixture *f, const char *claims)
{
	struct token_claims ret;

	return verify(f, mint(f, STR(USUAL), str_of(claims)), &ret);
}

static struct token_claims sample(enum token_type type)
{
	struct token_claims claims = {
		.type = type,
		.iat_s = 1700000000,
		.exp_s = 1700000300,
		.jti = STR(JTI),
		.user_id = STR("018bcfe5-6800-7000-8000-000000000001"),
		.has_session = true,
		.role = STR("client"),
		.epoch = 3,
	};

	assert_true(uuid_parse(STR("018bcfe5-6800-7000-8000-000000000002"), &claims.session_id));
	return claims;
}

/* The expected text was computed apart from this code. */
static void signing_writes_these_bytes(void **state)
{
	struct fixture *f = *state;
	struct token_config config = { STR("https://id.example.com"), STR("shop"), STR("user_id"),
		false, 0 };
	struct token_claims claims = sample(TOKEN_ACCESS);
	struct secret token = token_sign(f->arena, f->keys, &config, &claims);

	assert_str(secret_reveal(token),
	    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
	    "eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxNzAwMDAwMzAwLCJpYXQiOjE3MDAwMDAwMDAsImp0aSI6"
	    "IjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmIiwidXNlcl9pZCI6IjAxOGJjZmU1LTY4MDAtNzAw"
	    "MC04MDAwLTAwMDAwMDAwMDAwMSIsInNpZCI6IjAxOGJjZmU1LTY4MDAtNzAwMC04MDAwLTAwMDAwMDAwMDAw"
	    "MiIsInJvbGUiOiJjbGllbnQiLCJ2ZXIiOjMsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZS5jb20iLCJhdWQi"
	    "OiJzaG9wIn0."
	    "EjVvoj3RGv-eQ-u7yKFj2zjP4p9GXl0dWtd1gs4AcqQ");
}

static void what_is_signed_is_read_back(void **state)
{
	struct fixture *f = *state;

	for (enum token_type type = TOKEN_ACCESS; type <= TOKEN_REFRESH; type++) {
		enum token_type other = type == TOKEN_ACCESS ? TOKEN_REFRESH : TOKEN_ACCESS;
		struct token_claims in = sample(type), out;
		struct str token = secret_reveal(token_sign(f->arena, f->keys, &plain_config, &in));

		assert_int_equal(
		    token_verify(f->arena, f->keys, &plain_config, type, token, NOW, &out), OK);
		assert_int_equal(out.type, type);
		assert_int_equal(out.iat_s, in.iat_s);
		assert_int_equal(out.exp_s, in.exp_s);
		assert_bytes(out.jti, in.jti);
		assert_bytes(out.user_id, in.user_id);
		assert_true(out.has_session);
		assert_true(uuid_equal(out.session_id, in.session_id));
		assert_bytes(out.role, in.role);
		assert_int_equal(out.epoch, 3);
		assert_int_equal(
		    token_verify(f->arena, f->keys, &plain_config, other, token, NOW, &out),
		    ERR_TOKEN_INVALID);
	}
}

static void no_byte_of_a_token_can_be_changed_or_cut(void **state)
{
	struct fixture *f = *state;
	struct token_claims claims = sample(TOKEN_ACCESS), ret;
	struct str token = secret_reveal(token_sign(f->arena, f->keys, &plain_config, &claims));

	for (size_t i = 0; i < token.len; i++) {
		char *changed = str_cstr(f->arena, token);

		/* Every bit: that includes a signature's unused last two. */
		for (int bit = 0; bit < 8; bit++) {
			changed[i] = (char)((uint8_t)token.ptr[i] ^ 1u << bit);
			assert_int_equal(
			    verify(f, str_bytes(changed, token.len), &ret), ERR_TOKEN_INVALID);
		}
		assert_int_equal(verify(f, str_upto(token, i), &ret), ERR_TOKEN_INVALID);
		assert_int_equal(verify(f, str_from(token, i + 1), &ret), ERR_TOKEN_INVALID);
	}
	assert_int_equal(verify(f, STR_NULL, &ret), ERR_TOKEN_INVALID);
}

#define GOOD                                                                              \
	"{\"token_type\":\"access\",\"exp\":1700000300,\"iat\":1700000000,\"jti\":\"" JTI \
	"\",\"user_id\":\"42\"}"

static void only_the_shape_we_know_is_taken(void **state)
{
	struct fixture *f = *state;
	struct str good = mint(f, STR(USUAL), STR(GOOD)), payload;
	struct str header = base64url_encode(f->arena, STR(USUAL));
	struct token_claims ret;

	payload = base64url_encode(f->arena, STR(GOOD));
	assert_int_equal(verify(f, good, &ret), OK);
	assert_int_equal(
	    verify(f, str_printf(f->arena, "%.*s.", STR_ARG(good)), &ret), ERR_TOKEN_INVALID);
	assert_int_equal(
	    verify(f, str_printf(f->arena, ".%.*s", STR_ARG(good)), &ret), ERR_TOKEN_INVALID);
	assert_int_equal(
	    verify(f, str_printf(f->arena, "%.*s.x.y", STR_ARG(good)), &ret), ERR_TOKEN_INVALID);
	assert_int_equal(
	    verify(f, str_printf(f->arena, "%.*s=", STR_ARG(good)), &ret), ERR_TOKEN_INVALID);
	assert_int_equal(
	    verify(f, str_printf(f->arena, " %.*s", STR_ARG(good)), &ret), ERR_TOKEN_INVALID);
	assert_int_equal(verify(f, str_bytes(good.ptr, good.len + 1), &ret), ERR_TOKEN_INVALID);
	/* Genuine signatures over parts that are not canonical base64url. */
	assert_int_equal(verify(f, mint_raw(f, STR(""), payload), &ret), ERR_TOKEN_INVALID);
	assert_int_equal(verify(f, mint_raw(f, header, STR("")), &ret), ERR_TOKEN_INVALID);
	assert_int_equal(verify(f, mint_raw(f, STR("."), payload), &ret), ERR_TOKEN_INVALID);
	payload = str_printf(f->arena, "%.*s==", STR_ARG(payload));
	assert_int_equal(verify(f, mint_raw(f, header, payload), &ret), ERR_TOKEN_INVALID);
	payload = base64url_encode(f->arena, STR(GOOD " "));
	((char *)(uintptr_t)payload.ptr)[payload.len - 1]++;
	assert_int_equal(verify(f, mint_raw(f, header, payload), &ret), ERR_TOKEN_INVALID);
	assert_int_equal(verify(f, mint(f, STR(USUAL), STR(GOOD "x")), &ret), ERR_TOKEN_INVALID);
	assert_int_equal(verify(f, mint(f, STR(USUAL), STR(GOOD "\0")), &ret), ERR_TOKEN_INVALID);
	assert_int_equal(verify(f, mint(f, STR(USUAL), STR("[]")), &ret), ERR_TOKEN_INVALID);
	assert_int_equal(verify(f, mint(f, STR(USUAL), STR("")), &ret), ERR_TOKEN_INVALID);
}

static void long_tokens_are_not_looked_at(void **state)
{
	struct fixture *f = *state;
	struct token_claims ret;
	struct str longest, longer;
	struct buf json;

	buf_init(&json, f->arena, 8192);
	buf_add(&json, STR(GOOD));
	/* White space after the claims: 4,096 characters in all, then 4 more. */
	while (mint(f, STR(USUAL), buf_str(&json)).len < 4096)
		buf_add_char(&json, ' ');
	longest = mint(f, STR(USUAL), buf_str(&json));
	assert_int_equal(longest.len, 4096);
	assert_int_equal(verify(f, longest, &ret), OK);
	buf_add(&json, STR("   "));
	longer = mint(f, STR(USUAL), buf_str(&json));
	assert_int_equal(longer.len, 4100);
	assert_int_equal(verify(f, longer, &ret), ERR_TOKEN_INVALID);
}

static void headers_are_read_strictly(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *header;
		enum err result;
	} rows[] = {
		{ "{\"typ\":\"JWT\",\"alg\":\"HS256\"}", OK },
		{ "{ \"alg\": \"HS256\" }", OK },
		{ "{\"alg\":\"HS256\",\"typ\":\"jwt\"}", OK },
		{ "{\"alg\":\"none\",\"typ\":\"JWT\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"nOnE\",\"typ\":\"JWT\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"\",\"typ\":\"JWT\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"hs256\",\"typ\":\"JWT\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256 \",\"typ\":\"JWT\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\\u0000\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS384\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS512\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"RS256\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"PS256\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"ES256\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"EdDSA\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":null}", ERR_TOKEN_INVALID },
		{ "{\"alg\":[\"HS256\"]}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"none\",\"alg\":\"HS256\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", ERR_TOKEN_INVALID },
		{ "{\"typ\":\"JWT\"}", ERR_TOKEN_INVALID },
		{ "{}", ERR_TOKEN_INVALID },
		{ "[\"HS256\"]", ERR_TOKEN_INVALID },
		{ "\"HS256\"", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"typ\":\"JWE\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"typ\":1}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"typ\":null}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"crit\":[]}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"b64\":true}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"kid\":\"' OR 1=1--\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"jku\":\"https://evil.example/\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"x5u\":\"https://evil.example/\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"x5c\":[]}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"zip\":\"DEF\"}", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\"", ERR_TOKEN_INVALID },
		{ "{\"alg\":\"HS256\"}{}", ERR_TOKEN_INVALID },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct token_claims ret;
		enum err r = verify(f, mint(f, str_of(rows[i].header), STR(GOOD)), &ret);

		if (r != rows[i].result)
			fail_msg("%s: %.*s", rows[i].header, STR_ARG(err_slug(r)));
	}
}

/* A claims object with one member as the row says; NULL leaves it out. */
static const char *with(struct fixture *f, const char *name, const char *value)
{
	static const struct {
		const char *name, *value;
	} members[] = {
		{ "token_type", "\"access\"" },
		{ "exp", "1700000300" },
		{ "iat", "1700000000" },
		{ "jti", "\"" JTI "\"" },
		{ "user_id", "\"42\"" },
	};
	struct buf out;

	buf_init(&out, f->arena, 512);
	buf_add(&out, STR("{\"extra\":1"));
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (strcmp(members[i].name, name) != 0)
			buf_printf(&out, ",\"%s\":%s", members[i].name, members[i].value);
	if (value)
		buf_printf(&out, ",\"%s\":%s", name, value);
	buf_add_char(&out, '}');
	return str_cstr(f->arena, buf_str(&out));
}

static void claims_are_read_strictly(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name, *value;
		enum err result;
	} rows[] = {
		{ "none", "1", OK },
		{ "token_type", NULL, ERR_TOKEN_INVALID },
		{ "token_type", "\"refresh\"", ERR_TOKEN_INVALID },
		{ "token_type", "\"Access\"", ERR_TOKEN_INVALID },
		{ "token_type", "1", ERR_TOKEN_INVALID },
		{ "exp", NULL, ERR_TOKEN_INVALID },
		{ "exp", "1700000101", OK },
		{ "exp", "1700000100", ERR_TOKEN_EXPIRED },
		{ "exp", "0", ERR_TOKEN_EXPIRED },
		{ "exp", "1700000300.0", ERR_TOKEN_INVALID },
		{ "exp", "1.7e9", ERR_TOKEN_INVALID },
		{ "exp", "1e400", ERR_TOKEN_INVALID },
		{ "exp", "-1", ERR_TOKEN_INVALID },
		{ "exp", "253402300799", OK },
		{ "exp", "253402300800", ERR_TOKEN_INVALID },
		{ "exp", "9223372036854775807", ERR_TOKEN_INVALID },
		{ "exp", "9223372036854775808", ERR_TOKEN_INVALID },
		{ "exp", "18446744073709551616", ERR_TOKEN_INVALID },
		{ "exp", "\"1700000300\"", ERR_TOKEN_INVALID },
		{ "exp", "null", ERR_TOKEN_INVALID },
		{ "exp", "true", ERR_TOKEN_INVALID },
		{ "exp", "[1700000300]", ERR_TOKEN_INVALID },
		{ "exp", "1700000300,\"exp\":1700000300", ERR_TOKEN_INVALID },
		{ "exp", "1700000300,\"\\u0065xp\":1700000300", ERR_TOKEN_INVALID },
		{ "iat", NULL, ERR_TOKEN_INVALID },
		{ "iat", "1700000100", OK },
		{ "iat", "1700000101", ERR_TOKEN_INVALID },
		{ "iat", "1700000000.5", ERR_TOKEN_INVALID },
		{ "iat", "-1", ERR_TOKEN_INVALID },
		{ "iat", "\"1700000000\"", ERR_TOKEN_INVALID },
		{ "nbf", "1700000100", OK },
		{ "nbf", "1700000101", ERR_TOKEN_INVALID },
		{ "nbf", "1700000000.0", ERR_TOKEN_INVALID },
		{ "nbf", "\"1700000000\"", ERR_TOKEN_INVALID },
		{ "nbf", "null", ERR_TOKEN_INVALID },
		{ "jti", NULL, ERR_TOKEN_INVALID },
		{ "jti", "\"0123456789abcdef0123456789abcde\"", ERR_TOKEN_INVALID },
		{ "jti", "\"0123456789abcdef0123456789abcdef0\"", ERR_TOKEN_INVALID },
		{ "jti", "\"0123456789ABCDEF0123456789ABCDEF\"", ERR_TOKEN_INVALID },
		{ "jti", "\"0123456789abcdef0123456789abcdeg\"", ERR_TOKEN_INVALID },
		{ "jti", "\"0123456789abcdef\\u00000123456789abcde\"", ERR_TOKEN_INVALID },
		{ "jti", "123", ERR_TOKEN_INVALID },
		{ "user_id", NULL, ERR_TOKEN_INVALID },
		{ "user_id", "42", ERR_TOKEN_INVALID },
		{ "user_id", "\"\"", ERR_TOKEN_INVALID },
		{ "user_id", "\"4\\u00002\"", ERR_TOKEN_INVALID },
		{ "user_id", "null", ERR_TOKEN_INVALID },
		{ "user_id", "{\"id\":1}", ERR_TOKEN_INVALID },
		{ "sid", "\"018bcfe5-6800-7000-8000-000000000002\"", ERR_TOKEN_INVALID },
		{ "sid", "null", ERR_TOKEN_INVALID },
		{ "sid", "\"x\",\"role\":\"client\",\"ver\":1", ERR_TOKEN_INVALID },
		{ "sid", "\"018bcfe5-6800-7000-8000-000000000002\",\"role\":\"client\",\"ver\":1",
		    OK },
		{ "sid", "\"018bcfe5-6800-7000-8000-000000000002\",\"role\":\"client\",\"ver\":-1",
		    ERR_TOKEN_INVALID },
		{ "sid", "\"018bcfe5-6800-7000-8000-000000000002\",\"role\":7,\"ver\":1",
		    ERR_TOKEN_INVALID },
		{ "aud", "\"another\"", ERR_TOKEN_INVALID },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *claims = with(f, rows[i].name, rows[i].value);
		enum err r = verify_claims(f, claims);

		if (r != rows[i].result)
			fail_msg("%s: %.*s", claims, STR_ARG(err_slug(r)));
	}
}

static void issuer_and_audience_are_held_to(void **state)
{
	struct fixture *f = *state;
	struct token_config config = { STR("https://id.example.com"), STR("shop"), STR("user_id"),
		false, 0 };
	static const struct {
		const char *iss, *aud;
		enum err result;
	} rows[] = {
		{ "\"https://id.example.com\"", "\"shop\"", OK },
		{ "\"https://id.example.com\"", "[\"till\",\"shop\"]", OK },
		{ "\"https://id.example.com\"", "[\"till\",1]", ERR_TOKEN_INVALID },
		{ "\"https://id.example.com\"", "[]", ERR_TOKEN_INVALID },
		{ "\"https://id.example.com\"", "\"Shop\"", ERR_TOKEN_INVALID },
		{ "\"https://id.example.com\"", "{\"shop\":\"shop\"}", ERR_TOKEN_INVALID },
		{ "\"https://id.example.com/\"", "\"shop\"", ERR_TOKEN_INVALID },
		{ "null", "\"shop\"", ERR_TOKEN_INVALID },
		{ "[\"https://id.example.com\"]", "\"shop\"", ERR_TOKEN_INVALID },
	};
	struct token_claims ret;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str value = str_printf(f->arena, "%s,\"aud\":%s", rows[i].iss, rows[i].aud);
		const char *claims = with(f, "iss", str_cstr(f->arena, value));
		enum err r = token_verify(f->arena, f->keys, &config, TOKEN_ACCESS,
		    mint(f, STR(USUAL), str_of(claims)), NOW, &ret);

		if (r != rows[i].result)
			fail_msg("%s: %.*s", claims, STR_ARG(err_slug(r)));
	}
	assert_int_equal(token_verify(f->arena, f->keys, &config, TOKEN_ACCESS,
			     mint(f, STR(USUAL), STR(GOOD)), NOW, &ret),
	    ERR_TOKEN_INVALID);
}

static void leeway_is_given_to_every_time(void **state)
{
	struct fixture *f = *state;
	struct token_config config = plain_config;
	static const struct {
		const char *name, *value;
		enum err result;
	} rows[] = {
		{ "exp", "1700000071", OK },
		{ "exp", "1700000070", ERR_TOKEN_EXPIRED },
		{ "iat", "1700000130", OK },
		{ "iat", "1700000131", ERR_TOKEN_INVALID },
		{ "nbf", "1700000130", OK },
		{ "nbf", "1700000131", ERR_TOKEN_INVALID },
	};
	struct token_claims ret;

	config.leeway_s = 30;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str token =
		    mint(f, STR(USUAL), str_of(with(f, rows[i].name, rows[i].value)));

		assert_int_equal(
		    token_verify(f->arena, f->keys, &config, TOKEN_ACCESS, token, NOW, &ret),
		    rows[i].result);
	}
}

static void an_expired_token_still_says_whose_it_was(void **state)
{
	struct fixture *f = *state;
	struct token_claims claims = sample(TOKEN_ACCESS), ret = { 0 };
	struct str token = secret_reveal(token_sign(f->arena, f->keys, &plain_config, &claims));

	assert_int_equal(
	    token_verify(f->arena, f->keys, &plain_config, TOKEN_ACCESS, token, NOW + 3600, &ret),
	    ERR_TOKEN_EXPIRED);
	assert_bytes(ret.user_id, claims.user_id);
	assert_true(uuid_equal(ret.session_id, claims.session_id));
}

/* Minted by another program with the shape and the key of a SimpleJWT installation. */
static void tokens_of_simplejwt_are_read(void **state)
{
	struct fixture *f = *state;
	struct keyring *django = ring("django-insecure-x7!k2@test-only-secret-key");
	struct token_claims ret;

	assert_int_equal(
	    token_verify(f->arena, django, &plain_config, TOKEN_REFRESH,
		STR("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
		    "eyJ0b2tlbl90eXBlIjoicmVmcmVzaCIsImV4cCI6MTcwMDA4NjQwMCwiaWF0IjoxNzAwMDAwMDAwL"
		    "CJqdGkiOiIwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZiIsInVzZXJfaWQiOiI0MiIsIm"
		    "V4dHJhIjpbMS41XX0.LkE4UM634JQH-MxZtn8yvlcOlYFUuSnOPZCbOP-Hik8"),
		NOW, &ret),
	    OK);
	assert_false(ret.has_session);
	assert_str(ret.user_id, "42");
	assert_str(ret.jti, JTI);
	assert_int_equal(ret.exp_s, 1700086400);
	keyring_unref(&django);
}

static void integer_user_ids_by_configuration(void **state)
{
	struct fixture *f = *state;
	struct token_config config = plain_config;
	struct token_claims claims = sample(TOKEN_ACCESS), ret;
	static const struct {
		const char *value;
		enum err result;
	} rows[] = {
		{ "42", OK },
		{ "\"42\"", OK },
		{ "42.0", ERR_TOKEN_INVALID },
		{ "-42", ERR_TOKEN_INVALID },
		{ "true", ERR_TOKEN_INVALID },
	};
	struct str token;

	config.user_id_integer = true;
	config.user_id_claim = STR("uid");
	claims.user_id = STR("42");
	token = secret_reveal(token_sign(f->arena, f->keys, &config, &claims));
	assert_int_equal(
	    token_verify(f->arena, f->keys, &config, TOKEN_ACCESS, token, NOW, &ret), OK);
	assert_str(ret.user_id, "42");
	assert_int_equal(verify(f, token, &ret), ERR_TOKEN_INVALID);
	config.user_id_claim = STR("user_id");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		token = mint(f, STR(USUAL), str_of(with(f, "user_id", rows[i].value)));
		assert_int_equal(
		    token_verify(f->arena, f->keys, &config, TOKEN_ACCESS, token, NOW, &ret),
		    rows[i].result);
		if (rows[i].result == OK)
			assert_str(ret.user_id, "42");
	}
}

static void every_accepted_secret_verifies_and_the_first_signs(void **state)
{
	struct fixture *f = *state;
	struct keyring *rotated = ring("8:" SECRET_A ",7:" SECRET_0), *after = ring("8:" SECRET_A);
	struct token_claims claims = sample(TOKEN_ACCESS), ret;
	struct str old = secret_reveal(token_sign(f->arena, f->keys, &plain_config, &claims));
	struct str new = secret_reveal(token_sign(f->arena, rotated, &plain_config, &claims));

	assert_false(str_eq(old, new));
	assert_int_equal(
	    token_verify(f->arena, rotated, &plain_config, TOKEN_ACCESS, old, NOW, &ret), OK);
	assert_int_equal(
	    token_verify(f->arena, rotated, &plain_config, TOKEN_ACCESS, new, NOW, &ret), OK);
	assert_int_equal(verify(f, new, &ret), ERR_TOKEN_INVALID);
	assert_int_equal(token_verify(f->arena, after, &plain_config, TOKEN_ACCESS, old, NOW, &ret),
	    ERR_TOKEN_INVALID);
	keyring_unref(&rotated);
	keyring_unref(&after);
}

static void ids_are_fresh(void **state)
{
	struct fixture *f = *state;
	struct str a = token_jti(f->arena), b = token_jti(f->arena);

	assert_int_equal(a.len, 32);
	assert_false(str_eq(a, b));
	assert_bytes(str_lower(f->arena, a), a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(signing_writes_these_bytes),
		TEST(what_is_signed_is_read_back),
		TEST(no_byte_of_a_token_can_be_changed_or_cut),
		TEST(only_the_shape_we_know_is_taken),
		TEST(long_tokens_are_not_looked_at),
		TEST(headers_are_read_strictly),
		TEST(claims_are_read_strictly),
		TEST(issuer_and_audience_are_held_to),
		TEST(leeway_is_given_to_every_time),
		TEST(an_expired_token_still_says_whose_it_was),
		TEST(tokens_of_simplejwt_are_read),
		TEST(integer_user_ids_by_configuration),
		TEST(every_accepted_secret_verifies_and_the_first_signs),
		TEST(ids_are_fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
