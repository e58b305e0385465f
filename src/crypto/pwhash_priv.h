/* Between pwhash.c and the families of formats, one file each. */
#ifndef CRYPTO_PWHASH_PRIV_H
#define CRYPTO_PWHASH_PRIV_H

#include "crypto/pbkdf2.h"
#include "crypto/pwhash.h"

#define PWHASH_MAX_SALT 128
#define PWHASH_MAX_DIGEST 64
#define PBKDF2_MAX_ITERATIONS 10000000

/** struct pwhash_params - an encoded hash, read; borrows from the text and the arena. */
struct pwhash_params {
	uint32_t cost; /* iterations */
	struct str salt;
	struct str digest;
};

/** struct pbkdf2_engine - the kernel in use and how fast it was at start. */
struct pbkdf2_engine {
	const struct pbkdf2_kernel *kernel;
	int64_t ps_per_iteration;
	uint32_t slice; /* iterations in about 2 ms */
};

/** struct pwhash_work - one digest to compute. */
struct pwhash_work {
	const struct pbkdf2_engine *pbkdf2;
	struct lane *lane;
	const struct pwhash_caller *caller;
	struct secret password;
	struct pwhash_params params;
	/* Go on until this much has been done: a cheap old hash must not show by its time. */
	uint32_t least_cost;
};

/** struct pwhash_format - one row of the table: an encoded form and how its digest is computed. */
struct pwhash_format {
	struct str name; /* what stands before the first "$" */
	uint32_t max_cost;
	size_t digest_size; /* of new hashes */
	/** parse() - read what follows the name and "$"; false when a field is out of bounds. */
	bool (*parse)(struct arena *arena, struct str fields, struct pwhash_params *ret);
	/** write() - the encoded form. */
	struct str (*write)(struct arena *arena, const struct pwhash_params *params);
	/** cost_us() - CPU time of @cost on this machine. */
	int64_t (*cost_us)(const struct pbkdf2_engine *engine, uint32_t cost);
	/** derive() - compute params.digest.len bytes on the lane. Returns what rt_offload() says.
	 */
	MAY_YIELD enum err (*derive)(const struct pwhash_work *work, uint8_t *ret_digest);
};

extern const struct pwhash_format pwhash_pbkdf2_sha256;

/** pbkdf2_engine_init() - choose, check and measure; false when no kernel is right. */
bool pbkdf2_engine_init(struct pbkdf2_engine *engine);

#endif
