/*
 * Access and refresh tokens: JWTs (RFC 7519) in SimpleJWT's shape. Algorithm and keys come from the
 * configuration, never from a token's header (RFC 8725 3.1). HS256 here; asymmetric keys join
 * behind the same calls.
 */
#ifndef CRYPTO_TOKEN_H
#define CRYPTO_TOKEN_H

#include "crypto/keyring.h"

struct arena;

enum token_type {
	TOKEN_ACCESS,
	TOKEN_REFRESH,
};

struct token_config {
	struct str issuer;        /* "iss"; empty: none written, none asked for */
	struct str audience;      /* "aud"; likewise */
	struct str user_id_claim; /* "user_id" */
	bool user_id_integer;     /* write the id as a JSON number (an old integer key) */
	int64_t leeway_s;         /* clock skew tolerated on exp, iat and nbf */
};

struct token_claims {
	enum token_type type;
	int64_t iat_s, exp_s, nbf_s; /* seconds since 1970 */
	struct str jti;              /* 32 hex digits */
	struct str user_id;          /* as the claim carries it */
	bool
	    has_session; /* false: minted by another system (SimpleJWT), to be adopted or refused */
	struct uuid session_id; /* "sid" */
	struct str role;
	int64_t epoch; /* "ver" */
	/* "act": who acts for them (RFC 8693 4.1). Written, not read: the session's row knows. */
	struct str actor;
};

/** token_jti() - a fresh 32-digit id in @arena. */
struct str token_jti(struct arena *arena);

/** token_sign() - @claims as a compact JWS under the active token secret; in @secrets. */
struct secret token_sign(struct arena *secrets, const struct keyring *keys,
    const struct token_config *config, const struct token_claims *claims);

/**
 * token_verify() - check a presented token from its first byte to its last
 * @type:  which kind is asked for; another kind is invalid (RFC 8725 3.11)
 * @now_s: wall clock
 * @ret:   filled in on OK and on ERR_TOKEN_EXPIRED; strings live in @arena
 *
 * Strict: three parts, canonical base64url, duplicate members, "crit", float or out-of-range times
 * refused; every accepted token secret is tried.
 *
 * Returns: OK, ERR_TOKEN_EXPIRED, ERR_TOKEN_INVALID.
 */
MUST_CHECK enum err token_verify(struct arena *arena, const struct keyring *keys,
    const struct token_config *config, enum token_type type, struct str token, int64_t now_s,
    struct token_claims *ret);

#endif
