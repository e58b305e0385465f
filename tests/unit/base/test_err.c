#include "tests/unit/test.h"

#include "base/err.h"

static void slugs_are_snake_case_and_distinct(void **state)
{
	(void)state;
	for (int e = 0; e < ERR_COUNT; e++) {
		struct str slug = err_slug((enum err)e);

		assert_true(slug.len > 0);
		for (size_t i = 0; i < slug.len; i++)
			assert_true(
			    (slug.ptr[i] >= 'a' && slug.ptr[i] <= 'z') || slug.ptr[i] == '_');
		if (str_eq(slug, STR("unavailable")))
			continue;
		for (int other = 0; other < e; other++)
			assert_false(str_eq(slug, err_slug((enum err)other)));
	}
}

static void clients_rely_on_these(void **state)
{
	static const struct {
		enum err err;
		const char *slug;
	} rows[] = {
		{ OK, "ok" },
		{ ERR_INTERNAL, "internal" },
		{ ERR_UNAVAILABLE, "unavailable" },
		{ ERR_DEADLINE, "unavailable" },
		{ ERR_SHUTDOWN, "unavailable" },
		{ ERR_OVERLOADED, "overloaded" },
		{ ERR_MALFORMED_JSON, "malformed_json" },
		{ ERR_VALIDATION_FAILED, "validation_failed" },
		{ ERR_THROTTLED, "throttled" },
		{ ERR_INVALID_CREDENTIALS, "invalid_credentials" },
		{ ERR_OTP_INVALID, "otp_invalid" },
		{ ERR_MFA_ENROLMENT_REQUIRED, "mfa_enrolment_required" },
		{ ERR_REFRESH_SUPERSEDED, "refresh_superseded" },
		{ ERR_LAST_SUPERADMIN, "last_superadmin" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_str(err_slug(rows[i].err), rows[i].slug);
}

static void the_machine_is_told_from_the_caller(void **state)
{
	(void)state;
	for (int e = 0; e < ERR_COUNT; e++) {
		bool machine = e >= ERR_INTERNAL && e < ERR_MALFORMED_JSON;

		assert_int_equal(err_is_machine((enum err)e), machine);
		if (!machine)
			assert_int_equal(
			    err_level((enum err)e), e == OK ? ERR_LEVEL_INFO : ERR_LEVEL_WARNING);
	}
	assert_int_equal(err_level(ERR_INTERNAL), ERR_LEVEL_ERROR);
	assert_int_equal(err_level(ERR_UNAVAILABLE), ERR_LEVEL_ERROR);
	assert_int_equal(err_level(ERR_OVERLOADED), ERR_LEVEL_WARNING);
}

static void ask_beyond_the_table(void *arg)
{
	(void)arg;
	err_slug(ERR_COUNT);
}

static void a_value_without_a_row_aborts(void **state)
{
	(void)state;
	assert_true(aborts(ask_beyond_the_table, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slugs_are_snake_case_and_distinct),
		cmocka_unit_test(clients_rely_on_these),
		cmocka_unit_test(the_machine_is_told_from_the_caller),
		cmocka_unit_test(a_value_without_a_row_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
