/*
 * The reader against two public collections: llhttp's own cases (where its strict mode refuses, so
 * do we; where we are stricter, the reason is listed here) and smuggler's 1,308 spellings of
 * Transfer-Encoding. CLOAKROOM_CORPORA names the directory that holds them; without it the test is
 * skipped.
 */
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdio.h>

#include "base/json.h"
#include "tests/unit/http/reading.h"

#define SKIPPED 77 /* what Meson takes for it */

static const struct http_limits limits = { .target = 2048, .head = 8192, .body = 16384 };

static const char *corpora;
static struct arena *arena;

static struct str read_file(const char *name)
{
	struct str path = str_printf(arena, "%s/%s", corpora, name);
	FILE *f = fopen(path.ptr, "rb");
	struct buf out;
	size_t n;

	assert_non_null(f);
	buf_init(&out, arena, 1 << 17);
	while ((n = fread(buf_reserve(&out, 4096), 1, 4096, f)) > 0)
		out.len += n;
	fclose(f);
	return buf_str(&out);
}

static struct str read_both_ways(struct str bytes)
{
	struct str whole = reading_of(arena, &limits, bytes, bytes.len + 1);

	assert_bytes(reading_of(arena, &limits, bytes, 1), whole);
	return whole;
}

static bool contains(struct str s, struct str part)
{
	return memmem(s.ptr, s.len, part.ptr, part.len) != NULL;
}

/* --- llhttp --- */

struct llhttp_case {
	struct str title, kind, input, log;
};

/* The next line of @rest, without its end. */
static bool next_line(struct str *rest, struct str *ret)
{
	return str_next_token(rest, '\n', ret);
}

static struct str fenced_block(struct str *rest)
{
	struct str line, block;

	block = *rest;
	block.len = 0;
	while (next_line(rest, &line) && !str_starts(line, STR("```")))
		block.len = (size_t)(line.ptr + line.len + 1 - block.ptr);
	return block;
}

/* The byte a number in @base at @digits stands for, at most @max digits; *@n is how many there are.
 */
static char numeric(const char *digits, int base, size_t max, size_t *n)
{
	char text[4] = "", *end;
	unsigned long value;

	memcpy(text, digits, strnlen(digits, max));
	value = strtoul(text, &end, base);
	*n = (size_t)(end - text);
	return (char)value;
}

/*
 * llhttp's way of writing a request down: the last line end goes, a backslash joins lines, line
 * ends are CRLF, and \r \n \t \f \xHH \OOO stand for themselves.
 */
static struct str unescape(struct str text)
{
	static const char names[] = "rntf", values[] = "\r\n\t\f";
	struct buf out;

	if (str_ends(text, STR("\n")))
		text.len--;
	text = str_dup(arena, text); /* with a NUL behind it */
	buf_init(&out, arena, 2 * text.len + 1);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i], e = '\0';
		const char *name;
		size_t n;

		if (c == '\\')
			e = text.ptr[i + 1];
		name = e ? strchr(names, e) : NULL;
		if (c == '\n') {
			buf_add(&out, STR("\r\n"));
		} else if (e == '\n') {
			i++;
		} else if (name) {
			buf_add_char(&out, values[name - names]);
			i++;
		} else if (e == 'x') {
			buf_add_char(&out, numeric(text.ptr + i + 2, 16, 2, &n));
			i += 1 + n;
		} else if (e >= '0' && e <= '7') {
			buf_add_char(&out, numeric(text.ptr + i + 1, 8, 3, &n));
			i += n;
		} else {
			buf_add_char(&out, c);
		}
	}
	return buf_str(&out);
}

static bool next_case(struct str *rest, struct llhttp_case *ret)
{
	struct str line;

	ret->kind = STR("");
	while (next_line(rest, &line)) {
		if (str_starts(line, STR("#")))
			ret->title = str_trim(str_from(line, (size_t)str_find(line, ' ')));
		else if (str_starts(line, STR("<!-- meta=")))
			ret->kind = line;
		else if (str_eq(line, STR("```http")))
			ret->input = unescape(fenced_block(rest));
		else if (str_eq(line, STR("```log"))) {
			ret->log = fenced_block(rest);
			return true;
		}
	}
	return false;
}

/* Most cases carry no Host, which alone would settle them: give each request of theirs one. */
static struct str with_host(struct str input)
{
	struct buf out;
	ssize_t end;

	if (contains(str_lower(arena, input), STR("\nhost:")))
		return input;
	buf_init(&out, arena, 2 * input.len);
	while ((end = str_find(input, '\n')) >= 0) {
		struct str line = str_upto(input, (size_t)end + 1);

		buf_add(&out, line);
		if (str_ends(line, STR(" HTTP/1.1\r\n")) || str_ends(line, STR(" HTTP/1.0\r\n")))
			buf_add(&out, STR("Host: a\r\n"));
		input = str_from(input, line.len);
	}
	buf_add(&out, input);
	return buf_str(&out);
}

/* Where llhttp says yes and we say no, and why: all of it on purpose. */
static const struct {
	const char *title, *why;
} stricter[] = {
	/* A blank line before a request, or a body longer than it says: who reads on guesses. */
	{ "Prefix newline", "request line not in three parts" },
	{ "Request starting with CRLF", "request line not in three parts" },
	{ "CRLF between requests, implicit `keep-alive`", "request line not in three parts" },
	{ "Should parse multiple events", "request line not in three parts" },
	/* HTTP/0.9, ICE and RTSP. */
	{ "No HTTP version", "request line not in three parts" },
	{ "SOURCE request with ICE", "version neither HTTP/1.1 nor HTTP/1.0" },
	{ "OPTIONS request with RTSP", "version neither HTTP/1.1 nor HTTP/1.0" },
	{ "ANNOUNCE request with RTSP", "version neither HTTP/1.1 nor HTTP/1.0" },
	/* Forms for proxies, and `*` for anything but OPTIONS. */
	{ "M-SEARCH request", "target not in origin form" },
	{ "Host terminated by a query string", "target not in origin form" },
	{ "`host:port` terminated by a query string", "target not in origin form" },
	{ "`host:port` terminated by a space", "target not in origin form" },
	{ "`host:port` and basic auth", "target not in origin form" },
	/* Characters RFC 3986 does not allow; a fragment never leaves a client. */
	{ "Quotes in URI", "character not allowed in the target" },
	{ "Fragment in URI", "character not allowed in the target" },
	{ "POST with `chunked` as last transfer-encoding", "character not allowed in the target" },
	{ "POST with `chunked` as last transfer-encoding (multiple headers)",
	    "character not allowed in the target" },
	/* Tabs where the end of a request is decided. */
	{ "Tabs in `Content-Length` (surrounding)", "tab in a framing field" },
	{ "Setting flag on `close` followed by tab", "tab in a framing field" },
	/* Trailers and chunk extensions. */
	{ "Trailing headers", "trailer field" },
	{ "Chunk extensions", "chunk size not on a line of its own" },
	{ "Chunk extensions quoting", "chunk size not on a line of its own" },
	{ "on_chunk_extension_name", "chunk size not on a line of its own" },
	{ "on_chunk_extension_value", "chunk size not on a line of its own" },
};

static bool stricter_on_purpose(struct str title, struct str reading)
{
	for (size_t i = 0; i < ARRAY_LEN(stricter); i++) {
		struct str end = str_printf(arena, "refused bad_request: %s\n", stricter[i].why);

		if (str_eq(title, str_of(stricter[i].title)) && str_ends(reading, end))
			return true;
	}
	return false;
}

/* Errors of llhttp that are no refusals, or that do not apply to us. */
static bool not_a_refusal(const struct llhttp_case *c, struct str reading)
{
	/* Upgrades are ignored: the request is answered as if it had not asked. */
	if (contains(c->log, STR("\"Pause on CONNECT/Upgrade\"")))
		return true;
	/* What follows the last request of a connection is not looked at. */
	if (contains(c->log, STR("\"Data after `Connection: close`\"")) ||
	    contains(c->kind, STR("lenient-keep-alive")))
		return str_ends(reading, STR("close\n"));
	/* Any token is a method; the ones we do not know are answered 405. */
	return str_eq(c->title, STR("HTTP protocol and ANNOUNCE method")) ||
	       str_eq(c->title, STR("Invalid method"));
}

static void judge(const struct llhttp_case *c)
{
	struct str input = with_host(c->input), reading = read_both_ways(input), last;
	bool errs = contains(c->log, STR("error code=")) || contains(c->kind, STR("lenient"));
	bool refused;

	/* Cases that stop in the middle of a line: let it end. */
	if (errs && str_ends(reading, STR("more\n")))
		reading = read_both_ways(str_printf(arena, "%.*s\r\n", STR_ARG(input)));
	last = str_from(
	    reading, (size_t)(str_find_last(str_upto(reading, reading.len - 1), '\n') + 1));
	refused = str_starts(last, STR("refused "));
	if (errs ? refused || not_a_refusal(c, reading)
		 : !refused || stricter_on_purpose(c->title, reading))
		return;
	print_error("%.*s: llhttp %s, we say %.*s", STR_ARG(c->title), errs ? "refuses" : "accepts",
	    STR_ARG(last));
	fail();
}

static void test_llhttp(void **state)
{
	static const char folder[] = "llhttp-cases/test/request";
	DIR *dir = opendir(str_printf(arena, "%s/%s", corpora, folder).ptr);
	struct dirent *entry;
	unsigned cases = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		struct llhttp_case c = { 0 };
		struct str rest;

		if (!str_ends(str_of(entry->d_name), STR(".md")))
			continue;
		rest = read_file(str_printf(arena, "%s/%s", folder, entry->d_name).ptr);
		for (; next_case(&rest, &c); cases++)
			judge(&c);
	}
	closedir(dir);
	assert_true(cases > 150);
}

/* --- smuggler --- */

#define CANARY "GET /canary HTTP/1.1\r\nHost: a\r\n\r\n"

/* The collection writes bytes as the code points of JSON text. */
static struct str latin1(struct str utf8)
{
	struct buf out;

	buf_init(&out, arena, utf8.len);
	for (size_t i = 0; i < utf8.len; i++) {
		unsigned c = (unsigned char)utf8.ptr[i];

		if (c >= 0x80)
			c = (c & 3) << 6 | ((unsigned)utf8.ptr[++i] & 0x3f);
		buf_add_char(&out, (char)c);
	}
	return buf_str(&out);
}

/* One request at most may be seen, and the canary only as bytes of its body. */
static void assert_no_canary(const char *name, struct str bytes)
{
	struct str reading = read_both_ways(bytes);

	if (!contains(reading, STR("GET /canary [")))
		return;
	print_error("%s: the canary was read as a request:\n%.*s", name, STR_ARG(reading));
	fail();
}

static void test_smuggler(void **state)
{
	static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\n";
	const struct json *variants;
	size_t n;

	(void)state;
	assert_int_equal(
	    json_parse(arena, read_file("http-smuggling/te_header_variants.json"), &variants), OK);
	n = json_array_length(variants);
	assert_true(n > 1300);
	/* The canary sings when it should. */
	assert_true(contains(read_both_ways(STR(CANARY)), STR("GET /canary [")));
	for (size_t i = 0; i < n; i++) {
		const struct json *variant = json_array_at(variants, i);
		struct str name = json_string(json_get(variant, "name"));
		struct str field = latin1(json_string(json_get(variant, "header_latin1")));

		/* A reader by length sees one request, a reader by chunks two. */
		assert_no_canary(
		    name.ptr, str_printf(arena, "%sContent-Length: %zu\r\n%.*s\r\n\r\n0\r\n\r\n%s",
				  head, sizeof("0\r\n\r\n" CANARY) - 1, STR_ARG(field), CANARY));
		/* A reader by chunks sees one request, a reader that sees no length two. */
		assert_no_canary(name.ptr, str_printf(arena, "%s%.*s\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n",
					       head, STR_ARG(field), sizeof(CANARY) - 1, CANARY));
	}
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
		cmocka_unit_test(test_llhttp),
		cmocka_unit_test(test_smuggler),
	};

	corpora = getenv("CLOAKROOM_CORPORA");
	if (!corpora)
		corpora = "../shared/corpora";
	if (access(corpora, R_OK) != 0)
		return SKIPPED;
	return cmocka_run_group_tests(tests, setup, teardown);
}
