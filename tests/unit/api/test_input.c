/* What a row may ask of a call besides its body: a segment, a query, a version. The rows are the
 * test's own. */
#include "tests/unit/api/harness.h"

#include "api/tables.h"

#define SOME_ID "01942f3c-4b5a-7c6d-8e7f-0123456789ab"

/* --- a list: query, cursor --- */

struct shelf_query {
	struct page page;
	struct str role;
	bool full;
	struct time_us since;
};

static const struct field shelf_query_fields[] = {
	PAGE_FIELDS(struct shelf_query, page),
	{ MEMBER(struct shelf_query, role), .max = 10, .doc = "Whose." },
	{ MEMBER(struct shelf_query, full), .doc = "Only full ones." },
	{ MEMBER(struct shelf_query, since), .doc = "Since when." },
	{ 0 },
};
static const struct schema shelf_query_schema = {
	.name = "ShelfQuery",
	.size = sizeof(struct shelf_query),
	.fields = shelf_query_fields,
	.doc = "Which shelves.",
};

struct shelf {
	struct uuid id;
	struct str name, note;
	struct texts tags;
};

static const struct field shelf_fields[] = {
	{ MEMBER(struct shelf, id), .doc = "Its id." },
	{ MEMBER(struct shelf, name), .doc = "Its name." },
	{ MEMBER(struct shelf, note), .flags = FIELD_NULLABLE, .doc = "About it." },
	{ MEMBER(struct shelf, tags), .example = "oak", .doc = "More about it." },
	{ 0 },
};
static const struct schema shelf_schema = {
	.name = "Shelf",
	.size = sizeof(struct shelf),
	.fields = shelf_fields,
	.doc = "A shelf.",
};

struct shelves_reply {
	struct list_of items;
	struct page_key next;
};

static const struct field shelves_fields[] = {
	LIST_FIELDS(struct shelves_reply, items, next, &shelf_schema),
	{ 0 },
};
static const struct schema shelves_schema = {
	.name = "Shelves",
	.size = sizeof(struct shelves_reply),
	.fields = shelves_fields,
	.doc = "Shelves.",
};

static struct shelf_query asked;
static struct arena *kept; /* outlives the request */

static enum err shelves_get(struct request *rq, const void *in, void *ret_out)
{
	const struct shelf_query *query = in;
	struct shelves_reply *reply = ret_out;

	asked = *query;
	asked.role = str_dup(kept, query->role);
	reply->items = (struct list_of){ ARENA_NEW(rq->arena, struct shelf), 1 };
	if (page_key_is_start(query->page.after)) {
		reply->next.n = 7;
		assert_true(uuid_parse(STR(SOME_ID), &reply->next.id));
	}
	return OK;
}

/* --- one of them: segment, merge patch, version --- */

struct shelf_patch {
	struct uuid id;
	struct str name, note;
	struct texts tags;
};

static const struct field shelf_patch_fields[] = {
	{ MEMBER(struct shelf_patch, name), .max = 10, .doc = "New name." },
	{ MEMBER(struct shelf_patch, note), .flags = FIELD_CLEARABLE, .doc = "New note." },
	{ MEMBER(struct shelf_patch, tags), .flags = FIELD_CLEARABLE, .max = 2,
	    .doc = "New tags." },
	{ 0 },
};
static const struct schema shelf_patch_schema = {
	.name = "ShelfPatch",
	.size = sizeof(struct shelf_patch),
	.fields = shelf_patch_fields,
	.doc = "What to change.",
};

static struct shelf_patch patch;
static bool accepted;

static enum err shelf_patch(struct request *rq, const void *in, void *ret_out)
{
	struct shelf *reply = ret_out;

	patch = *(const struct shelf_patch *)in;
	accepted = request_accepts(rq, 0x2a);
	if (!accepted)
		return fault(rq, ERR_PRECONDITION_FAILED, "not this version");
	rq->version = 0x2b;
	reply->id = patch.id;
	return OK;
}

static struct uuid burnt;

static enum err shelf_delete(struct request *rq, const void *in, void *ret_out)
{
	(void)rq;
	(void)ret_out;
	burnt = *(const struct uuid *)in;
	return OK;
}

struct kind_path {
	struct str kind;
};

static enum err kind_get(struct request *rq, const void *in, void *ret_out)
{
	const struct kind_path *path = in;
	struct shelf *reply = ret_out;

	(void)rq;
	reply->name = path->kind;
	return OK;
}

#define ROW .tag = "Shelves", .summary = "Shelves", .doc = "Shelves.", .auth = AUTH_BEARER

static const struct route rows[] = {
	{ ROW, .method = METHOD_GET, .path = "shelves/", .operation = "shelves", .success = 200,
	    .message = TEXT_OK, .query = &shelf_query_schema, .reply = &shelves_schema,
	    .handler = shelves_get },
	{ ROW, .method = METHOD_PATCH, .path = "shelves/{id}/", .operation = "shelf_patch",
	    .success = 200, .message = TEXT_OK, .body = &shelf_patch_schema,
	    .param = &(const struct field){ MEMBER(struct shelf_patch, id), .doc = "Which." },
	    .versioned = true, .reply = &shelf_schema, .handler = shelf_patch },
	{ ROW, .method = METHOD_DELETE, .path = "shelves/{id}/", .operation = "shelf_delete",
	    .success = 204,
	    .param = &(const struct field){ .name = "id", .type = FIELD_UUID, .doc = "Which." },
	    .handler = shelf_delete },
	{ ROW, .method = METHOD_GET, .path = "shelves/kinds/{kind}/", .operation = "shelf_kind",
	    .success = 200, .message = TEXT_OK, .reply = &shelf_schema,
	    .param = &(const struct field){ MEMBER(struct kind_path, kind), .max = 5,
		.doc = "Which kind." },
	    .handler = kind_get },
	{ 0 },
};

/* Instead of the server's: the linker takes the first it meets. */
const struct route *const route_lists[] = { rows, NULL };

static struct api *api;

static int set_up(void **state)
{
	(void)state;
	kept = arena_new(ARENA_PLAIN, 0);
	api = api_for_test(NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_free(&api);
	arena_free(&kept);
	return 0;
}

static void run(
    const char *method, const char *path, const char *more, const char *body, struct exchange *x)
{
	char headers[256];

	snprintf(headers, sizeof(headers), "Authorization: Bearer x%s%s", more ? "\n" : "",
	    more ? more : "");
	exchange_run(api, &(struct exchange_in){ method, path, headers, body, NULL }, x);
}

static void the_rows_are_right(void **state)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct str problems[8];
	size_t n = route_table_check(arena, problems, ARRAY_LEN(problems));

	(void)state;
	for (size_t i = 0; i < n; i++)
		print_error("%.*s\n", STR_ARG(problems[i]));
	assert_int_equal(n, 0);
	arena_free(&arena);
}

static void a_query_is_decoded(void **state)
{
	struct exchange x;

	(void)state;
	run("GET", "/api/v1/shelves/", NULL, NULL, &x);
	assert_int_equal(x.reply.status, 200);
	assert_int_equal(page_limit(&asked.page), PAGE_USUAL);
	assert_true(page_key_is_start(asked.page.after));
	exchange_done(&x);
	/* A role may be asked for here; what nobody knows is nobody's business. */
	run("GET",
	    "/api/v2/shelves?role=vendor+a&full=1&limit=3&since=2026-11-21T20:15:00Z&page=2&x=%zz",
	    NULL, NULL, &x);
	assert_int_equal(x.reply.status, 200);
	assert_str(asked.role, "vendor a");
	assert_true(asked.full);
	assert_int_equal(asked.page.limit, 3);
	assert_true(asked.since.us == INT64_C(1795292100000000));
	exchange_done(&x);
}

static void a_bad_query_names_its_parameter(void **state)
{
	static const struct {
		const char *query, *field;
	} cases[] = {
		{ "limit=0x", "limit" },
		{ "limit=201", "limit" },
		{ "limit=-1", "limit" },
		{ "full=maybe", "full" },
		{ "since=yesterday", "since" },
		{ "role=%00", "role" },
		{ "role=abcdefghijk", "role" },
		{ "cursor=AAAA", "cursor" },
		{ "cursor=!", "cursor" },
		{ "role=a&role=b", "non_field_errors" },
		{ "role=%ff", "non_field_errors" },
		{ "role=%f", "non_field_errors" },
	};
	struct exchange x;
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(path, sizeof(path), "/api/v1/shelves/?%s", cases[i].query);
		run("GET", path, NULL, NULL, &x);
		assert_int_equal(x.reply.status, 400);
		assert_str(reply_text(&x, "code"), "validation_failed");
		assert_false(str_empty(reply_error(&x, cases[i].field)));
		exchange_done(&x);
	}
}

static void a_cursor_comes_back_as_it_went(void **state)
{
	struct exchange x;
	char path[128];

	(void)state;
	run("GET", "/api/v1/shelves/", NULL, NULL, &x);
	snprintf(path, sizeof(path), "/api/v1/shelves/?cursor=%.*s",
	    STR_ARG(reply_text(&x, "data", "next_cursor")));
	exchange_done(&x);
	run("GET", path, NULL, NULL, &x);
	assert_int_equal(x.reply.status, 200);
	assert_int_equal(asked.page.after.n, 7);
	assert_int_equal(asked.page.after.id.b[15], 0xab);
	assert_false(reply_has(&x, "data", "next_cursor"));
	exchange_done(&x);
}

static void a_segment_is_given_to_the_handler(void **state)
{
	static const char *const nowhere[] = { "/api/v1/shelves/1/", "/api/v1/shelves/x/",
		"/api/v1/shelves/" SOME_ID "0/", "/api/v1/shelves/%00/" };
	struct exchange x;

	(void)state;
	run("DELETE", "/api/v1/shelves/" SOME_ID "/", NULL, NULL, &x);
	assert_int_equal(x.reply.status, 204);
	assert_true(str_empty(x.reply.body));
	assert_true(str_empty(x.reply.content_type));
	assert_int_equal(burnt.b[15], 0xab);
	exchange_done(&x);
	for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
		run("DELETE", nowhere[i], NULL, NULL, &x);
		assert_int_equal(x.reply.status, 404);
		assert_str(reply_text(&x, "code"), "not_found");
		assert_false(reply_has(&x, "errors"));
		exchange_done(&x);
	}
	run("GET", "/api/v1/shelves/kinds/%C3%B6l+/", NULL, NULL, &x);
	assert_str(reply_text(&x, "data", "name"), "\xc3\xb6l+");
	exchange_done(&x);
	run("GET", "/api/v1/shelves/kinds/abcdef/", NULL, NULL, &x);
	assert_int_equal(x.reply.status, 404);
	exchange_done(&x);
}

static void a_patch_tells_absent_from_cleared(void **state)
{
	static const char *const cleared[] = { "null", "\"\"", "\" \"" };
	struct exchange x;
	char body[64];

	(void)state;
	run("PATCH", "/api/v1/shelves/" SOME_ID "/", NULL, "{}", &x);
	assert_int_equal(x.reply.status, 200);
	assert_null(patch.note.ptr);
	assert_null(patch.tags.items);
	assert_int_equal(patch.id.b[15], 0xab);
	exchange_done(&x);
	for (size_t i = 0; i < ARRAY_LEN(cleared); i++) {
		snprintf(body, sizeof(body), "{\"name\":%s,\"note\":%s,\"tags\":null}", cleared[i],
		    cleared[i]);
		run("PATCH", "/api/v2/shelves/" SOME_ID "/", NULL, body, &x);
		assert_int_equal(x.reply.status, 200);
		assert_null(patch.name.ptr);
		assert_non_null(patch.note.ptr);
		assert_int_equal(patch.note.len, 0);
		assert_non_null(patch.tags.items);
		assert_int_equal(patch.tags.n, 0);
		exchange_done(&x);
	}
	run("PATCH", "/api/v1/shelves/" SOME_ID "/", NULL, "{\"note\":\"n\",\"tags\":[\"a\"]}", &x);
	assert_int_equal(x.reply.status, 200);
	assert_int_equal(patch.note.len, 1);
	assert_int_equal(patch.tags.n, 1);
	exchange_done(&x);
	run("PATCH", "/api/v1/shelves/" SOME_ID "/", NULL,
	    "{\"id\":\"" SOME_ID "\",\"tags\":[\"a\",7]}", &x);
	assert_int_equal(x.reply.status, 400);
	assert_false(str_empty(reply_error(&x, "id")));
	assert_str(reply_error(&x, "tags.1"), "This must be a string.");
	exchange_done(&x);
	run("PATCH", "/api/v1/shelves/" SOME_ID "/", NULL, "{\"tags\":[\"a\",\"b\",\"c\"]}", &x);
	assert_str(reply_error(&x, "tags"), "This must have at most 2 items.");
	exchange_done(&x);
}

static void a_stale_version_is_told_to_the_handler(void **state)
{
	static const struct {
		const char *if_match;
		bool good;
	} cases[] = {
		{ NULL, true },
		{ "If-Match: \"2a\"", true },
		{ "If-Match: *", true },
		{ "If-Match: \"29\", \"2a\"", true },
		{ "If-Match: \"29\"", false },
		{ "If-Match: W/\"2a\"", false },
		{ "If-Match: 2a", false },
		{ "If-Match: \"2A\"", false },
		{ "If-Match: \"\"", false },
		{ "If-Match: \"12345678901234567\"", false },
		{ "If-Match:", false },
	};
	struct exchange x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		run("PATCH", "/api/v1/shelves/" SOME_ID "/", cases[i].if_match, "{}", &x);
		assert_int_equal(accepted, cases[i].good);
		assert_int_equal(x.reply.status, cases[i].good ? 200 : 412);
		if (cases[i].good)
			assert_str(reply_header(&x, "ETag"), "\"2b\"");
		else
			assert_true(str_empty(reply_header(&x, "ETag")));
		exchange_done(&x);
	}
}

static const struct json *parameter(const struct json *list, const char *in, const char *name)
{
	for (size_t i = 0; i < json_array_length(list); i++) {
		const struct json *p = json_array_at(list, i);

		if (str_eq(json_string(json_get(p, "in")), str_of(in)) &&
		    str_eq(json_string(json_get(p, "name")), str_of(name)))
			return p;
	}
	return NULL;
}

static const struct json *operation(
    const struct json *document, const char *path, const char *method)
{
	return json_get(json_get(json_get(document, "paths"), path), method);
}

static void the_document_says_all_of_it(void **state)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	const struct json *document, *o, *p;

	(void)state;
	assert_int_equal(json_parse(arena, api_openapi(api, 1), &document), OK);
	o = operation(document, "/api/v1/shelves/", "get");
	p = parameter(json_get(o, "parameters"), "query", "limit");
	assert_int_equal(json_integer(json_get(json_get(p, "schema"), "maximum")), PAGE_MAX);
	assert_int_equal(json_type(json_get(p, "required")), JSON_TYPE_FALSE);
	assert_non_null(parameter(json_get(o, "parameters"), "query", "cursor"));
	o = operation(document, "/api/v1/shelves/{id}/", "patch");
	p = parameter(json_get(o, "parameters"), "path", "id");
	assert_str(json_string(json_get(json_get(p, "schema"), "format")), "uuid");
	assert_non_null(json_get(json_get(o, "responses"), "404"));
	assert_non_null(json_get(json_get(o, "responses"), "412"));
	assert_non_null(
	    json_get(json_get(json_get(json_get(o, "responses"), "200"), "headers"), "ETag"));
	o = operation(document, "/api/v1/shelves/{id}/", "delete");
	assert_null(json_get(json_get(json_get(o, "responses"), "204"), "content"));
	assert_null(json_get(json_get(o, "responses"), "412"));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rows_are_right),
		cmocka_unit_test(a_query_is_decoded),
		cmocka_unit_test(a_bad_query_names_its_parameter),
		cmocka_unit_test(a_cursor_comes_back_as_it_went),
		cmocka_unit_test(a_segment_is_given_to_the_handler),
		cmocka_unit_test(a_patch_tells_absent_from_cleared),
		cmocka_unit_test(a_stale_version_is_told_to_the_handler),
		cmocka_unit_test(the_document_says_all_of_it),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
