#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "kv/kv_priv.h"

/* What is cached is named by the program, not by clients: a few dozen things. */
#define ENTRIES_MAX 256

/* Counted: the table holds one reference, everyone who reads or waits another. */
struct cached {
	struct list link; /* in the table, oldest first */
	unsigned refs;    /* under the table's lock */
	char *key;
	size_t key_len;
	int64_t version;

	/* Written once by the filler, before the latch opens. */
	struct rt_latch filled;
	bool ready;
	int64_t expires_us;
	enum err error;
	char *value;
	size_t len;
};

struct cache {
	pthread_mutex_t lock;
	struct list entries;
	size_t n;
};

static void *copy_bytes(const void *p, size_t len)
{
	void *copy = malloc(len + 1);

	if (!copy)
		die("out of memory for a cached value");
	if (len > 0)
		memcpy(copy, p, len);
	return copy;
}

struct cache *cache_new(void)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		die("out of memory");
	pthread_mutex_init(&c->lock, NULL);
	list_init(&c->entries);
	return c;
}

static void unref(struct cached *e)
{
	if (--e->refs > 0)
		return;
	rt_latch_done(&e->filled);
	free(e->value);
	free(e->key);
	free(e);
}

static void drop(struct cache *c, struct cached *e)
{
	list_remove(&e->link);
	c->n--;
	unref(e);
}

/* Drops the finished entries that @now_us has passed; NEVER_US: all. */
static void drop_expired(struct cache *c, int64_t now_us)
{
	struct list *node = c->entries.next;

	while (node != &c->entries) {
		struct cached *e = CONTAINER_OF(node, struct cached, link);

		node = node->next;
		if (e->ready && e->expires_us <= now_us)
			drop(c, e);
	}
}

void cache_free(struct cache **c)
{
	if (!*c)
		return;
	drop_expired(*c, NEVER_US);
	pthread_mutex_destroy(&(*c)->lock);
	free(*c);
	*c = NULL;
}

void cache_sweep(struct cache *c)
{
	pthread_mutex_lock(&c->lock);
	drop_expired(c, now_mono_us());
	pthread_mutex_unlock(&c->lock);
}

static bool has_key(const struct cached *e, struct str key)
{
	return str_eq(str_bytes(e->key, e->key_len), key);
}

static struct cached *find(struct cache *c, struct str key, int64_t version, int64_t now_us)
{
	for (struct list *node = c->entries.next; node != &c->entries; node = node->next) {
		struct cached *e = CONTAINER_OF(node, struct cached, link);

		if (e->version == version && (!e->ready || e->expires_us > now_us) &&
		    has_key(e, key))
			return e;
	}
	return NULL;
}

/* What this key was before goes; so does the oldest of a full table. */
static void make_room(struct cache *c, struct str key)
{
	struct list *node = c->entries.next;

	while (node != &c->entries) {
		struct cached *e = CONTAINER_OF(node, struct cached, link);

		node = node->next;
		if (e->ready && (c->n >= ENTRIES_MAX || has_key(e, key)))
			drop(c, e);
	}
}

static struct cached *insert(struct cache *c, struct str key, int64_t version)
{
	struct cached *e = calloc(1, sizeof(*e));

	if (!e)
		die("out of memory for a cached value");
	make_room(c, key);
	e->key = copy_bytes(key.ptr, key.len);
	e->key_len = key.len;
	e->version = version;
	e->refs = 1;
	rt_latch_init(&e->filled);
	list_push_back(&c->entries, &e->link);
	c->n++;
	return e;
}

/* A failure is not kept: those who wait get it, the next to ask fills again. */
static void publish(
    struct cache *c, struct cached *e, enum err error, struct str value, int64_t ttl_us)
{
	pthread_mutex_lock(&c->lock);
	e->error = error;
	if (error == OK) {
		e->value = copy_bytes(value.ptr, value.len);
		e->len = value.len;
		e->expires_us = now_mono_us() + ttl_us;
		e->ready = true;
	} else {
		drop(c, e);
	}
	pthread_mutex_unlock(&c->lock);
	rt_latch_set(&e->filled);
}

MAY_YIELD enum err kv_cached(
    struct kv *kv, struct request *rq, const struct kv_recipe *recipe, struct str *ret)
{
	struct cache *c = kv->cache;
	struct str value = STR_NULL;
	struct cached *e;
	bool filler;
	enum err r;

	pthread_mutex_lock(&c->lock);
	e = find(c, recipe->key, recipe->version, now_mono_us());
	filler = !e;
	if (filler)
		e = insert(c, recipe->key, recipe->version);
	e->refs++;
	pthread_mutex_unlock(&c->lock);

	if (filler) {
		r = recipe->fill(rq, recipe->arg, &value);
		publish(c, e, r, value, recipe->ttl_us);
	} else {
		r = rt_latch_wait(&e->filled, rq->deadline_us);
		if (r == OK)
			r = e->error;
	}
	if (r == OK)
		*ret = (struct str){ arena_copy(rq->arena, e->value, e->len), e->len };

	pthread_mutex_lock(&c->lock);
	unref(e); /* NOLINT(clang-analyzer-unix.Malloc): the table holds a reference of its own */
	pthread_mutex_unlock(&c->lock);
	return r;
}
