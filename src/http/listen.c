#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/conn.h"
#include "http/peers.h"

#define BACKLOG 4096
/* Connections taken before the loop's other work gets its turn. */
#define ACCEPT_BATCH 64
/* How long not to accept when there is no room: short for clients, long for a CPU. */
#define PAUSE_S 0.1
/* How long a handshake that has begun may take to end. */
#define HANDSHAKE_S 0.2
/* In a TCP header: where the flags are, and the one every segment but the first carries. */
#define TCP_FLAGS_OFFSET 13
#define TCP_FLAG_ACK_BIT 0x10
#define INHERITED_FD 3 /* sd_listen_fds(3) */

/* --- opening --- */

/* The @n-th socket the supervisor passed, or -1. */
static int inherited_fd(unsigned n)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int64_t pid_value, fds_value;
	int fd = INHERITED_FD + (int)n, listening = 0;
	socklen_t size = sizeof(listening);

	if (!str_to_i64(str_of(pid), &pid_value) || !str_to_i64(str_of(fds), &fds_value) ||
	    pid_value != getpid() || fds_value <= (int64_t)n)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening)
		return -1;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int bound_socket(const struct addrinfo *address)
{
	const int on = 1;
	int fd, error;

	fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int new_socket(const char *host, uint16_t port)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *address;
	char service[8];
	int fd, error;

	snprintf(service, sizeof(service), "%u", (unsigned)port);
	error = getaddrinfo(host, service, &hints, &address);
	if (error) {
		log_error("cannot listen on %s: %s", host, gai_strerror(error));
		return -1;
	}
	fd = bound_socket(address);
	if (fd < 0)
		log_error("cannot listen on %s port %u: %s", host, (unsigned)port, strerror(errno));
	freeaddrinfo(address);
	return fd;
}

static void read_address(
    const struct sockaddr_storage *sa, struct client_address *address, uint16_t *port)
{
	*address = (struct client_address){ { 0 } };
	*port = 0;
	if (sa->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		memcpy(address->b, &in6->sin6_addr, sizeof(address->b));
		*port = ntohs(in6->sin6_port);
	} else if (sa->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		address->b[10] = address->b[11] = 0xff;
		memcpy(address->b + 12, &in->sin_addr, 4);
		*port = ntohs(in->sin_port);
	}
}

enum err listener_open(struct http_listener *l, const char *host, uint16_t port)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t size = sizeof(sa);
	struct client_address ignored;

	l->fd = inherited_fd((unsigned)(l - l->server->listeners));
	l->inherited = l->fd >= 0;
	if (!l->inherited)
		l->fd = new_socket(host, port);
	if (l->fd < 0)
		return ERR_UNAVAILABLE;
	if (getsockname(l->fd, (struct sockaddr *)&sa, &size) == 0)
		read_address(&sa, &ignored, &l->port);
	return OK;
}

/* --- accepting --- */

static void pause_accepting(struct http_listener *l)
{
	struct ev_loop *ev = l->server->loops[0].ev;

	ev_io_stop(ev, &l->acceptable);
	ev_timer_set(&l->pause, PAUSE_S, 0.);
	ev_timer_start(ev, &l->pause);
}

/* Idle connections make way for new ones: each loop closes some, the longest idle first. */
static void make_room(struct http_server *s)
{
	for (unsigned i = 0; i < s->n_loops; i++) {
		if (!__atomic_exchange_n(&s->loops[i].evict_posted, 1, __ATOMIC_ACQUIRE))
			rt_loop_post(s->loops[i].rt, &s->loops[i].evict);
	}
}

/*
 * Without descriptors accept fails but the socket stays readable: asking again at once would spin.
 * The reserve lets one client learn that it is not being served; the others wait in the queue.
 */
static void out_of_descriptors(struct http_listener *l)
{
	struct http_server *s = l->server;
	int fd;

	HTTP_COUNT(s, accept_failures, 1);
	close(s->reserve_fd);
	fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	make_room(s);
	pause_accepting(l);
}

static void deal(struct http_listener *l, int fd, const struct sockaddr_storage *sa)
{
	struct http_server *s = l->server;
	struct client_address address;
	struct peer *peer;
	uint16_t port;
	const int on = 1;

	HTTP_COUNT(s, accepted, 1);
	read_address(sa, &address, &port);
	if (!peers_enter(s->peers, &address, &peer)) {
		HTTP_COUNT(s, refused_peer, 1);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	conn_open(&s->loops[s->next_loop], l, fd, &address, peer);
	s->next_loop = (s->next_loop + 1) % s->n_loops;
}

/* Returns: false when there is nothing more to take now. */
static bool accept_one(struct http_listener *l)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t size = sizeof(sa);
	int fd;

	fd = accept4(l->fd, (struct sockaddr *)&sa, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		deal(l, fd, &sa);
		return true;
	}
	switch (errno) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		out_of_descriptors(l);
		return false;
	default: /* accept(2): errors of the one connection, already gone */
		return true;
	}
}

static void on_acceptable(struct ev_loop *ev, struct ev_io *io, int revents)
{
	struct http_listener *l = io->data;
	struct http_server *s = l->server;

	(void)ev;
	(void)revents;
	HTTP_COUNT(s, accept_wakeups, 1);
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		if (__atomic_load_n(&s->gauges.connections, __ATOMIC_RELAXED) >=
		    s->config.max_connections) {
			make_room(s);
			pause_accepting(l);
			return;
		}
		if (!accept_one(l))
			return;
	}
}

static void on_pause_over(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
	struct http_listener *l = timer->data;

	(void)revents;
	if (!l->draining) {
		ev_io_start(ev, &l->acceptable);
		return;
	}
	while (accept_one(l))
		;
	listener_stop(l);
}

void listener_start(struct http_listener *l)
{
	ev_io_init(&l->acceptable, on_acceptable, l->fd, EV_READ);
	ev_timer_init(&l->pause, on_pause_over, 0., 0.);
	l->acceptable.data = l->pause.data = l;
	ev_io_start(l->server->loops[0].ev, &l->acceptable);
	http_hold(&l->server->open);
}

void listener_stop(struct http_listener *l)
{
	struct ev_loop *ev = l->server->loops[0].ev;

	if (l->fd < 0)
		return;
	ev_io_stop(ev, &l->acceptable);
	ev_timer_stop(ev, &l->pause);
	listener_close(l);
	http_release(l->server, &l->server->open);
}

/*
 * Clients in the queue, or in the middle of the handshake, believe themselves connected: closing
 * now would reset them. So no new ones are let in, by a packet filter that drops each SYN, and the
 * socket stays open for as long as a handshake takes. A supervisor's socket lives on with its
 * queue, for the next process.
 */
void listener_drain(struct http_listener *l)
{
	struct ev_loop *ev = l->server->loops[0].ev;
	struct sock_filter drop_syn[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_OFFSET),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TCP_FLAG_ACK_BIT, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog filter = { ARRAY_LEN(drop_syn), drop_syn };

	if (l->inherited) {
		listener_stop(l);
		return;
	}
	setsockopt(l->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
	l->draining = true;
	ev_io_start(ev, &l->acceptable);
	ev_timer_stop(ev, &l->pause);
	ev_timer_set(&l->pause, HANDSHAKE_S, 0.);
	ev_timer_start(ev, &l->pause);
}

void listener_close(struct http_listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
