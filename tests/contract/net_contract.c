/* Outgoing HTTP and mail, against real servers, on a thread and on a loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/http_client.h"
#include "tests/contract/rt_host.h"
#include "tests/support/child.h"

#define FROM "no-reply@shop.example"
#define SOON (now_mono_us() + 30 * US_PER_S)

/* The servers of all tests; the certificates lie in @dir. */
static struct {
	char dir[64];
	struct child http, plain, starttls, implicit;
	struct lane *lane;
	struct net *net;
} world_of_tests;

static const struct host hosts[] = { { ENGINE_SYNC, 1 }, { ENGINE_ASYNC, 1 } };

static void on_both(void (*fn)(void *arg))
{
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		host_run(&hosts[i], 0, (void (*[])(void *)){ fn }, 1, NULL);
}

/* --- HTTP --- */

static struct str url(struct request *rq, const char *host, const char *path)
{
	return str_printf(rq->arena, "http://%s:%u%s", host, world_of_tests.http.port, path);
}

static enum err get(struct request *rq, struct str at, struct net_reply *ret)
{
	const struct net_request in = { .method = STR("GET"), .url = at, .max_reply = 1000 };

	return net_fetch(world_of_tests.net, rq, &in, SOON, ret);
}

static void task_get(void *arg)
{
	struct net_reply reply;
	struct request rq;

	(void)arg;
	request_init(&rq, NULL, NEVER_US);
	/* By address, and by a name that is resolved on the lane. */
	for (int i = 0; i < 2; i++) {
		CHECK(
		    get(&rq, url(&rq, i ? "localhost" : "127.0.0.1", "/hello?x=1"), &reply) == OK);
		CHECK(reply.status == 200 && str_eq(reply.body, STR("{\"hello\":\"world\"}")));
		CHECK(str_eq(reply.content_type, STR("application/json")));
		CHECK(str_eq(reply.cache_control, STR("max-age=60")));
		CHECK(str_eq(reply.retry_after, STR("3")));
	}
	CHECK(get(&rq, url(&rq, "localhost", "/nowhere"), &reply) == OK && reply.status == 404);
	/* A redirect is an answer like another. */
	CHECK(get(&rq, url(&rq, "localhost", "/redirect"), &reply) == OK && reply.status == 302);
	CHECK(get(&rq, url(&rq, "localhost", "/large/1000"), &reply) == OK);
	CHECK(reply.body.len == 1000);
	CHECK(get(&rq, url(&rq, "localhost", "/large/1001"), &reply) == ERR_UNAVAILABLE);
	CHECK(str_eq(reply.problem, STR("The reply is larger than allowed.")));
	request_done(&rq);
}

static void test_get(void **state)
{
	(void)state;
	on_both(task_get);
}

static void task_failures(void *arg)
{
	static const char *const urls[] = {
		"http://127.0.0.1:1/",  /* nobody listens */
		"http://name.invalid/", /* never resolves (RFC 6761) */
		"ftp://127.0.0.1/",     /* a scheme we do not speak */
		"file:///etc/passwd",
		"smtp://127.0.0.1/",
		"not a URL",
	};
	struct net_request in = { .method = STR("GET"), .max_reply = 1000 };
	struct net_reply reply;
	struct request rq;

	(void)arg;
	request_init(&rq, NULL, NEVER_US);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		CHECK(get(&rq, str_of(urls[i]), &reply) == ERR_UNAVAILABLE);
		CHECK(reply.problem.len > 0 && reply.status == 0);
	}
	/* Silence, and a trickle without end: the deadline ends both. */
	for (int i = 0; i < 2; i++) {
		in.url = url(&rq, "127.0.0.1", i ? "/slow" : "/hang");
		in.max_reply = 1 << 20;
		CHECK(net_fetch(world_of_tests.net, &rq, &in, now_mono_us() + 200 * US_PER_MS,
			  &reply) == ERR_DEADLINE);
	}
	request_done(&rq);
}

static void test_failures(void **state)
{
	(void)state;
	on_both(task_failures);
}

static void task_private(void *arg)
{
	struct net *strict = net_new(&(struct net_config){ .blocking = world_of_tests.lane });
	const char *const hosts_of_ours[] = { "127.0.0.1", "localhost", "0", "2130706433",
		"[::1]" };
	struct net_request in = { .method = STR("GET"), .max_reply = 1000, .public_only = true };
	struct net_reply reply;
	struct request rq;

	(void)arg;
	request_init(&rq, NULL, NEVER_US);
	for (size_t i = 0; i < ARRAY_LEN(hosts_of_ours); i++) {
		in.url = url(&rq, hosts_of_ours[i], "/hello");
		CHECK(net_fetch(strict, &rq, &in, SOON, &reply) == ERR_UNAVAILABLE);
		CHECK(str_eq(reply.problem, STR("The server has a private address.")));
	}
	in.public_only = false;
	in.url = url(&rq, "127.0.0.1", "/hello");
	CHECK(net_fetch(strict, &rq, &in, SOON, &reply) == OK);
	request_done(&rq);
	net_free(&strict);
}

static void test_private(void **state)
{
	(void)state;
	on_both(task_private);
}

static void task_post(void *arg)
{
	const struct net_header headers[] = { { STR("X-One"), STR("1") },
		{ STR("Content-Type"), STR("application/json") } };
	const struct net_header broken = { STR("X-Two"), STR("a\r\nX-Three: b") };
	struct net_request in = {
		.method = STR("POST"),
		.headers = headers,
		.n_headers = 2,
		.body = STR("{\"a\":1}"),
		.max_reply = 1000,
	};
	const struct json *seen, *sent;
	struct net_reply reply;
	struct request rq;

	(void)arg;
	request_init(&rq, NULL, NEVER_US);
	in.url =
	    str_printf(rq.arena, "http://me:s%%3Acret@127.0.0.1:%u/hook", world_of_tests.http.port);
	CHECK(net_fetch(world_of_tests.net, &rq, &in, SOON, &reply) == OK);
	CHECK(str_eq(reply.body, in.body));
	do
		seen = child_event(&world_of_tests.http, "request");
	while (!str_eq(child_text(seen, "path"), STR("/hook")));
	sent = json_get(seen, "headers");
	CHECK(str_eq(child_text(seen, "method"), STR("POST")));
	CHECK(str_eq(child_text(sent, "x-one"), STR("1")));
	CHECK(str_eq(child_text(sent, "content-type"), STR("application/json")));
	CHECK(str_eq(child_text(sent, "authorization"), STR("Basic bWU6czpjcmV0"))); /* me:s:cret */
	in.headers = &broken;
	in.n_headers = 1;
	CHECK(net_fetch(world_of_tests.net, &rq, &in, SOON, &reply) == ERR_INTERNAL);
	request_done(&rq);
}

static void test_post(void **state)
{
	(void)state;
	on_both(task_post);
}

/* --- mail --- */

#define MESSAGE "Subject: Hi\r\n\r\nHello.\r\n.a dot\r\n..\r\n"

static enum err send_to(
    struct request *rq, struct str at, const char *to, long *ret_code, struct str *ret_problem)
{
	const struct net_mail mail = {
		.url = at,
		.from = STR(FROM),
		.to = str_of(to),
		.message = STR(MESSAGE),
	};

	*ret_problem = STR_NULL;
	return net_send_mail(world_of_tests.net, rq, &mail, SOON, ret_code, ret_problem);
}

static struct str smtp_url(
    struct request *rq, const struct child *server, const char *before, const char *after)
{
	return str_printf(rq->arena, "%s127.0.0.1:%u%s", before, server->port, after);
}

static void task_plain(void *arg)
{
	struct child *server = &world_of_tests.plain;
	struct str problem, at;
	const struct json *got;
	struct request rq;
	long code;

	(void)arg;
	request_init(&rq, NULL, NEVER_US);
	at = smtp_url(&rq, server, "smtp://", "");
	CHECK(send_to(&rq, at, "ada@example.com", &code, &problem) == OK && code == 250);
	got = child_event(server, "message");
	CHECK(str_eq(child_text(got, "from"), STR(FROM)));
	CHECK(str_eq(child_text(got, "helo"), STR("shop.example")));
	CHECK(str_eq(child_text(got, "data"), STR(MESSAGE)));
	CHECK(str_eq(json_string(json_array_at(json_get(got, "to"), 0)), STR("ada@example.com")));
	CHECK(json_type(json_get(got, "tls")) == JSON_TYPE_FALSE);

	/* An address in another script travels as SMTPUTF8 (RFC 6531), a path names our host. */
	at = smtp_url(&rq, server, "smtp://", "/gate.shop.example");
	CHECK(send_to(&rq, at, "j\xc3\xbcrgen@example.com", &code, &problem) == OK);
	got = child_event(server, "message");
	CHECK(str_eq(child_text(got, "helo"), STR("gate.shop.example")));
	CHECK(str_eq(
	    json_string(json_array_at(json_get(got, "to"), 0)), STR("j\xc3\xbcrgen@example.com")));
	request_done(&rq);
}

static void test_plain(void **state)
{
	(void)state;
	on_both(task_plain);
}

static void task_refusals(void *arg)
{
	static const char *const unsafe[] = { "a@b\r\nRCPT TO:<c@d>", "<a@b>", "a@b>", "",
		"nobody" };
	struct child *server = &world_of_tests.plain;
	struct str problem, at;
	struct request rq;
	char greylisted[64];
	long code;

	(void)arg;
	request_init(&rq, NULL, NEVER_US);
	at = smtp_url(&rq, server, "smtp://", "");
	CHECK(send_to(&rq, at, "reject@example.com", &code, &problem) == ERR_FORBIDDEN);
	CHECK(code == 550);
	CHECK(str_eq(problem, STR("The mail server answered 550 5.1.1.")));
	CHECK(send_to(&rq, at, "spam@example.com", &code, &problem) == ERR_FORBIDDEN);
	CHECK(code == 554);
	snprintf(greylisted, sizeof(greylisted), "greylist-%d@example.com", (int)rt_engine());
	CHECK(send_to(&rq, at, greylisted, &code, &problem) == ERR_UNAVAILABLE && code == 451);
	CHECK(send_to(&rq, at, greylisted, &code, &problem) == OK && code == 250);
	for (size_t i = 0; i < ARRAY_LEN(unsafe); i++)
		CHECK(send_to(&rq, at, unsafe[i], &code, &problem) == ERR_FORBIDDEN && code == 0);
	CHECK(send_to(&rq, STR("smtp://127.0.0.1:1"), "a@b.c", &code, &problem) == ERR_UNAVAILABLE);
	CHECK(send_to(&rq, smtp_url(&rq, server, "smtp://", "?starttls=maybe"), "a@b.c", &code,
		  &problem) == ERR_UNAVAILABLE);
	CHECK(send_to(&rq, smtp_url(&rq, server, "http://", ""), "a@b.c", &code, &problem) ==
	      ERR_UNAVAILABLE);
	request_done(&rq);
}

static void test_refusals(void **state)
{
	(void)state;
	on_both(task_refusals);
}

static void task_hang(void *arg)
{
	const struct net_mail mail = {
		.url = *(struct str *)arg,
		.from = STR(FROM),
		.to = STR("hang@example.com"),
		.message = STR(MESSAGE),
	};
	struct str problem = STR_NULL;
	struct request rq;
	long code;

	request_init(&rq, NULL, NEVER_US);
	CHECK(net_send_mail(world_of_tests.net, &rq, &mail, now_mono_us() + 300 * US_PER_MS, &code,
		  &problem) == ERR_DEADLINE);
	request_done(&rq);
}

static void task_deaf(void *arg)
{
	struct str problem;
	struct request rq;
	long code;

	request_init(&rq, NULL, NEVER_US);
	CHECK(send_to(&rq, *(struct str *)arg, "hangquit@example.com", &code, &problem) == OK);
	CHECK(code == 250);
	CHECK(send_to(&rq, *(struct str *)arg, "rejectquit@example.com", &code, &problem) ==
	      ERR_FORBIDDEN);
	CHECK(code == 550);
	request_done(&rq);
}

/* A server that falls silent costs its own delivery the time, and nobody else's. */
static void test_hang(void **state)
{
	struct request rq;
	struct str at;

	(void)state;
	request_init(&rq, NULL, NEVER_US);
	at = smtp_url(&rq, &world_of_tests.plain, "smtp://", "");
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		void (*const tasks[])(void *) = { task_hang, task_deaf, task_hang, task_deaf };

		host_run(&hosts[i], 0, tasks, ARRAY_LEN(tasks), &at);
	}
	request_done(&rq);
}

static void task_tls(void *arg)
{
	const struct {
		struct child *server;
		const char *before, *after;
		bool tls;
		const char *user;
	} cases[] = {
		{ &world_of_tests.starttls, "smtp://ada:s%3A%40cret@", "", true, "ada" },
		{ &world_of_tests.starttls, "smtp://ada:s%3A%40cret@", "?starttls=required", true,
		    "ada" },
		{ &world_of_tests.implicit, "smtps://ada:s%3A%40cret@", "", true, "ada" },
		{ &world_of_tests.plain, "smtp://", "?starttls=never", false, "" },
		{ &world_of_tests.plain, "smtp://", "?starttls=optional", false, "" },
	};
	struct str problem;
	struct request rq;
	long code;

	(void)arg;
	request_init(&rq, NULL, NEVER_US);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str at = smtp_url(&rq, cases[i].server, cases[i].before, cases[i].after);
		const struct json *got;

		CHECK(send_to(&rq, at, "ada@example.com", &code, &problem) == OK);
		got = child_event(cases[i].server, "message");
		CHECK((json_type(json_get(got, "tls")) == JSON_TYPE_TRUE) == cases[i].tls);
		CHECK(str_eq(child_text(got, "user"), str_of(cases[i].user)));
	}
	request_done(&rq);
}

static void test_tls(void **state)
{
	(void)state;
	on_both(task_tls);
}

/* What our settings are to blame for is worth another try; the message is not. */
static void task_tls_failures(void *arg)
{
	struct net *stranger = net_new(&(struct net_config){ .blocking = world_of_tests.lane });
	struct net *ours = world_of_tests.net;
	struct str problem, at;
	struct request rq;
	long code;

	(void)arg;
	request_init(&rq, NULL, NEVER_US);
	at = smtp_url(&rq, &world_of_tests.plain, "smtp://", "?starttls=required");
	CHECK(send_to(&rq, at, "a@b.c", &code, &problem) == ERR_UNAVAILABLE);
	at = smtp_url(&rq, &world_of_tests.starttls, "smtp://ada:wrong@", "");
	CHECK(send_to(&rq, at, "a@b.c", &code, &problem) == ERR_UNAVAILABLE && code == 535);
	at = smtp_url(&rq, &world_of_tests.starttls, "smtp://", "");
	CHECK(send_to(&rq, at, "a@b.c", &code, &problem) == ERR_UNAVAILABLE && code == 530);
	/* No authority we trust has signed that certificate, nor is it for that name. */
	if (rt_engine() == ENGINE_SYNC) {
		world_of_tests.net = stranger;
		at = smtp_url(&rq, &world_of_tests.implicit, "smtps://ada:s%3A%40cret@", "");
		CHECK(send_to(&rq, at, "a@b.c", &code, &problem) == ERR_UNAVAILABLE && code == 0);
		world_of_tests.net = ours;
	}
	at = str_printf(
	    rq.arena, "smtps://ada:s%%3A%%40cret@127.0.0.2:%u", world_of_tests.implicit.port);
	CHECK(send_to(&rq, at, "a@b.c", &code, &problem) == ERR_UNAVAILABLE && code == 0);
	request_done(&rq);
	net_free(&stranger);
}

static void test_tls_failures(void **state)
{
	(void)state;
	on_both(task_tls_failures);
}

static int start(void **state)
{
	const char *const none[] = { NULL };
	char ca[80];
	const char *const starttls[] = { "--tls", "starttls", "--certificates", world_of_tests.dir,
		"--auth", "ada:s:@cret", "--mechanism", "LOGIN", NULL };
	const char *const implicit[] = { "--tls", "implicit", "--certificates", world_of_tests.dir,
		"--auth", "ada:s:@cret", "--mechanism", "PLAIN", NULL };

	(void)state;
	snprintf(world_of_tests.dir, sizeof(world_of_tests.dir), "/tmp/cloakroom-net-XXXXXX");
	CHECK(mkdtemp(world_of_tests.dir) != NULL);
	snprintf(ca, sizeof(ca), "%s/ca.pem", world_of_tests.dir);
	child_start(&world_of_tests.http, "http_server.py", none);
	child_start(&world_of_tests.plain, "smtp_server.py", none);
	child_start(&world_of_tests.starttls, "smtp_server.py", starttls);
	child_start(&world_of_tests.implicit, "smtp_server.py", implicit);
	world_of_tests.lane =
	    lane_new(&(struct lane_config){ .name = "blocking", .workers = 2, .max_waiting = 100 });
	world_of_tests.net = net_new(&(struct net_config){
	    .blocking = world_of_tests.lane,
	    .ca_file = str_of(ca),
	    .allow_private = true,
	});
	return 0;
}

static int stop(void **state)
{
	static const char *const files[] = { "ca.pem", "ca.key", "ca.srl", "names", "server.csr",
		"server.key", "server.pem" };
	char path[128];

	(void)state;
	net_free(&world_of_tests.net);
	lane_free(&world_of_tests.lane);
	child_stop(&world_of_tests.http);
	child_stop(&world_of_tests.plain);
	child_stop(&world_of_tests.starttls);
	child_stop(&world_of_tests.implicit);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", world_of_tests.dir, files[i]);
		unlink(path);
	}
	return rmdir(world_of_tests.dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_failures),
	};

	return cmocka_run_group_tests_name("net", tests, start, stop);
}
