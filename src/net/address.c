#include <netinet/in.h>
#include <sys/socket.h>

#include "net/net_priv.h"

/* A range of addresses: the first @bits of @first. */
struct range {
	uint8_t first[16];
	unsigned bits;
};

/* IANA's special-purpose registries: what is not globally reachable, and multicast. */
static const struct range private_v4[] = {
	{ { 0 }, 8 },
	{ { 10 }, 8 },
	{ { 100, 64 }, 10 },
	{ { 127 }, 8 },
	{ { 169, 254 }, 16 },
	{ { 172, 16 }, 12 },
	{ { 192, 0, 0 }, 24 },
	{ { 192, 0, 2 }, 24 },
	{ { 192, 88, 99 }, 24 },
	{ { 192, 168 }, 16 },
	{ { 198, 18 }, 15 },
	{ { 198, 51, 100 }, 24 },
	{ { 203, 0, 113 }, 24 },
	{ { 224 }, 4 },
	{ { 240 }, 4 },
};

/* Of IPv6 only 2000::/3 is given out; these parts of it are not for everybody. */
static const struct range private_v6[] = {
	{ { 0x20, 0x01 }, 23 },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 },
	{ { 0x3f, 0xff }, 20 },
};
static const struct range global_v6 = { { 0x20 }, 3 };

/* Forms of IPv6 with an IPv4 address inside, and where: it is the inner one that counts. */
static const struct {
	struct range range;
	size_t offset;
} embedded_v4[] = {
	{ { { [10] = 0xff, [11] = 0xff }, 96 }, 12 },           /* ::ffff:0:0/96, mapped */
	{ { { [1] = 0x64, [2] = 0xff, [3] = 0x9b }, 96 }, 12 }, /* 64:ff9b::/96, NAT64 */
	{ { { 0x20, 0x02 }, 16 }, 2 },                          /* 2002::/16, 6to4 */
};

static bool in_range(const uint8_t *address, const struct range *range)
{
	size_t whole = range->bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> range->bits % 8);

	if (memcmp(address, range->first, whole) != 0)
		return false;
	return range->bits % 8 == 0 || (address[whole] & mask) == (range->first[whole] & mask);
}

static bool in_any(const uint8_t *address, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (in_range(address, &ranges[i]))
			return true;
	}
	return false;
}

static bool v4_is_public(const uint8_t *address)
{
	return !in_any(address, private_v4, ARRAY_LEN(private_v4));
}

static bool v6_is_public(const uint8_t *address)
{
	for (size_t i = 0; i < ARRAY_LEN(embedded_v4); i++) {
		if (in_range(address, &embedded_v4[i].range))
			return v4_is_public(address + embedded_v4[i].offset);
	}
	return in_range(address, &global_v6) && !in_any(address, private_v6, ARRAY_LEN(private_v6));
}

bool address_is_public(const struct sockaddr *sa)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		return v4_is_public((const uint8_t *)&v4.sin_addr);
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		return v6_is_public(v6.sin6_addr.s6_addr);
	}
	return false;
}
