/* Small helpers of the *_store.c files: reading columns, and the common shapes of a result. */
#include "store/columns.h"

#include "crypto/keyring.h"

bool take_uuid(struct cursor *c, struct uuid *ret)
{
	struct str s = take_str(c);

	*ret = (struct uuid){ 0 };
	if (s.len == sizeof(ret->b))
		memcpy(ret->b, s.ptr, sizeof(ret->b));
	return s.ptr != NULL;
}

void take_mac(struct cursor *c, struct mac *ret)
{
	struct str s = take_str(c);

	*ret = (struct mac){ 0 };
	if (s.len == sizeof(ret->b))
		memcpy(ret->b, s.ptr, sizeof(ret->b));
}

struct uuid row_uuid(const struct row *row, size_t i)
{
	struct cursor c = { &row->cols[i] };
	struct uuid id;

	take_uuid(&c, &id);
	return id;
}

enum err tx_exists(struct tx *tx, enum statement id, const struct val *params, size_t n, bool *ret)
{
	struct row row;
	enum err r = tx_row(tx, id, params, n, &row);

	if (r == OK)
		*ret = row.found;
	return r;
}

enum err tx_int(struct tx *tx, enum statement id, const struct val *params, size_t n, int64_t *ret)
{
	struct row row;
	enum err r = tx_row(tx, id, params, n, &row);

	if (r == OK)
		*ret = row.found ? row_int(&row, 0) : 0;
	return r;
}

enum err tx_changed(struct tx *tx, enum statement id, const struct val *params, size_t n, bool *ret)
{
	int64_t changed;
	enum err r = tx_count(tx, id, params, n, &changed);

	if (r == OK)
		*ret = changed > 0;
	return r;
}

static bool list_one(void *arg, const struct row *row)
{
	struct rows *rows = arg;
	struct cursor c = { row->cols };

	if (rows->n == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 16;
		char *items = arena_array(rows->arena, room, rows->size);

		if (rows->n > 0)
			memcpy(items, rows->items, rows->n * rows->size);
		rows->items = items;
		rows->room = room;
	}
	rows->decode(&c, rows->items + rows->n++ * rows->size);
	return true;
}

enum err tx_list(
    struct tx *tx, enum statement id, const struct val *params, size_t n, struct rows *rows)
{
	rows->arena = tx_arena(tx);
	return tx_each(tx, id, params, n, list_one, rows);
}
