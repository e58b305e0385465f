#include "crypto/breach_build.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/log.h"
#include "crypto/breach_priv.h"
#include "crypto/bytes.h"

#define SHA1_DIGITS 40

struct breach_builder {
	struct arena *arena; /* for one line */
	uint64_t *keys;
	size_t n, cap;
};

struct breach_builder *breach_builder_new(void)
{
	struct breach_builder *b = calloc(1, sizeof(*b));

	if (!b)
		die("out of memory: breached passwords");
	b->arena = arena_new(ARENA_PLAIN, 256);
	return b;
}

void breach_builder_free(struct breach_builder **b)
{
	if (!*b)
		return;
	arena_free(&(*b)->arena);
	free((*b)->keys);
	free(*b);
	*b = NULL;
}

/* "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8" or the same with ":9659365" after it. */
static bool is_hash(struct breach_builder *b, struct str line, uint64_t *ret_key)
{
	struct str bytes;
	const uint8_t *p;

	if (line.len < SHA1_DIGITS || (line.len > SHA1_DIGITS && line.ptr[SHA1_DIGITS] != ':'))
		return false;
	arena_reset(b->arena);
	if (!hex_decode(b->arena, str_upto(line, SHA1_DIGITS), &bytes))
		return false;
	p = (const uint8_t *)bytes.ptr;
	*ret_key = (uint64_t)load_be32(p) << 32 | load_be32(p + 4);
	return true;
}

bool breach_builder_add(struct breach_builder *b, struct str line)
{
	uint64_t key;

	if (str_ends(line, STR("\r")))
		line.len--;
	if (str_empty(line))
		return true;
	if (b->n == UINT32_MAX)
		return false;
	if (!is_hash(b, line, &key))
		key = breach_key(line);
	if (b->n == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 1 << 16;
		b->keys = reallocarray(b->keys, b->cap, sizeof(*b->keys));
		if (!b->keys)
			die("out of memory: breached passwords");
	}
	b->keys[b->n++] = key;
	return true;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Published lists of hashes are sorted already, and large. */
static bool sorted(const struct breach_builder *b)
{
	for (size_t i = 1; i < b->n; i++)
		if (b->keys[i - 1] > b->keys[i])
			return false;
	return true;
}

static void sort_and_drop_repetitions(struct breach_builder *b)
{
	size_t kept = 0;

	if (b->n > 0 && !sorted(b))
		qsort(b->keys, b->n, sizeof(*b->keys), by_value);
	for (size_t i = 0; i < b->n; i++)
		if (kept == 0 || b->keys[kept - 1] != b->keys[i])
			b->keys[kept++] = b->keys[i];
	b->n = kept;
}

static unsigned bits_for(size_t n)
{
	unsigned bits = 0;

	while (bits < BREACH_MAX_BUCKET_BITS && n >> (bits + 1 + BREACH_BUCKET_BITS_LESS) > 0)
		bits++;
	return bits;
}

static void put_be32(FILE *f, size_t value)
{
	uint8_t bytes[4];

	store_be32(bytes, (uint32_t)value);
	fwrite(bytes, 1, sizeof(bytes), f);
}

static void write_all(const struct breach_builder *b, FILE *f)
{
	unsigned bits = bits_for(b->n);
	size_t i = 0;

	fwrite(BREACH_MAGIC, 1, 8, f);
	put_be32(f, b->n);
	put_be32(f, bits);
	for (size_t bucket = 0; bucket < (size_t)1 << bits; bucket++) {
		put_be32(f, i);
		while (i < b->n && breach_bucket(b->keys[i], bits) == bucket)
			i++;
	}
	put_be32(f, b->n);
	for (i = 0; i < b->n; i++) {
		uint8_t bytes[4];

		store_be32(bytes, breach_remainder(b->keys[i], bits));
		fwrite(bytes + 1, 1, BREACH_REMAINDER, f);
	}
}

static bool on_disk(FILE *f)
{
	/* Whoever makes it need not be whom the server runs as, and its content is published. */
	bool good =
	    !ferror(f) && fflush(f) == 0 && fchmod(fileno(f), 0644) == 0 && fsync(fileno(f)) == 0;
	int why = errno;

	good = fclose(f) == 0 && good;
	errno = why;
	return good;
}

int64_t breach_builder_write(struct breach_builder *b, const char *path)
{
	const char *beside;
	FILE *f;

	arena_reset(b->arena);
	beside = str_printf(b->arena, "%s.new", path).ptr;
	f = fopen(beside, "we");
	if (!f)
		return -1;
	sort_and_drop_repetitions(b);
	write_all(b, f);
	if (on_disk(f) && rename(beside, path) == 0)
		return (int64_t)b->n;
	unlink(beside);
	return -1;
}
