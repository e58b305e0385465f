/*
 * Lanes: bounded pools of threads for work that takes a CPU or blocks for long. The hash lane has
 * one low-priority worker a core and admits by cost: at most a second of measured work, and never
 * fewer than two jobs a worker. The blocking lane serves DNS and files.
 *
 * A job runs in slices. Where two jobs have the same step_pair, one worker may run them
 * interleaved (two PBKDF2 streams cost little more than one). A lone job starts at once and is
 * never held for a partner; a second one joins at a slice boundary.
 */
#ifndef RT_LANE_H
#define RT_LANE_H

#include "rt/rt.h"

struct lane;
struct lane_job;

struct lane_ops {
	/** step() - run one slice (about 2 ms). Returns true when the job is finished. */
	bool (*step)(struct lane_job *job);
	/**
	 * step_pair() - one slice of both; NULL when the kind cannot pair. Sets job->finished on
	 * each that is done, possibly both.
	 */
	void (*step_pair)(struct lane_job *a, struct lane_job *b);
	/** done() - on the lane's thread after the last slice, before the caller wakes; may be
	 * NULL. */
	void (*done)(struct lane_job *job);
};

struct lane_job {
	const struct lane_ops *ops;
	int64_t cost_us;      /* what it is expected to take on one core, for admission */
	size_t memory;        /* bytes it holds while it runs, for admission */
	int64_t deadline_us;  /* not begun by then: dropped with ERR_DEADLINE */
	void *state;          /* the job's own */
	const int *cancelled; /* atomic flag or NULL: non-zero before the start drops it */

	/* The lane's own from here. */
	struct list link;
	struct rt_waiter waiter;
	bool finished;
	int phase;
	enum err outcome;
	int64_t started_us;
};

struct lane_config {
	const char *name;
	unsigned workers;      /* 0: one a core */
	unsigned max_waiting;  /* jobs; 0: by cost only (hash lane) */
	int64_t max_queued_us; /* admitted work at most, for each worker; 0: by count only */
	size_t max_memory;     /* of running jobs together; one alone may exceed it; 0: no bound */
	bool low_priority;     /* nice(10)-like, so loops stay quick */
};

/** lane_new() - start the threads. NULL when they cannot be had. */
struct lane *lane_new(const struct lane_config *config);
/** lane_free() - drop what has not begun (ERR_SHUTDOWN), finish the rest, join. */
void lane_free(struct lane **lane);

/**
 * rt_offload() - run @job on @lane and wait for its end
 * @lane: which
 * @job:  ops, cost_us, memory, deadline_us, state set; lives at least until the return
 *
 * On a sync thread a job for a lane without max_queued_us (files, DNS) runs in the caller: the
 * thread is there to block. A job that has begun is waited for, whatever its deadline.
 *
 * Returns: OK when it ran to its end; ERR_OVERLOADED (lane full, nothing queued), ERR_DEADLINE
 * (late or cancelled), ERR_SHUTDOWN (not begun).
 */
MAY_YIELD MUST_CHECK enum err rt_offload(struct lane *lane, struct lane_job *job);
/** rt_offload_call() - the same for one plain blocking call, e.g. getaddrinfo. */
MAY_YIELD MUST_CHECK enum err rt_offload_call(
    struct lane *lane, void (*fn)(void *arg), void *arg, int64_t deadline_us);

struct lane_gauges {
	unsigned workers;
	unsigned waiting, running;
	int64_t queued_us; /* cost of all that was admitted and has not ended */
	uint64_t refused, finished;
};
struct lane_gauges lane_gauges(struct lane *lane);
/** lane_is_full() - would a job of @cost_us be turned away now? */
bool lane_is_full(struct lane *lane, int64_t cost_us);
/** lane_retry_after_us() - how long until the work admitted now is done: for Retry-After. */
int64_t lane_retry_after_us(struct lane *lane);

#endif
