#include "crypto/argon2_tag.h"

#include <argon2.h>
#include <pthread.h>
#include <sys/mman.h>

/* What a thread keeps between hashes at most: enough for what new hashes take, not for imported
 * ones of 100 MiB, which are each computed once and replaced. */
#define KEEP_MAX (64u << 20)
#define HUGE_PAGE (2u << 20)

struct room {
	uint8_t *ptr;
	size_t size;
};

static _Thread_local struct room room;
static pthread_key_t room_key;
static pthread_once_t room_once = PTHREAD_ONCE_INIT;

static void room_free(void *arg)
{
	struct room *r = arg;

	if (r->ptr)
		munmap(r->ptr, r->size);
	*r = (struct room){ 0 };
}

static void room_key_make(void)
{
	pthread_key_create(&room_key, room_free);
}

static size_t whole_pages(size_t size)
{
	return (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

/* Pages come zeroed from the kernel; huge ones save most of what asking for them costs. */
static uint8_t *map(size_t size)
{
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, size, MADV_HUGEPAGE);
	madvise(p, size, MADV_DONTDUMP);
	return p;
}

static bool room_make(size_t size)
{
	room_free(&room);
	room.ptr = map(size);
	if (!room.ptr)
		return false;
	room.size = size;
	/* Frees it when the thread ends. */
	pthread_once(&room_once, room_key_make);
	pthread_setspecific(room_key, &room);
	return true;
}

static int allocate(uint8_t **memory, size_t n)
{
	size_t size = whole_pages(n);

	*memory = NULL;
	if (size > KEEP_MAX)
		*memory = map(size);
	else if (size <= room.size || room_make(size))
		*memory = room.ptr;
	return *memory ? ARGON2_OK : ARGON2_MEMORY_ALLOCATION_ERROR;
}

static void give_back(uint8_t *memory, size_t n)
{
	if (memory != room.ptr)
		munmap(memory, whole_pages(n));
}

/* libargon2 only writes to its inputs when it is asked to wipe them. */
static uint8_t *bytes_of(const void *p)
{
	return (uint8_t *)(uintptr_t)p;
}

bool argon2_tag(const struct argon2_input *in, uint8_t *ret_tag, size_t n)
{
	static const argon2_type types[] = {
		[ARGON2_KIND_D] = Argon2_d,
		[ARGON2_KIND_I] = Argon2_i,
		[ARGON2_KIND_ID] = Argon2_id,
	};
	argon2_context context = {
		.out = ret_tag,
		.outlen = (uint32_t)n,
		.pwd = bytes_of(in->password.ptr),
		.pwdlen = (uint32_t)in->password.len,
		.salt = bytes_of(in->salt.ptr),
		.saltlen = (uint32_t)in->salt.len,
		.secret = bytes_of(in->key.ptr),
		.secretlen = (uint32_t)in->key.len,
		.ad = bytes_of(in->data.ptr),
		.adlen = (uint32_t)in->data.len,
		.t_cost = in->passes,
		.m_cost = in->memory_kib,
		.lanes = in->lanes,
		.threads = 1,
		.version = in->version,
		.allocate_cbk = allocate,
		.free_cbk = give_back,
	};

	return argon2_ctx(&context, types[in->kind]) == ARGON2_OK;
}
