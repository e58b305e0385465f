#include "http/server.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "http/conn.h"
#include "http/http_priv.h"
#include "http/listen.h"
#include "http/peers.h"

/* Idle connections one loop closes when room is needed. */
#define EVICT_BATCH 16
/* Later than any wait here lasts, and small enough for a timespec on every machine. */
#define FOREVER_US (INT64_C(1) << 60)

const struct http_config http_config_default = {
	.workers = 16,
	.queue = 256,
	.coroutines = 8000,
	.limits = { .target = 2048, .head = 8192, .body = 16384 },
	.max_connections = 16384,
	.per_peer_connections = 4096,
	.head_us = 10 * US_PER_S,
	.body_us = 15 * US_PER_S,
	.idle_us = 60 * US_PER_S,
	.write_us = 20 * US_PER_S,
	.request_us = 30 * US_PER_S,
	.linger_us = 2 * US_PER_S,
	.quiet_us = 1 * US_PER_S,
	.uniform_us = 50 * US_PER_MS,
};

/* --- counting --- */

void http_hold(unsigned *count)
{
	__atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
}

/* Only loops release, and they are joined before the server is freed. */
void http_release(struct http_server *s, unsigned *count)
{
	if (__atomic_sub_fetch(count, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	pthread_mutex_lock(&s->mutex);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->mutex);
}

/* Waits until *@count is none. Returns: false when the deadline came first. */
static bool wait_for_none(struct http_server *s, const unsigned *count, int64_t deadline_us)
{
	const struct timespec until = {
		.tv_sec = deadline_us / US_PER_S,
		.tv_nsec = deadline_us % US_PER_S * 1000,
	};
	bool none, late = false;

	pthread_mutex_lock(&s->mutex);
	while (!(none = !__atomic_load_n(count, __ATOMIC_ACQUIRE)) && !late)
		late = pthread_cond_timedwait(&s->changed, &s->mutex, &until) != 0;
	pthread_mutex_unlock(&s->mutex);
	return none;
}

struct str http_loop_date(struct http_loop *loop)
{
	int64_t wall_us = now_wall_us();

	if (wall_us / US_PER_S != loop->date_s) {
		loop->date_s = wall_us / US_PER_S;
		time_http(wall_us, loop->date);
	}
	return str_of(loop->date);
}

struct http_gauges http_server_gauges(const struct http_server *s)
{
	const uint64_t *from = (const void *)&s->gauges;
	struct http_gauges ret = { 0 };
	uint64_t *to = (void *)&ret;

	for (size_t i = 0; i < sizeof(ret) / sizeof(*to); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	ret.waiting = s->workers ? rt_workers_waiting(s->workers) : 0;
	return ret;
}

/* --- what other threads ask of a loop --- */

static void on_drain(struct rt_mail *mail)
{
	struct http_loop *loop = CONTAINER_OF(mail, struct http_loop, drain);
	struct list *fresh = &loop->deadlines.kinds[DEADLINE_HEAD].conns, *node, *next;
	struct http_server *s = loop->server;
	struct conn *conn;

	loop->draining = true;
	while ((conn = deadline_first(loop, DEADLINE_IDLE)))
		conn_quiesce(conn);
	for (node = fresh->next; node != fresh; node = next) {
		next = node->next;
		conn_quiesce(CONTAINER_OF(node, struct conn, link));
	}
	for (unsigned i = 0; i < s->n_listeners && loop == s->loops; i++)
		listener_drain(&s->listeners[i]);
}

static void on_cut(struct rt_mail *mail)
{
	struct http_loop *loop = CONTAINER_OF(mail, struct http_loop, cut);
	struct http_server *s = loop->server;
	struct conn *conn;

	loop->cutting = true;
	for (unsigned i = 0; i < s->n_listeners && loop == s->loops; i++)
		listener_stop(&s->listeners[i]);
	for (enum deadline_kind kind = DEADLINE_NONE; kind < DEADLINE_COUNT; kind++) {
		while ((conn = deadline_first(loop, kind)))
			conn_close(conn);
	}
}

static void on_evict(struct rt_mail *mail)
{
	struct http_loop *loop = CONTAINER_OF(mail, struct http_loop, evict);
	struct conn *conn;

	__atomic_store_n(&loop->evict_posted, 0, __ATOMIC_RELEASE);
	for (int i = 0; i < EVICT_BATCH && (conn = deadline_first(loop, DEADLINE_IDLE)); i++) {
		HTTP_COUNT(loop->server, evicted, 1);
		conn_close(conn);
	}
}

/* --- life --- */

static void loop_init(struct http_loop *loop, struct http_server *s, unsigned i)
{
	char name[16];
	const struct rt_loop_config config = {
		.engine = ENGINE_ASYNC,
		.max_coroutines = s->config.coroutines,
		.name = name,
	};

	snprintf(name, sizeof(name), "http-%u", i);
	loop->server = s;
	loop->rt = rt_loop_new(&config);
	if (!loop->rt)
		die("out of file descriptors");
	loop->ev = rt_loop_ev(loop->rt);
	deadlines_init(loop);
	conn_reap_init(loop);
	loop->drain.fn = on_drain;
	loop->cut.fn = on_cut;
	loop->evict.fn = on_evict;
}

struct http_server *http_server_new(const struct http_config *config, struct service *service)
{
	struct http_server *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		die("out of memory");
	s->config = *config;
	s->service = service;
	s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s->peers = peers_new(config->per_peer_connections);
	pthread_mutex_init(&s->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	s->n_loops = config->loops;
	if (!s->n_loops)
		s->n_loops = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	s->loops = calloc(s->n_loops, sizeof(*s->loops));
	if (!s->loops)
		die("out of memory");
	for (unsigned i = 0; i < s->n_loops; i++)
		loop_init(&s->loops[i], s, i);
	return s;
}

enum err http_server_listen(struct http_server *s, const char *host, uint16_t port, struct api *api)
{
	struct http_listener *l = &s->listeners[s->n_listeners];
	enum err r;

	if (s->n_listeners == HTTP_MAX_LISTENERS)
		return ERR_UNAVAILABLE;
	l->server = s;
	l->api = api;
	r = listener_open(l, host, port);
	if (r == OK)
		s->n_listeners++;
	return r;
}

void http_server_encrypt(struct http_server *s, unsigned n, struct tls *tls)
{
	s->listeners[n].tls = tls;
}

uint16_t http_server_port(const struct http_server *s, unsigned n)
{
	return s->listeners[n].port;
}

enum err http_server_start(struct http_server *s)
{
	const struct rt_workers_config config = {
		.threads = s->config.workers,
		.queue = s->config.queue,
	};
	enum err r = OK;

	s->workers = rt_workers_new(&config);
	if (!s->workers)
		return ERR_INTERNAL;
	for (unsigned i = 0; i < s->n_listeners; i++)
		listener_start(&s->listeners[i]);
	/* Loop 0 deals to the others: it comes last. */
	for (unsigned i = s->n_loops; i-- > 0 && r == OK;)
		r = rt_loop_start(s->loops[i].rt);
	s->started = r == OK;
	return r;
}

/* Every connection is closed and every listener silent afterwards. */
static void cut(struct http_server *s)
{
	if (!s->started || s->cutting)
		return;
	s->cutting = true;
	for (unsigned i = 0; i < s->n_loops; i++)
		rt_loop_post(s->loops[i].rt, &s->loops[i].cut);
	(void)wait_for_none(s, &s->open, FOREVER_US);
}

bool http_server_drain(struct http_server *s, int64_t deadline_us)
{
	bool drained;

	if (!s->started)
		return true;
	for (unsigned i = 0; i < s->n_loops; i++)
		rt_loop_post(s->loops[i].rt, &s->loops[i].drain);
	drained = wait_for_none(s, &s->open, deadline_us);
	cut(s);
	return drained;
}

static void loop_done(struct http_loop *loop)
{
	conn_reap(loop);
	exchange_free_spare(loop);
	rt_loop_free(&loop->rt);
}

void http_server_free(struct http_server **server)
{
	struct http_server *s = *server;

	*server = NULL;
	if (!s)
		return;
	cut(s);
	/* What workers finish comes back to its loop; what is parked there ends with the loop. */
	rt_workers_free(&s->workers);
	(void)wait_for_none(s, &s->on_workers, FOREVER_US);
	for (unsigned i = 0; i < s->n_loops; i++)
		rt_loop_stop(s->loops[i].rt);
	for (unsigned i = 0; i < s->n_loops; i++)
		loop_done(&s->loops[i]);
	for (unsigned i = 0; i < s->n_listeners; i++)
		listener_close(&s->listeners[i]);
	close(s->reserve_fd);
	peers_free(&s->peers);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->mutex);
	free(s->loops);
	free(s);
}
