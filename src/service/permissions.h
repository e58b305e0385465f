/*
 * Who may do what. Permissions have names, a role is a set of them, and the table of both is in
 * permissions.c and nowhere else: routes name a permission, `GET staff/roles/` prints the table.
 */
#ifndef SERVICE_PERMISSIONS_H
#define SERVICE_PERMISSIONS_H

#include "service/service.h"

enum permission {
	PERM_NONE,
	PERM_ROLES_READ,           /* the table itself */
	PERM_USERS_READ,           /* find people, read them; e-mail and phone masked */
	PERM_USERS_IDENTIFIERS,    /* … not masked */
	PERM_USERS_NOTE,           /* leave a note about somebody */
	PERM_USERS_IMPERSONATE,    /* see a customer's account as they do */
	PERM_USERS_DISABLE,        /* and enable */
	PERM_USERS_RESET_PASSWORD, /* make somebody choose a new one */
	PERM_USERS_RESTORE,        /* bring a deleted account back */
	PERM_USERS_SET_ROLE,
	PERM_SESSIONS_END,       /* somebody's, with whatever hangs on them */
	PERM_AUDIT_READ,         /* and export */
	PERM_AUDIT_WRITE,        /* be the actor of what other services report */
	PERM_INVITATIONS_CREATE, /* ask somebody into the company */
	PERM_COUNT,
};

/** permission_name() - "users.read"; permission_parse() - the other way. */
struct str permission_name(enum permission p);
bool permission_parse(struct str name, enum permission *ret);

/** struct role_grant - one row of the table. */
struct role_grant {
	/* Nobody acts on somebody whose rank is not below theirs; superadmins act on everybody. */
	unsigned rank;
	uint32_t permissions; /* 1 << enum permission, or-ed */
};

/** role_grant() - the row of @role, which exists; an added role's comes from @config. */
struct role_grant role_grant(const struct service_config *config, enum role role);
/** role_may() - does @role have permission @p? */
bool role_may(const struct service_config *config, enum role role, enum permission p);
/** role_outranks() - may somebody of role @actor act on somebody of role @subject? */
bool role_outranks(const struct service_config *config, enum role actor, enum role subject);
/**
 * role_may_grant() - may somebody of role @actor give @role away?
 *
 * Only what ranks below them, and may nothing that they may not themselves: nobody gives what they
 * do not have. Superadmins give everything.
 */
bool role_may_grant(const struct service_config *config, enum role actor, enum role role);

#endif
