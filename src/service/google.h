/* Sign in with Google: an ID token of theirs, or an authorization code to fetch one with. */
#ifndef SERVICE_GOOGLE_H
#define SERVICE_GOOGLE_H

#include "service/identity.h"
#include "service/provider.h"

/** struct google_proof - an ID token, or a code with its verifier; one of them. */
struct google_proof {
	struct secret id_token;
	struct code_grant grant;
	struct str nonce; /* given to Google when the token was asked for; may be empty */
};

/**
 * google_sign_in() - judge the proof and sign its owner in
 *
 * An ID token works once: shown again, it is refused like any other that is wrong.
 *
 * Returns: OK, ERR_NOT_FOUND (google.client_id is not set), ERR_VALIDATION_FAILED,
 * ERR_IDENTITY_INVALID, ERR_UNAVAILABLE within seconds while Google does not answer and is needed,
 * and what identity_sign_in() says.
 */
MAY_YIELD MUST_CHECK enum err google_sign_in(
    struct request *rq, const struct google_proof *proof, struct signed_in *ret);
/** google_link() - judge the proof and link it to the signed-in person; see identity_link(). */
MAY_YIELD MUST_CHECK enum err google_link(
    struct request *rq, const struct google_proof *proof, struct identity_view *ret);

#endif
