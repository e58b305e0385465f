/*
 * What other issuers send: the input is tried as a key set, as a token, and as the header and
 * payload (with a NUL between) of a token with a genuine signature. What is read must keep its
 * promises, and a key that was taken must be written and read back as the same.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/codec.h"
#include "crypto/jws.h"
#include "tests/fuzz/fuzz.h"

static const struct jwk *own_key(void)
{
	static struct arena *arena;
	static struct jwk key;

	if (!arena) {
		arena = arena_new(ARENA_PLAIN, 0);
		jwk_generate(arena, JOSE_ES256, &key);
	}
	return &key;
}

static void try_key(struct arena *arena, struct str text)
{
	const struct json *tree;
	struct jwk key, again;
	struct json_writer w;
	struct buf out;

	if (json_parse(arena, text, &tree) != OK || !jwk_parse_public(arena, tree, &key))
		return;
	buf_init(&out, arena, 1024);
	json_writer_init(&w, &out);
	jwk_write_public(arena, &w, &key);
	if (json_parse(arena, buf_str(&out), &tree) != OK ||
	    !jwk_parse_public(arena, tree, &again) || !str_eq(key.kid, again.kid) ||
	    !str_eq(jwk_thumbprint(arena, &key), jwk_thumbprint(arena, &again)))
		abort();
	jwk_done(&key);
	jwk_done(&again);
}

static void try_set(struct str text)
{
	struct jwk_set *set;

	if (!jwk_set_parse(text, &set))
		return;
	if (jwk_set_count(set) == 0 || jwk_set_count(set) > JWK_SET_MAX)
		abort();
	jwk_set_unref(&set);
}

static void try_token(struct arena *arena, struct str text)
{
	struct str payload;
	struct jws jws;

	if (!jws_read(arena, text, &jws))
		return;
	if (str_empty(jws.kid) || text.len > JWS_MAX_BYTES)
		abort();
	(void)!jws_verify(arena, &jws, own_key(), &payload);
}

static void try_signed(struct arena *arena, struct str payload)
{
	struct secret token = jws_sign(arena, own_key(), payload);
	struct str back;
	struct jws jws;

	if (token.len > JWS_MAX_BYTES)
		return;
	if (!jws_read(arena, secret_reveal(token), &jws) ||
	    !jws_verify(arena, &jws, own_key(), &back) || !str_eq(back, payload))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(ARENA_WIPING, 0);
	struct str input = str_bytes(data, size);
	ssize_t nul = str_find(input, '\0');

	try_key(arena, input);
	try_set(input);
	try_token(arena, input);
	try_signed(arena, input);
	if (nul >= 0)
		try_token(
		    arena, str_printf(arena, "%.*s.%.*s.AAAA",
			       STR_ARG(base64url_encode(arena, str_upto(input, (size_t)nul))),
			       STR_ARG(base64url_encode(arena, str_from(input, (size_t)nul + 1)))));
	arena_free(&arena);
	return 0;
}
