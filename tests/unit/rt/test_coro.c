#include "tests/unit/test.h"

#include <errno.h>
#include <sys/resource.h>

#include "rt/coro.h"

static char log_text[64];

static void note(const char *s)
{
	size_t len = strlen(log_text);

	snprintf(log_text + len, sizeof(log_text) - len, "%s", s);
}

static void abc(void *arg)
{
	(void)arg;
	note("a");
	coro_yield();
	note("b");
	coro_yield();
	note("c");
}

static void test_resume_and_yield(void **state)
{
	struct coro_pool pool;
	struct coro *one, *two;

	(void)state;
	log_text[0] = '\0';
	coro_pool_init(&pool);
	one = coro_new(&pool, abc, NULL);
	two = coro_new(&pool, abc, NULL);
	assert_null(coro_self());
	assert_true(coro_resume(one));
	assert_true(coro_resume(one));
	assert_true(coro_resume(two));
	assert_false(coro_resume(one));
	assert_true(coro_resume(two));
	assert_false(coro_resume(two));
	assert_string_equal(log_text, "abacbc");
	assert_null(coro_self());
	coro_pool_done(&pool);
}

struct nest {
	struct coro_pool *pool;
	struct coro *inner;
};

static void outer(void *arg)
{
	struct nest *nest = arg;
	struct coro *self = coro_self();

	nest->inner = coro_new(nest->pool, abc, NULL);
	note("(");
	if (!coro_resume(nest->inner) || coro_self() != self)
		abort();
	note(")");
	coro_yield();
	note("!");
}

/* A coroutine started in another one may later be resumed from the thread. */
static void test_nested(void **state)
{
	struct coro_pool pool;
	struct nest nest = { .pool = &pool };
	struct coro *co;

	(void)state;
	log_text[0] = '\0';
	coro_pool_init(&pool);
	co = coro_new(&pool, outer, &nest);
	assert_true(coro_resume(co));
	assert_true(coro_resume(nest.inner));
	assert_false(coro_resume(co));
	assert_false(coro_resume(nest.inner));
	assert_string_equal(log_text, "(a)b!c");
	coro_pool_done(&pool);
}

static void spoil_errno(void *arg)
{
	(void)arg;
	errno = EBUSY;
	coro_yield();
	if (errno != EBUSY)
		abort();
	errno = ENOSPC;
}

static void test_errno_is_kept(void **state)
{
	struct coro_pool pool;
	struct coro *co;

	(void)state;
	coro_pool_init(&pool);
	co = coro_new(&pool, spoil_errno, NULL);
	errno = EINTR;
	assert_true(coro_resume(co));
	assert_int_equal(errno, EINTR);
	errno = EPERM;
	assert_false(coro_resume(co));
	assert_int_equal(errno, EPERM);
	coro_pool_done(&pool);
}

static void yield_once(void *arg)
{
	(void)arg;
	coro_yield();
}

/* A peak's stacks are kept for reuse, but only 256 of them with their pages. */
static void test_pool(void **state)
{
	static struct coro *live[1000];
	struct coro_pool pool;
	size_t n = 0, cold = 0;

	(void)state;
	coro_pool_init(&pool);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_LEN(live); i++) {
			live[i] = coro_new(&pool, yield_once, NULL);
			assert_non_null(live[i]);
			assert_true(coro_resume(live[i]));
		}
		assert_null(pool.warm);
		assert_null(pool.cold);
		for (size_t i = 0; i < ARRAY_LEN(live); i++)
			assert_false(coro_resume(live[i]));
		assert_int_equal(pool.warm_count, 256);
	}
	/* Warm ones go first. */
	while (pool.warm || pool.cold) {
		cold += !pool.warm;
		live[n++] = coro_new(&pool, yield_once, NULL);
	}
	assert_int_equal(n, ARRAY_LEN(live));
	assert_int_equal(cold, ARRAY_LEN(live) - 256);
	while (n > 0)
		coro_drop(live[--n]);
	coro_pool_done(&pool);
}

static NOINLINE int dig(size_t bytes)
{
	char frame[1024];

	__asm__ volatile("" : : "r"(frame) : "memory"); /* a frame for each call, truly used */
	frame[0] = 1;
	return bytes > sizeof(frame) ? dig(bytes - sizeof(frame)) + frame[0] : 0;
}

static void dig_deep(void *arg)
{
	dig(*(size_t *)arg);
}

/* dig_status() - how a process ends that uses @bytes of a coroutine's stack. */
static int dig_status(size_t bytes)
{
	struct coro_pool pool;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		close(STDERR_FILENO);
		coro_pool_init(&pool);
		coro_resume(coro_new(&pool, dig_deep, &bytes));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_stack_bounds(void **state)
{
	(void)state;
	assert_int_equal(dig_status((size_t)96 * 1024), 0);
	/* It dies at the guard page, rather than write on. */
	assert_int_not_equal(dig_status((size_t)600 * 1024), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resume_and_yield),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_errno_is_kept),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_stack_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
