/* The low-level SHA256_ calls are deprecated since OpenSSL 3.0, and five times as fast as EVP. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/hmac.h"

#include <assert.h>

static void absorb_pad(const uint8_t block[SHA256_BLOCK], uint8_t pad, uint32_t state[8])
{
	uint8_t padded[SHA256_BLOCK];
	SHA256_CTX sha;

	for (size_t i = 0; i < sizeof(padded); i++)
		padded[i] = block[i] ^ pad;
	SHA256_Init(&sha);
	SHA256_Transform(&sha, padded);
	memcpy(state, sha.h, sizeof(sha.h));
	wipe(padded, sizeof(padded));
	wipe(&sha, sizeof(sha));
}

void hmac_key_init(struct hmac_key *key, struct secret secret)
{
	uint8_t block[SHA256_BLOCK] = { 0 };

	if (secret.len > sizeof(block))
		SHA256(secret.ptr, secret.len, block);
	else if (secret.len > 0)
		memcpy(block, secret.ptr, secret.len);
	absorb_pad(block, 0x36, key->inner);
	absorb_pad(block, 0x5c, key->outer);
	wipe(block, sizeof(block));
}

/* Continue from @state, which has absorbed one block. */
static void resume(SHA256_CTX *sha, const uint32_t state[8])
{
	SHA256_Init(sha);
	memcpy(sha->h, state, sizeof(sha->h));
	sha->Nl = SHA256_BLOCK * 8;
}

void hmac_begin(struct hmac *h, const struct hmac_key *key)
{
	h->key = key;
	resume(&h->sha, key->inner);
}

void hmac_add(struct hmac *h, struct str bytes)
{
	SHA256_Update(&h->sha, bytes.ptr, bytes.len);
}

void hmac_end(struct hmac *h, uint8_t mac[static SHA256_SIZE])
{
	SHA256_Final(mac, &h->sha);
	resume(&h->sha, h->key->outer);
	SHA256_Update(&h->sha, mac, SHA256_SIZE);
	SHA256_Final(mac, &h->sha);
	wipe(h, sizeof(*h));
}

void hmac_sha256(const struct hmac_key *key, struct str bytes, uint8_t mac[static SHA256_SIZE])
{
	struct hmac h;

	hmac_begin(&h, key);
	hmac_add(&h, bytes);
	hmac_end(&h, mac);
}

void hkdf_sha256(struct secret input, struct str salt, struct str label, uint8_t *out, size_t n)
{
	uint8_t block[SHA256_SIZE];
	struct hmac_key key;
	struct hmac h;
	uint8_t counter = 0;

	assert(n <= (size_t)255 * SHA256_SIZE);
	hmac_key_init(&key, secret_of(salt));
	hmac_sha256(&key, secret_reveal(input), block);
	hmac_key_init(&key, (struct secret){ block, sizeof(block) });
	while (n > 0) {
		size_t piece = n < sizeof(block) ? n : sizeof(block);

		hmac_begin(&h, &key);
		if (counter > 0)
			hmac_add(&h, str_bytes(block, sizeof(block)));
		hmac_add(&h, label);
		counter++;
		hmac_add(&h, str_bytes(&counter, 1));
		hmac_end(&h, block);
		memcpy(out, block, piece);
		out += piece;
		n -= piece;
	}
	wipe(block, sizeof(block));
	wipe(&key, sizeof(key));
}
