#include "tests/unit/test.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "outbox/templates.h"

static const char *const kinds[] = { "verification_code", "already_registered", "new_device",
	"refresh_reused", "password_changed", "password_reset", "identifier_changed",
	"impersonated" };

/* A directory of its own for each test, filled by put(). */
struct fixture {
	struct arena *arena;
	struct str dir;
	struct str made[32]; /* in the order they were */
	size_t n;
};

static int set_up(void **state)
{
	static struct fixture f;
	char dir[] = "/tmp/cloakroom-templates-XXXXXX";

	f = (struct fixture){ .arena = arena_new(ARENA_PLAIN, 0) };
	assert_non_null(mkdtemp(dir));
	f.dir = str_dup(f.arena, str_of(dir));
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	while (f->n > 0)
		remove(f->made[--f->n].ptr);
	rmdir(f->dir.ptr);
	arena_free(&f->arena);
	return 0;
}

static void make_dir(struct fixture *f, const char *name)
{
	struct str path = str_printf(f->arena, "%s/%s", f->dir.ptr, name);

	assert_int_equal(mkdir(path.ptr, 0700), 0);
	f->made[f->n++] = path;
}

static void put(struct fixture *f, const char *name, const char *text)
{
	struct str path = str_printf(f->arena, "%s/%s", f->dir.ptr, name);
	FILE *file = fopen(path.ptr, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	f->made[f->n++] = path;
}

static struct templates *load(struct fixture *f)
{
	struct templates *t = NULL;
	struct str problem = STR_NULL;

	if (templates_load(f->arena, f->dir, &t, &problem) != OK)
		fail_msg("%.*s", STR_ARG(problem));
	return t;
}

static void refused(struct fixture *f, const char *expected)
{
	struct templates *t = NULL;
	struct str problem = STR_NULL;

	assert_int_equal(templates_load(f->arena, f->dir, &t, &problem), ERR_INTERNAL);
	if (!memmem(problem.ptr, problem.len, expected, strlen(expected)))
		fail_msg("%.*s", STR_ARG(problem));
}

static struct template_order order_of(enum channel channel, const char *kind, const char *locale)
{
	return (struct template_order){
		.channel = channel,
		.kind = str_of(kind),
		.locale = str_of(locale),
		.values = { {
		    [VAR_NAME] = STR("Ada"),
		    [VAR_PRODUCT] = STR("R&D"),
		    [VAR_CODE] = STR("123456"),
		    [VAR_LINK] = STR("https://shop.example/x"),
		    [VAR_DETAIL] = STR("Firefox"),
		    [VAR_MINUTES] = STR("5"),
		    [VAR_TIME] = STR("2026-11-21 20:15 UTC"),
		} },
	};
}

static bool has(struct str text, const char *part)
{
	return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void built_in(void **state)
{
	struct fixture *f = *state;
	struct templates *t = load(f);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct template_order mail = order_of(CHANNEL_EMAIL, kinds[i], "en");
		struct template_order sms = order_of(CHANNEL_SMS, kinds[i], "");
		struct rendered words;

		assert_true(templates_render(t, f->arena, &mail, &words));
		assert_true(has(words.subject, "R&D") && words.subject.len < 65);
		assert_false(has(words.subject, "\n"));
		assert_true(has(words.text, "Hello Ada,\n") && has(words.text, "R&D"));
		assert_true(str_starts(words.html, STR("<!doctype html>")));
		assert_true(has(words.html, "<p>Hello Ada,</p>") && has(words.html, "R&amp;D"));
		assert_false(has(words.html, "R&D") || has(words.html, "{{"));
		assert_false(has(words.text, "{{"));

		sms.values.v[VAR_LINK] = STR_NULL;
		assert_true(templates_render(t, f->arena, &sms, &words));
		assert_true(has(words.text, "R&D") && str_empty(words.subject));
		assert_true(words.text.len <= 160); /* one SMS */
		assert_false(has(words.text, "\n"));
	}
}

static void code_or_link(void **state)
{
	struct fixture *f = *state;
	struct templates *t = load(f);
	struct template_order order = order_of(CHANNEL_EMAIL, "password_reset", "en");
	struct rendered words;

	order.values.v[VAR_CODE] = STR_NULL;
	order.values.v[VAR_NAME] = STR_NULL;
	assert_true(templates_render(t, f->arena, &order, &words));
	assert_true(has(words.text, "https://shop.example/x") && !has(words.text, "code"));
	assert_true(has(words.html, "href=\"https://shop.example/x\""));
	assert_true(has(words.text, "Hello,\n"));
	order = order_of(CHANNEL_EMAIL, "verification_code", "en");
	order.values.v[VAR_LINK] = STR_NULL;
	assert_true(templates_render(t, f->arena, &order, &words));
	assert_str(words.subject, "123456 is your R&D code");
	assert_true(has(words.text, "123456") && !has(words.text, "link"));
	assert_true(has(words.text, "5 minutes"));
}

static void unknown_kind(void **state)
{
	struct fixture *f = *state;
	struct template_order order = order_of(CHANNEL_EMAIL, "birthday", "en");
	struct rendered words;

	assert_false(templates_render(load(f), f->arena, &order, &words));
}

static void overrides_and_locales(void **state)
{
	struct fixture *f = *state;
	struct rendered words;
	struct templates *t;
	static const struct {
		const char *locale, *subject;
	} cases[] = {
		{ "", "Code 123456" },
		{ "en", "Code 123456" },
		{ "de", "Code 123456" },
		{ "fr", "Votre code" },
		{ "fr-BE", "Votre code" },
		{ "FR-ca", "Ton code" },
	};

	make_dir(f, "en");
	make_dir(f, "fr");
	make_dir(f, "fr-CA");
	put(f, "README.md", "about these");
	put(f, "en/verification_code.email.txt", "Subject: Code {{code}}\n\nHere.\n");
	put(f, "fr/verification_code.email.txt", "Subject: Votre code\n\nVoil\xc3\xa0 {{code}}\n");
	put(f, "fr-CA/verification_code.email.txt", "Subject: Ton code\n\nVoil\xc3\xa0\n");
	put(f, "fr-CA/verification_code.email.html", "<p>Voil\xc3\xa0</p>");
	t = load(f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct template_order order =
		    order_of(CHANNEL_EMAIL, "verification_code", cases[i].locale);

		assert_true(templates_render(t, f->arena, &order, &words));
		assert_str(words.subject, cases[i].subject);
	}
	/* What a locale lacks comes from English; the layout does too. */
	assert_true(templates_render(t, f->arena,
	    &(struct template_order){
		.channel = CHANNEL_EMAIL, .kind = STR("new_device"), .locale = STR("fr") },
	    &words));
	assert_true(has(words.text, "Hello"));
	assert_true(templates_render(t, f->arena,
	    &(struct template_order){
		.channel = CHANNEL_EMAIL, .kind = STR("verification_code"), .locale = STR("fr") },
	    &words));
	assert_true(str_empty(words.html));
	assert_true(templates_render(t, f->arena,
	    &(struct template_order){ .channel = CHANNEL_EMAIL,
		.kind = STR("verification_code"),
		.locale = STR("fr-CA") },
	    &words));
	assert_true(has(words.html, "<p>Voil\xc3\xa0</p>") && has(words.html, "<!doctype html>"));
}

static void mistakes(void **state)
{
	static const struct {
		const char *file, *text, *problem;
	} cases[] = {
		{ "en/verification_code.email.txt", "Subject: x\n\n{{cod}}\n",
		    "verification_code: unknown placeholder {{cod}}." },
		{ "en/verification_code.email.txt", "Hello\n", "begins with \"Subject: " },
		{ "en/verification_code.email.txt", "Subject: x\nHello\n", "an empty line" },
		{ "en/verification_code.sms.txt", "{{#code}}", "is not closed" },
		{ "en/new_device.email.html", "{{content}}", "unknown placeholder {{content}}" },
		{ "en/layout.email.html", "<html>", "it has no {{content}}" },
		{ "en/verificaton_code.email.txt", "Subject: x\n\nx\n",
		    "en/verificaton_code.email.txt: no message is made of this file" },
		{ "en/new_device.sms.txt", "caf\xe9", "it must be UTF-8" },
		{ "en/new_device.sms.txt", "a\r\nb", "plain line ends" },
		{ "note.txt", "x", "note.txt: it is not a directory of templates" },
	};
	struct fixture *f = *state;
	static char large[70000];

	make_dir(f, "en");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		put(f, cases[i].file, cases[i].text);
		refused(f, cases[i].problem);
		remove(f->made[--f->n].ptr);
	}
	memset(large, 'x', sizeof(large) - 1);
	put(f, "en/new_device.sms.txt", large);
	refused(f, "over 64 KiB");
	f->dir = STR("/nowhere/at/all");
	refused(f, "/nowhere/at/all: No such file or directory");
	f->dir = str_upto(f->made[0], f->made[0].len - 3); /* without "/en", to be removed */
	f->dir = str_dup(f->arena, f->dir);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(built_in),
		TEST(code_or_link),
		TEST(unknown_kind),
		TEST(overrides_and_locales),
		TEST(mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
