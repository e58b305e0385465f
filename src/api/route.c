/* What a row implies, and what may be wrong with one. */
#include "api/route.h"

#include "api/api_priv.h"

size_t route_index(const struct route *route)
{
	size_t index = 0;

	for (const struct route *const *list = route_lists; *list; list++)
		for (const struct route *r = *list; r->path; r++, index++)
			if (r == route)
				return index;
	return index;
}

size_t route_count(void)
{
	size_t n = 0;

	for (const struct route *const *list = route_lists; *list; list++)
		for (const struct route *r = *list; r->path; r++)
			n++;
	return n;
}

const struct route *route_at(size_t i)
{
	for (const struct route *const *list = route_lists; *list; list++)
		for (const struct route *r = *list; r->path; r++)
			if (i-- == 0)
				return r;
	return NULL;
}

/* What the gates in front of the handler, and the machine under it, may answer. */
static bool is_implied(const struct route *route, enum err e)
{
	if (err_is_machine(e))
		return true;
	if (e == ERR_THROTTLED)
		return route->throttle != THROTTLE_NONE;
	if (e == ERR_FORBIDDEN)
		return route->permission != PERM_NONE ||
		       (route->method != METHOD_GET &&
			   (route->auth == AUTH_BEARER || route->auth == AUTH_OPTIONAL));
	if (e == ERR_TOKEN_MISSING)
		return route->auth == AUTH_BEARER || route->auth == AUTH_SERVICE;
	if (e == ERR_TOKEN_INVALID)
		return route->auth != AUTH_NONE;
	if (e == ERR_TOKEN_EXPIRED || e == ERR_TOKEN_REVOKED)
		return route->auth == AUTH_BEARER || route->auth == AUTH_OPTIONAL;
	if (e == ERR_NOT_FOUND)
		return route->param != NULL;
	if (e == ERR_PRECONDITION_FAILED)
		return route->versioned && route->method != METHOD_GET;
	if (e == ERR_MALFORMED_JSON || e == ERR_UNSUPPORTED_MEDIA_TYPE || e == ERR_TOO_LARGE)
		return route->body != NULL;
	/* Headers and the query are judged on every route. */
	return e == ERR_VALIDATION_FAILED;
}

static bool is_declared(const struct route *route, enum err e)
{
	for (const enum err *d = route->errors; d && *d != OK; d++)
		if (*d == e)
			return true;
	return false;
}

bool route_may_return(const struct route *route, enum err e)
{
	return is_declared(route, e) || is_implied(route, e);
}

size_t route_errors(const struct route *route, enum err ret[static ERR_COUNT])
{
	size_t n = 0;

	for (int i = OK + 1; i < ERR_COUNT; i++) {
		enum err e = (enum err)i;
		bool same_slug = false;

		if (!route_may_return(route, e) ||
		    (route->is_inline && err_is_machine(e) && !is_declared(route, e)))
			continue;
		for (size_t k = 0; k < n; k++)
			same_slug |= str_eq(err_slug(ret[k]), err_slug(e));
		if (!same_slug)
			ret[n++] = e;
	}
	return n;
}
