/*
 * What a target leads to, and whom its calls count: for everything that a code opens, the otp and
 * the reset files.
 */
#ifndef SERVICE_OTP_PRIV_H
#define SERVICE_OTP_PRIV_H

#include "service/otp.h"
#include "store/flow_store.h"

/** struct otp_found - a flow, and the person behind it unless it is a decoy. */
struct otp_found {
	struct str purpose;
	const struct otp_target *target;
	bool by_identifier;
	struct identifier identifier;
	struct str indexes[16];
	size_t n_indexes;

	bool has_flow;
	struct flow_row flow;
	bool has_user;
	struct user_row user;
	struct account *owner;   /* whose it is, disabled or deleted ones too; NULL: nobody's */
	struct account *account; /* the same, if a code may let them in */
};

/**
 * otp_find() - follow @target to a flow of @purpose; one of another purpose is none
 *
 * Returns: OK, ERR_VALIDATION_FAILED, or a machine error.
 */
MAY_YIELD MUST_CHECK enum err otp_find(
    struct request *rq, struct str purpose, const struct otp_target *target, struct otp_found *f);
/**
 * otp_subject() - whom the limits count: the identifier, however it was named; a flow nobody has
 * counts itself
 */
struct str otp_subject(struct request *rq, const struct otp_found *f);
/** otp_admit() - throttle_identifier() for what was found. */
MAY_YIELD MUST_CHECK enum err otp_admit(
    struct request *rq, struct str purpose, const struct otp_found *f, unsigned extras);

#endif
