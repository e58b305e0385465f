#include "store/profile_store.h"

#include "store/columns.h"

enum err profile_get(struct tx *tx, enum profile_kind kind, struct uuid user,
    struct profile_row *ret, bool *ret_found)
{
	enum statement id = kind == PROFILE_VENDOR ? STMT_VENDOR_GET : STMT_CLIENT_GET;
	const struct val key = val_uuid(&user);
	struct cursor c;
	struct row row;
	enum err r = tx_row(tx, id, &key, 1, &row);

	if (r != OK)
		return r;
	*ret_found = row.found;
	if (!row.found)
		return OK;
	c.next = row.cols;
	*ret = (struct profile_row){ .kind = kind, .user_id = user };
	ret->profile = take_str(&c);
	ret->created_at_us = take_int(&c);
	ret->updated_at_us = take_int(&c);
	if (kind == PROFILE_VENDOR) {
		ret->slug = take_str(&c);
		ret->verification_state = take_str(&c);
	}
	return OK;
}

enum err profile_set(
    struct tx *tx, const struct profile_row *row, int64_t as_read_us, bool *ret_changed)
{
	const struct val params[] = { val_uuid(&row->user_id), opt_blob(row->profile),
		val_int(row->updated_at_us), val_int(as_read_us), opt_text(row->slug) };

	if (row->kind == PROFILE_CLIENT)
		return tx_changed(tx, STMT_CLIENT_SET, params, 4, ret_changed);
	return tx_changed(tx, STMT_VENDOR_SET, params, 5, ret_changed);
}

enum err profile_slug_taken(struct tx *tx, struct str slug, struct uuid user, bool *ret_taken)
{
	const struct val params[] = { val_text(slug), val_uuid(&user) };

	return tx_exists(tx, STMT_VENDOR_SLUG_TAKEN, params, ARRAY_LEN(params), ret_taken);
}
