#include "store/erase_store.h"

#include "store/columns.h"

/* One for each table with a user_id; a test holds this list against the schema. */
static const enum statement wipes[] = {
	STMT_ERASE_SESSIONS,
	STMT_ERASE_FLOWS,
	STMT_ERASE_MESSAGES,
	STMT_ERASE_CLIENT,
	STMT_ERASE_NOTES,
	STMT_ERASE_PASSWORDS,
	STMT_USER_NAMES_CLEAR,
	STMT_ERASE_VENDOR,
	STMT_CONSENT_CLEAR,
	STMT_IDENTITY_CLEAR,
};

enum err person_erase(
    struct tx *tx, struct uuid id, struct str index, int64_t now_us, bool *ret_erased)
{
	const struct val params[] = { val_uuid(&id), val_int(now_us) };
	const struct val subject = val_blob(index);
	enum err r = tx_changed(tx, STMT_ERASE_USER, params, ARRAY_LEN(params), ret_erased);

	if (r != OK || !*ret_erased)
		return r;
	tx_scrub(tx);
	for (size_t i = 0; r == OK && i < ARRAY_LEN(wipes); i++)
		r = tx_push(tx, wipes[i], params, 1);
	return r == OK ? tx_push(tx, STMT_ERASE_FLOWS_ABOUT, &subject, 1) : r;
}

static void decode_item(struct cursor *c, void *ret)
{
	user_decode(c, ret);
}

enum err person_list_closed(
    struct tx *tx, int64_t before_us, int64_t limit, struct user_row **ret, size_t *ret_n)
{
	const struct val params[] = { val_int(before_us), val_int(limit) };
	struct rows rows = { .decode = decode_item, .size = sizeof(struct user_row) };
	enum err r = tx_list(tx, STMT_USER_LIST_CLOSED, params, ARRAY_LEN(params), &rows);

	if (r != OK)
		return r;
	*ret = (struct user_row *)(void *)rows.items;
	*ret_n = rows.n;
	return OK;
}
