#include "tests/unit/test.h"

#include "api/api_priv.h"

struct body {
	struct str name;
	int64_t n;
};

static const struct field good_fields[] = {
	{ MEMBER(struct body, name), .flags = FIELD_REQUIRED, .doc = "Name." },
	{ MEMBER(struct body, n), .doc = "Number." },
	{ 0 },
};
static const struct schema good_schema = { "Good", sizeof(struct body), good_fields, "Good." };

static enum err handler(struct request *rq, const void *in, void *ret_out)
{
	(void)rq;
	(void)in;
	(void)ret_out;
	return OK;
}

static void raw(
    struct api *api, struct request *rq, const struct api_request *in, struct api_reply *ret)
{
	(void)api;
	(void)rq;
	(void)in;
	(void)ret;
}

static const struct route good = {
	.method = METHOD_POST,
	.path = "good/",
	.operation = "good",
	.tag = "Tag",
	.summary = "Summary",
	.doc = "Doc.",
	.auth = AUTH_BEARER,
	.success = 200,
	.message = TEXT_OK,
	.body = &good_schema,
	.handler = handler,
};

static struct arena *arena;
static struct str problems[32];

static size_t check(const struct route *rows)
{
	const struct route *const lists[] = { rows, NULL };

	return route_lists_check(lists, arena, problems, ARRAY_LEN(problems));
}

/* One mistake in an otherwise good row is one sentence, and that sentence. */
static void expect(struct route row, const char *sentence)
{
	const struct route rows[] = { row, { 0 } };
	size_t n = check(rows);

	if (n != 1)
		print_error("%zu problems, want \"%s\"\n", n, sentence);
	assert_int_equal(n, 1);
	assert_true(str_starts(problems[0], STR("route ")));
	assert_str(str_from(problems[0], (size_t)str_find(problems[0], ':') + 2), sentence);
}

#define EXPECT(change, sentence)          \
	do {                              \
		struct route row_ = good; \
                                          \
		change;                   \
		expect(row_, sentence);   \
	} while (0)

static void the_real_tables_are_right(void **state)
{
	size_t n = route_table_check(arena, problems, ARRAY_LEN(problems));

	(void)state;
	for (size_t i = 0; i < n; i++)
		print_error("%.*s\n", STR_ARG(problems[i]));
	assert_int_equal(n, 0);
	assert_true(route_count() >= 14);
}

static void a_good_row_is_good(void **state)
{
	const struct route rows[] = { good, { 0 } };

	(void)state;
	assert_int_equal(check(rows), 0);
}

static void mistakes_in_a_row_are_found(void **state)
{
	static const enum err twice[] = { ERR_CONFLICT, ERR_CONFLICT, OK };
	static const enum err wild[] = { (enum err)ERR_COUNT, OK };
	static const struct route_example broken[] = { { "x", "{", NULL }, { 0 } };
	static const struct field outside = { .name = "x", .type = FIELD_UUID, .offset = 16 };
	static const struct field list[] = {
		{ .name = "list", .type = FIELD_LIST, .sub = &good_schema, .doc = "List." }, { 0 }
	};
	static const struct schema listing = { "Listing", sizeof(struct body), list, "Listing." };

	(void)state;
	EXPECT(row_.operation = NULL, "it has no operation id");
	EXPECT(row_.summary = " ", "tag, summary and doc must say something");
	EXPECT(row_.doc = NULL, "tag, summary and doc must say something");
	EXPECT(row_.tag = "", "tag, summary and doc must say something");
	EXPECT(row_.message = TEXT_NONE, "its success has no message");
	EXPECT(row_.success = 404, "its success is no 2xx");
	EXPECT(row_.path = "/good/", "a versioned path starts without a slash and ends with one");
	EXPECT(row_.path = "good", "a versioned path starts without a slash and ends with one");
	EXPECT(row_.mount = MOUNT_ROOT, "a path of its own starts with a slash");
	EXPECT(row_.legacy = "/auth/good", "a legacy alias starts and ends with a slash");
	EXPECT((row_.mount = MOUNT_ROOT, row_.path = "/x", row_.legacy = "/y/"),
	    "only a versioned route has a legacy alias");
	EXPECT((row_.method = METHOD_OPTIONS, row_.body = NULL),
	    "this method is answered by the matcher");
	EXPECT(row_.auth = AUTH_NONE, "AUTH_NONE, but not on the list of routes open to anyone");
	EXPECT(row_.handler = NULL, "it needs either a handler or a raw one");
	EXPECT(
	    (row_.raw = raw, row_.media = "text/html"), "it needs either a handler or a raw one");
	EXPECT((row_.raw = raw, row_.handler = NULL),
	    "a raw reply says what it sends: .reply or .media");
	EXPECT(row_.is_inline = true, "answered on the loop, yet a gate may park it");
	EXPECT(row_.method = METHOD_GET, "this method takes no body");
	EXPECT((row_.method = METHOD_PUT, row_.uniform = true), "only a POST is uniform");
	EXPECT((row_.auth = AUTH_OPTIONAL, row_.permission = PERM_USERS_READ),
	    "a permission needs somebody who is signed in");
	EXPECT(row_.path = "staff/good/", "a route under staff/ names the permission it takes");
	EXPECT(row_.errors = twice, "it declares conflict twice");
	EXPECT(row_.errors = wild, "it declares an error that does not exist");
	EXPECT(row_.success = 204, "a 204 says nothing");
	EXPECT(row_.query = &good_schema, "a handler is given a body or a query, not both");
	EXPECT(row_.path = "good/{name}/", "its handler is not given the segment of its path");
	EXPECT(row_.param = &good_fields[0], "its path has no {name}");
	EXPECT((row_.path = "good/{x}/", row_.param = &good_fields[0]), "its path has no {name}");
	EXPECT((row_.path = "good/{n}/", row_.param = &good_fields[1]),
	    "n: a segment is a UUID or a text");
	EXPECT(
	    (row_.path = "good/{x}/", row_.param = &outside), "x lies outside the struct of Good");
	EXPECT((row_.body = NULL, row_.query = &listing), "Listing.list does not fit into a query");
	EXPECT(
	    (row_.versioned = true, row_.raw = raw, row_.handler = NULL, row_.media = "text/html"),
	    "a raw handler writes its own ETag");
	EXPECT(row_.error_reply.schema = &good_schema, "an error reply has an error and a schema");
	EXPECT((row_.error_reply = (struct error_reply){ ERR_CONFLICT, &good_schema }),
	    "the error of its error reply is not declared");
	EXPECT(row_.examples = broken, "the request of example x is no JSON");
}

static void two_rows_do_not_share(void **state)
{
	struct route first = good, second = good;
	const struct route *rows;

	(void)state;
	second.operation = "second";
	rows = (const struct route[]){ good, second, { 0 } };
	assert_int_equal(check(rows), 1);
	assert_str(problems[0], "route second: its method and path are taken by good");
	second.path = "second/";
	second.operation = "good";
	rows = (const struct route[]){ good, second, { 0 } };
	assert_int_equal(check(rows), 1);
	assert_str(problems[0], "route good: its operation id is not its own");
	second.operation = "second";
	second.legacy = "/auth/x/";
	first.legacy = "/auth/x/";
	rows = (const struct route[]){ first, second, { 0 } };
	assert_int_equal(check(rows), 1);
	assert_str(problems[0], "route second: its method and path are taken by good");
}

static void expect_field(struct field first, struct field second, const char *sentence)
{
	const struct field fields[] = { first, second, { 0 } };
	const struct schema schema = { "Bad", sizeof(struct body), fields, "Bad." };

	EXPECT(row_.body = &schema, sentence);
}

static void mistakes_in_a_schema_are_found(void **state)
{
	static const struct field role[] = {
		{ MEMBER_AS(struct body, name, "role"), .doc = "Role." }, { 0 }
	};
	static const struct schema empty = { "Empty", 1, &good_fields[2], "Empty." };
	static const struct schema nameless = { NULL, sizeof(struct body), good_fields, "Doc." };
	static const struct schema with_role = { "Role", sizeof(struct body), role, "Role." };

	(void)state;
	expect_field(good_fields[0], (struct field){ MEMBER(struct body, n) }, "Bad.n has no doc");
	expect_field(good_fields[0], good_fields[0], "Bad.name is there twice");
	expect_field(good_fields[0],
	    (struct field){ MEMBER(struct body, n), .doc = "N.", .min = 3, .max = 2 },
	    "Bad.n: max is below min");
	expect_field(good_fields[0],
	    (struct field){ .name = "x", .doc = "X.", .type = FIELD_SECRET, .offset = 16 },
	    "Bad.x lies outside its struct");
	expect_field(good_fields[0],
	    (struct field){ .name = "x", .doc = "X.", .type = FIELD_LIST, .offset = 0 },
	    "Bad.x has no schema of its own");
	expect_field(good_fields[0],
	    (struct field){ MEMBER(struct body, n), .doc = "N.",
		.choices = (const char *const[]){ "a", NULL } },
	    "Bad.n: only text has choices");
	expect_field(good_fields[0],
	    (struct field){ MEMBER(struct body, n), .doc = "N.", .flags = FIELD_CLEARABLE },
	    "Bad.n: only text can be cleared");
	expect_field(good_fields[1],
	    (struct field){ MEMBER(struct body, name), .doc = "Name.",
		.flags = FIELD_CLEARABLE | FIELD_REQUIRED },
	    "Bad.name is required, and yet can be cleared");
	EXPECT(row_.body = &empty, "Empty has 0 fields; 1 to 32 are fine");
	EXPECT(row_.body = &nameless, "a schema needs a name and a doc");
	EXPECT(row_.body = &with_role, "role is privileged; say FIELD_PRIVILEGED if it is meant");
}

static void an_endless_schema_is_found(void **state)
{
	static struct field fields[2];
	static const struct schema loop = { "Loop", sizeof(struct body), fields, "Loop." };

	(void)state;
	fields[0] = (struct field){ .name = "x", .doc = "X.", .type = FIELD_OBJECT, .sub = &loop };
	EXPECT(row_.body = &loop, "Loop nests too deep");
}

static void errors_are_declared_or_implied(void **state)
{
	static const enum err declared[] = { ERR_CONFLICT, OK };
	struct route row = good;

	(void)state;
	row.errors = declared;
	row.throttle = THROTTLE_SUSTAINED;
	assert_true(route_may_return(&row, ERR_CONFLICT));
	assert_true(route_may_return(&row, ERR_INTERNAL));
	assert_true(route_may_return(&row, ERR_OVERLOADED));
	assert_true(route_may_return(&row, ERR_THROTTLED));
	assert_true(route_may_return(&row, ERR_TOKEN_EXPIRED));
	assert_true(route_may_return(&row, ERR_MALFORMED_JSON));
	assert_true(route_may_return(&row, ERR_VALIDATION_FAILED));
	assert_false(route_may_return(&row, ERR_OTP_INVALID));
	assert_false(route_may_return(&row, ERR_NOT_FOUND));
	assert_false(route_may_return(&row, ERR_PRECONDITION_FAILED));
	row.param = &good_fields[0];
	row.versioned = true;
	assert_true(route_may_return(&row, ERR_NOT_FOUND));
	assert_true(route_may_return(&row, ERR_PRECONDITION_FAILED));
	row.throttle = THROTTLE_NONE;
	row.auth = AUTH_OPTIONAL;
	row.body = NULL;
	assert_false(route_may_return(&row, ERR_THROTTLED));
	assert_false(route_may_return(&row, ERR_TOKEN_MISSING));
	assert_true(route_may_return(&row, ERR_TOKEN_INVALID));
	assert_false(route_may_return(&row, ERR_MALFORMED_JSON));
	row.auth = AUTH_NONE;
	assert_false(route_may_return(&row, ERR_TOKEN_INVALID));
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_real_tables_are_right),
		cmocka_unit_test(a_good_row_is_good),
		cmocka_unit_test(mistakes_in_a_row_are_found),
		cmocka_unit_test(two_rows_do_not_share),
		cmocka_unit_test(mistakes_in_a_schema_are_found),
		cmocka_unit_test(an_endless_schema_is_found),
		cmocka_unit_test(errors_are_declared_or_implied),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
