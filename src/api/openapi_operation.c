/* One row of the route table as one OpenAPI operation: what goes in, and every answer. */
#include "api/openapi_priv.h"

static void member(struct json_writer *w, const char *name, const char *value)
{
	json_member_str(w, str_of(name), str_of(value));
}

static void write_ref(struct json_writer *w, const char *kind, const char *name)
{
	json_member_str(
	    w, STR("$ref"), str_printf(w->out->arena, "#/components/%s/%s", kind, name));
}

static void write_ref_object(struct json_writer *w, const char *kind, const char *name)
{
	json_begin_object(w);
	write_ref(w, kind, name);
	json_end_object(w);
}

/* --- what goes in --- */

static void write_security(struct json_writer *w, enum auth auth)
{
	json_key(w, STR("security"));
	json_begin_array(w);
	if (auth == AUTH_OPTIONAL) {
		json_begin_object(w);
		json_end_object(w);
	}
	if (auth != AUTH_NONE) {
		json_begin_object(w);
		json_key(w, auth == AUTH_SERVICE ? STR("service") : STR("bearer"));
		json_begin_array(w);
		json_end_array(w);
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_parameter(
    struct json_writer *w, const char *in, const struct field *f, bool required)
{
	json_begin_object(w);
	member(w, "name", f->name);
	member(w, "in", in);
	json_member_bool(w, STR("required"), required);
	json_key(w, STR("schema"));
	openapi_field(w, f, SCHEMA_BODY);
	json_end_object(w);
}

/* A raw handler reads its segment itself: it is a text. */
static void write_path_parameter(struct json_writer *w, const struct route *route)
{
	struct str path = str_of(route->path);
	ssize_t open = str_find(path, '{'), close = str_find(path, '}');
	struct field text = { .type = FIELD_STR, .doc = "Which one." };

	if (open < 0 || close < open)
		return;
	text.name =
	    str_printf(w->out->arena, "%.*s", (int)(close - open - 1), path.ptr + open + 1).ptr;
	write_parameter(w, "path", route->param ? route->param : &text, true);
}

static void write_query_parameters(struct json_writer *w, const struct schema *query)
{
	for (const struct field *f = query ? query->fields : NULL; f && f->name; f++)
		write_parameter(w, "query", f, f->flags & FIELD_REQUIRED);
}

static void write_parameters(struct json_writer *w, const struct route *route)
{
	json_key(w, STR("parameters"));
	json_begin_array(w);
	write_path_parameter(w, route);
	write_query_parameters(w, route->query);
	write_ref_object(w, "parameters", "RequestId");
	if (route->log_tag) {
		write_ref_object(w, "parameters", "DeviceId");
		write_ref_object(w, "parameters", "KnownDevice");
	}
	if (route->versioned && route->method != METHOD_GET)
		write_ref_object(w, "parameters", "IfMatch");
	for (const enum err *e = route->errors; e && *e != OK; e++)
		if (*e == ERR_IDEMPOTENCY_CONFLICT)
			write_ref_object(w, "parameters", "IdempotencyKey");
	json_end_array(w);
}

static void write_request_examples(struct json_writer *w, const struct route *route)
{
	const struct route_example *e = route->examples;

	json_key(w, STR("examples"));
	json_begin_object(w);
	do {
		json_key(w, e ? str_of(e->name) : STR("default"));
		json_begin_object(w);
		json_key(w, STR("value"));
		if (e && e->request)
			json_write_raw(w, str_of(e->request));
		else
			schema_example(w, route->body, SCHEMA_BODY);
		json_end_object(w);
	} while (e && (++e)->name);
	json_end_object(w);
}

static void write_request_body(struct json_writer *w, const struct route *route)
{
	static const char *const forms[] = { "application/x-www-form-urlencoded",
		"multipart/form-data" };

	if (!route->body)
		return;
	json_key(w, STR("requestBody"));
	json_begin_object(w);
	/* A DELETE may say more, but need not. */
	json_member_bool(w, STR("required"), route->method != METHOD_DELETE);
	json_key(w, STR("content"));
	json_begin_object(w);
	json_key(w, STR("application/json"));
	json_begin_object(w);
	json_key(w, STR("schema"));
	write_ref_object(w, "schemas", route->body->name);
	write_request_examples(w, route);
	json_end_object(w);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		json_key(w, str_of(forms[i]));
		json_begin_object(w);
		json_key(w, STR("schema"));
		write_ref_object(w, "schemas", route->body->name);
		json_end_object(w);
	}
	json_end_object(w);
	json_end_object(w);
}

/* --- what comes out --- */

static void write_headers(struct json_writer *w, const struct route *route, int status)
{
	json_key(w, STR("headers"));
	json_begin_object(w);
	json_key(w, STR("X-Request-ID"));
	write_ref_object(w, "headers", "RequestId");
	if (status == route->success && route->versioned && route->reply) {
		json_key(w, STR("ETag"));
		write_ref_object(w, "headers", "ETag");
	}
	if (status == 401) {
		json_key(w, STR("WWW-Authenticate"));
		write_ref_object(w, "headers", "WwwAuthenticate");
	}
	if (status == 429 || status == 503) {
		json_key(w, STR("Retry-After"));
		write_ref_object(w, "headers", "RetryAfter");
	}
	json_end_object(w);
}

static void write_envelope_schema(struct json_writer *w, const struct route *route)
{
	json_key(w, STR("schema"));
	json_begin_object(w);
	member(w, "type", "object");
	json_key(w, STR("required"));
	json_write_raw(w, STR("[\"success\",\"message\",\"data\",\"errors\"]"));
	json_key(w, STR("properties"));
	json_begin_object(w);
	json_key(w, STR("success"));
	json_write_raw(w, STR("{\"const\":true}"));
	json_key(w, STR("message"));
	json_write_raw(w, STR("{\"type\":\"string\"}"));
	json_key(w, STR("data"));
	if (route->reply)
		write_ref_object(w, "schemas", route->reply->name);
	else
		json_write_raw(w, STR("{\"type\":\"null\"}"));
	json_key(w, STR("errors"));
	json_write_raw(w, STR("{\"type\":\"null\"}"));
	json_end_object(w);
	json_end_object(w);
}

static void write_success_example(
    struct json_writer *w, const struct route *route, const struct route_example *e)
{
	json_key(w, e ? str_of(e->name) : STR("default"));
	json_begin_object(w);
	json_key(w, STR("value"));
	reply_begin(w, STR_NULL, route->message);
	if (e && e->reply)
		json_write_raw(w, str_of(e->reply));
	else if (route->reply)
		schema_example(w, route->reply, SCHEMA_REPLY);
	else
		json_write_null(w);
	reply_end(w);
	json_end_object(w);
}

static void write_success_content(struct json_writer *w, const struct route *route)
{
	const struct route_example *e = route->examples;

	json_key(w, STR("application/json"));
	json_begin_object(w);
	write_envelope_schema(w, route);
	json_key(w, STR("examples"));
	json_begin_object(w);
	do
		write_success_example(w, route, e);
	while (e && (++e)->name);
	json_end_object(w);
	json_end_object(w);
}

/* A document without the envelope: its type says all. */
static void write_document_content(struct json_writer *w, const struct route *route)
{
	bool json = str_eq(str_of(route->media), STR("application/json"));

	json_key(w, str_of(route->media));
	json_begin_object(w);
	json_key(w, STR("schema"));
	json_write_raw(w, json ? STR("{\"type\":\"object\"}") : STR("{\"type\":\"string\"}"));
	json_key(w, STR("example"));
	json_write_raw(w, json ? STR("{\"openapi\":\"3.1.0\"}") : STR("\"…\""));
	json_end_object(w);
}

static void write_success(struct json_writer *w, const struct route *route)
{
	json_key(w, str_printf(w->out->arena, "%d", route->success));
	json_begin_object(w);
	member(w, "description", route->summary);
	write_headers(w, route, route->success);
	if (route->success != 204) {
		json_key(w, STR("content"));
		json_begin_object(w);
		if (route->media)
			write_document_content(w, route);
		else
			write_success_content(w, route);
		json_end_object(w);
	}
	json_end_object(w);
	if (!route->raw)
		return;
	json_key(w, STR("304"));
	json_write_raw(w, STR("{\"description\":\"Not changed since the ETag sent.\"}"));
}

static void write_failure_schema(struct json_writer *w, const struct route *route, int status)
{
	const struct error_reply *carries = &route->error_reply;

	json_key(w, STR("schema"));
	json_begin_object(w);
	write_ref(w, "schemas", "Failure");
	if (carries->err != OK && problem_status(carries->err) == status) {
		json_key(w, STR("properties"));
		json_begin_object(w);
		json_key(w, STR("data"));
		json_begin_object(w);
		json_key(w, STR("anyOf"));
		json_begin_array(w);
		write_ref_object(w, "schemas", carries->schema->name);
		json_write_raw(w, STR("{\"type\":\"null\"}"));
		json_end_array(w);
		json_end_object(w);
		json_end_object(w);
	}
	json_end_object(w);
}

static struct str first_required_field(const struct route *route)
{
	if (route->body)
		for (const struct field *f = route->body->fields; f->name; f++)
			if (f->flags & FIELD_REQUIRED)
				return str_of(f->name);
	return STR("non_field_errors");
}

static struct str example_data(struct arena *arena, const struct route *route, enum err e)
{
	struct json_writer w;
	struct buf data;

	if (e != route->error_reply.err)
		return STR_NULL;
	buf_init(&data, arena, 256);
	json_writer_init(&w, &data);
	schema_example(&w, route->error_reply.schema, SCHEMA_REPLY);
	return buf_str(&data);
}

/* Made by the code that makes the real ones, so it cannot say what they do not. */
static void write_failure_example(
    struct json_writer *w, const struct api *api, const struct route *route, enum err e)
{
	struct field_error required = {
		.field = first_required_field(route),
		.text = text_get(STR_NULL, TEXT_FIELD_REQUIRED),
	};
	struct field_error weak = {
		.field = STR("password"),
		.text = text_get(STR_NULL, TEXT_PASSWORD_GUESSABLE),
	};
	struct problem p = {
		.err = e,
		.fields = e == ERR_VALIDATION_FAILED   ? &required
			  : e == ERR_PASSWORD_REJECTED ? &weak
						       : NULL,
		.media = STR("text/plain"),
		.retry_after_s = 42,
		.access_token = route->auth != AUTH_NONE,
		.data = example_data(w->out->arena, route, e),
	};

	json_key(w, err_slug(e));
	json_begin_object(w);
	json_member_str(w, STR("summary"), text_get(STR_NULL, text_err(e)));
	json_key(w, STR("value"));
	problem_write(w, api->config.errors, &p);
	json_end_object(w);
}

static void write_failure(struct json_writer *w, const struct api *api, const struct route *route,
    int status, const enum err *errors, size_t n)
{
	struct buf slugs;

	buf_init(&slugs, w->out->arena, 64);
	for (size_t i = 0; i < n; i++) {
		if (problem_status(errors[i]) != status)
			continue;
		buf_add(&slugs, slugs.len > 0 ? STR(", ") : STR(""));
		buf_add(&slugs, err_slug(errors[i]));
	}
	if (slugs.len == 0)
		return;
	json_key(w, str_printf(w->out->arena, "%d", status));
	json_begin_object(w);
	json_member_str(w, STR("description"), buf_str(&slugs));
	write_headers(w, route, status);
	json_key(w, STR("content"));
	json_begin_object(w);
	json_key(w, problem_content_type(api->config.errors));
	json_begin_object(w);
	write_failure_schema(w, route, status);
	json_key(w, STR("examples"));
	json_begin_object(w);
	for (size_t i = 0; i < n; i++)
		if (problem_status(errors[i]) == status)
			write_failure_example(w, api, route, errors[i]);
	json_end_object(w);
	json_end_object(w);
	json_end_object(w);
	json_end_object(w);
}

static void write_responses(struct json_writer *w, const struct api *api, const struct route *route)
{
	enum err errors[ERR_COUNT];
	size_t n = route_errors(route, errors);

	json_key(w, STR("responses"));
	json_begin_object(w);
	write_success(w, route);
	for (int status = 400; status < 600; status++)
		write_failure(w, api, route, status, errors, n);
	json_end_object(w);
}

void openapi_operation(struct json_writer *w, const struct api *api, const struct route *route)
{
	json_begin_object(w);
	json_key(w, STR("tags"));
	json_begin_array(w);
	json_write_str(w, str_of(route->tag));
	json_end_array(w);
	member(w, "operationId", route->operation);
	member(w, "summary", route->summary);
	member(w, "description", route->doc);
	if (route->legacy)
		member(w, "x-legacy-alias", route->legacy);
	if (route->permission != PERM_NONE)
		json_member_str(w, STR("x-permission"), permission_name(route->permission));
	write_security(w, route->auth);
	write_parameters(w, route);
	write_request_body(w, route);
	write_responses(w, api, route);
	json_end_object(w);
}
