/* Audit rows and seals: writing them, and the bytes their MACs cover. */
#include "store/audit_store.h"

#include "store/audit_mac.h"
#include "store/columns.h"

#define MONTHS_AHEAD 4 /* with the current one */

/* Rows one seal covers at most; a backlog (an import, a new store) is sealed in several. */
_Static_assert(AUDIT_SEAL_MAX >= 256, "a batch of transactions should fit one seal");

void audit_decode(struct cursor *c, struct audit_row *ret)
{
	ret->id = take_int(c);
	ret->at_us = take_int(c);
	ret->event = take_str(c);
	ret->outcome = take_str(c);
	ret->count = take_int(c);
	ret->has_actor = take_uuid(c, &ret->actor_id);
	ret->has_subject = take_uuid(c, &ret->subject_id);
	ret->subject_index = take_str(c);
	ret->has_session = take_uuid(c, &ret->session_id);
	ret->object_type = take_str(c);
	ret->object_id = take_str(c);
	ret->operation = take_str(c);
	ret->engine = take_str(c);
	ret->request_id = take_str(c);
	ret->address = take_str(c);
	ret->user_agent = take_str(c);
	ret->device = take_str(c);
	ret->geo = take_str(c);
	ret->changes = take_str(c);
	ret->reason = take_str(c);
	ret->key_id = take_int(c);
	take_mac(c, &ret->mac);
}

void seal_decode(struct cursor *c, struct audit_seal *ret)
{
	ret->n = take_int(c);
	ret->at_us = take_int(c);
	ret->first_id = take_int(c);
	ret->last_id = take_int(c);
	ret->count = take_int(c);
	take_mac(c, &ret->root);
	take_mac(c, &ret->prev);
	ret->key_id = take_int(c);
	take_mac(c, &ret->mac);
}

/* struct canonical - the parts a MAC is taken over, and room for the numbers among them. */
struct canonical {
	struct str parts[24];
	size_t n;
	uint8_t numbers[8][8];
	size_t n_numbers;
};

static void put_be64(uint8_t out[static 8], int64_t i)
{
	for (int b = 0; b < 8; b++)
		out[b] = (uint8_t)((uint64_t)i >> (56 - 8 * b));
}

static void add_str(struct canonical *c, struct str s)
{
	c->parts[c->n++] = s;
}

static void add_int(struct canonical *c, int64_t i)
{
	put_be64(c->numbers[c->n_numbers], i);
	add_str(c, str_bytes(c->numbers[c->n_numbers++], 8));
}

static void add_mac(struct canonical *c, const struct mac *mac)
{
	add_str(c, str_bytes(mac->b, sizeof(mac->b)));
}

static bool canonical_mac(const struct canonical *c, const struct keyring *keys,
    enum key_purpose purpose, int64_t key_id, struct mac *ret)
{
	if (key_id < 0 || key_id > UINT8_MAX)
		return false;
	return keyring_mac(keys, purpose, (int)key_id, c->parts, c->n, ret);
}

bool audit_row_mac(const struct keyring *keys, const struct audit_row *row, struct mac *ret)
{
	const struct str optional[] = {
		row->has_actor ? uuid_bytes(&row->actor_id) : STR_NULL,
		row->has_subject ? uuid_bytes(&row->subject_id) : STR_NULL,
		row->subject_index,
		row->has_session ? uuid_bytes(&row->session_id) : STR_NULL,
		row->object_type,
		row->object_id,
		row->address,
		row->user_agent,
		row->device,
		row->geo,
		row->changes,
		row->reason,
	};
	struct canonical c = { .n = 0 };
	int64_t present = 0;

	add_str(&c, STR("audit row 1"));
	add_int(&c, row->at_us);
	add_str(&c, row->event);
	add_str(&c, row->outcome);
	add_int(&c, row->count);
	add_str(&c, row->operation);
	add_str(&c, row->engine);
	add_str(&c, row->request_id);
	add_int(&c, row->key_id);
	/* NULL and empty are two things: which columns are there is part of what is signed. */
	for (size_t i = 0; i < ARRAY_LEN(optional); i++) {
		present |= (int64_t)(optional[i].ptr != NULL) << i;
		add_str(&c, optional[i]);
	}
	add_int(&c, present);
	return canonical_mac(&c, keys, KEY_AUDIT, row->key_id, ret);
}

/* drop_empty() - an empty value is stored as NULL: sign it as that. */
static void drop_empty(struct audit_row *row)
{
	struct str *optional[] = { &row->subject_index, &row->object_type, &row->object_id,
		&row->address, &row->user_agent, &row->device, &row->geo, &row->changes,
		&row->reason };

	for (size_t i = 0; i < ARRAY_LEN(optional); i++)
		if (str_empty(*optional[i]))
			*optional[i] = STR_NULL;
}

enum err audit_append(struct tx *tx, const struct keyring *keys, struct audit_row *row)
{
	drop_empty(row);
	row->key_id = keyring_active(keys);
	if (row->count == 0)
		row->count = 1;
	if (!audit_row_mac(keys, row, &row->mac))
		return ERR_INTERNAL;

	const struct val params[] = {
		val_int(row->at_us),
		val_text(row->event),
		val_text(row->outcome),
		val_int(row->count),
		opt_uuid(row->has_actor, &row->actor_id),
		opt_uuid(row->has_subject, &row->subject_id),
		opt_blob(row->subject_index),
		opt_uuid(row->has_session, &row->session_id),
		opt_text(row->object_type),
		opt_text(row->object_id),
		val_text(row->operation),
		val_text(row->engine),
		val_text(row->request_id),
		opt_blob(row->address),
		opt_blob(row->user_agent),
		opt_blob(row->device),
		opt_text(row->geo),
		opt_blob(row->changes),
		opt_text(row->reason),
		val_int(row->key_id),
		val_blob(str_bytes(row->mac.b, sizeof(row->mac.b))),
	};

	return tx_push(tx, STMT_AUDIT_INSERT, params, ARRAY_LEN(params));
}

void audit_pairs_add(struct audit_pairs *p, int64_t id, const struct mac *mac)
{
	uint8_t *at = p->bytes + p->n++ * AUDIT_PAIR_SIZE;

	put_be64(at, id);
	memcpy(at + 8, mac->b, sizeof(mac->b));
}

bool audit_pairs_root(
    const struct audit_pairs *p, const struct keyring *keys, int64_t key_id, struct mac *ret)
{
	struct canonical c = { .n = 0 };

	add_str(&c, STR("audit root 1"));
	add_str(&c, str_bytes(p->bytes, p->n * AUDIT_PAIR_SIZE));
	return canonical_mac(&c, keys, KEY_SEAL, key_id, ret);
}

bool audit_seal_mac(const struct keyring *keys, const struct audit_seal *seal, struct mac *ret)
{
	struct canonical c = { .n = 0 };

	add_str(&c, STR("audit seal 1"));
	add_int(&c, seal->n);
	add_int(&c, seal->at_us);
	add_int(&c, seal->first_id);
	add_int(&c, seal->last_id);
	add_int(&c, seal->count);
	add_int(&c, seal->key_id);
	add_mac(&c, &seal->root);
	add_mac(&c, &seal->prev);
	return canonical_mac(&c, keys, KEY_SEAL, seal->key_id, ret);
}

static enum err seal_insert(struct tx *tx, const struct audit_seal *s)
{
	const struct val params[] = {
		val_int(s->n),
		val_int(s->at_us),
		val_int(s->first_id),
		val_int(s->last_id),
		val_int(s->count),
		val_blob(str_bytes(s->root.b, sizeof(s->root.b))),
		val_blob(str_bytes(s->prev.b, sizeof(s->prev.b))),
		val_int(s->key_id),
		val_blob(str_bytes(s->mac.b, sizeof(s->mac.b))),
	};

	/* Another node may have sealed the same rows. */
	return tx_require(tx, STMT_SEAL_INSERT, params, ARRAY_LEN(params), ERR_CONFLICT);
}

/* struct unsealed - rows that the next seal will cover, as they are read. */
struct unsealed {
	int64_t upto;
	struct audit_pairs pairs;
	int64_t first_id, last_id;
};

static bool unsealed_one(void *arg, const struct row *row)
{
	struct cursor c = { row->cols };
	struct unsealed *u = arg;
	struct mac mac;

	u->last_id = take_int(&c);
	if (u->pairs.n == 0)
		u->first_id = u->last_id;
	take_mac(&c, &mac);
	audit_pairs_add(&u->pairs, u->last_id, &mac);
	return true;
}

/* seal_some() - one seal over the oldest unsealed rows, if there are any. */
static enum err seal_some(struct tx *tx, const struct keyring *keys, int64_t now_us,
    struct unsealed *u, struct audit_seal *head)
{
	const struct val params[] = { val_int(head->last_id), val_int(AUDIT_SEAL_MAX),
		val_int(u->upto) };
	struct audit_seal next;
	enum err r;

	u->pairs.n = 0;
	r = tx_each(tx, STMT_AUDIT_MACS, params, ARRAY_LEN(params), unsealed_one, u);
	if (r != OK || u->pairs.n == 0)
		return r;
	next = (struct audit_seal){
		.n = head->n + 1,
		.at_us = now_us,
		.first_id = u->first_id,
		.last_id = u->last_id,
		.count = (int64_t)u->pairs.n,
		.prev = head->mac,
		.key_id = keyring_active(keys),
	};
	if (!audit_pairs_root(&u->pairs, keys, next.key_id, &next.root) ||
	    !audit_seal_mac(keys, &next, &next.mac))
		return ERR_INTERNAL;
	*head = next;
	return seal_insert(tx, &next);
}

enum err audit_seal_batch(struct tx *tx, const struct keyring *keys, int64_t now_us)
{
	return audit_seal_upto(tx, keys, now_us, INT64_MAX);
}

enum err audit_seal_upto(struct tx *tx, const struct keyring *keys, int64_t now_us, int64_t last_id)
{
	struct audit_seal head = { .n = 0 };
	struct unsealed u = { .upto = last_id };
	bool found;
	enum err r = audit_head(tx, &head, &found);

	if (r != OK)
		return r;
	u.pairs.bytes = arena_alloc(tx_arena(tx), (size_t)AUDIT_SEAL_MAX * AUDIT_PAIR_SIZE);
	do
		r = seal_some(tx, keys, now_us, &u, &head);
	while (r == OK && u.pairs.n == AUDIT_SEAL_MAX);
	return r;
}

enum err audit_make_room(struct tx *tx, int64_t now_us)
{
	const struct val params[] = { val_int(now_us), val_int(MONTHS_AHEAD) };
	int64_t made;

	return tx_int(tx, STMT_AUDIT_AHEAD, params, ARRAY_LEN(params), &made);
}

enum err audit_head(struct tx *tx, struct audit_seal *ret, bool *ret_found)
{
	struct row row;
	enum err r = tx_row(tx, STMT_SEAL_HEAD, NULL, 0, &row);

	if (r != OK)
		return r;
	*ret_found = row.found;
	if (row.found)
		seal_decode(&(struct cursor){ row.cols }, ret);
	return OK;
}

enum err audit_seal_at(struct tx *tx, int64_t n, struct audit_seal *ret, bool *ret_found)
{
	const struct val after[] = { val_int(n - 1), val_int(1) };
	struct row row;
	enum err r = tx_row(tx, STMT_SEAL_LIST, after, ARRAY_LEN(after), &row);

	if (r != OK)
		return r;
	*ret_found = false;
	if (row.found) {
		seal_decode(&(struct cursor){ row.cols }, ret);
		*ret_found = ret->n == n;
	}
	return OK;
}

static void decode_item(struct cursor *c, void *ret)
{
	audit_decode(c, ret);
}

enum err audit_list(struct tx *tx, const struct uuid *subject, int64_t after, int64_t limit,
    struct audit_row **ret, size_t *ret_n)
{
	const struct val params[] = { val_int(after), val_int(limit),
		subject ? val_uuid(subject) : val_null() };
	struct rows rows = { .decode = decode_item, .size = sizeof(struct audit_row) };
	enum err r = tx_list(tx, subject ? STMT_AUDIT_LIST_SUBJECT : STMT_AUDIT_LIST, params,
	    subject ? 3 : 2, &rows);

	if (r != OK)
		return r;
	*ret = (struct audit_row *)(void *)rows.items;
	*ret_n = rows.n;
	return OK;
}
