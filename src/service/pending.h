/*
 * What a registration of an address that somebody else has registered, and nobody has proven,
 * brings along. It waits sealed with its flow and takes effect when that flow proves the address:
 * then the account is this registration's, and nothing is left of the other (docs/adr/0007).
 */
#ifndef SERVICE_PENDING_H
#define SERVICE_PENDING_H

#include "service/account.h"
#include "service/registration.h"

struct pending {
	struct str password; /* encoded */
	enum role role;
	struct profile profile;
	const struct consent_given *consents;
	size_t n_consents;
};

/** pending_seal() - the value for flows.pending, under the person's key. */
struct str pending_seal(
    struct request *rq, const struct data_key *key, const struct pending *pending);
/** pending_open() - the other way; lives in rq->secrets. Returns OK or ERR_INTERNAL. */
MUST_CHECK enum err pending_open(
    struct request *rq, const struct data_key *key, struct str sealed, struct pending *ret);
/** pending_adopt() - make @account what @pending says, before the transaction that writes it. */
void pending_adopt(struct request *rq, struct account *account, const struct pending *pending);
/** pending_settle() - write what was adopted, unless the person is verified already. */
MUST_CHECK enum err pending_settle(
    struct tx *tx, const struct account *account, const struct pending *pending, int64_t now_us);
/** consents_write() - note what @user agreed to; inside a transaction. */
MUST_CHECK enum err consents_write(struct tx *tx, struct uuid user,
    const struct consent_given *consents, size_t n, int64_t now_us);

#endif
