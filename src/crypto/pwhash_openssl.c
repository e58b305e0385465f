/*
 * Django's other formats, by OpenSSL, only read: pbkdf2_sha1$ITERATIONS$SALT$BASE64,
 * scrypt$N$SALT$r$p$BASE64, sha1$SALT$HEX, md5$SALT$HEX, and 32 hexadecimal digits alone (MD5
 * without salt, from before Django 1.0). The last three are no protection; they are gone with the
 * first sign-in.
 */
#include <openssl/evp.h>

#include "base/arena.h"
#include "base/codec.h"
#include "crypto/pwhash_priv.h"

#define SHA1_SIZE 20
#define MD5_SIZE 16
#define SCRYPT_SIZE 64
/* Of the right size on any machine that serves: only the lane's admission counts on them. */
#define NS_PER_SHA1_ITERATION 400
#define NS_PER_SCRYPT_BLOCK 300

/* --- pbkdf2_sha1 --- */

static bool parse_pbkdf2_sha1(struct arena *arena, struct str fields, struct pwhash_params *ret)
{
	struct str iterations;

	if (!str_next_token(&fields, '$', &iterations) ||
	    !str_next_token(&fields, '$', &ret->salt) || ret->salt.len > PWHASH_MAX_SALT)
		return false;
	return pwhash_number(iterations, PBKDF2_MAX_ITERATIONS, &ret->cost) &&
	       base64_decode(arena, fields, &ret->digest) && ret->digest.len == SHA1_SIZE;
}

static int64_t pbkdf2_sha1_us(
    const struct pwhash_engine *engine, const struct pwhash_params *params)
{
	(void)engine;
	return (int64_t)params->cost * NS_PER_SHA1_ITERATION / 1000 + 1;
}

static bool compute_pbkdf2_sha1(
    const struct pwhash_params *params, struct secret password, uint8_t *ret_digest)
{
	return PKCS5_PBKDF2_HMAC((const char *)password.ptr, (int)password.len,
		   (const uint8_t *)params->salt.ptr, (int)params->salt.len, (int)params->cost,
		   EVP_sha1(), SHA1_SIZE, ret_digest) == 1;
}

const struct pwhash_format pwhash_pbkdf2_sha1 = {
	.name = STR_INIT("pbkdf2_sha1"),
	.parse = parse_pbkdf2_sha1,
	.cost_us = pbkdf2_sha1_us,
	.derive = pwhash_derive_whole,
	.compute = compute_pbkdf2_sha1,
};

/* --- scrypt --- */

/* Django's default is N = 2^14, r = 8, p = 5. */
#define MAX_N (1u << 20)
#define MAX_R 32
#define MAX_P 64
#define MAX_SCRYPT_MEMORY (256u << 20)
#define MAX_SCRYPT_BLOCKS (UINT64_C(1) << 23) /* N times r times p: some seconds */

static size_t scrypt_memory(const struct pwhash_params *p)
{
	return (size_t)128 * p->memory * (p->cost + p->lanes + 2);
}

static bool scrypt_in_bounds(const struct pwhash_params *p)
{
	return p->cost >= 2 && (p->cost & (p->cost - 1)) == 0 &&
	       scrypt_memory(p) <= MAX_SCRYPT_MEMORY &&
	       (uint64_t)p->cost * p->memory * p->lanes <= MAX_SCRYPT_BLOCKS;
}

static bool parse_scrypt(struct arena *arena, struct str fields, struct pwhash_params *ret)
{
	struct str n, r, p;

	if (!str_next_token(&fields, '$', &n) || !str_next_token(&fields, '$', &ret->salt) ||
	    !str_next_token(&fields, '$', &r) || !str_next_token(&fields, '$', &p) ||
	    ret->salt.len > PWHASH_MAX_SALT)
		return false;
	return pwhash_number(n, MAX_N, &ret->cost) && pwhash_number(r, MAX_R, &ret->memory) &&
	       pwhash_number(p, MAX_P, &ret->lanes) && scrypt_in_bounds(ret) &&
	       base64_decode(arena, fields, &ret->digest) && ret->digest.len == SCRYPT_SIZE;
}

static int64_t scrypt_us(const struct pwhash_engine *engine, const struct pwhash_params *p)
{
	(void)engine;
	return (int64_t)p->cost * p->memory * p->lanes * NS_PER_SCRYPT_BLOCK / 1000 + 1;
}

static bool compute_scrypt(
    const struct pwhash_params *p, struct secret password, uint8_t *ret_digest)
{
	return EVP_PBE_scrypt((const char *)password.ptr, password.len,
		   (const uint8_t *)p->salt.ptr, p->salt.len, p->cost, p->memory, p->lanes,
		   MAX_SCRYPT_MEMORY + (1u << 20), ret_digest, SCRYPT_SIZE) == 1;
}

const struct pwhash_format pwhash_scrypt = {
	.name = STR_INIT("scrypt"),
	.parse = parse_scrypt,
	.cost_us = scrypt_us,
	.memory = scrypt_memory,
	.derive = pwhash_derive_whole,
	.compute = compute_scrypt,
};

/* --- one round of a digest --- */

static bool parse_hex(struct arena *arena, struct str text, size_t size, struct pwhash_params *ret)
{
	return hex_decode(arena, text, &ret->digest) && ret->digest.len == size;
}

static bool parse_salted(
    struct arena *arena, struct str fields, size_t size, struct pwhash_params *ret)
{
	return str_next_token(&fields, '$', &ret->salt) && ret->salt.len <= PWHASH_MAX_SALT &&
	       parse_hex(arena, fields, size, ret);
}

static bool parse_sha1(struct arena *arena, struct str fields, struct pwhash_params *ret)
{
	return parse_salted(arena, fields, SHA1_SIZE, ret);
}

static bool parse_md5(struct arena *arena, struct str fields, struct pwhash_params *ret)
{
	return parse_salted(arena, fields, MD5_SIZE, ret);
}

static bool parse_md5_unsalted(struct arena *arena, struct str fields, struct pwhash_params *ret)
{
	return parse_hex(arena, fields, MD5_SIZE, ret);
}

static int64_t no_time(const struct pwhash_engine *engine, const struct pwhash_params *params)
{
	(void)engine;
	(void)params;
	return 1;
}

static bool digest_once(
    const EVP_MD *md, struct str salt, struct secret password, uint8_t *ret_digest)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool done = context && EVP_DigestInit_ex(context, md, NULL) == 1 &&
		    EVP_DigestUpdate(context, salt.ptr, salt.len) == 1 &&
		    EVP_DigestUpdate(context, password.ptr, password.len) == 1 &&
		    EVP_DigestFinal_ex(context, ret_digest, NULL) == 1;

	EVP_MD_CTX_free(context);
	return done;
}

static bool compute_sha1(
    const struct pwhash_params *params, struct secret password, uint8_t *ret_digest)
{
	return digest_once(EVP_sha1(), params->salt, password, ret_digest);
}

static bool compute_md5(
    const struct pwhash_params *params, struct secret password, uint8_t *ret_digest)
{
	return digest_once(EVP_md5(), params->salt, password, ret_digest);
}

const struct pwhash_format pwhash_sha1 = {
	.name = STR_INIT("sha1"),
	.parse = parse_sha1,
	.cost_us = no_time,
	.derive = pwhash_derive_whole,
	.compute = compute_sha1,
};

const struct pwhash_format pwhash_md5 = {
	.name = STR_INIT("md5"),
	.parse = parse_md5,
	.cost_us = no_time,
	.derive = pwhash_derive_whole,
	.compute = compute_md5,
};

const struct pwhash_format pwhash_md5_unsalted = {
	.name = STR_INIT("unsalted_md5"),
	.parse = parse_md5_unsalted,
	.cost_us = no_time,
	.derive = pwhash_derive_whole,
	.compute = compute_md5,
};
