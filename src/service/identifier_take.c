#include "service/identifier_take.h"

#include "service/audit.h"
#include "store/erase_store.h"
#include "store/flow_store.h"

#define NOBODY ((struct uuid){ 0 })

void taking_draft(struct taking *t)
{
	struct request *rq = t->rq;
	struct audit_entry entry = { .event = STR("user.erased"), .reason = STR("address proven") };
	struct user_row *row;

	t->n_indexes = identifier_indexes(rq, &t->identifier, t->indexes);
	t->next = ARENA_NEW(rq->secrets, struct account);
	*t->next = *t->account;
	t->next->identifier = t->identifier.display;
	row = &t->next->row;
	row->kind = t->identifier.kind;
	row->identifier = account_seal_identifier(rq, &t->account->key, t->identifier.display);
	row->identifier_index = t->indexes[0];
	row->index_version = keyring_active(rq->keys);
	row->is_verified = true;
	row->updated_at_us = rq->now_us > row->updated_at_us ? rq->now_us : row->updated_at_us + 1;
	audit_draft(rq, &entry, &t->evicted);
}

/* The seat is free, ours already, or held by somebody who never proved it. */
static enum err make_room(struct tx *tx, struct taking *t)
{
	struct user_row holder;
	bool held, erased;
	enum err e =
	    user_by_index(tx, t->identifier.kind, t->indexes, t->n_indexes, &holder, &held);

	t->taken = false;
	if (e != OK || !held || uuid_equal(holder.id, t->account->row.id))
		return e;
	t->taken = holder.is_verified;
	if (t->taken)
		return OK;
	e = person_erase(tx, holder.id, holder.identifier_index, t->rq->now_us, &erased);
	if (e != OK)
		return e;
	t->evicted.has_subject = true;
	t->evicted.subject_id = holder.id;
	return audit_append(tx, t->rq->keys, &t->evicted);
}

enum err taking_write(struct tx *tx, struct taking *t)
{
	static const struct str purposes[] = { STR_INIT("reset"), STR_INIT("verify") };
	struct str old_index = t->account->row.identifier_index;
	bool changed = false;
	enum err e = make_room(tx, t);

	t->stale = false;
	if (e != OK || t->taken)
		return e;
	e = user_set_identifier(tx, &t->next->row, old_index, &changed);
	t->stale = !changed;
	for (size_t i = 0; e == OK && changed && i < ARRAY_LEN(purposes); i++)
		e = flow_void_older(tx, old_index, purposes[i], NOBODY, t->rq->now_us);
	return e;
}
