/* What surrounds every reply: envelope, headers, log lines, counters; and what handlers may not do.
 */
#include "tests/unit/api/harness.h"

#include <fcntl.h>

#include "base/log.h"

#define LOGIN "/api/v1/auth/login/"
#define CREDENTIALS "{\"email_or_phone\":\"ada@example.com\",\"password\":\"hunter2 hunter2\"}"

static struct api *api;

static int set_up(void **state)
{
	(void)state;
	api = api_for_test(NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_free(&api);
	return 0;
}

static void run_on(
    struct api *a, const char *path, const char *headers, const char *body, struct exchange *x)
{
	exchange_run(a, &(struct exchange_in){ .path = path, .headers = headers, .body = body }, x);
}

static void a_success_is_an_envelope(void **state)
{
	struct exchange x;

	(void)state;
	fake_reset();
	run_on(api, LOGIN, NULL, CREDENTIALS, &x);
	assert_int_equal(x.reply.status, 200);
	assert_str(x.reply.content_type, "application/json");
	assert_str(x.reply.body,
	    "{\"success\":true,\"message\":\"Login successful.\",\"data\":{"
	    "\"access\":\"access-token\",\"refresh\":\"refresh-token\",\"token_type\":\"Bearer\","
	    "\"expires_in\":300,\"access_expires_at\":\"2023-11-14T22:18:20.000000Z\","
	    "\"refresh_expires_at\":\"2023-11-15T22:13:20.000000Z\",\"device\":\"device\","
	    "\"user\":{\"id\":\"01942f3c-4b5a-7c6d-8e7f-000000000000\",\"external_id\":null,"
	    "\"email\":\"ada@example.com\",\"phone\":null,\"contact_email\":null,"
	    "\"contact_phone\":null,\"first_name\":\"Ada\",\"last_name\":\"\",\"image_url\":\"\","
	    "\"bio\":\"\",\"country\":\"\",\"state\":\"\",\"city\":\"\",\"address\":\"\","
	    "\"gender\":\"\",\"date_of_birth\":null,\"locale\":\"\",\"role\":\"client\","
	    "\"auth_provider\":\"email\",\"is_verified\":true,\"is_active\":true,"
	    "\"is_staff\":false,\"is_superuser\":false,\"last_login\":null,"
	    "\"created_at\":\"2023-11-14T22:13:20.000000Z\",\"updated_at\":null}},"
	    "\"errors\":null}");
	assert_string_equal(fake.identifier, "ada@example.com");
	assert_string_equal(fake.password, "hunter2 hunter2");
	exchange_done(&x);
}

static void a_registration_hides_its_id(void **state)
{
	static const char body[] =
	    "{\"email\":\"ada@example.com\",\"password\":\"hunter2 hunter2\"}";
	struct exchange x;

	(void)state;
	fake_reset();
	run_on(api, "/api/v2/auth/register/", "Accept-Language: yo", body, &x);
	assert_int_equal(x.reply.status, 201);
	assert_str(x.reply.body,
	    "{\"success\":true,\"message\":\"Registration received. Enter the code we sent you to "
	    "finish.\",\"data\":{\"user\":{\"email\":\"ada@example.com\",\"phone\":null,"
	    "\"first_name\":\"\",\"last_name\":\"\",\"role\":\"client\",\"auth_provider\":"
	    "\"email\",\"is_verified\":false},\"verification\":{\"flow_id\":"
	    "\"01942f3c-4b5a-7c6d-8e7f-000000000000\",\"channel\":\"email\",\"destination\":"
	    "\"a**@example.com\",\"expires_in\":300,\"resend_in\":60}},\"errors\":null}");
	assert_string_equal(fake.locale, "yo");
	exchange_done(&x);
	fake.reveal_id = true;
	run_on(api, "/api/v2/auth/register/", NULL, body, &x);
	assert_str(reply_text(&x, "data", "user", "id"), "01942f3c-4b5a-7c6d-8e7f-000000000000");
	exchange_done(&x);
}

static void the_other_replies_have_their_members(void **state)
{
	struct exchange x;

	(void)state;
	fake_reset();
	run_on(api, "/auth/token/refresh", NULL, "{\"refresh\":\"r\"}", &x);
	assert_str(x.reply.body,
	    "{\"success\":true,\"message\":\"Token refreshed.\",\"data\":{\"access\":"
	    "\"access-token\",\"refresh\":\"refresh-token\",\"token_type\":\"Bearer\","
	    "\"expires_in\":300,\"access_expires_at\":\"2023-11-14T22:18:20.000000Z\","
	    "\"refresh_expires_at\":\"2023-11-15T22:13:20.000000Z\"},\"errors\":null}");
	exchange_done(&x);
	run_on(api, "/api/v2/auth/logout/", NULL, "{\"refresh\":\"r\"}", &x);
	assert_str(x.reply.body,
	    "{\"success\":true,\"message\":\"Logout successful.\",\"data\":null,\"errors\":null}");
	exchange_done(&x);
	run_on(api, "/api/v1/me/", "Authorization: Bearer x", NULL, &x);
	assert_str(reply_text(&x, "data", "user", "email"), "ada@example.com");
	exchange_done(&x);
	run_on(api, "/api/v1/auth/token/verify/", NULL, "{\"token\":\"t\"}", &x);
	assert_str(reply_text(&x, "data", "token_type"), "access");
	assert_string_equal(fake.token, "t");
	exchange_done(&x);
	run_on(api, "/api/v1/auth/resend-otp/", NULL, "{\"email_or_phone\":\"a@b.c\"}", &x);
	assert_str(reply_text(&x, "data", "verification", "channel"), "email");
	exchange_done(&x);
	run_on(api, "/healthz", NULL, NULL, &x);
	assert_str(x.reply.body,
	    "{\"success\":true,\"message\":\"Done.\",\"data\":{\"status\":\"ok\"},"
	    "\"errors\":null}");
	exchange_done(&x);
	run_on(api, "/readyz", NULL, NULL, &x);
	assert_int_equal(x.reply.status, 200);
	exchange_done(&x);
}

static void a_refusal_may_carry_data(void **state)
{
	struct exchange x;

	(void)state;
	fake_reset();
	fake.result = ERR_VERIFICATION_REQUIRED;
	run_on(api, LOGIN, NULL, CREDENTIALS, &x);
	assert_int_equal(x.reply.status, 403);
	assert_str(reply_text(&x, "code"), "verification_required");
	assert_str(reply_text(&x, "data", "verification", "destination"), "a**@example.com");
	assert_str(reply_text(&x, "data", "verification", "flow_id"),
	    "01942f3c-4b5a-7c6d-8e7f-000000000000");
	exchange_done(&x);
	fake.result = ERR_INVALID_CREDENTIALS;
	run_on(api, LOGIN, NULL, CREDENTIALS, &x);
	assert_int_equal(x.reply.status, 401);
	assert_false(reply_has(&x, "data"));
	assert_str(reply_header(&x, "WWW-Authenticate"), "Bearer");
	exchange_done(&x);
}

static void every_reply_has_its_headers(void **state)
{
	struct exchange x;

	(void)state;
	fake_reset();
	run_on(api, LOGIN, NULL, CREDENTIALS, &x);
	assert_str(reply_header(&x, "Cache-Control"), "no-store");
	assert_str(reply_header(&x, "X-Content-Type-Options"), "nosniff");
	assert_str(reply_header(&x, "Referrer-Policy"), "no-referrer");
	assert_true(str_empty(reply_header(&x, "Strict-Transport-Security")));
	assert_true(str_empty(reply_header(&x, "Server-Timing")));
	assert_true(str_empty(reply_header(&x, "Vary")));
	assert_true(str_empty(reply_header(&x, "Access-Control-Allow-Origin")));
	exchange_done(&x);
	run_on(api, "/nowhere", NULL, NULL, &x);
	assert_int_equal(x.reply.status, 404);
	assert_str(reply_header(&x, "Cache-Control"), "no-store");
	assert_false(str_empty(reply_header(&x, "X-Request-ID")));
	exchange_done(&x);
}

static void https_and_dev_add_theirs(void **state)
{
	struct api *a = api_for_test(
	    &(struct api_config){ .public_url = STR("https://id.example"), .dev = true });
	struct exchange x;

	(void)state;
	run_on(a, LOGIN, NULL, CREDENTIALS, &x);
	assert_str(reply_header(&x, "Strict-Transport-Security"), "max-age=31536000");
	assert_true(str_starts(reply_header(&x, "Server-Timing"), STR("total;dur=")));
	assert_true(str_ends(reply_header(&x, "Server-Timing"),
	    STR("hash;dur=1.500, store;dur=0.250, statements;desc=\"3\"")));
	exchange_done(&x);
	api_free(&a);
}

static void browsers_of_listed_origins_are_let_in(void **state)
{
	struct api *a = api_for_test(&(struct api_config){
	    .cors_origins = STR("https://shop.example, http://localhost:3000") });
	static const char *const others[] = { "https://evil.example", "https://shop.example.evil",
		"http://shop.example", "https://SHOP.example", "null",
		"https://shop.example, http://localhost:3000" };
	struct exchange x;
	char line[128];

	(void)state;
	run_on(a, LOGIN, "Origin: http://localhost:3000\nContent-Type: application/json",
	    CREDENTIALS, &x);
	assert_str(reply_header(&x, "Access-Control-Allow-Origin"), "http://localhost:3000");
	assert_str(reply_header(&x, "Access-Control-Allow-Credentials"), "true");
	assert_str(
	    reply_header(&x, "Access-Control-Expose-Headers"), "ETag, Retry-After, X-Request-ID");
	assert_str(reply_header(&x, "Vary"), "Origin");
	exchange_done(&x);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		snprintf(line, sizeof(line), "Origin: %s", others[i]);
		run_on(a, "/healthz", line, NULL, &x);
		assert_true(str_empty(reply_header(&x, "Access-Control-Allow-Origin")));
		assert_true(str_empty(reply_header(&x, "Access-Control-Allow-Credentials")));
		assert_str(reply_header(&x, "Vary"), "Origin");
		exchange_done(&x);
	}
	exchange_run(a,
	    &(struct exchange_in){ .method = "OPTIONS",
		.path = LOGIN,
		.headers = "Origin: https://shop.example\nAccess-Control-Request-Method: POST\n"
			   "Access-Control-Request-Headers: content-type" },
	    &x);
	assert_int_equal(x.reply.status, 204);
	assert_str(reply_header(&x, "Access-Control-Allow-Methods"), "POST, OPTIONS");
	assert_non_null(memmem(reply_header(&x, "Access-Control-Allow-Headers").ptr,
	    reply_header(&x, "Access-Control-Allow-Headers").len, "Content-Type", 12));
	assert_str(reply_header(&x, "Access-Control-Allow-Origin"), "https://shop.example");
	exchange_done(&x);
	exchange_run(a,
	    &(struct exchange_in){ .method = "OPTIONS",
		.path = LOGIN,
		.headers = "Origin: https://evil.example\nAccess-Control-Request-Method: POST" },
	    &x);
	assert_int_equal(x.reply.status, 204);
	assert_true(str_empty(reply_header(&x, "Access-Control-Allow-Methods")));
	exchange_done(&x);
	api_free(&a);
}

static void the_style_of_errors_is_a_setting(void **state)
{
	struct api *drf = api_for_test(&(struct api_config){ .errors = ERRORS_DRF });
	struct api *problem = api_for_test(&(struct api_config){ .errors = ERRORS_PROBLEM });
	struct exchange x;

	(void)state;
	run_on(drf, LOGIN, NULL, "{}", &x);
	assert_str(x.reply.body, "{\"email_or_phone\":[\"This field is required.\"],"
				 "\"password\":[\"This field is required.\"]}");
	exchange_done(&x);
	fake.authenticate = ERR_TOKEN_EXPIRED;
	run_on(drf, "/api/v1/me/", "Authorization: Bearer x", NULL, &x);
	assert_str(reply_text(&x, "code"), "token_not_valid");
	assert_true(reply_has(&x, "messages"));
	assert_str(reply_header(&x, "WWW-Authenticate"), "Bearer realm=\"api\"");
	exchange_done(&x);
	fake_reset();
	run_on(drf, LOGIN, NULL, CREDENTIALS, &x);
	assert_str(reply_text(&x, "message"), "Login successful.");
	exchange_done(&x);
	run_on(problem, "/nowhere", NULL, NULL, &x);
	assert_str(x.reply.content_type, "application/problem+json");
	assert_str(reply_text(&x, "code"), "not_found");
	exchange_done(&x);
	api_free(&drf);
	api_free(&problem);
}

static void return_undeclared(void *arg)
{
	struct exchange x;

	(void)arg;
	fake.result = ERR_LAST_SUPERADMIN;
	run_on(api, LOGIN, NULL, CREDENTIALS, &x);
}

static void an_undeclared_error_is_our_mistake(void **state)
{
	struct api *production = api_for_test(&(struct api_config){ .dev = false });
	struct exchange x;

	(void)state;
	assert_true(aborts(return_undeclared, NULL));
	fake.result = ERR_LAST_SUPERADMIN;
	run_on(production, LOGIN, NULL, CREDENTIALS, &x);
	assert_int_equal(x.reply.status, 500);
	assert_str(reply_text(&x, "code"), "internal");
	exchange_done(&x);
	/* The machine's failures need no declaration. */
	fake.result = ERR_OVERLOADED;
	run_on(api, LOGIN, NULL, CREDENTIALS, &x);
	assert_int_equal(x.reply.status, 503);
	assert_str(reply_header(&x, "Retry-After"), "1");
	exchange_done(&x);
	api_free(&production);
}

static void refusals_under_load_are_counted_for_the_audit(void **state)
{
	static const struct {
		enum err result;
		unsigned counted;
	} cases[] = { { OK, 0 }, { ERR_INVALID_CREDENTIALS, 0 }, { ERR_THROTTLED, 1 },
		{ ERR_OVERLOADED, 1 }, { ERR_UNAVAILABLE, 1 } };
	struct api_request in = {
		.method = METHOD_POST, .method_text = STR("POST"), .path = STR(LOGIN)
	};
	struct api_reply reply;
	struct exchange x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fake_reset();
		fake.result = cases[i].result;
		run_on(api, LOGIN, NULL, CREDENTIALS, &x);
		assert_int_equal(fake.refusals, cases[i].counted);
		exchange_done(&x);
	}
	fake_reset();
	request_init(&x.rq, NULL, NEVER_US);
	api_refuse(api, &x.rq, &in, ERR_OVERLOADED, &reply);
	assert_int_equal(reply.status, 503);
	assert_int_equal(fake.refusals, 1);
	assert_str(x.rq.operation, "login");
	request_done(&x.rq);
}

static void what_never_became_a_request_is_answered_too(void **state)
{
	static const struct {
		enum err e;
		int status;
	} cases[] = { { ERR_BAD_REQUEST, 400 }, { ERR_TOO_LARGE, 413 },
		{ ERR_HEADERS_TOO_LARGE, 431 }, { ERR_TIMEOUT, 408 }, { ERR_SHUTDOWN, 503 } };
	struct request rq;
	struct api_reply reply;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct json *body = NULL;

		request_init(&rq, NULL, NEVER_US);
		api_refuse(api, &rq, NULL, cases[i].e, &reply);
		assert_int_equal(reply.status, cases[i].status);
		assert_int_equal(reply.outcome, cases[i].e);
		assert_int_equal(json_parse(rq.arena, reply.body, &body), OK);
		assert_bytes(json_string(json_get(body, "code")), err_slug(cases[i].e));
		assert_false(str_empty(rq.id));
		request_done(&rq);
	}
}

/* --- the log --- */

static char *logged(enum log_format format, void (*fn)(void))
{
	static char text[16384];
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	log_init(&(struct log_config){ .format = format, .level = LOG_LEVEL_INFO, .fd = fds[1] });
	fn();
	n = read(fds[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	log_init(&(struct log_config){
	    .format = LOG_FORMAT_TEXT, .level = LOG_LEVEL_INFO, .fd = STDERR_FILENO });
	close(fds[0]);
	close(fds[1]);
	return text;
}

static void login_once(void)
{
	struct exchange x;

	run_on(api, LOGIN, "X-Request-ID: req-1\nContent-Type: application/json", CREDENTIALS, &x);
	exchange_done(&x);
}

static const struct json *line(struct arena *a, char **text)
{
	char *end = strchr(*text, '\n');
	const struct json *v = NULL;

	assert_non_null(end);
	assert_int_equal(json_parse(a, str_bytes(*text, (size_t)(end - *text)), &v), OK);
	*text = end + 1;
	return v;
}

static void assert_member(const struct json *v, const char *name, const char *value)
{
	assert_non_null(json_get(v, name));
	assert_str(json_string(json_get(v, name)), value);
}

static void an_auth_request_is_two_lines(void **state)
{
	struct arena *a = arena_new(ARENA_PLAIN, 0);
	const struct json *entry, *exit;
	char *text;

	(void)state;
	fake_reset();
	text = logged(LOG_FORMAT_JSON, login_once);
	assert_null(strstr(text, "ada@example.com"));
	assert_null(strstr(text, "hunter2"));
	assert_null(strstr(text, "access-token"));
	entry = line(a, &text);
	exit = line(a, &text);
	assert_string_equal(text, "");
	assert_member(entry, "engine", "sync");
	assert_member(entry, "operation", "login");
	assert_member(entry, "request_id", "req-1");
	assert_member(entry, "address", "192.0.2.1");
	assert_member(exit, "level", "info");
	assert_member(exit, "code", "ok");
	assert_int_equal(json_integer(json_get(exit, "status")), 200);
	assert_int_equal(json_integer(json_get(exit, "hash_us")), 1500);
	assert_int_equal(json_integer(json_get(exit, "store_us")), 250);
	assert_non_null(json_get(exit, "total_us"));
	assert_null(json_get(exit, "place"));
	arena_free(&a);
}

static void failures_are_louder(void **state)
{
	struct arena *a = arena_new(ARENA_PLAIN, 0);
	const struct json *exit;
	char *text;

	(void)state;
	fake_reset();
	fake.result = ERR_INVALID_CREDENTIALS;
	text = logged(LOG_FORMAT_JSON, login_once);
	(void)line(a, &text);
	exit = line(a, &text);
	assert_member(exit, "level", "warning");
	assert_member(exit, "code", "invalid_credentials");
	assert_member(exit, "detail", "as told");
	assert_null(json_get(exit, "place"));
	fake.result = ERR_INTERNAL;
	text = logged(LOG_FORMAT_JSON, login_once);
	(void)line(a, &text);
	exit = line(a, &text);
	assert_member(exit, "level", "error");
	assert_int_equal(json_integer(json_get(exit, "status")), 500);
	assert_true(str_find(json_string(json_get(exit, "place")), ':') > 0);
	arena_free(&a);
}

static void text_lines_carry_the_tag(void **state)
{
	(void)state;
	fake_reset();
	assert_non_null(strstr(logged(LOG_FORMAT_TEXT, login_once), "[SYNC LOGIN]"));
}

static void health_once(void)
{
	struct exchange x;

	run_on(api, "/healthz", NULL, NULL, &x);
	exchange_done(&x);
}

static void health_is_quiet(void **state)
{
	(void)state;
	assert_string_equal(logged(LOG_FORMAT_TEXT, health_once), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_success_is_an_envelope),
		cmocka_unit_test(a_registration_hides_its_id),
		cmocka_unit_test(the_other_replies_have_their_members),
		cmocka_unit_test(a_refusal_may_carry_data),
		cmocka_unit_test(every_reply_has_its_headers),
		cmocka_unit_test(https_and_dev_add_theirs),
		cmocka_unit_test(browsers_of_listed_origins_are_let_in),
		cmocka_unit_test(the_style_of_errors_is_a_setting),
		cmocka_unit_test(an_undeclared_error_is_our_mistake),
		cmocka_unit_test(refusals_under_load_are_counted_for_the_audit),
		cmocka_unit_test(what_never_became_a_request_is_answered_too),
		cmocka_unit_test(an_auth_request_is_two_lines),
		cmocka_unit_test(failures_are_louder),
		cmocka_unit_test(text_lines_carry_the_tag),
		cmocka_unit_test(health_is_quiet),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
