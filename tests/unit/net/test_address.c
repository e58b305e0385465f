#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/net_priv.h"

static bool is_public(const char *text)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return address_is_public((const struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return address_is_public((const struct sockaddr *)&v6);
}

static void private_ones(void **state)
{
	static const char *const addresses[] = {
		"0.0.0.0",
		"10.1.2.3",
		"100.64.0.1",
		"100.127.255.255",
		"127.0.0.1",
		"127.255.0.1",
		"169.254.169.254",
		"172.16.0.1",
		"172.31.255.255",
		"192.0.0.8",
		"192.0.2.1",
		"192.168.1.1",
		"198.18.0.1",
		"198.19.255.255",
		"198.51.100.7",
		"203.0.113.7",
		"224.0.0.1",
		"239.255.255.255",
		"240.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"::ffff:127.0.0.1",
		"::ffff:10.0.0.1",
		"64:ff9b::a9fe:a9fe",
		"64:ff9b:1::1",
		"2002:7f00:1::",
		"2002:a00:1::1",
		"fc00::1",
		"fd12:3456::1",
		"fe80::1",
		"fec0::1",
		"ff02::1",
		"2001::1",
		"2001:db8::1",
		"100::1",
		"5f00::1",
		"3fff::1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		if (is_public(addresses[i]))
			fail_msg("%s passes for public", addresses[i]);
	}
}

static void public_ones(void **state)
{
	static const char *const addresses[] = {
		"1.1.1.1",
		"9.255.255.255",
		"11.0.0.0",
		"100.63.255.255",
		"100.128.0.0",
		"126.1.1.1",
		"128.0.0.1",
		"169.253.1.1",
		"172.15.255.255",
		"172.32.0.0",
		"192.0.1.1",
		"192.167.1.1",
		"198.17.1.1",
		"198.20.0.1",
		"223.255.255.255",
		"::ffff:8.8.8.8",
		"64:ff9b::808:808",
		"2002:808:808::1",
		"2a00:1450::1",
		"2606:4700::1111",
		"2001:200::1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		if (!is_public(addresses[i]))
			fail_msg("%s passes for private", addresses[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(private_ones),
		cmocka_unit_test(public_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
