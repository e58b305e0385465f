/* Registration: exactly one of e-mail and phone, a password, and a code sent to prove it. */
#ifndef SERVICE_REGISTRATION_H
#define SERVICE_REGISTRATION_H

#include "service/service.h"

struct consent_given {
	struct str document, version;
};

struct registration {
	struct str email, phone; /* exactly one */
	struct secret password;
	struct str first_name, last_name, country, role, locale;
	const struct consent_given *consents;
	size_t n_consents;
};

/** struct verification - a code is on its way. The same for known and unknown people. */
struct verification {
	struct uuid flow_id;
	struct str channel;     /* "email", "sms" */
	struct str destination; /* masked */
	int64_t expires_in_s, resend_in_s;
	struct str otp; /* only in --dev or for test recipients; else empty */
};

/** struct registered - echoes what was sent, so that it tells nothing of what was there before. */
struct registered {
	struct str email, phone, first_name, last_name, role, auth_provider;
	bool has_id; /* only with registration.reveal_existing */
	struct uuid id;
	struct verification verification;
};

/**
 * registration_create() - open an account and send the code
 *
 * An identifier that is already registered gets the same reply in the same time and its owner a
 * message, unless registration.reveal_existing says otherwise. Registering again on an account
 * that was never verified leaves the new password with the new code: whoever proves the address
 * decides, not whoever came first.
 *
 * Returns: OK, ERR_VALIDATION_FAILED, ERR_ALREADY_REGISTERED, ERR_THROTTLED,
 * ERR_IDEMPOTENCY_CONFLICT, or a machine error.
 */
MAY_YIELD MUST_CHECK enum err registration_create(struct request *rq, const struct registration *in,
    struct registered *ret);

#endif
