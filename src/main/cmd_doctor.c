/* What is well and what is not, before people find out. */
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "main/command.h"

#define DIAL_TIMEOUT_MS 5000
/* No clock that is right shows a time before this program was written: 2026-01-01. */
#define EARLIEST_US (INT64_C(1767225600) * US_PER_S)

struct examination {
	struct call *call;
	bool sick;
};

static void well(struct examination *x, const char *what)
{
	say(x->call, "well   %s", what);
}

static void wrong(struct examination *x, const char *what, struct str why)
{
	say(x->call, "WRONG  %s: %.*s", what, STR_ARG(why));
	x->sick = true;
}

/* Opening beside the server checks directory, keys, schema and, on request, the whole file. */
static void examine_store(struct examination *x)
{
	struct call *call = x->call;
	struct core core;
	struct str problem;

	call->config->store.check = true;
	if (core_open(&core, CORE_READ, call->config, call->arena, call->secrets, &problem) == OK) {
		well(x, "data directory, keys");
		well(x, "database: file, schema and master key");
	} else {
		wrong(x, "data", problem);
	}
	core_close(&core);
}

static void examine_clock(struct examination *x)
{
	if (now_wall_us() < EARLIEST_US)
		wrong(x, "clock", STR("it shows a time in the past; tokens would be wrong"));
	else
		well(x, "clock");
}

static bool connects(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	int failure = 0;
	socklen_t size = sizeof(failure);
	bool connected;

	if (fd < 0)
		return false;
	connected = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ||
		    (poll(&wait, 1, DIAL_TIMEOUT_MS) == 1 &&
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0);
	close(fd);
	return connected;
}

/* "smtp://user:password@host:25/…" cut into what getaddrinfo() wants. */
static void split_url(
    struct arena *arena, struct str url, const char **ret_host, const char **ret_port)
{
	ssize_t scheme_end = str_find(url, ':'), slash, at, colon;
	struct str scheme = str_upto(url, (size_t)scheme_end);
	struct str rest = str_from(url, (size_t)scheme_end + 3);

	slash = str_find(rest, '/');
	rest = slash < 0 ? rest : str_upto(rest, (size_t)slash);
	slash = str_find(rest, '?');
	rest = slash < 0 ? rest : str_upto(rest, (size_t)slash);
	at = str_find_last(rest, '@');
	rest = str_from(rest, (size_t)(at + 1));
	colon = str_ends(rest, STR("]")) ? -1 : str_find_last(rest, ':');
	*ret_port = colon < 0 ? str_eq(scheme, STR("smtp"))    ? "25"
				: str_eq(scheme, STR("smtps")) ? "465"
				: str_eq(scheme, STR("http"))  ? "80"
							       : "443"
			      : str_cstr(arena, str_from(rest, (size_t)colon + 1));
	if (colon >= 0)
		rest = str_upto(rest, (size_t)colon);
	if (str_starts(rest, STR("[")))
		rest = str_upto(str_from(rest, 1), rest.len - 2);
	*ret_host = str_cstr(arena, rest);
}

static void examine_sender(struct examination *x, const char *what, struct str url)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *found = NULL;
	const char *host, *port;
	bool connected = false;

	if (str_empty(url)) {
		say(x->call, "       %s: none is configured", what);
		return;
	}
	split_url(x->call->arena, url, &host, &port);
	if (getaddrinfo(host, port, &hints, &found) != 0) {
		wrong(x, what, str_printf(x->call->arena, "%s has no address", host));
		return;
	}
	for (const struct addrinfo *a = found; a && !connected; a = a->ai_next)
		connected = connects(a);
	freeaddrinfo(found);
	if (connected)
		well(x, what);
	else
		wrong(x, what,
		    str_printf(x->call->arena, "%s does not answer on port %s", host, port));
}

static void list_lines(struct call *call, const char *head, struct str lines)
{
	struct str line;

	while (str_next_token(&lines, '\n', &line))
		if (!str_empty(line))
			say(call, "%s%.*s", head, STR_ARG(line));
}

int cmd_doctor(struct call *call)
{
	struct examination x = { .call = call };
	struct buf loosened;

	well(&x, "settings");
	for (size_t i = 0; i < call->config->n_warnings; i++)
		say(call, "note   %.*s", STR_ARG(call->config->warnings[i]));
	examine_store(&x);
	examine_clock(&x);
	examine_sender(&x, "mail", call->config->outbox.smtp_url);
	examine_sender(&x, "SMS", call->config->outbox.sms[0].url);
	if (!str_empty(call->config->outbox.sms[1].url))
		examine_sender(&x, "SMS fallback", call->config->outbox.sms[1].url);
	buf_init(&loosened, call->arena, 1024);
	if (config_print_loosened(call->config, &loosened) == 0)
		say(call, "       no setting guards less than its default");
	list_lines(call, "loose  ", buf_str(&loosened));
	return x.sick ? EXIT_FAILED : 0;
}
