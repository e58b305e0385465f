/* Answers of Django 3.2.25's PasswordResetTokenGenerator. */
#include "tests/unit/test.h"

#include "base/arena.h"
#include "crypto/django_token.h"

#define KEY STR("django-insecure-test-key")
#define MADE_AT (INT64_C(978307200) + 789015845)

static const struct {
	struct django_row row;
	struct str token;
} answers[] = {
	{ { STR_INIT("0192f3c4-5b6a-7c8d-9e0f-112233445566"),
	      STR_INIT("pbkdf2_sha256$1200000$seasalt$x"), STR_INIT("2026-01-01 10:20:30"),
	      STR_INIT("ada@example.com") },
	    STR_INIT("d1rcit-336204db73b84abac5351d9a82f5a4f4") },
	{ { STR_INIT("0192f3c4-5b6a-7c8d-9e0f-112233445566"),
	      STR_INIT("pbkdf2_sha256$1200000$seasalt$x"), STR_INIT(""), STR_INIT("") },
	    STR_INIT("d1rcit-237c8a88eeca139f79bb9a4d12894b37") },
	{ { STR_INIT("42"), STR_INIT("pbkdf2_sha256$1200000$seasalt$x"), STR_INIT(""),
	      STR_INIT("") },
	    STR_INIT("d1rcit-968db768b9de7cde356aab973dd6ef44") },
};

static void djangos_own_tokens_pass(void **state)
{
	struct arena *arena = arena_new(ARENA_WIPING, 0);
	int64_t made_at_s = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		assert_true(django_token_check(
		    arena, secret_of(KEY), &answers[i].row, answers[i].token, &made_at_s));
		assert_true(made_at_s == MADE_AT);
	}
	arena_free(&arena);
}

/* Whatever of the row, the key or the token is another, the token is none. */
static void anything_else_does_not(void **state)
{
	struct arena *arena = arena_new(ARENA_WIPING, 0);
	struct str token = answers[0].token;
	struct django_row rows[4];
	int64_t unused;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		rows[i] = answers[0].row;
	rows[0].pk = STR("0192f3c4-5b6a-7c8d-9e0f-112233445567");
	rows[1].password = STR("pbkdf2_sha256$1200000$seasalt$y");
	rows[2].last_login = STR("2026-01-01 10:20:31");
	rows[3].email = STR("Ada@example.com");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_false(django_token_check(arena, secret_of(KEY), &rows[i], token, &unused));
	assert_false(
	    django_token_check(arena, secret_of(STR("other")), &answers[0].row, token, &unused));
	assert_false(django_token_check(arena, secret_of(KEY), &answers[0].row,
	    STR("d1rcis-336204db73b84abac5351d9a82f5a4f4"), &unused));
	assert_false(django_token_check(arena, secret_of(KEY), &answers[0].row,
	    STR("d1rcit-336204db73b84abac5351d9a82f5a4f5"), &unused));
	arena_free(&arena);
}

static void only_the_one_shape_is_read(void **state)
{
	static const char *const others[] = {
		"",
		"-",
		"d1rcit",
		"d1rcit-",
		"-336204db73b84abac5351d9a82f5a4f4",
		"d1rcit-336204db73b84abac5351d9a82f5a4f",
		"d1rcit-336204db73b84abac5351d9a82f5a4f44",
		"d1rcit-336204DB73b84abac5351d9a82f5a4f4",
		"d1rcit-g36204db73b84abac5351d9a82f5a4f4",
		"D1RCIT-336204db73b84abac5351d9a82f5a4f4",
		"d1rcitzz-336204db73b84abac5351d9a82f5a4f4",
		"d1rcit336204db73b84abac5351d9a82f5a4f4",
		/* One of ours: 256 bits in base64url. */
		"abcdef-hijklmnopqrstuvwxyz0123456789ABCDEFG",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		assert_true(django_token_shaped(answers[i].token));
	assert_true(django_token_shaped(STR("0-336204db73b84abac5351d9a82f5a4f4")));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_false(django_token_shaped(str_of(others[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(djangos_own_tokens_pass),
		cmocka_unit_test(anything_else_does_not),
		cmocka_unit_test(only_the_one_shape_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
