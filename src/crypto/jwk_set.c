#include "base/arena.h"
#include "base/log.h"
#include "crypto/jwk.h"

struct jwk_set {
	int references; /* atomic */
	struct arena *arena;
	size_t n;
	struct jwk keys[JWK_SET_MAX];
};

static void read_keys(struct jwk_set *set, const struct json *keys)
{
	struct arena *scratch = arena_new(ARENA_PLAIN, 0);

	for (size_t i = 0; i < json_array_length(keys) && set->n < JWK_SET_MAX; i++) {
		struct jwk *key = &set->keys[set->n];

		if (!jwk_parse_public(scratch, json_array_at(keys, i), key))
			continue;
		if (jwk_set_find(set, key->kid, key->alg)) {
			jwk_done(key);
			continue;
		}
		key->kid = str_dup(set->arena, key->kid);
		set->n++;
	}
	arena_free(&scratch);
}

bool jwk_set_parse(struct str text, struct jwk_set **ret)
{
	struct arena *scratch = arena_new(ARENA_PLAIN, 0);
	struct jwk_set *set = calloc(1, sizeof(*set));
	const struct json *tree, *keys;

	if (!set)
		die("out of memory for keys");
	set->references = 1;
	set->arena = arena_new(ARENA_PLAIN, 1024);
	if (json_parse(scratch, text, &tree) == OK) {
		keys = json_get(tree, "keys");
		read_keys(set, keys);
	}
	arena_free(&scratch);
	if (set->n == 0) {
		jwk_set_unref(&set);
		return false;
	}
	*ret = set;
	return true;
}

struct jwk_set *jwk_set_ref(struct jwk_set *set)
{
	__atomic_add_fetch(&set->references, 1, __ATOMIC_RELAXED);
	return set;
}

void jwk_set_unref(struct jwk_set **set)
{
	struct jwk_set *gone = *set;

	*set = NULL;
	if (!gone || __atomic_sub_fetch(&gone->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < gone->n; i++)
		jwk_done(&gone->keys[i]);
	arena_free(&gone->arena);
	free(gone);
}

const struct jwk *jwk_set_find(const struct jwk_set *set, struct str kid, enum jose_alg alg)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->keys[i].alg == alg && str_eq(set->keys[i].kid, kid))
			return &set->keys[i];
	return NULL;
}

size_t jwk_set_count(const struct jwk_set *set)
{
	return set->n;
}
