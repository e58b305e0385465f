/*
 * One error type for the whole program. Each value has one row in the table of err.c: its stable
 * slug, which clients see as "code", and how loudly it is logged. HTTP statuses and sentences are
 * not known here (api/problem.c).
 *
 * Three kinds, in this order: the machine failed (forward unchanged), the request was not in
 * shape, the answer is no.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/defs.h"
#include "base/str.h"

enum err {
	OK = 0,

	/* The machine. A library returns these upwards unchanged. */
	ERR_INTERNAL,    /* our mistake, or something impossible */
	ERR_UNAVAILABLE, /* a store or service we need is busy, full or away */
	ERR_OVERLOADED,  /* a bounded queue is full */
	ERR_DEADLINE,    /* the request's time is up */
	ERR_SHUTDOWN,    /* the server is going down and had not begun this */

	/* The request. */
	ERR_MALFORMED_JSON,
	ERR_VALIDATION_FAILED,
	ERR_NOT_FOUND,
	ERR_METHOD_NOT_ALLOWED,
	ERR_TIMEOUT, /* the client took too long to send */
	ERR_TOO_LARGE,
	ERR_HEADERS_TOO_LARGE,
	ERR_UNSUPPORTED_MEDIA_TYPE,
	ERR_BAD_REQUEST, /* not HTTP as we read it */
	ERR_THROTTLED,
	ERR_CONFLICT,
	ERR_IDEMPOTENCY_CONFLICT,
	ERR_PRECONDITION_FAILED,

	/* The answer is no. */
	ERR_INVALID_CREDENTIALS,
	ERR_OTP_INVALID,
	ERR_RESET_INVALID,
	ERR_PASSWORD_REJECTED,
	ERR_ALREADY_REGISTERED,
	ERR_VERIFICATION_REQUIRED,
	ERR_ACCOUNT_DISABLED,
	ERR_FORBIDDEN,
	ERR_REAUTH_REQUIRED,
	ERR_MFA_ENROLMENT_REQUIRED,
	ERR_TOKEN_MISSING,
	ERR_TOKEN_INVALID,
	ERR_TOKEN_EXPIRED,
	ERR_TOKEN_REVOKED,
	ERR_REFRESH_INVALID,
	ERR_REFRESH_EXPIRED,
	ERR_REFRESH_SUPERSEDED,
	ERR_REFRESH_REUSED,
	ERR_IDENTITY_INVALID,    /* what proves an account elsewhere is no such proof */
	ERR_IDENTITY_UNVERIFIED, /* the provider does not vouch for an address */
	ERR_LINK_REQUIRED,       /* sign in to the account of this address, then link */
	ERR_LAST_SIGN_IN,        /* nothing else would open the account */
	ERR_LAST_SUPERADMIN,

	ERR_COUNT,
};

enum err_level {
	ERR_LEVEL_INFO,
	ERR_LEVEL_WARNING, /* refused */
	ERR_LEVEL_ERROR,   /* the machine; logged with its place */
};

/** err_slug() - the stable snake_case name clients see, e.g. "otp_invalid"; "ok" for OK. */
struct str err_slug(enum err e);
/** err_level() - how loudly a request that ends with @e is logged. */
enum err_level err_level(enum err e);
/** err_is_machine() - did the machine fail, rather than the caller? */
bool err_is_machine(enum err e);

#endif
