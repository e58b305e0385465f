/*
 * A load driver for the server's own routes: one thread, epoll, keep-alive connections.
 *
 * Closed loop: every connection sends its next request when it has the answer to the last.
 * Open loop (--rate): requests are due at fixed times whatever the server does, and a latency
 * counts from the time the request was due, so that waiting for a free connection is not hidden.
 *
 * Only 127.0.0.1. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/defs.h"

#define REPLY_MAX 16384
#define REQUEST_MAX 4096
#define TOKEN_MAX 1536
#define STATUS_MAX 600

enum op {
	OP_GET, /* any path */
	OP_ME,
	OP_REFRESH,
	OP_LOGIN,
};

struct options {
	enum op op;
	const char *path;
	const char *mount;    /* "/api/v2" */
	const char *subjects; /* file: one line a connection, two words */
	uint16_t port;
	unsigned connections;
	double seconds, warm;
	double rate; /* 0: closed loop */
	bool obey_retry_after;
	bool hold; /* open the connections, make one request each, then sit idle until killed */
};

struct connection {
	int fd;
	bool busy;
	int64_t due_us;    /* when the request in flight was due */
	int64_t resume_us; /* not before: the server said Retry-After */
	size_t out_len, out_sent, in_len;
	char first[TOKEN_MAX], second[TOKEN_MAX]; /* access + refresh, or identifier + password */
	char out[REQUEST_MAX];
	char in[REPLY_MAX];
};

struct result {
	uint64_t statuses[STATUS_MAX];
	uint64_t failures;            /* connections lost */
	uint64_t without_retry_after; /* 503 and 429 that did not say when */
	uint32_t *latencies;          /* us, of 2xx */
	uint32_t *refusals;           /* us, of 429 and 503 */
	size_t n, cap, n_refusals, cap_refusals;
};

static struct options opt = {
	.op = OP_GET,
	.path = "/healthz",
	.mount = "/api/v2",
	.connections = 64,
	.seconds = 3,
	.warm = 0.5,
};
static struct result result;
static struct connection *connections;
static unsigned in_flight, most_in_flight;
static int epoll_fd;
static bool counting;

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

static void fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void note(uint32_t **list, size_t *n, size_t *cap, int64_t us)
{
	if (*n == *cap) {
		*cap = *cap ? *cap * 2 : 65536;
		*list = realloc(*list, *cap * sizeof(**list));
		if (!*list)
			fail("memory");
	}
	(*list)[(*n)++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static void dial(struct connection *c)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(opt.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		fail("epoll");
	c->in_len = 0;
}

static void compose_post(struct connection *c, const char *route, const char *body)
{
	c->out_len = (size_t)snprintf(c->out, sizeof(c->out),
	    "POST %s/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    opt.mount, route, strlen(body), body);
}

static void compose(struct connection *c)
{
	char body[REQUEST_MAX];

	switch (opt.op) {
	case OP_GET:
		c->out_len = (size_t)snprintf(
		    c->out, sizeof(c->out), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", opt.path);
		break;
	case OP_ME:
		c->out_len = (size_t)snprintf(c->out, sizeof(c->out),
		    "GET %s/me/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
		    opt.mount, c->first);
		break;
	case OP_REFRESH:
		snprintf(body, sizeof(body), "{\"refresh\":\"%s\"}", c->second);
		compose_post(c, "auth/token/refresh/", body);
		break;
	case OP_LOGIN:
		snprintf(body, sizeof(body), "{\"email_or_phone\":\"%s\",\"password\":\"%s\"}",
		    c->first, c->second);
		compose_post(c, "auth/login/", body);
		break;
	}
	if (c->out_len >= sizeof(c->out))
		fail("request too long");
}

static void send_request(struct connection *c, int64_t due_us)
{
	compose(c);
	c->busy = true;
	c->due_us = due_us;
	c->in_len = 0;
	if (++in_flight > most_in_flight)
		most_in_flight = in_flight;
	if (write(c->fd, c->out, c->out_len) != (ssize_t)c->out_len)
		fail("write");
}

/* Copies the string member @name of the reply, for the next request of this connection. */
static bool take_member(const struct connection *c, const char *name, char *to)
{
	char quoted[32];
	const char *at, *end;

	snprintf(quoted, sizeof(quoted), "\"%s\":\"", name);
	at = strstr(c->in, quoted);
	if (!at)
		return false;
	at += strlen(quoted);
	end = strchr(at, '"');
	if (!end || end - at >= TOKEN_MAX)
		return false;
	memcpy(to, at, (size_t)(end - at));
	to[end - at] = '\0';
	return true;
}

static void on_reply(struct connection *c, int64_t at_us)
{
	int status = (int)strtol(c->in + 9, NULL, 10);
	const char *retry = strstr(c->in, "Retry-After: ");
	bool refused = status == 503 || status == 429;

	c->busy = false;
	in_flight--;
	if (refused && retry && opt.obey_retry_after)
		c->resume_us = at_us + strtol(retry + 13, NULL, 10) * US_PER_S;
	if (opt.op == OP_REFRESH && status == 200 &&
	    (!take_member(c, "access", c->first) || !take_member(c, "refresh", c->second)))
		fail("reply without tokens");
	if (!counting)
		return;
	result.statuses[status > 0 && status < STATUS_MAX ? status : 0]++;
	if (refused && !retry)
		result.without_retry_after++;
	if (refused)
		note(&result.refusals, &result.n_refusals, &result.cap_refusals, at_us - c->due_us);
	else if (status >= 200 && status < 300)
		note(&result.latencies, &result.n, &result.cap, at_us - c->due_us);
}

/* Is the whole reply there? */
static bool complete(const struct connection *c)
{
	const char *end = strstr(c->in, "\r\n\r\n");
	const char *length = strcasestr(c->in, "\r\nContent-Length: ");

	if (!end || !length || length > end)
		return false;
	return c->in_len >= (size_t)(end + 4 - c->in) + strtoul(length + 18, NULL, 10);
}

static void on_readable(struct connection *c)
{
	ssize_t n = read(c->fd, c->in + c->in_len, sizeof(c->in) - 1 - c->in_len);

	if (n <= 0) {
		if (c->busy) {
			result.failures++;
			in_flight--;
			c->busy = false;
		}
		close(c->fd);
		dial(c);
		return;
	}
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	if (c->busy && complete(c))
		on_reply(c, now_us());
}

static struct connection *idle_connection(int64_t at_us)
{
	static unsigned next;

	for (unsigned i = 0; i < opt.connections; i++) {
		struct connection *c = &connections[(next + i) % opt.connections];

		if (!c->busy && c->resume_us <= at_us) {
			next = (next + i + 1) % opt.connections;
			return c;
		}
	}
	return NULL;
}

static void send_due(int64_t start_us, uint64_t *sent)
{
	int64_t at_us = now_us();

	if (opt.rate <= 0) {
		for (unsigned i = 0; i < opt.connections; i++)
			if (!connections[i].busy && connections[i].resume_us <= at_us)
				send_request(&connections[i], now_us());
		return;
	}
	for (;;) {
		int64_t due_us = start_us + (int64_t)((double)*sent * 1e6 / opt.rate);
		struct connection *c;

		if (due_us > at_us)
			return;
		c = idle_connection(at_us);
		if (!c)
			return; /* late; the wait is part of its latency */
		send_request(c, due_us);
		(*sent)++;
	}
}

static void run(double seconds)
{
	int64_t start_us = now_us(), end_us = start_us + (int64_t)(seconds * 1e6);
	struct epoll_event events[256];
	uint64_t sent = 0;

	while (now_us() < end_us) {
		int n;

		send_due(start_us, &sent);
		n = epoll_wait(epoll_fd, events, ARRAY_LEN(events), 1);
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			on_readable(c);
			if (opt.rate <= 0 && !c->busy && c->resume_us == 0)
				send_request(c, now_us());
		}
	}
	/* Let what is under way come home, so that nothing carries over into the next phase. */
	for (int64_t until = now_us() + 15 * US_PER_S; in_flight > 0 && now_us() < until;) {
		int n = epoll_wait(epoll_fd, events, ARRAY_LEN(events), 10);

		for (int i = 0; i < n; i++)
			on_readable(events[i].data.ptr);
	}
}

static void read_subjects(void)
{
	FILE *f;

	if (!opt.subjects)
		return;
	f = fopen(opt.subjects, "r");
	if (!f)
		fail(opt.subjects);
	for (unsigned i = 0; i < opt.connections; i++) {
		struct connection *c = &connections[i];

		if (fscanf(f, "%1535s %1535s", c->first, c->second) != 2) {
			rewind(f);
			if (fscanf(f, "%1535s %1535s", c->first, c->second) != 2)
				fail("too few subjects");
		}
	}
	fclose(f);
}

/* Rotated tokens go back, so that the next run can use them. */
static void write_subjects(void)
{
	FILE *f;

	if (!opt.subjects || opt.op != OP_REFRESH)
		return;
	f = fopen(opt.subjects, "w");
	if (!f)
		fail(opt.subjects);
	for (unsigned i = 0; i < opt.connections; i++)
		fprintf(f, "%s %s\n", connections[i].first, connections[i].second);
	fclose(f);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double quantile_ms(uint32_t *sorted, size_t n, double q)
{
	return n ? sorted[(size_t)(q * (double)(n - 1))] / 1e3 : 0;
}

static void print_quantiles(const char *name, uint32_t *list, size_t n)
{
	qsort(list, n, sizeof(*list), by_value);
	printf("\"%s\":{\"n\":%zu,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}",
	    name, n, quantile_ms(list, n, 0.5), quantile_ms(list, n, 0.9),
	    quantile_ms(list, n, 0.99), quantile_ms(list, n, 1));
}

static void print_result(double seconds)
{
	const char *comma = "";
	uint64_t all = 0;

	printf("{\"seconds\":%.3f,\"connections\":%u,\"failures\":%llu,", seconds, opt.connections,
	    (unsigned long long)result.failures);
	printf("\"most_in_flight\":%u,\"refused_without_retry_after\":%llu,\"statuses\":{",
	    most_in_flight, (unsigned long long)result.without_retry_after);
	for (int i = 0; i < STATUS_MAX; i++) {
		if (!result.statuses[i])
			continue;
		printf("%s\"%d\":%llu", comma, i, (unsigned long long)result.statuses[i]);
		comma = ",";
		all += result.statuses[i];
	}
	printf("},\"requests\":%llu,\"per_second\":%.1f,", (unsigned long long)all,
	    (double)all / seconds);
	print_quantiles("ok", result.latencies, result.n);
	printf(",");
	print_quantiles("refused", result.refusals, result.n_refusals);
	printf("}\n");
}

static void usage(void)
{
	fputs(
	    "usage: load --port N [--op get|me|refresh|login] [--path /healthz] [--mount /api/v2]\n"
	    "            [--subjects FILE] [--connections N] [--seconds S] [--warm S] [--rate R]\n"
	    "            [--obey-retry-after] [--hold]\n"
	    "FILE has a line a connection: ACCESS REFRESH (me, refresh) or IDENTIFIER PASSWORD (login).\n",
	    stderr);
	exit(2);
}

static enum op op_of(const char *name)
{
	static const char *const names[] = { "get", "me", "refresh", "login" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum op)i;
	usage();
	return OP_GET;
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "op", required_argument, NULL, 'o' },
		{ "path", required_argument, NULL, 'P' },
		{ "mount", required_argument, NULL, 'm' },
		{ "subjects", required_argument, NULL, 's' },
		{ "connections", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 't' },
		{ "warm", required_argument, NULL, 'w' },
		{ "rate", required_argument, NULL, 'r' },
		{ "obey-retry-after", no_argument, NULL, 'O' },
		{ "hold", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			opt.port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			opt.op = op_of(optarg);
			break;
		case 'P':
			opt.path = optarg;
			break;
		case 'm':
			opt.mount = optarg;
			break;
		case 's':
			opt.subjects = optarg;
			break;
		case 'c':
			opt.connections = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 't':
			opt.seconds = strtod(optarg, NULL);
			break;
		case 'w':
			opt.warm = strtod(optarg, NULL);
			break;
		case 'r':
			opt.rate = strtod(optarg, NULL);
			break;
		case 'O':
			opt.obey_retry_after = true;
			break;
		case 'h':
			opt.hold = true;
			break;
		default:
			usage();
		}
	}
	if (!opt.port || !opt.connections)
		usage();
}

int main(int argc, char **argv)
{
	int64_t start_us;

	read_options(argc, argv);
	connections = calloc(opt.connections, sizeof(*connections));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!connections || epoll_fd < 0)
		fail("set-up");
	read_subjects();
	for (unsigned i = 0; i < opt.connections; i++)
		dial(&connections[i]);
	if (opt.warm > 0)
		run(opt.warm);
	if (opt.hold) {
		printf("{\"holding\":%u}\n", opt.connections);
		fflush(stdout);
		pause();
		return 0;
	}
	counting = true;
	most_in_flight = 0;
	start_us = now_us();
	run(opt.seconds);
	print_result((double)(now_us() - start_us) / 1e6);
	write_subjects();
	return 0;
}
