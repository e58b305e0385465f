#include "tests/unit/test.h"

#include "base/arena.h"
#include "outbox/template.h"

static struct arena *arena;

static struct str render(
    const char *text, enum template_escape escape, const struct template_values *values)
{
	struct str problem = STR_NULL;
	struct template t;

	if (!template_compile(arena, str_of(text), &t, &problem))
		fail_msg("%s: %.*s", text, STR_ARG(problem));
	return template_render(&t, arena, escape, values);
}

static void values_and_sections(void **state)
{
	const struct template_values values = { {
	    [VAR_NAME] = STR("Ada"),
	    [VAR_CODE] = STR("012345"),
	} };
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "", "" },
		{ "no marks, but { braces } {", "no marks, but { braces } {" },
		{ "{{name}}", "Ada" },
		{ "{{ name }}!{{code}}{{link}}.", "Ada!012345." },
		{ "Hi{{#name}} {{name}}{{/name}},", "Hi Ada," },
		{ "Hi{{#link}} {{link}}{{/link}},", "Hi," },
		{ "{{^link}}none{{/link}}{{^name}}nobody{{/name}}", "none" },
		{ "a\n{{#link}}\nb\n{{/link}}\nc\n", "a\nc\n" },
		{ "a\n{{#name}}\nb\n{{/name}}\nc\n", "a\nb\nc\n" },
		{ "{{#name}}\nb\n{{/name}}\n", "b\n" },
		{ "{{name}}\n", "Ada\n" },
		{ "x {{#name}}\ny{{/name}}\nz", "x \ny\nz" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_str(render(cases[i].text, ESCAPE_TEXT, &values), cases[i].shown);
}

static void escapes(void **state)
{
	const struct template_values values = { {
	    [VAR_NAME] = STR("<b>\"O'Neil\" & {{code}}</b>\r\nBcc: x\x7f\x1b[2J"),
	    [VAR_LINK] = STR("https://shop.example/r?a=1&b=\"><script>"),
	} };

	(void)state;
	assert_str(
	    render("{{name}}", ESCAPE_TEXT, &values), "<b>\"O'Neil\" & {{code}}</b>  Bcc: x  [2J");
	assert_str(render("<a href=\"{{link}}\">{{name}}</a>", ESCAPE_HTML, &values),
	    "<a href=\"https://shop.example/r?a=1&amp;b=&quot;&gt;&lt;script&gt;\">&lt;b&gt;&quot;"
	    "O&#39;Neil&quot; &amp; {{code}}&lt;/b&gt;  Bcc: x  [2J</a>");
}

static void mistakes(void **state)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{ "{{nmae}}", "unknown placeholder {{nmae}}" },
		{ "{{}}", "unknown placeholder {{}}" },
		{ "{{#nmae}}", "unknown placeholder {{nmae}}" },
		{ "{{name", "a {{ is not closed" },
		{ "{{#name}}", "the section {{#name}} is not closed" },
		{ "{{/name}}", "{{name}} opens or closes a section out of turn" },
		{ "{{#name}}{{/code}}", "{{code}} opens or closes a section out of turn" },
		{ "{{#name}}{{#code}}{{/code}}{{/name}}",
		    "{{code}} opens or closes a section out of turn" },
	};
	struct str problem;
	struct template t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_false(template_compile(arena, str_of(cases[i].text), &t, &problem));
		assert_str(problem, cases[i].problem);
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
		cmocka_unit_test(values_and_sections),
		cmocka_unit_test(escapes),
		cmocka_unit_test(mistakes),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
