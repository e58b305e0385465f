/*
 * Every key of the server, derived from two configured lists. CLOAKROOM_MASTER_KEY and
 * CLOAKROOM_TOKEN_SECRET are "id:base64[,id:base64...]" (ids 0-255): the first entry is active, the
 * rest are accepted; a bare value is id 0. HKDF-SHA256 (RFC 5869) with one label a purpose turns a
 * master key into the keys below; every stored value carries the id of the master key behind it.
 *
 * Base64 is the padded standard alphabet. A bare token secret (one that does not begin with digits
 * and a colon) that is not base64 is taken as it stands, byte for byte, commas included: so a
 * Django SECRET_KEY can be given unchanged. One that happens to be base64 as well is decoded; write
 * such a text as "0:" and the base64 of it. White space around either setting is dropped.
 *
 * A ring is immutable and counted: SIGHUP makes a new one, a request keeps the one it began with.
 */
#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include "base/codec.h"
#include "base/err.h"
#include "base/secret.h"

struct keyring;

enum key_purpose {
	KEY_WRAP,        /* wraps users' data keys */
	KEY_BLIND_INDEX, /* look-up of sealed identifiers */
	KEY_OTP,         /* stored form of one-time codes */
	KEY_REFRESH,     /* stored form of refresh tokens; seals the successor */
	KEY_AUDIT,       /* MAC of an audit row */
	KEY_SEAL,        /* MAC of an audit seal */
	KEY_DEVICE,      /* known-device tokens; stored form of X-Device-ID */
	KEY_IDEMPOTENCY, /* stored form of Idempotency-Key and of the body it came with */
	KEY_LIMIT,       /* subjects of limits */
	KEY_SYSTEM,      /* seals personal fields of rows that have no subject */
	KEY_PURPOSE_COUNT,
};

/** KEYRING_ACTIVE - "the active master key" where a key id is asked for. */
#define KEYRING_ACTIVE (-1)

struct mac {
	uint8_t b[32];
};

struct keyring_config {
	struct secret master;          /* the text of CLOAKROOM_MASTER_KEY */
	struct secret token_secret;    /* the text of CLOAKROOM_TOKEN_SECRET */
	bool allow_short_token_secret; /* profile django: under 32 bytes is a warning, not an error
					*/
};

/**
 * keyring_new() - parse and derive
 * @ret:         one reference, dropped with keyring_unref()
 * @ret_problem: on failure a static sentence for the operator
 *
 * Returns: OK or ERR_INTERNAL.
 */
MUST_CHECK enum err keyring_new(
    const struct keyring_config *config, struct keyring **ret, const char **ret_problem);
struct keyring *keyring_ref(struct keyring *keys);
/** keyring_unref() - drop a reference and set *@keys to NULL; the last one wipes everything. */
void keyring_unref(struct keyring **keys);

/** keyring_active() - id of the active master key. */
uint8_t keyring_active(const struct keyring *keys);
/** keyring_ids() - ids of all accepted master keys, active first. Returns how many. */
size_t keyring_ids(const struct keyring *keys, uint8_t ids[static 16]);

/**
 * keyring_mac() - HMAC-SHA256 under the key for @purpose
 * @key_id: master key, or KEYRING_ACTIVE
 * @parts:  @n pieces; each is fed with its length first, so ("ab","c") differs from ("a","bc")
 *
 * Returns: false when @key_id is unknown.
 */
MUST_CHECK bool keyring_mac(const struct keyring *keys, enum key_purpose purpose, int key_id,
    const struct str *parts, size_t n, struct mac *ret);

/** keyring_fingerprint() - 8 hex digits that tell rings apart without telling the key. */
void keyring_fingerprint(const struct keyring *keys, char out[9]);

#endif
