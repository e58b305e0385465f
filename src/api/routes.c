#include "api/route.h"
#include "api/tables.h"

const struct route *const route_lists[] = {
	auth_routes,
	token_routes,
	password_routes,
	me_routes,
	me_session_routes,
	me_profile_routes,
	me_identifier_routes,
	me_data_routes,
	staff_routes,
	staff_users_routes,
	audit_routes,
	google_routes,
	identity_routes,
	public_routes,
	docs_routes,
	operator_routes,
	dev_routes,
	NULL,
};
