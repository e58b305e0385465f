/* Every form a body may come in, judged by one schema: through api_handle() to the fake services.
 */
#include "tests/unit/api/harness.h"

#define REGISTER "/api/v1/auth/register/"
#define FORM "Content-Type: application/x-www-form-urlencoded\n"
#define MULTIPART "Content-Type: multipart/form-data; boundary=xx\n"

static struct api *api;

static int set_up(void **state)
{
	(void)state;
	api = api_for_test(&(struct api_config){
	    .abort_on_undeclared = true,
	    .cors_origins = STR("https://shop.example"),
	    .public_url = STR("https://id.example/"),
	});
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_free(&api);
	return 0;
}

/* Run one and keep its status and code. */
static int post(const char *path, const char *headers, const char *body, char code[64])
{
	struct exchange x;
	int status;

	fake_reset();
	exchange_run(
	    api, &(struct exchange_in){ .path = path, .headers = headers, .body = body }, &x);
	status = x.reply.status;
	snprintf(code, 64, "%.*s", STR_ARG(reply_text(&x, "code")));
	exchange_done(&x);
	return status;
}

static void expect(const char *headers, const char *body, int status, const char *code)
{
	char found[64];

	if (post(REGISTER, headers, body, found) != status || strcmp(found, code) != 0)
		print_error("%s%s\n", headers ? headers : "", body);
	assert_int_equal(post(REGISTER, headers, body, found), status);
	assert_string_equal(found, code);
}

static void json_arrives(void **state)
{
	(void)state;
	expect(NULL,
	    "{\"email\":\"ada@example.com\",\"password\":\"p\xc3\xa4ss word\",\"role\":\"VENDOR\","
	    "\"consents\":[{\"document\":\"terms\",\"version\":\"1\"},"
	    "{\"document\":\"privacy\",\"version\":\"2\"}]}",
	    201, "");
	assert_string_equal(fake.identifier, "ada@example.com");
	assert_string_equal(fake.password, "p\xc3\xa4ss word");
	assert_string_equal(fake.role, "vendor");
	assert_int_equal(fake.n_consents, 2);
	assert_string_equal(fake.consent, "privacy");
}

static void content_types_are_a_short_list(void **state)
{
	static const char *const good[] = { "application/json", "Application/JSON",
		"application/json; charset=utf-8", "application/json;charset=\"UTF-8\"",
		"application/json ; x=y" };
	static const char *const bad[] = { "text/plain", "text/plain;charset=utf-8", "text/json",
		"application/json;charset=utf-16", "application/jsonp", "application/xml", "*/*",
		"multipart/form-data", "multipart/mixed; boundary=x", ";", "x" };
	char line[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		snprintf(line, sizeof(line), "Content-Type: %s\n", good[i]);
		expect(line, "{\"email\":\"a@b.c\",\"password\":\"secret pass\"}", 201, "");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(line, sizeof(line), "Content-Type: %s\n", bad[i]);
		expect(line, "{\"email\":\"a@b.c\",\"password\":\"secret pass\"}", 415,
		    "unsupported_media_type");
		assert_int_equal(fake.calls, 0);
	}
	expect("Content-Type: application/json\nContent-Encoding: gzip\n", "{}", 415,
	    "unsupported_media_type");
	expect("Content-Type: \n", "{}", 415, "unsupported_media_type");
}

static void broken_json_is_named(void **state)
{
	static const char *const broken[] = { "{", "{\"email\":}",
		"{\"email\":\"a\",\"email\":\"b\"}", "{\"email\":\"\xff\"}", "{}x",
		"{\"a\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}", " " };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		expect(NULL, broken[i], 400, "malformed_json");
		assert_int_equal(fake.calls, 0);
	}
}

static void no_body_is_an_empty_object(void **state)
{
	struct exchange x;

	(void)state;
	fake_reset();
	exchange_run(api, &(struct exchange_in){ .method = "POST", .path = REGISTER }, &x);
	assert_int_equal(x.reply.status, 400);
	assert_str(reply_text(&x, "code"), "validation_failed");
	assert_str(reply_error(&x, "password"), "This field is required.");
	assert_int_equal(fake.calls, 0);
	exchange_done(&x);
}

static void forms_arrive(void **state)
{
	(void)state;
	expect(FORM, "email=ada%40example.com&password=a+b%2Bc%26%3D%c3%A4&role=Client&x", 201, "");
	assert_string_equal(fake.identifier, "ada@example.com");
	assert_string_equal(fake.password, "a b+c&=\xc3\xa4");
	assert_string_equal(fake.role, "client");
	expect(FORM "X: y\n", "&&email=a%40b.c&password=12345678&", 201, "");
	expect("Content-Type: application/x-www-form-urlencoded;charset=utf-8\n",
	    "email=a%40b.c&password=\"quoted\\", 201, "");
	assert_string_equal(fake.password, "\"quoted\\");
}

static void broken_forms_are_refused(void **state)
{
	static const char *const broken[] = { "email=%", "email=%4", "email=%zz&password=x",
		"email=%ff&password=x", "%ff=1", "email=a&email=b", "%=1", "a%00b=1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		expect(FORM, broken[i], 400, "malformed_json");
		assert_int_equal(fake.calls, 0);
	}
	expect(FORM, "email=a%40b.c&password=a%00b", 400, "validation_failed");
	expect(FORM, "email=a%40b.c&password=12345678&is_staff=true", 400, "validation_failed");
	expect(FORM, "email=a%40b.c&password=12345678&consents=yes", 400, "validation_failed");
}

static void parts_arrive(void **state)
{
	(void)state;
	expect(MULTIPART,
	    "preamble\r\n--xx\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\n"
	    "ada@example.com\r\n--xx\r\ncontent-disposition: form-data; name=\"password\"\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\nline\r\n\"two\" %41\r\n--xx--\r\n",
	    201, "");
	assert_string_equal(fake.identifier, "ada@example.com");
	assert_string_equal(fake.password, "line\r\n\"two\" %41");
	expect("Content-Type: multipart/form-data; boundary=\"a b\"\n",
	    "--a b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nx\r\n"
	    "--a b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\ny\r\n--a b--",
	    201, "");
}

static void broken_parts_are_refused(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *code;
	} cases[] = {
		{ "no boundary", 400, "malformed_json" },
		{ "--xx", 400, "malformed_json" },
		{ "--xx\r\n\r\nno name\r\n--xx--", 400, "malformed_json" },
		{ "--xx\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nnever ends", 400,
		    "malformed_json" },
		{ "--xx\r\nContent-Disposition: attachment; name=\"email\"\r\n\r\nx\r\n--xx--", 400,
		    "malformed_json" },
		{ "--xx\r\nContent-Disposition: form-data; name=\"email\"; filename=\"x\"\r\n\r\nx"
		  "\r\n--xx--",
		    415, "unsupported_media_type" },
		{ "--xx\r\nContent-Disposition: form-data; name=\"email\"\r\n"
		  "Content-Type: image/png\r\n\r\nx\r\n--xx--",
		    415, "unsupported_media_type" },
		{ "--xx\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\n\xff\r\n--xx--",
		    400, "malformed_json" },
		{ "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xx\r\n"
		  "Content-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n--xx--",
		    400, "malformed_json" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		expect(MULTIPART, cases[i].body, cases[i].status, cases[i].code);
		assert_int_equal(fake.calls, 0);
	}
}

static void forms_come_from_listed_origins_only(void **state)
{
	static const char form[] = "email=a%40b.c&password=12345678";

	(void)state;
	expect(FORM "Origin: https://shop.example\n", form, 201, "");
	expect(FORM "Origin: https://id.example\n", form, 201, "");
	expect(FORM "Origin: https://evil.example\n", form, 415, "unsupported_media_type");
	expect(FORM "Origin: null\n", form, 415, "unsupported_media_type");
	expect(FORM "Origin: \n", form, 415, "unsupported_media_type");
	assert_int_equal(fake.calls, 0);
	/* JSON from anywhere: a browser asks before it sends that. */
	expect("Origin: https://evil.example\nContent-Type: application/json\n",
	    "{\"email\":\"a@b.c\",\"password\":\"12345678\"}", 201, "");
}

/* A form knows only text; the schema says what it means. */
static void forms_are_typed_by_the_schema(void **state)
{
	struct typed {
		bool flag;
		int64_t number;
		struct str text;
	};
	static const struct field fields[] = {
		{ MEMBER(struct typed, flag), .doc = "Flag." },
		{ MEMBER(struct typed, number), .doc = "Number." },
		{ MEMBER(struct typed, text), .doc = "Text." },
		{ 0 },
	};
	static const struct schema schema = { "Typed", sizeof(struct typed), fields, "Typed." };
	static const struct {
		const char *form, *json;
	} cases[] = {
		{ "flag=true&number=12&text=12", "{\"flag\":true,\"number\":12,\"text\":\"12\"}" },
		{ "flag=0&number=-1&text=true",
		    "{\"flag\":false,\"number\":-1,\"text\":\"true\"}" },
		{ "flag=maybe&number=1.5", "{\"flag\":\"maybe\",\"number\":\"1.5\"}" },
		{ "flag&number=", "{\"flag\":\"\",\"number\":\"\"}" },
		{ "", "{}" },
	};
	struct arena *a = arena_new(ARENA_PLAIN, 0);
	struct str json;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(form_urlencoded(a, str_of(cases[i].form), &schema, &json), OK);
		assert_str(json, cases[i].json);
	}
	arena_free(&a);
}

static void passwords_sent_twice_must_match(void **state)
{
	struct exchange x;

	(void)state;
	expect(NULL,
	    "{\"email\":\"a@b.c\",\"password\":\"12345678\",\"password2\":\"12345678\","
	    "\"confirm_password\":\"12345678\"}",
	    201, "");
	expect(NULL, "{\"email\":\"a@b.c\",\"password\":\"12345678\",\"password2\":\"\"}", 201, "");
	fake_reset();
	exchange_run(api,
	    &(struct exchange_in){ .path = REGISTER,
		.body = "{\"email\":\"a@b.c\",\"password\":\"12345678\","
			"\"password2\":\"12345679\",\"confirm_password\":\"1\"}" },
	    &x);
	assert_int_equal(x.reply.status, 400);
	assert_str(reply_error(&x, "password2"), "The two passwords must be the same.");
	assert_str(reply_error(&x, "confirm_password"), "The two passwords must be the same.");
	assert_int_equal(fake.calls, 0);
	exchange_done(&x);
}

static void a_code_has_one_target(void **state)
{
	static const char *const bad[] = { "{\"otp\":\"123456\"}",
		"{\"otp\":\"123456\",\"email_or_phone\":\"a@b.c\","
		"\"flow_id\":\"01942f3c-4b5a-7c6d-8e7f-0123456789ab\"}" };
	struct exchange x;
	char code[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		fake_reset();
		exchange_run(
		    api, &(struct exchange_in){ .path = "/auth/verify-otp/", .body = bad[i] }, &x);
		assert_int_equal(x.reply.status, 400);
		assert_true(reply_has(&x, "errors", "flow_id"));
		assert_true(reply_has(&x, "errors", "email_or_phone"));
		assert_int_equal(fake.calls, 0);
		exchange_done(&x);
	}
	assert_int_equal(post("/auth/verify-otp/", NULL,
			     "{\"otp\":\"012345\",\"email_or_phone\":\"a@b.c\"}", code),
	    200);
	assert_false(fake.has_flow);
	assert_string_equal(fake.password, "012345");
	assert_int_equal(post("/auth/resend-otp/", NULL,
			     "{\"flow_id\":\"01942f3c-4b5a-7c6d-8e7f-0123456789ab\"}", code),
	    200);
	assert_true(fake.has_flow);
	assert_int_equal(
	    post("/auth/resend-otp/", NULL, "{\"flow_id\":\"not a uuid\"}", code), 400);
	assert_int_equal(
	    post("/auth/verify-otp/", NULL, "{\"otp\":123456,\"email_or_phone\":\"a@b.c\"}", code),
	    400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_arrives),
		cmocka_unit_test(content_types_are_a_short_list),
		cmocka_unit_test(broken_json_is_named),
		cmocka_unit_test(no_body_is_an_empty_object),
		cmocka_unit_test(forms_arrive),
		cmocka_unit_test(broken_forms_are_refused),
		cmocka_unit_test(parts_arrive),
		cmocka_unit_test(broken_parts_are_refused),
		cmocka_unit_test(forms_come_from_listed_origins_only),
		cmocka_unit_test(forms_are_typed_by_the_schema),
		cmocka_unit_test(passwords_sent_twice_must_match),
		cmocka_unit_test(a_code_has_one_target),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
