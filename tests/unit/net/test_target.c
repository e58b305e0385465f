#include "tests/unit/test.h"

#include "net/net_priv.h"

static void whole(void **state)
{
	struct str problem = STR_NULL;
	struct target target;
	struct request rq;
	char *text = NULL;

	(void)state;
	request_init(&rq, NULL, NEVER_US);
	assert_true(target_parse(&rq,
	    STR("smtp://ada%40example.com:p%3Aass%2Fw%C3%B6rd@mail.example.com:2525/me?a=b&starttls=never"),
	    &target, &problem));
	assert_str(target.scheme, "smtp");
	assert_str(target.host, "mail.example.com");
	assert_int_equal(target.port, 2525);
	assert_str(secret_reveal(target.user), "ada@example.com");
	assert_str(secret_reveal(target.password), "p:ass/w\xc3\xb6rd");
	assert_str(target_query(&target, STR("starttls")), "never");
	assert_str(target_query(&target, STR("a")), "b");
	assert_str(target_query(&target, STR("start")), "");
	assert_str(target_query(&target, STR("b")), "");
	/* What may be logged or handed on has no credentials left in it. */
	assert_int_equal(curl_url_get(target.url, CURLUPART_URL, &text, 0), CURLUE_OK);
	assert_string_equal(text, "smtp://mail.example.com:2525/me?a=b&starttls=never");
	curl_free(text);
	target_done(&target);
	request_done(&rq);
}

static void hosts_and_ports(void **state)
{
	static const struct {
		const char *url, *host;
		uint16_t port;
	} cases[] = {
		{ "http://example.com/x", "example.com", 80 },
		{ "https://example.com", "example.com", 443 },
		{ "smtp://example.com", "example.com", 25 },
		{ "smtps://example.com", "example.com", 465 },
		{ "https://[2001:db8::1]:8443/", "2001:db8::1", 8443 },
		{ "http://0x7f000001/", "127.0.0.1", 80 },
		{ "https://b\xc3\xbc"
		  "cher.example/",
		    "xn--bcher-kva.example", 443 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str problem = STR_NULL;
		struct target target;
		struct request rq;

		request_init(&rq, NULL, NEVER_US);
		if (!target_parse(&rq, str_of(cases[i].url), &target, &problem))
			fail_msg("%s is refused", cases[i].url);
		assert_str(target.host, cases[i].host);
		assert_int_equal(target.port, cases[i].port);
		assert_int_equal(target.user.len, 0);
		target_done(&target);
		request_done(&rq);
	}
}

static void refused(void **state)
{
	static const char *const urls[] = {
		"",
		"example.com",
		"http://",
		"https://exa mple.com/",
		"https://example.com:0/",
		"https://example.com:99999/",
		"nonsense://example.com/",
		"http://a\r\nHost: b/",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct str problem = STR_NULL;
		struct target target;
		struct request rq;

		request_init(&rq, NULL, NEVER_US);
		if (target_parse(&rq, str_of(urls[i]), &target, &problem))
			fail_msg("%s is taken", urls[i]);
		assert_true(problem.len > 0);
		target_done(&target);
		request_done(&rq);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(hosts_and_ports),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
