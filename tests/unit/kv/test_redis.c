/* The Redis client against a server that says what it is told to: redirections, refusals, nonsense.
 */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "kv/redis_priv.h"

/* Answers PING by itself and everything else with the next of @replies; "" closes the connection.
 */
struct fake {
	pthread_t thread;
	int listener;
	uint16_t port;
	const char *replies[8];
	size_t next;
	char heard[1024]; /* the last request */
};

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		perror("fake");
}

static void converse(struct fake *f, int fd)
{
	const char *reply;
	ssize_t n;

	while ((n = read(fd, f->heard, sizeof(f->heard) - 1)) > 0) {
		f->heard[n] = '\0';
		if (strstr(f->heard, "\r\nPING\r\n")) {
			say(fd, "+PONG\r\n");
			continue;
		}
		reply = f->replies[f->next++];
		if (!reply || !*reply)
			break;
		say(fd, reply);
	}
}

static void *fake_main(void *arg)
{
	struct fake *f = arg;
	int fd;

	while ((fd = accept(f->listener, NULL, NULL)) >= 0) {
		converse(f, fd);
		close(fd);
	}
	return NULL;
}

static void fake_start(struct fake *f)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(sa);

	f->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(f->listener, 8), 0);
	assert_int_equal(getsockname(f->listener, (struct sockaddr *)&sa, &size), 0);
	f->port = ntohs(sa.sin_port);
	assert_int_equal(pthread_create(&f->thread, NULL, fake_main, f), 0);
}

/* A client of @f. */
struct client {
	struct fake f;
	struct net *net;
	struct redis *r;
	struct request rq;
};

static void open_client(struct client *c, struct fake fake)
{
	struct str problem = STR_NULL;
	struct redis_config config = { .timeout_us = 5 * US_PER_S };

	*c = (struct client){ .f = fake };
	fake_start(&c->f);
	request_init(&c->rq, NULL, NEVER_US);
	config.net = c->net = net_new(&(struct net_config){ 0 });
	config.url = str_printf(c->rq.arena, "redis://127.0.0.1:%u", c->f.port);
	assert_int_equal(redis_new(&config, c->rq.arena, &c->r, &problem), OK);
}

static void close_client(struct client *c)
{
	redis_free(&c->r);
	shutdown(c->f.listener, SHUT_RDWR);
	pthread_join(c->f.thread, NULL);
	close(c->f.listener);
	net_free(&c->net);
	request_done(&c->rq);
}

static enum err get(struct client *c, struct redis_value *ret)
{
	struct redis_call call = { .command = "GET", .key = STR("{a}b") };
	enum err r = redis_calls(c->r, &c->rq, &call, 1);

	*ret = call.reply;
	return r;
}

static void kinds_of_replies(void **state)
{
	struct redis_value v;
	struct client c;

	(void)state;
	open_client(&c, (struct fake){ .replies = { "$5\r\nhello\r\n", "$-1\r\n",
					   "*3\r\n:-7\r\n+fine\r\n*1\r\n$0\r\n\r\n",
					   "-ERR it is wrong\r\n" } });
	assert_int_equal(get(&c, &v), OK);
	assert_int_equal(v.type, REDIS_STRING);
	assert_str(v.string, "hello");
	assert_string_equal(c.f.heard, "*2\r\n$3\r\nGET\r\n$4\r\n{a}b\r\n");
	assert_int_equal(get(&c, &v), OK);
	assert_int_equal(v.type, REDIS_NIL);
	assert_int_equal(get(&c, &v), OK);
	assert_int_equal(v.type, REDIS_LIST);
	assert_int_equal(v.n, 3);
	assert_int_equal(v.items[0].integer, -7);
	assert_str(v.items[1].string, "fine");
	assert_int_equal(v.items[2].items[0].string.len, 0);
	assert_int_equal(get(&c, &v), OK);
	assert_int_equal(v.type, REDIS_ERROR);
	assert_int_equal(redis_gauges(c.r).connections, 1); /* all over one */
	assert_false(redis_gauges(c.r).away);
	close_client(&c);
}

static void redirections(void **state)
{
	static char asking[64], moved[64];
	struct redis_value v;
	struct client c;

	(void)state;
	open_client(&c, (struct fake){ .replies = { asking, "+OK\r\n:1\r\n", moved, ":2\r\n" } });
	snprintf(asking, sizeof(asking), "-ASK 15495 127.0.0.1:%u\r\n", c.f.port);
	snprintf(moved, sizeof(moved), "-MOVED 15495 :%u\r\n", c.f.port);
	assert_int_equal(get(&c, &v), OK);
	assert_int_equal(v.integer, 1);
	assert_non_null(strstr(c.f.heard, "\r\nASKING\r\n"));
	assert_int_equal(get(&c, &v), OK);
	assert_int_equal(v.integer, 2);
	assert_null(strstr(c.f.heard, "ASKING"));
	close_client(&c);
}

static void sent_in_circles(void **state)
{
	static char moved[64];
	struct redis_value v;
	struct client c;

	(void)state;
	open_client(
	    &c, (struct fake){ .replies = { moved, moved, moved, moved, moved, moved, moved } });
	snprintf(moved, sizeof(moved), "-MOVED 15495 127.0.0.1:%u\r\n", c.f.port);
	assert_int_equal(get(&c, &v), ERR_UNAVAILABLE);
	assert_true(c.f.next <= 5);
	close_client(&c);
}

static void unknown_script(void **state)
{
	const struct redis_script script = { "return 1",
		"e0e1f9fabfc9d4800c877a703b823ac0578ff8db" };
	struct redis_call call = { .script = &script, .key = STR("k") };
	struct client c;

	(void)state;
	open_client(
	    &c, (struct fake){ .replies = { "-NOSCRIPT No matching script.\r\n", ":1\r\n" } });
	assert_int_equal(redis_calls(c.r, &c.rq, &call, 1), OK);
	assert_int_equal(call.reply.integer, 1);
	assert_non_null(strstr(c.f.heard, "\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n1\r\n$1\r\nk\r\n"));
	close_client(&c);
}

/* It is refused, and so are the calls right after it, without asking. */
static void away(void **state)
{
	static const char *const says[] = {
		"-LOADING Redis is loading the dataset in memory\r\n",
		"-READONLY You can't write against a read only replica.\r\n",
		"-CLUSTERDOWN The cluster is down\r\n",
		"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
		"-NOAUTH Authentication required.\r\n",
		"this is no Redis\r\n",
		"*1000\r\n", /* and nothing more */
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(says); i++) {
		struct redis_value v;
		struct client c;

		open_client(&c, (struct fake){ .replies = { says[i], "" } });
		if (strcmp(says[i], "*1000\r\n") == 0)
			c.rq.deadline_us = now_mono_us() + 50 * US_PER_MS;
		assert_int_not_equal(get(&c, &v), OK);
		if (c.rq.deadline_us == NEVER_US) {
			assert_true(redis_gauges(c.r).away);
			assert_int_equal(get(&c, &v), ERR_UNAVAILABLE);
			assert_int_equal(c.f.next, 1);
		}
		close_client(&c);
	}
}

static void urls(void **state)
{
	static const char *const wrong[] = { "", "redis:", "http://host", "redis://", "redis://h:0",
		"redis://h:65536", "redis://h:x", "redis://h/x", "redis://h/-1", "redis://u:p@" };
	struct arena *arena = arena_new(ARENA_WIPING, 0);
	struct redis_place place;
	struct str problem;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		if (redis_url_parse(arena, str_of(wrong[i]), &place, &problem))
			fail_msg("took %s", wrong[i]);
		assert_true(problem.len > 0);
	}
	assert_true(redis_url_parse(arena, STR("redis://cache"), &place, &problem));
	assert_string_equal(place.host, "cache");
	assert_int_equal(place.port, 6379);
	assert_false(place.tls);
	assert_int_equal(place.password.len, 0);
	assert_true(
	    redis_url_parse(arena, STR("rediss://me:p%40ss:%2F%@[::1]:7000/3"), &place, &problem));
	assert_string_equal(place.host, "::1");
	assert_int_equal(place.port, 7000);
	assert_int_equal(place.database, 3);
	assert_true(place.tls);
	assert_str(secret_reveal(place.user), "me");
	assert_str(secret_reveal(place.password), "p@ss:/%");
	assert_true(redis_url_parse(arena, STR("redis://:secret@h/"), &place, &problem));
	assert_int_equal(place.user.len, 0);
	assert_str(secret_reveal(place.password), "secret");
	arena_free(&arena);
}

/* Vectors of the Redis Cluster specification, and of redis-cli's CLUSTER KEYSLOT. */
static void slots(void **state)
{
	(void)state;
	assert_int_equal(redis_slot(STR("123456789")), 0x31C3);
	assert_int_equal(redis_slot(STR("foo")), 12182);
	assert_int_equal(redis_slot(STR("cloakroom:limit:{foo}")), 12182);
	assert_int_equal(redis_slot(STR("{foo}{bar}")), 12182);
	assert_int_not_equal(redis_slot(STR("{}foo")), 12182);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_replies),
		cmocka_unit_test(redirections),
		cmocka_unit_test(sent_in_circles),
		cmocka_unit_test(unknown_script),
		cmocka_unit_test(away),
		cmocka_unit_test(urls),
		cmocka_unit_test(slots),
	};

	return cmocka_run_group_tests_name("redis", tests, NULL, NULL);
}
