/*
 * What staff did in other services, put into the same trail: the service shows a credential of its
 * own and the access token of whoever acted. Its name is put before the event's, so that no other
 * service can claim what is Cloakroom's own.
 */
#ifndef SERVICE_AUDIT_REPORT_H
#define SERVICE_AUDIT_REPORT_H

#include "service/audit.h"

#define AUDIT_REPORT_MAX 50 /* events of one call */

/** struct audit_report - one event. */
struct audit_report {
	struct uuid id;            /* made by the service: the same id is recorded once */
	struct secret actor_token; /* access token of whoever acted */
	struct str event;          /* "order.refunded"; recorded as "shop.order.refunded" */
	struct str object_type, object_id;
	struct uuid subject_id; /* the person it was done to; nil: nobody */
	struct str reason, request_id;
	const struct audit_change *changes;
	size_t n_changes;
};

struct audit_reported {
	int64_t recorded, known; /* now; by an earlier call with the same ids */
};

/**
 * audit_report_service() - which service shows @credential?
 *
 * Returns: OK with its name, or ERR_TOKEN_INVALID.
 */
MUST_CHECK enum err audit_report_service(
    struct request *rq, struct secret credential, struct str *ret_name);
/**
 * audit_report() - record all of @events, or none
 * @service: its name
 *
 * An actor's token may have expired up to an hour ago, since reports may have to wait; it must be
 * ours, of a person whose role may audit.write. Returns: OK, ERR_VALIDATION_FAILED naming the
 * event and its member in rq->field_errors, machine errors.
 */
MAY_YIELD MUST_CHECK enum err audit_report(struct request *rq, struct str service,
    const struct audit_report *events, size_t n, struct audit_reported *ret);

#endif
