/* Client addresses: 16 bytes, IPv4 mapped into IPv6 (RFC 4291 2.5.5.2). */
#include <arpa/inet.h>
#include <string.h>

#include "rt/request.h"

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

static bool is_v4(const struct client_address *a)
{
	return memcmp(a->b, v4_prefix, sizeof(v4_prefix)) == 0;
}

/* By hand, because every request is logged with it and inet_ntop() goes through printf. */
static struct str v4_text(struct arena *arena, const uint8_t b[4])
{
	char room[I64_TEXT_SIZE];
	struct buf out;

	buf_init(&out, arena, INET_ADDRSTRLEN);
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			buf_add_char(&out, '.');
		buf_add(&out, i64_str(b[i], room));
	}
	return buf_str(&out);
}

struct str client_address_text(struct arena *arena, const struct client_address *a)
{
	static const struct client_address none;
	char text[INET6_ADDRSTRLEN];

	if (memcmp(a, &none, sizeof(none)) == 0)
		return STR("");
	if (is_v4(a))
		return v4_text(arena, a->b + sizeof(v4_prefix));
	inet_ntop(AF_INET6, a->b, text, sizeof(text));
	return str_dup(arena, str_of(text));
}

bool client_address_parse(struct str text, struct client_address *ret)
{
	char cstr[INET6_ADDRSTRLEN];
	struct client_address a;

	if (text.len >= sizeof(cstr) || str_find(text, '\0') >= 0)
		return false;
	memcpy(cstr, text.len ? text.ptr : "", text.len);
	cstr[text.len] = '\0';
	if (inet_pton(AF_INET6, cstr, a.b) != 1) {
		if (inet_pton(AF_INET, cstr, a.b + sizeof(v4_prefix)) != 1)
			return false;
		memcpy(a.b, v4_prefix, sizeof(v4_prefix));
	}
	*ret = a;
	return true;
}

struct client_address client_address_network(const struct client_address *a)
{
	struct client_address network = *a;

	if (!is_v4(a))
		memset(network.b + 8, 0, 8);
	return network;
}
