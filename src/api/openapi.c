/* The OpenAPI 3.1 document: the route table, written out. The same bytes for the same tables. */
#include "api/openapi_priv.h"
#include "base/log.h"

#define MAX_SCHEMAS 256

struct component {
	const struct schema *schema;
	enum schema_use use;
};

struct components {
	struct component v[MAX_SCHEMAS];
	size_t n;
};

/* Depth first, each once, in the order of the tables. */
static void collect(struct components *c, const struct schema *schema, enum schema_use use)
{
	if (!schema)
		return;
	for (size_t i = 0; i < c->n; i++) {
		if (c->v[i].schema == schema && c->v[i].use == use)
			return;
		if (str_eq(str_of(c->v[i].schema->name), str_of(schema->name)))
			die("two schemas are called %s", schema->name);
	}
	if (c->n == MAX_SCHEMAS)
		die("more than %d schemas", MAX_SCHEMAS);
	c->v[c->n++] = (struct component){ schema, use };
	for (const struct field *f = schema->fields; f->name; f++)
		collect(c, f->sub, use);
}

static bool is_listed(const struct route *route)
{
	return route->mount == MOUNT_VERSIONED && !route->dev_only;
}

static void write_envelope_failure(struct json_writer *w)
{
	json_write_raw(
	    w, STR("{\"type\":\"object\",\"description\":\"Why not.\","
		   "\"required\":[\"success\",\"message\",\"code\",\"data\",\"errors\"],"
		   "\"properties\":{\"success\":{\"const\":false},"
		   "\"message\":{\"type\":\"string\",\"description\":\"A sentence for people.\"},"
		   "\"code\":{\"type\":\"string\",\"description\":\"A stable name for programs.\"},"
		   "\"data\":{\"type\":[\"object\",\"null\"]},"
		   "\"errors\":{\"type\":[\"object\",\"null\"],\"description\":"
		   "\"Field, or non_field_errors, to sentences.\",\"additionalProperties\":"
		   "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}"));
}

static void write_failure_component(struct json_writer *w, enum error_style style)
{
	json_key(w, STR("Failure"));
	switch (style) {
	case ERRORS_ENVELOPE:
		write_envelope_failure(w);
		break;
	case ERRORS_DRF:
		json_write_raw(w, STR("{\"type\":\"object\",\"description\":"
				      "\"detail, or fields and their sentences.\"}"));
		break;
	case ERRORS_PROBLEM:
		json_write_raw(
		    w, STR("{\"type\":\"object\",\"description\":\"RFC 9457.\","
			   "\"required\":[\"type\",\"title\",\"status\",\"code\"],\"properties\":{"
			   "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
			   "\"status\":{\"type\":\"integer\"},\"code\":{\"type\":\"string\"}}}"));
		break;
	}
}

static void write_schemas(struct json_writer *w, enum error_style style)
{
	struct components c = { .n = 0 };

	for (size_t i = 0; i < route_count(); i++) {
		const struct route *r = route_at(i);

		if (!is_listed(r))
			continue;
		collect(&c, r->body, SCHEMA_BODY);
		collect(&c, r->reply, SCHEMA_REPLY);
		collect(&c, r->error_reply.schema, SCHEMA_REPLY);
	}
	json_key(w, STR("schemas"));
	json_begin_object(w);
	write_failure_component(w, style);
	for (size_t i = 0; i < c.n; i++) {
		json_key(w, str_of(c.v[i].schema->name));
		openapi_schema(w, c.v[i].schema, c.v[i].use);
	}
	json_end_object(w);
}

static void write_fixed_components(struct json_writer *w)
{
	json_key(w, STR("securitySchemes"));
	json_write_raw(
	    w, STR("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\","
		   "\"description\":\"The access token of a sign-in.\"},"
		   "\"service\":{\"type\":\"http\",\"scheme\":\"bearer\","
		   "\"description\":\"The credential of another service.\"}}"));
	json_key(w, STR("headers"));
	json_write_raw(
	    w, STR("{\"RequestId\":{\"description\":\"Names this request in logs and the audit "
		   "trail.\",\"schema\":{\"type\":\"string\"}},"
		   "\"RetryAfter\":{\"description\":\"Seconds to wait.\",\"schema\":"
		   "{\"type\":\"integer\",\"minimum\":1}},"
		   "\"ETag\":{\"description\":\"Version of what can be changed here; send it back "
		   "as If-Match.\",\"schema\":{\"type\":\"string\"}},"
		   "\"WwwAuthenticate\":{\"description\":\"RFC 6750.\",\"schema\":"
		   "{\"type\":\"string\"}}}"));
	json_key(w, STR("parameters"));
	json_write_raw(
	    w, STR("{\"RequestId\":{\"name\":\"X-Request-ID\",\"in\":\"header\",\"description\":"
		   "\"A name of your own for this request.\",\"schema\":{\"type\":\"string\","
		   "\"pattern\":\"^[A-Za-z0-9._-]{1,64}$\"}},"
		   "\"DeviceId\":{\"name\":\"X-Device-ID\",\"in\":\"header\",\"description\":"
		   "\"What the client calls its device; opaque.\",\"schema\":{\"type\":\"string\","
		   "\"maxLength\":128}},"
		   "\"KnownDevice\":{\"name\":\"X-Cloakroom-Device\",\"in\":\"header\","
		   "\"description\":\"device of an earlier sign-in: somebody else's guesses do not "
		   "lock it out.\",\"schema\":{\"type\":\"string\",\"maxLength\":1024}},"
		   "\"IdempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":\"header\","
		   "\"description\":\"The same key and body within ten minutes: the same answer.\","
		   "\"schema\":{\"type\":\"string\",\"pattern\":\"^[!-~]{1,128}$\"}},"
		   "\"IfMatch\":{\"name\":\"If-Match\",\"in\":\"header\",\"description\":"
		   "\"ETag of what you read: 412 if it has changed since.\",\"schema\":"
		   "{\"type\":\"string\"}}}"));
}

static void write_info(struct json_writer *w, int version)
{
	json_key(w, STR("info"));
	json_begin_object(w);
	json_member_str(w, STR("title"), STR("Cloakroom"));
	json_member_str(w, STR("version"), STR(CLOAKROOM_VERSION));
	json_member_str(w, STR("description"),
	    version == 1 ? STR("Sign-in server; /api/v1 runs on the sync engine. /api/v2 answers "
			       "the same, byte for byte but for ids, times and tokens.")
			 : STR("Sign-in server; /api/v2 runs on the async engine. /api/v1 answers "
			       "the same, byte for byte but for ids, times and tokens."));
	json_end_object(w);
}

/* "/" first: the page that tries requests out may talk to its own origin only. */
static void write_servers(struct json_writer *w, struct str public_url)
{
	json_key(w, STR("servers"));
	json_begin_array(w);
	json_write_raw(w, STR("{\"url\":\"/\",\"description\":\"This server\"}"));
	if (!str_empty(public_url)) {
		json_begin_object(w);
		json_member_str(w, STR("url"), public_url);
		json_end_object(w);
	}
	json_end_array(w);
}

static bool is_first_of_its_path(size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (is_listed(route_at(k)) &&
		    str_eq(str_of(route_at(k)->path), str_of(route_at(i)->path)))
			return false;
	return is_listed(route_at(i));
}

static void write_path(struct json_writer *w, const struct api *api, int version, size_t first)
{
	static const char *const methods[] = {
		[METHOD_GET] = "get",
		[METHOD_POST] = "post",
		[METHOD_PUT] = "put",
		[METHOD_PATCH] = "patch",
		[METHOD_DELETE] = "delete",
	};
	const char *path = route_at(first)->path;

	json_key(w, str_printf(w->out->arena, "/api/v%d/%s", version, path));
	json_begin_object(w);
	for (size_t i = first; i < route_count(); i++) {
		const struct route *r = route_at(i);

		if (!is_listed(r) || !str_eq(str_of(r->path), str_of(path)))
			continue;
		json_key(w, str_of(methods[r->method]));
		openapi_operation(w, api, r);
	}
	json_end_object(w);
}

struct str openapi_write(const struct api *api, struct arena *arena, int version)
{
	struct arena *scratch = arena_new(ARENA_PLAIN, 1 << 18);
	struct json_writer w;
	struct buf out;
	struct str text;

	buf_init(&out, scratch, 1 << 17);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	json_member_str(&w, STR("openapi"), STR("3.1.0"));
	write_info(&w, version);
	write_servers(&w, api->config.public_url);
	json_key(&w, STR("paths"));
	json_begin_object(&w);
	for (size_t i = 0; i < route_count(); i++)
		if (is_first_of_its_path(i))
			write_path(&w, api, version, i);
	json_end_object(&w);
	json_key(&w, STR("components"));
	json_begin_object(&w);
	write_schemas(&w, api->config.errors);
	write_fixed_components(&w);
	json_end_object(&w);
	json_end_object(&w);
	text = str_dup(arena, buf_str(&out));
	arena_free(&scratch);
	return text;
}
