/*
 * Authenticated encryption at rest: AES-256-GCM with a random nonce.
 *
 * A user's personal fields are sealed under the user's own data key; the data key is stored wrapped
 * by the master key. Destroying the wrapped key erases the person everywhere at once, while MACs
 * over the sealed bytes still verify.
 *
 * Sealed form: kind (1 byte) | key id (1) | nonce (12) | ciphertext | tag (16).
 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "crypto/keyring.h"

struct arena;

/** struct data_key - one person's key; the owner wipes it (data_key_wipe()). */
struct data_key {
	uint8_t b[32];
};

/** data_key_generate() - a fresh random key. */
void data_key_generate(struct data_key *ret);
void data_key_wipe(struct data_key *key);

/** data_key_wrap() - @key under the active master key, bound to @owner; in @arena. */
struct str data_key_wrap(
    struct arena *arena, const struct keyring *keys, struct uuid owner, const struct data_key *key);
/**
 * data_key_unwrap() - the other way
 *
 * Returns: OK, or ERR_INTERNAL (unknown master key id, wrong owner, changed bytes).
 */
MUST_CHECK enum err data_key_unwrap(
    const struct keyring *keys, struct uuid owner, struct str wrapped, struct data_key *ret);

/**
 * seal() - encrypt @plain under a person's key
 * @field: what it is, e.g. "users.email": bound in, so that columns cannot be swapped
 */
struct str seal(
    struct arena *arena, const struct data_key *key, struct str field, struct str plain);
/** unseal() - the other way; the plain text lives in @arena (give a wiping one for secrets). */
MUST_CHECK enum err unseal(struct arena *arena, const struct data_key *key, struct str field,
    struct str sealed, struct str *ret);

/** seal_system() - the same under KEY_SYSTEM, KEY_REFRESH or KEY_DEVICE, where there is no person.
 */
struct str seal_system(struct arena *arena, const struct keyring *keys, enum key_purpose purpose,
    struct str field, struct str plain);
MUST_CHECK enum err unseal_system(struct arena *arena, const struct keyring *keys,
    enum key_purpose purpose, struct str field, struct str sealed, struct str *ret);

#endif
