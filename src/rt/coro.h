/*
 * Coroutines with stacks of their own, for one thread: a coroutine is created, resumed and ended on
 * the thread that owns its pool and never moves. Engines use this; nobody else does.
 */
#ifndef RT_CORO_H
#define RT_CORO_H

#include "base/defs.h"

struct coro;

/** struct coro_pool - idle stacks, kept for the next coroutine; owned by one thread. */
struct coro_pool {
	struct coro *warm; /* their pages are resident */
	struct coro *cold; /* their pages were given back */
	unsigned warm_count;
};

/** coro_pool_init() - an empty pool. */
void coro_pool_init(struct coro_pool *pool);
/** coro_pool_done() - unmap the idle stacks; none may be in use. */
void coro_pool_done(struct coro_pool *pool);

/**
 * coro_new() - a coroutine that will run @fn(@arg) when first resumed
 *
 * Its stack has 128 KiB (512 KiB under a sanitizer) above a guard page.
 *
 * Returns: NULL when no stack can be mapped.
 */
struct coro *coro_new(struct coro_pool *pool, void (*fn)(void *arg), void *arg);
/** coro_drop() - give back the stack of one that will not be resumed again. */
void coro_drop(struct coro *co);
/**
 * coro_resume() - run @co until it yields or ends; may be called from another coroutine
 *
 * The caller's errno is kept. Returns: false when it has ended; @co is then gone.
 */
bool coro_resume(struct coro *co);
/** coro_yield() - back to whoever resumed the calling coroutine; its errno is kept. */
void coro_yield(void);
/** coro_self() - the running coroutine, NULL on a thread's own stack. */
struct coro *coro_self(void);

#endif
