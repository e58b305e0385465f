#include "service/pending.h"

#define FIELD_PENDING STR("flows.pending")

/*
 * Sealed form: password, role's name, profile, then document and version of each consent; before
 * each its length in two bytes, big-endian. It lives as long as a flow, so it has no versions.
 */
static void put(struct buf *out, struct str value)
{
	value = str_upto(value, UINT16_MAX);
	buf_add_char(out, (char)(value.len >> 8));
	buf_add_char(out, (char)(value.len & 0xff));
	buf_add(out, value);
}

static bool take(struct str *rest, struct str *ret)
{
	const uint8_t *head = (const uint8_t *)rest->ptr;
	size_t len;

	if (rest->len < 2)
		return false;
	len = (size_t)head[0] << 8 | head[1];
	if (rest->len - 2 < len)
		return false;
	*ret = str_bytes(rest->ptr + 2, len);
	*rest = str_from(*rest, 2 + len);
	return true;
}

struct str pending_seal(
    struct request *rq, const struct data_key *key, const struct pending *pending)
{
	struct buf plain;

	buf_init(&plain, rq->secrets, 512);
	put(&plain, pending->password);
	put(&plain, role_name(pending->role));
	put(&plain, profile_encode(rq->secrets, &pending->profile));
	for (size_t i = 0; i < pending->n_consents; i++) {
		put(&plain, pending->consents[i].document);
		put(&plain, pending->consents[i].version);
	}
	return seal(rq->arena, key, FIELD_PENDING, buf_str(&plain));
}

/* What is left is consents; each takes four bytes at least. */
static bool take_consents(struct request *rq, struct str rest, struct pending *ret)
{
	struct consent_given *consents =
	    ARENA_ARRAY(rq->secrets, rest.len / 4 + 1, struct consent_given);

	ret->consents = consents;
	for (ret->n_consents = 0; !str_empty(rest); ret->n_consents++)
		if (!take(&rest, &consents[ret->n_consents].document) ||
		    !take(&rest, &consents[ret->n_consents].version))
			return false;
	return true;
}

enum err pending_open(
    struct request *rq, const struct data_key *key, struct str sealed, struct pending *ret)
{
	struct str rest, role, profile;

	*ret = (struct pending){ .n_consents = 0 };
	if (unseal(rq->secrets, key, FIELD_PENDING, sealed, &rest) != OK ||
	    !take(&rest, &ret->password) || !take(&rest, &role) || !take(&rest, &profile) ||
	    !role_parse(role, &ret->role) || !profile_decode(profile, &ret->profile) ||
	    !take_consents(rq, rest, ret))
		return fault(rq, ERR_INTERNAL, "what waits with a flow does not open");
	return OK;
}

enum err consents_write(
    struct tx *tx, struct uuid user, const struct consent_given *consents, size_t n, int64_t now_us)
{
	for (size_t i = 0; i < n; i++) {
		const struct consent_row row = {
			.document = consents[i].document,
			.version = consents[i].version,
			.given_at_us = now_us,
		};
		enum err e = consent_insert(tx, user, &row);

		if (e != OK)
			return e;
	}
	return OK;
}

void pending_adopt(struct request *rq, struct account *account, const struct pending *pending)
{
	account->profile = pending->profile;
	account->row.password = pending->password;
	account->row.role = pending->role;
	account->row.profile = account_seal_profile(rq, &account->key, &account->profile);
}

enum err pending_settle(
    struct tx *tx, const struct account *account, const struct pending *pending, int64_t now_us)
{
	struct uuid user = account->row.id;
	bool settled;
	enum err e = user_settle(tx, &account->row, now_us, &settled);

	if (e != OK || !settled)
		return e;
	e = consent_clear(tx, user);
	if (e == OK)
		e = consents_write(tx, user, pending->consents, pending->n_consents, now_us);
	return e;
}
