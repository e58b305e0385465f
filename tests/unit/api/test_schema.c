#include "tests/unit/test.h"

#include "api/schema.h"

struct inner {
	struct str name;
	int64_t n;
};

struct outer {
	struct str text, choice;
	struct secret secret;
	int64_t number;
	bool flag;
	struct uuid id;
	struct time_us at;
	struct inner inner;
	struct list_of list;
	struct raw_json raw;
};

static const struct field inner_fields[] = {
	{ MEMBER(struct inner, name), .flags = FIELD_REQUIRED, .max = 5, .doc = "Name." },
	{ MEMBER(struct inner, n), .doc = "Number." },
	{ 0 },
};
static const struct schema inner_schema = { "Inner", sizeof(struct inner), inner_fields, "Inner." };

static const char *const choices[] = { "red", "green", NULL };

static const struct field outer_fields[] = {
	{ MEMBER(struct outer, text), .flags = FIELD_REQUIRED | FIELD_NULLABLE, .min = 2, .max = 4,
	    .doc = "Text." },
	{ MEMBER(struct outer, choice), .choices = choices, .choice_nocase = true,
	    .doc = "Choice." },
	{ MEMBER(struct outer, secret), .flags = FIELD_OMIT, .max = 8, .doc = "Secret." },
	{ MEMBER(struct outer, number), .min = -1, .max = 10, .doc = "Number." },
	{ MEMBER(struct outer, flag), .doc = "Flag." },
	{ MEMBER(struct outer, id), .doc = "Id." },
	{ MEMBER_AS(struct outer, at, "when"), .doc = "When." },
	{ MEMBER_OBJECT(struct outer, inner), .sub = &inner_schema, .doc = "Inner." },
	{ MEMBER(struct outer, list), .sub = &inner_schema, .max = 2, .doc = "List." },
	{ MEMBER(struct outer, raw), .doc = "Raw." },
	{ 0 },
};
static const struct schema outer_schema = { "Outer", sizeof(struct outer), outer_fields, "Outer." };

struct fixture {
	struct request rq;
	struct outer out;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	request_init(&f->rq, NULL, NEVER_US);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	request_done(&f->rq);
	free(f);
	return 0;
}

static enum err decode(struct fixture *f, const char *text)
{
	const struct json *body = NULL;

	f->rq.field_errors = NULL;
	f->rq.field_errors_tail = &f->rq.field_errors;
	assert_int_equal(json_parse(f->rq.secrets, str_of(text), &body), OK);
	return schema_decode(&f->rq, &outer_schema, body, &f->out);
}

static void every_type_arrives(void **state)
{
	struct fixture *f = *state;
	const struct inner *items;

	assert_int_equal(
	    decode(f, "{\"text\":\"ab\",\"choice\":\"GREEN\",\"secret\":\"s3cret\",\"number\":7,"
		      "\"flag\":true,\"id\":\"01942f3c-4b5a-7c6d-8e7f-0123456789ab\","
		      "\"when\":\"2026-11-21T20:15:00Z\",\"inner\":{\"name\":\"x\",\"n\":3},"
		      "\"list\":[{\"name\":\"a\"},{\"name\":\"b\",\"n\":2}],\"raw\":{\"k\":[1]},"
		      "\"unknown\":1}"),
	    OK);
	assert_str(f->out.text, "ab");
	assert_str(f->out.choice, "green");
	assert_str(secret_reveal(f->out.secret), "s3cret");
	assert_int_equal(f->out.number, 7);
	assert_true(f->out.flag);
	assert_int_equal(f->out.id.b[15], 0xab);
	assert_true(f->out.at.us == INT64_C(1795292100) * US_PER_S);
	assert_str(f->out.inner.name, "x");
	assert_int_equal(f->out.inner.n, 3);
	assert_int_equal(f->out.list.n, 2);
	items = f->out.list.items;
	assert_str(items[1].name, "b");
	assert_int_equal(items[1].n, 2);
	assert_str(f->out.raw.text, "{\"k\":[1]}");
}

static void nothing_counts_as_absent(void **state)
{
	static const char *const absent[] = { "{}", "{\"text\":null}", "{\"text\":\"\"}",
		"{\"text\":\" \\t\\n\"}" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(absent); i++) {
		assert_int_equal(decode(f, absent[i]), ERR_VALIDATION_FAILED);
		assert_str(f->rq.field_errors->field, "text");
		assert_str(f->rq.field_errors->text, "This field is required.");
	}
	assert_int_equal(
	    decode(f, "{\"text\":\"ab\",\"number\":null,\"id\":\"\",\"inner\":null}"), OK);
	assert_int_equal(f->out.number, 0);
	assert_true(uuid_is_nil(f->out.id));
	assert_int_equal(
	    schema_decode(&f->rq, &outer_schema, NULL, &f->out), ERR_VALIDATION_FAILED);
}

static void each_fault_names_its_field(void **state)
{
	static const struct {
		const char *member, *field, *text;
	} cases[] = {
		{ "\"text\":1", "text", "This must be a string." },
		{ "\"text\":[]", "text", "This must be a string." },
		{ "\"text\":\"a\"", "text", "This must have at least 2 characters." },
		{ "\"text\":\"abcde\"", "text", "This must have at most 4 characters." },
		{ "\"text\":\"a\\u0000b\"", "text", "This must not contain a NUL character." },
		{ "\"choice\":\"blue\"", "choice", "This must be one of: red, green." },
		{ "\"secret\":true", "secret", "This must be a string." },
		{ "\"secret\":\"123456789\"", "secret", "This must have at most 8 characters." },
		{ "\"number\":\"7\"", "number", "This must be a whole number." },
		{ "\"number\":1.5", "number", "This must be a whole number." },
		{ "\"number\":-2", "number", "This must be -1 or more." },
		{ "\"number\":11", "number", "This must be 10 or less." },
		{ "\"flag\":1", "flag", "This must be true or false." },
		{ "\"id\":\"nope\"", "id", "This must be a UUID." },
		{ "\"when\":\"yesterday\"", "when",
		    "This must be a time such as 2026-11-21T20:15:00Z." },
		{ "\"inner\":[]", "inner", "This must be an object." },
		{ "\"inner\":{}", "inner.name", "This field is required." },
		{ "\"inner\":{\"name\":\"toolong\"}", "inner.name",
		    "This must have at most 5 characters." },
		{ "\"list\":{}", "list", "This must be a list." },
		{ "\"list\":[{\"name\":\"a\"},7]", "list.1", "This must be an object." },
		{ "\"list\":[{\"name\":\"a\"},{}]", "list.1.name", "This field is required." },
		{ "\"list\":[{},{},{}]", "list", "This must have at most 2 items." },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool has_text = strncmp(cases[i].member, "\"text\"", 6) == 0;
		struct str body = str_printf(
		    f->rq.arena, "{%s%s}", has_text ? "" : "\"text\":\"ab\",", cases[i].member);

		assert_int_equal(decode(f, body.ptr), ERR_VALIDATION_FAILED);
		assert_str(f->rq.field_errors->field, cases[i].field);
		assert_str(f->rq.field_errors->text, cases[i].text);
		assert_null(f->rq.field_errors->next);
	}
}

static void all_faults_are_told_at_once(void **state)
{
	struct fixture *f = *state;
	size_t n = 0;

	assert_int_equal(
	    decode(f, "{\"number\":\"x\",\"flag\":0,\"role\":\"admin\"}"), ERR_VALIDATION_FAILED);
	for (const struct field_error *e = f->rq.field_errors; e; e = e->next)
		n++;
	assert_int_equal(n, 4);
}

static void characters_are_counted_not_bytes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(decode(f, "{\"text\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}"), OK);
	assert_int_equal(
	    decode(f, "{\"text\":\"ab\",\"secret\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}"),
	    ERR_VALIDATION_FAILED);
}

static void a_body_is_an_object(void **state)
{
	static const char *const bodies[] = { "[]", "7", "\"text\"", "null", "true" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		assert_int_equal(decode(f, bodies[i]), ERR_VALIDATION_FAILED);
		assert_str(f->rq.field_errors->field, "non_field_errors");
		assert_str(f->rq.field_errors->text, "The body must be a JSON object.");
	}
}

static void privileges_are_refused_by_name(void **state)
{
	static const char *const refused[] = { "\"id\":\"x\"", "\"role\":\"admin\"",
		"\"is_staff\":true", "\"is_superuser\":1", "\"is_verified\":true",
		"\"is_active\":false", "\"permissions\":[]", "\"email_verified\":true",
		"\"auth_provider\":\"google\"", "\"is_staff\":\"yes\"" };
	static const char *const ignored[] = { "\"is_staff\":false", "\"is_active\":true",
		"\"role\":null", "\"role\":\" \"", "\"roles_of_mine\":7", "\"permissions\":null" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const struct schema *s = &inner_schema;
		struct str body = str_printf(f->rq.arena, "{\"name\":\"a\",%s}", refused[i]);
		const struct json *tree = NULL;
		struct inner out;

		assert_int_equal(json_parse(f->rq.secrets, body, &tree), OK);
		f->rq.field_errors = NULL;
		f->rq.field_errors_tail = &f->rq.field_errors;
		assert_int_equal(schema_decode(&f->rq, s, tree, &out), ERR_VALIDATION_FAILED);
		assert_true(str_starts(str_of(refused[i] + 1), f->rq.field_errors->field));
		assert_str(f->rq.field_errors->text, "This cannot be set here.");
	}
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
		struct str body = str_printf(f->rq.arena, "{\"text\":\"ab\",%s}", ignored[i]);

		assert_int_equal(decode(f, body.ptr), OK);
	}
	/* "id" is a field of this schema, so naming it is fine. */
	assert_int_equal(
	    decode(f, "{\"text\":\"ab\",\"id\":\"01942f3c-4b5a-7c6d-8e7f-0123456789ab\"}"), OK);
}

static struct str encode(struct fixture *f, const struct outer *value)
{
	struct json_writer w;
	struct buf out;

	buf_init(&out, f->rq.arena, 0);
	json_writer_init(&w, &out);
	schema_encode(&w, &outer_schema, value);
	return buf_str(&out);
}

static void every_type_leaves(void **state)
{
	struct fixture *f = *state;
	struct inner items[] = { { STR("a"), 1 }, { STR("b"), 2 } };
	const struct outer value = {
		.text = STR("h\"i"),
		.choice = STR("red"),
		.secret = secret_of(STR("token")),
		.number = -5,
		.flag = true,
		.id = { { 1 } },
		.at = { 1700000000 * US_PER_S },
		.inner = { STR("x"), 3 },
		.list = { items, 2 },
		.raw = { STR("[7]") },
	};

	assert_str(encode(f, &value),
	    "{\"text\":\"h\\\"i\",\"choice\":\"red\",\"secret\":\"token\",\"number\":-5,"
	    "\"flag\":true,\"id\":\"01000000-0000-0000-0000-000000000000\","
	    "\"when\":\"2023-11-14T22:13:20.000000Z\",\"inner\":{\"name\":\"x\",\"n\":3},"
	    "\"list\":[{\"name\":\"a\",\"n\":1},{\"name\":\"b\",\"n\":2}],\"raw\":[7]}");
}

static void empty_values_leave_as_they_are_declared(void **state)
{
	struct fixture *f = *state;

	assert_str(encode(f, &(struct outer){ .number = 0 }),
	    "{\"text\":null,\"choice\":\"\",\"number\":0,\"flag\":false,"
	    "\"id\":\"00000000-0000-0000-0000-000000000000\",\"when\":null,"
	    "\"inner\":{\"name\":\"\",\"n\":0},\"list\":[],\"raw\":null}");
}

static void secrets_are_known_through_every_level(void **state)
{
	static const struct field wrapper_fields[] = {
		{ .name = "outer", .type = FIELD_OBJECT, .sub = &outer_schema, .doc = "Outer." },
		{ 0 },
	};
	static const struct schema wrapper = { "Wrapper", sizeof(struct outer), wrapper_fields,
		"Wrapper." };

	(void)state;
	assert_true(schema_has_secret(&outer_schema));
	assert_true(schema_has_secret(&wrapper));
	assert_false(schema_has_secret(&inner_schema));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_type_arrives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_counts_as_absent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_fault_names_its_field, set_up, tear_down),
		cmocka_unit_test_setup_teardown(all_faults_are_told_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    characters_are_counted_not_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_body_is_an_object, set_up, tear_down),
		cmocka_unit_test_setup_teardown(privileges_are_refused_by_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_type_leaves, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    empty_values_leave_as_they_are_declared, set_up, tear_down),
		cmocka_unit_test(secrets_are_known_through_every_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
