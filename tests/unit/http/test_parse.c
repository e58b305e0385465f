#include <stdio.h>

#include "base/arena.h"
#include "tests/unit/http/reading.h"
#include "tests/unit/test.h"

static const struct http_limits limits = { .target = 256, .head = 1024, .body = 64 };

static struct arena *arena;

/* Reads @bytes whole, byte by byte, and cut in two at every place: always the same. */
static struct str read_all_ways(struct str bytes)
{
	struct str whole = reading_of(arena, &limits, bytes, bytes.len);

	for (size_t piece = 1; piece < bytes.len; piece++)
		assert_bytes(reading_of(arena, &limits, bytes, piece), whole);
	return whole;
}

struct row {
	const char *bytes;
	const char *reading;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_str(read_all_ways(str_of(rows[i].bytes)), rows[i].reading);
}

#define HOST "Host: a\r\n"
#define GET_A "GET / HTTP/1.1\r\n" HOST
#define POST_A "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST_A "Transfer-Encoding: chunked\r\n\r\n"
#define BAD "refused bad_request: "

static void test_request_line(void **state)
{
	static const struct row rows[] = {
		{ GET_A "\r\n", "GET / []\nHost: a\nmore\n" },
		{ "M-S~1 /x HTTP/1.1\r\n" HOST "\r\n", "M-S~1 /x []\nHost: a\nmore\n" },
		{ "GET / HTTP/1.0\r\n\r\n", "GET / [] close\nclose\n" },
		{ "GET / HTTP/1.0\r\n" HOST "\r\n", "GET / [] close\nHost: a\nclose\n" },
		{ "", "more\n" },
		{ "GET", "more\n" },
		{ "GET /\r\n", BAD "request line not in three parts\n" },
		{ "GET / HTTP/1.1 \r\n", BAD "version neither HTTP/1.1 nor HTTP/1.0\n" },
		{ " GET / HTTP/1.1\r\n", BAD "method not a token\n" },
		{ "GET  / HTTP/1.1\r\n", BAD "target not in origin form\n" },
		{ "GET /  HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
		{ "GET\t/ HTTP/1.1\r\n", BAD "request line not in three parts\n" },
		{ "GE(T / HTTP/1.1\r\n", BAD "method not a token\n" },
		{ "ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\n", BAD "method not a token\n" },
		{ "GET / HTTP/1.2\r\n", BAD "version neither HTTP/1.1 nor HTTP/1.0\n" },
		{ "GET / HTTP/2.0\r\n", BAD "version neither HTTP/1.1 nor HTTP/1.0\n" },
		{ "GET / http/1.1\r\n", BAD "version neither HTTP/1.1 nor HTTP/1.0\n" },
		{ "GET / HTTP/01.1\r\n", BAD "version neither HTTP/1.1 nor HTTP/1.0\n" },
		{ "GET / HTTP/1.1\n", BAD "bare LF\n" },
		{ "GET / HTTP/1.1\rX", BAD "bare CR\n" },
		{ "\r\n" GET_A "\r\n", BAD "request line not in three parts\n" },
		{ "\x16\x03\x01", BAD "control character\n" },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
}

static void test_target(void **state)
{
	static const struct row rows[] = {
		{ "GET /a/%2e%2E/b;c=1,2'(x)*!$&+:@~-_. HTTP/1.0\r\n\r\n",
		    "GET /a/%2e%2E/b;c=1,2'(x)*!$&+:@~-_. [] close\nclose\n" },
		{ "GET /?a=/?&b[]={x}|^`\\ HTTP/1.0\r\n\r\n",
		    "GET /?a=/?&b[]={x}|^`\\ [] close\nclose\n" },
		{ "OPTIONS * HTTP/1.0\r\n\r\n", "OPTIONS * [] close\nclose\n" },
		{ "GET * HTTP/1.1\r\n", BAD "target not in origin form\n" },
		{ "OPTIONS *?a HTTP/1.1\r\n", BAD "target not in origin form\n" },
		{ "GET http://a/ HTTP/1.1\r\n", BAD "target not in origin form\n" },
		{ "CONNECT a:443 HTTP/1.1\r\n", BAD "target not in origin form\n" },
		{ "GET ?a HTTP/1.1\r\n", BAD "target not in origin form\n" },
		{ "GET /#a HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
		{ "GET /?#a HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
		{ "GET /[a] HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
		{ "GET /\\ HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
		{ "GET /\"a\" HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
		{ "GET /?<a> HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
		{ "GET /a b HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
		{ "GET /\xc3\xa4 HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
		{ "GET /% HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
		{ "GET /%2 HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
		{ "GET /%2g HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
		{ "GET /?%zz HTTP/1.1\r\n", BAD "character not allowed in the target\n" },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
}

static void test_fields(void **state)
{
	static const struct row rows[] = {
		{ GET_A "X:\r\nY:  1 \t2\t\r\nZ_z: \xff\"(\r\n\r\n",
		    "GET / []\nHost: a\nX: \nY: 1 \t2\nZ_z: \xff\"(\nmore\n" },
		{ GET_A "X : 1\r\n", BAD "field name not a token\n" },
		{ GET_A ": 1\r\n", BAD "field without a name\n" },
		{ GET_A "X\r\n", BAD "field without a name\n" },
		{ GET_A "X@: 1\r\n", BAD "field name not a token\n" },
		{ GET_A "\xe4: 1\r\n", BAD "field name not a token\n" },
		{ GET_A " folded: 1\r\n", BAD "field name not a token\n" },
		{ GET_A "\tfolded\r\n", BAD "field without a name\n" },
		{ "GET / HTTP/1.1\r\n Host: a\r\n", BAD "field name not a token\n" },
		{ GET_A "X: 1\n", BAD "bare LF\n" },
		{ GET_A "X: 1\rY: 2\r\n", BAD "bare CR\n" },
		{ GET_A "X: \x01\r\n", BAD "control character\n" },
		{ GET_A "X: \x7f\r\n", BAD "control character\n" },
		{ GET_A "\n", BAD "bare LF\n" },
		{ GET_A "\rX", BAD "bare CR\n" },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
	assert_str(read_all_ways(STR(GET_A "X: \0\r\n\r\n")), BAD "control character\n");
}

static void test_host(void **state)
{
	static const struct row rows[] = {
		{ "GET / HTTP/1.1\r\nhOST: [::1]:80\r\n\r\n", "GET / []\nhOST: [::1]:80\nmore\n" },
		{ "GET / HTTP/1.1\r\nHost: a-b.c_d:8080\r\n\r\n",
		    "GET / []\nHost: a-b.c_d:8080\nmore\n" },
		{ "GET / HTTP/1.1\r\n\r\n", BAD "no Host\n" },
		{ GET_A HOST "\r\n", BAD "more than one Host\n" },
		{ "GET / HTTP/1.1\r\nHost:\r\n", BAD "Host not a name and port\n" },
		{ "GET / HTTP/1.1\r\nHost: a, b\r\n", BAD "Host not a name and port\n" },
		{ "GET / HTTP/1.1\r\nHost: a@b\r\n", BAD "Host not a name and port\n" },
		{ "GET / HTTP/1.1\r\nHost: a/b\r\n", BAD "Host not a name and port\n" },
		{ "GET / HTTP/1.1\r\nHost:\ta\r\n", BAD "tab in a framing field\n" },
		{ "GET / HTTP/1.0\r\n" HOST HOST "\r\n", BAD "more than one Host\n" },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
}

static void test_content_length(void **state)
{
	static const struct row rows[] = {
		{ POST_A "Content-Length: 3\r\n\r\nabcGET", "POST / [abc]\nHost: a\n"
							    "Content-Length: 3\nmore\n" },
		{ POST_A "content-length:0\r\n\r\n",
		    "POST / []\nHost: a\ncontent-length: 0\nmore\n" },
		{ POST_A "Content-Length: 3\r\n\r\nab", "more\n" },
		{ GET_A "Content-Length: 1\r\n\r\n\n", "GET / [\n]\nHost: a\nContent-Length: 1\n"
						       "more\n" },
		{ POST_A "Content-Length: 3\r\nContent-Length: 3\r\n",
		    BAD "more than one Content-Length\n" },
		{ POST_A "Content-Length: 3, 3\r\n", BAD "Content-Length not a number\n" },
		{ POST_A "Content-Length: +3\r\n", BAD "Content-Length not a number\n" },
		{ POST_A "Content-Length: -3\r\n", BAD "Content-Length not a number\n" },
		{ POST_A "Content-Length: 0x3\r\n", BAD "Content-Length not a number\n" },
		{ POST_A "Content-Length: 3 3\r\n", BAD "Content-Length not a number\n" },
		{ POST_A "Content-Length: 3.\r\n", BAD "Content-Length not a number\n" },
		{ POST_A "Content-Length:\r\n", BAD "empty Content-Length\n" },
		{ POST_A "Content-Length: 3\t\r\n", BAD "tab in a framing field\n" },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
}

static void test_transfer_encoding(void **state)
{
	static const struct row rows[] = {
		{ POST_A "Transfer-Encoding: Chunked\r\n", BAD "Transfer-Encoding not chunked\n" },
		{ POST_A "Transfer-Encoding: gzip, chunked\r\n",
		    BAD "Transfer-Encoding not chunked\n" },
		{ POST_A "Transfer-Encoding: chunked,\r\n", BAD "Transfer-Encoding not chunked\n" },
		{ POST_A "Transfer-Encoding: identity\r\n", BAD "Transfer-Encoding not chunked\n" },
		{ POST_A "Transfer-Encoding:\r\n", BAD "Transfer-Encoding not chunked\n" },
		{ POST_A "Transfer-Encoding:\tchunked\r\n", BAD "tab in a framing field\n" },
		{ POST_A "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		    BAD "more than one Transfer-Encoding\n" },
		{ POST_A "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
		    BAD "Transfer-Encoding and Content-Length\n" },
		{ POST_A "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
		    BAD "Transfer-Encoding and Content-Length\n" },
		{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		    BAD "Transfer-Encoding in HTTP/1.0\n" },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
}

static void test_chunks(void **state)
{
	static const char fields[] = "Host: a\nTransfer-Encoding: chunked\n";
	static const struct row good[] = {
		{ "0\r\n\r\n", "" },
		{ "3\r\nabc\r\n0\r\n\r\n", "abc" },
		{ "1\r\na\r\n0002\r\nbc\r\n000\r\n\r\n", "abc" },
		{ "A\r\n0123456789\r\nb\r\n0\r\n\r\n123456\r\n00000000\r\n\r\n",
		    "01234567890\r\n\r\n123456" },
	};
	static const struct row rows[] = {
		{ CHUNKED, "more\n" },
		{ CHUNKED "3\r\nabc\r\n0\r\n\r", "more\n" },
		{ CHUNKED "\r\n", BAD "empty chunk size\n" },
		{ CHUNKED "0x3\r\n", BAD "chunk size not hexadecimal\n" },
		{ CHUNKED "+3\r\n", BAD "chunk size not hexadecimal\n" },
		{ CHUNKED " 3\r\n", BAD "chunk size not hexadecimal\n" },
		{ CHUNKED "3 \r\n", BAD "chunk size not hexadecimal\n" },
		{ CHUNKED "3;\r\n", BAD "chunk size not hexadecimal\n" },
		{ CHUNKED "3;a=b\r\n", BAD "chunk size not hexadecimal\n" },
		{ CHUNKED "3;abcdefghijkl\r\n", BAD "chunk size not on a line of its own\n" },
		{ CHUNKED "000000003\r\n", BAD "chunk size not on a line of its own\n" },
		{ CHUNKED "3\nabc", BAD "chunk size not on a line of its own\n" },
		{ CHUNKED "3\rabc", BAD "chunk size not on a line of its own\n" },
		{ CHUNKED "3\r\nabcd\r\n", BAD "chunk longer than its size\n" },
		{ CHUNKED "3\r\nabc\n", BAD "chunk longer than its size\n" },
		{ CHUNKED "3\r\nabc\rX", BAD "chunk longer than its size\n" },
		{ CHUNKED "0\r\nX: 1\r\n\r\n", BAD "trailer field\n" },
		{ CHUNKED "0\r\n\n", BAD "trailer field\n" },
		{ CHUNKED "41\r\n", "refused too_large: body too large\n" },
		{ CHUNKED "ffffffff\r\n", "refused too_large: body too large\n" },
		{ CHUNKED "1\r\na\r\n40\r\n", "refused too_large: body too large\n" },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct str in = str_printf(arena, "%s%s%s", CHUNKED, good[i].bytes, GET_A "\r\n");
		struct str out = str_printf(
		    arena, "POST / [%s]\n%sGET / []\nHost: a\nmore\n", good[i].reading, fields);

		assert_bytes(read_all_ways(in), out);
	}
}

static void test_connection_and_expect(void **state)
{
	static const struct row rows[] = {
		{ GET_A "Connection: close\r\n\r\n" GET_A "\r\n",
		    "GET / [] close\nHost: a\nConnection: close\nclose\n" },
		{ GET_A "Connection: x , CLOSE,y\r\n\r\n",
		    "GET / [] close\nHost: a\nConnection: x , CLOSE,y\nclose\n" },
		{ GET_A "Connection: closed\r\n\r\n",
		    "GET / []\nHost: a\nConnection: closed\nmore\n" },
		{ GET_A "Connection: keep-alive\r\n\r\n" GET_A "\r\n",
		    "GET / []\nHost: a\nConnection: keep-alive\nGET / []\nHost: a\nmore\n" },
		{ POST_A "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\na",
		    "POST / [a] 100-continue\nHost: a\nExpect: 100-Continue\nContent-Length: 1\n"
		    "more\n" },
		{ "POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n",
		    "POST / [] close\nExpect: 100-continue\nclose\n" },
		{ POST_A "Expect: tea\r\n", BAD "unknown expectation\n" },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
}

static struct str repeat(char c, size_t n)
{
	char *p = arena_alloc(arena, n + 1);

	memset(p, c, n);
	return str_bytes(p, n);
}

static void test_limits(void **state)
{
	static const char too_long[] = "refused too_large: target too long\n";
	static const char line[] = "refused too_large: line too long\n";
	static const char head[] = "refused headers_too_large: head too long\n";
	struct str in;
	struct buf fields;

	(void)state;
	/* The target: 256 fits, 257 does not, an endless line is not waited for. */
	in = str_printf(arena, "GET /%s HTTP/1.0\r\n\r\n", repeat('a', 255).ptr);
	assert_true(str_ends(read_all_ways(in), STR("close\n")));
	in = str_printf(arena, "GET /%s HTTP/1.0\r\n\r\n", repeat('a', 256).ptr);
	assert_str(read_all_ways(in), too_long);
	in = str_printf(arena, "GET /%s", repeat('a', 400).ptr);
	assert_str(read_all_ways(in), line);

	/* The head: 1,024 bytes with its blank line, and no more than 64 fields. */
	in = str_printf(arena, GET_A "X: %s\r\n\r\n", repeat('a', 1024 - 25 - 7).ptr);
	assert_int_equal(in.len, 1024);
	assert_true(str_ends(read_all_ways(in), STR("more\n")));
	in = str_printf(arena, GET_A "X: %s\r\n\r\n", repeat('a', 1025 - 25 - 7).ptr);
	assert_str(read_all_ways(in), head);
	buf_init(&fields, arena, 1024);
	for (int i = 0; i < HTTP_MAX_FIELDS - 1; i++)
		buf_add(&fields, STR("a:\r\n"));
	in = str_printf(arena, GET_A "%.*s\r\n", STR_ARG(buf_str(&fields)));
	assert_true(str_ends(read_all_ways(in), STR("more\n")));
	in = str_printf(arena, GET_A "a:\r\n%.*s\r\n", STR_ARG(buf_str(&fields)));
	assert_str(read_all_ways(in), "refused headers_too_large: too many fields\n");

	/* The body: 64 bytes; refused at the head, before any of it comes. */
	in = str_printf(arena, POST_A "Content-Length: 64\r\n\r\n%s", repeat('a', 64).ptr);
	assert_true(str_ends(read_all_ways(in), STR("more\n")));
	in = STR(POST_A "Content-Length: 65\r\n\r\n");
	assert_str(read_all_ways(in), "refused too_large: body too large\n");
	in = STR(POST_A "Content-Length: 184467440737095516160000000000000000001\r\n\r\n");
	assert_str(read_all_ways(in), "refused too_large: body too large\n");
}

static void test_pipeline(void **state)
{
	(void)state;
	assert_str(read_all_ways(STR(POST_A "Content-Length: 2\r\n\r\nhi" CHUNKED
					    "1\r\n!\r\n0\r\n\r\n" GET_A "\r\n\r\n")),
	    "POST / [hi]\nHost: a\nContent-Length: 2\n"
	    "POST / [!]\nHost: a\nTransfer-Encoding: chunked\n"
	    "GET / []\nHost: a\n" BAD "request line not in three parts\n");
}

/* Every byte value in every kind of place against the RFC's own lists. */
static void test_characters(void **state)
{
	static const char alnum[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	static const char token[] = "!#$%&'*+-.^_`|~";
	static const char path[] = "-._~!$&'()*+,;=:@/";
	static const char query[] = "-._~!$&'()*+,;=:@/?[]\\^`{|}";
	static const char host[] = "-._~!$&'()*+;=:[]%";
	static const struct {
		const char *before, *after, *allowed;
	} places[] = {
		{ "A", " / HTTP/1.0\r\n\r\n", token },
		{ "GET / HTTP/1.0\r\na", ": b\r\n\r\n", token },
		{ "GET /", "a HTTP/1.0\r\n\r\n", path },
		{ "GET /?", "a HTTP/1.0\r\n\r\n", query },
		{ "GET / HTTP/1.0\r\nHost: a", "b\r\n\r\n", host },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		for (int c = 0; c < 256; c++) {
			struct buf in;
			struct str reading;
			bool allowed = c && (strchr(alnum, c) || strchr(places[i].allowed, c));

			if (places[i].allowed == path && c == '?')
				continue; /* begins the query */
			if (places[i].allowed == token && c == ':' && i == 1)
				continue; /* ends the name */
			buf_init(&in, arena, 64);
			buf_add(&in, str_of(places[i].before));
			buf_add_char(&in, (char)c);
			buf_add(&in, str_of(places[i].after));
			reading = reading_of(arena, &limits, buf_str(&in), in.len);
			assert_int_equal(str_ends(reading, STR("close\n")), allowed);
		}
	}
}

/* A byte at a time, each looked at once: the place where the reader stands never falls back. */
static void test_dribble(void **state)
{
	static const char head[] = GET_A "X: 0123456789\r\n\r\n";
	struct http_parser p;
	char in[sizeof(head)];

	(void)state;
	http_parser_init(&p, &limits);
	for (size_t len = 1; len < sizeof(head); len++) {
		size_t now = len, before = p.scan;

		in[len - 1] = head[len - 1];
		http_parse(&p, in, &now);
		assert_true(p.scan >= before);
		assert_true(p.scan + 1 >= len);
	}
	assert_int_equal(p.phase, HTTP_DONE);
}

static int setup(void **state)
{
	(void)state;
	arena = arena_new(ARENA_PLAIN, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_line),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_content_length),
		cmocka_unit_test(test_transfer_encoding),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_connection_and_expect),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_dribble),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
