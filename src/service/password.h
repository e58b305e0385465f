/*
 * Passwords: what may be one, and hashing on the hash lane with its cost noted on the request.
 *
 * Bytes that mean the same text are one password: what is judged and hashed is its Unicode normal
 * form C. Hashes from elsewhere were made of the bytes as sent, so those are tried as well.
 */
#ifndef SERVICE_PASSWORD_H
#define SERVICE_PASSWORD_H

#include "service/account.h"
#include "service/service.h"

/**
 * password_check_policy() - may this become a password? What a form could tell: length, and that
 * it is not made of the person's identifier. See password_check_strength() for the rest.
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
/** struct password_wish - what somebody wants as their password. */
struct password_wish {
	struct str field; /* where the sentences go */
	struct secret password;
	const struct identifier *own;  /* whose it will be; NULL: not known */
	const struct account *account; /* the same as far as they exist; NULL: somebody new */
};

/**
 * password_check_strength() - is it hard to guess, and in no list of stolen ones?
 *
 * Takes some milliseconds on the hash lane: ask after what is cheap.
 *
 * Returns: OK; ERR_PASSWORD_REJECTED with rq->field_errors set; what the lane says.
 */
MAY_YIELD MUST_CHECK enum err password_check_strength(
    struct request *rq, const struct password_wish *wish);
/**
 * password_make() - judge a new password of somebody who exists, and hash it
 * @wish:        passed password_check_policy(); its account is set
 * @ret_encoded: in rq->arena
 *
 * Compares it with the present one and the last password.history ones, each by a hash, all at once.
 *
 * Returns: OK; ERR_PASSWORD_REJECTED with rq->field_errors set; what the lane or the store says.
 */
MAY_YIELD MUST_CHECK enum err password_make(
    struct request *rq, const struct password_wish *wish, struct str *ret_encoded);
/**
 * password_retire() - in the transaction that replaces a password: remember the old one
 * @before: the row until now
 */
MUST_CHECK enum err password_retire(
    struct request *rq, struct tx *tx, const struct user_row *before);
/**
 * password_room() - does the lane take a hash now? Asked before a call is counted, so that being
 * turned away for want of room uses up nobody's attempts.
 *
 * Returns: OK, or ERR_OVERLOADED with rq->retry_after_us set.
 */
MUST_CHECK enum err password_room(struct request *rq);
/**
 * password_normal() - @password in Unicode normal form C, in rq->secrets; itself when it is that,
 * or no UTF-8.
 */
struct secret password_normal(struct request *rq, struct secret password);
/** password_hash() - Returns OK with the encoded form in rq->arena, or what the lane says. */
MAY_YIELD MUST_CHECK enum err password_hash(
    struct request *rq, struct secret password, struct str *ret);

enum password_match {
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_AGED, /* right, but a new hash of it would be a better one */
};

/**
 * password_compare() - is @password the one behind @encoded?
 *
 * Costs one hash whatever @encoded is (see pwhash_verify()); two where the bytes sent are not in
 * normal form and that did not match.
 */
MAY_YIELD MUST_CHECK enum err password_compare(
    struct request *rq, struct secret password, struct str encoded, enum password_match *ret);
/** password_verify() - the same for whom it is enough that it is right. */
MAY_YIELD MUST_CHECK enum err password_verify(
    struct request *rq, struct secret password, struct str encoded, bool *ret_match);

#endif
