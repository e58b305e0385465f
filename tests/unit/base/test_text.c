#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/text.h"

#define EN STR("en")

static void every_id_has_a_sentence(void **state)
{
	(void)state;
	for (int id = TEXT_NONE + 1; id < TEXT_COUNT; id++) {
		struct str s = text_get(EN, (enum text)id);

		if (str_empty(s))
			print_error("enum text %d has no sentence\n", id);
		assert_true(str_ends(s, STR(".")));
		assert_true(str_utf8_valid(s));
		assert_true(s.ptr[0] >= 'A' && s.ptr[0] <= 'Z');
	}
	assert_str(text_get(EN, TEXT_NONE), "");
}

static void fixed_messages_stand(void **state)
{
	(void)state;
	assert_str(text_get(EN, TEXT_LOGGED_IN), "Login successful.");
	assert_str(text_get(EN, TEXT_LOGGED_OUT), "Logout successful.");
	assert_str(text_get(EN, TEXT_PASSWORD_RESET), "Password reset successfully.");
	assert_str(text_get(EN, TEXT_PASSWORD_CHANGED), "Password changed successfully.");
	assert_str(text_get(EN, text_err(ERR_INVALID_CREDENTIALS)), "Invalid credentials.");
	assert_int_equal(text_err(ERR_LAST_SUPERADMIN), TEXT_ERR_LAST);
}

static void an_unknown_locale_reads_english(void **state)
{
	static const char *const locales[] = { "", "en", "EN-gb", "fr", "yo-NG", "-", "e" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(locales); i++)
		assert_str(text_get(str_of(locales[i]), TEXT_LOGGED_IN), "Login successful.");
	assert_str(text_get(STR_NULL, TEXT_LOGGED_IN), "Login successful.");
}

static void arguments_are_filled_in_once(void **state)
{
	struct arena *a = arena_new(ARENA_PLAIN, 0);
	struct str args[] = { STR("{1}{0}"), STR("never") };

	(void)state;
	assert_str(text_format(a, EN, TEXT_FIELD_TOO_SHORT, &STR("8"), 1),
	    "This must have at least 8 characters.");
	assert_str(
	    text_format(a, EN, TEXT_FIELD_NOT_A_CHOICE, args, 2), "This must be one of: {1}{0}.");
	assert_str(text_format(a, EN, TEXT_FIELD_TOO_SHORT, NULL, 0),
	    "This must have at least {0} characters.");
	assert_str(text_format(a, EN, TEXT_OK, args, 2), "Done.");
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_id_has_a_sentence),
		cmocka_unit_test(fixed_messages_stand),
		cmocka_unit_test(an_unknown_locale_reads_english),
		cmocka_unit_test(arguments_are_filled_in_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
