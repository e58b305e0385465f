/* One call's input as the one struct its handler is given. */
#include "api/api_priv.h"

static size_t input_room(const struct route *route)
{
	if (route->body || route->query)
		return route->body ? route->body->size : route->query->size;
	return route->param ? route->param->offset + field_size(route->param) : 0;
}

static enum err decode_body(const struct call *call, void *ret)
{
	const struct schema *schema = call->route->body;
	const struct json *tree = NULL;
	enum err r = body_parse(call, schema, &tree);

	if (r != OK)
		return r;
	r = schema_decode(call->rq, schema, tree, ret);
	return r == OK ? OK : fault(call->rq, r, "body");
}

static enum err decode_query(const struct call *call, void *ret)
{
	const struct schema *schema = call->route->query;
	struct request *rq = call->rq;
	const struct json *tree = NULL;
	struct str text;

	if (form_query(rq->secrets, call->in->query, schema, &text) != OK ||
	    json_parse(rq->secrets, text, &tree) != OK)
		return request_refuse_field(
		    rq, STR("non_field_errors"), TEXT_QUERY_MALFORMED, NULL, 0);
	return schema_decode_query(rq, schema, tree, ret);
}

static enum err decode_segment(const struct call *call, void *ret)
{
	struct str text;

	if (!url_decode(call->rq->arena, call->match->parameter, false, &text) ||
	    !field_decode_segment(call->route->param, text, ret))
		return fault(call->rq, ERR_NOT_FOUND, "no such %s", call->route->param->name);
	return OK;
}

enum err input_decode(const struct call *call, void **ret)
{
	const struct route *route = call->route;
	size_t room = input_room(route);
	enum err r = OK;

	*ret = room > 0 ? arena_alloc(call->rq->arena, room) : NULL;
	if (route->body)
		r = decode_body(call, *ret);
	else if (route->query)
		r = decode_query(call, *ret);
	if (r == OK && route->param)
		r = decode_segment(call, *ret);
	return r;
}
