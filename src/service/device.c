#include "service/device.h"

#include "base/clock.h"
#include "crypto/seal.h"

/* Sealed: 16 random bytes that name the device, then the blind index it was given for. */
#define DEVICE_NAME_LEN 16
#define DEVICE_FIELD STR("device")
/* Far over the real size; bounds the work on what a stranger sends. */
#define DEVICE_TOKEN_MAX 512

struct secret device_token_new(struct request *rq, struct str subject_index)
{
	struct buf plain;
	struct str sealed;

	buf_init(&plain, rq->secrets, DEVICE_NAME_LEN + subject_index.len);
	random_bytes(buf_reserve(&plain, DEVICE_NAME_LEN), DEVICE_NAME_LEN);
	plain.len += DEVICE_NAME_LEN;
	buf_add(&plain, subject_index);
	sealed = seal_system(rq->secrets, rq->keys, KEY_DEVICE, DEVICE_FIELD, buf_str(&plain));
	return secret_of(base64url_encode(rq->secrets, sealed));
}

bool device_known(struct request *rq, const struct str *indexes, size_t n, struct str *ret_device)
{
	bool known = false;

	struct str sealed, plain;

	if (str_empty(rq->device_token) || rq->device_token.len > DEVICE_TOKEN_MAX)
		return false;
	if (!base64url_decode(rq->secrets, rq->device_token, &sealed))
		return false;
	if (unseal_system(rq->secrets, rq->keys, KEY_DEVICE, DEVICE_FIELD, sealed, &plain) != OK)
		return false;
	if (plain.len <= DEVICE_NAME_LEN)
		return false;
	for (size_t i = 0; i < n; i++)
		known = known || str_eq(str_from(plain, DEVICE_NAME_LEN), indexes[i]);
	*ret_device = str_upto(plain, DEVICE_NAME_LEN);
	return known;
}

static struct str hash(struct request *rq, struct str header, struct str value)
{
	struct str parts[] = { header, value };
	struct mac mac;

	if (!keyring_mac(rq->keys, KEY_DEVICE, KEYRING_ACTIVE, parts, ARRAY_LEN(parts), &mac))
		return STR_NULL;
	return str_dup(rq->arena, str_bytes(mac.b, sizeof(mac.b)));
}

struct str device_id_hash(struct request *rq)
{
	return str_empty(rq->device_id) ? STR_NULL : hash(rq, STR("X-Device-ID"), rq->device_id);
}

struct str device_fingerprint(struct request *rq)
{
	if (!str_empty(rq->device_id))
		return device_id_hash(rq);
	return hash(rq, STR("User-Agent"), rq->user_agent);
}
