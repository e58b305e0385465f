/*
 * Signed tokens (RFC 7515) in compact form, under RS256 and ES256. Which keys may have signed is
 * the caller's: it finds one by the header's kid among the keys it is configured for, and the key
 * says which algorithm it is for. The header only has to agree (RFC 8725 3.1).
 */
#ifndef CRYPTO_JWS_H
#define CRYPTO_JWS_H

#include "crypto/jwk.h"

/** JWS_MAX_BYTES - of a token we read; Google's have about 1,200. */
#define JWS_MAX_BYTES 8192

/** struct jws_parts - the three parts as they stand, and the bytes the signature covers. */
struct jws_parts {
	struct str header, payload, signature, signed_part;
};

/** jws_split() - false unless there are exactly two dots. */
bool jws_split(struct str text, struct jws_parts *ret);

/** struct jws - a token whose header has been read; nothing of it is proven yet. */
struct jws {
	struct jws_parts parts;
	enum jose_alg alg;
	struct str kid;
};

/**
 * jws_read() - take a token apart and read its header
 *
 * Strict: size, three parts, canonical base64url, no duplicate member; "alg" one of ours, "kid"
 * there, "typ" absent or JWT. A header that names a key of its own ("jwk", "jku", "x5u", "x5c") or
 * asks for an extension ("crit", "b64", "zip") is refused, whatever its value.
 *
 * Returns: false when any of this does not hold. No key is touched.
 */
MUST_CHECK bool jws_read(struct arena *arena, struct str text, struct jws *ret);
/**
 * jws_verify() - did @key sign it?
 * @ret_payload: on true the decoded payload, in @arena
 */
MUST_CHECK bool jws_verify(
    struct arena *arena, const struct jws *jws, const struct jwk *key, struct str *ret_payload);
/** jws_sign() - @payload as a compact token under @key, which has its private half; in @secrets. */
struct secret jws_sign(struct arena *secrets, const struct jwk *key, struct str payload);

#endif
