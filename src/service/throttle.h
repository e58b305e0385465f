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

/**
 * throttle_identifier() - admit an anonymous call about an identifier
 * @purpose: the operation, e.g. "login"; one counter whatever route led here
 * @subject: blind index of the identifier; empty: only the address counts
 */
MAY_YIELD MUST_CHECK enum err throttle_identifier(struct request *rq, struct str purpose,
    struct str subject);
/** throttle_session() - admit a call made with a session's token. */
MAY_YIELD MUST_CHECK enum err throttle_session(struct request *rq, struct str purpose,
    struct uuid session);
/** throttle_adaptive() - by rq->actor's role, or by address. */
MAY_YIELD MUST_CHECK enum err throttle_adaptive(struct request *rq, struct str purpose);

#endif
