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

static struct api_match match(struct api *a, enum method method, const char *path)
{
	struct api_request in = { .method = method, .path = str_of(path) };
	struct api_match m;

	api_match(a, &in, &m);
	return m;
}

static void expect(const struct route *route, const char *path, int version, enum api_where where)
{
	struct str with = str_of(path), without = str_upto(with, with.len - 1);
	struct str spellings[] = { with, without };

	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		char *text = strndup(spellings[i].ptr, spellings[i].len);
		struct api_match m = match(api, route->method, text);

		if (m.route != route)
			print_error("%s does not lead to %s\n", text, route->operation);
		assert_ptr_equal(m.route, route);
		assert_int_equal(m.version, version);
		assert_int_equal(m.where, route->is_inline ? API_INLINE : where);
		assert_int_equal(m.uniform, route->uniform);
		free(text);
	}
}

static void every_row_is_found_at_every_mount(void **state)
{
	char path[128];

	(void)state;
	for (size_t i = 0; i < route_count(); i++) {
		const struct route *r = route_at(i);

		if (r->mount == MOUNT_METRICS) {
			assert_null(match(api, r->method, r->path).route);
			continue;
		}
		if (r->mount == MOUNT_ROOT) {
			assert_ptr_equal(match(api, r->method, r->path).route, r);
			continue;
		}
		snprintf(path, sizeof(path), "/api/v1/%s", r->path);
		for (char *p = path; *p; p++)
			if (*p == '{' || *p == '}')
				*p = 'x';
		expect(r, path, 1, API_WORKER);
		path[6] = '2'; /* "/api/v2/" */
		if (strstr(r->path, "{"))
			continue;
		snprintf(path, sizeof(path), "/api/v2/%s", r->path);
		expect(r, path, 2, API_COROUTINE);
		if (r->legacy)
			expect(r, r->legacy, 0, API_WORKER);
	}
}

static void the_contract_is_there(void **state)
{
	static const char *const posts[] = { "auth/register/", "auth/verify-otp/",
		"auth/resend-otp/", "auth/login/", "auth/token/refresh/", "auth/logout/" };
	char path[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(posts); i++) {
		const struct route *v1;

		snprintf(path, sizeof(path), "/api/v1/%s", posts[i]);
		v1 = match(api, METHOD_POST, path).route;
		assert_non_null(v1);
		snprintf(path, sizeof(path), "/api/v2/%s", posts[i]);
		assert_ptr_equal(match(api, METHOD_POST, path).route, v1);
		snprintf(path, sizeof(path), "/%s", posts[i]);
		assert_ptr_equal(match(api, METHOD_POST, path).route, v1);
	}
	assert_non_null(match(api, METHOD_GET, "/api/v1/me/").route);
	assert_non_null(match(api, METHOD_GET, "/api/v2/countries").route);
	assert_non_null(match(api, METHOD_GET, "/healthz").route);
}

static void near_misses_lead_nowhere(void **state)
{
	static const char *const paths[] = { "", "/", "//", "*", "/api", "/api/v1", "/api/v1/",
		"/api/v3/auth/login/", "/api/v1/auth/login//", "/api/v1//auth/login/",
		"//api/v1/auth/login/", "/API/v1/auth/login/", "/api/v1/auth/login/x",
		"/api/v1/auth/%6cogin/", "/api/v1/auth/login/.", "/me/", "/auth/",
		"/api/v1/docs/{file}", "/api/v1/docs/a/b" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct api_match m = match(api, METHOD_POST, paths[i]);

		assert_null(m.route);
		assert_int_equal(m.where, API_INLINE);
	}
	assert_null(match(api, METHOD_GET, "/api/v1/docs//").route);
}

static void a_segment_is_a_parameter(void **state)
{
	struct api_match m = match(api, METHOD_GET, "/api/v2/docs/swagger-ui.css");

	(void)state;
	assert_non_null(m.route);
	assert_str(m.parameter, "swagger-ui.css");
	assert_int_equal(m.version, 2);
	assert_str(match(api, METHOD_GET, "/api/v2/docs/x/").parameter, "x");
	assert_true(str_empty(match(api, METHOD_GET, "/api/v2/docs/").parameter));
}

static void head_is_get_without_its_body(void **state)
{
	(void)state;
	assert_ptr_equal(match(api, METHOD_HEAD, "/api/v1/me/").route,
	    match(api, METHOD_GET, "/api/v1/me/").route);
	assert_null(match(api, METHOD_HEAD, "/api/v1/auth/login/").route);
	assert_null(match(api, METHOD_OPTIONS, "/api/v1/me/").route);
	assert_null(match(api, METHOD_OTHER, "/api/v1/me/").route);
}

static void settings_choose_the_mounts(void **state)
{
	struct api *sync = api_for_test(&(struct api_config){ .v2_on_workers = true });
	struct api *metrics = api_for_test(&(struct api_config){ .metrics_only = true });

	(void)state;
	assert_int_equal(match(sync, METHOD_GET, "/api/v2/me/").where, API_WORKER);
	assert_int_equal(match(sync, METHOD_GET, "/api/v2/me/").version, 2);
	assert_int_equal(match(sync, METHOD_GET, "/healthz").where, API_INLINE);
	assert_null(match(sync, METHOD_GET, "/dev/inbox/").route);
	assert_int_equal(match(api, METHOD_GET, "/dev/inbox/").where, API_COROUTINE);
	assert_non_null(match(metrics, METHOD_GET, "/metrics").route);
	assert_null(match(metrics, METHOD_GET, "/api/v1/me/").route);
	assert_null(match(metrics, METHOD_GET, "/healthz").route);
	assert_null(match(sync, METHOD_GET, "/metrics").route);
	api_free(&sync);
	api_free(&metrics);
}

static void other_methods_are_told_what_there_is(void **state)
{
	struct exchange x;

	(void)state;
	exchange_run(
	    api, &(struct exchange_in){ .method = "TRACE", .path = "/api/v1/auth/login" }, &x);
	assert_int_equal(x.reply.status, 405);
	assert_str(reply_header(&x, "Allow"), "POST, OPTIONS");
	assert_str(reply_text(&x, "code"), "method_not_allowed");
	exchange_done(&x);
	exchange_run(
	    api, &(struct exchange_in){ .method = "DELETE", .path = "/api/v2/countries/" }, &x);
	assert_int_equal(x.reply.status, 405);
	assert_str(reply_header(&x, "Allow"), "GET, HEAD, OPTIONS");
	exchange_done(&x);
	exchange_run(
	    api, &(struct exchange_in){ .method = "OPTIONS", .path = "/api/v2/countries/" }, &x);
	assert_int_equal(x.reply.status, 204);
	assert_str(reply_header(&x, "Allow"), "GET, HEAD, OPTIONS");
	assert_true(str_empty(x.reply.content_type));
	exchange_done(&x);
	exchange_run(api, &(struct exchange_in){ .method = "OPTIONS", .path = "/nowhere" }, &x);
	assert_int_equal(x.reply.status, 404);
	assert_str(reply_text(&x, "code"), "not_found");
	exchange_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_found_at_every_mount),
		cmocka_unit_test(the_contract_is_there),
		cmocka_unit_test(near_misses_lead_nowhere),
		cmocka_unit_test(a_segment_is_a_parameter),
		cmocka_unit_test(head_is_get_without_its_body),
		cmocka_unit_test(settings_choose_the_mounts),
		cmocka_unit_test(other_methods_are_told_what_there_is),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
