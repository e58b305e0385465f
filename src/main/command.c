#include <stdarg.h>
#include <stdio.h>

#include "main/command.h"

static const struct option_row common_options[] = {
	[COMMON_CONFIG] = { "--config", "FILE", "Read settings from FILE." },
	[COMMON_DATA] = { "--data", "DIR", "Keep data in DIR." },
	[COMMON_DEV] = { "--dev", NULL, "Development defaults; never where real people sign in." },
	{ 0 },
};

void say(struct call *call, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	call->write(call->write_arg, false, str_of(line));
}

void complain(struct call *call, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	call->write(call->write_arg, true, str_of(line));
}

int complain_fault(struct call *call, enum err e)
{
	struct request *rq = call->rq;

	for (const struct field_error *f = rq->field_errors; f; f = f->next)
		complain(call, "%.*s: %.*s", STR_ARG(f->field), STR_ARG(f->text));
	if (!rq->field_errors)
		complain(call, "%.*s", STR_ARG(text_get(STR("en"), text_err(e))));
	if (err_is_machine(e) && !str_empty(rq->fault.detail))
		complain(call, "(%.*s)", STR_ARG(rq->fault.detail));
	return EXIT_FAILED;
}

static int option_index(const struct option_row *options, struct str name)
{
	for (int i = 0; options && options[i].name; i++)
		if (str_eq(name, str_of(options[i].name)))
			return i;
	return -1;
}

struct str call_option(const struct call *call, const char *name)
{
	return call->values[option_index(call->command->options, str_of(name))];
}

bool call_has(const struct call *call, const char *name)
{
	return call_option(call, name).ptr != NULL;
}

const struct command *command_find(const struct str *argv, size_t n, size_t *ret_words)
{
	for (const struct command *c = commands; c->name; c++) {
		struct str rest = str_of(c->name), word;
		size_t words = 0;

		while (words < n && str_next_token(&rest, ' ', &word) && str_eq(word, argv[words]))
			words++;
		if (str_empty(rest) && words > 0 && str_ends(str_of(c->name), argv[words - 1])) {
			*ret_words = words;
			return c;
		}
	}
	return NULL;
}

/* Where a word that begins with -- puts its value, and the row that says whether it has one. */
static struct str *find_option(struct call *call, struct str name, const struct option_row **ret)
{
	int i = option_index(call->command->options, name);

	if (i >= 0) {
		*ret = &call->command->options[i];
		return &call->values[i];
	}
	i = option_index(common_options, name);
	if (i < 0 || call->command->needs == NEEDS_NOTHING)
		return NULL;
	*ret = &common_options[i];
	return &call->common[i];
}

/* One option and, where it has one, its value; @i moves over both. */
static bool take_option(struct call *call, const struct str *argv, size_t n, size_t *i)
{
	ssize_t equals = str_find(argv[*i], '=');
	struct str name = equals < 0 ? argv[*i] : str_upto(argv[*i], (size_t)equals);
	const struct option_row *row;
	struct str *value = find_option(call, name, &row);

	if (!value) {
		complain(call, "%s has no option %.*s; cloakroom help %s lists them.",
		    call->command->name, STR_ARG(name), call->command->name);
		return false;
	}
	if (!row->value && equals >= 0) {
		complain(call, "The option %s takes no value.", row->name);
		return false;
	}
	if (!row->value) {
		*value = STR("yes");
	} else if (equals >= 0) {
		*value = str_from(argv[*i], (size_t)equals + 1);
	} else if (*i + 1 < n) {
		*value = argv[++*i];
	} else {
		complain(
		    call, "The option %s needs a value: %s %s.", row->name, row->name, row->value);
		return false;
	}
	return true;
}

bool command_parse(struct call *call, const struct str *argv, size_t n)
{
	bool options_over = false;
	size_t i;

	call->command = command_find(argv, n, &i);
	if (!call->command) {
		complain(call, "There is no command %.*s; cloakroom help lists them.",
		    STR_ARG(n > 0 ? argv[0] : STR("")));
		return false;
	}
	for (; i < n; i++) {
		if (!options_over && str_eq(argv[i], STR("--"))) {
			options_over = true;
		} else if (!options_over && str_starts(argv[i], STR("-")) && argv[i].len > 1) {
			if (!take_option(call, argv, n, &i))
				return false;
		} else if (call->n_args == call->command->max_args) {
			complain(call, "%s takes no further argument: %.*s.", call->command->name,
			    STR_ARG(argv[i]));
			return false;
		} else {
			call->args[call->n_args++] = argv[i];
		}
	}
	if (call->n_args < call->command->min_args) {
		complain(call, "%s needs %s.", call->command->name, call->command->synopsis);
		return false;
	}
	return true;
}

static void say_options(struct call *call, const struct option_row *options)
{
	for (; options && options->name; options++) {
		struct str left = str_printf(
		    call->arena, "%s %s", options->name, options->value ? options->value : "");

		say(call, "  %-24.*s %s", STR_ARG(left), options->doc);
	}
}

void command_help(struct call *call, const struct command *command)
{
	struct str rest = str_of(command->doc), line;

	say(call, "cloakroom %s: %s", command->name, command->summary);
	say(call, "%s", "");
	say(call, "usage: cloakroom %s%s%s%s", command->name,
	    command->options || command->needs != NEEDS_NOTHING ? " [OPTION...]" : "",
	    *command->synopsis ? " " : "", command->synopsis);
	say(call, "%s", "");
	while (str_next_token(&rest, '\n', &line))
		say(call, "%.*s", STR_ARG(line));
	if (!command->options && command->needs == NEEDS_NOTHING)
		return;
	say(call, "%s", "");
	say(call, "options:");
	say_options(call, command->options);
	if (command->needs != NEEDS_NOTHING)
		say_options(call, common_options);
}

void command_overview(struct call *call)
{
	say(call, "usage: cloakroom COMMAND [OPTION...] [ARGUMENT...]");
	say(call, "%s", "");
	for (const struct command *c = commands; c->name; c++)
		say(call, "  %-20s %s", c->name, c->summary);
	say(call, "%s", "");
	say(call, "cloakroom help COMMAND says how to use one. To try it out:");
	say(call, "%s", "");
	say(call, "  cloakroom serve --dev");
}
