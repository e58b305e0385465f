#include "api/api_priv.h"
#include "base/log.h"

/*
 * Every path that answers something is one entry of a small open-addressing table, built once and
 * then only read. FNV-1a is enough: what is in the table is ours, and a client can only choose
 * what it misses.
 */
static size_t path_hash(struct str path)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < path.len; i++)
		h = (h ^ (uint8_t)path.ptr[i]) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32);
}

static struct str without_slash(struct str path)
{
	return path.len > 1 && path.ptr[path.len - 1] == '/' ? str_upto(path, path.len - 1) : path;
}

static const struct endpoint *find_exact(const struct api *api, struct str path)
{
	for (size_t i = path_hash(path);; i++) {
		uint16_t slot = api->slots[i & (api->n_slots - 1)];

		if (slot == 0)
			return NULL;
		if (str_eq(api->endpoints[slot - 1].path, path))
			return &api->endpoints[slot - 1];
	}
}

static const struct endpoint *find_pattern(
    const struct api *api, struct str path, struct str *ret_parameter)
{
	for (size_t i = 0; i < api->n_patterns; i++) {
		const struct endpoint *e = &api->endpoints[api->patterns[i]];
		struct str middle;

		if (path.len <= e->prefix.len + e->suffix.len || !str_starts(path, e->prefix) ||
		    !str_ends(path, e->suffix))
			continue;
		middle = str_from(str_upto(path, path.len - e->suffix.len), e->prefix.len);
		if (str_find(middle, '/') >= 0)
			continue;
		*ret_parameter = middle;
		return e;
	}
	return NULL;
}

const struct endpoint *match_endpoint(
    const struct api *api, struct str path, struct str *ret_parameter)
{
	const struct endpoint *e;

	path = without_slash(path);
	e = find_exact(api, path);
	/* A pattern's own spelling is in the table too, but is no path a client may ask for. */
	if (e && str_empty(e->prefix))
		return e;
	return find_pattern(api, path, ret_parameter);
}

void api_match(const struct api *api, const struct api_request *in, struct api_match *ret)
{
	struct str parameter = STR_NULL;
	const struct endpoint *e = match_endpoint(api, in->path, &parameter);
	enum method method = in->method == METHOD_HEAD ? METHOD_GET : in->method;

	*ret = (struct api_match){ .where = API_INLINE };
	if (!e)
		return;
	ret->version = e->version;
	ret->parameter = parameter;
	if (method >= METHOD_OTHER || !e->routes[method])
		return;
	ret->route = e->routes[method];
	ret->where = ret->route->is_inline ? API_INLINE : e->where;
	ret->uniform = ret->route->uniform;
}

/* --- building --- */

static void insert(struct api *api, struct endpoint *e)
{
	size_t i = path_hash(e->path);

	while (api->slots[i & (api->n_slots - 1)] != 0)
		i++;
	api->slots[i & (api->n_slots - 1)] = (uint16_t)(e - api->endpoints + 1);
}

static void split_pattern(struct api *api, struct endpoint *e)
{
	ssize_t open = str_find(e->path, '{'), close = str_find(e->path, '}');

	if (open < 0 || close < open)
		return;
	e->prefix = str_upto(e->path, (size_t)open);
	e->suffix = str_from(e->path, (size_t)close + 1);
	api->patterns[api->n_patterns++] = (uint16_t)(e - api->endpoints);
}

static void mount(
    struct api *api, const struct route *route, struct str path, int version, enum api_where where)
{
	struct endpoint *e = NULL;

	path = without_slash(path);
	for (size_t i = 0; i < api->n_endpoints && !e; i++)
		if (str_eq(api->endpoints[i].path, path))
			e = &api->endpoints[i];
	if (!e) {
		e = &api->endpoints[api->n_endpoints++];
		*e = (struct endpoint){ .path = path, .version = version, .where = where };
		insert(api, e);
		split_pattern(api, e);
	}
	if (e->routes[route->method])
		die("two routes want %.*s", STR_ARG(path));
	e->routes[route->method] = route;
}

static bool exists(const struct api *api, const struct route *route)
{
	if (route->dev_only && !api->config.dev)
		return false;
	return (route->mount == MOUNT_METRICS) == api->config.metrics_only;
}

static void mount_route(struct api *api, const struct route *route)
{
	enum api_where v2 = api->config.v2_on_workers ? API_WORKER : API_COROUTINE;

	if (!exists(api, route))
		return;
	if (route->mount != MOUNT_VERSIONED) {
		mount(api, route, str_of(route->path), 0, API_COROUTINE);
		return;
	}
	mount(api, route, str_printf(api->arena, "/api/v1/%s", route->path), 1, API_WORKER);
	mount(api, route, str_printf(api->arena, "/api/v2/%s", route->path), 2, v2);
	if (route->legacy)
		mount(api, route, str_of(route->legacy), 0, API_WORKER);
}

static void name_methods(struct api *api, struct endpoint *e)
{
	static const struct {
		enum method method;
		struct str text;
	} names[] = {
		{ METHOD_GET, STR_INIT("GET, HEAD, ") },
		{ METHOD_POST, STR_INIT("POST, ") },
		{ METHOD_PUT, STR_INIT("PUT, ") },
		{ METHOD_PATCH, STR_INIT("PATCH, ") },
		{ METHOD_DELETE, STR_INIT("DELETE, ") },
	};
	struct buf allow;

	buf_init(&allow, api->arena, 48);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (e->routes[names[i].method])
			buf_add(&allow, names[i].text);
	buf_add(&allow, STR("OPTIONS"));
	e->allow = buf_str(&allow);
}

void match_build(struct api *api)
{
	size_t most = 3 * route_count();

	api->endpoints = ARENA_ARRAY(api->arena, most, struct endpoint);
	api->patterns = ARENA_ARRAY(api->arena, most, uint16_t);
	for (api->n_slots = 8; api->n_slots < 2 * most;)
		api->n_slots *= 2;
	api->slots = ARENA_ARRAY(api->arena, api->n_slots, uint16_t);
	for (size_t i = 0; i < route_count(); i++)
		mount_route(api, route_at(i));
	for (size_t i = 0; i < api->n_endpoints; i++)
		name_methods(api, &api->endpoints[i]);
}
