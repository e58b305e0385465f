/* Semaphores and latches, shared by threads and coroutines. */
#include <pthread.h>

#include "rt/rt_priv.h"

void rt_sem_init(struct rt_sem *s, unsigned count)
{
	pthread_mutex_init(&s->mutex, NULL);
	list_init(&s->waiters);
	s->count = count;
}

void rt_sem_done(struct rt_sem *s)
{
	pthread_mutex_destroy(&s->mutex);
}

/*
 * wait_in() - park in @queue under @mutex, which is held on entry and free on return
 *
 * The mutex is taken once more at the end: on failure to leave the queue, on success so that the
 * waker is out of it and the owner may be destroyed.
 */
static enum err wait_in(struct list *queue, pthread_mutex_t *mutex, int64_t deadline_us)
{
	struct rt_waiter w;
	enum err r;

	rt_waiter_init(&w);
	list_push_back(queue, &w.link);
	pthread_mutex_unlock(mutex);
	r = rt_park_stoppable(&w, deadline_us);
	pthread_mutex_lock(mutex);
	list_remove(&w.link);
	pthread_mutex_unlock(mutex);
	return r;
}

enum err rt_sem_wait(struct rt_sem *s, int64_t deadline_us)
{
	rt_point();
	pthread_mutex_lock(&s->mutex);
	if (s->count == 0)
		return wait_in(&s->waiters, &s->mutex, deadline_us);
	s->count--;
	pthread_mutex_unlock(&s->mutex);
	return OK;
}

/* wake_first() - hand the wake to the first of @queue that still waits; false when none does. */
static bool wake_first(struct list *queue)
{
	struct list *node;

	while ((node = list_pop_front(queue)))
		if (rt_wake(CONTAINER_OF(node, struct rt_waiter, link)))
			return true;
	return false;
}

void rt_sem_post(struct rt_sem *s)
{
	pthread_mutex_lock(&s->mutex);
	/* A count is handed over, never raised while someone waits: first come, first served. */
	if (!wake_first(&s->waiters))
		s->count++;
	pthread_mutex_unlock(&s->mutex);
}

void rt_latch_init(struct rt_latch *l)
{
	pthread_mutex_init(&l->mutex, NULL);
	list_init(&l->waiters);
	l->open = false;
}

void rt_latch_done(struct rt_latch *l)
{
	pthread_mutex_destroy(&l->mutex);
}

void rt_latch_set(struct rt_latch *l)
{
	pthread_mutex_lock(&l->mutex);
	l->open = true;
	while (wake_first(&l->waiters))
		;
	pthread_mutex_unlock(&l->mutex);
}

enum err rt_latch_wait(struct rt_latch *l, int64_t deadline_us)
{
	rt_point();
	pthread_mutex_lock(&l->mutex);
	if (!l->open)
		return wait_in(&l->waiters, &l->mutex, deadline_us);
	pthread_mutex_unlock(&l->mutex);
	return OK;
}
