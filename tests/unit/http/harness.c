#include "tests/unit/http/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

struct http_server *server;
struct api api;
struct arena *arena;

const struct http_config quick = {
	.loops = 2,
	.workers = 2,
	.queue = 16,
	.coroutines = 64,
	.limits = { .target = 2048, .head = 8192, .body = 16384 },
	.max_connections = 1000,
	.head_us = 200 * US_PER_MS,
	.body_us = 200 * US_PER_MS,
	.idle_us = 200 * US_PER_MS,
	.write_us = 200 * US_PER_MS,
	.request_us = 20 * US_PER_S,
	.linger_us = 20 * US_PER_S,
	.quiet_us = 200 * US_PER_MS,
	.uniform_us = 50 * US_PER_MS,
};

void serve(const struct http_config *config)
{
	arena = arena_new(ARENA_PLAIN, 0);
	fake_api_init(&api, "fake");
	server = http_server_new(config, NULL);
	assert_int_equal(http_server_listen(server, "127.0.0.1", 0, &api), OK);
	assert_int_equal(http_server_start(server), OK);
}

int end_server(void **state)
{
	(void)state;
	fake_api_open(&api);
	http_server_free(&server);
	fake_api_done(&api);
	arena_free(&arena);
	return 0;
}

struct client dial_port(uint16_t port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct timeval patience = { .tv_sec = 20 };
	const int on = 1;
	struct client c = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };

	assert_true(c.fd >= 0);
	setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	assert_int_equal(connect(c.fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return c;
}

struct client dial(void)
{
	return dial_port(http_server_port(server, 0));
}

void hang_up(struct client *c)
{
	close(c->fd);
	free(c->in);
	*c = (struct client){ .fd = -1 };
}

void say(struct client *c, struct str bytes)
{
	while (!str_empty(bytes)) {
		ssize_t n = send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		assert_true(n > 0);
		bytes = str_from(bytes, (size_t)n);
	}
}

void ask(struct client *c, const char *method, const char *path)
{
	say(c, str_printf(arena, "%s %s HTTP/1.1\r\nHost: a\r\n\r\n", method, path));
}

/* Returns: false when the server has closed. Fails when it is silent for too long. */
static bool receive_more(struct client *c)
{
	ssize_t n;

	if (c->cap - c->len < 65536) {
		c->cap = 2 * c->cap + 65536;
		c->in = realloc(c->in, c->cap);
		assert_non_null(c->in);
	}
	n = recv(c->fd, c->in + c->len, c->cap - c->len, 0);
	if (n < 0)
		assert_int_equal(errno, ECONNRESET);
	c->len += n > 0 ? (size_t)n : 0;
	return n > 0;
}

static struct str take(struct client *c, size_t n)
{
	struct str ret = str_dup(arena, str_bytes(c->in, n));

	memmove(c->in, c->in + n, c->len - n);
	c->len -= n;
	return ret;
}

bool try_reply(struct client *c, bool bodiless, struct reply *ret)
{
	const char *end = NULL;
	int64_t size = 0;

	*ret = (struct reply){ .status = 0 };
	while (!c->len || !(end = memmem(c->in, c->len, "\r\n\r\n", 4))) {
		if (receive_more(c))
			continue;
		assert_int_equal(c->len, 0);
		return false;
	}
	ret->head = take(c, (size_t)(end - c->in) + 2);
	(void)take(c, 2);
	assert_true(str_starts(ret->head, STR("HTTP/1.1 ")));
	ret->status = (int)strtol(ret->head.ptr + 9, NULL, 10);
	if (bodiless || !str_to_i64(field(ret, "Content-Length"), &size))
		size = 0;
	while (c->len < (size_t)size)
		assert_true(receive_more(c));
	ret->body = take(c, (size_t)size);
	return true;
}

struct reply reply(struct client *c, bool bodiless)
{
	struct reply ret;

	assert_true(try_reply(c, bodiless, &ret));
	return ret;
}

struct str field(const struct reply *r, const char *name)
{
	struct str rest = r->head, line;

	while (str_next_token(&rest, '\n', &line)) {
		ssize_t colon = str_find(line, ':');

		if (colon > 0 && str_eq_nocase(str_upto(line, (size_t)colon), str_of(name)))
			return str_upto(
			    str_from(line, (size_t)colon + 2), line.len - (size_t)colon - 3);
	}
	return STR_NULL;
}

void assert_echo(struct client *c, const char *method, const char *path)
{
	struct reply r = reply(c, false);

	assert_int_equal(r.status, 200);
	assert_bytes(r.body, str_printf(arena, "%s %s? ", method, path));
}

void assert_closed(struct client *c)
{
	assert_false(receive_more(c));
	assert_int_equal(c->len, 0);
}
