#include "api/api_priv.h"

/* Does @url name @origin, but for a slash at its end? */
static bool is_origin_of(struct str url, struct str origin)
{
	if (str_ends(url, STR("/")))
		url.len--;
	return !str_empty(url) && str_eq_nocase(url, origin);
}

static bool is_listed(const struct api *api, struct str origin)
{
	for (size_t i = 0; i < api->n_origins; i++)
		if (str_eq(api->origins[i], origin))
			return true;
	return false;
}

bool cors_origin_listed(const struct api *api, struct str origin)
{
	return is_listed(api, origin) || is_origin_of(api->config.public_url, origin);
}

void cors_headers(const struct call *call)
{
	const struct api *api = call->api;
	struct str origin = call->headers[HEADER_ORIGIN];

	if (api->n_origins == 0)
		return;
	/* Also without an Origin: a cache must not hand that reply to a browser that sends one. */
	api_reply_header(call->rq, call->reply, STR("Vary"), STR("Origin"));
	if (str_empty(origin) || !is_listed(api, origin))
		return;
	api_reply_header(call->rq, call->reply, STR("Access-Control-Allow-Origin"), origin);
	api_reply_header(
	    call->rq, call->reply, STR("Access-Control-Allow-Credentials"), STR("true"));
	api_reply_header(call->rq, call->reply, STR("Access-Control-Expose-Headers"),
	    STR("ETag, Retry-After, X-Request-ID"));
}

void cors_preflight(const struct call *call, struct str allow)
{
	struct str origin = call->headers[HEADER_ORIGIN];

	if (str_empty(origin) || !is_listed(call->api, origin) ||
	    str_empty(api_header(call->in, STR("access-control-request-method"))))
		return;
	api_reply_header(call->rq, call->reply, STR("Access-Control-Allow-Methods"), allow);
	api_reply_header(call->rq, call->reply, STR("Access-Control-Allow-Headers"),
	    STR("Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, "
		"X-Cloakroom-Device, X-Device-ID, X-Request-ID"));
	api_reply_header(call->rq, call->reply, STR("Access-Control-Max-Age"), STR("600"));
}
