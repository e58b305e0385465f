/*
 * Another e-mail address or phone number to sign in with: proven by a code before it counts. The
 * old one is told, and can take the account back for 72 hours (docs/adr/0018).
 */
#ifndef SERVICE_IDENTIFIER_CHANGE_H
#define SERVICE_IDENTIFIER_CHANGE_H

#include "service/account.h"
#include "service/registration.h"

struct identifier_wish {
	struct str email, phone; /* exactly one */
	struct secret password;  /* the person's own */
};

/**
 * identifier_change() - send a code to the new address; nothing changes yet
 *
 * The answer is the same for an address that somebody else has proven: its owner is told, and no
 * code opens the flow.
 *
 * Returns: OK, ERR_VALIDATION_FAILED, ERR_REAUTH_REQUIRED, ERR_UNAVAILABLE (no way to send),
 * ERR_THROTTLED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err identifier_change(
    struct request *rq, const struct identifier_wish *wish, struct verification *ret);
/**
 * identifier_confirm() - the code has come: sign in with the new one from now on
 *
 * Ends all sessions but this one and voids what was on its way to the old address.
 *
 * Returns: OK, ERR_OTP_INVALID, ERR_CONFLICT (somebody else has proven it meanwhile),
 * ERR_TOKEN_REVOKED, ERR_THROTTLED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err identifier_confirm(
    struct request *rq, struct uuid flow, struct secret code, struct user_view *ret);
/**
 * identifier_revert() - whoever holds the old address takes the account back
 *
 * The old identifier is set again, every session ends, and the password, which somebody else knows,
 * is good for nothing until it is reset.
 *
 * Returns: OK, ERR_OTP_INVALID, ERR_CONFLICT (the address is another account's now),
 * ERR_THROTTLED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err identifier_revert(struct request *rq, struct secret token);

#endif
