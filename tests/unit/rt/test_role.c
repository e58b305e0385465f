#include "tests/unit/test.h"

#include "rt/request.h"

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < ROLE_CUSTOM; i++) {
		enum role role = ROLE_COUNT;

		assert_true(role_parse(role_name((enum role)i), &role));
		assert_int_equal(role, i);
	}
	assert_true(str_eq(role_name(ROLE_SUPERADMIN), STR("superadmin")));
}

static void test_parse(void **state)
{
	enum role role = ROLE_ADMIN;

	(void)state;
	assert_false(role_parse(STR("admins"), &role));
	assert_false(role_parse(STR(""), &role));
	assert_int_equal(role, ROLE_ADMIN);
	assert_true(role_parse(STR("VenDor"), &role));
	assert_int_equal(role, ROLE_VENDOR);
}

static void test_staff(void **state)
{
	(void)state;
	assert_false(role_is_staff(ROLE_CLIENT));
	assert_false(role_is_staff(ROLE_VENDOR));
	for (int i = ROLE_SUPPORT; i < ROLE_COUNT; i++)
		assert_true(role_is_staff((enum role)i));
}

static void test_added(void **state)
{
	static const struct str names[] = { STR_INIT("tailor"), STR_INIT("auditor") };
	enum role role = ROLE_CLIENT;

	(void)state;
	assert_false(role_parse(STR("tailor"), &role));
	role_install(names, ARRAY_LEN(names));
	assert_true(role_parse(STR("Auditor"), &role));
	assert_int_equal(role, ROLE_CUSTOM + 1);
	assert_true(str_eq(role_name(ROLE_CUSTOM), STR("tailor")));
	assert_true(role_exists(role));
	assert_false(role_exists(ROLE_CUSTOM + 2));
	role_install(NULL, 0);
	assert_false(role_exists(ROLE_CUSTOM));
	assert_false(role_parse(STR("tailor"), &role));
	assert_false(role_parse(STR(""), &role));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_staff),
		cmocka_unit_test(test_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
