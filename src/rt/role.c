/* Roles by name. */
#include "rt/request.h"

static const struct str names[] = {
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
_Static_assert(ARRAY_LEN(names) == ROLE_COUNT, "every role has a name");

struct str role_name(enum role role)
{
	return names[role];
}

bool role_parse(struct str name, enum role *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
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
