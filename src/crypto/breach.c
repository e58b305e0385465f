#include "crypto/breach_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "crypto/bytes.h"

struct breach {
	const uint8_t *map;
	size_t size;
	uint32_t count;
	unsigned bits;
	const uint8_t *starts, *remainders;
};

uint64_t breach_key(struct str password)
{
	uint8_t digest[SHA_DIGEST_LENGTH];
	uint64_t key;

	SHA1((const uint8_t *)password.ptr, password.len, digest);
	key = (uint64_t)load_be32(digest) << 32 | load_be32(digest + 4);
	wipe(digest, sizeof(digest));
	return key;
}

static uint32_t start_of(const struct breach *b, size_t bucket)
{
	return load_be32(b->starts + 4 * bucket);
}

/* Everything that a look-up relies on, but for the order: that costs only wrong answers. */
static bool read_head(struct breach *b)
{
	size_t buckets, starts;

	if (b->size < BREACH_HEAD || !str_eq(str_bytes(b->map, 8), STR(BREACH_MAGIC)))
		return false;
	b->count = load_be32(b->map + 8);
	b->bits = load_be32(b->map + 12);
	if (b->bits > BREACH_MAX_BUCKET_BITS)
		return false;
	buckets = (size_t)1 << b->bits;
	starts = 4 * (buckets + 1);
	b->starts = b->map + BREACH_HEAD;
	b->remainders = b->starts + starts;
	if (b->size != BREACH_HEAD + starts + (size_t)BREACH_REMAINDER * b->count)
		return false;
	for (size_t i = 0; i < buckets; i++)
		if (start_of(b, i) > start_of(b, i + 1))
			return false;
	return start_of(b, buckets) == b->count;
}

static bool map_file(struct breach *b, int fd)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) != 0 || st.st_size <= 0)
		return false;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return false;
	b->map = map;
	b->size = (size_t)st.st_size;
	madvise(map, b->size, MADV_RANDOM);
	return true;
}

enum err breach_open(
    struct arena *arena, struct str path, struct breach **ret, struct str *ret_problem)
{
	struct breach *b = calloc(1, sizeof(*b));
	int fd = open(str_cstr(arena, path), O_RDONLY | O_CLOEXEC);
	bool good;

	if (!b)
		die("out of memory: breached passwords");
	good = fd >= 0 && map_file(b, fd) && read_head(b);
	if (fd < 0)
		*ret_problem =
		    str_printf(arena, "password.breached_file: %.*s cannot be opened: %s.",
			STR_ARG(path), strerror(errno));
	else if (!good)
		*ret_problem = str_printf(arena,
		    "password.breached_file: %.*s is not a file that cloakroom breach build made.",
		    STR_ARG(path));
	if (fd >= 0)
		close(fd);
	if (!good)
		breach_close(&b);
	else
		*ret = b;
	return good ? OK : ERR_UNAVAILABLE;
}

void breach_close(struct breach **b)
{
	if (!*b)
		return;
	if ((*b)->map)
		munmap((void *)(uintptr_t)(*b)->map, (*b)->size);
	free(*b);
	*b = NULL;
}

bool breach_contains(const struct breach *b, struct secret password)
{
	uint64_t key = breach_key(secret_reveal(password));
	size_t bucket = breach_bucket(key, b->bits);
	uint32_t wanted = breach_remainder(key, b->bits);
	const uint8_t *p = b->remainders + (size_t)BREACH_REMAINDER * start_of(b, bucket);
	const uint8_t *end = b->remainders + (size_t)BREACH_REMAINDER * start_of(b, bucket + 1);

	for (; p < end; p += BREACH_REMAINDER)
		if (((uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]) == wanted)
			return true;
	return false;
}

uint64_t breach_count(const struct breach *b)
{
	return b->count;
}
