/*
 * The token reader, with the signature and without: the input is tried as a token, and as the
 * header and payload (with a NUL between) of a token that carries a genuine signature, which would
 * otherwise never be met. Whatever is accepted must be as the header promises.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "crypto/hmac.h"
#include "crypto/token.h"
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1700000100)

static const char key[] = "0123456789abcdef0123456789abcdef!";

static struct keyring *ring(void)
{
	static struct keyring *keys;
	const struct keyring_config config = {
		.master = secret_of(STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")),
		.token_secret = secret_of(str_of(key)),
	};
	const char *problem;

	if (!keys && keyring_new(&config, &keys, &problem) != OK)
		abort();
	return keys;
}

static void try(struct arena *arena, struct str token)
{
	const struct token_config config = { .user_id_claim = STR("user_id"),
		.user_id_integer = true };

	for (enum token_type type = TOKEN_ACCESS; type <= TOKEN_REFRESH; type++) {
		struct token_claims claims;
		enum err r = token_verify(arena, ring(), &config, type, token, NOW, &claims);

		if (r == ERR_TOKEN_INVALID)
			continue;
		if ((r != OK && r != ERR_TOKEN_EXPIRED) || claims.type != type ||
		    claims.jti.len != 32 || str_empty(claims.user_id) || claims.iat_s > NOW ||
		    (r == OK) != (claims.exp_s > NOW))
			abort();
	}
}

static struct str sign(struct arena *arena, struct str header, struct str payload)
{
	uint8_t mac[SHA256_SIZE];
	struct hmac_key prepared;
	struct str text;

	hmac_key_init(&prepared, secret_of(str_of(key)));
	text = str_printf(arena, "%.*s.%.*s", STR_ARG(base64url_encode(arena, header)),
	    STR_ARG(base64url_encode(arena, payload)));
	hmac_sha256(&prepared, text, mac);
	return str_printf(arena, "%.*s.%.*s", STR_ARG(text),
	    STR_ARG(base64url_encode(arena, str_bytes(mac, sizeof(mac)))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(ARENA_WIPING, 0);
	struct str input = str_bytes(data, size);
	ssize_t nul = str_find(input, '\0');

	try(arena, input);
	if (nul >= 0)
		try(arena,
		    sign(arena, str_upto(input, (size_t)nul), str_from(input, (size_t)nul + 1)));
	else
		try(arena, sign(arena, STR("{\"alg\":\"HS256\"}"), input));
	arena_free(&arena);
	return 0;
}
