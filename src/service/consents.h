/* The documents people agree to: which version, when, and what is still to be agreed to. */
#ifndef SERVICE_CONSENTS_H
#define SERVICE_CONSENTS_H

#include "service/registration.h"
#include "store/user_store.h"

#define CONSENTS_MAX 16 /* documents the setting may name */

/**
 * consents_parse() - consents.required, "terms:2,privacy:1"
 * @ret: room for CONSENTS_MAX
 *
 * Returns: how many, or -1 when it is not such a list.
 */
int consents_parse(struct str list, struct consent_given ret[static CONSENTS_MAX]);
/** consents_check() - ERR_VALIDATION_FAILED, naming "consents", unless all required are given. */
MUST_CHECK enum err consents_check(struct request *rq, const struct consent_given *given, size_t n);

/** struct consents_view - what somebody agreed to, and what they are to be asked. */
struct consents_view {
	struct consent_row *given;
	size_t n_given;
	struct consent_given *due;
	size_t n_due;
};

/** consents_list() - of the signed-in person. */
MAY_YIELD MUST_CHECK enum err consents_list(struct request *rq, struct consents_view *ret);
/** consents_accept() - they agree to these as well; agreeing again changes nothing. */
MAY_YIELD MUST_CHECK enum err consents_accept(
    struct request *rq, const struct consent_given *given, size_t n, struct consents_view *ret);

#endif
