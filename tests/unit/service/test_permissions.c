#include "tests/unit/test.h"

#include "service/permissions.h"

static struct service_config config = {
	.added_roles = {
		{ .name = STR_INIT("tailor") },
		{ .name = STR_INIT("auditor"), .extends_one = true, .extends = ROLE_SUPPORT,
		    .permissions = UINT32_C(1) << PERM_AUDIT_READ },
	},
	.n_added_roles = 2,
};
#define TAILOR ROLE_CUSTOM
#define AUDITOR ((enum role)(ROLE_CUSTOM + 1))

static void test_names(void **state)
{
	(void)state;
	for (unsigned p = PERM_NONE + 1; p < PERM_COUNT; p++) {
		enum permission found = PERM_NONE;

		assert_true(permission_parse(permission_name((enum permission)p), &found));
		assert_int_equal(found, p);
	}
	assert_false(permission_parse(STR(""), &(enum permission){ PERM_NONE }));
	assert_false(permission_parse(STR("users"), &(enum permission){ PERM_NONE }));
}

/* A higher rank may what a lower one may: promotion takes nothing away. */
static void test_sets_grow_with_rank(void **state)
{
	static const enum role ladder[] = { ROLE_CLIENT, ROLE_ENHANCER, ROLE_ASSISTANT,
		ROLE_SUPPORT, ROLE_STAFF, ROLE_ADMIN, ROLE_SUPERADMIN };

	(void)state;
	for (size_t i = 1; i < ARRAY_LEN(ladder); i++) {
		struct role_grant below = role_grant(&config, ladder[i - 1]);
		struct role_grant above = role_grant(&config, ladder[i]);

		assert_int_equal(below.permissions & ~above.permissions, 0);
		assert_true(below.rank <= above.rank);
	}
	for (unsigned p = PERM_NONE + 1; p < PERM_COUNT; p++) {
		assert_false(role_may(&config, ROLE_CLIENT, (enum permission)p));
		assert_false(role_may(&config, ROLE_VENDOR, (enum permission)p));
		assert_true(role_may(&config, ROLE_SUPERADMIN, (enum permission)p));
	}
}

static void test_who_outranks_whom(void **state)
{
	(void)state;
	for (unsigned r = 0; r < ROLE_CUSTOM; r++) {
		assert_int_equal(
		    role_outranks(&config, (enum role)r, (enum role)r), r == ROLE_SUPERADMIN);
		assert_int_equal(role_outranks(&config, ROLE_ADMIN, (enum role)r), r < ROLE_ADMIN);
		assert_true(role_outranks(&config, ROLE_SUPERADMIN, (enum role)r));
	}
	assert_true(role_outranks(&config, ROLE_SUPPORT, ROLE_VENDOR));
	assert_false(role_outranks(&config, ROLE_SUPPORT, ROLE_ASSISTANT));
	assert_false(role_outranks(&config, ROLE_CLIENT, ROLE_VENDOR));
}

static void test_added_roles(void **state)
{
	(void)state;
	assert_int_equal(role_grant(&config, TAILOR).permissions, UINT32_C(1) << PERM_ROLES_READ);
	assert_true(role_outranks(&config, TAILOR, ROLE_CLIENT));
	assert_false(role_outranks(&config, TAILOR, ROLE_SUPPORT));
	assert_true(role_may(&config, AUDITOR, PERM_AUDIT_READ));
	assert_true(role_may(&config, AUDITOR, PERM_USERS_IMPERSONATE));
	assert_false(role_may(&config, AUDITOR, PERM_USERS_DISABLE));
	assert_int_equal(role_grant(&config, AUDITOR).rank, role_grant(&config, ROLE_SUPPORT).rank);
}

/* Nobody gives what they do not have, whatever the ranks say. */
static void test_granting(void **state)
{
	struct service_config odd = config;

	(void)state;
	assert_true(role_may_grant(&config, ROLE_ADMIN, ROLE_STAFF));
	assert_true(role_may_grant(&config, ROLE_ADMIN, AUDITOR));
	assert_false(role_may_grant(&config, ROLE_ADMIN, ROLE_ADMIN));
	assert_false(role_may_grant(&config, ROLE_ADMIN, ROLE_SUPERADMIN));
	assert_false(role_may_grant(&config, ROLE_STAFF, AUDITOR));
	odd.added_roles[0].permissions = UINT32_MAX & ~UINT32_C(1);
	assert_false(role_may_grant(&odd, ROLE_ADMIN, TAILOR));
	for (unsigned r = 0; r < ROLE_CUSTOM; r++)
		assert_true(role_may_grant(&odd, ROLE_SUPERADMIN, (enum role)r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sets_grow_with_rank),
		cmocka_unit_test(test_who_outranks_whom),
		cmocka_unit_test(test_added_roles),
		cmocka_unit_test(test_granting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
