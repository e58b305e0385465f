#include "base/json.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"

/* Four names are ours and jansson's; its own are never called and step aside while it is read. */
#define json_type jansson_type
#define json_string jansson_string
#define json_integer jansson_integer
#define json_real jansson_real
#include <jansson.h>
#undef json_type
#undef json_string
#undef json_integer
#undef json_real

/*
 * jansson's memory holds passwords and tokens, also while it is still reading them, so every piece
 * is wiped when it is given back; the size is kept in front of it.
 */
union header {
	size_t size;
	max_align_t align;
};

static void *wiping_malloc(size_t size)
{
	union header *h = malloc(sizeof(*h) + size);

	if (!h)
		die("out of memory: %zu bytes", size);
	h->size = size;
	return h + 1;
}

static void wiping_free(void *p)
{
	union header *h = p;

	if (!h)
		return;
	h--;
	wipe(h + 1, h->size);
	free(h);
}

/*
 * Before main(), so that no thread and no other user of jansson sees the change happen. Seeding
 * here also keeps jansson from opening /dev/urandom later, where the sandbox has none.
 */
static void __attribute__((constructor)) set_up_jansson(void)
{
	size_t seed;

	random_bytes(&seed, sizeof(seed));
	json_set_alloc_funcs(wiping_malloc, wiping_free);
	json_object_seed(seed | 1);
}

static const json_t *tree_of(const struct json *v)
{
	return (const json_t *)(const void *)v;
}

static const struct json *value_of(const json_t *tree)
{
	return (const struct json *)(const void *)tree;
}

static void free_tree(void *tree)
{
	json_decref(tree);
}

/* jansson recurses for every level and allows 2,048: count them before it sees the text. */
static bool depth_is_bounded(struct str text)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '[' || c == '{'))
			depth++;
		else if (!in_string && (c == ']' || c == '}'))
			depth--; /* below zero is refused like any great depth */
		if (depth > JSON_MAX_DEPTH)
			return false;
	}
	return true;
}

enum err json_new(struct str text, const struct json **ret)
{
	json_t *tree;

	/* jansson takes a raw NUL for the end and ignores what follows; no JSON text has one. */
	if (str_find(text, '\0') >= 0 || !depth_is_bounded(text))
		return ERR_MALFORMED_JSON;
	tree = json_loadb(
	    text.ptr, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (!tree)
		return ERR_MALFORMED_JSON;
	*ret = value_of(tree);
	return OK;
}

void json_free(const struct json **v)
{
	if (*v)
		free_tree((void *)(uintptr_t)*v);
	*v = NULL;
}

enum err json_parse(struct arena *arena, struct str text, const struct json **ret)
{
	enum err e = json_new(text, ret);

	if (e == OK)
		arena_defer(arena, free_tree, (void *)(uintptr_t)*ret);
	return e;
}

enum json_type json_type(const struct json *v)
{
	switch (json_typeof(tree_of(v))) {
	case JSON_OBJECT:
		return JSON_TYPE_OBJECT;
	case JSON_ARRAY:
		return JSON_TYPE_ARRAY;
	case JSON_STRING:
		return JSON_TYPE_STRING;
	case JSON_INTEGER:
		return JSON_TYPE_INTEGER;
	case JSON_REAL:
		return JSON_TYPE_REAL;
	case JSON_TRUE:
		return JSON_TYPE_TRUE;
	case JSON_FALSE:
		return JSON_TYPE_FALSE;
	case JSON_NULL:
		break;
	}
	return JSON_TYPE_NULL;
}

const struct json *json_get(const struct json *v, const char *name)
{
	return value_of(json_object_get(tree_of(v), name));
}

struct str json_string(const struct json *v)
{
	return str_bytes(json_string_value(tree_of(v)), json_string_length(tree_of(v)));
}

int64_t json_integer(const struct json *v)
{
	return json_integer_value(tree_of(v));
}

double json_real(const struct json *v)
{
	return json_number_value(tree_of(v));
}

size_t json_array_length(const struct json *v)
{
	return json_array_size(tree_of(v));
}

const struct json *json_array_at(const struct json *v, size_t i)
{
	return value_of(json_array_get(tree_of(v), i));
}

void json_each_member(const struct json *v,
    bool (*fn)(void *arg, struct str name, const struct json *value), void *arg)
{
	/* jansson's iterator could change the tree, so it takes no const one; this does not. */
	json_t *tree = (json_t *)(uintptr_t)v;

	for (void *it = json_object_iter(tree); it; it = json_object_iter_next(tree, it))
		if (!fn(arg, str_of(json_object_iter_key(it)),
			value_of(json_object_iter_value(it))))
			return;
}
