#include "store/user_store.h"

#include "store/columns.h"

#define MAX_KEYS 16 /* master keys accepted at once (keyring.h) */

static const struct str state_names[] = {
	[USER_ACTIVE] = STR_INIT("active"),
	[USER_DISABLED] = STR_INIT("disabled"),
	[USER_DELETED] = STR_INIT("deleted"),
	[USER_ERASED] = STR_INIT("erased"),
};

struct str user_state_name(enum user_state s)
{
	return state_names[s];
}

static enum user_state state_parse(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++)
		if (str_eq(name, state_names[i]))
			return (enum user_state)i;
	return USER_DISABLED;
}

void user_decode(struct cursor *c, struct user_row *ret)
{
	struct str email, email_index, phone, phone_index;

	take_uuid(c, &ret->id);
	ret->external_id = take_str(c);
	email = take_str(c);
	email_index = take_str(c);
	phone = take_str(c);
	phone_index = take_str(c);
	ret->kind = phone_index.ptr ? IDENTIFIER_PHONE : IDENTIFIER_EMAIL;
	ret->identifier = phone_index.ptr ? phone : email;
	ret->identifier_index = phone_index.ptr ? phone_index : email_index;
	ret->index_version = take_int(c);
	ret->data_key = take_str(c);
	ret->profile = take_str(c);
	ret->password = take_str(c);
	ret->password_at_us = take_int(c);
	/* A role this program does not know may do the least. */
	if (!role_parse(take_str(c), &ret->role))
		ret->role = ROLE_CLIENT;
	ret->auth_provider = take_str(c);
	ret->is_verified = take_int(c) != 0;
	ret->state = state_parse(take_str(c));
	ret->state_at_us = take_int(c);
	ret->epoch = take_int(c);
	ret->last_login_us = take_int(c);
	ret->created_at_us = take_int(c);
	ret->updated_at_us = take_int(c);
}

static enum err user_one(
    struct tx *tx, enum statement id, struct val key, struct user_row *ret, bool *ret_found)
{
	struct row row;
	enum err r = tx_row(tx, id, &key, 1, &row);

	if (r != OK)
		return r;
	*ret_found = row.found;
	if (row.found)
		user_decode(&(struct cursor){ row.cols }, ret);
	return OK;
}

/* insert_profile() - the typed one-to-one row of a role that has one. */
static enum err insert_profile(struct tx *tx, struct uuid user, enum role role, int64_t now_us)
{
	const struct val params[] = { val_uuid(&user), val_int(now_us) };

	if (role == ROLE_CLIENT)
		return tx_push(tx, STMT_CLIENT_INSERT, params, ARRAY_LEN(params));
	if (role == ROLE_VENDOR)
		return tx_push(tx, STMT_VENDOR_INSERT, params, ARRAY_LEN(params));
	return OK;
}

enum err user_insert(struct tx *tx, const struct user_row *user, bool *ret_taken)
{
	bool email = user->kind == IDENTIFIER_EMAIL;
	const struct val params[] = {
		val_uuid(&user->id),
		opt_text(user->external_id),
		email ? opt_blob(user->identifier) : val_null(),
		email ? opt_blob(user->identifier_index) : val_null(),
		email ? val_null() : opt_blob(user->identifier),
		email ? val_null() : opt_blob(user->identifier_index),
		val_int(user->index_version),
		opt_blob(user->data_key),
		opt_blob(user->profile),
		opt_text(user->password),
		opt_int(user->password_at_us),
		val_text(role_name(user->role)),
		val_text(user->auth_provider),
		val_int(user->is_verified),
		val_text(user_state_name(user->state)),
		val_int(user->state_at_us),
		val_int(user->epoch),
		opt_int(user->last_login_us),
		val_int(user->created_at_us),
		val_int(user->updated_at_us),
	};
	bool inserted = false;
	enum err r = tx_changed(tx, STMT_USER_INSERT, params, ARRAY_LEN(params), &inserted);

	if (r != OK)
		return r;
	*ret_taken = !inserted;
	return inserted ? insert_profile(tx, user->id, user->role, user->created_at_us) : OK;
}

enum err user_by_index(struct tx *tx, enum identifier_kind kind, const struct str *indexes,
    size_t n, struct user_row *ret, bool *ret_found)
{
	struct tx_query queries[MAX_KEYS];
	struct val keys[MAX_KEYS];
	enum err r;

	if (n > MAX_KEYS)
		n = MAX_KEYS;
	/* All are asked, found or not: a stranger costs what a known person costs. */
	for (size_t i = 0; i < n; i++) {
		keys[i] = val_blob(indexes[i]);
		queries[i] = (struct tx_query){
			.id = kind == IDENTIFIER_EMAIL ? STMT_USER_BY_EMAIL : STMT_USER_BY_PHONE,
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
			user_decode(&(struct cursor){ queries[i].row.cols }, ret);
	}
	return OK;
}

enum err user_by_id(struct tx *tx, struct uuid id, struct user_row *ret, bool *ret_found)
{
	return user_one(tx, STMT_USER_BY_ID, val_uuid(&id), ret, ret_found);
}

enum err user_by_external_id(
    struct tx *tx, struct str external_id, struct user_row *ret, bool *ret_found)
{
	return user_one(tx, STMT_USER_BY_EXTERNAL_ID, val_text(external_id), ret, ret_found);
}

enum err user_set_verified(struct tx *tx, struct uuid id, int64_t now_us)
{
	const struct val params[] = { val_uuid(&id), val_int(now_us) };

	return tx_push(tx, STMT_USER_SET_VERIFIED, params, ARRAY_LEN(params));
}

enum err user_set_password(struct tx *tx, struct uuid id, struct str encoded, struct str only_if,
    int64_t now_us, bool *ret_changed)
{
	const struct val params[] = { val_uuid(&id), val_text(encoded), val_int(now_us),
		val_text(only_if) };

	if (str_empty(only_if))
		return tx_changed(tx, STMT_USER_SET_PASSWORD, params, 3, ret_changed);
	return tx_changed(tx, STMT_USER_REPLACE_PASSWORD, params, 4, ret_changed);
}

enum err user_change_password(struct tx *tx, const struct user_row *as_read, struct str encoded,
    int64_t now_us, bool *ret_changed)
{
	int64_t before_us = as_read->password_at_us;
	const struct val params[] = { val_uuid(&as_read->id), val_text(encoded),
		val_int(now_us > before_us ? now_us : before_us + 1), val_int(now_us),
		val_int(before_us) };

	return tx_changed(tx, STMT_USER_CHANGE_PASSWORD, params, ARRAY_LEN(params), ret_changed);
}

enum err user_withhold_password(struct tx *tx, struct uuid id, int64_t now_us, bool *ret_withheld)
{
	const struct val params[] = { val_uuid(&id), val_int(now_us) };

	return tx_changed(tx, STMT_USER_WITHHOLD_PASSWORD, params, ARRAY_LEN(params), ret_withheld);
}

enum err user_settle(struct tx *tx, const struct user_row *user, int64_t now_us, bool *ret_settled)
{
	const struct val params[] = { val_uuid(&user->id), val_text(user->password),
		opt_blob(user->profile), val_text(role_name(user->role)), val_int(now_us) };
	enum err r = tx_changed(tx, STMT_USER_SETTLE, params, ARRAY_LEN(params), ret_settled);

	if (r != OK || !*ret_settled)
		return r;
	return insert_profile(tx, user->id, user->role, now_us);
}

enum err user_set_profile(struct tx *tx, struct uuid id, struct str sealed, int64_t as_read_us,
    int64_t now_us, bool *ret_changed)
{
	const struct val params[] = { val_uuid(&id), opt_blob(sealed), val_int(now_us),
		val_int(as_read_us) };

	return tx_changed(tx, STMT_USER_SET_PROFILE, params, ARRAY_LEN(params), ret_changed);
}

enum err user_set_identifier(
    struct tx *tx, const struct user_row *user, struct str old_index, bool *ret_changed)
{
	bool email = user->kind == IDENTIFIER_EMAIL;
	const struct val params[] = {
		val_uuid(&user->id),
		email ? val_blob(user->identifier) : val_null(),
		email ? val_blob(user->identifier_index) : val_null(),
		email ? val_null() : val_blob(user->identifier),
		email ? val_null() : val_blob(user->identifier_index),
		val_int(user->index_version),
		val_int(user->updated_at_us),
		val_blob(old_index),
	};

	return tx_changed(tx, STMT_USER_SET_IDENTIFIER, params, ARRAY_LEN(params), ret_changed);
}

enum err user_note_login(struct tx *tx, const struct user_row *as_read, int64_t now_us)
{
	const struct val params[] = { val_uuid(&as_read->id), val_int(now_us),
		val_int(as_read->epoch), val_int(as_read->password_at_us) };

	return tx_require(
	    tx, STMT_USER_NOTE_LOGIN, params, ARRAY_LEN(params), ERR_PRECONDITION_FAILED);
}

/*
 * Two superadmins who demote each other at once would each see the other one stay: on PostgreSQL
 * this row makes the second wait for the first.
 */
static enum err lock_superadmins(struct tx *tx, struct uuid id)
{
	const struct val mark = val_uuid(&id);

	return tx_push(tx, STMT_SUPERADMINS_LOCK, &mark, 1);
}

enum err user_set_state(
    struct tx *tx, struct uuid id, enum user_state state, int64_t now_us, bool *ret_changed)
{
	const struct val params[] = { val_uuid(&id), val_text(user_state_name(state)),
		val_int(now_us) };
	enum err r = state == USER_ACTIVE ? OK : lock_superadmins(tx, id);

	return r != OK
		   ? r
		   : tx_changed(tx, STMT_USER_SET_STATE, params, ARRAY_LEN(params), ret_changed);
}

enum err user_set_role(
    struct tx *tx, struct uuid id, enum role role, int64_t now_us, bool *ret_changed)
{
	const struct val params[] = { val_uuid(&id), val_text(role_name(role)), val_int(now_us) };
	enum err r = lock_superadmins(tx, id);

	if (r == OK)
		r = tx_changed(tx, STMT_USER_SET_ROLE, params, ARRAY_LEN(params), ret_changed);
	if (r != OK || !*ret_changed)
		return r;
	return insert_profile(tx, id, role, now_us);
}

enum err user_bump_epoch(struct tx *tx, struct uuid id, int64_t now_us)
{
	const struct val params[] = { val_uuid(&id), val_int(now_us) };

	return tx_push(tx, STMT_USER_BUMP_EPOCH, params, ARRAY_LEN(params));
}

static void decode_item(struct cursor *c, void *ret)
{
	user_decode(c, ret);
}

enum err user_list(
    struct tx *tx, const struct user_page *page, struct user_row **ret, size_t *ret_n)
{
	static const enum statement by_filter[2][2] = {
		{ STMT_USER_LIST, STMT_USER_LIST_STATE },
		{ STMT_USER_LIST_ROLE, STMT_USER_LIST_ROLE_STATE },
	};
	struct val params[4] = { val_uuid(&page->after), val_int((int64_t)page->limit) };
	struct rows rows = { .decode = decode_item, .size = sizeof(struct user_row) };
	bool role = page->role >= 0, state = page->state >= 0;
	size_t n = 2;
	enum err r;

	if (role)
		params[n++] = val_text(role_name((enum role)page->role));
	if (state)
		params[n++] = val_text(user_state_name((enum user_state)page->state));
	r = tx_list(tx, by_filter[role][state], params, n, &rows);
	if (r != OK)
		return r;
	*ret = (struct user_row *)(void *)rows.items;
	*ret_n = rows.n;
	return OK;
}

enum err user_count_role(struct tx *tx, enum role role, int64_t *ret)
{
	const struct val name = val_text(role_name(role));

	return tx_int(tx, STMT_USER_COUNT_ROLE, &name, 1, ret);
}

enum err consent_clear(struct tx *tx, struct uuid user)
{
	const struct val key = val_uuid(&user);

	return tx_push(tx, STMT_CONSENT_CLEAR, &key, 1);
}

static void decode_consent(struct cursor *c, void *ret)
{
	struct consent_row *row = ret;

	row->document = take_str(c);
	row->version = take_str(c);
	row->given_at_us = take_int(c);
}

enum err consent_list(struct tx *tx, struct uuid user, struct consent_row **ret, size_t *ret_n)
{
	const struct val key = val_uuid(&user);
	struct rows rows = { .decode = decode_consent, .size = sizeof(struct consent_row) };
	enum err r = tx_list(tx, STMT_CONSENT_LIST, &key, 1, &rows);

	if (r != OK)
		return r;
	*ret = (struct consent_row *)(void *)rows.items;
	*ret_n = rows.n;
	return OK;
}

enum err consent_insert(struct tx *tx, struct uuid user, const struct consent_row *consent)
{
	const struct val params[] = { val_uuid(&user), val_text(consent->document),
		val_text(consent->version), val_int(consent->given_at_us) };

	return tx_push(tx, STMT_CONSENT_INSERT, params, ARRAY_LEN(params));
}

enum err meta_get(struct tx *tx, struct str key, struct str *ret, bool *ret_found)
{
	const struct val name = val_text(key);
	struct row row;
	enum err r = tx_row(tx, STMT_META_GET, &name, 1, &row);

	if (r != OK)
		return r;
	*ret_found = row.found;
	if (row.found)
		*ret = row_str(&row, 0);
	return OK;
}

enum err meta_put_new(struct tx *tx, struct str key, struct str value, struct str *ret_there)
{
	const struct val params[] = { val_text(key), val_blob(value) };
	bool found;
	enum err r = tx_push(tx, STMT_META_PUT_NEW, params, ARRAY_LEN(params));

	if (r != OK)
		return r;
	return meta_get(tx, key, ret_there, &found);
}
