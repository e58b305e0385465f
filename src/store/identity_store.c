#include "store/identity_store.h"

#include "store/columns.h"

#define MAX_KEYS 16 /* master keys accepted at once (keyring.h) */

void identity_decode(struct cursor *c, struct identity_row *ret)
{
	take_uuid(c, &ret->id);
	take_uuid(c, &ret->user_id);
	ret->provider = take_str(c);
	ret->subject_index = take_str(c);
	ret->index_version = take_int(c);
	ret->subject = take_str(c);
	ret->email = take_str(c);
	ret->linked_at_us = take_int(c);
	ret->last_used_at_us = take_int(c);
}

enum err identity_insert(struct tx *tx, const struct identity_row *identity, bool *ret_taken)
{
	const struct val params[] = {
		val_uuid(&identity->id),
		val_uuid(&identity->user_id),
		val_text(identity->provider),
		val_blob(identity->subject_index),
		val_int(identity->index_version),
		val_blob(identity->subject),
		opt_blob(identity->email),
		val_int(identity->linked_at_us),
		opt_int(identity->last_used_at_us),
	};
	bool inserted = false;
	enum err r = tx_changed(tx, STMT_IDENTITY_INSERT, params, ARRAY_LEN(params), &inserted);

	*ret_taken = !inserted;
	return r;
}

enum err identity_by_index(
    struct tx *tx, const struct str *indexes, size_t n, struct identity_row *ret, bool *ret_found)
{
	struct tx_query queries[MAX_KEYS];
	struct val keys[MAX_KEYS];
	enum err r;

	if (n > MAX_KEYS)
		n = MAX_KEYS;
	for (size_t i = 0; i < n; i++) {
		keys[i] = val_blob(indexes[i]);
		queries[i] = (struct tx_query){
			.id = STMT_IDENTITY_BY_INDEX,
			.params = &keys[i],
			.n = 1,
		};
	}
	r = tx_gather(tx, queries, n);
	if (r != OK)
		return r;
	*ret_found = false;
	for (size_t i = 0; i < n && !*ret_found; i++) {
		*ret_found = queries[i].row.found;
		if (*ret_found)
			identity_decode(&(struct cursor){ queries[i].row.cols }, ret);
	}
	return OK;
}

static void decode_item(struct cursor *c, void *ret)
{
	identity_decode(c, ret);
}

enum err identity_list(struct tx *tx, struct uuid user, struct identity_row **ret, size_t *ret_n)
{
	const struct val key = val_uuid(&user);
	struct rows rows = { .decode = decode_item, .size = sizeof(struct identity_row) };
	enum err r = tx_list(tx, STMT_IDENTITY_LIST, &key, 1, &rows);

	if (r != OK)
		return r;
	*ret = (struct identity_row *)(void *)rows.items;
	*ret_n = rows.n;
	return OK;
}

enum err identity_used(struct tx *tx, struct uuid id, int64_t now_us, bool *ret_there)
{
	const struct val params[] = { val_uuid(&id), val_int(now_us) };

	return tx_changed(tx, STMT_IDENTITY_USED, params, ARRAY_LEN(params), ret_there);
}

enum err identity_remove(
    struct tx *tx, struct uuid user, struct uuid id, bool only_if_not_last, bool *ret_removed)
{
	const struct val params[] = { val_uuid(&user), val_uuid(&id) };

	return tx_changed(tx,
	    only_if_not_last ? STMT_IDENTITY_REMOVE_NOT_LAST : STMT_IDENTITY_REMOVE, params,
	    ARRAY_LEN(params), ret_removed);
}

enum err identity_clear(struct tx *tx, struct uuid user)
{
	const struct val key = val_uuid(&user);

	return tx_push(tx, STMT_IDENTITY_CLEAR, &key, 1);
}
