/* The interface describes itself: its OpenAPI document, and a page to read and try it. */
#include "api/api_priv.h"
#include "api/tables.h"

#define PAGE_CACHE STR("public, max-age=300")
#define FILE_CACHE STR("public, max-age=86400")

/* The Swagger UI sets style attributes as it goes; scripts come from here and nowhere else. */
#define PAGE_CSP                                                                           \
	STR("default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "    \
	    "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; " \
	    "form-action 'none'; frame-ancestors 'none'")

static struct str page(struct arena *arena, int version)
{
	return str_printf(arena,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<title>Cloakroom API v%d</title>\n"
	    "<link rel=\"icon\" type=\"image/png\" href=\"/api/v%d/docs/favicon-32x32.png\">\n"
	    "<link rel=\"stylesheet\" href=\"/api/v%d/docs/swagger-ui.css\">\n"
	    "<link rel=\"stylesheet\" href=\"/api/v%d/docs/index.css\">\n"
	    "</head>\n<body>\n<div id=\"swagger-ui\"></div>\n"
	    "<script src=\"/api/v%d/docs/swagger-ui-bundle.js\"></script>\n"
	    "<script src=\"/api/v%d/docs/init.js\"></script>\n</body>\n</html>\n",
	    version, version, version, version, version, version);
}

void docs_build(struct api *api)
{
	for (int version = 1; version <= API_VERSIONS; version++) {
		struct str schema = openapi_write(api, api->arena, version);
		struct str html = page(api->arena, version);

		api->openapi[version] = (struct document){
			.body = schema,
			.content_type = STR("application/json"),
			.etag = document_etag(api->arena, schema),
			.cache_control = PAGE_CACHE,
		};
		api->docs_page[version] = (struct document){
			.body = html,
			.content_type = STR("text/html; charset=utf-8"),
			.etag = document_etag(api->arena, html),
			.cache_control = PAGE_CACHE,
			.csp = PAGE_CSP,
		};
	}
}

static int version_of(const struct api_request *in)
{
	return str_starts(in->path, STR("/api/v2/")) ? 2 : 1;
}

static void schema_get(
    struct api *api, struct request *rq, const struct api_request *in, struct api_reply *reply)
{
	document_reply(&api->openapi[version_of(in)], rq, in, reply);
}

static void docs_get(
    struct api *api, struct request *rq, const struct api_request *in, struct api_reply *reply)
{
	document_reply(&api->docs_page[version_of(in)], rq, in, reply);
}

static void docs_file_get(
    struct api *api, struct request *rq, const struct api_request *in, struct api_reply *reply)
{
	struct str name = STR_NULL;

	(void)match_endpoint(api, in->path, &name);
	for (const struct embedded_file *f = embedded_docs; f->name; f++) {
		const struct document document = {
			.body = { f->data, f->size },
			.content_type = str_of(f->content_type),
			.etag = str_of(f->etag),
			.cache_control = FILE_CACHE,
		};

		if (str_eq(name, str_of(f->name))) {
			document_reply(&document, rq, in, reply);
			return;
		}
	}
	reply_raw_failure(api, rq, in, fault(rq, ERR_NOT_FOUND, "no such file"), reply);
}

const struct route docs_routes[] = {
	{
	    .method = METHOD_GET,
	    .path = "schema/",
	    .is_inline = true,
	    .operation = "schema",
	    .tag = "Documents",
	    .summary = "This document",
	    .doc = "OpenAPI 3.1, made from the same tables that route and check every request.",
	    .success = 200,
	    .media = "application/json",
	    .raw = schema_get,
	},
	{
	    .method = METHOD_GET,
	    .path = "docs/",
	    .is_inline = true,
	    .operation = "docs",
	    .tag = "Documents",
	    .summary = "A page to read and try the interface",
	    .doc = "The Swagger UI, served from here.",
	    .success = 200,
	    .media = "text/html",
	    .raw = docs_get,
	},
	{
	    .method = METHOD_GET,
	    .path = "docs/{file}/",
	    .is_inline = true,
	    .operation = "docs_file",
	    .tag = "Documents",
	    .summary = "A file of that page",
	    .doc = "Script, style or icon.",
	    .success = 200,
	    .media = "*/*", /* each file its own */
	    .raw = docs_file_get,
	    .errors = (const enum err[]){ ERR_NOT_FOUND, OK },
	},
	{ 0 },
};
