#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/clock.h"
#include "outbox/mime.h"

static struct arena *arena;

static struct mime_mail mail(void)
{
	struct mime_mail m = {
		.from = { STR("Cloakroom"), STR("no-reply@shop.example") },
		.to = STR("ada@example.com"),
		.subject = STR("Hello"),
		.text = STR("Hello.\n"),
		.at_us = INT64_C(784111777) * US_PER_S, /* RFC 9110's example */
	};

	assert_true(uuid_parse(STR("0190b1a2-0000-7000-8000-000000000001"), &m.id));
	return m;
}

static bool has(struct str text, const char *part)
{
	return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void plain_text(void **state)
{
	struct mime_mail m = mail();

	(void)state;
	assert_str(mime_build(arena, &m),
	    "From: \"Cloakroom\" <no-reply@shop.example>\r\n"
	    "To: <ada@example.com>\r\n"
	    "Subject: Hello\r\n"
	    "Date: Sun, 06 Nov 1994 08:49:37 +0000\r\n"
	    "Message-ID: <0190b1a2-0000-7000-8000-000000000001@shop.example>\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n"
	    "\r\n"
	    "Hello.\r\n");
}

static void alternatives(void **state)
{
	struct mime_mail m = mail();
	struct str bytes;

	(void)state;
	m.html = STR("<p>Hello.</p>");
	bytes = mime_build(arena, &m);
	assert_true(
	    has(bytes, "Content-Type: multipart/alternative; boundary=\"=_alternatives\"\r\n"
		       "\r\n--=_alternatives\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	assert_true(has(bytes, "\r\nHello.\r\n\r\n--=_alternatives\r\nContent-Type: text/html;"));
	assert_true(has(bytes, "\r\n<p>Hello.</p>\r\n\r\n--=_alternatives--\r\n"));
	/* Not even a text that tries ends a part. */
	m.text = STR("\n--=_alternatives--\n");
	assert_true(has(mime_build(arena, &m), "\r\n--=3D_alternatives--\r\n"));
}

static struct str body(struct str text)
{
	struct mime_mail m = mail();
	struct str bytes;
	const char *at;

	m.text = text;
	bytes = mime_build(arena, &m);
	at = memmem(bytes.ptr, bytes.len, "\r\n\r\n", 4);
	assert_non_null(at);
	return str_from(bytes, (size_t)(at - bytes.ptr) + 4);
}

static void quoted_printable(void **state)
{
	static const struct {
		const char *text, *encoded;
	} cases[] = {
		{ "", "" },
		{ "a=b\n", "a=3Db\r\n" },
		{ "caf\xc3\xa9", "caf=C3=A9\r\n" },
		{ "end \nnext\t\n.", "end=20\r\nnext=09\r\n.\r\n" },
		{ "a\rb\n", "a=0Db\r\n" },
		{ "\n\n", "\r\n\r\n" },
	};
	struct str text =
	    STR("1234567890123456789012345678901234567890123456789012345678901234567890123456\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_str(body(str_of(cases[i].text)), cases[i].encoded);
	assert_str(body(text),
	    "123456789012345678901234567890123456789012345678901234567890123456789"
	    "012345=\r\n6\r\n");
}

static void headers_stay_one_line(void **state)
{
	struct mime_mail m = mail();
	struct str bytes;

	(void)state;
	m.subject = STR("Hi\r\nBcc: eve@example.com");
	m.to = STR("ada@example.com>\r\nBcc: <eve@example.com");
	m.from.name = STR("A\nB \"C\" \\");
	bytes = mime_build(arena, &m);
	assert_true(has(bytes, "Subject: Hi  Bcc: eve@example.com\r\n"));
	assert_true(has(bytes, "To: <ada@example.com>  Bcc: <eve@example.com>\r\n"));
	assert_true(has(bytes, "From: \"A B \\\"C\\\" \\\\\" <"));
	assert_false(has(bytes, "\nBcc"));
}

/* RFC 2047: words of at most 75 characters, none of which ends within a character. */
static void encoded_words(void **state)
{
	struct mime_mail m = mail();
	struct str bytes, rest, line;

	(void)state;
	m.subject =
	    STR("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82"
		"\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2"
		"\x82\xac\xe2\x82\xacx\xe2\x82\xac");
	m.from.name = STR("J\xc3\xbcrgen");
	bytes = mime_build(arena, &m);
	assert_true(has(bytes, "From: =?UTF-8?B?SsO8cmdlbg==?= <no-reply@shop.example>\r\n"));
	assert_true(has(bytes, "?=\r\n =?UTF-8?B?eOKCrA==?=\r\nDate:"));
	rest = bytes;
	while (str_next_token(&rest, '\n', &line))
		assert_true(line.len <= 86);
	/* What looks like an encoded word, and what is long, is encoded too. */
	m.subject = STR("=?UTF-8?B?SGk=?=");
	assert_true(
	    has(mime_build(arena, &m), "Subject: =?UTF-8?B?PT9VVEYtOD9CP1NHaz0/PQ==?=\r\n"));
}

static void mailboxes(void **state)
{
	static const char *const bad[] = { "", "nobody", "@x", "x@", "A <a@b", "A <>", "<a b@c>",
		"a@b\r\nTo: c", "A <a@b> x" };
	struct mailbox m;

	(void)state;
	assert_true(mailbox_parse(STR("Cloakroom <no-reply@shop.example>"), &m));
	assert_str(m.name, "Cloakroom");
	assert_str(m.address, "no-reply@shop.example");
	assert_true(mailbox_parse(STR(" a@b.c "), &m));
	assert_str(m.name, "");
	assert_str(m.address, "a@b.c");
	assert_true(mailbox_parse(STR("<a@b.c>"), &m));
	assert_str(m.address, "a@b.c");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (mailbox_parse(str_of(bad[i]), &m))
			fail_msg("\"%s\" is taken", bad[i]);
	}
}

static int start(void **state)
{
	(void)state;
	arena = arena_new(ARENA_PLAIN, 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text),
		cmocka_unit_test(alternatives),
		cmocka_unit_test(quoted_printable),
		cmocka_unit_test(headers_stay_one_line),
		cmocka_unit_test(encoded_words),
		cmocka_unit_test(mailboxes),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
