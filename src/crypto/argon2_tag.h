/*
 * Argon2 (RFC 9106) by libargon2, over memory that the calling thread keeps: a worker of the hash
 * lane asks the kernel for it once, in huge pages where there are any, and not again for each hash.
 * libargon2 wipes it after each.
 */
#ifndef CRYPTO_ARGON2_TAG_H
#define CRYPTO_ARGON2_TAG_H

#include "base/secret.h"

enum argon2_kind {
	ARGON2_KIND_D,
	ARGON2_KIND_I,
	ARGON2_KIND_ID,
};

struct argon2_input {
	enum argon2_kind kind;
	uint32_t version;    /* 0x10 or 0x13 */
	uint32_t memory_kib; /* at least 8 a lane */
	uint32_t passes, lanes;
	struct secret password;
	struct str salt;   /* 8 bytes or more */
	struct secret key; /* empty: none */
	struct str data;   /* empty: none */
};

/**
 * argon2_tag() - compute a tag, all lanes in this thread
 * @n: size of the tag, 4 or more
 *
 * Returns: false when an input is out of libargon2's bounds, or there is no memory.
 */
MUST_CHECK bool argon2_tag(const struct argon2_input *in, uint8_t *ret_tag, size_t n);

#endif
