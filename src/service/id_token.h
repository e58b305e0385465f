/*
 * ID tokens (OpenID Connect Core 2): what an issuer says about a person, judged claim by claim
 * after its signature was. One refusal for all that can be wrong; the log knows which.
 */
#ifndef SERVICE_ID_TOKEN_H
#define SERVICE_ID_TOKEN_H

#include "service/issuer.h"

/** struct id_token_rules - what a token must say to be for us; borrowed. */
struct id_token_rules {
	struct str client_ids;    /* comma-separated; "aud" must name one */
	struct str hosted_domain; /* "hd" must be this; empty: any */
	struct str nonce;         /* the one this sign-in began with; empty: there was none */
	bool bare_issuer;         /* "iss" may leave out https://, as Google's old tokens do */
};

struct id_claims {
	struct str subject; /* with the issuer: who it is, for ever */
	struct str email;   /* empty: not told */
	bool email_verified;
	struct str first_name, last_name, image_url, locale;
	int64_t expires_at_s;
};

/**
 * id_token_verify() - is @token a fresh ID token of @issuer, for us and for this sign-in?
 * @ret: strings live in rq->secrets
 *
 * Signature, iss, aud, azp, exp, iat, nbf, sub, nonce and hd, with half a minute of clock skew. A
 * nonce is asked for when one was given and refused when none was: a token made for another
 * sign-in is no proof in this one.
 *
 * Returns: OK, ERR_IDENTITY_INVALID, ERR_UNAVAILABLE (no keys to check with).
 */
MAY_YIELD MUST_CHECK enum err id_token_verify(struct request *rq, struct issuer *issuer,
    struct str token, const struct id_token_rules *rules, struct id_claims *ret);

/** list_has() - is @item one of the comma-separated @list? */
bool list_has(struct str list, struct str item);

#endif
