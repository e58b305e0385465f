/*
 * Signing in with an account elsewhere. Whoever checked the proof (an ID token, a provider's reply)
 * hands in what it says; the rest is the same for every provider.
 *
 * The key is issuer and subject, never the e-mail address. An address decides only at the first
 * sign-in: nobody has it: a new, verified account. Somebody has proven it: that account, once they
 * have signed in to it and linked this identity there. Somebody has registered it and proven
 * nothing: the account is the proven owner's, and nothing of what the other left in it stays
 * (docs/adr/0016).
 */
#ifndef SERVICE_IDENTITY_H
#define SERVICE_IDENTITY_H

#include "service/session.h"
#include "store/identity_store.h"

/** struct proven_identity - what a provider says, checked; borrowed. */
struct proven_identity {
	struct str provider; /* "google": auth_provider of accounts opened with it */
	struct str issuer, subject;
	struct str email; /* empty: not told */
	bool email_verified;
	struct str first_name, last_name, image_url, locale;
};

/**
 * identity_sign_in() - sign in whoever this is, opening an account if it is nobody yet
 *
 * Returns: OK; ERR_IDENTITY_UNVERIFIED (nobody yet, and the provider does not vouch for an
 * address); ERR_LINK_REQUIRED (sign in to the account of this address and link there);
 * ERR_INVALID_CREDENTIALS or ERR_ACCOUNT_DISABLED as at login; ERR_FORBIDDEN (session.on_limit =
 * refuse and all taken); ERR_THROTTLED, ERR_IDEMPOTENCY_CONFLICT, machine errors.
 */
MAY_YIELD MUST_CHECK enum err identity_sign_in(struct request *rq, const struct proven_identity *in,
    const struct idempotency *idempotency, struct signed_in *ret);

/** struct identity_view - one linked identity, as its owner sees it. */
struct identity_view {
	struct uuid id;
	struct str provider, email;
	int64_t linked_at_us, last_used_at_us; /* 0: never */
};

/** identity_list_own() - the signed-in person's, oldest first; in rq->arena. */
MAY_YIELD MUST_CHECK enum err identity_list_own(
    struct request *rq, struct identity_view **ret, size_t *ret_n);
/**
 * identity_link() - link to the signed-in person; fine when it is theirs already
 *
 * Returns: OK, ERR_CONFLICT (it is somebody else's), ERR_REAUTH_REQUIRED (signed in too long ago),
 * machine errors.
 */
MAY_YIELD MUST_CHECK enum err identity_link(
    struct request *rq, const struct proven_identity *in, struct identity_view *ret);
/**
 * identity_unlink() - take one away
 *
 * Returns: OK, ERR_NOT_FOUND, ERR_LAST_SIGN_IN (no password and no other identity would be left),
 * ERR_REAUTH_REQUIRED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err identity_unlink(struct request *rq, struct uuid id);

/** identity_indexes() - blind indexes of issuer and subject, active key first. */
size_t identity_indexes(
    struct request *rq, const struct proven_identity *in, struct str ret[static 16]);
/** identity_draft() - the row that links @in to @account, before the transaction. */
void identity_draft(struct request *rq, const struct account *account,
    const struct proven_identity *in, struct str index, struct identity_row *ret);

#endif
