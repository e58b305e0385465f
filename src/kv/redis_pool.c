#include "base/log.h"
#include "kv/redis_priv.h"

/* Loops beyond this share the threads' connections. */
#define OWNERS_MAX 64

struct owner {
	struct rt_loop *loop; /* NULL: all threads that have none */
	struct rt_sem places;
	struct redis_conn *idle; /* the last used first */
};

struct redis_pool {
	pthread_mutex_t lock; /* guards everything but the semaphores' own */
	unsigned connections;
	struct owner owners[OWNERS_MAX];
	size_t n;
};

static struct owner *add_owner(struct redis_pool *p, struct rt_loop *loop)
{
	struct owner *owner = &p->owners[p->n++];

	owner->loop = loop;
	rt_sem_init(&owner->places, p->connections);
	return owner;
}

struct redis_pool *redis_pool_new(unsigned connections)
{
	struct redis_pool *p = calloc(1, sizeof(*p));

	if (!p)
		die("out of memory");
	pthread_mutex_init(&p->lock, NULL);
	p->connections = connections;
	add_owner(p, NULL);
	return p;
}

void redis_pool_free(struct redis_pool **p)
{
	if (!*p)
		return;
	for (size_t i = 0; i < (*p)->n; i++) {
		struct owner *owner = &(*p)->owners[i];

		for (struct redis_conn *c = owner->idle, *next; c; c = next) {
			next = c->next;
			redis_conn_close(&c);
		}
		rt_sem_done(&owner->places);
	}
	pthread_mutex_destroy(&(*p)->lock);
	free(*p);
	*p = NULL;
}

static struct owner *owner_of_caller(struct redis_pool *p)
{
	struct rt_loop *loop = rt_loop_self();
	struct owner *owner = NULL;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; !owner && i < p->n; i++) {
		if (p->owners[i].loop == loop)
			owner = &p->owners[i];
	}
	if (!owner)
		owner = p->n < OWNERS_MAX ? add_owner(p, loop) : &p->owners[0];
	pthread_mutex_unlock(&p->lock);
	return owner;
}

static struct redis_conn *take_idle(struct redis_pool *p, struct owner *owner, unsigned node)
{
	struct redis_conn **at, *c;

	pthread_mutex_lock(&p->lock);
	at = &owner->idle;
	while (*at && (*at)->node != node)
		at = &(*at)->next;
	c = *at;
	if (c)
		*at = c->next;
	pthread_mutex_unlock(&p->lock);
	return c;
}

void redis_pool_forget(struct redis_pool *p, unsigned node)
{
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->n; i++) {
		struct redis_conn **at = &p->owners[i].idle;

		while (*at) {
			struct redis_conn *c = *at;

			if (c->node != node) {
				at = &c->next;
				continue;
			}
			*at = c->next;
			redis_conn_close(&c);
		}
	}
	pthread_mutex_unlock(&p->lock);
}

MAY_YIELD enum err redis_pool_enter(
    struct redis_pool *p, unsigned node, int64_t deadline_us, struct redis_conn **ret)
{
	struct owner *owner = owner_of_caller(p);
	enum err r = rt_sem_wait(&owner->places, deadline_us);

	if (r != OK)
		return r;
	do {
		*ret = take_idle(p, owner, node);
		if (!*ret || stream_is_quiet((*ret)->stream))
			return OK;
		redis_conn_close(ret); /* closed by the other side while it was idle */
	} while (true);
}

void redis_pool_leave(struct redis_pool *p, struct redis_conn *conn)
{
	struct owner *owner = owner_of_caller(p);

	if (conn) {
		pthread_mutex_lock(&p->lock);
		conn->next = owner->idle;
		owner->idle = conn;
		pthread_mutex_unlock(&p->lock);
	}
	rt_sem_post(&owner->places);
}
