#include "crypto/pwhash.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/pwhash_priv.h"

/* As Django's: 22 of 62 characters are 131 bits. */
#define SALT_LENGTH 22

static const struct pwhash_format *const formats[] = {
	&pwhash_pbkdf2_sha256,
};

struct pwhash {
	struct lane *lane;
	const struct pwhash_format *format; /* of new hashes */
	uint32_t cost;
	struct pbkdf2_engine pbkdf2;
	/* What a password is hashed against where there is none to compare it with. */
	char dummy_salt[SALT_LENGTH];
	uint8_t dummy_digest[PWHASH_MAX_DIGEST];
};

static const struct pwhash_format *find_format(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (str_eq(formats[i]->name, name))
			return formats[i];
	return NULL;
}

/* The format of @encoded, read into @ret; NULL when it is no hash we know. */
static const struct pwhash_format *parse(
    struct arena *arena, struct str encoded, struct pwhash_params *ret)
{
	const struct pwhash_format *format;
	struct str name;

	if (!str_next_token(&encoded, '$', &name))
		return NULL;
	format = find_format(name);
	return format && format->parse(arena, encoded, ret) ? format : NULL;
}

static void random_salt(char salt[SALT_LENGTH])
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < SALT_LENGTH; i++)
		salt[i] = alphabet[random_below(sizeof(alphabet) - 1)];
}

struct pwhash *pwhash_new(const struct pwhash_config *config, struct lane *lane)
{
	const struct pwhash_format *format = find_format(config->hasher);
	struct pwhash *p;

	if (!format || config->iterations < 1 || config->iterations > format->max_cost)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		die("out of memory: password hashing");
	p->lane = lane;
	p->format = format;
	p->cost = config->iterations;
	random_salt(p->dummy_salt);
	random_bytes(p->dummy_digest, sizeof(p->dummy_digest));
	if (!pbkdf2_engine_init(&p->pbkdf2))
		pwhash_free(&p);
	return p;
}

void pwhash_free(struct pwhash **p)
{
	free(*p);
	*p = NULL;
}

static struct pwhash_work work_of(
    const struct pwhash *p, struct secret password, const struct pwhash_caller *caller)
{
	return (struct pwhash_work){
		.pbkdf2 = &p->pbkdf2,
		.lane = p->lane,
		.caller = caller,
		.password = password,
		.params = { .cost = p->cost },
	};
}

enum err pwhash_create(struct pwhash *p, struct arena *arena, struct secret password,
    const struct pwhash_caller *caller, struct str *ret)
{
	struct pwhash_work work = work_of(p, password, caller);
	uint8_t digest[PWHASH_MAX_DIGEST];
	char salt[SALT_LENGTH];
	enum err r;

	random_salt(salt);
	work.params.salt = str_bytes(salt, sizeof(salt));
	r = p->format->derive(&work, digest);
	if (r != OK)
		return r;
	work.params.digest = str_bytes(digest, p->format->digest_size);
	*ret = p->format->write(arena, &work.params);
	wipe(digest, sizeof(digest));
	return OK;
}

enum err pwhash_verify(struct pwhash *p, struct secret password, struct str encoded,
    const struct pwhash_caller *caller, bool *ret_match)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 256);
	struct pwhash_work work = work_of(p, password, caller);
	const struct pwhash_format *format = parse(arena, encoded, &work.params);
	bool known = format != NULL;
	uint8_t digest[PWHASH_MAX_DIGEST];
	enum err r;

	if (!known) {
		format = p->format;
		work.params = (struct pwhash_params){
			.cost = p->cost,
			.salt = str_bytes(p->dummy_salt, sizeof(p->dummy_salt)),
			.digest = str_bytes(p->dummy_digest, format->digest_size),
		};
	}
	if (format == p->format)
		work.least_cost = p->cost;
	r = format->derive(&work, digest);
	if (r == OK)
		*ret_match =
		    bytes_equal(digest, work.params.digest.ptr, work.params.digest.len) && known;
	wipe(digest, sizeof(digest));
	arena_free(&arena);
	return r;
}

bool pwhash_needs_rehash(const struct pwhash *p, struct str encoded)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 256);
	struct pwhash_params params = { 0 };
	bool same = parse(arena, encoded, &params) == p->format && params.cost == p->cost &&
		    params.salt.len >= SALT_LENGTH;

	arena_free(&arena);
	return !same;
}

bool pwhash_usable(struct str encoded)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 256);
	struct pwhash_params params;
	bool usable = parse(arena, encoded, &params) != NULL;

	arena_free(&arena);
	return usable;
}

int64_t pwhash_cost_us(const struct pwhash *p)
{
	return p->format->cost_us(&p->pbkdf2, p->cost);
}
