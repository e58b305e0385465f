/* Roles by name: the built-in ones, and those the configuration adds. */
#include <assert.h>

#include "rt/request.h"

static struct str names[ROLE_COUNT] = {
	[ROLE_CLIENT] = STR_INIT("client"),
	[ROLE_VENDOR] = STR_INIT("vendor"),
	[ROLE_SUPPORT] = STR_INIT("support"),
	[ROLE_ASSISTANT] = STR_INIT("assistant"),
	[ROLE_REVIEWER] = STR_INIT("reviewer"),
	[ROLE_ENHANCER] = STR_INIT("enhancer"),
	[ROLE_STAFF] = STR_INIT("staff"),
	[ROLE_ADMIN] = STR_INIT("admin"),
	[ROLE_SUPERADMIN] = STR_INIT("superadmin"),
};
_Static_assert(ROLE_SUPERADMIN + 1 == ROLE_CUSTOM, "added roles come after the built-in ones");

void role_install(const struct str *added, size_t n)
{
	assert(n <= ROLE_CUSTOM_MAX);
	for (size_t i = 0; i < ROLE_CUSTOM_MAX; i++)
		names[ROLE_CUSTOM + i] = i < n ? added[i] : STR_NULL;
}

bool role_exists(enum role role)
{
	return (unsigned)role < ROLE_COUNT && !str_empty(names[role]);
}

struct str role_name(enum role role)
{
	return names[role];
}

bool role_parse(struct str name, enum role *ret)
{
	for (size_t i = 0; i < ROLE_COUNT && !str_empty(name); i++) {
		if (str_eq_nocase(name, names[i])) {
			*ret = (enum role)i;
			return true;
		}
	}
	return false;
}

bool role_is_staff(enum role role)
{
	return role >= ROLE_SUPPORT;
}
