/* The sync engine's pool: blocking threads behind a bounded queue. */
#include "rt/workers.h"

#include <stdio.h>
#include <stdlib.h>

#include "rt/rt_priv.h"

enum work_state {
	WORK_QUEUED = 1,
	WORK_BEGUN,
	WORK_CANCELLED,
};

struct rt_workers {
	pthread_mutex_t mutex;
	pthread_cond_t queued;
	struct list queue;
	unsigned waiting; /* atomic for the gauge; changed under the mutex */
	unsigned busy;
	unsigned max_waiting;
	bool closing;
	unsigned count;
	pthread_t threads[];
};

static void set_waiting(struct rt_workers *w, unsigned waiting)
{
	__atomic_store_n(&w->waiting, waiting, __ATOMIC_RELAXED);
}

/* next() - the oldest work, waiting for some; NULL when closing and none is left. */
static struct rt_work *next(struct rt_workers *w, bool was_busy)
{
	struct list *node;

	pthread_mutex_lock(&w->mutex);
	if (was_busy)
		w->busy--;
	while (list_empty(&w->queue) && !w->closing)
		pthread_cond_wait(&w->queued, &w->mutex);
	node = list_pop_front(&w->queue);
	if (node) {
		w->busy++;
		set_waiting(w, w->waiting - 1);
		CONTAINER_OF(node, struct rt_work, link)->state = WORK_BEGUN;
	}
	pthread_mutex_unlock(&w->mutex);
	return node ? CONTAINER_OF(node, struct rt_work, link) : NULL;
}

static void *worker_main(void *arg)
{
	struct rt_work *work = next(arg, false);

	while (work) {
		work->fn(work);
		work = next(arg, true);
	}
	return NULL;
}

static void close_and_join(struct rt_workers *w)
{
	pthread_mutex_lock(&w->mutex);
	w->closing = true;
	pthread_cond_broadcast(&w->queued);
	pthread_mutex_unlock(&w->mutex);
	for (unsigned i = 0; i < w->count; i++)
		pthread_join(w->threads[i], NULL);
}

struct rt_workers *rt_workers_new(const struct rt_workers_config *config)
{
	struct rt_workers *w = calloc(1, sizeof(*w) + config->threads * sizeof(pthread_t));

	if (!w)
		abort();
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->queued, NULL);
	list_init(&w->queue);
	w->max_waiting = config->queue;
	while (w->count < config->threads) {
		char name[32];

		snprintf(name, sizeof(name), "worker-%u", w->count);
		if (rt_thread_start(&w->threads[w->count], name, worker_main, w) != OK) {
			rt_workers_free(&w);
			return NULL;
		}
		w->count++;
	}
	return w;
}

void rt_workers_free(struct rt_workers **w_ptr)
{
	struct rt_workers *w = *w_ptr;

	*w_ptr = NULL;
	if (!w)
		return;
	close_and_join(w);
	pthread_cond_destroy(&w->queued);
	pthread_mutex_destroy(&w->mutex);
	free(w);
}

enum err rt_workers_submit(struct rt_workers *w, struct rt_work *work)
{
	enum err r = OK;

	pthread_mutex_lock(&w->mutex);
	/* What an idle worker is about to take does not count as waiting. */
	if (w->closing)
		r = ERR_SHUTDOWN;
	else if (w->waiting >= w->max_waiting + (w->count - w->busy))
		r = ERR_OVERLOADED;
	if (r == OK) {
		work->state = WORK_QUEUED;
		list_push_back(&w->queue, &work->link);
		set_waiting(w, w->waiting + 1);
		pthread_cond_signal(&w->queued);
	}
	pthread_mutex_unlock(&w->mutex);
	return r;
}

bool rt_workers_cancel(struct rt_workers *w, struct rt_work *work)
{
	bool queued;

	pthread_mutex_lock(&w->mutex);
	queued = work->state == WORK_QUEUED;
	if (queued) {
		list_remove(&work->link);
		set_waiting(w, w->waiting - 1);
		work->state = WORK_CANCELLED;
	}
	pthread_mutex_unlock(&w->mutex);
	return queued;
}

unsigned rt_workers_waiting(const struct rt_workers *w)
{
	return __atomic_load_n(&w->waiting, __ATOMIC_RELAXED);
}
