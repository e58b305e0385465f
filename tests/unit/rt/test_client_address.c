#include "tests/unit/test.h"

#include "rt/request.h"

/* round_trip() - the text of what @text reads as. */
static const char *round_trip(struct arena *arena, const char *text)
{
	struct client_address a;

	if (!client_address_parse(str_of(text), &a))
		return "refused";
	return client_address_text(arena, &a).ptr;
}

static void test_parse(void **state)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct client_address a;

	(void)state;
	assert_string_equal(round_trip(arena, "203.0.113.7"), "203.0.113.7");
	assert_string_equal(round_trip(arena, "::ffff:203.0.113.7"), "203.0.113.7");
	assert_string_equal(round_trip(arena, "2001:DB8:0::1"), "2001:db8::1");
	assert_string_equal(round_trip(arena, "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"),
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_string_equal(round_trip(arena, "::"), "");
	static const char *const bad[] = { "", "203.0.113", "203.0.113.7:80", "[2001:db8::1]",
		"fe80::1%eth0", "203.0.113.07", " 203.0.113.7", "2001:db8::1::2",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_string_equal(round_trip(arena, bad[i]), "refused");
	assert_false(client_address_parse(STR("203.0.113.7\0evil"), &a));
	arena_free(&arena);
}

static void test_network(void **state)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct client_address a, network;

	(void)state;
	assert_true(client_address_parse(STR("203.0.113.7"), &a));
	network = client_address_network(&a);
	assert_memory_equal(&network, &a, sizeof(a));
	assert_true(client_address_parse(STR("2001:db8:1:2:3:4:5:6"), &a));
	network = client_address_network(&a);
	assert_string_equal(client_address_text(arena, &network).ptr, "2001:db8:1:2::");
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
