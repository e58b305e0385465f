#include "main/config_roles.h"

#include "main/config_value.h"
#include "service/permissions.h"

#define NAME_MAX_BYTES 32

struct role_key {
	const char *name;
	struct setting row; /* for the manual page */
	/** set() - @i is the role's place among the added ones; the rest of a sentence, or empty.
	 */
	struct str (*set)(struct arena *arena, struct config *config, size_t i, struct str text);
};

static struct str set_extends(struct arena *arena, struct config *config, size_t i, struct str text)
{
	struct added_role *role = &config->service.added_roles[i];

	(void)arena;
	if (!role_parse(text, &role->extends) || role->extends >= ROLE_SUPERADMIN ||
	    !role_is_staff(role->extends))
		return STR("must be support, assistant, reviewer, enhancer, staff or admin");
	role->extends_one = true;
	return STR_NULL;
}

static struct str set_permissions(
    struct arena *arena, struct config *config, size_t i, struct str text)
{
	struct str one;

	while (str_next_token(&text, ',', &one)) {
		enum permission p;

		one = str_trim(one);
		if (str_empty(one))
			continue;
		if (!permission_parse(one, &p))
			return str_printf(
			    arena, "names a permission %.*s, which does not exist", STR_ARG(one));
		config->service.added_roles[i].permissions |= UINT32_C(1) << p;
	}
	return STR_NULL;
}

static struct str set_rate(struct arena *arena, struct config *config, size_t i, struct str text)
{
	struct rate *rate = &config->service.throttle_adaptive[ROLE_CUSTOM + i];

	(void)arena;
	return value_rate(text, rate) && rate->max > 0 ? STR_NULL
						       : STR("must be a rate like 600/min");
}

static struct str set_max_sessions(
    struct arena *arena, struct config *config, size_t i, struct str text)
{
	int64_t n;

	(void)arena;
	if (!str_to_i64(text, &n) || n < 0 || n > 1000)
		return STR("must be a whole number from 0 to 1000");
	config->service.session_max[ROLE_CUSTOM + i] = (uint32_t)n;
	return STR_NULL;
}

static const struct role_key keys[] = {
	{
	    .name = "extends",
	    .set = set_extends,
	    .row = {
		.name = "role.NAME.extends",
		.type = SETTING_TEXT,
		.value = "",
		.doc = "Built-in staff role whose permissions, rank, rate and bound on sessions "
		       "this one takes over. Without it the role may only read the table of "
		       "roles, and ranks with support.",
	    },
	},
	{
	    .name = "permissions",
	    .set = set_permissions,
	    .row = {
		.name = "role.NAME.permissions",
		.type = SETTING_TEXT,
		.value = "",
		.doc = "Further permissions, comma-separated: users.read, audit.read.",
	    },
	},
	{
	    .name = "rate",
	    .set = set_rate,
	    .row = {
		.name = "role.NAME.rate",
		.type = SETTING_RATE,
		.value = "",
		.doc = "Calls of one person in this role to the account, staff and country "
		       "routes.",
	    },
	},
	{
	    .name = "max_sessions",
	    .set = set_max_sessions,
	    .row = {
		.name = "role.NAME.max_sessions",
		.type = SETTING_NUMBER,
		.value = "",
		.doc = "Sessions of one person in this role at once; 0 for any number.",
	    },
	},
};

struct str roles_key_of(struct str name, char sep, struct str *ret_key)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct str key = str_of(keys[i].name);

		if (name.len > key.len + 1 && str_ends(name, key) &&
		    name.ptr[name.len - key.len - 1] == sep) {
			*ret_key = key;
			return str_upto(name, name.len - key.len - 1);
		}
	}
	return STR_NULL;
}

/* A name stands in tokens, logs, audit rows and addresses: one plain word. */
static bool is_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(i > 0 && ((c >= '0' && c <= '9') || c == '_')))
			return false;
	}
	return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

static int place_of(const struct config *config, struct str role)
{
	for (size_t i = 0; i < config->service.n_added_roles; i++)
		if (str_eq(config->service.added_roles[i].name, role))
			return (int)i;
	return -1;
}

static bool refuse(
    struct arena *arena, const struct role_setting *s, struct str why, struct str *ret_problem)
{
	*ret_problem = str_printf(arena, "role.%.*s.%.*s %.*s (%.*s).", STR_ARG(s->role),
	    STR_ARG(s->key), STR_ARG(why), STR_ARG(s->value.where));
	return false;
}

static bool add_role(struct arena *arena, struct config *config, const struct role_setting *s,
    struct str *ret_problem)
{
	struct service_config *service = &config->service;
	enum role taken;

	if (!is_name(s->role))
		return refuse(arena, s,
		    STR("has a name that is not one word of small letters, digits and _"),
		    ret_problem);
	if (role_parse(s->role, &taken) && taken < ROLE_CUSTOM)
		return refuse(
		    arena, s, STR("changes a built-in role, which stays as it is"), ret_problem);
	if (service->n_added_roles == ROLE_CUSTOM_MAX)
		return refuse(arena, s, STR("is one role too many; 16 may be added"), ret_problem);
	service->added_roles[service->n_added_roles++].name = str_dup(arena, s->role);
	return true;
}

bool roles_put(struct arena *arena, struct config *config, const struct role_setting *setting,
    struct str *ret_problem)
{
	struct role_setting *same = NULL;

	if (!config->roles)
		config->roles =
		    ARENA_ARRAY(arena, ROLE_CUSTOM_MAX * ARRAY_LEN(keys), struct role_setting);
	for (size_t i = 0; i < config->n_roles; i++)
		if (str_eq(config->roles[i].role, setting->role) &&
		    str_eq(config->roles[i].key, setting->key))
			same = &config->roles[i];
	if (same && same->value.source == setting->value.source)
		return refuse(arena, setting,
		    str_printf(arena, "is set already, at %.*s", STR_ARG(same->value.where)),
		    ret_problem);
	if (place_of(config, setting->role) < 0 && !add_role(arena, config, setting, ret_problem))
		return false;
	if (!same)
		same = &config->roles[config->n_roles++];
	*same = (struct role_setting){
		.role = str_dup(arena, setting->role),
		.key = setting->key,
		.value = {
			.text = str_dup(arena, setting->value.text),
			.source = setting->value.source,
			.where = str_dup(arena, setting->value.where),
		},
	};
	return true;
}

static const struct role_key *key_named(struct str name)
{
	size_t i = 0;

	while (!str_eq(name, str_of(keys[i].name)))
		i++;
	return &keys[i];
}

/* "extends" first: what else a section says is said on top of it. */
static bool apply(struct arena *arena, struct config *config, bool extends, struct str *ret_problem)
{
	for (size_t i = 0; i < config->n_roles; i++) {
		const struct role_setting *s = &config->roles[i];
		size_t place = (size_t)place_of(config, s->role);
		struct str why;

		if (str_eq(s->key, STR("extends")) != extends)
			continue;
		why = key_named(s->key)->set(arena, config, place, s->value.text);
		if (!str_empty(why))
			return refuse(arena, s, why, ret_problem);
	}
	return true;
}

bool roles_apply(struct arena *arena, struct config *config, struct str *ret_problem)
{
	struct service_config *service = &config->service;

	if (!apply(arena, config, true, ret_problem))
		return false;
	for (size_t i = 0; i < service->n_added_roles; i++) {
		const struct added_role *role = &service->added_roles[i];
		enum role base = role->extends_one ? role->extends : ROLE_SUPPORT;

		service->throttle_adaptive[ROLE_CUSTOM + i] = service->throttle_adaptive[base];
		service->session_max[ROLE_CUSTOM + i] = service->session_max[base];
	}
	return apply(arena, config, false, ret_problem);
}

const struct setting *roles_setting(size_t i)
{
	return i < ARRAY_LEN(keys) ? &keys[i].row : NULL;
}
