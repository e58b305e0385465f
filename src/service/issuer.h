/*
 * An OpenID Connect issuer we accept ID tokens of: where its endpoints are (OpenID Connect
 * Discovery 1.0) and which keys it signs with, fetched once however many ask, kept as long as it
 * says, and kept on while it does not answer. No address ever comes out of a token.
 */
#ifndef SERVICE_ISSUER_H
#define SERVICE_ISSUER_H

#include "base/json.h"
#include "rt/request.h"

struct issuer;
struct net;

/** issuer_new() - @url as in "iss", without a trailing slash; copied. Fetches nothing. */
struct issuer *issuer_new(struct str url, struct net *net);
/** issuer_free() - NULL is fine. */
void issuer_free(struct issuer **issuer);
/** issuer_url() - as given. */
struct str issuer_url(const struct issuer *issuer);

/**
 * issuer_verify() - check a token's signature under the issuer's keys
 * @ret_claims: its payload, a JSON object, in rq->secrets; nothing in it has been judged
 *
 * Keys that are past their time serve until new ones arrive, a day at most. A kid nobody knows asks
 * the issuer again once a minute, whoever sends how many.
 *
 * Returns: OK; ERR_IDENTITY_INVALID; ERR_UNAVAILABLE within two seconds when there are no keys and
 * the issuer gives none.
 */
MAY_YIELD MUST_CHECK enum err issuer_verify(
    struct issuer *issuer, struct request *rq, struct str token, const struct json **ret_claims);

struct issuer_endpoints {
	struct str authorization, token;
};
/** issuer_endpoints() - in rq->arena; ERR_UNAVAILABLE while they are not known. */
MAY_YIELD MUST_CHECK enum err issuer_endpoints(
    struct issuer *issuer, struct request *rq, struct issuer_endpoints *ret);

/**
 * issuer_refresh_due() - fetch the keys again if their time is nearly over; for the background
 *
 * Returns: when to ask again, monotonic.
 */
MAY_YIELD int64_t issuer_refresh_due(struct issuer *issuer, struct request *rq);

#endif
