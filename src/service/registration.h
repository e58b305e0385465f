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
 * message, unless registration.reveal_existing says otherwise.
 *
 * Two registrations of one unproven address are two people until one proves it. From the second on
 * the account itself holds no password; what the newest one brought (password, name, role,
 * consents) waits with its flow and takes effect when that flow's id comes back with its code. A
 * code shown with the address alone, or after a resend by address, signs in and leaves the password
 * to be set: it does not say which of the two is there.
 *
 * Returns: OK, ERR_VALIDATION_FAILED, ERR_ALREADY_REGISTERED, ERR_THROTTLED,
 * ERR_IDEMPOTENCY_CONFLICT, or a machine error.
 */
MAY_YIELD MUST_CHECK enum err registration_create(
    struct request *rq, const struct registration *in, struct registered *ret);

#endif
