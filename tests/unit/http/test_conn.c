/* One connection at a time: what it may ask, in which pieces, and how long it may take. */
#include "tests/unit/http/harness.h"

#include <sys/socket.h>

static const char *const engines[] = { "/inline/echo", "/worker/echo", "/coroutine/echo" };

static int start(void **state)
{
	(void)state;
	serve(&quick);
	return 0;
}

/* For tests in which nothing may time out. */
static int start_patient(void **state)
{
	struct http_config config = quick;

	(void)state;
	config.head_us = config.body_us = config.idle_us = config.write_us = 20 * US_PER_S;
	serve(&config);
	return 0;
}

static void keep_alive(void **state)
{
	struct client c = dial();

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
			struct reply r;

			ask(&c, "GET", engines[i]);
			r = reply(&c, false);
			assert_true(str_starts(r.head, STR("HTTP/1.1 200 OK\r\nDate: ")));
			assert_bytes(r.body, str_printf(arena, "GET %s? ", engines[i]));
			assert_str(field(&r, "Content-Type"), "text/plain");
			assert_str(field(&r, "Server"), "fake");
			assert_str(field(&r, "Connection"), "");
			assert_int_equal(field(&r, "Date").len, 29);
		}
	}
	assert_int_equal(GAUGE(requests), 9);
	assert_int_equal(GAUGE(connections), 1);
	hang_up(&c);
	AWAIT(GAUGE(connections) == 0);
}

/* Requests come all at once; replies come one by one and in order, whatever engine they ran on. */
static void pipelining(void **state)
{
	struct client c = dial();
	struct buf requests;

	(void)state;
	buf_init(&requests, arena, 65536);
	for (int i = 0; i < 300; i++)
		buf_printf(&requests,
		    "POST %s?%d HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n%04d",
		    engines[i % 3], i, i);
	say(&c, buf_str(&requests));
	for (int i = 0; i < 300; i++)
		assert_bytes(reply(&c, false).body,
		    str_printf(arena, "POST %s?%d %04d", engines[i % 3], i, i));
	hang_up(&c);
}

static void bodies_in_pieces(void **state)
{
	static const char chunked[] = "POST /worker/echo HTTP/1.1\r\nHost: a\r\n"
				      "Transfer-Encoding: chunked\r\n\r\n"
				      "4\r\nbody\r\n9\r\n in piece\r\n1\r\ns\r\n0\r\n\r\n";
	struct client c = dial();
	struct str large;

	(void)state;
	for (size_t i = 0; i < sizeof(chunked) - 1; i++)
		say(&c, str_bytes(chunked + i, 1));
	assert_str(reply(&c, false).body, "POST /worker/echo? body in pieces");

	/* As large as a body may be: the buffer grows to it. */
	ask(&c, "GET", "/inline/big?16384");
	large = reply(&c, false).body;
	say(&c, STR("POST /coroutine/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 16384\r\n\r\n"));
	say(&c, str_upto(large, 5000));
	say(&c, str_from(large, 5000));
	assert_bytes(str_from(reply(&c, false).body, sizeof("POST /coroutine/echo? ") - 1), large);
	hang_up(&c);
}

static void head_and_no_content(void **state)
{
	struct client c = dial();
	struct reply r;

	(void)state;
	ask(&c, "HEAD", "/worker/echo");
	r = reply(&c, true);
	assert_int_equal(r.status, 200);
	assert_str(field(&r, "Content-Length"), "19");
	ask(&c, "GET", "/inline/empty");
	r = reply(&c, true);
	assert_int_equal(r.status, 204);
	assert_str(field(&r, "Content-Length"), "");
	ask(&c, "GET", "/inline/split");
	r = reply(&c, false);
	assert_str(field(&r, "X"), "");
	assert_str(field(&r, "Y"), "");
	assert_str(r.body, "GET /inline/split? ");
	hang_up(&c);
}

static void expect_continue(void **state)
{
	static const char head[] = "POST /worker/echo HTTP/1.1\r\nHost: a\r\n"
				   "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
	struct client c = dial();
	struct reply r;

	(void)state;
	say(&c, str_of(head));
	assert_int_equal(reply(&c, true).status, 100);
	say(&c, STR("hi"));
	assert_str(reply(&c, false).body, "POST /worker/echo? hi");
	/* The body is there already: nobody waits for the 100. */
	say(&c, str_printf(arena, "%shi", head));
	assert_str(reply(&c, false).body, "POST /worker/echo? hi");
	/* It will not be read: no 100. */
	say(&c, STR("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		    "Content-Length: 16385\r\n\r\n"));
	assert_int_equal(reply(&c, false).status, 413);
	assert_closed(&c);
	hang_up(&c);

	c = dial();
	say(&c, STR("POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n"));
	r = reply(&c, false);
	assert_int_equal(r.status, 417);
	assert_str(field(&r, "Connection"), "close");
	hang_up(&c);
}

/* The reply to a malformed request is the last; what stands behind it is nobody's request. */
static void malformed(void **state)
{
	static const struct {
		const char *bytes, *body;
		int status;
	} rows[] = {
		{ "GET / HTTP/1.1\n\n", "bad_request", 400 },
		{ "GET /x HTTP/1.1\r\nHost : a\r\n\r\n", "/x: bad_request", 400 },
		{ "GET /x HTTP/1.1\r\n\r\nGET /inline/echo HTTP/1.1\r\nHost: a\r\n\r\n",
		    "/x: bad_request", 400 },
		{ "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\n",
		    "/x: bad_request", 400 },
		{ "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n", "/x: too_large",
		    413 },
	};
	struct reply r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client c = dial();

		say(&c, str_of(rows[i].bytes));
		r = reply(&c, false);
		assert_int_equal(r.status, rows[i].status);
		assert_str(r.body, rows[i].body);
		assert_str(field(&r, "Connection"), "close");
		assert_closed(&c);
		hang_up(&c);
	}
	assert_int_equal(GAUGE(refused_malformed), 4);
	assert_int_equal(GAUGE(refused_too_large), 1);
	AWAIT(GAUGE(connections) == 0);
}

/* The client says everything before it listens: it hears the reply all the same. */
static void refused_while_sending(void **state)
{
	struct client c = dial();
	char *megabyte = arena_alloc(arena, 1 << 20);

	(void)state;
	memset(megabyte, 'x', 1 << 20);
	say(&c, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n"));
	say(&c, str_bytes(megabyte, 1 << 20));
	assert_int_equal(reply(&c, false).status, 413);
	assert_closed(&c);
	hang_up(&c);
}

static void head_deadline(void **state)
{
	struct client silent = dial(), slow = dial();

	(void)state;
	/* A byte now and then does not buy time: the deadline is for the whole head. */
	say(&slow, STR("GET / HTTP/1.1\r\n"));
	while (!GAUGE(refused_timeout) && !GAUGE(refused_too_large)) {
		(void)send(slow.fd, "X", 1, MSG_NOSIGNAL);
		usleep(2000);
	}
	assert_int_equal(reply(&slow, false).status, 408);
	assert_closed(&slow);
	assert_closed(&silent);
	hang_up(&slow);
	hang_up(&silent);
	AWAIT(GAUGE(connections) == 0);
}

static void body_deadline(void **state)
{
	struct client c = dial();

	(void)state;
	say(&c, STR("POST /inline/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"));
	assert_str(reply(&c, false).body, "/inline/echo: timeout");
	assert_closed(&c);
	assert_int_equal(GAUGE(refused_timeout), 1);
	hang_up(&c);
}

static void idle_deadline(void **state)
{
	struct client c = dial();

	(void)state;
	ask(&c, "GET", "/inline/echo");
	assert_echo(&c, "GET", "/inline/echo");
	assert_closed(&c);
	assert_int_equal(GAUGE(refused_timeout), 0);
	hang_up(&c);
}

static void large_replies(void **state)
{
	struct client c = dial();
	struct reply r;

	(void)state;
	ask(&c, "GET", "/worker/big?8000000");
	ask(&c, "GET", "/inline/echo");
	r = reply(&c, false);
	assert_int_equal(r.body.len, 8000000);
	for (size_t i = 0; i < r.body.len; i += 1009)
		assert_int_equal(r.body.ptr[i], 'a' + i % 23);
	assert_echo(&c, "GET", "/inline/echo");
	hang_up(&c);
}

static void write_deadline(void **state)
{
	struct client c = dial();

	(void)state;
	ask(&c, "GET", "/inline/big?50000000");
	AWAIT(GAUGE(connections) == 0 && GAUGE(accepted) == 1);
	assert_int_equal(GAUGE(replies), 0);
	hang_up(&c);
}

/* Some clients close their sending side early and still listen. */
static void half_closed(void **state)
{
	struct client c = dial();

	(void)state;
	ask(&c, "GET", "/coroutine/wait");
	AWAIT(API_COUNT(begun) == 1);
	shutdown(c.fd, SHUT_WR);
	fake_api_open(&api);
	assert_echo(&c, "GET", "/coroutine/wait");
	assert_closed(&c);
	hang_up(&c);

	c = dial();
	say(&c, STR("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"));
	shutdown(c.fd, SHUT_WR);
	assert_str(reply(&c, false).body, "/x: bad_request");
	assert_closed(&c);
	hang_up(&c);
}

/* What is parked when its client goes runs to its end, and its reply is dropped. */
static void gone_while_running(void **state)
{
	static const char *const paths[] = { "/coroutine/wait", "/worker/wait" };
	struct client c[ARRAY_LEN(paths)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		c[i] = dial();
		ask(&c[i], "GET", paths[i]);
	}
	AWAIT(API_COUNT(begun) == ARRAY_LEN(paths));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		/* Reset, not a half-close: the connection goes at once. */
		const struct linger none = { .l_onoff = 1 };

		setsockopt(c[i].fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		hang_up(&c[i]);
	}
	AWAIT(GAUGE(connections) == 0);
	assert_int_equal(GAUGE(running), ARRAY_LEN(paths));
	fake_api_open(&api);
	AWAIT(GAUGE(running) == 0);
	assert_int_equal(API_COUNT(cancelled), ARRAY_LEN(paths));
	assert_int_equal(GAUGE(cancelled), 0);
	assert_int_equal(GAUGE(replies), 0);
}

/* A reply leaves at a step after its request's arrival, never between steps; refusals too. */
static void uniform(void **state)
{
	struct client c = dial();
	int64_t arrived_us, finished_us, steps;

	(void)state;
	for (int i = 0; i < 3; i++) {
		ask(&c, "GET", "/uniform/echo");
		assert_echo(&c, "GET", "/uniform/echo");
		assert_true(now_mono_us() >= API_COUNT(arrived_us) + quick.uniform_us);
	}
	/* A late one waits for a later step, not for its end alone. */
	ask(&c, "GET", "/uniform/wait");
	AWAIT(API_COUNT(begun) == 4);
	usleep((unsigned)quick.uniform_us);
	fake_api_open(&api);
	assert_echo(&c, "GET", "/uniform/wait");
	arrived_us = API_COUNT(arrived_us);
	finished_us = API_COUNT(finished_us);
	steps = (finished_us - arrived_us) / quick.uniform_us + 1;
	assert_true(steps >= 2);
	assert_true(now_mono_us() >= arrived_us + steps * quick.uniform_us);
	hang_up(&c);
}

int main(void)
{
#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, end_server)
	const struct CMUnitTest tests[] = {
		WITH(start_patient, keep_alive),
		WITH(start_patient, pipelining),
		WITH(start_patient, bodies_in_pieces),
		WITH(start_patient, head_and_no_content),
		WITH(start_patient, expect_continue),
		WITH(start_patient, malformed),
		WITH(start_patient, refused_while_sending),
		WITH(start, head_deadline),
		WITH(start, body_deadline),
		WITH(start, idle_deadline),
		WITH(start_patient, large_replies),
		WITH(start, write_deadline),
		WITH(start_patient, half_closed),
		WITH(start_patient, gone_while_running),
		WITH(start_patient, uniform),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
