#include "store/note_store.h"

#include "store/columns.h"

enum err note_insert(struct tx *tx, const struct note_row *note)
{
	const struct val params[] = { val_uuid(&note->id), val_uuid(&note->user_id),
		val_uuid(&note->author_id), val_int(note->created_at_us), val_blob(note->note) };

	return tx_push(tx, STMT_NOTE_INSERT, params, ARRAY_LEN(params));
}

static void decode_item(struct cursor *c, void *ret)
{
	struct note_row *note = ret;

	take_uuid(c, &note->id);
	take_uuid(c, &note->user_id);
	take_uuid(c, &note->author_id);
	note->created_at_us = take_int(c);
	note->note = take_str(c);
}

enum err note_list(
    struct tx *tx, struct uuid user, size_t limit, struct note_row **ret, size_t *ret_n)
{
	const struct val params[] = { val_uuid(&user), val_int((int64_t)limit) };
	struct rows rows = { .decode = decode_item, .size = sizeof(struct note_row) };
	enum err r = tx_list(tx, STMT_NOTE_LIST, params, ARRAY_LEN(params), &rows);

	if (r != OK)
		return r;
	*ret = (struct note_row *)(void *)rows.items;
	*ret_n = rows.n;
	return OK;
}
