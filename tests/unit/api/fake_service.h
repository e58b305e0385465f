/* The services the api calls, as a test wants them: they note what they were given and answer what
 * they are told. */
#ifndef TESTS_UNIT_API_FAKE_SERVICE_H
#define TESTS_UNIT_API_FAKE_SERVICE_H

#include "outbox/outbox.h"
#include "service/audit_query.h"
#include "service/audit_report.h"
#include "service/authorize.h"
#include "service/google.h"
#include "service/impersonation.h"
#include "service/login.h"
#include "service/otp.h"
#include "service/password_change.h"
#include "service/reset.h"
#include "service/staff_acts.h"
#include "service/throttle.h"

struct fake {
	/* What the next calls answer. */
	enum err result;
	enum err authenticate, throttle;
	enum err authorize;
	int64_t retry_after_us;
	bool reveal_id, impersonated;
	const struct inbox_item *inbox;
	size_t n_inbox;

	/* What they were given; copies that outlive the request. */
	unsigned calls, authenticated, throttled, refusals;
	enum err refused;
	char identifier[300], password[300], token[300], role[32], locale[40], inbox_to[300];
	char consent[64], permission[32], reason[64], uidb64[300], new_password[300];
	size_t n_consents;
	bool has_flow;
};

extern struct fake fake;

/** fake_reset() - everything succeeds again and nothing was called. */
void fake_reset(void);

#endif
