#include "tests/unit/corpus.h"

#include "base/json.h"
#include "service/identifier.h"

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(ARENA_PLAIN, 0);
	phone_warm();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void spellings_of_a_number_are_one(void **state)
{
	static const struct {
		const char *typed, *country, *e164;
	} rows[] = {
		{ "08031234567", "NG", "+2348031234567" },
		{ " 0803 123 4567 ", "NG", "+2348031234567" },
		{ "0803-123-4567", "ng", "+2348031234567" },
		{ "(0803) 123.4567", "NG", "+2348031234567" },
		{ "8031234567", "NG", "+2348031234567" },
		{ "+2348031234567", "", "+2348031234567" },
		{ "+234 803 123 4567", "GB", "+2348031234567" },
		{ "+234 (0)803 123 4567", "", "+2348031234567" },
		{ "009 234 803 123 4567", "NG", "+2348031234567" },
		{ "234 803 123 4567", "NG", "+2348031234567" },
		{ "＋２３４８０３１２３４５６７", "", "+2348031234567" },
		{ "٠٨٠٣١٢٣٤٥٦٧", "NG", "+2348031234567" },
		{ "020 7946 0958", "GB", "+442079460958" },
		{ "+39 06 6982 1111", "", "+390669821111" },
		{ "415/555-2671", "US", "+14155552671" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identifier id;

		if (identifier_parse_phone(
			arena, str_of(rows[i].typed), str_of(rows[i].country), &id) != TEXT_NONE)
			fail_msg("refused: %s", rows[i].typed);
		assert_int_equal(id.kind, IDENTIFIER_PHONE);
		assert_str(id.canonical, rows[i].e164);
		assert_bytes(id.display, id.canonical);
	}
}

static void what_is_no_number_is_refused(void **state)
{
	static const struct {
		const char *typed, *country;
		enum text problem;
	} rows[] = {
		{ "", "NG", TEXT_PHONE_INVALID },
		{ "+", "NG", TEXT_PHONE_INVALID },
		{ "112", "NG", TEXT_PHONE_INVALID },
		{ "0803123456", "NG", TEXT_PHONE_INVALID },
		{ "080312345678901", "NG", TEXT_PHONE_INVALID },
		{ "+999 123 456 789", "", TEXT_PHONE_INVALID },
		{ "+0 803 123 4567", "NG", TEXT_PHONE_INVALID },
		{ "08031234567", "", TEXT_PHONE_NEEDS_COUNTRY },
		{ "08031234567", "XX", TEXT_PHONE_NEEDS_COUNTRY },
		{ "08031234567", "NGA", TEXT_PHONE_NEEDS_COUNTRY },
		{ "1-800-FLOWERS", "US", TEXT_PHONE_INVALID },
		{ "415-555-2671 ext. 5", "US", TEXT_PHONE_INVALID },
		{ "415-555-2671,5", "US", TEXT_PHONE_INVALID },
		{ "415-555-2671#5", "US", TEXT_PHONE_INVALID },
		{ "tel:+2348031234567", "", TEXT_PHONE_INVALID },
		{ "+2348031234567;phone-context=+1", "", TEXT_PHONE_INVALID },
		{ "*100#", "NG", TEXT_PHONE_INVALID },
		{ "0803\n1234567", "NG", TEXT_PHONE_INVALID },
		{ "0803\xff"
		  "1234567",
		    "NG", TEXT_PHONE_INVALID },
		{ "ada@example.com", "NG", TEXT_PHONE_INVALID },
		{ "00000000000000000000000000000000000000000000000000000000000000008031234567",
		    "NG", TEXT_PHONE_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identifier id;
		enum text problem = identifier_parse_phone(
		    arena, str_of(rows[i].typed), str_of(rows[i].country), &id);

		if (problem != rows[i].problem)
			fail_msg("%s: %d", rows[i].typed, (int)problem);
	}
}

static void either_kind_is_told_by_the_at_sign(void **state)
{
	struct identifier id;

	(void)state;
	assert_int_equal(
	    identifier_parse(arena, STR("ada@example.com"), STR("NG"), &id), TEXT_NONE);
	assert_int_equal(id.kind, IDENTIFIER_EMAIL);
	assert_int_equal(identifier_parse(arena, STR("08031234567"), STR("NG"), &id), TEXT_NONE);
	assert_int_equal(id.kind, IDENTIFIER_PHONE);
	assert_int_equal(
	    identifier_parse(arena, STR("ada"), STR("NG"), &id), TEXT_IDENTIFIER_INVALID);
	assert_int_equal(
	    identifier_parse(arena, STR("ada@"), STR("NG"), &id), TEXT_IDENTIFIER_INVALID);
	assert_int_equal(
	    identifier_parse(arena, STR("08031234567"), STR(""), &id), TEXT_IDENTIFIER_INVALID);
}

static void a_mask_shows_three_digits(void **state)
{
	static const struct {
		const char *e164, *masked;
	} rows[] = {
		{ "+2348031234805", "+234*******805" },
		{ "+14155552671", "+1*******671" },
		{ "+29022158", "+290****8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identifier id;

		assert_int_equal(
		    identifier_parse_phone(arena, str_of(rows[i].e164), STR(""), &id), TEXT_NONE);
		assert_str(identifier_mask(arena, &id), rows[i].masked);
	}
}

/* The value of attribute @name in a line of XML; empty without it. */
static struct str attribute(struct str line, const char *name)
{
	char *text = str_cstr(arena, line);
	const char *at = strstr(text, str_printf(arena, " %s=\"", name).ptr);
	struct str value;

	if (!at)
		return STR_NULL;
	value = str_of(strchr(at, '"') + 1);
	return str_upto(value, (size_t)str_find(value, '"'));
}

struct territory {
	struct str id, calling_code;
	bool is_wanted; /* within <fixedLine> or <mobile> */
};

/* Follow the elements we need; they stand on lines of their own. */
static bool example_in(struct str line, struct territory *t, struct str *ret)
{
	struct str tag = STR("<exampleNumber>");

	if (str_starts(line, STR("<territory "))) {
		t->id = attribute(line, "id");
		t->calling_code = attribute(line, "countryCode");
	} else if (str_eq(line, STR("<fixedLine>")) || str_eq(line, STR("<mobile>"))) {
		t->is_wanted = true;
	} else if (str_eq(line, STR("</fixedLine>")) || str_eq(line, STR("</mobile>"))) {
		t->is_wanted = false;
	} else if (t->is_wanted && str_starts(line, tag)) {
		line = str_from(line, tag.len);
		*ret = str_upto(line, (size_t)str_find(line, '<'));
		return true;
	}
	return false;
}

/*
 * Numbers that came into being after Debian 12's metadata (8.12.57, of 2022): Benin's ten digits,
 * one range of Chile, Nigeria's new fixed lines. A younger library may take them.
 */
static bool may_be_too_young(struct str number)
{
	static const char *const young[] = { "0120211234", "0195123456", "600123456",
		"2033123456" };

	for (size_t i = 0; i < ARRAY_LEN(young); i++)
		if (str_eq(number, str_of(young[i])))
			return true;
	return false;
}

static void every_territorys_example_numbers_are_taken(void **state)
{
	struct str text = corpus_read(arena, "libphonenumber/resources/PhoneNumberMetadata.xml");
	struct str line = STR_NULL, example;
	struct territory t = { 0 };
	unsigned numbers = 0;

	(void)state;
	while (str_next_token(&text, '\n', &line)) {
		struct identifier national, international;
		struct str full;

		if (!example_in(str_trim(line), &t, &example) || str_eq(t.id, STR("001")))
			continue;
		full = str_printf(arena, "+%.*s%.*s", STR_ARG(t.calling_code), STR_ARG(example));
		if (identifier_parse_phone(arena, example, t.id, &national) != TEXT_NONE ||
		    identifier_parse_phone(arena, full, STR(""), &international) != TEXT_NONE) {
			if (may_be_too_young(example))
				continue;
			fail_msg("%.*s: %.*s", STR_ARG(t.id), STR_ARG(example));
		}
		assert_bytes(national.canonical, full);
		assert_bytes(international.canonical, full);
		numbers++;
	}
	assert_true(numbers > 450);
}

static struct str read_countries(void)
{
	FILE *f = fopen("data/countries.json", "rb");
	static char bytes[1 << 20];
	size_t n;

	assert_non_null(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	assert_true(n > 0 && n < sizeof(bytes));
	fclose(f);
	return str_bytes(bytes, n);
}

static void countries_are_those_of_the_data_file(void **state)
{
	const struct json *tree, *list;
	unsigned known = 0;

	(void)state;
	assert_int_equal(json_parse(arena, read_countries(), &tree), OK);
	list = json_get(tree, "countries");
	assert_int_equal(json_array_length(list), 249);
	for (size_t i = 0; i < json_array_length(list); i++)
		assert_true(identifier_country_known(
		    json_string(json_get(json_array_at(list, i), "iso2"))));
	for (char a = 'A'; a <= 'Z'; a++)
		for (char b = 'A'; b <= 'Z'; b++)
			known += identifier_country_known(str_bytes((char[]){ a, b }, 2));
	assert_int_equal(known, 249);
	assert_false(identifier_country_known(STR("ng")));
	assert_false(identifier_country_known(STR("")));
	assert_false(identifier_country_known(STR("NGA")));
	/* Two letters of two neighbours. */
	assert_false(identifier_country_known(STR("DA")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(spellings_of_a_number_are_one),
		TEST(what_is_no_number_is_refused),
		TEST(either_kind_is_told_by_the_at_sign),
		TEST(a_mask_shows_three_digits),
		TEST(every_territorys_example_numbers_are_taken),
		TEST(countries_are_those_of_the_data_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
