/* Identities of people who are signed in: the row itself, list, link, unlink. */
#include "base/log.h"
#include "service/audit.h"
#include "service/identity.h"
#include "service/reauth.h"

#define FIELD_SUBJECT STR("identities.subject")
#define FIELD_EMAIL STR("identities.email")

size_t identity_indexes(
    struct request *rq, const struct proven_identity *in, struct str ret[static 16])
{
	struct str parts[] = { STR("identity"), in->issuer, in->subject };
	uint8_t ids[16];
	size_t n = keyring_ids(rq->keys, ids);

	for (size_t i = 0; i < n; i++) {
		struct mac mac;

		if (!keyring_mac(rq->keys, KEY_BLIND_INDEX, ids[i], parts, ARRAY_LEN(parts), &mac))
			die("an accepted master key is gone");
		ret[i] = str_dup(rq->arena, str_bytes(mac.b, sizeof(mac.b)));
	}
	return n;
}

/* Sealed as "issuer subject", so that the index can be made again under another key. */
void identity_draft(struct request *rq, const struct account *account,
    const struct proven_identity *in, struct str index, struct identity_row *ret)
{
	struct str subject =
	    str_printf(rq->secrets, "%.*s %.*s", STR_ARG(in->issuer), STR_ARG(in->subject));

	*ret = (struct identity_row){
		.id = uuid_v7(),
		.user_id = account->row.id,
		.provider = in->provider,
		.subject_index = index,
		.index_version = keyring_active(rq->keys),
		.subject = seal(rq->arena, &account->key, FIELD_SUBJECT, subject),
		.linked_at_us = rq->now_us,
		.last_used_at_us = rq->now_us,
	};
	if (!str_empty(in->email))
		ret->email = seal(rq->arena, &account->key, FIELD_EMAIL, in->email);
}

static enum err view_of(struct request *rq, const struct account *account,
    const struct identity_row *row, struct identity_view *ret)
{
	*ret = (struct identity_view){
		.id = row->id,
		.provider = row->provider,
		.linked_at_us = row->linked_at_us,
		.last_used_at_us = row->last_used_at_us,
	};
	if (!str_empty(row->email) &&
	    unseal(rq->arena, &account->key, FIELD_EMAIL, row->email, &ret->email) != OK)
		return fault(rq, ERR_INTERNAL, "an identity's address does not open");
	return OK;
}

/* --- list --- */

struct listing {
	struct uuid user;
	struct identity_row *rows;
	size_t n;
};

static enum err list_tx(struct tx *tx, void *arg)
{
	struct listing *l = arg;

	return identity_list(tx, l->user, &l->rows, &l->n);
}

enum err identity_list_own(struct request *rq, struct identity_view **ret, size_t *ret_n)
{
	struct listing l = { .user = rq->actor.user_id };
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, list_tx, &l);

	if (e != OK)
		return e;
	*ret = ARENA_ARRAY(rq->arena, l.n, struct identity_view);
	*ret_n = l.n;
	for (size_t i = 0; e == OK && i < l.n; i++)
		e = view_of(rq, rq->account, &l.rows[i], &(*ret)[i]);
	return e;
}

/* --- link --- */

struct linking {
	struct request *rq;
	struct str indexes[16];
	size_t n_indexes;
	struct identity_row row, there;
	struct audit_row audit;
	bool found;
};

static enum err link_tx(struct tx *tx, void *arg)
{
	struct linking *l = arg;
	bool taken = false;
	enum err e = identity_by_index(tx, l->indexes, l->n_indexes, &l->there, &l->found);

	if (e != OK || l->found)
		return e;
	e = identity_insert(tx, &l->row, &taken);
	if (e == OK && taken)
		return ERR_CONFLICT;
	return e == OK ? audit_append(tx, l->rq->keys, &l->audit) : e;
}

enum err identity_link(
    struct request *rq, const struct proven_identity *in, struct identity_view *ret)
{
	struct linking l = { .rq = rq };
	struct audit_entry entry = {
		.event = STR("identity.linked"),
		.subject = rq->account,
		.session = &rq->actor.session_id,
		.object_type = STR("identity"),
		.object_id = in->provider,
	};
	enum err e = reauth_check(rq, (struct secret){ NULL, 0 }, REAUTH_RECENT);

	if (e != OK)
		return e;
	l.n_indexes = identity_indexes(rq, in, l.indexes);
	identity_draft(rq, rq->account, in, l.indexes[0], &l.row);
	l.row.last_used_at_us = 0;
	audit_draft(rq, &entry, &l.audit);
	e = store_tx(rq->service->store, rq, link_tx, &l);
	if (e == ERR_CONFLICT ||
	    (e == OK && l.found && !uuid_equal(l.there.user_id, rq->actor.user_id)))
		return fault(rq, ERR_CONFLICT, "the identity is somebody else's");
	return e == OK ? view_of(rq, rq->account, l.found ? &l.there : &l.row, ret) : e;
}

/* --- unlink --- */

struct unlinking {
	struct request *rq;
	struct uuid id;
	bool needs_another;
	struct listing before;
	struct audit_row audit;
	bool removed;
};

static enum err unlink_tx(struct tx *tx, void *arg)
{
	struct unlinking *u = arg;
	struct request *rq = u->rq;
	enum err e = identity_list(tx, u->before.user, &u->before.rows, &u->before.n);

	if (e == OK)
		e = identity_remove(tx, rq->actor.user_id, u->id, u->needs_another, &u->removed);
	return e == OK && u->removed ? audit_append(tx, rq->keys, &u->audit) : e;
}

static const struct identity_row *find_own(const struct listing *l, struct uuid id)
{
	for (size_t i = 0; i < l->n; i++)
		if (uuid_equal(l->rows[i].id, id))
			return &l->rows[i];
	return NULL;
}

enum err identity_unlink(struct request *rq, struct uuid id)
{
	struct unlinking u = {
		.rq = rq,
		.id = id,
		.needs_another = !pwhash_usable(rq->account->row.password),
		.before.user = rq->actor.user_id,
	};
	struct audit_entry entry = {
		.event = STR("identity.unlinked"),
		.subject = rq->account,
		.session = &rq->actor.session_id,
		.object_type = STR("identity"),
		.object_id = uuid_str(rq->arena, id),
	};
	enum err e = reauth_check(rq, (struct secret){ NULL, 0 }, REAUTH_RECENT);

	if (e != OK)
		return e;
	audit_draft(rq, &entry, &u.audit);
	e = store_tx(rq->service->store, rq, unlink_tx, &u);
	if (e != OK || u.removed)
		return e;
	if (!find_own(&u.before, id))
		return fault(rq, ERR_NOT_FOUND, "no such identity of theirs");
	return fault(rq, ERR_LAST_SIGN_IN, "nothing else opens the account");
}
