/*
 * Password reset: somebody who cannot sign in proves the address instead, by a link in a mail or a
 * code in an SMS, and sets a password. Who asks learns nothing of who exists (docs/adr/0015).
 */
#ifndef SERVICE_RESET_H
#define SERVICE_RESET_H

#include "service/account.h"
#include "service/otp.h"

/** struct reset_sent - the same for anyone. */
struct reset_sent {
	struct uuid flow_id;
	int64_t expires_in_s;
};

/**
 * reset_request() - begin a reset, voiding the one before
 *
 * People who are not active, or not there, get a decoy and no message. What is sent is good until
 * it expires, is used, or the person gets another password or identifier.
 *
 * Returns: OK, ERR_VALIDATION_FAILED, ERR_THROTTLED, ERR_IDEMPOTENCY_CONFLICT, machine errors.
 */
MAY_YIELD MUST_CHECK enum err reset_request(
    struct request *rq, struct str email_or_phone, struct reset_sent *ret);

/**
 * reset_make_link() - begin one for an operator, who hands the link over; voids the one before
 * @reason:   who asked and why, for the audit row
 * @ret_link: in rq->secrets
 *
 * Returns: OK, ERR_CONFLICT (not active), ERR_UNAVAILABLE (no page for links is configured),
 * machine errors.
 */
MAY_YIELD MUST_CHECK enum err reset_make_link(
    struct request *rq, const struct account *account, struct str reason, struct str *ret_link);

/** struct reset_proof - what was sent: both parts of a link, or a code and what it belongs to. */
struct reset_proof {
	bool has_link;
	struct str uidb64; /* padded or not */
	struct secret token;
	struct otp_target target; /* without a link */
	struct secret code;
};

/**
 * reset_confirm() - set a password with that proof
 *
 * Ends all sessions, tells the owner, forgives the guesses at the old password. It proves the
 * address as well: an account that waited for that is verified from then on. Nobody is signed in by
 * it, so no second factor is passed over. A password that is refused leaves the proof as good as it
 * was.
 *
 * Returns: OK, ERR_RESET_INVALID (wrong, used, expired, superseded, exhausted, unknown: one reply),
 * ERR_PASSWORD_REJECTED, ERR_VALIDATION_FAILED, ERR_THROTTLED, ERR_OVERLOADED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err reset_confirm(
    struct request *rq, const struct reset_proof *proof, struct secret password);

#endif
