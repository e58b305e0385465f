#include "store/flow_store.h"

#include "store/columns.h"

#define MAX_KEYS 16 /* master keys accepted at once (keyring.h) */

void flow_decode(struct cursor *c, struct flow_row *ret)
{
	take_uuid(c, &ret->id);
	ret->purpose = take_str(c);
	ret->has_user = take_uuid(c, &ret->user_id);
	ret->subject_index = take_str(c);
	ret->index_version = take_int(c);
	ret->channel = take_str(c);
	ret->destination = take_str(c);
	ret->code_hash = take_str(c);
	ret->code_key = take_int(c);
	ret->attempts = take_int(c);
	ret->max_attempts = take_int(c);
	ret->sends = take_int(c);
	ret->created_at_us = take_int(c);
	ret->code_expires_at_us = take_int(c);
	ret->resend_at_us = take_int(c);
	ret->expires_at_us = take_int(c);
	ret->voided_at_us = take_int(c);
	ret->consumed_at_us = take_int(c);
	ret->has_session = take_uuid(c, &ret->session_id);
	ret->pending = take_str(c);
	ret->idempotency_hash = take_str(c);
	ret->idempotency_body = take_str(c);
	ret->idempotency_until_us = take_int(c);
}

static enum err flow_one(struct tx *tx, enum statement id, const struct val *params, size_t n,
    struct flow_row *ret, bool *ret_found)
{
	struct row row;
	enum err r = tx_row(tx, id, params, n, &row);

	if (r != OK)
		return r;
	*ret_found = row.found;
	if (row.found)
		flow_decode(&(struct cursor){ row.cols }, ret);
	return OK;
}

/* free_key() - an idempotency key whose time is over must not stand in a new one's way. */
static enum err free_key(struct tx *tx, struct str hash, int64_t now_us)
{
	const struct val params[] = { val_blob(hash), val_int(now_us) };

	if (str_empty(hash))
		return OK;
	return tx_push(tx, STMT_FLOW_FREE_KEY, params, ARRAY_LEN(params));
}

enum err flow_insert(struct tx *tx, const struct flow_row *f)
{
	const struct val params[] = {
		val_uuid(&f->id),
		val_text(f->purpose),
		opt_uuid(f->has_user, &f->user_id),
		val_blob(f->subject_index),
		val_int(f->index_version),
		val_text(f->channel),
		val_blob(f->destination),
		val_blob(f->code_hash),
		val_int(f->code_key),
		val_int(f->attempts),
		val_int(f->max_attempts),
		val_int(f->sends),
		val_int(f->created_at_us),
		val_int(f->code_expires_at_us),
		val_int(f->resend_at_us),
		val_int(f->expires_at_us),
		opt_int(f->voided_at_us),
		opt_int(f->consumed_at_us),
		opt_uuid(f->has_session, &f->session_id),
		opt_blob(f->pending),
		opt_blob(f->idempotency_hash),
		opt_blob(f->idempotency_body),
		opt_int(f->idempotency_until_us),
	};
	bool inserted = false;
	enum err r = free_key(tx, f->idempotency_hash, f->created_at_us);

	if (r == OK)
		r = tx_changed(tx, STMT_FLOW_INSERT, params, ARRAY_LEN(params), &inserted);
	if (r != OK)
		return r;
	return inserted ? OK : ERR_CONFLICT;
}

enum err flow_by_id(struct tx *tx, struct uuid id, struct flow_row *ret, bool *ret_found)
{
	const struct val key = val_uuid(&id);

	return flow_one(tx, STMT_FLOW_BY_ID, &key, 1, ret, ret_found);
}

/* for_each_index() - the same question for every blind index a subject may be stored under. */
static enum err for_each_index(struct tx *tx, struct tx_query *queries, struct val (*params)[3],
    const struct str *indexes, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		queries[i] = queries[0];
		queries[i].params = params[i];
		memcpy(params[i], params[0], sizeof(params[0]));
	}
	for (size_t i = 0; i < n; i++)
		params[i][0] = val_blob(indexes[i]);
	return tx_gather(tx, queries, n);
}

static bool is_newer(const struct flow_row *a, const struct flow_row *b)
{
	if (!a->voided_at_us != !b->voided_at_us)
		return !a->voided_at_us;
	return a->created_at_us > b->created_at_us;
}

enum err flow_newest(struct tx *tx, const struct str *indexes, size_t n, struct str purpose,
    struct flow_row *ret, bool *ret_found)
{
	struct val params[MAX_KEYS][3] = { { [1] = val_text(purpose) } };
	struct tx_query queries[MAX_KEYS] = {
		{ .id = STMT_FLOW_NEWEST, .params = params[0], .n = 2 }
	};
	struct flow_row flow;
	enum err r;

	n = n < MAX_KEYS ? n : MAX_KEYS;
	r = for_each_index(tx, queries, params, indexes, n);
	if (r != OK)
		return r;
	*ret_found = false;
	for (size_t i = 0; i < n; i++) {
		if (!queries[i].row.found)
			continue;
		flow_decode(&(struct cursor){ queries[i].row.cols }, &flow);
		if (!*ret_found || is_newer(&flow, ret))
			*ret = flow;
		*ret_found = true;
	}
	return OK;
}

enum err flow_by_idempotency(
    struct tx *tx, struct str hash, int64_t now_us, struct flow_row *ret, bool *ret_found)
{
	const struct val params[] = { val_blob(hash), val_int(now_us) };

	return flow_one(tx, STMT_FLOW_BY_IDEMPOTENCY, params, ARRAY_LEN(params), ret, ret_found);
}

/* NOLINTNEXTLINE(readability-function-size): one parameter more than we like, each in use. */
enum err flow_try(struct tx *tx, struct uuid id, struct str code_hash, int64_t now_us,
    bool *ret_consumed, struct flow_row *ret, bool *ret_found)
{
	const struct val params[] = { val_uuid(&id), val_blob(code_hash), val_int(now_us) };
	enum err r = flow_one(tx, STMT_FLOW_TRY, params, ARRAY_LEN(params), ret, ret_found);

	if (r != OK)
		return r;
	*ret_consumed = *ret_found && ret->consumed_at_us != 0;
	if (*ret_found)
		return OK;
	return flow_by_id(tx, id, ret, ret_found);
}

enum err flow_set_session(struct tx *tx, struct uuid id, struct uuid session)
{
	const struct val params[] = { val_uuid(&id), val_uuid(&session) };

	return tx_push(tx, STMT_FLOW_SET_SESSION, params, ARRAY_LEN(params));
}

enum err flow_renew_code(struct tx *tx, const struct flow_resend *resend, bool *ret_renewed)
{
	const struct val params[] = {
		val_uuid(&resend->id),
		val_blob(resend->code_hash),
		val_int(resend->code_key),
		val_int(resend->now_us),
		val_int(resend->code_expires_at_us),
		val_int(resend->resend_at_us),
		val_blob_or_null(resend->idempotency_hash),
		val_blob_or_null(resend->idempotency_body),
		resend->idempotency_hash.ptr ? val_int(resend->idempotency_until_us) : val_null(),
		val_int(resend->drop_pending),
	};
	enum err e = free_key(tx, resend->idempotency_hash, resend->now_us);

	if (e != OK)
		return e;
	return tx_changed(tx, STMT_FLOW_RENEW_CODE, params, ARRAY_LEN(params), ret_renewed);
}

enum err flow_void_older(
    struct tx *tx, struct str subject_index, struct str purpose, struct uuid keep, int64_t now_us)
{
	const struct val params[] = { val_blob(subject_index), val_text(purpose), val_uuid(&keep),
		val_int(now_us) };

	return tx_push(tx, STMT_FLOW_VOID_OLDER, params, ARRAY_LEN(params));
}

enum err flow_void_user(struct tx *tx, struct str subject_index, struct uuid user, int64_t now_us)
{
	const struct val params[] = { val_blob(subject_index), val_uuid(&user), val_int(now_us) };

	return tx_push(tx, STMT_FLOW_VOID_USER, params, ARRAY_LEN(params));
}

enum err flow_attempts_since(struct tx *tx, const struct str *indexes, size_t n, struct str purpose,
    int64_t since_us, int64_t *ret)
{
	struct val params[MAX_KEYS][3] = { { [1] = val_text(purpose), [2] = val_int(since_us) } };
	struct tx_query queries[MAX_KEYS] = {
		{ .id = STMT_FLOW_ATTEMPTS, .params = params[0], .n = 3 }
	};
	enum err r;

	n = n < MAX_KEYS ? n : MAX_KEYS;
	r = for_each_index(tx, queries, params, indexes, n);
	if (r != OK)
		return r;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret += row_int(&queries[i].row, 0);
	return OK;
}

enum err flow_sweep(struct tx *tx, int64_t before_us, int64_t limit, int64_t *ret_n)
{
	const struct val params[] = { val_int(before_us), val_int(limit) };

	return tx_count(tx, STMT_FLOW_SWEEP, params, ARRAY_LEN(params), ret_n);
}
