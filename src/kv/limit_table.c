#include "kv/limit_table.h"

#include <assert.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "kv/subject.h"

#define SHARDS 64
#define FIRST_BUCKETS 16
/* How many subjects a full shard looks at to find one it can forget. */
#define EVICT_SAMPLE 32

struct shard {
	pthread_mutex_t lock;
	struct subject **buckets;
	size_t n_buckets; /* a power of two */
	size_t n;
	size_t bytes;
	size_t hand; /* bucket at which the next search for a victim begins */
	uint64_t admitted, refused, evicted;
} __attribute__((aligned(64)));

struct limit_table {
	struct shard shards[SHARDS];
	size_t max_shard_bytes;
};

static void *checked(void *p)
{
	if (!p)
		die("out of memory for limits");
	return p;
}

struct limit_table *limit_table_new(size_t max_memory)
{
	struct limit_table *t = checked(aligned_alloc(64, sizeof(*t)));

	memset(t, 0, sizeof(*t));
	t->max_shard_bytes = max_memory / SHARDS;
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *s = &t->shards[i];

		pthread_mutex_init(&s->lock, NULL);
		s->n_buckets = FIRST_BUCKETS;
		s->buckets = checked(calloc(s->n_buckets, sizeof(*s->buckets)));
		s->bytes = s->n_buckets * sizeof(*s->buckets);
	}
	return t;
}

static void free_subject(struct subject *s)
{
	free(s->marks);
	free(s);
}

void limit_table_free(struct limit_table **t)
{
	if (!*t)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &(*t)->shards[i];

		for (size_t b = 0; b < shard->n_buckets; b++) {
			for (struct subject *s = shard->buckets[b], *next; s; s = next) {
				next = s->next;
				free_subject(s);
			}
		}
		free(shard->buckets);
		pthread_mutex_destroy(&shard->lock);
	}
	free(*t);
	*t = NULL;
}

/* The key is a MAC: any of its bits are as good as a hash of it. */
static size_t shard_of(struct limit_key key)
{
	return key.b[0] % SHARDS;
}

static size_t bucket_of(const struct shard *shard, struct limit_key key)
{
	uint64_t h;

	memcpy(&h, key.b + 8, sizeof(h));
	return h & (shard->n_buckets - 1);
}

static struct subject *find(const struct shard *shard, struct limit_key key)
{
	struct subject *s = shard->buckets[bucket_of(shard, key)];

	while (s && memcmp(s->key.b, key.b, sizeof(key.b)) != 0)
		s = s->next;
	return s;
}

static void unlink_subject(struct shard *shard, struct subject *s)
{
	struct subject **at = &shard->buckets[bucket_of(shard, s->key)];

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	shard->n--;
	shard->bytes -= subject_size(s);
	free_subject(s);
}

static void grow(struct shard *shard)
{
	size_t n = shard->n_buckets;
	struct subject **old = shard->buckets;

	shard->n_buckets = n * 2;
	shard->buckets = checked(calloc(shard->n_buckets, sizeof(*shard->buckets)));
	shard->bytes += n * sizeof(*shard->buckets);
	for (size_t b = 0; b < n; b++) {
		for (struct subject *s = old[b], *next; s; s = next) {
			size_t to = bucket_of(shard, s->key);

			next = s->next;
			s->next = shard->buckets[to];
			shard->buckets[to] = s;
		}
	}
	free(old);
}

/* Frees the dead of one bucket and hands on the coldest of the living. */
static struct subject *look_through(struct shard *shard, size_t bucket, struct subject *coldest,
    int64_t now_us, size_t *seen, bool *freed)
{
	for (struct subject *s = shard->buckets[bucket], *next; s; s = next) {
		next = s->next;
		++*seen;
		if (s->pins > 0)
			continue;
		subject_advance(s, now_us);
		if (s->n == 0) {
			unlink_subject(shard, s);
			*freed = true;
		} else if (!subject_hot(s) && (!coldest || subject_colder(s, coldest))) {
			coldest = s;
		}
	}
	return coldest;
}

/*
 * Makes room for one more: the dead of a sample go, or else its coldest. A subject that has used
 * half of its limit is never forgotten, or a flood of strangers could buy it new attempts.
 */
static bool evict(struct shard *shard, int64_t now_us)
{
	struct subject *coldest = NULL;
	bool freed = false;
	size_t seen = 0;

	for (size_t i = 0; i < shard->n_buckets && seen < EVICT_SAMPLE; i++) {
		shard->hand = (shard->hand + 1) & (shard->n_buckets - 1);
		coldest = look_through(shard, shard->hand, coldest, now_us, &seen, &freed);
	}
	if (freed)
		return true;
	if (!coldest)
		return false;
	unlink_subject(shard, coldest);
	shard->evicted++;
	return true;
}

static struct subject *create(struct shard *shard, struct limit_key key)
{
	struct subject *s;

	if (shard->n >= shard->n_buckets)
		grow(shard);
	s = checked(calloc(1, sizeof(*s)));
	s->key = key;
	s->next = shard->buckets[bucket_of(shard, key)];
	shard->buckets[bucket_of(shard, key)] = s;
	shard->n++;
	shard->bytes += subject_size(s);
	return s;
}

/* Always in the order of the shards, so that two callers cannot wait for each other. */
static uint64_t lock_shards(struct limit_table *t, const struct limit_claim *claims, size_t n)
{
	uint64_t set = 0;

	for (size_t i = 0; i < n; i++)
		set |= UINT64_C(1) << shard_of(claims[i].key);
	for (size_t i = 0; i < SHARDS; i++) {
		if (set >> i & 1)
			pthread_mutex_lock(&t->shards[i].lock);
	}
	return set;
}

static void unlock_shards(struct limit_table *t, uint64_t set)
{
	for (size_t i = 0; i < SHARDS; i++) {
		if (set >> i & 1)
			pthread_mutex_unlock(&t->shards[i].lock);
	}
}

static uint32_t same_before(const struct limit_claim *claims, size_t i)
{
	uint32_t same = 0;

	for (size_t j = 0; j < i; j++)
		same += memcmp(claims[j].key.b, claims[i].key.b, sizeof(claims[i].key.b)) == 0;
	return same;
}

/* Pins what is there already, so that making the others does not evict it. */
static int64_t longest_wait(
    struct limit_table *t, struct limit_claim *claims, size_t n, int64_t now_us)
{
	int64_t longest_us = 0;

	for (size_t i = 0; i < n; i++) {
		struct limit_claim *c = &claims[i];
		struct shard *shard = &t->shards[shard_of(c->key)];
		int64_t wait_us;

		c->subject = find(shard, c->key);
		if (c->subject) {
			c->subject->pins++;
			c->subject->window_us = c->limit->window_us;
			subject_advance(c->subject, now_us);
		}
		wait_us = 0;
		if (!c->count_only)
			wait_us =
			    subject_wait(c->subject, c->limit, same_before(claims, i), now_us);
		shard->refused += wait_us > 0;
		if (wait_us > longest_us)
			longest_us = wait_us;
	}
	return longest_us;
}

static bool create_missing(
    struct limit_table *t, struct limit_claim *claims, size_t n, int64_t now_us)
{
	for (size_t i = 0; i < n; i++) {
		struct limit_claim *c = &claims[i];
		struct shard *shard = &t->shards[shard_of(c->key)];

		if (c->subject)
			continue;
		c->subject = find(shard, c->key); /* the same key may have come twice */
		if (!c->subject && shard->bytes >= t->max_shard_bytes && !evict(shard, now_us))
			return false;
		if (!c->subject)
			c->subject = create(shard, c->key);
		c->subject->pins++;
	}
	return true;
}

static void unpin(struct limit_claim *claims, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (claims[i].subject)
			claims[i].subject->pins--;
	}
}

enum err limit_table_claim(
    struct limit_table *t, struct limit_claim *claims, size_t n, int64_t *ret_wait_us)
{
	uint64_t set = lock_shards(t, claims, n);
	int64_t now_us = now_wall_us(); /* under the locks, so that no subject sees time go back */
	enum err r = OK;

	assert(n <= KV_ASKS_MAX);
	*ret_wait_us = longest_wait(t, claims, n, now_us);
	if (*ret_wait_us > 0)
		r = ERR_THROTTLED;
	else if (!create_missing(t, claims, n, now_us))
		r = ERR_OVERLOADED;
	if (r != OK)
		unpin(claims, n);
	for (size_t i = 0; r == OK && i < n; i++) {
		struct shard *shard = &t->shards[shard_of(claims[i].key)];

		shard->bytes -= subject_size(claims[i].subject);
		subject_admit(claims[i].subject, &claims[i], now_us);
		shard->bytes += subject_size(claims[i].subject);
		shard->admitted++;
	}
	unlock_shards(t, set);
	return r;
}

void limit_table_settle(
    struct limit_table *t, const struct limit_claim *claims, size_t n, bool kept)
{
	uint64_t set = lock_shards(t, claims, n);
	int64_t now_us = now_wall_us();

	for (size_t i = 0; i < n; i++) {
		subject_settle(claims[i].subject, &claims[i], kept, now_us);
		claims[i].subject->pins--;
		if (!kept)
			t->shards[shard_of(claims[i].key)].admitted--;
	}
	unlock_shards(t, set);
}

bool limit_table_forget(struct limit_table *t, struct limit_key key, int64_t *ret_until_us)
{
	struct shard *shard = &t->shards[shard_of(key)];
	struct subject *s;

	pthread_mutex_lock(&shard->lock);
	*ret_until_us = now_wall_us();
	s = find(shard, key);
	if (s)
		subject_forget(s);
	pthread_mutex_unlock(&shard->lock);
	return s != NULL;
}

void limit_table_load(struct limit_table *t, const struct limit_admission *row)
{
	struct limit_key key;
	struct shard *shard;
	struct subject *s;

	if (row->subject.len != sizeof(key.b))
		return;
	memcpy(key.b, row->subject.ptr, sizeof(key.b));
	shard = &t->shards[shard_of(key)];
	pthread_mutex_lock(&shard->lock);
	s = find(shard, key);
	if (!s)
		s = create(shard, key);
	shard->bytes -= subject_size(s);
	subject_load(s, row);
	shard->bytes += subject_size(s);
	pthread_mutex_unlock(&shard->lock);
}

static void for_each(struct limit_table *t, void (*fn)(struct shard *, struct subject *, int64_t))
{
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &t->shards[i];
		int64_t now_us;

		pthread_mutex_lock(&shard->lock);
		now_us = now_wall_us();
		for (size_t b = 0; b < shard->n_buckets; b++) {
			for (struct subject *s = shard->buckets[b], *next; s; s = next) {
				next = s->next;
				fn(shard, s, now_us);
			}
		}
		pthread_mutex_unlock(&shard->lock);
	}
}

static void place(struct shard *shard, struct subject *s, int64_t now_us)
{
	(void)shard;
	subject_loaded(s, now_us);
}

static void sweep(struct shard *shard, struct subject *s, int64_t now_us)
{
	subject_advance(s, now_us);
	if (s->n == 0 && s->pins == 0)
		unlink_subject(shard, s);
}

void limit_table_loaded(struct limit_table *t)
{
	for_each(t, place);
}

void limit_table_sweep(struct limit_table *t)
{
	for_each(t, sweep);
}

struct limit_table_gauges limit_table_gauges(struct limit_table *t)
{
	struct limit_table_gauges g = { 0 };

	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &t->shards[i];

		pthread_mutex_lock(&shard->lock);
		g.admitted += shard->admitted;
		g.refused += shard->refused;
		g.evicted += shard->evicted;
		g.subjects += shard->n;
		g.bytes += shard->bytes;
		pthread_mutex_unlock(&shard->lock);
	}
	return g;
}
