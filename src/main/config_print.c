#include "main/config_roles.h"
#include "main/config_value.h"

static const char *const type_names[] = {
	[SETTING_TEXT] = "text",
	[SETTING_SECRET] = "secret",
	[SETTING_SWITCH] = "boolean",
	[SETTING_NUMBER] = "number",
	[SETTING_DURATION] = "duration",
	[SETTING_MILLISECONDS] = "milliseconds",
	[SETTING_SECONDS] = "duration",
	[SETTING_SIZE] = "size",
	[SETTING_RATE] = "rate",
	[SETTING_CHOICE] = "text",
	[SETTING_ADDRESS] = "address",
	[SETTING_UNREAD] = "unused",
};

void config_print(const struct config *config, struct buf *out)
{
	for (int i = 0; settings[i].name; i++) {
		const struct config_value *v = &config->values[i];
		struct str text = str_empty(v->text) ? STR("(empty)") : v->text;

		buf_printf(out, "%-32s %-30.*s %.*s\n", settings[i].name, STR_ARG(text),
		    STR_ARG(v->where));
	}
	for (size_t i = 0; i < config->n_roles; i++) {
		const struct role_setting *s = &config->roles[i];
		struct str name =
		    str_printf(out->arena, "role.%.*s.%.*s", STR_ARG(s->role), STR_ARG(s->key));

		buf_printf(out, "%-32.*s %-30.*s %.*s\n", STR_ARG(name), STR_ARG(s->value.text),
		    STR_ARG(s->value.where));
	}
}

/* mdoc: a line may not begin with a control character, a backslash is written \e. */
static void print_prose(struct buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_add(out, STR("\\&"));
	for (; *text; text++) {
		if (*text == '\\')
			buf_add(out, STR("\\e"));
		else if (*text == ' ' && text[-1] == '.')
			buf_add_char(out, '\n'); /* a sentence a line */
		else
			buf_add_char(out, *text);
	}
	buf_add_char(out, '\n');
}

static void print_item(struct buf *out, const struct setting *s)
{
	buf_printf(out, ".It Ic %s Pq %s\n", s->name, type_names[s->type]);
	print_prose(out, s->doc);
	if (s->type == SETTING_UNREAD)
		buf_add(out, STR("Known, but not read by this version.\n"));
	if (s->choices) {
		buf_add(out, STR("One of"));
		for (int i = 0; s->choices[i]; i++)
			buf_printf(
			    out, "\n.Cm %s%s", s->choices[i], s->choices[i + 1] ? " ," : " .");
		buf_add_char(out, '\n');
	}
	if (*s->value)
		buf_printf(out, "Default:\n.Ql %s .\n", s->value);
	if (s->dev)
		buf_printf(out, "With\n.Fl -dev :\n.Ql %s .\n", s->dev);
	if (s->django)
		buf_printf(out, "In the django profile:\n.Ql %s .\n", s->django);
	if (s->nist)
		buf_printf(out, "In the nist profile:\n.Ql %s .\n", s->nist);
}

void config_print_man(struct buf *out)
{
	buf_add(out, STR(".Bl -tag -width Ds\n"));
	for (const struct setting *s = settings; s->name; s++)
		print_item(out, s);
	for (size_t i = 0; roles_setting(i); i++)
		print_item(out, roles_setting(i));
	buf_add(out, STR(".El\n"));
}

static bool is_loosened(
    const struct setting *s, const struct config *config, const struct config *standard)
{
	int64_t now, usual;

	if (s->type == SETTING_TEXT)
		return (s->flags & SETTING_GUARDS_EQUAL) &&
		       !str_eq(config->values[s - settings].text, str_of(s->value));
	if (!value_number(s, config, &now) || !value_number(s, standard, &usual))
		return false;
	return ((s->flags & SETTING_GUARDS_EQUAL) && now != usual) ||
	       ((s->flags & SETTING_GUARDS_LEAST) && now < usual) ||
	       ((s->flags & SETTING_GUARDS_MOST) && now > usual);
}

size_t config_print_loosened(const struct config *config, struct buf *out)
{
	struct config *standard = ARENA_NEW(out->arena, struct config);
	struct str problem;
	size_t n = 0;

	for (int i = 0; settings[i].name; i++) {
		const struct setting *s = &settings[i];

		if (!value_set(out->arena, s, str_of(s->value), standard, &problem) ||
		    !is_loosened(s, config, standard))
			continue;
		buf_printf(out, "%s is %.*s (%.*s); the guarded value is %s\n", s->name,
		    STR_ARG(config->values[i].text), STR_ARG(config->values[i].where),
		    *s->value ? s->value : "empty");
		n++;
	}
	return n;
}
