/*
 * Password hashing in Django's encoded forms, on the hash lane. One table of formats; this file's
 * readers never know which they deal with.
 *
 * Read: pbkdf2_sha256, pbkdf2_sha1, argon2 (i and id, also as PHC strings), bcrypt (also bare),
 * bcrypt_sha256, scrypt, sha1, md5. Written: pbkdf2_sha256 or argon2id.
 */
#ifndef CRYPTO_PWHASH_H
#define CRYPTO_PWHASH_H

#include "base/err.h"
#include "base/secret.h"
#include "rt/lane.h"

struct arena;
struct pwhash;

struct pwhash_config {
	struct str hasher;   /* format new hashes get: "pbkdf2_sha256", "argon2id" */
	uint32_t iterations; /* of pbkdf2_sha256 */
	uint32_t argon2_memory_kib, argon2_passes, argon2_lanes; /* of argon2id */
};

/** struct pwhash_caller - on whose behalf: when to give up before beginning. */
struct pwhash_caller {
	int64_t deadline_us;
	const int *cancelled; /* see lane_job; may be NULL */
};

/**
 * pwhash_new() - choose the kernel, check it against known answers, measure it briefly
 * @lane:        where hashes run; outlives the result
 * @ret_problem: on failure what is wrong, as a sentence
 *
 * Returns: NULL when @config cannot be used or a known answer comes out wrong.
 */
struct pwhash *pwhash_new(
    const struct pwhash_config *config, struct lane *lane, const char **ret_problem);
void pwhash_free(struct pwhash **p);

/**
 * pwhash_create() - hash a new password with the configured format and a fresh salt
 * @ret: encoded form, in @arena
 *
 * Returns: OK, what rt_offload() says, or ERR_UNAVAILABLE (no memory).
 */
MAY_YIELD MUST_CHECK enum err pwhash_create(struct pwhash *p, struct arena *arena,
    struct secret password, const struct pwhash_caller *caller, struct str *ret);

/**
 * pwhash_verify() - is @password the one behind @encoded?
 * @encoded:   any known format; unknown, malformed, unusable ("!…") or empty costs the same as a
 *             hash of the configured format and never matches. A cheaper one takes as much CPU
 *             time as that; a dearer one cannot take less than it does (docs/adr, old hashes).
 * @ret_match: set on OK
 *
 * Returns: OK, what rt_offload() says, or ERR_UNAVAILABLE (no memory).
 */
MAY_YIELD MUST_CHECK enum err pwhash_verify(struct pwhash *p, struct secret password,
    struct str encoded, const struct pwhash_caller *caller, bool *ret_match);

/** pwhash_needs_rehash() - another format or other parameters than configured? */
bool pwhash_needs_rehash(const struct pwhash *p, struct str encoded);
/** pwhash_usable() - may @encoded ever match? */
bool pwhash_usable(struct str encoded);
/** pwhash_cost_us() - measured CPU time of one hash of the configured format. */
int64_t pwhash_cost_us(const struct pwhash *p);

#endif
