/*
 * The simulation engine: several tasks on one thread, a virtual clock, and a seed that decides who
 * runs next. The same seed gives the same run, so a race that was found once can be found again.
 *
 * While rt_sim_run() runs, `world` is the simulation's: clocks move a little with every switch and
 * every reading, and jump to the next deadline when no task can run; random bytes follow the seed.
 * A task may be switched away at every call that may wait, also where it need not wait.
 *
 * Threads have no place here, so what needs one on the other engines runs in the caller:
 *
 *   - rt_offload() keeps the lane's account and runs the job in slices between other tasks. The
 *     lane's own threads stay idle.
 *   - A writer thread (store) is asked by rt_engine() == ENGINE_SIMULATION: the caller queues its
 *     transaction, calls rt_sleep_until(0), a point at which others may queue theirs, and, if its
 *     own was not run meanwhile, runs the whole queue as one batch and wakes the others' waiters.
 *   - rt_spawn() adds a task. When the tasks rt_sim_run() was given have ended, spawned ones get
 *     ERR_SHUTDOWN from their waits and are run to their ends.
 *
 * Descriptors are polled for real, without waiting: both ends must be held by simulated tasks.
 */
#ifndef TESTS_SUPPORT_RT_SIM_H
#define TESTS_SUPPORT_RT_SIM_H

#include "base/defs.h"

/**
 * rt_sim_run() - run @fns[i](@args[i]), each in a coroutine, until all have ended
 * @seed: chooses the interleaving
 * @args: NULL: no arguments
 *
 * Returns: 0, or the number of tasks left when none of them could ever run again (or when they
 * never come to an end); each is named on stderr, and its stack is dropped as it is.
 */
MUST_CHECK int rt_sim_run(
    uint64_t seed, void (*const fns[])(void *arg), void *const args[], size_t n);

/** rt_sim_yield() - a point at which another task may run; nothing outside a simulation. */
void rt_sim_yield(void);
/** rt_sim_random() - a number from the seed, for faults a test injects. */
uint64_t rt_sim_random(void);
/** rt_sim_trace() - a digest of every choice of the last run; equal seeds give equal traces. */
uint64_t rt_sim_trace(void);

#endif
