#include "tests/unit/test.h"

#include "api/api_priv.h"

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(ARENA_PLAIN, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct str written(enum error_style style, const struct problem *p)
{
	struct json_writer w;
	struct buf out;

	buf_init(&out, arena, 0);
	json_writer_init(&w, &out);
	problem_write(&w, style, p);
	return buf_str(&out);
}

static struct field_error fields[] = {
	{ &fields[1], STR_INIT("email"), STR_INIT("One.") },
	{ &fields[2], STR_INIT("non_field_errors"), STR_INIT("Two.") },
	{ NULL, STR_INIT("email"), STR_INIT("Three.") },
};

static void the_envelope_says_it_all(void **state)
{
	(void)state;
	assert_str(written(ERRORS_ENVELOPE, &(struct problem){ .err = ERR_INVALID_CREDENTIALS }),
	    "{\"success\":false,\"message\":\"Invalid credentials.\","
	    "\"code\":\"invalid_credentials\",\"data\":null,\"errors\":null}");
	assert_str(written(ERRORS_ENVELOPE,
		       &(struct problem){ .err = ERR_VALIDATION_FAILED, .fields = fields }),
	    "{\"success\":false,\"message\":\"Check the fields named in errors.\","
	    "\"code\":\"validation_failed\",\"data\":null,\"errors\":"
	    "{\"email\":[\"One.\",\"Three.\"],\"non_field_errors\":[\"Two.\"]}}");
	assert_str(written(ERRORS_ENVELOPE, &(struct problem){ .err = ERR_VERIFICATION_REQUIRED,
						.data = STR("{\"verification\":{}}") }),
	    "{\"success\":false,\"message\":\"Verify your account first. A new code is on its "
	    "way.\",\"code\":\"verification_required\",\"data\":{\"verification\":{}},"
	    "\"errors\":null}");
}

/* Pinned from the sources of DRF 3.16 and SimpleJWT 5.5. */
static void drf_shapes_are_exact(void **state)
{
	static const struct {
		struct problem p;
		const char *json;
	} cases[] = {
		{ { .err = ERR_VALIDATION_FAILED, .fields = fields },
		    "{\"email\":[\"One.\",\"Three.\"],\"non_field_errors\":[\"Two.\"]}" },
		{ { .err = ERR_INVALID_CREDENTIALS },
		    "{\"detail\":\"No active account found with the given credentials\"}" },
		{ { .err = ERR_TOKEN_MISSING, .access_token = true },
		    "{\"detail\":\"Authentication credentials were not provided.\"}" },
		{ { .err = ERR_TOKEN_EXPIRED, .access_token = true },
		    "{\"detail\":\"Given token not valid for any token type\","
		    "\"code\":\"token_not_valid\",\"messages\":[{\"token_class\":\"AccessToken\","
		    "\"token_type\":\"access\",\"message\":\"Token is expired\"}]}" },
		{ { .err = ERR_TOKEN_INVALID, .access_token = true },
		    "{\"detail\":\"Given token not valid for any token type\","
		    "\"code\":\"token_not_valid\",\"messages\":[{\"token_class\":\"AccessToken\","
		    "\"token_type\":\"access\",\"message\":\"Token is invalid\"}]}" },
		{ { .err = ERR_TOKEN_INVALID },
		    "{\"detail\":\"Token is invalid\",\"code\":\"token_not_valid\"}" },
		{ { .err = ERR_REFRESH_EXPIRED },
		    "{\"detail\":\"Token is expired\",\"code\":\"token_not_valid\"}" },
		{ { .err = ERR_REFRESH_REUSED },
		    "{\"detail\":\"Token is blacklisted\",\"code\":\"token_not_valid\"}" },
		{ { .err = ERR_THROTTLED, .retry_after_s = 42 },
		    "{\"detail\":\"Request was throttled. Expected available in 42 seconds.\"}" },
		{ { .err = ERR_THROTTLED, .retry_after_s = 1 },
		    "{\"detail\":\"Request was throttled. Expected available in 1 second.\"}" },
		{ { .err = ERR_METHOD_NOT_ALLOWED, .method = STR_INIT("GET") },
		    "{\"detail\":\"Method \\\"GET\\\" not allowed.\"}" },
		{ { .err = ERR_UNSUPPORTED_MEDIA_TYPE, .media = STR_INIT("text/plain") },
		    "{\"detail\":\"Unsupported media type \\\"text/plain\\\" in request.\"}" },
		{ { .err = ERR_NOT_FOUND }, "{\"detail\":\"Not found.\"}" },
		{ { .err = ERR_OTP_INVALID },
		    "{\"detail\":\"This code is wrong or no longer valid. Check it, or ask for a "
		    "new one.\",\"code\":\"otp_invalid\"}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_str(written(ERRORS_DRF, &cases[i].p), cases[i].json);
}

static void rfc9457_has_its_members(void **state)
{
	(void)state;
	assert_str(written(ERRORS_PROBLEM, &(struct problem){ .err = ERR_NOT_FOUND }),
	    "{\"type\":\"about:blank\",\"title\":\"Not found.\",\"status\":404,"
	    "\"code\":\"not_found\"}");
	assert_str(written(ERRORS_PROBLEM,
		       &(struct problem){ .err = ERR_VALIDATION_FAILED, .fields = &fields[2] }),
	    "{\"type\":\"about:blank\",\"title\":\"Check the fields named in errors.\","
	    "\"status\":400,\"code\":\"validation_failed\",\"errors\":{\"email\":[\"Three.\"]}}");
	assert_str(problem_content_type(ERRORS_PROBLEM), "application/problem+json");
	assert_str(problem_content_type(ERRORS_DRF), "application/json");
}

static void every_failure_has_a_status_and_parses(void **state)
{
	const enum error_style styles[] = { ERRORS_ENVELOPE, ERRORS_DRF, ERRORS_PROBLEM };

	(void)state;
	for (int i = OK + 1; i < ERR_COUNT; i++) {
		const struct problem p = { .err = (enum err)i, .access_token = i % 2 };
		const struct json *ignored;

		assert_in_range(problem_status(p.err), 400, 503);
		assert_int_equal(problem_retries(p.err),
		    problem_status(p.err) == 429 || problem_status(p.err) == 503);
		for (size_t k = 0; k < ARRAY_LEN(styles); k++)
			assert_int_equal(json_parse(arena, written(styles[k], &p), &ignored), OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_envelope_says_it_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(drf_shapes_are_exact, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rfc9457_has_its_members, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    every_failure_has_a_status_and_parses, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
