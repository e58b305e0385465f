#include "crypto/pwhash.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/pwhash_priv.h"

/* As Django's: 22 of 62 characters are 131 bits. */
#define SALT_LENGTH 22

/* How an encoded hash begins, and whose fields come after it. */
static const struct spelling {
	struct str prefix;
	size_t kept; /* its last bytes, which belong to the fields */
	const struct pwhash_format *format;
} spellings[] = {
	{ STR_INIT("pbkdf2_sha256$"), 0, &pwhash_pbkdf2_sha256 },
	{ STR_INIT("argon2$"), 0, &pwhash_argon2id },
	{ STR_INIT("$argon2"), 6, &pwhash_argon2id },
	{ STR_INIT("bcrypt_sha256$"), 0, &pwhash_bcrypt_sha256 },
	{ STR_INIT("bcrypt$"), 0, &pwhash_bcrypt },
	{ STR_INIT("$2"), 2, &pwhash_bcrypt },
	{ STR_INIT("scrypt$"), 0, &pwhash_scrypt },
	{ STR_INIT("pbkdf2_sha1$"), 0, &pwhash_pbkdf2_sha1 },
	{ STR_INIT("sha1$"), 0, &pwhash_sha1 },
	{ STR_INIT("md5$"), 0, &pwhash_md5 },
	{ STR_INIT(""), 0, &pwhash_md5_unsalted },
};

struct pwhash {
	struct lane *lane;
	struct pwhash_engine engine;
	/*
	 * What new hashes are made with. Its salt and digest are random bytes: what a password is
	 * hashed against where there is none to compare it with.
	 */
	struct pwhash_params wanted;
	uint32_t least; /* what that takes, in iterations of PBKDF2 */
	char dummy_salt[SALT_LENGTH];
	uint8_t dummy_digest[PWHASH_MAX_DIGEST];
};

/* --- reading --- */

bool pwhash_number(struct str text, uint32_t max, uint32_t *ret)
{
	int64_t n;

	if (str_empty(text) || text.ptr[0] < '1' || text.ptr[0] > '9' || !str_to_i64(text, &n) ||
	    n > max)
		return false;
	*ret = (uint32_t)n;
	return true;
}

bool pwhash_named_number(struct str text, const char *name, uint32_t max, uint32_t *ret)
{
	struct str prefix = str_of(name);

	return str_starts(text, prefix) && pwhash_number(str_from(text, prefix.len), max, ret);
}

/* Read @encoded into @ret; false when it is no hash we know. */
static bool parse(struct arena *arena, struct str encoded, struct pwhash_params *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		const struct spelling *s = &spellings[i];

		if (!str_starts(encoded, s->prefix))
			continue;
		*ret = (struct pwhash_params){ .format = s->format };
		return s->format->parse(arena, str_from(encoded, s->prefix.len - s->kept), ret);
	}
	return false;
}

static bool same_costs(const struct pwhash_params *a, const struct pwhash_params *b)
{
	return a->format == b->format && a->variant == b->variant && a->cost == b->cost &&
	       a->memory == b->memory && a->lanes == b->lanes;
}

/* --- life --- */

static void random_salt(char salt[SALT_LENGTH])
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < SALT_LENGTH; i++)
		salt[i] = alphabet[random_below(sizeof(alphabet) - 1)];
}

static bool wanted_of(const struct pwhash_config *config, struct pwhash_params *ret)
{
	*ret = (struct pwhash_params){ 0 };
	if (str_eq(config->hasher, pwhash_pbkdf2_sha256.name)) {
		ret->format = &pwhash_pbkdf2_sha256;
		ret->cost = config->iterations;
	} else if (str_eq(config->hasher, pwhash_argon2id.name)) {
		ret->format = &pwhash_argon2id;
		ret->cost = config->argon2_passes;
		ret->memory = config->argon2_memory_kib;
		ret->lanes = config->argon2_lanes;
	} else {
		return false;
	}
	ret->variant = ret->format->variant;
	return ret->format->in_bounds(ret);
}

static void make_dummy(struct pwhash *p)
{
	random_salt(p->dummy_salt);
	random_bytes(p->dummy_digest, sizeof(p->dummy_digest));
	p->wanted.salt = str_bytes(p->dummy_salt, sizeof(p->dummy_salt));
	p->wanted.digest = str_bytes(p->dummy_digest, p->wanted.format->digest_size);
}

static bool measure(struct pwhash *p)
{
	if (!pwhash_engine_init(&p->engine))
		return false;
	p->least = p->wanted.cost;
	if (p->wanted.format == &pwhash_pbkdf2_sha256)
		return true;
	if (!pwhash_measure_argon2(&p->engine, &p->wanted))
		return false;
	p->least = (uint32_t)(pwhash_cost_us(p) * PS_PER_US / p->engine.ps_per_iteration);
	return true;
}

struct pwhash *pwhash_new(
    const struct pwhash_config *config, struct lane *lane, const char **ret_problem)
{
	struct pwhash *p = calloc(1, sizeof(*p));

	if (!p)
		die("out of memory: password hashing");
	p->lane = lane;
	if (!wanted_of(config, &p->wanted)) {
		*ret_problem = "password.hasher is unknown, or its costs are out of bounds.";
		pwhash_free(&p);
		return NULL;
	}
	make_dummy(p);
	if (!measure(p)) {
		*ret_problem = "password.hasher cannot be used: its known answers came out wrong, "
			       "or there is not enough memory.";
		pwhash_free(&p);
	}
	return p;
}

void pwhash_free(struct pwhash **p)
{
	free(*p);
	*p = NULL;
}

/* --- hashing --- */

static struct pwhash_work work_of(const struct pwhash *p, struct secret password,
    const struct pwhash_params *params, const struct pwhash_caller *caller)
{
	return (struct pwhash_work){
		.engine = &p->engine,
		.lane = p->lane,
		.caller = caller,
		.password = password,
		.params = params,
		.least = same_costs(params, &p->wanted) ? 0 : p->least,
	};
}

enum err pwhash_create(struct pwhash *p, struct arena *arena, struct secret password,
    const struct pwhash_caller *caller, struct str *ret)
{
	struct pwhash_params params = p->wanted;
	struct pwhash_work work = work_of(p, password, &params, caller);
	uint8_t digest[PWHASH_MAX_DIGEST];
	char salt[SALT_LENGTH];
	enum err r;

	random_salt(salt);
	params.salt = str_bytes(salt, sizeof(salt));
	r = params.format->derive(&work, digest);
	if (r != OK)
		return r;
	params.digest = str_bytes(digest, params.format->digest_size);
	*ret = params.format->write(arena, &params);
	wipe(digest, sizeof(digest));
	return OK;
}

enum err pwhash_verify(struct pwhash *p, struct secret password, struct str encoded,
    const struct pwhash_caller *caller, bool *ret_match)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 256);
	struct pwhash_params params;
	bool known = parse(arena, encoded, &params);
	uint8_t digest[PWHASH_MAX_DIGEST];
	struct pwhash_work work;
	enum err r;

	if (!known)
		params = p->wanted;
	work = work_of(p, password, &params, caller);
	r = params.format->derive(&work, digest);
	if (r == OK)
		*ret_match = bytes_equal(digest, params.digest.ptr, params.digest.len) && known;
	wipe(digest, sizeof(digest));
	arena_free(&arena);
	return r;
}

bool pwhash_needs_rehash(const struct pwhash *p, struct str encoded)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 256);
	struct pwhash_params params;
	bool good = parse(arena, encoded, &params) && same_costs(&params, &p->wanted) &&
		    params.salt.len >= SALT_LENGTH && params.digest.len == p->wanted.digest.len;

	arena_free(&arena);
	return !good;
}

bool pwhash_usable(struct str encoded)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 256);
	struct pwhash_params params;
	bool usable = parse(arena, encoded, &params);

	arena_free(&arena);
	return usable;
}

int64_t pwhash_cost_us(const struct pwhash *p)
{
	return p->wanted.format->cost_us(&p->engine, &p->wanted);
}
