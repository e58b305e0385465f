/*
 * Coroutines: stacks, their pool, and what the sanitizers and valgrind must be told. All of the
 * latter is here, nowhere else.
 */
#include "rt/coro.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rt/context.h"

#if defined(__SANITIZE_ADDRESS__)
#define CORO_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CORO_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define CORO_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CORO_TSAN 1
#endif
#endif

#ifdef CORO_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef CORO_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>
#endif

#if defined(CORO_ASAN) || defined(CORO_TSAN)
#define STACK_SIZE ((size_t)512 * 1024) /* redzones make frames large */
#else
#define STACK_SIZE ((size_t)128 * 1024)
#endif
/* Idle stacks whose pages stay resident; a peak's other pages go back to the kernel. */
#define WARM_MAX 256

struct coro {
	void *context; /* where it goes on */
	struct coro *caller;
	void (*fn)(void *arg);
	void *arg;
	bool ended;

	char *stack; /* lowest usable byte */
	size_t size;
	void *mapping; /* the stack with the guard page below it */
	struct coro_pool *pool;
	struct coro *next; /* in the pool */

	/* For the tools; unused in a plain build. */
	void *fake_stack;
	void *fiber;
	unsigned valgrind_id;
};

/* A thread's own stack takes part in switches as a coroutine that was never made. */
static __thread struct coro root;
static __thread struct coro *current;
static __thread struct coro *previous; /* who switched to the current one */

/* --- what the tools are told --- */

static void stack_mapped(struct coro *co)
{
#ifdef HAVE_VALGRIND
	co->valgrind_id = VALGRIND_STACK_REGISTER(co->stack, co->stack + co->size);
#else
	(void)co;
#endif
}

static void stack_unmapped(struct coro *co)
{
#ifdef HAVE_VALGRIND
	VALGRIND_STACK_DEREGISTER(co->valgrind_id);
#else
	(void)co;
#endif
}

static void stack_begins(struct coro *co)
{
#ifdef CORO_ASAN
	/* The last user's frames were left, not returned from: their redzones still stand. */
	ASAN_UNPOISON_MEMORY_REGION(co->stack, co->size);
#endif
#ifdef CORO_TSAN
	co->fiber = __tsan_create_fiber(0);
#else
	(void)co;
#endif
}

static void stack_ended(struct coro *co)
{
#ifdef CORO_TSAN
	__tsan_destroy_fiber(co->fiber);
#else
	(void)co;
#endif
}

static void before_switch(struct coro *from, struct coro *to)
{
#ifdef CORO_ASAN
	__sanitizer_start_switch_fiber(from->ended ? NULL : &from->fake_stack, to->stack, to->size);
#endif
#ifdef CORO_TSAN
	if (from == &root)
		from->fiber = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
	(void)from;
	(void)to;
}

static void after_switch(struct coro *here)
{
#ifdef CORO_ASAN
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(here->fake_stack, &bottom, &size);
	if (previous == &root) {
		memcpy(&root.stack, &bottom, sizeof(bottom)); /* only ever handed back */
		root.size = size;
	}
#endif
	(void)here;
}

/* --- switching --- */

/*
 * Never inlined: a compiler may otherwise keep the address of errno or of a thread-local across the
 * switch in a caller's register.
 */
static NOINLINE void switch_to(struct coro *from, struct coro *to)
{
	int saved = errno;

	previous = from;
	current = to;
	before_switch(from, to);
	context_switch(&from->context, to->context);
	after_switch(from);
	errno = saved;
}

_Noreturn void coro_entry(void)
{
	struct coro *self = current;

	after_switch(self);
	self->fn(self->arg);
	self->ended = true;
	switch_to(self, self->caller);
	abort(); /* nobody resumes what has ended */
}

NOINLINE struct coro *coro_self(void)
{
	return current == &root ? NULL : current;
}

bool coro_resume(struct coro *co)
{
	struct coro *from = current ? current : &root;

	assert(!co->ended && !co->caller);
	co->caller = from;
	switch_to(from, co);
	if (!co->ended)
		return true;
	coro_drop(co);
	return false;
}

void coro_yield(void)
{
	struct coro *self = current;
	struct coro *caller;

	assert(self && self->caller);
	caller = self->caller;
	self->caller = NULL;
	switch_to(self, caller);
}

/* --- stacks --- */

static struct coro *stack_map(struct coro_pool *pool)
{
	size_t guard = (size_t)sysconf(_SC_PAGESIZE);
	struct coro *co = calloc(1, sizeof(*co));
	char *p;

	if (!co)
		return NULL;
	p = mmap(NULL, guard + STACK_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (p == MAP_FAILED)
		goto fail;
	if (mprotect(p, guard, PROT_NONE) != 0) {
		munmap(p, guard + STACK_SIZE);
		goto fail;
	}
	co->mapping = p;
	co->stack = p + guard;
	co->size = STACK_SIZE;
	co->pool = pool;
	stack_mapped(co);
	return co;
fail:
	free(co);
	return NULL;
}

static void stack_unmap(struct coro *co)
{
	stack_unmapped(co);
	munmap(co->mapping, (size_t)(co->stack - (char *)co->mapping) + co->size);
	free(co);
}

struct coro *coro_new(struct coro_pool *pool, void (*fn)(void *arg), void *arg)
{
	struct coro *co = pool->warm;

	if (co) {
		pool->warm = co->next;
		pool->warm_count--;
	} else if (pool->cold) {
		co = pool->cold;
		pool->cold = co->next;
	} else {
		co = stack_map(pool);
		if (!co)
			return NULL;
	}
	co->fn = fn;
	co->arg = arg;
	co->ended = false;
	co->caller = NULL;
	co->fake_stack = NULL;
	stack_begins(co);
	co->context = context_make(co->stack, co->size);
	return co;
}

void coro_drop(struct coro *co)
{
	struct coro_pool *pool = co->pool;

	stack_ended(co);
	if (pool->warm_count < WARM_MAX) {
		co->next = pool->warm;
		pool->warm = co;
		pool->warm_count++;
		return;
	}
	madvise(co->stack, co->size, MADV_DONTNEED);
	co->next = pool->cold;
	pool->cold = co;
}

void coro_pool_init(struct coro_pool *pool)
{
	*pool = (struct coro_pool){ 0 };
}

static void unmap_all(struct coro *list)
{
	while (list) {
		struct coro *next = list->next;

		stack_unmap(list);
		list = next;
	}
}

void coro_pool_done(struct coro_pool *pool)
{
	unmap_all(pool->warm);
	unmap_all(pool->cold);
	coro_pool_init(pool);
}
