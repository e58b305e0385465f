/*
 * bcrypt by libcrypt: "bcrypt$" and then "$2b$12$SALT" with 31 characters of digest, or that alone;
 * "bcrypt_sha256$" with the same over the password's SHA-256 in hexadecimal. Only read.
 */
#include <crypt.h>
#include <openssl/evp.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/log.h"
#include "crypto/hmac.h"
#include "crypto/pwhash_priv.h"

#define PREFIX_LENGTH 7   /* "$2b$12$" */
#define SETTING_LENGTH 29 /* and 22 characters of salt */
#define DIGEST_LENGTH 31
/* What bcrypt takes of a password; more never counted, in Django neither. */
#define PASSWORD_MAX 72

#define MIN_LOG_ROUNDS 4
#define MAX_LOG_ROUNDS 15 /* two seconds */
#define NS_PER_ROUND 55000

static bool is_salt_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '.' && c <= '9');
}

static bool parse_prefix(struct str text, uint32_t *ret_log_rounds)
{
	const char *p = text.ptr;

	/* 2x is a bug of one implementation, and 2 alone forgets the password's length. */
	if (p[0] != '$' || p[1] != '2' || !p[2] || !strchr("aby", p[2]) || p[3] != '$' ||
	    p[6] != '$' || p[4] < '0' || p[4] > '9' || p[5] < '0' || p[5] > '9')
		return false;
	*ret_log_rounds = (uint32_t)((p[4] - '0') * 10 + p[5] - '0');
	return *ret_log_rounds >= MIN_LOG_ROUNDS && *ret_log_rounds <= MAX_LOG_ROUNDS;
}

static bool parse(struct arena *arena, struct str fields, struct pwhash_params *ret)
{
	if (fields.len != SETTING_LENGTH + DIGEST_LENGTH || !parse_prefix(fields, &ret->cost))
		return false;
	for (size_t i = PREFIX_LENGTH; i < fields.len; i++)
		if (!is_salt_character(fields.ptr[i]))
			return false;
	ret->salt = str_dup(arena, str_upto(fields, SETTING_LENGTH));
	ret->digest = str_from(fields, SETTING_LENGTH);
	return true;
}

static int64_t cost_us(const struct pwhash_engine *engine, const struct pwhash_params *params)
{
	(void)engine;
	return ((int64_t)NS_PER_ROUND << params->cost) / 1000;
}

/* @phrase is a C string to libcrypt: one with a NUL inside is nobody's password. */
static bool run(const struct pwhash_params *params, struct str phrase, uint8_t *ret_digest)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *out;

	if (!data)
		die("out of memory: password hashing");
	memset(ret_digest, 0, DIGEST_LENGTH);
	phrase = str_upto(phrase, PASSWORD_MAX);
	memcpy(data->input, phrase.ptr, phrase.len);
	if (str_find(phrase, '\0') < 0) {
		out = crypt_rn(data->input, params->salt.ptr, data, sizeof(*data));
		if (out && strlen(out) == SETTING_LENGTH + DIGEST_LENGTH)
			memcpy(ret_digest, out + SETTING_LENGTH, DIGEST_LENGTH);
	}
	wipe(data, sizeof(*data));
	free(data);
	return true;
}

static bool compute(const struct pwhash_params *params, struct secret password, uint8_t *ret_digest)
{
	return run(params, secret_reveal(password), ret_digest);
}

static bool compute_sha256(
    const struct pwhash_params *params, struct secret password, uint8_t *ret_digest)
{
	struct arena *arena = arena_new(ARENA_WIPING, 256);
	uint8_t *hash = arena_alloc(arena, SHA256_SIZE);
	bool done;

	SHA256(password.ptr, password.len, hash);
	done = run(params, hex_encode(arena, str_bytes(hash, SHA256_SIZE)), ret_digest);
	arena_free(&arena);
	return done;
}

const struct pwhash_format pwhash_bcrypt = {
	.name = STR_INIT("bcrypt"),
	.parse = parse,
	.cost_us = cost_us,
	.derive = pwhash_derive_whole,
	.compute = compute,
};

const struct pwhash_format pwhash_bcrypt_sha256 = {
	.name = STR_INIT("bcrypt_sha256"),
	.parse = parse,
	.cost_us = cost_us,
	.derive = pwhash_derive_whole,
	.compute = compute_sha256,
};
