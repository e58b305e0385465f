/*
 * The sync engine: a fixed pool of blocking threads behind a bounded queue. Only complete requests
 * are queued, so a slow client never holds a worker.
 */
#ifndef RT_WORKERS_H
#define RT_WORKERS_H

#include "rt/rt.h"

struct rt_workers;

/** struct rt_work - one queued call; the submitter owns it until @fn is entered or cancelled. */
struct rt_work {
	struct list link;
	void (*fn)(struct rt_work *work);
	int state; /* queue's own */
};

struct rt_workers_config {
	unsigned threads;
	unsigned queue; /* waiting at most, beside those running */
};

/** rt_workers_new() - start the threads. */
struct rt_workers *rt_workers_new(const struct rt_workers_config *config);
/** rt_workers_free() - refuse new work, run what is queued, join. */
void rt_workers_free(struct rt_workers **w);

/** rt_workers_submit() - queue it. Returns OK, ERR_OVERLOADED (full) or ERR_SHUTDOWN. */
MUST_CHECK enum err rt_workers_submit(struct rt_workers *w, struct rt_work *work);
/** rt_workers_cancel() - take it back; false when a worker has already begun it. */
bool rt_workers_cancel(struct rt_workers *w, struct rt_work *work);
/** rt_workers_waiting() - queued now (a gauge). */
unsigned rt_workers_waiting(const struct rt_workers *w);

#endif
