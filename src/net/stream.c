#include "net/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/net_priv.h"

#define HOST_MAX 254
#define PORT_TEXT 6

struct stream {
	int fd;
	SSL *ssl; /* NULL: plain */
};

/* --- names --- */

/* What the blocking lane does; lives on the caller's stack until it is done. */
struct lookup {
	struct net *net;
	char host[HOST_MAX], port[PORT_TEXT];
	bool tls;
	struct addrinfo *found;
	int failure; /* of getaddrinfo */
	bool no_certificates;
};

static void look_up(void *arg)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct lookup *l = arg;

	l->no_certificates = l->tls && !net_ensure_trusted(l->net);
	l->failure = getaddrinfo(l->host, l->port, &hints, &l->found);
}

/* An address is no name: nobody needs to be asked, so the lane is not troubled. */
static bool look_at(struct lookup *l)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};

	return (!l->tls || l->net->trusted) &&
	       getaddrinfo(l->host, l->port, &hints, &l->found) == 0;
}

MAY_YIELD static enum err resolve(struct lookup *l, int64_t deadline_us, struct str *ret_problem)
{
	enum err r = OK;

	if (look_at(l))
		return OK;
	if (l->net->config.blocking)
		r = rt_offload_call(l->net->config.blocking, look_up, l, deadline_us);
	else
		look_up(l);
	if (r != OK) {
		*ret_problem = STR("There was no time to look up the name.");
		return r;
	}
	if (l->failure != 0)
		*ret_problem = STR("The name of the server cannot be resolved.");
	else if (l->no_certificates)
		*ret_problem = STR("The file of trusted certificates cannot be read.");
	else
		return OK;
	if (l->failure == 0)
		freeaddrinfo(l->found);
	return ERR_UNAVAILABLE;
}

/* --- TCP --- */

MAY_YIELD static enum err wait_for(const struct stream *s, short events, int64_t deadline_us)
{
	struct rt_fd fd = { .fd = s->fd, .events = events };

	return rt_wait_fds(&fd, 1, deadline_us);
}

MAY_YIELD static enum err dial(struct stream *s, const struct addrinfo *a, int64_t deadline_us)
{
	int on = 1, failure = 0;
	socklen_t size = sizeof(failure);
	enum err r = OK;

	s->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return ERR_UNAVAILABLE;
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(s->fd, a->ai_addr, a->ai_addrlen) != 0) {
		r = errno == EINPROGRESS ? wait_for(s, POLLOUT, deadline_us) : ERR_UNAVAILABLE;
		if (r == OK &&
		    (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0 || failure != 0))
			r = ERR_UNAVAILABLE;
	}
	if (r != OK) {
		close(s->fd);
		s->fd = -1;
	}
	return r;
}

MAY_YIELD static enum err dial_any(
    struct stream *s, const struct addrinfo *found, int64_t deadline_us)
{
	enum err r = ERR_UNAVAILABLE;

	for (const struct addrinfo *a = found; a && r == ERR_UNAVAILABLE; a = a->ai_next)
		r = dial(s, a, deadline_us);
	return r;
}

/* --- TLS --- */

static SSL *ssl_new(struct net *net, const char *host, int fd)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	uint8_t address[16];
	SSL *ssl = NULL;

	if (!context)
		die("out of memory for TLS");
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set1_cert_store(context, net->trusted);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	ssl = SSL_new(context);
	SSL_CTX_free(context); /* @ssl holds it */
	if (!ssl || SSL_set_fd(ssl, fd) != 1)
		die("out of memory for TLS");
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
	} else {
		/* What SSL_set_tlsext_host_name() does, without its cast. */
		SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
		    (void *)(uintptr_t)host);
		SSL_set1_host(ssl, host);
	}
	return ssl;
}

/* After a call that returned @n ≤ 0: wait for what TLS needs, or say that it is over. */
MAY_YIELD static enum err ssl_wait(const struct stream *s, int n, int64_t deadline_us)
{
	switch (SSL_get_error(s->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(s, POLLIN, deadline_us);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(s, POLLOUT, deadline_us);
	default:
		return ERR_UNAVAILABLE;
	}
}

MAY_YIELD static enum err shake_hands(
    struct stream *s, struct net *net, const char *host, int64_t deadline_us)
{
	enum err r = OK;
	int n;

	s->ssl = ssl_new(net, host, s->fd);
	while (r == OK) {
		ERR_clear_error(); /* the thread's, and others have used it meanwhile */
		n = SSL_connect(s->ssl);
		if (n == 1)
			return OK;
		r = ssl_wait(s, n, deadline_us);
	}
	return r;
}

/* --- the stream --- */

MAY_YIELD static enum err open_found(
    struct stream *s, struct lookup *l, int64_t deadline_us, struct str *ret_problem)
{
	enum err r = dial_any(s, l->found, deadline_us);

	freeaddrinfo(l->found);
	*ret_problem = STR("The server does not answer.");
	if (r != OK || !l->tls)
		return r;
	r = shake_hands(s, l->net, l->host, deadline_us);
	if (r != OK)
		*ret_problem = SSL_get_verify_result(s->ssl) == X509_V_OK
				   ? STR("The TLS handshake failed.")
				   : STR("The server's certificate cannot be verified.");
	return r;
}

MAY_YIELD enum err stream_open(struct net *net, const struct stream_target *target,
    int64_t deadline_us, struct stream **ret, struct str *ret_problem)
{
	struct lookup l = { .net = net, .tls = target->tls };
	struct stream *s;
	enum err r;

	if (target->host.len >= sizeof(l.host)) {
		*ret_problem = STR("The name of the server is too long.");
		return ERR_UNAVAILABLE;
	}
	memcpy(l.host, target->host.ptr, target->host.len);
	snprintf(l.port, sizeof(l.port), "%u", target->port);
	r = resolve(&l, deadline_us, ret_problem);
	if (r != OK)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		die("out of memory for a connection");
	s->fd = -1;
	r = open_found(s, &l, deadline_us, ret_problem);
	if (r == OK)
		*ret = s;
	else
		stream_close(&s);
	return r;
}

void stream_close(struct stream **s)
{
	if (!*s)
		return;
	SSL_free((*s)->ssl);
	if ((*s)->fd >= 0)
		close((*s)->fd);
	free(*s);
	*s = NULL;
}

MAY_YIELD static enum err write_some(
    struct stream *s, struct str bytes, int64_t deadline_us, size_t *ret_n)
{
	ssize_t n;

	*ret_n = 0;
	if (s->ssl) {
		ERR_clear_error();
		if (SSL_write_ex(s->ssl, bytes.ptr, bytes.len, ret_n) == 1)
			return OK;
		return ssl_wait(s, 0, deadline_us);
	}
	n = send(s->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
	if (n >= 0) {
		*ret_n = (size_t)n;
		return OK;
	}
	if (errno == EINTR)
		return OK;
	return errno == EAGAIN ? wait_for(s, POLLOUT, deadline_us) : ERR_UNAVAILABLE;
}

MAY_YIELD enum err stream_write(struct stream *s, struct str bytes, int64_t deadline_us)
{
	enum err r = OK;
	size_t n;

	while (r == OK && bytes.len > 0) {
		r = write_some(s, bytes, deadline_us, &n);
		bytes = str_from(bytes, n);
	}
	return r;
}

MAY_YIELD static enum err read_some(
    struct stream *s, char *room, size_t size, int64_t deadline_us, size_t *ret_n)
{
	ssize_t n;

	if (s->ssl) {
		ERR_clear_error();
		if (SSL_read_ex(s->ssl, room, size, ret_n) == 1)
			return OK;
		return ssl_wait(s, 0, deadline_us);
	}
	n = recv(s->fd, room, size, 0);
	if (n > 0) {
		*ret_n = (size_t)n;
		return OK;
	}
	if (n < 0 && errno == EINTR)
		return OK;
	return n < 0 && errno == EAGAIN ? wait_for(s, POLLIN, deadline_us) : ERR_UNAVAILABLE;
}

MAY_YIELD enum err stream_read(
    struct stream *s, char *room, size_t size, int64_t deadline_us, size_t *ret_n)
{
	enum err r = OK;

	*ret_n = 0;
	while (r == OK && *ret_n == 0)
		r = read_some(s, room, size, deadline_us, ret_n);
	return r;
}

bool stream_is_quiet(const struct stream *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}
