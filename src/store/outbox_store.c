#include "store/outbox_store.h"

#include "store/columns.h"

void outbox_decode(struct cursor *c, struct outbox_row *ret)
{
	ret->id = take_int(c);
	take_uuid(c, &ret->event_id);
	ret->sink = take_str(c);
	ret->kind = take_str(c);
	ret->has_user = take_uuid(c, &ret->user_id);
	ret->payload = take_str(c);
	ret->created_at_us = take_int(c);
	ret->expires_at_us = take_int(c);
	ret->state = take_str(c);
	ret->next_at_us = take_int(c);
	ret->attempts = take_int(c);
	ret->last_error = take_str(c);
	ret->finished_at_us = take_int(c);
}

static void decode_item(struct cursor *c, void *ret)
{
	outbox_decode(c, ret);
}

static void decode_leased(struct cursor *c, void *ret)
{
	struct outbox_row *row = ret;

	outbox_decode(c, row);
	row->data_key = take_str(c);
}

/* hand_over() - what was collected, when @r says it was. */
static enum err hand_over(
    enum err r, const struct rows *rows, struct outbox_row **ret, size_t *ret_n)
{
	if (r != OK)
		return r;
	*ret = (struct outbox_row *)(void *)rows->items;
	*ret_n = rows->n;
	return OK;
}

enum err outbox_insert(struct tx *tx, const struct outbox_row *row)
{
	const struct val params[] = {
		val_uuid(&row->event_id),
		val_text(row->sink),
		val_text(row->kind),
		opt_uuid(row->has_user, &row->user_id),
		opt_blob(row->payload),
		val_int(row->created_at_us),
		opt_int(row->expires_at_us),
		val_text(str_empty(row->state) ? STR("pending") : row->state),
		val_int(row->next_at_us),
	};

	return tx_push(tx, STMT_OUTBOX_INSERT, params, ARRAY_LEN(params));
}

static int by_id(const void *a, const void *b)
{
	const struct outbox_row *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

enum err outbox_lease(
    struct tx *tx, const struct outbox_lease *lease, struct outbox_row **ret, size_t *ret_n)
{
	const struct val params[] = {
		val_int(lease->now_us),
		val_int(lease->until_us),
		val_text(lease->sink),
		val_int(lease->limit),
	};
	struct rows rows = { .decode = decode_leased, .size = sizeof(struct outbox_row) };
	enum err r = tx_list(tx, STMT_OUTBOX_LEASE, params, ARRAY_LEN(params), &rows);

	r = hand_over(r, &rows, ret, ret_n);
	/* RETURNING promises no order. */
	if (r == OK && *ret_n > 1)
		qsort(*ret, *ret_n, sizeof(**ret), by_id);
	return r;
}

enum err outbox_finish(
    struct tx *tx, int64_t id, struct str state, struct str error, int64_t now_us)
{
	const struct val params[] = { val_int(id), val_text(state), opt_text(error),
		val_int(now_us) };

	return tx_push(tx, STMT_OUTBOX_FINISH, params, ARRAY_LEN(params));
}

enum err outbox_retry(struct tx *tx, int64_t id, struct str error, int64_t next_at_us)
{
	const struct val params[] = { val_int(id), opt_text(error), val_int(next_at_us) };

	return tx_push(tx, STMT_OUTBOX_RETRY, params, ARRAY_LEN(params));
}

enum err outbox_replay(
    struct tx *tx, const struct outbox_again *again, int64_t now_us, int64_t *ret_n)
{
	const struct val one[] = { val_int(now_us), val_int(again->id) };
	const struct val some[] = {
		val_int(now_us),
		val_text(again->sink),
		val_int(again->since_us),
		val_int(again->since_us > 0),
	};

	if (again->id > 0)
		return tx_count(tx, STMT_OUTBOX_REPLAY, one, ARRAY_LEN(one), ret_n);
	if (str_empty(again->sink))
		return tx_count(tx, STMT_OUTBOX_REPLAY_ALL, one, 1, ret_n);
	return tx_count(tx, STMT_OUTBOX_REPLAY_SINK, some, ARRAY_LEN(some), ret_n);
}

enum err outbox_list(struct tx *tx, struct str state, int64_t after, int64_t limit,
    struct outbox_row **ret, size_t *ret_n)
{
	const struct val params[] = { val_int(after), val_int(limit), val_text(state) };
	struct rows rows = { .decode = decode_item, .size = sizeof(struct outbox_row) };
	enum err r;

	if (str_empty(state))
		r = tx_list(tx, STMT_OUTBOX_LIST, params, 2, &rows);
	else
		r = tx_list(tx, STMT_OUTBOX_LIST_STATE, params, 3, &rows);
	return hand_over(r, &rows, ret, ret_n);
}

enum err outbox_next_due(struct tx *tx, struct outbox_due *due)
{
	const struct val params[] = { val_text(due->sink) };
	struct row row;
	enum err r = tx_row(tx, STMT_OUTBOX_NEXT_DUE, params, ARRAY_LEN(params), &row);

	if (r == OK)
		due->at_us = row.found ? row_int(&row, 0) : NEVER_US;
	return r;
}

enum err outbox_sweep(struct tx *tx, int64_t before_us, int64_t limit, int64_t *ret_n)
{
	const struct val params[] = { val_int(before_us), val_int(limit) };

	return tx_count(tx, STMT_OUTBOX_SWEEP, params, ARRAY_LEN(params), ret_n);
}
