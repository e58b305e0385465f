/*
 * Any bytes as a body, as JSON and as both kinds of form, for every schema the api decodes: what is
 * refused names a field, what is taken can be written back.
 */
#include <stdlib.h>

#include "api/api_priv.h"
#include "tests/fuzz/fuzz.h"

static void decode(struct request *rq, const struct schema *schema, struct str text)
{
	const struct json *tree = NULL;
	void *out = arena_alloc(rq->arena, schema->size);
	struct json_writer w;
	struct buf written;

	if (json_parse(rq->secrets, text, &tree) != OK)
		return;
	rq->field_errors = NULL;
	rq->field_errors_tail = &rq->field_errors;
	if (schema_decode(rq, schema, tree, out) != OK) {
		if (!rq->field_errors)
			abort();
		return;
	}
	buf_init(&written, rq->arena, 0);
	json_writer_init(&w, &written);
	schema_encode(&w, schema, out);
	if (json_parse(rq->secrets, buf_str(&written), &tree) != OK)
		abort();
}

/* What a form reader makes is JSON, but for names said twice. */
static void forms(struct request *rq, const struct schema *schema, struct str body)
{
	struct str text;

	if (form_urlencoded(rq->secrets, body, schema, &text) == OK)
		decode(rq, schema, text);
	if (form_multipart(rq->secrets, body, STR("x"), schema, &text) == OK)
		decode(rq, schema, text);
}

static void query(struct request *rq, const struct schema *schema, struct str body)
{
	void *out = arena_alloc(rq->arena, schema->size);
	const struct json *tree = NULL;
	struct str text;

	if (form_query(rq->secrets, body, schema, &text) != OK ||
	    json_parse(rq->secrets, text, &tree) != OK)
		return;
	rq->field_errors = NULL;
	rq->field_errors_tail = &rq->field_errors;
	if (schema_decode_query(rq, schema, tree, out) != OK && !rq->field_errors)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = str_bytes(data, size);

	for (size_t i = 0; i < route_count(); i++) {
		const struct route *route = route_at(i);
		struct request rq;

		request_init(&rq, NULL, NEVER_US);
		if (route->body) {
			decode(&rq, route->body, body);
			forms(&rq, route->body, body);
		}
		if (route->query)
			query(&rq, route->query, body);
		request_done(&rq);
	}
	return 0;
}
