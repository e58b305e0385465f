/* Passwords: what may be one, and hashing on the hash lane with its cost noted on the request. */
#ifndef SERVICE_PASSWORD_H
#define SERVICE_PASSWORD_H

#include "service/identifier.h"
#include "service/service.h"

/**
 * password_check_policy() - may this become a password?
 * @field: where the sentences go, e.g. "password", "new_password"
 * @own:   the person's identifier, which it may not be; NULL: not known
 *
 * Returns: OK or ERR_VALIDATION_FAILED with rq->field_errors set.
 */
MUST_CHECK enum err password_check_policy(
    struct request *rq, struct str field, struct secret password, const struct identifier *own);
/**
 * password_check_length() - may this be anybody's password? Only the bound in bytes, which every
 * call that hashes keeps; see password_check_policy() for the rest.
 *
 * Returns: OK or ERR_VALIDATION_FAILED with rq->field_errors set.
 */
MUST_CHECK enum err password_check_length(
    struct request *rq, struct str field, struct secret password);
/**
 * password_room() - does the lane take a hash now? Asked before a call is counted, so that being
 * turned away for want of room uses up nobody's attempts.
 *
 * Returns: OK, or ERR_OVERLOADED with rq->retry_after_us set.
 */
MUST_CHECK enum err password_room(struct request *rq);
/** password_hash() - Returns OK with the encoded form in rq->arena, or what the lane says. */
MAY_YIELD MUST_CHECK enum err password_hash(
    struct request *rq, struct secret password, struct str *ret);
/** password_verify() - same cost whatever @encoded is; see pwhash_verify(). */
MAY_YIELD MUST_CHECK enum err password_verify(
    struct request *rq, struct secret password, struct str encoded, bool *ret_match);

#endif
