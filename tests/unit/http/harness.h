/* A server on loopback with the fake api, and blocking clients that give up rather than hang. */
#ifndef TESTS_UNIT_HTTP_HARNESS_H
#define TESTS_UNIT_HTTP_HARNESS_H

#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/clock.h"
#include "http/server.h"
#include "tests/unit/http/fake_api.h"

/** The server of the test that runs, its api and an arena for what it reads. */
extern struct http_server *server;
extern struct api api;
extern struct arena *arena;

/** quick - the default configuration with deadlines a test can wait for. */
extern const struct http_config quick;

/** serve() - start one with @config; end_server() ends it. */
void serve(const struct http_config *config);
/** end_server() - cmocka teardown: open the gate, free the server and check what is left. */
int end_server(void **state);

struct client {
	int fd;
	char *in; /* received, not yet read by reply() */
	size_t len, cap;
};

struct client dial(void);
struct client dial_port(uint16_t port);
void hang_up(struct client *c);
void say(struct client *c, struct str bytes);
/** ask() - say a request for @path with a Host. */
void ask(struct client *c, const char *method, const char *path);

struct reply {
	int status;
	struct str head; /* with the status line, without the blank line */
	struct str body;
};

/** reply() - the next one; @bodiless: it answers a HEAD. Fails when the server closes instead. */
struct reply reply(struct client *c, bool bodiless);
/** try_reply() - the same, but false when the server closed before its first byte. */
bool try_reply(struct client *c, bool bodiless, struct reply *ret);
/** field() - value of a reply's field, the empty str when it has none. */
struct str field(const struct reply *r, const char *name);
/** assert_echo() - is it 200 with "METHOD path? " as the echo? */
void assert_echo(struct client *c, const char *method, const char *path);
/** assert_closed() - has the server closed, without another byte? Waits for it. */
void assert_closed(struct client *c);

/** AWAIT() - wait until @condition holds; fails after a long while. */
#define AWAIT(condition)                                         \
	do {                                                     \
		int64_t late_us = now_mono_us() + 20 * US_PER_S; \
		while (!(condition)) {                           \
			assert_true(now_mono_us() < late_us);    \
			usleep(500);                             \
		}                                                \
	} while (0)
#define GAUGE(name) (http_server_gauges(server).name)
#define API_COUNT(name) __atomic_load_n(&api.name, __ATOMIC_RELAXED)

#endif
