#include "tests/unit/corpus.h"

#include "base/json.h"
#include "service/identifier.h"

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(ARENA_PLAIN, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static bool parse(struct str text, struct identifier *ret)
{
	return identifier_parse_email(arena, text, ret) == TEXT_NONE;
}

static void one_mailbox_has_one_canonical_spelling(void **state)
{
	static const struct {
		const char *typed, *canonical;
	} rows[] = {
		{ "ada@example.com", "ada@example.com" },
		{ " \tAda.Lovelace@EXAMPLE.Com ", "ada.lovelace@example.com" },
		{ "o'hara+tag_1-x=y@example.co.uk", "o'hara+tag_1-x=y@example.co.uk" },
		{ "a@r3---sn.example.com", "a@r3---sn.example.com" },
		{ "a@bücher.example", "a@xn--bcher-kva.example" },
		{ "A@BÜCHER.Example", "a@xn--bcher-kva.example" },
		{ "a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example" },
		{ "a@faß.example", "a@xn--fa-hia.example" },
		{ "a@例え.テスト", "a@xn--r8jz45g.xn--zckzah" },
		/* Composed and decomposed, full width, sharp s, a letter of mathematics. */
		{ "J\u00dcRGEN@example.com", "j\u00fcrgen@example.com" },
		{ "Ju\u0308rgen@example.com", "j\u00fcrgen@example.com" },
		{ "ｊürgen@example.com", "j\u00fcrgen@example.com" },
		{ "groß@example.com", "gross@example.com" },
		{ "\U0001d400da@example.com", "ada@example.com" },
		{ "δοκιμή@example.com", "δοκιμή@example.com" },
		{ "ΔΟΚΙΜΉ@example.com", "δοκιμή@example.com" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identifier id;

		if (!parse(str_of(rows[i].typed), &id))
			fail_msg("refused: %s", rows[i].typed);
		assert_str(id.canonical, rows[i].canonical);
		assert_bytes(id.display, str_trim(str_of(rows[i].typed)));
		assert_int_equal(id.kind, IDENTIFIER_EMAIL);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"@",
		"ada",
		"ada@",
		"@example.com",
		"ada@localhost",
		"ada@example.com.",
		"ada@.example.com",
		"ada@example..com",
		"ada@-example.com",
		"ada@example-.com",
		"ada@exa_mple.com",
		"ada@example.123",
		"ada@[192.0.2.1]",
		"ada@192.0.2.1",
		".ada@example.com",
		"ada.@example.com",
		"a..da@example.com",
		"a da@example.com",
		"a@da@example.com",
		"\"a da\"@example.com",
		"(comment)ada@example.com",
		"ada@example.com (comment)",
		"ada@example.com\nBcc: eve@example.com",
		"ada\r@example.com",
		"ada@example.com\x7f",
		"ada\x01@example.com",
		"<ada@example.com>",
		"a,b@example.com",
		/* Text direction, joiners, no-break and ideographic spaces, a private character. */
		"ada\u202e@example.com",
		"ada\u200b@example.com",
		"ada\u200d@example.com",
		"ada\u2066x@example.com",
		"ada\u00a0@example.com",
		"ada\u3000@example.com",
		"ada\ue000@example.com",
		"ada\xc2\x85@example.com",
		/* Letters that turn into an at sign, dots or a space when they are folded. */
		"a\uff20b@example.com",
		"a\u2026b@example.com",
		"a\u00b4b@example.com",
		/* Not UTF-8; not A-labels; not IDNA 2008. */
		"ad\xc3@example.com",
		"ada@b\xff.example",
		"ada@xn--a.example",
		"ada@xn--\u00fc.example",
		"ada@\U0001f606.example",
		"ada@a\u200bb.example",
		"ada@a b.example",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identifier id;

		if (parse(str_of(rows[i]), &id))
			fail_msg("accepted: %s", rows[i]);
	}
	assert_int_equal(
	    identifier_parse_email(arena, STR("a\0b@example.com"), &(struct identifier){ 0 }),
	    TEXT_EMAIL_INVALID);
}

/* @n letters, then @rest. */
static struct str letters(size_t n, const char *rest)
{
	struct buf out;

	buf_init(&out, arena, n + 64);
	while (out.len < n)
		buf_add_char(&out, 'a');
	buf_add(&out, str_of(rest));
	return buf_str(&out);
}

static void lengths_are_bounded(void **state)
{
	struct identifier id;
	struct str label = letters(63, "");
	struct str domain =
	    str_printf(arena, "%.*s.%.*s.%.*s", STR_ARG(label), STR_ARG(label), STR_ARG(label));

	(void)state;
	assert_true(parse(letters(64, "@example.com"), &id));
	assert_false(parse(letters(65, "@example.com"), &id));
	assert_true(parse(str_printf(arena, "a@%.*s.example", STR_ARG(label)), &id));
	assert_false(parse(str_printf(arena, "a@%.*sa.example", STR_ARG(label)), &id));
	/* 191 of the domain, an at sign, and 62 or 63 before it. */
	assert_true(
	    parse(str_printf(arena, "%.*s@%.*s", STR_ARG(letters(62, "")), STR_ARG(domain)), &id));
	assert_false(
	    parse(str_printf(arena, "%.*s@%.*s", STR_ARG(letters(63, "")), STR_ARG(domain)), &id));
}

/* The canonical spelling of a canonical spelling is itself, for every letter there is. */
static void folding_twice_changes_nothing(void **state)
{
	unsigned accepted = 0;

	(void)state;
	for (uint32_t c = 0x80; c < 0x20000; c++) {
		const char bytes[] = { (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)),
			(char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f)) };
		struct str letter = str_bytes(bytes, 4);
		struct identifier once, twice;
		char two[2] = { (char)(0xc0 | c >> 6), bytes[3] };
		char three[3] = { (char)(0xe0 | c >> 12), bytes[2], bytes[3] };

		if (c < 0x800)
			letter = str_bytes(two, 2);
		else if (c < 0x10000)
			letter = str_bytes(three, 3);
		if (!parse(str_printf(arena, "a%.*s@b.example", STR_ARG(letter)), &once))
			continue;
		if (!parse(once.canonical, &twice) || !str_eq(once.canonical, twice.canonical))
			fail_msg("U+%04X", c);
		if (++accepted % 1024 == 0)
			arena_reset(arena);
	}
	assert_true(accepted > 50000);
}

/*
 * isemail's verdicts. What it calls an error, too long or a literal, we refuse; of the rest we
 * refuse what stands in this table, and a row it calls valid only for one of two reasons: the
 * domain has one label, or it has characters that IDNA 2008 does not allow.
 */
static bool may_differ(struct str address, struct str verdict)
{
	static const char *const refused[] = { "rfc5321QuotedString", "rfc5321AddressLiteral",
		"rfc5321TLDNumeric", "rfc5322Domain", "cfwsComment", "cfwsFWS" };
	struct str domain = str_from(address, (size_t)str_find_last(address, '@') + 1);

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (str_eq(verdict, str_of(refused[i])))
			return true;
	if (str_starts(verdict, STR("deprecated")))
		return true;
	return str_find(domain, '.') < 0 || str_find(domain, '\xf0') >= 0;
}

static void isemails_corpus_is_judged_alike(void **state)
{
	struct str text = corpus_read(arena, "isemail-js/test/tests.json"), line;
	unsigned rows = 0, accepted = 0;

	(void)state;
	/* A row a line; read one by one, as some hold half a surrogate pair, which is no text. */
	while (str_next_token(&text, '\n', &line)) {
		const struct json *row;
		struct str address, verdict;
		struct identifier id;
		bool valid, ours;

		line = str_trim(line);
		if (str_ends(line, STR(",")))
			line.len--;
		if (line.len < 2 || json_parse(arena, line, &row) != OK)
			continue;
		address = json_string(json_array_at(row, 0));
		verdict = json_string(json_array_at(row, 1));
		/* A field's leading and trailing spaces are the form's, not the address's. */
		valid = str_eq(verdict, STR("valid"));
		ours = parse(address, &id);
		if (ours != valid && !(valid && !ours && may_differ(address, verdict)) &&
		    !(ours && str_eq(verdict, STR("cfwsFWS"))))
			fail_msg("%.*s: %.*s", STR_ARG(verdict), STR_ARG(address));
		rows++;
		accepted += ours;
	}
	assert_int_equal(rows, 205);
	assert_int_equal(accepted, 18);
}

static void a_mask_shows_one_letter(void **state)
{
	static const struct {
		const char *typed, *masked;
	} rows[] = {
		{ "ada@example.com", "a**@example.com" },
		{ "a@example.com", "a**@example.com" },
		{ "Änne@bücher.example", "Ä**@bücher.example" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identifier id;

		assert_true(parse(str_of(rows[i].typed), &id));
		assert_str(identifier_mask(arena, &id), rows[i].masked);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_mailbox_has_one_canonical_spelling),
		TEST(what_is_no_address_is_refused),
		TEST(lengths_are_bounded),
		TEST(folding_twice_changes_nothing),
		TEST(isemails_corpus_is_judged_alike),
		TEST(a_mask_shows_one_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
