#include "service/staff_users.h"

#include "service/audit.h"
#include "service/name_index.h"
#include "service/permissions.h"
#include "store/note_store.h"

#define FIELD_NOTE STR("user_notes.note")
#define MAX_NOTES 50
/* Index entries read for one page: a few milliseconds, whoever asks for what. */
#define LOOK_AT 2000
/* Names must be unsealed to be compared, which costs more. */
#define LOOK_AT_NAMES 400

struct str staff_note_seal(struct request *rq, const struct account *account, struct str note)
{
	return seal(rq->arena, &account->key, FIELD_NOTE, note);
}

/* Enough to tell people apart, not to reach them. What cannot be read as either is not shown. */
static struct str mask(struct request *rq, struct str identifier)
{
	struct identifier id;

	if (str_empty(identifier))
		return identifier;
	if (identifier_parse(rq->arena, identifier, STR_NULL, &id) != TEXT_NONE)
		return STR("***");
	return identifier_mask(rq->arena, &id);
}

void staff_view(struct request *rq, const struct account *account, struct staff_view *ret)
{
	struct user_view *user = &ret->user;

	*ret = (struct staff_view){ .is_deleted = account->row.state == USER_DELETED };
	if (ret->is_deleted)
		ret->deleted_at_us = account->row.state_at_us;
	account_view(account, user);
	if (role_may(&rq->service->config, rq->actor.role, PERM_USERS_IDENTIFIERS))
		return;
	user->email = mask(rq, user->email);
	user->phone = mask(rq, user->phone);
	user->contact_email = mask(rq, user->contact_email);
	user->contact_phone = mask(rq, user->contact_phone);
}

/* --- finding --- */

struct finding {
	const struct staff_query *query;
	struct user_filter filter;
	struct page page;
	size_t look_at;

	bool is_id, is_identifier;
	struct uuid id;
	struct identifier identifier;
	struct str indexes[16];
	size_t n_indexes;
	bool found; /* one person, by something that is theirs alone */

	struct user_found ids;
	struct user_row *users;
	size_t n;
};

static enum err find_one_tx(struct tx *tx, void *arg)
{
	struct finding *f = arg;
	enum err e = OK;

	f->users = ARENA_NEW(tx_arena(tx), struct user_row);
	if (f->is_id)
		e = user_by_id(tx, f->id, f->users, &f->found);
	if (e == OK && !f->found && f->is_identifier)
		e = user_by_index(
		    tx, f->identifier.kind, f->indexes, f->n_indexes, f->users, &f->found);
	if (e == OK && !f->found)
		e = user_by_external_id(tx, f->query->q, f->users, &f->found);
	return e;
}

static enum err find_one(struct request *rq, struct finding *f)
{
	struct str country = rq->service->config.default_country;

	f->is_id = uuid_parse(f->query->q, &f->id);
	f->is_identifier =
	    identifier_parse(rq->arena, f->query->q, country, &f->identifier) == TEXT_NONE;
	if (f->is_identifier)
		f->n_indexes = identifier_indexes(rq, &f->identifier, f->indexes);
	return store_read(rq->service->store, rq, STORE_PRIMARY, find_one_tx, f);
}

static enum err find_many_tx(struct tx *tx, void *arg)
{
	struct finding *f = arg;
	enum err e = user_search(tx, &f->filter, &f->page, f->look_at, &f->ids);

	return e == OK ? user_by_ids(tx, f->ids.ids, f->ids.n, &f->users, &f->n) : e;
}

static enum err add(struct request *rq, const struct user_row *row, const struct name_query *names,
    struct staff_view_list *ret)
{
	struct account *account;
	enum err e;

	if (row->state == USER_ERASED)
		return OK;
	e = account_open(rq, row, &account);
	if (e != OK)
		return e;
	if (!names || name_query_matches(rq, names, &account->profile))
		staff_view(rq, account, &ret->items[ret->n++]);
	return OK;
}

static enum err add_all(struct request *rq, struct finding *f, const struct name_query *names,
    struct staff_view_list *ret)
{
	enum err e = OK;

	for (size_t i = 0; e == OK && i < f->n; i++)
		e = add(rq, &f->users[i], names, ret);
	return e;
}

/*
 * By name: a hash stands for many names, so what it finds is unsealed and compared, a page's worth
 * at a time, until the page is full or enough was looked at. The cursor's number is the master
 * key's place among those accepted: people indexed under an older one come after the rest.
 */
static enum err find_names(struct request *rq, struct finding *f, const struct name_query *names,
    struct staff_view_list *ret)
{
	size_t want = page_limit(&f->query->page), looked = 0;
	size_t key = (size_t)f->page.after.n < names->n_hashes ? (size_t)f->page.after.n : 0;
	enum err e = OK;

	while (e == OK && ret->n < want && looked < LOOK_AT_NAMES && key < names->n_hashes) {
		f->filter.name_hash = names->hashes[key];
		f->page.limit = (int64_t)(want - ret->n);
		f->page.after.n = 0;
		f->look_at = LOOK_AT_NAMES - looked;
		e = store_read(rq->service->store, rq, STORE_STALE_OK, find_many_tx, f);
		if (e == OK)
			e = add_all(rq, f, names, ret);
		looked += f->ids.n + 1;
		f->page.after = f->ids.next;
		if (page_key_is_start(f->ids.next))
			key++;
	}
	if (key < names->n_hashes)
		ret->next = (struct page_key){ (int64_t)key, f->page.after.id };
	return e;
}

static enum err find_page(struct request *rq, struct finding *f, struct staff_view_list *ret)
{
	enum err e = store_read(rq->service->store, rq, STORE_STALE_OK, find_many_tx, f);

	ret->next = f->ids.next;
	return e == OK ? add_all(rq, f, NULL, ret) : e;
}

enum err staff_users(
    struct request *rq, const struct staff_query *query, struct staff_view_list *ret)
{
	struct finding f = {
		.query = query,
		.filter = query->filter,
		.page = query->page,
		.look_at = LOOK_AT,
	};
	struct name_query names;
	enum err e;

	*ret = (struct staff_view_list){
		.items = ARENA_ARRAY(rq->arena, page_limit(&query->page) + 1, struct staff_view),
	};
	if (str_empty(query->q))
		return find_page(rq, &f, ret);
	e = find_one(rq, &f);
	if (e == OK && f.found)
		return add(rq, f.users, NULL, ret);
	if (e == OK && name_query(rq, query->q, &names))
		e = find_names(rq, &f, &names, ret);
	return e;
}

/* --- reading one --- */

struct viewing {
	struct request *rq;
	struct uuid id;
	struct note_row *notes;
	size_t n;
	struct audit_row audit;
};

/* What was read, and that it was read, or nothing. */
static enum err view_tx(struct tx *tx, void *arg)
{
	struct viewing *v = arg;
	enum err e = note_list(tx, v->id, MAX_NOTES, &v->notes, &v->n);

	return e == OK ? audit_append(tx, v->rq->keys, &v->audit) : e;
}

static enum err open_notes(struct request *rq, const struct account *account,
    const struct viewing *v, struct staff_user *ret)
{
	ret->notes = ARENA_ARRAY(rq->arena, v->n + 1, struct staff_note);
	for (size_t i = 0; i < v->n; i++) {
		struct staff_note *note = &ret->notes[ret->n_notes++];

		*note = (struct staff_note){
			.id = v->notes[i].id,
			.author_id = v->notes[i].author_id,
			.created_at_us = v->notes[i].created_at_us,
		};
		if (unseal(rq->arena, &account->key, FIELD_NOTE, v->notes[i].note, &note->note) !=
		    OK)
			return fault(rq, ERR_INTERNAL, "a note does not open");
	}
	return OK;
}

enum err staff_user(struct request *rq, struct uuid id, struct staff_user *ret)
{
	struct viewing v = { .rq = rq, .id = id };
	struct audit_entry entry = { .event = STR("user.viewed") };
	struct account *account;
	enum err e = account_read(rq, id, &account);

	if (e != OK)
		return e;
	entry.subject = account;
	audit_draft(rq, &entry, &v.audit);
	e = store_tx(rq->service->store, rq, view_tx, &v);
	if (e != OK)
		return e;
	staff_view(rq, account, &ret->view);
	return open_notes(rq, account, &v, ret);
}
