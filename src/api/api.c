#include "api/api.h"

#include "api/api_priv.h"
#include "base/log.h"

struct str api_header(const struct api_request *in, struct str name)
{
	for (size_t i = 0; i < in->n_headers; i++)
		if (str_eq_nocase(in->headers[i].name, name))
			return in->headers[i].value;
	return STR_NULL;
}

void api_reply_header(
    struct request *rq, struct api_reply *reply, struct str name, struct str value)
{
	if (reply->n_headers == reply->cap_headers) {
		size_t cap = reply->cap_headers ? 2 * reply->cap_headers : 12;
		struct api_header *grown = ARENA_ARRAY(rq->arena, cap, struct api_header);

		if (reply->n_headers > 0)
			memcpy(grown, reply->headers, reply->n_headers * sizeof(*grown));
		reply->headers = grown;
		reply->cap_headers = cap;
	}
	reply->headers[reply->n_headers++] = (struct api_header){ name, value };
}

/* An origin as browsers write it: scheme, host, maybe port, nothing after. */
static bool is_origin(struct str s)
{
	const char *host = s.len > 0 ? memmem(s.ptr, s.len, "://", 3) : NULL;

	if (!host || (!str_starts(s, STR("http://")) && !str_starts(s, STR("https://"))))
		return false;
	s = str_from(s, (size_t)(host - s.ptr) + 3);
	return !str_empty(s) && str_find(s, '/') < 0 && str_find(s, '*') < 0;
}

static bool origins_parse(
    struct arena *arena, struct str list, struct str **ret, size_t *ret_n, struct str *ret_bad)
{
	struct str *v = ARENA_ARRAY(arena, list.len / 2 + 1, struct str);
	struct str piece;
	size_t n = 0;

	while (str_next_token(&list, ',', &piece)) {
		piece = str_trim(piece);
		if (str_empty(piece))
			continue;
		if (!is_origin(piece)) {
			*ret_bad = piece;
			return false;
		}
		v[n++] = piece;
	}
	*ret = v;
	*ret_n = n;
	return true;
}

static struct str configure(struct api *api, struct arena *arena)
{
	const struct api_config *config = &api->config;
	struct str bad = STR_NULL;

	if (!networks_parse(arena, config->trusted_proxies, &api->trusted, &api->n_trusted, &bad))
		return str_printf(arena,
		    "trusted_proxies: \"%.*s\" is no network; write 10.0.0.0/8 or ::1.",
		    STR_ARG(bad));
	if (!origins_parse(arena, config->cors_origins, &api->origins, &api->n_origins, &bad))
		return str_printf(arena,
		    "cors.origins: \"%.*s\" is no origin; write https://shop.example.",
		    STR_ARG(bad));
	api->https = str_starts(config->public_url, STR("https://"));
	if (!str_empty(config->public_url) && !api->https &&
	    !str_starts(config->public_url, STR("http://")))
		return STR("public_url: write a URL that begins with https:// or http://.");
	return STR_NULL;
}

struct str api_config_problem(const struct api_config *config, struct arena *arena)
{
	struct api trial = { .config = *config };

	return configure(&trial, arena);
}

static void check_tables(struct arena *arena)
{
	struct str problems[32];
	size_t n = route_table_check(arena, problems, ARRAY_LEN(problems));

	for (size_t i = 0; i < n; i++)
		log_error("%.*s", STR_ARG(problems[i]));
	if (n > 0)
		die("the route tables have mistakes");
}

struct api *api_new(
    const struct api_config *config, struct service *service, const struct api_probe *probe)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0), *scratch = arena_new(ARENA_PLAIN, 0);
	struct api *api = ARENA_NEW(arena, struct api);
	struct str problem;

	check_tables(scratch);
	arena_free(&scratch);
	api->arena = arena;
	api->config = *config;
	api->service = service;
	if (probe)
		api->probe = *probe;
	problem = configure(api, arena);
	if (!str_empty(problem))
		die("%.*s", STR_ARG(problem));
	match_build(api);
	if (!config->metrics_only) {
		docs_build(api);
		countries_build(api);
	}
	return api;
}

void api_free(struct api **api)
{
	struct arena *arena;

	if (!*api)
		return;
	arena = (*api)->arena;
	*api = NULL;
	arena_free(&arena);
}

struct str api_openapi(const struct api *api, int version)
{
	if (version < 1 || version > API_VERSIONS)
		return STR_NULL;
	return api->openapi[version].body;
}
