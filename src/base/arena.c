#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"

#define FIRST_BLOCK 4096
#define ALIGNMENT alignof(max_align_t)

/*
 * Under AddressSanitizer the part of a block that is not handed out is poisoned, and a gap stays
 * behind every allocation, so that running past one is caught as it would be with malloc.
 */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define ARENA_POISONS
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(ARENA_POISONS)
#define ARENA_POISONS
#endif

#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#define GAP ALIGNMENT

/* Not inlined: gcc takes the const in their prototypes for a read of fresh memory. */
static NOINLINE void poison(void *p, size_t n)
{
	__asan_poison_memory_region(p, n);
}

static NOINLINE void unpoison(void *p, size_t n)
{
	__asan_unpoison_memory_region(p, n);
}
#else
#define GAP 0

static void poison(void *p, size_t n)
{
	(void)p, (void)n;
}

static void unpoison(void *p, size_t n)
{
	(void)p, (void)n;
}
#endif

struct block {
	struct block *older;
	size_t size; /* of data */
	size_t used;
	alignas(max_align_t) unsigned char data[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *arg);
	void *arg;
};

/* Lives at the start of its own first block, so that a small request costs one malloc. */
struct arena {
	struct block *newest;
	struct deferred *deferred;
	size_t used;
	enum arena_kind kind;
};

static size_t round_up(size_t n)
{
	return (n + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

#define ARENA_SIZE round_up(sizeof(struct arena))

static struct block *block_new(size_t size)
{
	struct block *b = malloc(sizeof(*b) + size);

	if (!b)
		die("out of memory: %zu bytes", size);
	b->older = NULL;
	b->size = size;
	b->used = 0;
	poison(b->data, size);
	return b;
}

/* Take the bytes behind @keep back from whoever had them. */
static void block_clear(struct block *b, enum arena_kind kind, size_t keep)
{
	unpoison(b->data, b->size);
	if (kind == ARENA_WIPING)
		wipe(b->data + keep, b->used - keep);
	b->used = keep;
	poison(b->data + keep, b->size - keep);
}

static void block_free(struct block *b, enum arena_kind kind)
{
	block_clear(b, kind, 0);
	unpoison(b->data, b->size);
	free(b);
}

struct arena *arena_new(enum arena_kind kind, size_t first)
{
	struct block *b;
	struct arena *a;

	if (first == 0)
		first = FIRST_BLOCK - sizeof(*b);
	b = block_new(ARENA_SIZE > first ? ARENA_SIZE : first);
	b->used = ARENA_SIZE;
	unpoison(b->data, b->used);
	a = (void *)b->data;
	*a = (struct arena){ .newest = b, .kind = kind };
	return a;
}

/* A deferred call may itself allocate or defer: its turn comes in the same loop. */
static void run_deferred(struct arena *a)
{
	while (a->deferred) {
		struct deferred *d = a->deferred;

		a->deferred = d->next;
		d->fn(d->arg);
	}
}

void arena_reset(struct arena *a)
{
	run_deferred(a);
	while (a->newest->older) {
		struct block *b = a->newest;

		a->newest = b->older;
		block_free(b, a->kind);
	}
	block_clear(a->newest, a->kind, ARENA_SIZE);
	a->used = 0;
}

void arena_free(struct arena **a)
{
	if (!*a)
		return;
	arena_reset(*a);
	block_free((*a)->newest, (*a)->kind);
	*a = NULL;
}

enum arena_kind arena_kind(const struct arena *a)
{
	return a->kind;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->newest;
	size_t need;
	void *p;

	if (size > PTRDIFF_MAX / 2)
		die("an allocation of %zu bytes", size);
	need = round_up(size ? size : 1) + GAP;
	if (need > b->size - b->used) {
		b = block_new(need > 2 * b->size ? need : 2 * b->size);
		b->older = a->newest;
		a->newest = b;
	}
	p = b->data + b->used;
	b->used += need;
	a->used += size;
	unpoison(p, size);
	return memset(p, 0, size);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		die("an array of %zu elements of %zu bytes", n, size);
	return arena_alloc(a, bytes);
}

void *arena_copy(struct arena *a, const void *p, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (len > 0)
		memcpy(copy, p, len);
	return copy;
}

void arena_defer(struct arena *a, void (*fn)(void *arg), void *arg)
{
	struct deferred *d = ARENA_NEW(a, struct deferred);

	d->next = a->deferred;
	d->fn = fn;
	d->arg = arg;
	a->deferred = d;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
