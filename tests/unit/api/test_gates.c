#include "tests/unit/api/harness.h"

#define ME "/api/v1/me/"

static struct api *api;

static int set_up(void **state)
{
	(void)state;
	api = api_for_test(&(struct api_config){
	    .abort_on_undeclared = true,
	    .trusted_proxies = STR("10.0.0.0/8, 192.0.2.128/25,2001:db8:1::/48,::1"),
	    .forwarder = secret_of(STR("forwarder-credential")),
	});
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_free(&api);
	return 0;
}

static void run(
    const char *method, const char *path, const char *headers, const char *peer, struct exchange *x)
{
	fake_reset();
	exchange_run(api,
	    &(struct exchange_in){
		.method = method, .path = path, .headers = headers, .peer = peer },
	    x);
}

static void the_client_is_found_behind_its_proxies(void **state)
{
	static const struct {
		const char *peer, *forwarded, *client;
	} cases[] = {
		/* Nobody we trust: what they say does not matter. */
		{ "203.0.113.9", "X-Forwarded-For: 198.51.100.1", "203.0.113.9" },
		{ "192.0.2.127", "X-Forwarded-For: 198.51.100.1", "192.0.2.127" },
		{ "10.1.2.3", "X-Real-IP: 198.51.100.1", "10.1.2.3" },
		{ "10.1.2.3", "Forwarded: for=198.51.100.1", "10.1.2.3" },
		{ "10.1.2.3", NULL, "10.1.2.3" },
		/* The right-most hop we do not trust; what is left of it was sent by it. */
		{ "10.1.2.3", "X-Forwarded-For: 198.51.100.1", "198.51.100.1" },
		{ "10.1.2.3", "X-Forwarded-For: 6.6.6.6, 198.51.100.1", "198.51.100.1" },
		{ "10.1.2.3", "X-Forwarded-For: 6.6.6.6,198.51.100.1 , 10.9.9.9", "198.51.100.1" },
		{ "192.0.2.130", "X-Forwarded-For: 6.6.6.6\nX-Forwarded-For: 198.51.100.1",
		    "198.51.100.1" },
		{ "10.1.2.3", "X-Forwarded-For: 198.51.100.1\nX-Forwarded-For: 10.0.0.7",
		    "198.51.100.1" },
		{ "10.1.2.3", "x-forwarded-for: 10.0.0.1, 10.0.0.2", "10.0.0.1" },
		{ "10.1.2.3", "X-Forwarded-For: 198.51.100.1:4711", "198.51.100.1" },
		/* Garbage ends the walk at the last hop that was one. */
		{ "10.1.2.3", "X-Forwarded-For: 198.51.100.1, unknown", "10.1.2.3" },
		{ "10.1.2.3", "X-Forwarded-For: 198.51.100.1, , 10.0.0.7", "10.0.0.7" },
		{ "10.1.2.3", "X-Forwarded-For:", "10.1.2.3" },
		{ "10.1.2.3", "X-Forwarded-For: [2001:db8::1", "10.1.2.3" },
		/* IPv6. */
		{ "2001:db8:1:2::3", "X-Forwarded-For: 2001:db8:2::9", "2001:db8:2::9" },
		{ "2001:db8:2::3", "X-Forwarded-For: 2001:db8:2::9", "2001:db8:2::3" },
		{ "::1", "X-Forwarded-For: [2001:db8:2::9]:443", "2001:db8:2::9" },
		{ "::ffff:10.1.2.3", "X-Forwarded-For: 198.51.100.1", "198.51.100.1" },
	};
	struct exchange x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str client;

		run("GET", "/healthz", cases[i].forwarded, cases[i].peer, &x);
		client = client_address_text(x.rq.arena, &x.rq.client);
		if (!str_eq(client, str_of(cases[i].client)))
			print_error("case %zu\n", i);
		assert_str(client, cases[i].client);
		exchange_done(&x);
	}
}

static void a_forwarder_speaks_for_its_browser(void **state)
{
	struct exchange x;

	(void)state;
	run("GET", "/healthz",
	    "X-Cloakroom-Forwarder: forwarder-credential\nUser-Agent: node\n"
	    "X-Cloakroom-Client-Address: 2001:db8::7\nX-Cloakroom-Client-User-Agent: Firefox",
	    "203.0.113.9", &x);
	assert_str(client_address_text(x.rq.arena, &x.rq.client), "2001:db8::7");
	assert_str(x.rq.user_agent, "Firefox");
	exchange_done(&x);
	run("GET", "/healthz",
	    "X-Cloakroom-Forwarder: forwarder-credentiaL\nUser-Agent: node\n"
	    "X-Cloakroom-Client-Address: 2001:db8::7\nX-Cloakroom-Client-User-Agent: Firefox",
	    "203.0.113.9", &x);
	assert_str(client_address_text(x.rq.arena, &x.rq.client), "203.0.113.9");
	assert_str(x.rq.user_agent, "node");
	exchange_done(&x);
	run("GET", "/healthz",
	    "X-Cloakroom-Forwarder: forwarder-credential\nX-Cloakroom-Client-Address: me",
	    "203.0.113.9", &x);
	assert_str(client_address_text(x.rq.arena, &x.rq.client), "203.0.113.9");
	exchange_done(&x);
}

static void without_a_credential_nobody_forwards(void **state)
{
	struct api *plain = api_for_test(NULL);
	struct exchange x;

	(void)state;
	exchange_run(plain,
	    &(struct exchange_in){ .path = "/healthz",
		.headers = "X-Cloakroom-Forwarder:\nX-Cloakroom-Client-Address: 6.6.6.6\n"
			   "X-Forwarded-For: 6.6.6.6" },
	    &x);
	assert_str(client_address_text(x.rq.arena, &x.rq.client), "192.0.2.1");
	exchange_done(&x);
	api_free(&plain);
}

static void sane_request_ids_are_kept(void **state)
{
	static const char *const sane[] = { "a", "Req-1_2.3",
		"0123456789012345678901234567890123456789012345678901234567890123" };
	static const char *const not_sane[] = { "", "a b", "a\x1b[2J", "a\"b", "<a>",
		"01234567890123456789012345678901234567890123456789012345678901234" };
	struct exchange x;
	char line[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sane); i++) {
		snprintf(line, sizeof(line), "X-Request-ID: %s", sane[i]);
		run("GET", "/healthz", line, NULL, &x);
		assert_str(x.rq.id, sane[i]);
		assert_str(reply_header(&x, "X-Request-ID"), sane[i]);
		exchange_done(&x);
	}
	for (size_t i = 0; i < ARRAY_LEN(not_sane); i++) {
		struct uuid id;

		snprintf(line, sizeof(line), "X-Request-ID: %s", not_sane[i]);
		run("GET", "/healthz", line, NULL, &x);
		assert_true(uuid_parse(x.rq.id, &id));
		assert_bytes(reply_header(&x, "X-Request-ID"), x.rq.id);
		exchange_done(&x);
	}
}

static void headers_reach_the_request(void **state)
{
	struct exchange x;

	(void)state;
	run("GET", ME,
	    "Authorization: Bearer t\nX-Device-ID: phone-1\nX-Cloakroom-Device: sealed\n"
	    "Idempotency-Key: k!~\nUser-Agent: curl/8",
	    NULL, &x);
	assert_int_equal(x.reply.status, 200);
	assert_str(x.rq.device_id, "phone-1");
	assert_str(x.rq.device_token, "sealed");
	assert_str(x.rq.idempotency_key, "k!~");
	assert_str(x.rq.user_agent, "curl/8");
	assert_str(x.rq.operation, "me");
	exchange_done(&x);
}

static void an_idempotency_key_is_visible_text(void **state)
{
	static const char *const bad[] = { "Idempotency-Key:", "Idempotency-Key: a b",
		"Idempotency-Key: \xc3\xa4", "Idempotency-Key: a\tb" };
	char line[200] = "Idempotency-Key: ";
	struct exchange x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		run("GET", "/healthz", bad[i], NULL, &x);
		assert_int_equal(x.reply.status, 400);
		assert_str(reply_text(&x, "code"), "validation_failed");
		assert_true(reply_has(&x, "errors", "Idempotency-Key"));
		exchange_done(&x);
	}
	memset(line + strlen(line), 'k', 128);
	run("GET", "/healthz", line, NULL, &x);
	assert_int_equal(x.reply.status, 200);
	exchange_done(&x);
	line[strlen(line)] = 'k';
	run("GET", "/healthz", line, NULL, &x);
	assert_int_equal(x.reply.status, 400);
	exchange_done(&x);
}

static void a_doubled_header_is_nobodys_word(void **state)
{
	struct exchange x;

	(void)state;
	run("GET", ME, "Authorization: Bearer a\nauthorization: Bearer b", NULL, &x);
	assert_int_equal(x.reply.status, 400);
	assert_str(reply_text(&x, "code"), "bad_request");
	assert_int_equal(fake.authenticated, 0);
	exchange_done(&x);
	run("GET", "/healthz", "Accept-Language: en\nAccept-Language: fr", NULL, &x);
	assert_int_equal(x.reply.status, 200);
	exchange_done(&x);
}

static void the_preferred_language_wins(void **state)
{
	static const struct {
		const char *header, *locale;
	} cases[] = {
		{ "en", "en" },
		{ "fr-FR, en;q=0.8", "fr-FR" },
		{ "en;q=0.5, yo;q=0.75 ,*;q=0.1", "yo" },
		{ "en;q=0, ha", "ha" },
		{ "en;q=0", "" },
		{ "*", "" },
		{ "x y, en;q=0.1", "en" },
		{ ";;,,", "" },
		{ "abcdefghijklmnopqrstuvwxyz0123456789", "" },
	};
	struct exchange x;
	char line[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(line, sizeof(line), "Accept-Language: %s", cases[i].header);
		run("GET", "/healthz", line, NULL, &x);
		assert_str(x.rq.locale, cases[i].locale);
		exchange_done(&x);
	}
}

static void secrets_in_the_address_are_refused(void **state)
{
	static const struct {
		const char *path, *field;
	} cases[] = {
		{ ME "?token=x", "token" },
		{ ME "?a=b&access_token=x", "access_token" },
		{ ME "?%74oken=x", "token" },
		{ ME "?TOKEN", "token" },
		{ "/api/v2/auth/login?password=x", "password" },
		{ "/healthz?otp=1", "otp" },
	};
	struct exchange x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		run(NULL, cases[i].path, "Authorization: Bearer good", NULL, &x);
		if (strstr(cases[i].path, "login")) {
			exchange_done(&x);
			run("POST", cases[i].path, NULL, NULL, &x);
		}
		assert_int_equal(x.reply.status, 400);
		assert_str(reply_text(&x, "code"), "validation_failed");
		assert_true(
		    json_has_at(x.json, (const char *const[]){ "errors", cases[i].field, NULL }));
		assert_int_equal(fake.calls + fake.authenticated, 0);
		exchange_done(&x);
	}
	run(NULL, ME "?tokens=1&to=x", "Authorization: Bearer good", NULL, &x);
	assert_int_equal(x.reply.status, 200);
	exchange_done(&x);
}

static void a_bearer_token_is_asked_for(void **state)
{
	static const char *const missing[] = { NULL, "Authorization: Basic YTpi",
		"Authorization:", "Authorization: Bearertoken", "X-Authorization: Bearer t" };
	struct exchange x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
		run("GET", ME, missing[i], NULL, &x);
		assert_int_equal(x.reply.status, 401);
		assert_str(reply_text(&x, "code"), "token_missing");
		assert_str(reply_header(&x, "WWW-Authenticate"), "Bearer");
		assert_int_equal(fake.authenticated + fake.throttled, 0);
		exchange_done(&x);
	}
	run("GET", ME, "authorization: bEaReR  the.token ", NULL, &x);
	assert_int_equal(x.reply.status, 200);
	assert_string_equal(fake.token, "the.token");
	exchange_done(&x);
}

static void a_bad_token_is_refused_everywhere_it_counts(void **state)
{
	static const enum err errors[] = { ERR_TOKEN_INVALID, ERR_TOKEN_EXPIRED,
		ERR_TOKEN_REVOKED };
	struct exchange x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		fake_reset();
		fake.authenticate = errors[i];
		exchange_run(api,
		    &(struct exchange_in){ .path = ME, .headers = "Authorization: Bearer x" }, &x);
		assert_int_equal(x.reply.status, 401);
		assert_bytes(reply_text(&x, "code"), err_slug(errors[i]));
		assert_int_equal(fake.throttled, 0);
		exchange_done(&x);
		exchange_run(api,
		    &(struct exchange_in){
			.path = "/api/v1/countries/", .headers = "Authorization: Bearer x" },
		    &x);
		assert_int_equal(x.reply.status, 401);
		exchange_done(&x);
		/* Logging out must work with whatever is left of a session. */
		exchange_run(api,
		    &(struct exchange_in){ .path = "/auth/logout/",
			.headers = "Authorization: Bearer x",
			.body = "{\"refresh\":\"r\"}" },
		    &x);
		assert_int_equal(x.reply.status, 200);
		exchange_done(&x);
	}
	run("GET", "/api/v1/countries/", NULL, NULL, &x);
	assert_int_equal(x.reply.status, 200);
	assert_int_equal(fake.authenticated, 0);
	assert_int_equal(fake.throttled, 1);
	exchange_done(&x);
}

static void a_throttled_call_says_when(void **state)
{
	static const struct {
		int64_t us;
		const char *seconds;
	} cases[] = { { 0, "1" }, { 1, "1" }, { US_PER_S, "1" }, { US_PER_S + 1, "2" },
		{ 41500000, "42" } };
	struct exchange x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fake_reset();
		fake.throttle = ERR_THROTTLED;
		fake.retry_after_us = cases[i].us;
		exchange_run(api,
		    &(struct exchange_in){ .path = ME, .headers = "Authorization: Bearer x" }, &x);
		assert_int_equal(x.reply.status, 429);
		assert_str(reply_text(&x, "code"), "throttled");
		assert_str(reply_header(&x, "Retry-After"), cases[i].seconds);
		exchange_done(&x);
	}
}

static void a_permission_is_asked_for_last(void **state)
{
	const struct exchange_in in = {
		.path = "/api/v2/staff/roles/",
		.headers = "Authorization: Bearer some-token",
	};
	struct exchange x;

	(void)state;
	fake_reset();
	fake.authorize = ERR_FORBIDDEN;
	exchange_run(api, &in, &x);
	assert_int_equal(x.reply.status, 403);
	assert_str(reply_text(&x, "code"), "forbidden");
	assert_string_equal(fake.permission, "roles.read");
	assert_int_equal(fake.authenticated, 1);
	assert_int_equal(fake.throttled, 1);
	exchange_done(&x);

	fake_reset();
	fake.throttle = ERR_THROTTLED;
	exchange_run(api, &in, &x);
	assert_int_equal(x.reply.status, 429);
	assert_string_equal(fake.permission, "");
	exchange_done(&x);
}

static void bad_settings_are_named(void **state)
{
	static const struct {
		struct api_config config;
		const char *problem;
	} cases[] = {
		{ { .trusted_proxies = STR_INIT("10.0.0.0/33") },
		    "trusted_proxies: \"10.0.0.0/33\" is no network; write 10.0.0.0/8 or ::1." },
		{ { .trusted_proxies = STR_INIT("::1, all") },
		    "trusted_proxies: \"all\" is no network; write 10.0.0.0/8 or ::1." },
		{ { .trusted_proxies = STR_INIT("::1/129") },
		    "trusted_proxies: \"::1/129\" is no network; write 10.0.0.0/8 or ::1." },
		{ { .trusted_proxies = STR_INIT("10.0.0.0/-1") },
		    "trusted_proxies: \"10.0.0.0/-1\" is no network; write 10.0.0.0/8 or ::1." },
		{ { .cors_origins = STR_INIT("*") },
		    "cors.origins: \"*\" is no origin; write https://shop.example." },
		{ { .cors_origins = STR_INIT("https://a.example/") },
		    "cors.origins: \"https://a.example/\" is no origin; write "
		    "https://shop.example." },
		{ { .cors_origins = STR_INIT("a.example") },
		    "cors.origins: \"a.example\" is no origin; write https://shop.example." },
		{ { .public_url = STR_INIT("id.example") },
		    "public_url: write a URL that begins with https:// or http://." },
		{ { .public_url = STR_INIT("https://id.example"),
		      .cors_origins = STR_INIT("https://a.example, http://localhost:3000"),
		      .trusted_proxies = STR_INIT("0.0.0.0/0, ::/0, 127.0.0.1") },
		    "" },
	};
	struct arena *a = arena_new(ARENA_PLAIN, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_str(api_config_problem(&cases[i].config, a), cases[i].problem);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_client_is_found_behind_its_proxies),
		cmocka_unit_test(a_forwarder_speaks_for_its_browser),
		cmocka_unit_test(without_a_credential_nobody_forwards),
		cmocka_unit_test(sane_request_ids_are_kept),
		cmocka_unit_test(headers_reach_the_request),
		cmocka_unit_test(an_idempotency_key_is_visible_text),
		cmocka_unit_test(a_doubled_header_is_nobodys_word),
		cmocka_unit_test(the_preferred_language_wins),
		cmocka_unit_test(secrets_in_the_address_are_refused),
		cmocka_unit_test(a_bearer_token_is_asked_for),
		cmocka_unit_test(a_bad_token_is_refused_everywhere_it_counts),
		cmocka_unit_test(a_throttled_call_says_when),
		cmocka_unit_test(a_permission_is_asked_for_last),
		cmocka_unit_test(bad_settings_are_named),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
