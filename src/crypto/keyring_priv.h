/* What a key ring holds, for seal.c and token.c. */
#ifndef CRYPTO_KEYRING_PRIV_H
#define CRYPTO_KEYRING_PRIV_H

#include "crypto/hmac.h"
#include "crypto/key_list.h"
#include "crypto/keyring.h"

#define AEAD_KEY_SIZE 32

/* One accepted master key: two keys a purpose, so that none serves both a MAC and a cipher. */
struct master_key {
	uint8_t id;
	struct hmac_key mac[KEY_PURPOSE_COUNT];
	uint8_t aead[KEY_PURPOSE_COUNT][AEAD_KEY_SIZE];
};

struct keyring {
	int references; /* atomic */
	char fingerprint[9];
	size_t n_masters, n_tokens;
	struct master_key masters[KEY_LIST_MAX]; /* the active one first, as below */
	struct hmac_key tokens[KEY_LIST_MAX];
};

/** keyring_aead_key() - the AES key for @purpose; NULL when @key_id is unknown. */
const uint8_t *keyring_aead_key(const struct keyring *keys, enum key_purpose purpose, int key_id);

#endif
