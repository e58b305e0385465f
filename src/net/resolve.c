#include "net/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>

/* More addresses than this of one name are not tried. */
#define ADDRESSES_MAX 8

struct lookup {
	const char *host;
	struct addrinfo *found;
	int failure; /* of getaddrinfo */
};

static void look_up(void *arg)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct lookup *l = arg;

	l->failure = getaddrinfo(l->host, NULL, &hints, &l->found);
}

static const char *address_text(struct arena *arena, const struct addrinfo *a)
{
	char text[NI_MAXHOST] = "";

	/* With the scope of a link-local address, which inet_ntop() leaves out. */
	if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST))
		return NULL;
	return str_cstr(arena, str_of(text));
}

static bool is_address(const char *host)
{
	uint8_t bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

MAY_YIELD enum err net_resolve(struct lane *blocking, struct arena *arena, const char *host,
    int64_t deadline_us, const char ***ret, size_t *ret_n)
{
	const char **addresses = ARENA_ARRAY(arena, ADDRESSES_MAX, const char *);
	struct lookup l = { .host = host };
	size_t n = 0;
	enum err r = OK;

	if (is_address(host)) {
		addresses[n++] = host;
	} else {
		if (blocking)
			r = rt_offload_call(blocking, look_up, &l, deadline_us);
		else
			look_up(&l);
		if (r != OK)
			return r;
		if (l.failure != 0)
			return ERR_UNAVAILABLE;
		for (const struct addrinfo *a = l.found; a && n < ADDRESSES_MAX; a = a->ai_next)
			if ((addresses[n] = address_text(arena, a)))
				n++;
		freeaddrinfo(l.found);
	}
	*ret = addresses;
	*ret_n = n;
	return n > 0 ? OK : ERR_UNAVAILABLE;
}
