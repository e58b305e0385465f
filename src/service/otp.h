/* One-time codes: bound to a flow, counted and consumed by one statement, never looked up by value.
 */
#ifndef SERVICE_OTP_H
#define SERVICE_OTP_H

#include "service/registration.h"
#include "service/session.h"

struct otp_target {
	bool has_flow;
	struct uuid flow_id;
	struct str email_or_phone; /* when there is no flow id */
};

/**
 * otp_verify() - prove an identifier with its code and sign in
 *
 * Returns: OK, ERR_OTP_INVALID (wrong, used, expired, exhausted, unknown: one reply),
 * ERR_VALIDATION_FAILED, ERR_THROTTLED, ERR_FORBIDDEN (session.on_limit = refuse and all taken),
 * ERR_IDEMPOTENCY_CONFLICT, or a machine error.
 */
MAY_YIELD MUST_CHECK enum err otp_verify(
    struct request *rq, const struct otp_target *target, struct secret code, struct signed_in *ret);

/**
 * otp_resend() - a fresh code for a flow; voids the old one, keeps the attempts spent
 *
 * By address also where there is no flow: then of a new one, which is a decoy for everybody but
 * those who wait to be verified.
 *
 * Returns: OK, ERR_OTP_INVALID (no live flow of that id), ERR_VALIDATION_FAILED, ERR_THROTTLED
 * (also while the last code cools down), ERR_IDEMPOTENCY_CONFLICT, or a machine error.
 */
MAY_YIELD MUST_CHECK enum err otp_resend(
    struct request *rq, const struct otp_target *target, struct verification *ret);

#endif
