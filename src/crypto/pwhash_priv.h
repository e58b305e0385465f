/* Between pwhash.c and the families of formats, one file each. */
#ifndef CRYPTO_PWHASH_PRIV_H
#define CRYPTO_PWHASH_PRIV_H

#include "crypto/pbkdf2.h"
#include "crypto/pwhash.h"

#define PWHASH_MAX_SALT 128
#define PWHASH_MAX_DIGEST 64
#define PBKDF2_MAX_ITERATIONS 10000000
#define PS_PER_US INT64_C(1000000)

/** struct pwhash_params - an encoded hash, read; borrows from the text and the arena. */
struct pwhash_params {
	const struct pwhash_format *format;
	int variant;     /* which of the family; the format's own numbers */
	uint32_t cost;   /* iterations; passes of Argon2; log2 of bcrypt's rounds; N of scrypt */
	uint32_t memory; /* KiB of Argon2; r of scrypt */
	uint32_t lanes;  /* p of both */
	struct str salt; /* of bcrypt the whole setting, "$2b$12$…" */
	struct str digest;
};

/** struct pwhash_engine - what was found out about this machine at start. */
struct pwhash_engine {
	const struct pbkdf2_kernel *kernel;
	int64_t ps_per_iteration;
	uint32_t slice;    /* iterations in about 2 ms */
	int64_t argon2_ps; /* a pass over one KiB */
};

/** struct pwhash_work - one digest to compute. */
struct pwhash_work {
	const struct pwhash_engine *engine;
	struct lane *lane;
	const struct pwhash_caller *caller;
	struct secret password;
	const struct pwhash_params *params;
	/*
	 * Use at least the CPU time of so many iterations of PBKDF2: a cheap old hash must not show
	 * by its time.
	 */
	uint32_t least;
};

/** struct pwhash_format - one row of the table: an encoded form and how its digest is computed. */
struct pwhash_format {
	struct str name;    /* as password.hasher says it */
	size_t digest_size; /* of new hashes; 0: none are made, only read */
	int variant;        /* likewise */
	/**
	 * parse() - read the fields after the name
	 *
	 * Strict, and false as well when a cost is out of bounds: what was imported from elsewhere
	 * must not be able to take the machine's time or memory.
	 */
	bool (*parse)(struct arena *arena, struct str fields, struct pwhash_params *ret);
	/** write() - the encoded form; NULL where no new ones are made. */
	struct str (*write)(struct arena *arena, const struct pwhash_params *params);
	/** in_bounds() - may new ones have these costs? NULL likewise. */
	bool (*in_bounds)(const struct pwhash_params *params);
	/** cost_us() - about what it takes on one core. */
	int64_t (*cost_us)(const struct pwhash_engine *engine, const struct pwhash_params *params);
	/** memory() - bytes it holds meanwhile; NULL: next to none. */
	size_t (*memory)(const struct pwhash_params *params);
	/** derive() - params->digest.len bytes, on the lane. Returns what pwhash_verify() says. */
	MAY_YIELD enum err (*derive)(const struct pwhash_work *work, uint8_t *ret_digest);
	/** compute() - the same in this thread, whole; for pwhash_derive_whole(). False: no memory.
	 */
	bool (*compute)(
	    const struct pwhash_params *params, struct secret password, uint8_t *ret_digest);
};

extern const struct pwhash_format pwhash_argon2id, pwhash_bcrypt, pwhash_bcrypt_sha256, pwhash_md5,
    pwhash_md5_unsalted, pwhash_pbkdf2_sha1, pwhash_pbkdf2_sha256, pwhash_scrypt, pwhash_sha1;

/** pwhash_engine_init() - choose, check and measure PBKDF2; false when no kernel is right. */
bool pwhash_engine_init(struct pwhash_engine *engine);
/** pwhash_measure_argon2() - the same for Argon2 with these costs, once, and have its memory. */
bool pwhash_measure_argon2(struct pwhash_engine *engine, const struct pwhash_params *params);

/** pwhash_derive_whole() - .derive of formats that cannot be sliced: run .compute, then fill. */
MAY_YIELD enum err pwhash_derive_whole(const struct pwhash_work *work, uint8_t *ret_digest);
/** pwhash_derive_pbkdf2() - .derive of pbkdf2_sha256. */
MAY_YIELD enum err pwhash_derive_pbkdf2(const struct pwhash_work *work, uint8_t *ret_digest);

/** pwhash_number() - decimal, from 1 to @max, in its one spelling: no sign, no zero in front. */
bool pwhash_number(struct str text, uint32_t max, uint32_t *ret);
/** pwhash_named_number() - the same after its name, "m=19456". */
bool pwhash_named_number(struct str text, const char *name, uint32_t max, uint32_t *ret);

#endif
