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
