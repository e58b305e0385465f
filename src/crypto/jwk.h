/*
 * Keys as JSON (RFC 7517) for the two signatures we take and make: RS256 with 2048 to 4096 bits,
 * ES256 on P-256. Everything else in a set is passed over: keys for encryption, other curves, other
 * algorithms, keys too short.
 */
#ifndef CRYPTO_JWK_H
#define CRYPTO_JWK_H

#include "base/json.h"
#include "base/secret.h"

struct arena;
struct evp_pkey_st;

enum jose_alg {
	JOSE_ES256,
	JOSE_RS256,
};

/** jose_alg_name() - "ES256", "RS256". */
struct str jose_alg_name(enum jose_alg alg);
/** jose_alg_parse() - exactly one of these names; false for any other, "none" among them. */
bool jose_alg_parse(struct str name, enum jose_alg *ret);

/** struct jwk - one key, public or with its private half; jwk_done() gives @pkey back. */
struct jwk {
	enum jose_alg alg;
	struct str kid; /* lives in the arena it was made in */
	struct evp_pkey_st *pkey;
};

void jwk_done(struct jwk *key);

/**
 * jwk_parse_public() - read one member of a key set
 * @arena: owns the strings of @ret
 *
 * A private key's members are not looked at. A key without "kid" or with one over 255 bytes cannot
 * be chosen, so it is none.
 *
 * Returns: false when this is no public key that we can verify RS256 or ES256 with.
 */
MUST_CHECK bool jwk_parse_public(struct arena *arena, const struct json *object, struct jwk *ret);
/** jwk_write_public() - the public half as a JSON object with kid, use and alg. */
void jwk_write_public(struct arena *arena, struct json_writer *w, const struct jwk *key);

/** jwk_thumbprint() - base64url of the key's SHA-256 thumbprint (RFC 7638). */
struct str jwk_thumbprint(struct arena *arena, const struct jwk *key);

/** jwk_generate() - a new key pair; its kid is its thumbprint. */
void jwk_generate(struct arena *arena, enum jose_alg alg, struct jwk *ret);
/** jwk_private() - the private key as DER; @secrets is a wiping arena. */
struct secret jwk_private(struct arena *secrets, const struct jwk *key);
/** jwk_parse_private() - the other way; false when it is no such key. The kid is computed. */
MUST_CHECK bool jwk_parse_private(
    struct arena *arena, enum jose_alg alg, struct secret der, struct jwk *ret);
/** jwk_public_pem() - "-----BEGIN PUBLIC KEY-----", for gateways that read no JSON. */
struct str jwk_public_pem(struct arena *arena, const struct jwk *key);

/** struct jwk_set - public keys of one issuer; immutable and counted. */
struct jwk_set;

/** JWK_SET_MAX - keys kept of a set; an issuer has two or three. */
#define JWK_SET_MAX 32

/**
 * jwk_set_parse() - read {"keys": […]}
 * @ret: one reference, dropped with jwk_set_unref()
 *
 * Returns: false when it is no key set, or no key in it is of use. Of two usable keys with one kid
 * and algorithm the first is taken.
 */
MUST_CHECK bool jwk_set_parse(struct str text, struct jwk_set **ret);
struct jwk_set *jwk_set_ref(struct jwk_set *set);
/** jwk_set_unref() - drop a reference and set *@set to NULL; NULL is fine. */
void jwk_set_unref(struct jwk_set **set);
/** jwk_set_find() - the key called @kid that signs with @alg; NULL when there is none. */
const struct jwk *jwk_set_find(const struct jwk_set *set, struct str kid, enum jose_alg alg);
/** jwk_set_count() - how many usable keys it has. */
size_t jwk_set_count(const struct jwk_set *set);

#endif
