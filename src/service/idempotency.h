/*
 * Retries recognised by Idempotency-Key and body. The key's keyed hash is a unique column of the
 * row a call creates, so a retry finds the row and the answer is rebuilt from it.
 */
#ifndef SERVICE_IDEMPOTENCY_H
#define SERVICE_IDEMPOTENCY_H

#include "rt/request.h"

/** How long a key is remembered. */
#define IDEMPOTENCY_LIFE_US (10 * US_PER_MIN)

struct idempotency {
	bool present;
	struct str hash; /* of operation and key, 32 bytes in rq->arena */
	struct str body; /* of the body */
	int64_t until_us;
};

/** idempotency_of() - hash the request's key and body; .present is false without a key. */
struct idempotency idempotency_of(struct request *rq);
/** idempotency_check() - OK when @stored_body is this call's, else ERR_IDEMPOTENCY_CONFLICT. */
MUST_CHECK enum err idempotency_check(
    struct request *rq, const struct idempotency *mine, struct str stored_body);
/**
 * idempotency_settled() - is there nothing left to do but to hand @e on?
 *
 * A conflict is not handed on before it was counted by the call's limits: whoever knows somebody's
 * key could try one body after the other against it, and with them passwords.
 */
static inline bool idempotency_settled(enum err e, bool answered)
{
	return answered || (e != OK && e != ERR_IDEMPOTENCY_CONFLICT);
}
/** idempotency_spent() - the key is taken, and what it stood for is gone: a conflict. */
enum err idempotency_spent(struct request *rq);

#endif
