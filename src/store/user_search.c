#include "store/user_search.h"

#include "store/columns.h"

/* struct searching - index entries on their way to a page. */
struct searching {
	const struct user_filter *filter;
	struct user_found *found;
	size_t want, left; /* items of the page; entries that may still be looked at */
	bool by_creation;
	struct page_key last; /* of the entry looked at last */
	bool more;
};

static bool passes(const struct user_filter *f, struct cursor c)
{
	enum role role = ROLE_CLIENT;
	struct str state;
	int64_t created_at_us;

	(void)!role_parse(take_str(&c), &role);
	state = take_str(&c);
	if (f->role >= 0 && f->role != (int)role)
		return false;
	if (f->state < 0 && !str_eq(state, user_state_name(USER_ACTIVE)) &&
	    !str_eq(state, user_state_name(USER_DISABLED)))
		return false;
	if (f->state >= 0 && !str_eq(state, user_state_name((enum user_state)f->state)))
		return false;
	if (!str_empty(f->provider) && !str_eq(f->provider, take_str(&c)))
		return false;
	if (str_empty(f->provider))
		take_str(&c);
	created_at_us = take_int(&c);
	return created_at_us >= f->since_us && (f->until_us == 0 || created_at_us < f->until_us);
}

static bool search_one(void *arg, const struct row *row)
{
	struct searching *s = arg;
	struct cursor c = { row->cols };
	struct uuid id;

	if (s->found->n == s->want || s->left == 0) {
		s->more = true;
		return false;
	}
	take_uuid(&c, &id);
	s->left--;
	s->last = (struct page_key){ s->by_creation ? row_int(row, 4) : 0, id };
	if (passes(s->filter, c))
		s->found->ids[s->found->n++] = id;
	return true;
}

/* The index that leaves least to look at: what is rare by nature comes first. */
static enum statement choose(const struct user_filter *f)
{
	bool rare_role = f->role >= 0 && f->role != ROLE_CLIENT && f->role != ROLE_VENDOR;
	bool rare_state = f->state >= 0 && f->state != USER_ACTIVE;

	if (!str_empty(f->name_hash))
		return STMT_USER_SEARCH_NAME;
	if (rare_role)
		return STMT_USER_SEARCH_ROLE;
	if (rare_state)
		return STMT_USER_SEARCH_STATE;
	if (f->since_us || f->until_us)
		return STMT_USER_SEARCH_CREATED;
	if (!str_empty(f->provider))
		return STMT_USER_SEARCH_PROVIDER;
	if (f->role >= 0)
		return STMT_USER_SEARCH_ROLE;
	return f->state >= 0 ? STMT_USER_SEARCH_STATE : STMT_USER_SEARCH_ALL;
}

static size_t bind(enum statement id, const struct user_filter *f, const struct page *page,
    size_t look_at, struct val params[static 5])
{
	static const struct uuid last = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	bool start = page_key_is_start(page->after);

	params[0] = start ? val_uuid(&last) : val_uuid(&page->after.id);
	params[1] = val_int((int64_t)look_at + 1);
	if (id == STMT_USER_SEARCH_NAME)
		params[2] = val_blob(f->name_hash);
	else if (id == STMT_USER_SEARCH_ROLE)
		params[2] = val_text(role_name((enum role)f->role));
	else if (id == STMT_USER_SEARCH_STATE)
		params[2] = val_text(user_state_name((enum user_state)f->state));
	else if (id == STMT_USER_SEARCH_PROVIDER)
		params[2] = val_text(f->provider);
	else if (id != STMT_USER_SEARCH_CREATED)
		return 2;
	if (id != STMT_USER_SEARCH_CREATED)
		return 3;
	params[2] = val_int(start ? (f->until_us ? f->until_us - 1 : INT64_MAX) : page->after.n);
	params[3] = val_int(f->since_us);
	return 4;
}

enum err user_search(struct tx *tx, const struct user_filter *filter, const struct page *page,
    size_t look_at, struct user_found *ret)
{
	enum statement id = choose(filter);
	struct searching s = {
		.filter = filter,
		.found = ret,
		.want = page_limit(page),
		.left = look_at,
		.by_creation = id == STMT_USER_SEARCH_CREATED,
	};
	struct val params[5];
	size_t n = bind(id, filter, page, look_at, params);
	enum err r;

	*ret = (struct user_found){ .ids = ARENA_ARRAY(tx_arena(tx), s.want, struct uuid) };
	r = tx_each(tx, id, params, n, search_one, &s);
	if (r == OK && s.more)
		ret->next = s.last;
	return r;
}

enum err user_by_ids(
    struct tx *tx, const struct uuid *ids, size_t n, struct user_row **ret, size_t *ret_n)
{
	struct tx_query *queries = ARENA_ARRAY(tx_arena(tx), n + 1, struct tx_query);
	struct val *keys = ARENA_ARRAY(tx_arena(tx), n + 1, struct val);
	enum err r = OK;

	for (size_t i = 0; i < n; i++) {
		keys[i] = val_uuid(&ids[i]);
		queries[i] = (struct tx_query){ .id = STMT_USER_BY_ID, .params = &keys[i], .n = 1 };
	}
	if (n > 0)
		r = tx_gather(tx, queries, n);
	*ret = ARENA_ARRAY(tx_arena(tx), n + 1, struct user_row);
	*ret_n = 0;
	for (size_t i = 0; r == OK && i < n; i++)
		if (queries[i].row.found)
			user_decode(&(struct cursor){ queries[i].row.cols }, &(*ret)[(*ret_n)++]);
	return r;
}

/* --- the index of names --- */

static void decode_item(struct cursor *c, void *ret)
{
	user_decode(c, ret);
}

enum err user_names_stale(struct tx *tx, size_t limit, struct user_row **ret, size_t *ret_n)
{
	const struct val most = val_int((int64_t)limit);
	struct rows rows = { .decode = decode_item, .size = sizeof(struct user_row) };
	enum err r = tx_list(tx, STMT_USER_NAMES_STALE, &most, 1, &rows);

	if (r != OK)
		return r;
	*ret = (struct user_row *)(void *)rows.items;
	*ret_n = rows.n;
	return OK;
}

enum err user_names_put(struct tx *tx, struct uuid user, int64_t updated_at_us,
    const struct str *hashes, size_t n, int64_t now_us)
{
	const struct val mark[] = { val_uuid(&user), val_int(now_us), val_int(updated_at_us) };
	bool fresh;
	enum err r = tx_changed(tx, STMT_USER_NAMES_DONE, mark, ARRAY_LEN(mark), &fresh);

	if (r != OK || !fresh)
		return r;
	r = tx_push(tx, STMT_USER_NAMES_CLEAR, mark, 1);
	for (size_t i = 0; r == OK && i < n; i++) {
		const struct val params[] = { val_blob(hashes[i]), val_uuid(&user) };

		r = tx_push(tx, STMT_USER_NAMES_INSERT, params, ARRAY_LEN(params));
	}
	return r;
}
