#include "service/idempotency.h"

#include "base/log.h"
#include "crypto/keyring.h"

struct idempotency idempotency_of(struct request *rq)
{
	struct idempotency ret = { .present = rq->idempotency_key.len > 0 };
	struct str key[] = { rq->operation, rq->idempotency_key };
	struct mac hash, body;

	if (!ret.present)
		return ret;
	if (!keyring_mac(rq->keys, KEY_IDEMPOTENCY, KEYRING_ACTIVE, key, ARRAY_LEN(key), &hash) ||
	    !keyring_mac(rq->keys, KEY_IDEMPOTENCY, KEYRING_ACTIVE, &rq->body, 1, &body))
		die("no active master key");
	ret.hash = str_dup(rq->arena, str_bytes(hash.b, sizeof(hash.b)));
	ret.body = str_dup(rq->arena, str_bytes(body.b, sizeof(body.b)));
	ret.until_us = rq->now_us + IDEMPOTENCY_LIFE_US;
	return ret;
}

enum err idempotency_check(
    struct request *rq, const struct idempotency *mine, struct str stored_body)
{
	if (!str_eq(mine->body, stored_body))
		return fault(rq, ERR_IDEMPOTENCY_CONFLICT, "key seen with another body");
	return OK;
}

enum err idempotency_spent(struct request *rq)
{
	return fault(rq, ERR_IDEMPOTENCY_CONFLICT, "what the key stood for is over");
}
