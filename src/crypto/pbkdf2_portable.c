/* SHA256_Transform() is deprecated since OpenSSL 3.0; EVP has nothing that takes a midstate. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/pbkdf2.h"

#include "crypto/bytes.h"

/* A MAC of 32 bytes after the pad block: its bytes, a one bit, zeros, and 768 as the length. */
static void compress(const uint32_t midstate[8], uint8_t block[SHA256_BLOCK], SHA256_CTX *sha)
{
	memcpy(sha->h, midstate, sizeof(sha->h));
	SHA256_Transform(sha, block);
}

static void store(uint8_t *p, const uint32_t words[8])
{
	for (size_t i = 0; i < 8; i++)
		store_be32(p + 4 * i, words[i]);
}

static void run(struct pbkdf2 *s, uint32_t n)
{
	uint8_t block[SHA256_BLOCK] = { [32] = 0x80, [62] = 768 >> 8, [63] = 768 & 0xff };
	SHA256_CTX sha;

	SHA256_Init(&sha);
	memcpy(sha.h, s->u, sizeof(s->u));
	while (n-- > 0) {
		store(block, sha.h);
		compress(s->key.inner, block, &sha);
		store(block, sha.h);
		compress(s->key.outer, block, &sha);
		for (size_t i = 0; i < 8; i++)
			s->t[i] ^= sha.h[i];
	}
	memcpy(s->u, sha.h, sizeof(s->u));
	wipe(block, sizeof(block));
	wipe(&sha, sizeof(sha));
}

const struct pbkdf2_kernel *pbkdf2_portable(void)
{
	static const struct pbkdf2_kernel kernel = { .name = "portable", .run = run };

	return &kernel;
}
