/* Documents, pages, the dev inbox, readiness and metrics: replies without a decoded body. */
#include "tests/unit/api/harness.h"

static struct api *api;

static int set_up(void **state)
{
	(void)state;
	api = api_for_test(&(struct api_config){ .dev = true });
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_free(&api);
	return 0;
}

static void get(struct api *a, const char *path, const char *headers, struct exchange *x)
{
	exchange_run(a, &(struct exchange_in){ .path = path, .headers = headers }, x);
}

static void documents_are_cached_by_their_tag(void **state)
{
	static const char *const paths[] = { "/api/v1/schema/", "/api/v2/docs/",
		"/api/v1/docs/swagger-ui.css", "/api/v2/docs/init.js", "/api/v1/countries/" };
	struct exchange x;
	char line[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		get(api, paths[i], NULL, &x);
		assert_int_equal(x.reply.status, 200);
		assert_true(x.reply.body.len > 50);
		assert_true(str_starts(reply_header(&x, "Cache-Control"), STR("public, max-age=")));
		snprintf(line, sizeof(line), "If-None-Match: \"other\", %.*s",
		    STR_ARG(reply_header(&x, "ETag")));
		assert_true(reply_header(&x, "ETag").len > 10);
		exchange_done(&x);
		get(api, paths[i], line, &x);
		assert_int_equal(x.reply.status, 304);
		assert_true(str_empty(x.reply.body));
		exchange_done(&x);
		get(api, paths[i], "If-None-Match: \"other\"", &x);
		assert_int_equal(x.reply.status, 200);
		exchange_done(&x);
	}
}

static void pages_let_no_foreign_script_in(void **state)
{
	struct exchange x;
	struct str csp;

	(void)state;
	get(api, "/api/v1/docs", NULL, &x);
	assert_str(x.reply.content_type, "text/html; charset=utf-8");
	assert_str(reply_header(&x, "X-Frame-Options"), "DENY");
	csp = reply_header(&x, "Content-Security-Policy");
	assert_non_null(memmem(csp.ptr, csp.len, "script-src 'self';", 18));
	assert_non_null(memmem(csp.ptr, csp.len, "frame-ancestors 'none'", 22));
	/* No inline script, and no address but our own. */
	assert_null(memmem(x.reply.body.ptr, x.reply.body.len, "<script>", 8));
	assert_null(memmem(x.reply.body.ptr, x.reply.body.len, "//", 2));
	assert_non_null(memmem(x.reply.body.ptr, x.reply.body.len, "/api/v1/docs/init.js", 20));
	exchange_done(&x);
}

static void assets_have_their_types(void **state)
{
	static const struct {
		const char *path, *type;
	} cases[] = {
		{ "/api/v1/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8" },
		{ "/api/v2/docs/swagger-ui.css", "text/css; charset=utf-8" },
		{ "/api/v2/docs/index.css", "text/css; charset=utf-8" },
		{ "/api/v2/docs/favicon-32x32.png", "image/png" },
	};
	struct exchange x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		get(api, cases[i].path, NULL, &x);
		assert_int_equal(x.reply.status, 200);
		assert_str(x.reply.content_type, cases[i].type);
		assert_str(reply_header(&x, "X-Content-Type-Options"), "nosniff");
		exchange_done(&x);
	}
	get(api, "/api/v1/docs/package.json", NULL, &x);
	assert_int_equal(x.reply.status, 404);
	assert_str(reply_text(&x, "code"), "not_found");
	assert_str(reply_header(&x, "Cache-Control"), "no-store");
	exchange_done(&x);
}

static void countries_are_an_envelope(void **state)
{
	const struct json *list;
	struct exchange x;

	(void)state;
	get(api, "/api/v2/countries/", NULL, &x);
	list = json_get(json_get(x.json, "data"), "countries");
	assert_non_null(list);
	assert_true(json_array_length(list) > 0);
	assert_true(json_type(json_get(x.json, "success")) == JSON_TYPE_TRUE);
	exchange_done(&x);
}

static const struct inbox_item items[] = {
	{ STR_INIT("+2348031234567"), STR_INIT("sms"), STR_INIT(""), STR_INIT("Code 123456"),
	    STR_INIT("123456"), STR_INIT(""), 1700000000 * US_PER_S },
	{ STR_INIT("<script>@example.com"), STR_INIT("email"), STR_INIT("\"Hi\" & <b>"),
	    STR_INIT("Text"), STR_INIT(""), STR_INIT("https://x"), 1600000000 * US_PER_S },
};

static void the_dev_inbox_shows_what_was_sent(void **state)
{
	struct exchange x;

	(void)state;
	fake_reset();
	fake.inbox = items;
	fake.n_inbox = 2;
	get(api, "/dev/inbox/?to=+2348031234567", NULL, &x);
	assert_string_equal(fake.inbox_to, "+2348031234567");
	assert_str(x.reply.body,
	    "[{\"to\":\"+2348031234567\",\"channel\":\"sms\",\"subject\":\"\","
	    "\"text\":\"Code 123456\",\"code\":\"123456\",\"link\":\"\","
	    "\"at\":\"2023-11-14T22:13:20.000000Z\"},{\"to\":\"<script>@example.com\","
	    "\"channel\":\"email\",\"subject\":\"\\\"Hi\\\" & <b>\",\"text\":\"Text\","
	    "\"code\":\"\",\"link\":\"https://x\",\"at\":\"2020-09-13T12:26:40.000000Z\"}]");
	assert_str(reply_header(&x, "Cache-Control"), "no-store");
	exchange_done(&x);
	get(api, "/dev/inbox?to=a%40b.c&x", "Accept: application/json, text/html", &x);
	assert_string_equal(fake.inbox_to, "a@b.c");
	assert_str(x.reply.content_type, "application/json");
	exchange_done(&x);
}

static void its_page_escapes_everything(void **state)
{
	struct exchange x;

	(void)state;
	fake_reset();
	fake.inbox = items;
	fake.n_inbox = 2;
	get(api, "/dev/inbox/?to=%22%3E%3Cscript%3E", "Accept: text/html,application/xml;q=0.9",
	    &x);
	assert_str(x.reply.content_type, "text/html; charset=utf-8");
	assert_null(memmem(x.reply.body.ptr, x.reply.body.len, "<script>", 8));
	assert_null(memmem(x.reply.body.ptr, x.reply.body.len, "<b>\n", 4));
	assert_non_null(memmem(x.reply.body.ptr, x.reply.body.len, "Code 123456", 11));
	assert_false(str_empty(reply_header(&x, "Content-Security-Policy")));
	exchange_done(&x);
}

static bool not_ready(void *arg, struct arena *arena, struct str *ret_why_not)
{
	(void)arg;
	(void)arena;
	*ret_why_not = STR("the store is away");
	return false;
}

static void some_metrics(void *arg, struct buf *out)
{
	(void)arg;
	buf_add(out, STR("other_total 7\n"));
}

static void readiness_asks_the_program(void **state)
{
	const struct api_probe probe = { .ready = not_ready };
	struct api *a = api_new(&(struct api_config){ .dev = false }, NULL, &probe);
	struct exchange x;

	(void)state;
	get(a, "/readyz", NULL, &x);
	assert_int_equal(x.reply.status, 503);
	assert_str(reply_text(&x, "code"), "unavailable");
	assert_str(reply_header(&x, "Retry-After"), "1");
	assert_null(memmem(x.reply.body.ptr, x.reply.body.len, "store", 5));
	exchange_done(&x);
	get(a, "/healthz", NULL, &x);
	assert_int_equal(x.reply.status, 200);
	exchange_done(&x);
	api_free(&a);
}

static bool has(struct str body, const char *text)
{
	return memmem(body.ptr, body.len, text, strlen(text)) != NULL;
}

static void metrics_count_what_was_answered(void **state)
{
	const struct api_probe probe = { .metrics = some_metrics };
	struct api *a = api_new(&(struct api_config){ .metrics_only = true }, NULL, &probe);
	struct exchange x;

	(void)state;
	fake_reset();
	fake.result = ERR_REFRESH_REUSED;
	exchange_run(api,
	    &(struct exchange_in){ .path = "/auth/token/refresh/", .body = "{\"refresh\":\"r\"}" },
	    &x);
	exchange_done(&x);
	get(a, "/metrics", NULL, &x);
	assert_int_equal(x.reply.status, 200);
	assert_str(x.reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
	assert_true(has(x.reply.body, "cloakroom_requests_total{engine=\"sync\","
				      "operation=\"token_refresh\",status=\"401\","
				      "code=\"refresh_reused\"} 1\n"));
	assert_true(has(x.reply.body, "cloakroom_request_duration_seconds_bucket{engine=\"sync\","
				      "operation=\"token_refresh\",le=\"+Inf\"} 1\n"));
	assert_true(has(x.reply.body, "cloakroom_request_duration_seconds_count{engine=\"sync\","
				      "operation=\"token_refresh\"} 1\n"));
	assert_true(has(x.reply.body, "\nother_total 7\n"));
	exchange_done(&x);
	api_free(&a);
}

/* Three errors share the slug "unavailable"; two lines of one series would be no metrics at all. */
static void one_series_is_one_line(void **state)
{
	static struct str lines[1024];
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct str rest, line;
	struct buf out;
	size_t n = 0;

	(void)state;
	metrics_count(route_at(0), ENGINE_ASYNC, ERR_UNAVAILABLE, 10);
	metrics_count(route_at(0), ENGINE_ASYNC, ERR_DEADLINE, 10);
	metrics_count(route_at(0), ENGINE_ASYNC, ERR_SHUTDOWN, 10);
	metrics_count(NULL, ENGINE_ASYNC, ERR_NOT_FOUND, -1);
	buf_init(&out, arena, 0);
	metrics_write(&out);
	assert_true(has(buf_str(&out), "cloakroom_requests_total{engine=\"async\","
				       "operation=\"register\",status=\"503\","
				       "code=\"unavailable\"} 3\n"));
	rest = buf_str(&out);
	while (str_next_token(&rest, '\n', &line) && n < ARRAY_LEN(lines)) {
		line = str_upto(line, (size_t)str_find_last(line, ' '));
		for (size_t i = 0; i < n; i++)
			assert_false(str_eq(lines[i], line));
		lines[n++] = line;
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_are_cached_by_their_tag),
		cmocka_unit_test(pages_let_no_foreign_script_in),
		cmocka_unit_test(assets_have_their_types),
		cmocka_unit_test(countries_are_an_envelope),
		cmocka_unit_test(the_dev_inbox_shows_what_was_sent),
		cmocka_unit_test(its_page_escapes_everything),
		cmocka_unit_test(readiness_asks_the_program),
		cmocka_unit_test(metrics_count_what_was_answered),
		cmocka_unit_test(one_series_is_one_line),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
