#include "store/session_store.h"

#include "store/columns.h"

void session_decode(struct cursor *c, struct session_row *ret)
{
	take_uuid(c, &ret->id);
	take_uuid(c, &ret->user_id);
	ret->client = take_str(c);
	ret->amr = take_str(c);
	ret->engine = take_str(c);
	ret->device_id = take_str(c);
	ret->user_agent = take_str(c);
	ret->address = take_str(c);
	ret->created_at_us = take_int(c);
	ret->auth_time_us = take_int(c);
	ret->idle_expires_at_us = take_int(c);
	ret->expires_at_us = take_int(c);
	ret->cur_hash = take_str(c);
	ret->prev_hash = take_str(c);
	ret->prev2_hash = take_str(c);
	ret->hash_key = take_int(c);
	ret->generation = take_int(c);
	ret->rotated_at_us = take_int(c);
	ret->prev_rotated_at_us = take_int(c);
	ret->successor = take_str(c);
	ret->ended_at_us = take_int(c);
	ret->end_reason = take_str(c);
	ret->idempotency_hash = take_str(c);
	ret->idempotency_body = take_str(c);
	ret->idempotency_until_us = take_int(c);
	take_uuid(c, &ret->impersonator_id);
}

/* free_key() - an idempotency key whose time is over must not stand in a new one's way. */
static enum err free_key(struct tx *tx, const struct session_row *s)
{
	const struct val params[] = { val_blob(s->idempotency_hash), val_int(s->created_at_us) };

	if (str_empty(s->idempotency_hash))
		return OK;
	return tx_push(tx, STMT_SESSION_FREE_KEY, params, ARRAY_LEN(params));
}

enum err session_insert(struct tx *tx, const struct session_row *s)
{
	const struct val params[] = {
		val_uuid(&s->id),
		val_uuid(&s->user_id),
		val_text(s->client),
		val_text(s->amr),
		val_text(s->engine),
		opt_blob(s->device_id),
		opt_blob(s->user_agent),
		opt_blob(s->address),
		val_int(s->created_at_us),
		val_int(s->auth_time_us),
		val_int(s->idle_expires_at_us),
		val_int(s->expires_at_us),
		val_blob(s->cur_hash),
		opt_blob(s->prev_hash),
		opt_blob(s->prev2_hash),
		val_int(s->hash_key),
		val_int(s->generation),
		val_int(s->rotated_at_us),
		opt_int(s->prev_rotated_at_us),
		opt_blob(s->successor),
		opt_int(s->ended_at_us),
		opt_text(s->end_reason),
		opt_blob(s->idempotency_hash),
		opt_blob(s->idempotency_body),
		opt_int(s->idempotency_until_us),
		opt_uuid(!uuid_is_nil(s->impersonator_id), &s->impersonator_id),
	};
	enum err r = free_key(tx, s);

	if (r != OK)
		return r;
	return tx_require(tx, STMT_SESSION_INSERT, params, ARRAY_LEN(params), ERR_CONFLICT);
}

static enum err one_with_user(
    struct tx *tx, enum statement id, const struct val *params, size_t n, struct session_user *ret)
{
	struct cursor c;
	struct row row;
	enum err r = tx_row(tx, id, params, n, &row);

	if (r != OK)
		return r;
	ret->found = row.found;
	if (row.found) {
		c.next = row.cols;
		session_decode(&c, &ret->session);
		user_decode(&c, &ret->user);
	}
	return OK;
}

enum err session_with_user(struct tx *tx, struct uuid id, struct session_user *ret)
{
	const struct val key = val_uuid(&id);

	return one_with_user(tx, STMT_SESSION_WITH_USER, &key, 1, ret);
}

enum err session_for_access(struct tx *tx, struct uuid id, struct session_user *ret)
{
	const struct val key = val_uuid(&id);
	struct cursor c;
	struct row row;
	enum err r = tx_row(tx, STMT_SESSION_FOR_ACCESS, &key, 1, &row);

	if (r != OK)
		return r;
	*ret = (struct session_user){ .found = row.found };
	if (!row.found)
		return OK;
	c.next = row.cols;
	take_uuid(&c, &ret->session.id);
	take_uuid(&c, &ret->session.user_id);
	ret->session.auth_time_us = take_int(&c);
	ret->session.expires_at_us = take_int(&c);
	ret->session.ended_at_us = take_int(&c);
	take_uuid(&c, &ret->session.impersonator_id);
	user_decode(&c, &ret->user);
	return OK;
}

enum err session_by_idempotency(
    struct tx *tx, struct str hash, int64_t now_us, struct session_user *ret)
{
	const struct val params[] = { val_blob(hash), val_int(now_us) };

	return one_with_user(tx, STMT_SESSION_BY_IDEMPOTENCY, params, ARRAY_LEN(params), ret);
}

enum err session_rotate_row(struct tx *tx, const struct session_rotation *r)
{
	const struct val params[] = {
		val_uuid(&r->id),
		val_blob(r->from_hash),
		val_blob(r->to_hash),
		val_int(r->hash_key),
		opt_blob(r->successor),
		val_int(r->now_us),
		val_int(r->idle_expires_at_us),
	};

	return tx_require(tx, STMT_SESSION_ROTATE, params, ARRAY_LEN(params), ERR_CONFLICT);
}

enum err session_end(
    struct tx *tx, struct uuid id, struct str reason, int64_t now_us, bool *ret_ended)
{
	const struct val params[] = { val_uuid(&id), val_text(reason), val_int(now_us) };

	return tx_changed(tx, STMT_SESSION_END, params, ARRAY_LEN(params), ret_ended);
}

enum err session_end_of(struct tx *tx, struct uuid id, struct uuid user, struct str reason,
    int64_t now_us, bool *ret_ended)
{
	const struct val params[] = { val_uuid(&id), val_text(reason), val_int(now_us),
		val_uuid(&user) };

	return tx_changed(tx, STMT_SESSION_END_OF, params, ARRAY_LEN(params), ret_ended);
}

enum err session_end_all(struct tx *tx, struct uuid user, struct uuid keep, struct str reason,
    int64_t now_us, int64_t *ret_n)
{
	const struct val params[] = { val_uuid(&user), val_uuid(&keep), val_text(reason),
		val_int(now_us) };

	return tx_count(tx, STMT_SESSION_END_ALL, params, ARRAY_LEN(params), ret_n);
}

static void decode_item(struct cursor *c, void *ret)
{
	session_decode(c, ret);
}

enum err session_list_live(
    struct tx *tx, struct uuid user, int64_t now_us, struct session_row **ret, size_t *ret_n)
{
	const struct val params[] = { val_uuid(&user), val_int(now_us) };
	struct rows rows = { .decode = decode_item, .size = sizeof(struct session_row) };
	enum err r = tx_list(tx, STMT_SESSION_LIST_LIVE, params, ARRAY_LEN(params), &rows);

	if (r != OK)
		return r;
	*ret = (struct session_row *)(void *)rows.items;
	*ret_n = rows.n;
	return OK;
}

enum err session_page(
    struct tx *tx, const struct session_page *page, struct session_row **ret, size_t *ret_n)
{
	static const struct uuid last = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	const struct val params[] = { val_uuid(&page->user), val_int(page->now_us),
		val_uuid(uuid_is_nil(page->before) ? &last : &page->before),
		val_int((int64_t)page->limit) };
	struct rows rows = { .decode = decode_item, .size = sizeof(struct session_row) };
	enum err r = tx_list(tx, STMT_SESSION_PAGE, params, ARRAY_LEN(params), &rows);

	if (r != OK)
		return r;
	*ret = (struct session_row *)(void *)rows.items;
	*ret_n = rows.n;
	return OK;
}

enum err session_device_seen(struct tx *tx, struct uuid user, struct str device_id, bool *ret_seen)
{
	const struct val params[] = { val_uuid(&user), val_blob(device_id) };

	return tx_exists(tx, STMT_SESSION_DEVICE_SEEN, params, ARRAY_LEN(params), ret_seen);
}

enum err session_sweep(struct tx *tx, int64_t before_us, int64_t limit, int64_t *ret_n)
{
	const struct val params[] = { val_int(before_us), val_int(limit) };

	return tx_count(tx, STMT_SESSION_SWEEP, params, ARRAY_LEN(params), ret_n);
}
