#include "tests/unit/test.h"

#include <stdalign.h>

#include "base/arena.h"

/* Reads what the arena has taken back, which AddressSanitizer would rightly refuse. */
static NOINLINE __attribute__((no_sanitize("address"))) bool all_zero(
    const volatile char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static void allocations_are_zeroed_aligned_and_apart(void **state)
{
	struct arena *a = arena_new(ARENA_PLAIN, 128);
	char *last = NULL;

	(void)state;
	for (size_t size = 0; size < 300; size++) {
		char *p = arena_alloc(a, size);

		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		assert_true(all_zero(p, size));
		assert_ptr_not_equal(p, last);
		memset(p, 0xff, size);
		last = p;
	}
	arena_free(&a);
	assert_null(a);
	arena_free(&a);
}

static void memory_used_again_is_zeroed_again(void **state)
{
	struct arena *a = arena_new(ARENA_PLAIN, 0);
	char *first = arena_alloc(a, 1000);

	(void)state;
	memset(first, 'x', 1000);
	arena_alloc(a, 100000);
	arena_reset(a);
	assert_int_equal(arena_used(a), 0);
	assert_ptr_equal(arena_alloc(a, 1000), first);
	assert_true(all_zero(first, 1000));
	assert_int_equal(arena_used(a), 1000);
	arena_free(&a);
}

static void only_a_wiping_arena_wipes(void **state)
{
	for (int kind = ARENA_PLAIN; kind <= ARENA_WIPING; kind++) {
		struct arena *a = arena_new((enum arena_kind)kind, 0);
		char *p = arena_copy(a, "correct horse", 13);

		(void)state;
		assert_int_equal(arena_kind(a), kind);
		arena_reset(a);
		assert_int_equal(all_zero(p, 13), kind == ARENA_WIPING);
		arena_free(&a);
	}
}

static void a_copy_ends_with_nul(void **state)
{
	struct arena *a = arena_new(ARENA_PLAIN, 0);

	(void)state;
	assert_string_equal(arena_copy(a, "abcdef", 3), "abc");
	assert_string_equal(arena_copy(a, NULL, 0), "");
	arena_free(&a);
}

struct trace {
	struct arena *arena;
	char text[8];
	size_t len;
};

struct step {
	struct trace *trace;
	char mark;
	struct step *then; /* deferred by this one while it runs */
};

static void take_step(void *arg)
{
	struct step *step = arg;

	step->trace->text[step->trace->len++] = step->mark;
	if (step->then)
		arena_defer(step->trace->arena, take_step, step->then);
}

static void deferred_calls_run_once_last_first(void **state)
{
	struct trace trace = { .arena = arena_new(ARENA_PLAIN, 0) };
	struct step late = { &trace, 'd', NULL };
	struct step steps[] = {
		{ &trace, 'a', NULL },
		{ &trace, 'b', &late },
		{ &trace, 'c', NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		arena_defer(trace.arena, take_step, &steps[i]);
	arena_reset(trace.arena);
	assert_string_equal(trace.text, "cbda");
	arena_reset(trace.arena);
	arena_free(&trace.arena);
	assert_string_equal(trace.text, "cbda");
}

static void overflow_array(void *arena)
{
	arena_array(arena, SIZE_MAX / 2, 3);
}

static void huge_alloc(void *arena)
{
	arena_alloc(arena, SIZE_MAX - 3);
}

static void impossible_sizes_abort(void **state)
{
	struct arena *a = arena_new(ARENA_PLAIN, 0);

	(void)state;
	assert_true(aborts(overflow_array, a));
	assert_true(aborts(huge_alloc, a));
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allocations_are_zeroed_aligned_and_apart),
		cmocka_unit_test(memory_used_again_is_zeroed_again),
		cmocka_unit_test(only_a_wiping_arena_wipes),
		cmocka_unit_test(a_copy_ends_with_nul),
		cmocka_unit_test(deferred_calls_run_once_last_first),
		cmocka_unit_test(impossible_sizes_abort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
