#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "kv/kv_priv.h"

#define BUCKETS 4096

/* One allocation: the struct, then the key ("space\0key"), then the value. */
struct value {
	struct value *next;
	int64_t expires_us; /* monotonic: what is kept here does not outlive the process */
	size_t key_len, len;
	char bytes[];
};

struct values {
	pthread_mutex_t lock;
	struct value *buckets[BUCKETS];
	size_t bytes, max_bytes;
};

struct values *values_new(size_t max_memory)
{
	struct values *v = calloc(1, sizeof(*v));

	if (!v)
		die("out of memory");
	pthread_mutex_init(&v->lock, NULL);
	v->max_bytes = max_memory;
	return v;
}

static size_t size_of(const struct value *e)
{
	return sizeof(*e) + e->key_len + e->len;
}

static void drop(struct values *v, struct value **at)
{
	struct value *e = *at;

	*at = e->next;
	v->bytes -= size_of(e);
	wipe(e, size_of(e));
	free(e);
}

/* Drops the expired, or everything when @now_us is NEVER_US. */
static void drop_expired(struct values *v, int64_t now_us)
{
	for (size_t b = 0; b < BUCKETS; b++) {
		struct value **at = &v->buckets[b];

		while (*at) {
			if ((*at)->expires_us <= now_us)
				drop(v, at);
			else
				at = &(*at)->next;
		}
	}
}

void values_free(struct values **v)
{
	if (!*v)
		return;
	drop_expired(*v, NEVER_US);
	pthread_mutex_destroy(&(*v)->lock);
	free(*v);
	*v = NULL;
}

static struct value *value_new(struct str space, struct str key, struct str value)
{
	size_t key_len = space.len + 1 + key.len;
	struct value *e = calloc(1, sizeof(*e) + key_len + value.len);

	if (!e)
		die("out of memory for a challenge");
	e->key_len = key_len;
	e->len = value.len;
	if (space.len > 0)
		memcpy(e->bytes, space.ptr, space.len);
	if (key.len > 0)
		memcpy(e->bytes + space.len + 1, key.ptr, key.len);
	if (value.len > 0)
		memcpy(e->bytes + key_len, value.ptr, value.len);
	return e;
}

static bool is_named(const struct value *e, struct str space, struct str key)
{
	return e->key_len == space.len + 1 + key.len && e->bytes[space.len] == '\0' &&
	       str_eq(str_bytes(e->bytes, space.len), space) &&
	       str_eq(str_bytes(e->bytes + space.len + 1, key.len), key);
}

/* Where the value hangs, or where one of that name would. */
static struct value **locate(struct values *v, struct str space, struct str key)
{
	uint64_t h = str_hash(space) * 31 + str_hash(key);
	struct value **at = &v->buckets[h % BUCKETS];

	while (*at && !is_named(*at, space, key))
		at = &(*at)->next;
	return at;
}

static bool has_room(const struct values *v, const struct value *e)
{
	return v->bytes + size_of(e) <= v->max_bytes;
}

enum err values_put(struct values *v, struct str space, struct str key, struct str value,
    int64_t ttl_us, bool *ret_put)
{
	struct value *e = value_new(space, key, value);
	int64_t now_us = now_mono_us();
	struct value **at;
	enum err r = OK;

	e->expires_us = now_us + ttl_us;
	*ret_put = false;
	pthread_mutex_lock(&v->lock);
	at = locate(v, space, key);
	if (*at ? (*at)->expires_us <= now_us : !has_room(v, e)) {
		drop_expired(v, now_us);
		at = locate(v, space, key);
	}
	if (!*at && has_room(v, e)) {
		*at = e;
		v->bytes += size_of(e);
		*ret_put = true;
	} else if (!*at) {
		r = ERR_OVERLOADED;
	}
	pthread_mutex_unlock(&v->lock);
	if (!*ret_put) {
		wipe(e, size_of(e));
		free(e);
	}
	return r;
}

bool values_take(
    struct values *v, struct arena *arena, struct str space, struct str key, struct str *ret)
{
	struct value **at;
	bool found;

	pthread_mutex_lock(&v->lock);
	at = locate(v, space, key);
	found = *at && (*at)->expires_us > now_mono_us();
	if (found)
		*ret = str_dup(arena, str_bytes((*at)->bytes + (*at)->key_len, (*at)->len));
	if (*at)
		drop(v, at);
	pthread_mutex_unlock(&v->lock);
	return found;
}

void values_sweep(struct values *v)
{
	pthread_mutex_lock(&v->lock);
	drop_expired(v, now_mono_us());
	pthread_mutex_unlock(&v->lock);
}
