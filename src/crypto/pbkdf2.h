/*
 * PBKDF2-HMAC-SHA256 (RFC 8018 5.2) for keys of one block, as a state that can be put down after
 * any iteration and taken up again: the hash lane runs it in slices, and where the kernel can, two
 * states side by side on one core.
 *
 * A kernel is the loop alone, and the only cryptographic primitive this program has of its own: an
 * iteration is two runs of SHA-256's compression function over a block whose second half never
 * changes. OpenSSL's PKCS5_PBKDF2_HMAC() spends three quarters of its time around that.
 */
#ifndef CRYPTO_PBKDF2_H
#define CRYPTO_PBKDF2_H

#include "crypto/hmac.h"

/** struct pbkdf2 - one password being hashed; as secret as the password, so wipe it. */
struct pbkdf2 {
	struct hmac_key key;
	uint32_t u[8];      /* U_i: the last MAC, as numbers */
	uint32_t t[8];      /* U_1 ^ ... ^ U_i: the result so far */
	uint32_t remaining; /* iterations */
};

struct pbkdf2_kernel {
	const char *name;
	/** run() - do @n iterations of @s->u and @s->t; touches nothing else. */
	void (*run)(struct pbkdf2 *s, uint32_t n);
	/** run_pair() - the same for both, interleaved; NULL where that gains nothing. */
	void (*run_pair)(struct pbkdf2 *a, struct pbkdf2 *b, uint32_t n);
};

/** pbkdf2_portable() - through OpenSSL's compression function; any machine. */
const struct pbkdf2_kernel *pbkdf2_portable(void);
/** pbkdf2_sha() - with the CPU's SHA instructions; NULL when it has none. */
const struct pbkdf2_kernel *pbkdf2_sha(void);
/**
 * pbkdf2_choose() - the fastest kernel of this machine that gives the known answers
 *
 * CLOAKROOM_CPU=portable or sha forces one.
 *
 * Returns: NULL when the forced one is unknown, missing or wrong, or when none is right.
 */
const struct pbkdf2_kernel *pbkdf2_choose(void);
/** pbkdf2_kernel_is_right() - does @kernel give known answers, alone, in slices and in pairs? */
bool pbkdf2_kernel_is_right(const struct pbkdf2_kernel *kernel);

/** pbkdf2_begin() - the first of @iterations ≥ 1; @password and @salt are not needed afterwards. */
void pbkdf2_begin(struct pbkdf2 *s, struct secret password, struct str salt, uint32_t iterations);
/** pbkdf2_step() - up to @n iterations more. Returns true when none remains. */
bool pbkdf2_step(const struct pbkdf2_kernel *kernel, struct pbkdf2 *s, uint32_t n);
/** pbkdf2_step_pair() - up to @n of each; stops where the first of the two is finished. */
void pbkdf2_step_pair(
    const struct pbkdf2_kernel *kernel, struct pbkdf2 *a, struct pbkdf2 *b, uint32_t n);
/** pbkdf2_result() - the derived key, once nothing remains. */
void pbkdf2_result(const struct pbkdf2 *s, uint8_t key[static SHA256_SIZE]);

#endif
