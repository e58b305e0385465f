/* Many connections at once: queues that fill, sockets that run out, and the end of the server. */
#include "tests/unit/http/harness.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* Nothing times out by itself. */
static struct http_config patient(void)
{
	struct http_config config = quick;

	config.head_us = config.body_us = config.idle_us = config.write_us = 20 * US_PER_S;
	return config;
}

static int start(void **state)
{
	struct http_config config = patient();

	(void)state;
	serve(&config);
	return 0;
}

/* --- overload --- */

static int start_narrow(void **state)
{
	struct http_config config = patient();

	(void)state;
	config.loops = config.workers = config.queue = config.coroutines = 1;
	serve(&config);
	return 0;
}

static void assert_overloaded(struct client *c, const char *path)
{
	struct reply r;

	ask(c, "GET", path);
	r = reply(c, false);
	assert_int_equal(r.status, 503);
	assert_bytes(r.body, str_printf(arena, "%s: overloaded", path));
	assert_str(field(&r, "Retry-After"), "1");
	assert_str(field(&r, "Connection"), "");
}

/* One runs, one waits, the third is told at once and may ask again. */
static void no_worker_free(void **state)
{
	struct client running = dial(), waiting = dial(), refused = dial();

	(void)state;
	ask(&running, "GET", "/worker/wait");
	AWAIT(API_COUNT(begun) == 1);
	ask(&waiting, "GET", "/worker/wait");
	AWAIT(GAUGE(waiting) == 1);
	assert_overloaded(&refused, "/worker/wait");
	/* Told alike, but not before its step. */
	assert_overloaded(&refused, "/uniform/echo");
	assert_int_equal(GAUGE(refused_overloaded), 2);
	/* The loop is free all the while. */
	ask(&refused, "GET", "/inline/echo");
	assert_echo(&refused, "GET", "/inline/echo");
	fake_api_open(&api);
	assert_echo(&running, "GET", "/worker/wait");
	assert_echo(&waiting, "GET", "/worker/wait");
	hang_up(&running);
	hang_up(&waiting);
	hang_up(&refused);
}

static void no_coroutine_free(void **state)
{
	struct client running = dial(), refused = dial();

	(void)state;
	ask(&running, "GET", "/coroutine/wait");
	AWAIT(API_COUNT(begun) == 1);
	assert_overloaded(&refused, "/coroutine/wait");
	fake_api_open(&api);
	assert_echo(&running, "GET", "/coroutine/wait");
	hang_up(&running);
	hang_up(&refused);
}

/* A client that goes before its request was begun takes it along. */
static void gone_while_queued(void **state)
{
	struct client running = dial(), queued = dial();

	(void)state;
	ask(&running, "GET", "/worker/wait");
	AWAIT(API_COUNT(begun) == 1);
	ask(&queued, "GET", "/worker/wait");
	AWAIT(GAUGE(waiting) == 1);
	hang_up(&queued);
	AWAIT(GAUGE(cancelled) == 1 && GAUGE(connections) == 1);
	assert_int_equal(GAUGE(waiting), 0);
	fake_api_open(&api);
	assert_echo(&running, "GET", "/worker/wait");
	assert_int_equal(API_COUNT(begun), 1);
	hang_up(&running);
}

/* --- limits on connections --- */

static int start_few(void **state)
{
	struct http_config config = patient();

	(void)state;
	config.max_connections = 4;
	serve(&config);
	return 0;
}

/* Connections that are idle make room for those that want something. */
static void idle_make_room(void **state)
{
	struct client idle[4], busy;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
		idle[i] = dial();
		ask(&idle[i], "GET", "/inline/echo");
		assert_echo(&idle[i], "GET", "/inline/echo");
	}
	busy = dial();
	ask(&busy, "GET", "/inline/echo");
	assert_echo(&busy, "GET", "/inline/echo");
	assert_true(GAUGE(evicted) > 0);
	assert_true(GAUGE(connections) <= 4);
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		hang_up(&idle[i]);
	hang_up(&busy);
}

static int start_two_a_peer(void **state)
{
	struct http_config config = patient();

	(void)state;
	config.per_peer_connections = 2;
	serve(&config);
	return 0;
}

static void share_of_a_peer(void **state)
{
	struct client one = dial(), two = dial(), three = dial();

	(void)state;
	assert_closed(&three);
	assert_int_equal(GAUGE(refused_peer), 1);
	ask(&one, "GET", "/inline/echo");
	assert_echo(&one, "GET", "/inline/echo");
	hang_up(&three);
	hang_up(&two);
	AWAIT(GAUGE(connections) == 1);
	two = dial();
	ask(&two, "GET", "/inline/echo");
	assert_echo(&two, "GET", "/inline/echo");
	hang_up(&one);
	hang_up(&two);
}

/* --- no descriptors left --- */

#define FILLERS 256

static unsigned fill_descriptors(int *fillers)
{
	unsigned n = 0;
	int fd;

	while (n < FILLERS && (fd = dup(STDIN_FILENO)) >= 0)
		fillers[n++] = fd;
	assert_true(n < FILLERS);
	return n;
}

/*
 * The listener stays readable and accept(2) fails: a server that asks again at once would fail
 * thousands of times in the time this one pauses four times.
 */
static void out_of_descriptors(void **state)
{
	struct client old = dial(), late = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
	const struct timeval patience = { .tv_sec = 20 };
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct rlimit limit, low;
	int fillers[FILLERS];
	int64_t began_us;
	unsigned n;

	(void)state;
	ask(&old, "GET", "/coroutine/wait");
	AWAIT(API_COUNT(begun) == 1);
	setsockopt(late.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	address.sin_port = htons(http_server_port(server, 0));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 128;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	n = fill_descriptors(fillers);

	began_us = now_mono_us();
	assert_int_equal(connect(late.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	/* Its turn was to be told so: the reserve took it. */
	assert_closed(&late);
	assert_int_equal(GAUGE(accept_failures), 1);
	hang_up(&late);
	/* With its descriptor gone another may come, and fail in turn. */
	for (int i = 0; i < 3; i++) {
		late.fd = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(late.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		assert_int_equal(connect(late.fd, (struct sockaddr *)&address, sizeof(address)), 0);
		assert_closed(&late);
		hang_up(&late);
	}
	assert_int_equal(GAUGE(accept_failures), 4);
	assert_true(GAUGE(accept_wakeups) <= 8);
	assert_true(now_mono_us() - began_us >= 300 * US_PER_MS);

	/* Who was connected is served; when descriptors are back, so is everybody. */
	fake_api_open(&api);
	assert_echo(&old, "GET", "/coroutine/wait");
	while (n > 0)
		close(fillers[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	late = dial();
	ask(&late, "GET", "/inline/echo");
	assert_echo(&late, "GET", "/inline/echo");
	hang_up(&late);
	hang_up(&old);
}

/* --- listeners --- */

static void two_listeners(void **state)
{
	struct http_config config = patient();
	struct client one, two;
	struct api metrics;
	struct reply r;

	(void)state;
	arena = arena_new(ARENA_PLAIN, 0);
	fake_api_init(&api, "public");
	fake_api_init(&metrics, "metrics");
	server = http_server_new(&config, NULL);
	assert_int_equal(http_server_listen(server, "::1", 0, &api), OK);
	assert_int_equal(http_server_listen(server, "127.0.0.1", 0, &metrics), OK);
	assert_int_equal(http_server_listen(server, "192.0.2.1", 0, &api), ERR_UNAVAILABLE);
	assert_int_equal(http_server_listen(server, "nowhere", 0, &api), ERR_UNAVAILABLE);
	assert_int_equal(http_server_listen(server, "127.0.0.1", http_server_port(server, 1), &api),
	    ERR_UNAVAILABLE);
	assert_int_equal(http_server_start(server), OK);
	two = dial_port(http_server_port(server, 1));
	ask(&two, "GET", "/inline/echo");
	r = reply(&two, false);
	assert_str(field(&r, "Server"), "metrics");
	hang_up(&two);
	one = (struct client){ .fd = socket(AF_INET6, SOCK_STREAM, 0) };
	{
		const struct sockaddr_in6 address = {
			.sin6_family = AF_INET6,
			.sin6_port = htons(http_server_port(server, 0)),
			.sin6_addr = IN6ADDR_LOOPBACK_INIT,
		};

		assert_int_equal(
		    connect(one.fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	}
	ask(&one, "GET", "/inline/echo");
	r = reply(&one, false);
	assert_str(field(&r, "Server"), "public");
	hang_up(&one);
	fake_api_done(&metrics);
}

/* In a child of its own: the socket must be descriptor 3. */
static void inherit_socket(void *arg)
{
	struct http_config config = patient();
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	struct client c;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)arg;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0 || dup2(fd, 3) != 3)
		_exit(1);
	setenv("LISTEN_PID", str_printf(arena, "%d", getpid()).ptr, 1);
	setenv("LISTEN_FDS", "1", 1);
	server = http_server_new(&config, NULL);
	if (http_server_listen(server, "192.0.2.1", 1, &api) != OK ||
	    http_server_start(server) != OK ||
	    http_server_port(server, 0) != ntohs(address.sin_port))
		_exit(2);
	c = dial_port(ntohs(address.sin_port));
	ask(&c, "GET", "/worker/echo");
	_exit(reply(&c, false).status == 200 ? 0 : 3);
}

static void socket_activation(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	arena = arena_new(ARENA_PLAIN, 0);
	fake_api_init(&api, "fake");
	pid = fork();
	if (pid == 0)
		inherit_socket(NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- draining --- */

struct drainer {
	pthread_t thread;
	int64_t deadline_us;
	bool drained;
};

static void *drain_main(void *arg)
{
	struct drainer *d = arg;

	d->drained = http_server_drain(server, d->deadline_us);
	return NULL;
}

static void begin_drain(struct drainer *d, int64_t within_us)
{
	d->deadline_us = now_mono_us() + within_us;
	assert_int_equal(pthread_create(&d->thread, NULL, drain_main, d), 0);
}

static bool end_drain(struct drainer *d)
{
	assert_int_equal(pthread_join(d->thread, NULL), 0);
	return d->drained;
}

static void assert_last_echo(struct client *c, const char *path)
{
	struct reply r = reply(c, false);

	assert_bytes(r.body, str_printf(arena, "GET %s? ", path));
	assert_str(field(&r, "Connection"), "close");
	assert_closed(c);
	hang_up(c);
}

/* Whatever a connection was doing when the end came, what it asked is answered. */
static void drain_answers_all(void **state)
{
	struct client idle = dial(), fresh = dial(), running = dial(), pipelined = dial();
	struct client half = dial(), lagging = dial();
	struct drainer d;
	struct reply r;

	(void)state;
	ask(&idle, "GET", "/inline/echo");
	assert_echo(&idle, "GET", "/inline/echo");
	ask(&lagging, "GET", "/inline/echo");
	assert_echo(&lagging, "GET", "/inline/echo");
	ask(&running, "GET", "/coroutine/wait");
	ask(&pipelined, "GET", "/worker/wait");
	ask(&pipelined, "GET", "/inline/echo");
	ask(&pipelined, "GET", "/coroutine/echo");
	say(&half, STR("GET /inline/echo HTTP/1.1\r\n"));
	AWAIT(API_COUNT(begun) == 4 && GAUGE(connections) == 6);

	begin_drain(&d, 20 * US_PER_S);
	/* A client that could not know yet is served once more, and told. */
	do {
		ask(&lagging, "GET", "/inline/echo");
		r = reply(&lagging, false);
		assert_int_equal(r.status, 200);
	} while (str_empty(field(&r, "Connection")));
	assert_closed(&lagging);
	/* Who stays silent is closed, also who never said anything. */
	assert_closed(&idle);
	assert_closed(&fresh);
	fake_api_open(&api);
	assert_last_echo(&running, "/coroutine/wait");
	assert_echo(&pipelined, "GET", "/worker/wait");
	assert_echo(&pipelined, "GET", "/inline/echo");
	assert_last_echo(&pipelined, "/coroutine/echo");
	say(&half, STR("Host: a\r\n\r\n"));
	assert_last_echo(&half, "/inline/echo");
	hang_up(&idle);
	hang_up(&fresh);
	hang_up(&lagging);
	assert_true(end_drain(&d));
	assert_int_equal(GAUGE(connections), 0);
}

static void drain_deadline(void **state)
{
	struct client running = dial();
	struct drainer d;

	(void)state;
	ask(&running, "GET", "/worker/wait");
	AWAIT(API_COUNT(begun) == 1);
	begin_drain(&d, 50 * US_PER_MS);
	assert_false(end_drain(&d));
	assert_closed(&running);
	assert_int_equal(GAUGE(connections), 0);
	hang_up(&running);
}

struct asker {
	pthread_t thread;
	uint16_t port;
	unsigned asked, answered;
};

/* Asks on and on, over new connections when told to close, until none can be had. */
static void *asker_main(void *arg)
{
	static const char request[] = "GET /coroutine/echo HTTP/1.1\r\nHost: a\r\n\r\n";
	struct asker *a = arg;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(a->port) };
	const struct timeval soon = { .tv_usec = 300000 }; /* for connect(2) */
	char in[4096];
	int fd = -1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (;;) {
		ssize_t n;

		if (fd < 0) {
			fd = socket(AF_INET, SOCK_STREAM, 0);
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
			if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
				break;
		}
		a->asked++;
		(void)send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
		/* Replies are short: one comes whole. */
		n = recv(fd, in, sizeof(in), 0);
		a->answered += n > 0 && !memcmp(in, "HTTP/1.1 200", 12);
		if (n <= 0 || memmem(in, (size_t)n, "Connection: close", 17)) {
			close(fd);
			fd = -1;
		}
	}
	close(fd);
	return NULL;
}

/* Clients that never pause while the server goes: each request got its answer. */
static void drain_under_load(void **state)
{
	struct asker askers[8] = { { .asked = 0 } };

	(void)state;
	for (int round = 0; round < 10; round++) {
		unsigned asked = 0, answered = 0;
		struct drainer d;

		start(NULL);
		for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
			askers[i] = (struct asker){ .port = http_server_port(server, 0) };
			assert_int_equal(
			    pthread_create(&askers[i].thread, NULL, asker_main, &askers[i]), 0);
		}
		AWAIT(GAUGE(replies) > 200);
		begin_drain(&d, 20 * US_PER_S);
		for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
			assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
			asked += askers[i].asked;
			answered += askers[i].answered;
		}
		assert_true(end_drain(&d));
		assert_int_equal(answered, asked);
		end_server(NULL);
	}
}

int main(void)
{
#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, end_server)
	const struct CMUnitTest tests[] = {
		WITH(NULL, socket_activation), /* first: it forks */
		WITH(start_narrow, no_worker_free),
		WITH(start_narrow, no_coroutine_free),
		WITH(start_narrow, gone_while_queued),
		WITH(start_few, idle_make_room),
		WITH(start_two_a_peer, share_of_a_peer),
		WITH(start, out_of_descriptors),
		WITH(NULL, two_listeners),
		WITH(start, drain_answers_all),
		WITH(start, drain_deadline),
		cmocka_unit_test(drain_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
