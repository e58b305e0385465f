/* Where a contract test runs: the same tasks on threads, on coroutines, in the simulation. */
#ifndef TESTS_CONTRACT_RT_HOST_H
#define TESTS_CONTRACT_RT_HOST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rt/rt.h"

struct host {
	enum engine engine;
	unsigned rounds; /* how often each test runs; the simulation takes another seed each time */
};

/** host_run() - run @fns[i](@arg) at once, one task each, and wait for all; @seed for the sim. */
void host_run(
    const struct host *host, unsigned seed, void (*const fns[])(void *arg), size_t n, void *arg);

/** CHECK() - an assertion that may fail on any stack; cmocka's would jump off a coroutine's. */
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
static inline void check(bool holds, const char *condition, const char *file, int line)
{
	if (holds)
		return;
	fprintf(stderr, "%s:%d: %s: failed: %s\n", file, line,
	    rt_engine() == ENGINE_SIMULATION ? "sim" : "real", condition);
	abort();
}

/** await() - until @flag reads at least @least. */
static inline void await(const int *flag, int least)
{
	while (__atomic_load_n(flag, __ATOMIC_ACQUIRE) < least)
		rt_sleep_until(now_mono_us() + 200);
}

static inline void raise_flag(int *flag)
{
	__atomic_add_fetch(flag, 1, __ATOMIC_ACQ_REL);
}

/** The tests of rt_contract_lane.c. */
void test_offload_runs(void **state);
void test_offload_overload(void **state);
void test_offload_deadline(void **state);
void test_offload_cancel(void **state);
void test_offload_call(void **state);

#endif
