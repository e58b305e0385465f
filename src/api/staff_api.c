/* For the company's people: who they are and what they may. */
#include "api/tables.h"

struct role_item {
	struct str name, extends;
	int64_t rank;
	bool is_staff;
	struct texts permissions;
};

static const struct field role_item_fields[] = {
	{ MEMBER(struct role_item, name), .example = "support", .doc = "The role's name." },
	{ MEMBER(struct role_item, extends), .flags = FIELD_NULLABLE,
	    .doc = "The built-in role an added one takes over from; null for built-in ones." },
	{ MEMBER(struct role_item, rank), .example = "1",
	    .doc =
		"Nobody acts on somebody whose rank is not below theirs, superadmins excepted." },
	{ MEMBER(struct role_item, is_staff), .example = "true", .doc = "Company people?" },
	{ MEMBER(struct role_item, permissions), .example = "[\"roles.read\",\"users.read\"]",
	    .doc = "Names of what they may do." },
	{ 0 },
};
static const struct schema role_item_schema = {
	.name = "Role",
	.size = sizeof(struct role_item),
	.fields = role_item_fields,
	.doc = "A role and what it may do.",
};

struct role_list {
	struct list_of items;
	struct page_key next;
};

static const struct field role_list_fields[] = {
	LIST_FIELDS(struct role_list, items, next, &role_item_schema),
	{ 0 },
};
static const struct schema role_list_schema = {
	.name = "RoleList",
	.size = sizeof(struct role_list),
	.fields = role_list_fields,
	.doc = "The table of roles and permissions.",
};

static struct texts permission_names(struct request *rq, uint32_t permissions)
{
	struct texts names = { .items = ARENA_ARRAY(rq->arena, PERM_COUNT, struct str) };

	for (unsigned p = PERM_NONE + 1; p < PERM_COUNT; p++)
		if (permissions & (UINT32_C(1) << p))
			names.items[names.n++] = permission_name((enum permission)p);
	return names;
}

static enum err staff_roles(struct request *rq, const void *in, void *ret_out)
{
	const struct service_config *config = &rq->service->config;
	struct role_list *reply = ret_out;
	struct role_item *items = ARENA_ARRAY(rq->arena, ROLE_COUNT, struct role_item);

	(void)in;
	for (unsigned r = 0; r < ROLE_COUNT && role_exists((enum role)r); r++) {
		enum role role = (enum role)r;
		struct role_grant grant = role_grant(config, role);
		const struct added_role *added =
		    role < ROLE_CUSTOM ? NULL : &config->added_roles[role - ROLE_CUSTOM];

		items[reply->items.n++] = (struct role_item){
			.name = role_name(role),
			.extends =
			    added && added->extends_one ? role_name(added->extends) : STR_NULL,
			.rank = grant.rank,
			.is_staff = role_is_staff(role),
			.permissions = permission_names(rq, grant.permissions),
		};
	}
	reply->items.items = items;
	return OK;
}

const struct route staff_routes[] = {
	{
	    .method = METHOD_GET,
	    .path = "staff/roles/",
	    .operation = "staff_roles",
	    .tag = "Staff",
	    .summary = "Read the table of roles and permissions",
	    .doc = "The built-in roles, then those this installation adds. A permission is named "
		   "by each route it opens, as x-permission in this document.",
	    .auth = AUTH_BEARER,
	    .permission = PERM_ROLES_READ,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .message = TEXT_OK,
	    .reply = &role_list_schema,
	    .handler = staff_roles,
	},
	{ 0 },
};
