/*
 * A load driver for the server's own routes: one thread, epoll, keep-alive connections.
 *
 * Closed loop: every connection sends its next request when it has the answer to the last.
 * Open loop (--rate): requests are due at fixed times whatever the server does, and a latency
 * counts from the time the request was due, so that waiting for a free connection is not hidden.
 *
 * Subjects (--subjects) are dealt to the connections, and each connection takes turns with its own:
 * many sessions over few connections touch many rows.
 *
 * Only 127.0.0.1. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
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
	const char *subjects; /* file: two words a line */
	const char *record;   /* file the tokens of each login go to */
	uint16_t port;
	unsigned connections;
	double seconds, warm;
	double rate;    /* 0: closed loop */
	uint64_t count; /* requests at most; 0: no bound */
	bool obey_retry_after;
	bool hold; /* one request on each connection, then sit idle until killed */
};

/* Whom a request is about: access and refresh token, or identifier and password. */
struct subject {
	char first[TOKEN_MAX], second[TOKEN_MAX];
};

struct connection {
	int fd;
	bool busy;
	int64_t due_us;    /* when the request in flight was due */
	int64_t resume_us; /* not before: the server said Retry-After; 0: any time */
	unsigned subject;  /* whose turn it is */
	size_t out_len, in_len;
	char out[REQUEST_MAX];
	char in[REPLY_MAX];
};

struct samples {
	uint32_t *us;
	size_t n, cap;
};

struct result {
	uint64_t statuses[STATUS_MAX];
	uint64_t failures;            /* connections lost with a request on them */
	uint64_t without_retry_after; /* 503 and 429 that did not say when */
	struct samples ok, refused;   /* latencies of 2xx; of 429 and 503 */
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
static struct subject *subjects;
static unsigned n_subjects;
static unsigned in_flight, most_in_flight, resting;
static uint64_t sent;
static int epoll_fd;
static bool counting;
static FILE *record;

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void note(struct samples *s, int64_t us)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 65536;
		s->us = realloc(s->us, s->cap * sizeof(*s->us));
		if (!s->us)
			fail("memory");
	}
	s->us[s->n++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

/* --- requests --- */

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
	const struct subject *s = n_subjects ? &subjects[c->subject] : NULL;
	char body[REQUEST_MAX];

	switch (opt.op) {
	case OP_GET:
		c->out_len = (size_t)snprintf(
		    c->out, sizeof(c->out), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", opt.path);
		break;
	case OP_ME:
		c->out_len = (size_t)snprintf(c->out, sizeof(c->out),
		    "GET %s/me/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
		    opt.mount, s->first);
		break;
	case OP_REFRESH:
		snprintf(body, sizeof(body), "{\"refresh\":\"%s\"}", s->second);
		compose_post(c, "auth/token/refresh/", body);
		break;
	case OP_LOGIN:
		snprintf(body, sizeof(body), "{\"email_or_phone\":\"%s\",\"password\":\"%s\"}",
		    s->first, s->second);
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
	sent++;
	if (++in_flight > most_in_flight)
		most_in_flight = in_flight;
	if (write(c->fd, c->out, c->out_len) != (ssize_t)c->out_len)
		fail("write");
}

/* --- replies --- */

/* Copies the string member @name of the reply. */
static bool take_member(const struct connection *c, const char *name, char to[TOKEN_MAX])
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

static void take_tokens(const struct connection *c, struct subject *to)
{
	if (!take_member(c, "access", to->first) || !take_member(c, "refresh", to->second))
		fail("reply without tokens");
}

static void count_reply(const struct connection *c, int status, bool says_when, int64_t at_us)
{
	bool refused = status == 503 || status == 429;

	result.statuses[status > 0 && status < STATUS_MAX ? status : 0]++;
	if (refused && !says_when)
		result.without_retry_after++;
	if (refused)
		note(&result.refused, at_us - c->due_us);
	else if (status >= 200 && status < 300)
		note(&result.ok, at_us - c->due_us);
}

static void on_reply(struct connection *c, int64_t at_us)
{
	int status = (int)strtol(c->in + 9, NULL, 10);
	const char *retry = NULL;

	c->busy = false;
	in_flight--;
	if (status == 503 || status == 429)
		retry = strstr(c->in, "\r\nRetry-After: ");
	if (retry && opt.obey_retry_after) {
		c->resume_us = at_us + strtol(retry + 15, NULL, 10) * US_PER_S;
		resting++;
	}
	if (opt.op == OP_REFRESH && status == 200)
		take_tokens(c, &subjects[c->subject]);
	if (record && status == 200) {
		struct subject tokens;

		take_tokens(c, &tokens);
		fprintf(record, "%s %s\n", tokens.first, tokens.second);
	}
	/* A connection's own are every opt.connections-th. */
	c->subject += opt.connections;
	if (c->subject >= n_subjects)
		c->subject = n_subjects ? (unsigned)(c - connections) % n_subjects : 0;
	if (counting)
		count_reply(c, status, retry != NULL, at_us);
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

/* --- loops --- */

static bool may_send(struct connection *c, int64_t at_us)
{
	if (c->busy || c->resume_us > at_us || (opt.count && sent >= opt.count))
		return false;
	if (c->resume_us)
		resting--;
	c->resume_us = 0;
	return true;
}

static void send_on_idle(void)
{
	int64_t at_us = now_us();

	for (unsigned i = 0; i < opt.connections; i++)
		if (may_send(&connections[i], at_us))
			send_request(&connections[i], now_us());
}

static struct connection *idle_connection(int64_t at_us)
{
	static unsigned next;

	for (unsigned i = 0; i < opt.connections; i++) {
		struct connection *c = &connections[(next + i) % opt.connections];

		if (may_send(c, at_us)) {
			next = (next + i + 1) % opt.connections;
			return c;
		}
	}
	return NULL;
}

static void send_due(int64_t start_us, uint64_t *scheduled)
{
	int64_t at_us = now_us();

	for (;;) {
		int64_t due_us = start_us + (int64_t)((double)*scheduled * 1e6 / opt.rate);
		struct connection *c;

		if (due_us > at_us)
			return;
		c = idle_connection(at_us);
		if (!c)
			return; /* late; the wait is part of its latency */
		send_request(c, due_us);
		(*scheduled)++;
	}
}

/*
 * A closed loop looks every 50 us rather than sleep in epoll: woken by each reply, it would charge
 * the server for the waking, which clients on other machines do not.
 */
static void take_events(int timeout_ms, bool go_on)
{
	struct epoll_event events[256];
	int n = epoll_wait(epoll_fd, events, ARRAY_LEN(events), go_on ? 0 : timeout_ms);

	if (n == 0 && go_on)
		usleep(50);

	for (int i = 0; i < n; i++) {
		struct connection *c = events[i].data.ptr;

		on_readable(c);
		if (go_on && may_send(c, 0))
			send_request(c, now_us());
	}
}

static void run(double seconds)
{
	int64_t start_us = now_us(), end_us = start_us + (int64_t)(seconds * 1e6);
	bool closed = opt.rate <= 0;
	uint64_t scheduled = 0;

	if (closed)
		send_on_idle();
	while (now_us() < end_us && (!opt.count || sent < opt.count)) {
		if (!closed)
			send_due(start_us, &scheduled);
		else if (resting)
			send_on_idle();
		take_events(1, closed);
	}
	/* Let what is under way come home, so that nothing carries over into the next phase. */
	for (int64_t until = now_us() + 15 * US_PER_S; in_flight > 0 && now_us() < until;)
		take_events(10, false);
}

static void hold(void)
{
	send_on_idle();
	while (in_flight > 0)
		take_events(10, false);
	printf("{\"holding\":%u}\n", opt.connections);
	fflush(stdout);
	pause();
}

/* --- subjects --- */

static void read_subjects(void)
{
	FILE *f = fopen(opt.subjects, "r");
	size_t cap = 0;

	if (!f)
		fail(opt.subjects);
	for (;;) {
		if (n_subjects == cap) {
			cap = cap ? 2 * cap : 1024;
			subjects = realloc(subjects, cap * sizeof(*subjects));
			if (!subjects)
				fail("memory");
		}
		if (fscanf(f, "%1535s %1535s", subjects[n_subjects].first,
			subjects[n_subjects].second) != 2)
			break;
		n_subjects++;
	}
	fclose(f);
	if (!n_subjects || (opt.op == OP_REFRESH && n_subjects < opt.connections))
		fail("too few subjects");
	for (unsigned i = 0; i < opt.connections; i++)
		connections[i].subject = i % n_subjects;
}

/* Rotated tokens go back, so that the next run can use them. */
static void write_subjects(void)
{
	FILE *f = fopen(opt.subjects, "w");

	if (!f)
		fail(opt.subjects);
	for (unsigned i = 0; i < n_subjects; i++)
		fprintf(f, "%s %s\n", subjects[i].first, subjects[i].second);
	fclose(f);
}

/* --- result --- */

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double quantile_ms(const struct samples *sorted, double q)
{
	return sorted->n ? sorted->us[(size_t)(q * (double)(sorted->n - 1))] / 1e3 : 0;
}

static void print_quantiles(const char *name, struct samples *s)
{
	if (s->n)
		qsort(s->us, s->n, sizeof(*s->us), by_value);
	printf("\"%s\":{\"n\":%zu,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}",
	    name, s->n, quantile_ms(s, 0.5), quantile_ms(s, 0.9), quantile_ms(s, 0.99),
	    quantile_ms(s, 1));
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
	print_quantiles("ok", &result.ok);
	printf(",");
	print_quantiles("refused", &result.refused);
	printf("}\n");
}

/* --- options --- */

static _Noreturn void usage(void)
{
	fputs(
	    "usage: load --port N [--op get|me|refresh|login] [--path /healthz] [--mount /api/v2]\n"
	    "            [--subjects FILE] [--connections N] [--seconds S] [--warm S] [--rate R]\n"
	    "            [--count N] [--record FILE] [--obey-retry-after] [--hold]\n"
	    "FILE of subjects: ACCESS REFRESH (me, refresh) or IDENTIFIER PASSWORD (login) a line;\n"
	    "at least one a connection for refresh, which writes the rotated tokens back.\n"
	    "--record: the tokens of each login, a line each.\n",
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
}

static void take_option(int c)
{
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
	case 'R':
		opt.record = optarg;
		break;
	case 'c':
		opt.connections = (unsigned)strtoul(optarg, NULL, 10);
		break;
	case 'n':
		opt.count = strtoul(optarg, NULL, 10);
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

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "op", required_argument, NULL, 'o' },
		{ "path", required_argument, NULL, 'P' },
		{ "mount", required_argument, NULL, 'm' },
		{ "subjects", required_argument, NULL, 's' },
		{ "record", required_argument, NULL, 'R' },
		{ "connections", required_argument, NULL, 'c' },
		{ "count", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 't' },
		{ "warm", required_argument, NULL, 'w' },
		{ "rate", required_argument, NULL, 'r' },
		{ "obey-retry-after", no_argument, NULL, 'O' },
		{ "hold", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(c);
	if (!opt.port || !opt.connections || (opt.op != OP_GET && !opt.subjects))
		usage();
}

static void raise_descriptors(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

int main(int argc, char **argv)
{
	int64_t start_us;

	read_options(argc, argv);
	raise_descriptors();
	connections = calloc(opt.connections, sizeof(*connections));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!connections || epoll_fd < 0)
		fail("set-up");
	if (opt.subjects)
		read_subjects();
	if (opt.record && !(record = fopen(opt.record, "a")))
		fail(opt.record);
	for (unsigned i = 0; i < opt.connections; i++)
		dial(&connections[i]);
	if (opt.hold)
		hold();
	if (opt.warm > 0)
		run(opt.warm);
	counting = true;
	most_in_flight = 0;
	start_us = now_us();
	run(opt.seconds);
	print_result((double)(now_us() - start_us) / 1e6);
	if (opt.op == OP_REFRESH)
		write_subjects();
	if (record)
		fclose(record);
	return 0;
}
