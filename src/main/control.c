#include "main/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "main/execute.h"

#define MAX_WORDS 64
#define SOCKET_TIMEOUT_S 10
#define COMMAND_DEADLINE_US (60 * US_PER_S)

struct control {
	struct core *core;
	int listen_fd, stop_fd;
	pthread_t thread;
};

/* --- one command --- */

struct peer {
	int fd;
	struct arena *arena;
	bool gone; /* the client left: what it asked for still runs to its end */
};

static void send_line(struct peer *peer, struct str key, struct str text, int64_t number)
{
	struct json_writer w;
	struct buf out;
	size_t sent = 0;

	buf_init(&out, peer->arena, text.len + 64);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	if (text.ptr)
		json_member_str(&w, key, text);
	else
		json_member_i64(&w, key, number);
	json_end_object(&w);
	buf_add_char(&out, '\n');
	while (!peer->gone && sent < out.len) {
		ssize_t n = send(peer->fd, out.ptr + sent, out.len - sent, MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		else if (n == 0 || errno != EINTR)
			peer->gone = true;
	}
}

static void write_to_peer(void *arg, bool is_error, struct str line)
{
	send_line(arg, is_error ? STR("err") : STR("out"), line.ptr ? line : STR(""), 0);
}

/* The words of the request. Returns how many, 0 when it is not of the right form. */
static size_t read_words(const struct json *request, struct str words[static MAX_WORDS])
{
	const struct json *argv = json_get(request, "argv");
	size_t n = argv && json_type(argv) == JSON_TYPE_ARRAY ? json_array_length(argv) : 0;

	if (n > MAX_WORDS)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (json_type(json_array_at(argv, i)) != JSON_TYPE_STRING)
			return 0;
		words[i] = json_string(json_array_at(argv, i));
	}
	return n;
}

static int run_words(struct call *call, const struct str *words, size_t n)
{
	if (n == 0) {
		complain(call, "The request holds no command.");
		return EXIT_USAGE;
	}
	if (!command_parse(call, words, n))
		return EXIT_USAGE;
	if (call->command->needs != NEEDS_CHANGE) {
		complain(call, "%s does not run inside the server.", call->command->name);
		return EXIT_USAGE;
	}
	call->rq->operation = str_printf(call->arena, "command %s", call->command->name);
	return call->command->run(call);
}

static void serve_request(struct control *c, int fd, uid_t uid, struct str text)
{
	struct request rq;
	struct peer peer = { .fd = fd };
	struct call call = { .write = write_to_peer, .write_arg = &peer };
	struct str words[MAX_WORDS];
	const struct json *request, *input;
	int code = EXIT_USAGE;

	core_request(c->core, &rq, STR("command"), now_mono_us() + COMMAND_DEADLINE_US);
	peer.arena = call.arena = rq.arena;
	call.secrets = rq.secrets;
	call.core = c->core;
	call.config = c->core->config;
	call.rq = &rq;
	call.who = execute_who(rq.arena, uid);
	if (json_parse(rq.secrets, text, &request) != OK) {
		complain(&call, "The request is not JSON.");
	} else {
		input = json_get(request, "input");
		if (input)
			call.password = secret_of(json_string(input));
		code = run_words(&call, words, read_words(request, words));
	}
	send_line(&peer, STR("exit"), STR_NULL, code);
	request_done(&rq);
}

/* --- connections --- */

/* The request's line; false when it is too long, or does not come. */
static bool read_request(int fd, char *buffer, struct str *ret)
{
	size_t len = 0;

	while (len < CONTROL_REQUEST_MAX) {
		ssize_t n = recv(fd, buffer + len, CONTROL_REQUEST_MAX - len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		len += (size_t)n;
		if (buffer[len - 1] == '\n') {
			*ret = str_bytes(buffer, len - 1);
			return true;
		}
	}
	return false;
}

static void serve_connection(struct control *c, int fd)
{
	const struct timeval timeout = { .tv_sec = SOCKET_TIMEOUT_S };
	struct ucred peer;
	socklen_t size = sizeof(peer);
	struct arena *arena;
	struct str text;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
	    (peer.uid != geteuid() && peer.uid != 0))
		return;
	arena = arena_new(ARENA_WIPING, CONTROL_REQUEST_MAX);
	if (read_request(fd, arena_alloc(arena, CONTROL_REQUEST_MAX), &text))
		serve_request(c, fd, peer.uid, text);
	arena_free(&arena);
}

static void *control_main(void *arg)
{
	struct control *c = arg;
	struct pollfd fds[] = {
		{ .fd = c->stop_fd, .events = POLLIN },
		{ .fd = c->listen_fd, .events = POLLIN },
	};

	for (;;) {
		int fd;

		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents)
			return NULL;
		if (!fds[1].revents)
			continue;
		fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		serve_connection(c, fd);
		close(fd);
	}
}

static bool open_socket(struct control *c)
{
	struct sockaddr_un address;

	c->stop_fd = eventfd(0, EFD_CLOEXEC);
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* We hold the lock: a socket that is there belongs to nobody any more. */
	unlinkat(c->core->dir_fd, "control.sock", 0);
	control_address(c->core->dir_fd, &address);
	return c->stop_fd >= 0 && c->listen_fd >= 0 &&
	       bind(c->listen_fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	       fchmodat(c->core->dir_fd, "control.sock", 0600, 0) == 0 &&
	       listen(c->listen_fd, 16) == 0;
}

static void release(struct control **c)
{
	if ((*c)->listen_fd >= 0)
		close((*c)->listen_fd);
	if ((*c)->stop_fd >= 0)
		close((*c)->stop_fd);
	free(*c);
	*c = NULL;
}

enum err control_start(struct core *core, struct control **ret, struct str *ret_problem)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c)
		die("out of memory");
	c->core = core;
	if (!open_socket(c) || pthread_create(&c->thread, NULL, control_main, c) != 0) {
		*ret_problem = str_printf(
		    core->arena, "The control socket cannot be opened: %s.", strerror(errno));
		release(&c);
		return ERR_UNAVAILABLE;
	}
	*ret = c;
	return OK;
}

void control_stop(struct control **c)
{
	uint64_t one = 1;

	if (!*c)
		return;
	if (write((*c)->stop_fd, &one, sizeof(one)) != sizeof(one))
		die("the control thread cannot be stopped");
	pthread_join((*c)->thread, NULL);
	unlinkat((*c)->core->dir_fd, "control.sock", 0);
	release(c);
}
