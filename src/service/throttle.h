/* Who may call how often: rates by purpose and subject, the same on every route and engine. */
#ifndef SERVICE_THROTTLE_H
#define SERVICE_THROTTLE_H

#include "service/identifier.h"
#include "service/service.h"

enum throttle {
	THROTTLE_NONE,
	THROTTLE_BURST,     /* anonymous: the identifier and the address */
	THROTTLE_SUSTAINED, /* the session */
	THROTTLE_ADAPTIVE,  /* per minute by role, or by address when nobody is signed in */
};

/** What a call does beside being a call; each has a budget of its own over a longer time. */
enum throttle_extra {
	THROTTLE_SENDS_CODE = 1u << 0,     /* messages to one recipient an hour */
	THROTTLE_TRIES_CODE = 1u << 1,     /* guesses at an identifier's codes, whatever flow */
	THROTTLE_TRIES_PASSWORD = 1u << 2, /* guesses at an identifier's password */
	THROTTLE_TRIES_RESET = 1u << 3,    /* guesses at the codes of its password resets */
};

/**
 * throttle_identifier() - admit an anonymous call about an identifier
 * @purpose: the operation, e.g. "login"; one counter whatever route led here
 * @indexes: blind indexes of the identifier, @n of them: the first is counted; a known device may
 *           have been given any
 * @extras:  enum throttle_extra, or-ed
 *
 * All the counters or none: a refused call is counted nowhere. A known device has its own.
 *
 * Returns: OK, ERR_THROTTLED with rq->retry_after_us, or a machine error.
 */
MAY_YIELD MUST_CHECK enum err throttle_identifier(
    struct request *rq, struct str purpose, const struct str *indexes, size_t n, unsigned extras);
/** throttle_address() - admit an anonymous call whose subject is not known before the work. */
MAY_YIELD MUST_CHECK enum err throttle_address(struct request *rq, struct str purpose);
/** throttle_subject() - admit one about somebody who is no identifier; @subject tells them apart.
 */
MAY_YIELD MUST_CHECK enum err throttle_subject(
    struct request *rq, struct str purpose, struct str subject);
/** throttle_forgive() - the guesses at this password were its owner's: forget them. */
MAY_YIELD MUST_CHECK enum err throttle_forgive(
    struct request *rq, const struct str *indexes, size_t n);
/** throttle_session() - admit a call made with a session's token. */
MAY_YIELD MUST_CHECK enum err throttle_session(
    struct request *rq, struct str purpose, struct uuid session);
/**
 * throttle_own_password() - admit a signed-in person's call that shows their password
 *
 * Counts the session, and tries at the password of rq->actor: apart from those of strangers at the
 * login, so that neither can use up the other's.
 */
MAY_YIELD MUST_CHECK enum err throttle_own_password(struct request *rq, struct str purpose);
/** throttle_forgive_own() - the password shown was right: forget those tries. */
MAY_YIELD MUST_CHECK enum err throttle_forgive_own(struct request *rq);
/** throttle_adaptive() - by rq->actor's role, or by address. */
MAY_YIELD MUST_CHECK enum err throttle_adaptive(struct request *rq, struct str purpose);

#endif
