/* Whose address limits count: the person's, not the proxy's and not the front-end server's. */
#include "api/api_priv.h"

static bool in_network(const struct network *n, const struct client_address *a)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	if (!bytes_equal(n->base.b, a->b, whole))
		return false;
	return rest == 0 || ((n->base.b[whole] ^ a->b[whole]) >> (8 - rest)) == 0;
}

static bool is_trusted(const struct api *api, const struct client_address *a)
{
	for (size_t i = 0; i < api->n_trusted; i++)
		if (in_network(&api->trusted[i], a))
			return true;
	return false;
}

static bool network_parse(struct str text, struct network *ret)
{
	ssize_t slash = str_find(text, '/');
	struct str address = slash < 0 ? text : str_upto(text, (size_t)slash);
	bool v4 = str_find(address, ':') < 0;
	int64_t bits = v4 ? 32 : 128;

	if (!client_address_parse(address, &ret->base))
		return false;
	if (slash >= 0 && (!str_to_i64(str_from(text, (size_t)slash + 1), &bits) || bits < 0 ||
			      bits > (v4 ? 32 : 128)))
		return false;
	ret->bits = (unsigned)bits + (v4 ? 96 : 0);
	return true;
}

bool networks_parse(
    struct arena *arena, struct str list, struct network **ret, size_t *ret_n, struct str *ret_bad)
{
	struct network *v = ARENA_ARRAY(arena, list.len / 2 + 1, struct network);
	struct str piece;
	size_t n = 0;

	while (str_next_token(&list, ',', &piece)) {
		piece = str_trim(piece);
		if (str_empty(piece))
			continue;
		if (!network_parse(piece, &v[n])) {
			*ret_bad = piece;
			return false;
		}
		n++;
	}
	*ret = v;
	*ret_n = n;
	return true;
}

/* "203.0.113.7", "203.0.113.7:4711", "2001:db8::1", "[2001:db8::1]:4711": proxies write them all.
 */
static bool hop_parse(struct str hop, struct client_address *ret)
{
	ssize_t colon;

	hop = str_trim(hop);
	if (!str_empty(hop) && hop.ptr[0] == '[') {
		ssize_t close = str_find(hop, ']');

		return close > 0 &&
		       client_address_parse((struct str){ hop.ptr + 1, (size_t)close - 1 }, ret);
	}
	colon = str_find(hop, ':');
	if (colon >= 0 && colon == str_find_last(hop, ':'))
		hop = str_upto(hop, (size_t)colon);
	return client_address_parse(hop, ret);
}

/*
 * Each proxy appends the address it saw, so the list is believed from its right end only as far as
 * our own proxies wrote it. Returns false when the walk is over, with @at the client.
 */
static bool walk(const struct api *api, struct str hops, struct client_address *at)
{
	while (!str_empty(hops)) {
		ssize_t comma = str_find_last(hops, ',');
		struct client_address hop;

		if (!hop_parse(str_from(hops, (size_t)(comma + 1)), &hop))
			return false;
		*at = hop;
		if (!is_trusted(api, at))
			return false;
		hops = str_upto(hops, comma < 0 ? 0 : (size_t)comma);
	}
	return true;
}

bool client_is_forwarder(const struct call *call)
{
	struct str shown = call->headers[HEADER_FORWARDER];

	return call->api->config.forwarder.len > 0 && !str_empty(shown) &&
	       secret_equal(secret_of(shown), call->api->config.forwarder);
}

struct client_address client_find(const struct call *call)
{
	const struct api_request *in = call->in;
	struct client_address at = in->peer;

	if (client_is_forwarder(call) &&
	    client_address_parse(call->headers[HEADER_FORWARDER_ADDRESS], &at))
		return at;
	if (!is_trusted(call->api, &at))
		return at;
	/* Several lines are one list (RFC 9110 5.3), so the last line is the right end. */
	for (size_t i = in->n_headers; i-- > 0;)
		if (str_eq_nocase(in->headers[i].name, STR("x-forwarded-for")) &&
		    !walk(call->api, in->headers[i].value, &at))
			break;
	return at;
}
