/*
 * Argon2i and Argon2id: "argon2id$v=19$m=19456,t=2,p=1$SALT$TAG", after Django's "argon2$" or after
 * the "$" of a PHC string. New ones are Argon2id in Django's form.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/codec.h"
#include "crypto/argon2_tag.h"
#include "crypto/pwhash_priv.h"

#define TAG_SIZE 32
#define MIN_TAG 16
#define MIN_SALT 8
#define V10 0x10
#define V13 0x13
/* Enum argon2_kind and the version are one number in struct pwhash_params. */
#define VARIANT(kind, version) ((int)(kind) << 8 | (version))

/* Django's default is 100 MiB, two passes, eight lanes. */
#define MAX_MEMORY_KIB (256u << 10)
#define MAX_PASSES 64
#define MAX_LANES 64
#define MAX_WORK_KIB (2u << 20) /* memory times passes: some seconds */
/* libargon2 is not vectorised in Debian; this is of the right size on any machine that serves. */
#define USUAL_PS_PER_KIB (1000 * INT64_C(1000))

static bool in_bounds(const struct pwhash_params *p)
{
	return p->cost >= 1 && p->cost <= MAX_PASSES && p->lanes >= 1 && p->lanes <= MAX_LANES &&
	       p->memory >= 8 * p->lanes && p->memory <= MAX_MEMORY_KIB &&
	       p->memory <= MAX_WORK_KIB / p->cost;
}

static bool parse_variant(struct str name, struct str version, int *ret)
{
	uint32_t v = V10; /* of hashes older than the field */
	enum argon2_kind kind;

	if (str_eq(name, STR("argon2id")))
		kind = ARGON2_KIND_ID;
	else if (str_eq(name, STR("argon2i")))
		kind = ARGON2_KIND_I;
	else
		return false;
	if (!str_empty(version) &&
	    (!pwhash_named_number(version, "v=", V13, &v) || (v != V10 && v != V13)))
		return false;
	*ret = VARIANT(kind, (int)v);
	return true;
}

static bool parse_costs(struct str text, struct pwhash_params *ret)
{
	struct str memory, passes;

	return str_next_token(&text, ',', &memory) && str_next_token(&text, ',', &passes) &&
	       pwhash_named_number(memory, "m=", MAX_MEMORY_KIB, &ret->memory) &&
	       pwhash_named_number(passes, "t=", MAX_PASSES, &ret->cost) &&
	       pwhash_named_number(text, "p=", MAX_LANES, &ret->lanes) && in_bounds(ret);
}

static bool parse(struct arena *arena, struct str fields, struct pwhash_params *ret)
{
	struct str name, costs, salt, version = STR_NULL;

	if (!str_next_token(&fields, '$', &name) || !str_next_token(&fields, '$', &costs))
		return false;
	if (str_starts(costs, STR("v="))) {
		version = costs;
		if (!str_next_token(&fields, '$', &costs))
			return false;
	}
	if (!str_next_token(&fields, '$', &salt) || salt.len > PWHASH_MAX_SALT)
		return false;
	return parse_variant(name, version, &ret->variant) && parse_costs(costs, ret) &&
	       base64_decode_bare(arena, salt, &ret->salt) && ret->salt.len >= MIN_SALT &&
	       base64_decode_bare(arena, fields, &ret->digest) && ret->digest.len >= MIN_TAG &&
	       ret->digest.len <= PWHASH_MAX_DIGEST;
}

static struct str write(struct arena *arena, const struct pwhash_params *p)
{
	return str_printf(arena, "argon2$argon2id$v=%d$m=%u,t=%u,p=%u$%.*s$%.*s", V13, p->memory,
	    p->cost, p->lanes, STR_ARG(base64_encode_bare(arena, p->salt)),
	    STR_ARG(base64_encode_bare(arena, p->digest)));
}

static int64_t cost_us(const struct pwhash_engine *engine, const struct pwhash_params *p)
{
	int64_t ps = engine->argon2_ps > 0 ? engine->argon2_ps : USUAL_PS_PER_KIB;

	return ps * p->memory * p->cost / PS_PER_US + 1;
}

static size_t memory(const struct pwhash_params *p)
{
	return (size_t)p->memory << 10;
}

static bool compute(const struct pwhash_params *p, struct secret password, uint8_t *ret_digest)
{
	const struct argon2_input in = {
		.kind = (enum argon2_kind)(p->variant >> 8),
		.version = (uint32_t)p->variant & 0xff,
		.memory_kib = p->memory,
		.passes = p->cost,
		.lanes = p->lanes,
		.password = password,
		.salt = p->salt,
	};

	return argon2_tag(&in, ret_digest, p->digest.len);
}

bool pwhash_measure_argon2(struct pwhash_engine *engine, const struct pwhash_params *params)
{
	struct pwhash_params once = *params;
	uint8_t tag[PWHASH_MAX_DIGEST];
	int64_t began_us = thread_cpu_us(), took_us;

	once.cost = 1;
	if (!compute(&once, secret_of(STR("password")), tag))
		return false;
	took_us = thread_cpu_us() - began_us;
	engine->argon2_ps = took_us > 0 ? took_us * PS_PER_US / params->memory : 1;
	return true;
}

const struct pwhash_format pwhash_argon2id = {
	.name = STR_INIT("argon2id"),
	.variant = VARIANT(ARGON2_KIND_ID, V13),
	.digest_size = TAG_SIZE,
	.parse = parse,
	.write = write,
	.in_bounds = in_bounds,
	.cost_us = cost_us,
	.memory = memory,
	.derive = pwhash_derive_whole,
	.compute = compute,
};
