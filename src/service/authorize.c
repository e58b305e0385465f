#include "service/authorize.h"

#include "service/audit.h"

enum err authorize(struct request *rq, enum permission p)
{
	struct audit_entry entry = {
		.event = STR("access.denied"),
		.outcome = ERR_FORBIDDEN,
		.subject = rq->account,
		.session = &rq->actor.session_id,
		.object_type = STR("permission"),
		.object_id = permission_name(p),
	};
	enum err e;

	if (rq->actor.present && role_may(&rq->service->config, rq->actor.role, p))
		return OK;
	e = audit_write(rq, &entry);
	return e == OK ? fault(rq, ERR_FORBIDDEN, "not %.*s", STR_ARG(permission_name(p))) : e;
}

enum err authorize_impersonated(struct request *rq, bool reads)
{
	struct audit_entry entry = {
		.event = STR("impersonation.call"),
		.outcome = reads ? OK : ERR_FORBIDDEN,
		.subject = rq->account,
		.session = &rq->actor.session_id,
		.object_type = STR("operation"),
		.object_id = rq->operation,
	};
	enum err e;

	if (uuid_is_nil(rq->actor.impersonator_id))
		return OK;
	e = audit_write(rq, &entry);
	if (e != OK || reads)
		return e;
	return fault(rq, ERR_FORBIDDEN, "somebody else's account is only looked at");
}
