#include "store/password_store.h"

#include "store/columns.h"

enum err password_old_add(struct tx *tx, struct uuid user, struct str encoded, int64_t now_us)
{
	const struct val params[] = { val_uuid(&user), val_int(now_us), val_text(encoded) };

	return tx_push(tx, STMT_PASSWORD_OLD_ADD, params, ARRAY_LEN(params));
}

enum err password_old_trim(struct tx *tx, struct uuid user, int64_t keep)
{
	const struct val params[] = { val_uuid(&user), val_int(keep) };

	return tx_push(tx, STMT_PASSWORD_OLD_TRIM, params, ARRAY_LEN(params));
}

static void decode(struct cursor *c, void *ret)
{
	struct str *encoded = ret;

	*encoded = take_str(c);
}

enum err password_old_list(
    struct tx *tx, struct uuid user, int64_t max, struct str **ret, size_t *ret_n)
{
	const struct val params[] = { val_uuid(&user), val_int(max) };
	struct rows rows = { .decode = decode, .size = sizeof(struct str) };
	enum err r = tx_list(tx, STMT_PASSWORD_OLD_LIST, params, ARRAY_LEN(params), &rows);

	if (r != OK)
		return r;
	*ret = (struct str *)(void *)rows.items;
	*ret_n = rows.n;
	return OK;
}
