#include "service/permissions.h"

static const struct str names[] = {
	[PERM_NONE] = STR_INIT(""),
	[PERM_ROLES_READ] = STR_INIT("roles.read"),
	[PERM_USERS_READ] = STR_INIT("users.read"),
	[PERM_USERS_IDENTIFIERS] = STR_INIT("users.identifiers"),
	[PERM_USERS_NOTE] = STR_INIT("users.note"),
	[PERM_USERS_IMPERSONATE] = STR_INIT("users.impersonate"),
	[PERM_USERS_DISABLE] = STR_INIT("users.disable"),
	[PERM_USERS_RESET_PASSWORD] = STR_INIT("users.reset_password"),
	[PERM_USERS_RESTORE] = STR_INIT("users.restore"),
	[PERM_USERS_SET_ROLE] = STR_INIT("users.set_role"),
	[PERM_SESSIONS_END] = STR_INIT("sessions.end"),
	[PERM_AUDIT_READ] = STR_INIT("audit.read"),
	[PERM_AUDIT_WRITE] = STR_INIT("audit.write"),
	[PERM_INVITATIONS_CREATE] = STR_INIT("invitations.create"),
};
_Static_assert(ARRAY_LEN(names) == PERM_COUNT, "every permission has a name");
_Static_assert(PERM_COUNT <= 32, "a set of permissions is 32 bits");

#define MAY(p) (UINT32_C(1) << (p))
#define EVERYTHING ((MAY(PERM_COUNT) - 1) & ~MAY(PERM_NONE))

/* Each line takes in the one above it where it says so. */
#define STAFF_LEAST (MAY(PERM_ROLES_READ) | MAY(PERM_AUDIT_WRITE))
#define READS_PEOPLE (STAFF_LEAST | MAY(PERM_USERS_READ) | MAY(PERM_USERS_NOTE))
#define SUPPORTS_PEOPLE (READS_PEOPLE | MAY(PERM_USERS_IMPERSONATE))
#define LOOKS_AFTER_PEOPLE                                                         \
	(SUPPORTS_PEOPLE | MAY(PERM_USERS_IDENTIFIERS) | MAY(PERM_USERS_DISABLE) | \
	    MAY(PERM_USERS_RESET_PASSWORD) | MAY(PERM_SESSIONS_END))
#define RUNS_THE_PLACE                                                             \
	(LOOKS_AFTER_PEOPLE | MAY(PERM_USERS_RESTORE) | MAY(PERM_USERS_SET_ROLE) | \
	    MAY(PERM_AUDIT_READ) | MAY(PERM_INVITATIONS_CREATE))

#define RANK_CUSTOMER 0
#define RANK_STAFF 1

static const struct role_grant grants[ROLE_CUSTOM] = {
	[ROLE_CLIENT] = { .rank = RANK_CUSTOMER, .permissions = 0 },
	[ROLE_VENDOR] = { .rank = RANK_CUSTOMER, .permissions = 0 },
	[ROLE_SUPPORT] = { .rank = RANK_STAFF, .permissions = SUPPORTS_PEOPLE },
	[ROLE_ASSISTANT] = { .rank = RANK_STAFF, .permissions = READS_PEOPLE },
	[ROLE_REVIEWER] = { .rank = RANK_STAFF, .permissions = READS_PEOPLE },
	[ROLE_ENHANCER] = { .rank = RANK_STAFF, .permissions = STAFF_LEAST },
	[ROLE_STAFF] = { .rank = 2, .permissions = LOOKS_AFTER_PEOPLE },
	[ROLE_ADMIN] = { .rank = 3, .permissions = RUNS_THE_PLACE },
	[ROLE_SUPERADMIN] = { .rank = 4, .permissions = EVERYTHING },
};

struct str permission_name(enum permission p)
{
	return names[p];
}

bool permission_parse(struct str name, enum permission *ret)
{
	for (size_t i = PERM_NONE + 1; i < PERM_COUNT; i++) {
		if (str_eq(name, names[i])) {
			*ret = (enum permission)i;
			return true;
		}
	}
	return false;
}

/* Below every built-in staff role's powers unless it extends one. */
static struct role_grant added_grant(const struct service_config *config, enum role role)
{
	const struct added_role *added = &config->added_roles[role - ROLE_CUSTOM];
	struct role_grant grant = { .rank = RANK_STAFF, .permissions = MAY(PERM_ROLES_READ) };

	if (added->extends_one)
		grant = grants[added->extends];
	grant.permissions |= added->permissions;
	return grant;
}

struct role_grant role_grant(const struct service_config *config, enum role role)
{
	return role < ROLE_CUSTOM ? grants[role] : added_grant(config, role);
}

bool role_may(const struct service_config *config, enum role role, enum permission p)
{
	return (role_grant(config, role).permissions & MAY(p)) != 0;
}

bool role_outranks(const struct service_config *config, enum role actor, enum role subject)
{
	return actor == ROLE_SUPERADMIN ||
	       role_grant(config, actor).rank > role_grant(config, subject).rank;
}

bool role_may_grant(const struct service_config *config, enum role actor, enum role role)
{
	uint32_t given = role_grant(config, role).permissions;

	return role_outranks(config, actor, role) &&
	       (given & ~role_grant(config, actor).permissions) == 0;
}
