#include "main/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include "main/config_file.h"
#include "main/config_roles.h"
#include "main/config_rules.h"
#include "main/config_value.h"

#define PREFIX "CLOAKROOM_"
#define SECRET_FILE_MAX (16 << 10)

struct loader {
	struct arena *arena, *secrets;
	const struct config_input *input;
	struct config *config;
	struct str problem;
};

static bool refuse(struct loader *l, struct str problem)
{
	l->problem = problem;
	return false;
}

static void warn(struct loader *l, struct str sentence)
{
	l->config->warnings[l->config->n_warnings++] = sentence;
}

static bool is_hidden(const struct setting *s)
{
	return (s->flags & (SETTING_HIDDEN | SETTING_CREDENTIALS)) != 0;
}

static void put(
    struct loader *l, int i, struct str text, enum config_source source, struct str where)
{
	l->config->values[i] = (struct config_value){ text, source, where };
}

static struct str suggestion(struct loader *l, const char *nearest, bool as_variable)
{
	if (!nearest)
		return STR_NULL;
	if (as_variable)
		return str_printf(l->arena, " Did you mean %.*s?",
		    STR_ARG(setting_variable(l->arena, &settings[setting_find(str_of(nearest))])));
	return str_printf(l->arena, " Did you mean %s?", nearest);
}

/* @name is a role's and a key with @sep between them, behind the "role" that began it. */
static bool take_role(struct loader *l, struct str name, char sep, const struct config_value *value)
{
	struct role_setting setting = { .value = *value };

	setting.role = roles_key_of(name, sep, &setting.key);
	if (str_empty(setting.role))
		return refuse(l, str_printf(l->arena,
				     "%.*s: a role has extends, permissions, rate and "
				     "max_sessions, and nothing else.",
				     STR_ARG(value->where)));
	return roles_put(l->arena, l->config, &setting, &l->problem);
}

/* The value is in a file of its own, which ends in a newline or not. */
static bool read_value(struct loader *l, struct str where, struct str path, struct str *ret)
{
	struct str problem;

	if (file_read(l->secrets, str_cstr(l->arena, path), SECRET_FILE_MAX, ret, &problem) != OK)
		return refuse(
		    l, str_printf(l->arena, "%.*s: %.*s", STR_ARG(where), STR_ARG(problem)));
	while (str_ends(*ret, STR("\n")) || str_ends(*ret, STR("\r")))
		*ret = str_upto(*ret, ret->len - 1);
	return true;
}

/* The row a line sets; @ret_file as for a variable. */
static int find_line(struct str name, bool *ret_file)
{
	int i = setting_find(name);

	*ret_file = i < 0 && str_ends(name, STR("_file"));
	if (*ret_file) {
		i = setting_find(str_upto(name, name.len - 5));
		if (i >= 0 && !is_hidden(&settings[i]))
			i = -1;
	}
	return i;
}

static bool take_line(void *arg, const struct config_line *line)
{
	struct loader *l = arg;
	struct str where = str_printf(l->arena, "%.*s:%u", STR_ARG(l->config->file), line->number);
	struct config_value value = { line->value, CONFIG_FILE, where };
	bool by_file;
	int i = find_line(line->name, &by_file);

	if (i < 0 && str_starts(line->name, STR("role.")))
		return take_role(l, str_from(line->name, 5), '.', &value);
	if (i < 0)
		return refuse(l, str_printf(l->arena, "%.*s: there is no setting %.*s.%.*s",
				     STR_ARG(where), STR_ARG(line->name),
				     STR_ARG(suggestion(l, setting_nearest(line->name), false))));
	if (l->config->values[i].source == CONFIG_FILE)
		return refuse(
		    l, str_printf(l->arena, "%.*s: %.*s is set already, at %.*s.", STR_ARG(where),
			   STR_ARG(line->name), STR_ARG(l->config->values[i].where)));
	if (by_file && !read_value(l, where, line->value, &value.text))
		return false;
	put(l, i, value.text, CONFIG_FILE, where);
	return true;
}

static const char *variable(const struct loader *l, const char *name)
{
	size_t len = strlen(name);

	for (char *const *e = l->input->environment; e && *e; e++)
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=' && (*e)[len + 1] != '\0')
			return *e + len + 1;
	return NULL;
}

static bool load_file(struct loader *l)
{
	const char *path = l->input->file ? l->input->file : variable(l, PREFIX "CONFIG");
	bool asked_for = path != NULL;
	struct str text, problem;
	enum err r;

	if (!path && !l->input->dev)
		path = CONFIG_DEFAULT_FILE;
	if (!path)
		return true;
	/* Into the wiping arena: it may hold secrets. */
	r = file_read(l->secrets, path, CONFIG_FILE_MAX, &text, &problem);
	if (r == ERR_NOT_FOUND && !asked_for)
		return true;
	if (r != OK)
		return refuse(
		    l, str_printf(l->arena, "The configuration file %.*s", STR_ARG(problem)));
	l->config->file = str_dup(l->arena, str_of(path));
	return config_file_parse(l->secrets, l->config->file, text, take_line, l, &l->problem) ==
	       OK;
}

/* The row a variable sets; @ret_file when it names a file that holds the value. */
static int find_variable(struct loader *l, struct str name, bool *ret_file)
{
	struct str base = str_ends(name, STR("_FILE")) ? str_upto(name, name.len - 5) : STR_NULL;
	int by_file = -1;

	for (int i = 0; settings[i].name; i++) {
		struct str own = setting_variable(l->arena, &settings[i]);

		if (str_eq(own, name)) {
			*ret_file = false;
			return i;
		}
		if (str_eq(own, base) && is_hidden(&settings[i]))
			by_file = i;
	}
	*ret_file = true;
	return by_file;
}

/* Variables that are ours but no settings: the file's path, and what the test suite hands around.
 */
static bool is_other_variable(struct str name)
{
	return str_eq(name, STR(PREFIX "CONFIG")) || str_eq(name, STR(PREFIX "CORPORA")) ||
	       str_starts(name, STR(PREFIX "TEST_"));
}

static bool take_variable(struct loader *l, struct str name, struct str value)
{
	bool by_file;
	int i = find_variable(l, name, &by_file);
	struct str nearest;

	if (i < 0 && str_starts(name, STR(PREFIX "ROLE_")))
		return take_role(l, str_lower(l->arena, str_from(name, sizeof(PREFIX "ROLE_") - 1)),
		    '_', &(struct config_value){ value, CONFIG_ENVIRONMENT, name });
	if (i < 0) {
		nearest = str_lower(l->arena, str_from(name, sizeof(PREFIX) - 1));
		return refuse(
		    l, str_printf(l->arena, "There is no setting %.*s.%.*s", STR_ARG(name),
			   STR_ARG(suggestion(l, setting_nearest(nearest), true))));
	}
	if (l->config->values[i].source == CONFIG_ENVIRONMENT)
		return refuse(
		    l, str_printf(l->arena, "%.*s and %.*s are both set; only one may be.",
			   STR_ARG(l->config->values[i].where), STR_ARG(name)));
	if (by_file && !read_value(l, name, value, &value))
		return false;
	put(l, i, value, CONFIG_ENVIRONMENT, str_dup(l->arena, name));
	return true;
}

static bool load_environment(struct loader *l)
{
	for (char *const *e = l->input->environment; e && *e; e++) {
		struct str entry = str_of(*e), name;
		ssize_t equals = str_find(entry, '=');

		if (!str_starts(entry, STR(PREFIX)) || equals < 0)
			continue;
		name = str_upto(entry, (size_t)equals);
		entry = str_from(entry, (size_t)equals + 1);
		if (!str_empty(entry) && !is_other_variable(name) && !take_variable(l, name, entry))
			return false;
	}
	return true;
}

static bool load_flags(struct loader *l)
{
	for (size_t f = 0; f < l->input->n_flags; f++) {
		const struct config_flag *flag = &l->input->flags[f];

		put(l, setting_find(str_of(flag->name)), str_of(flag->value), CONFIG_FLAG,
		    str_of(flag->where));
	}
	return true;
}

/* Parse one value. The sentence repeats it only when it holds no secret. */
static bool apply(struct loader *l, int i)
{
	const struct setting *s = &settings[i];
	const struct config_value *v = &l->config->values[i];
	struct str problem;

	if (value_set(l->arena, s, v->text, l->config, &problem))
		return true;
	return refuse(
	    l, str_printf(l->arena, "%s %.*s%s%.*s%s (%.*s).", s->name, STR_ARG(problem),
		   is_hidden(s) ? "" : ", not \"", STR_ARG(is_hidden(s) ? STR_NULL : v->text),
		   is_hidden(s) ? "" : "\"", STR_ARG(v->where)));
}

static void fill_default(struct loader *l, int i)
{
	const struct setting *s = &settings[i];
	const char *by_profile = l->config->profile == PROFILE_DJANGO ? s->django
				 : l->config->profile == PROFILE_NIST ? s->nist
								      : NULL;

	if (by_profile)
		put(l, i, str_of(by_profile), CONFIG_PROFILE, STR("profile"));
	else if (l->input->dev && s->dev)
		put(l, i, str_of(s->dev), CONFIG_DEV, STR("--dev"));
	else
		put(l, i, str_of(s->value), CONFIG_DEFAULT, STR("default"));
}

static bool apply_all(struct loader *l)
{
	int profile = setting_find(STR("profile"));

	if (l->config->values[profile].source != CONFIG_DEFAULT && !apply(l, profile))
		return false;
	for (int i = 0; settings[i].name; i++) {
		if (l->config->values[i].source == CONFIG_DEFAULT)
			fill_default(l, i);
		if (!apply(l, i))
			return false;
	}
	return roles_apply(l->arena, l->config, &l->problem);
}

/*
 * Where reset links lead unless it is said: to this server's own address. With --dev that is where
 * it listens; else only an operator knows.
 */
static struct str default_reset_url(struct loader *l)
{
	const struct config *c = l->config;
	struct str base = c->api.public_url;

	if (str_empty(base) && c->dev)
		base = str_printf(l->arena,
		    strchr(c->listen.host, ':') ? "http://[%s]:%u" : "http://%s:%u", c->listen.host,
		    c->listen.port);
	if (str_empty(base))
		return STR_NULL;
	return str_printf(l->arena, "%.*s/reset/{uidb64}/{token}", STR_ARG(base));
}

/* What follows from several settings, or from none. */
static void complete(struct loader *l)
{
	struct config *c = l->config;
	bool file = str_starts(c->store.url, STR("sqlite:"));
	struct str path = file ? str_from(c->store.url, strlen("sqlite:")) : STR_NULL;

	if (str_empty(c->service.reset_url))
		c->service.reset_url = default_reset_url(l);
	c->service.dev = c->api.dev = c->outbox.dev_inbox = c->dev;
	c->keys.allow_short_token_secret = c->profile == PROFILE_DJANGO;
	c->log.fd = STDERR_FILENO;
	if (file && !str_starts(path, STR("/")))
		c->store.url =
		    str_printf(l->arena, "sqlite:%.*s/%.*s", STR_ARG(c->data_dir), STR_ARG(path));
}

static void collect_warnings(struct loader *l)
{
	bool secret_in_file = false;
	struct stat st;

	for (int i = 0; settings[i].name; i++) {
		const struct config_value *v = &l->config->values[i];

		if (v->source < CONFIG_FILE)
			continue;
		if (v->source == CONFIG_FILE && is_hidden(&settings[i]))
			secret_in_file = true;
		if (settings[i].type == SETTING_UNREAD)
			warn(l,
			    str_printf(l->arena, "%s is set, but nothing in this version reads it.",
				settings[i].name));
	}
	if (secret_in_file && stat(str_cstr(l->arena, l->config->file), &st) == 0 &&
	    (st.st_mode & S_IROTH))
		warn(l, str_printf(l->arena,
			    "%.*s holds secrets and may be read by anybody: chmod 600.",
			    STR_ARG(l->config->file)));
}

/* smtp://ada:secret@host -> smtp://...@host */
static struct str without_credentials(struct arena *arena, struct str url)
{
	ssize_t at = str_find_last(url, '@'), colon = str_find(url, ':');

	if (at < 0 || colon < 0 || colon > at)
		return url;
	return str_printf(arena, "%.*s://...%.*s", STR_ARG(str_upto(url, (size_t)colon)),
	    STR_ARG(str_from(url, (size_t)at)));
}

/* From here on the values are for showing. */
static void hide_secrets(struct loader *l)
{
	for (int i = 0; settings[i].name; i++) {
		struct config_value *v = &l->config->values[i];

		if (settings[i].flags & SETTING_HIDDEN)
			v->text = str_empty(v->text) ? STR("(not set)") : STR("(set)");
		else if (settings[i].flags & SETTING_CREDENTIALS)
			v->text = without_credentials(l->arena, v->text);
	}
}

enum err config_load(struct arena *arena, struct arena *secrets, const struct config_input *input,
    struct config **ret, struct str *ret_problem)
{
	struct loader l = { .arena = arena, .secrets = secrets, .input = input };

	l.config = ARENA_NEW(arena, struct config);
	l.config->dev = input->dev;
	l.config->http = http_config_default;
	l.config->values = ARENA_ARRAY(arena, settings_count(), struct config_value);
	l.config->warnings = ARENA_ARRAY(arena, settings_count() + 1, struct str);
	if (!load_file(&l) || !load_environment(&l) || !load_flags(&l) || !apply_all(&l)) {
		*ret_problem = str_dup(arena, l.problem);
		return ERR_VALIDATION_FAILED;
	}
	complete(&l);
	l.problem = config_check(arena, l.config);
	if (!str_empty(l.problem)) {
		*ret_problem = l.problem;
		return ERR_VALIDATION_FAILED;
	}
	collect_warnings(&l);
	hide_secrets(&l);
	*ret = l.config;
	return OK;
}

const struct config_value *config_value(const struct config *config, const char *name)
{
	return &config->values[setting_find(str_of(name))];
}
