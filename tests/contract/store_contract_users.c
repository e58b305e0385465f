#include "store_contract.h"

static enum err insert_users(struct tx *tx, void *arg)
{
	for (unsigned i = 1; i <= *(const unsigned *)arg; i++) {
		struct user_row user = fixture_user(i);
		bool taken = true;

		CHECK(user_insert(tx, &user, &taken) == OK);
		CHECK(!taken);
	}
	return OK;
}

void add_users(struct store_fixture *f, unsigned n)
{
	RUN(f, insert_users, &n);
}

static void check_same(const struct user_row *a, const struct user_row *b)
{
	CHECK(uuid_equal(a->id, b->id) && str_eq(a->external_id, b->external_id));
	CHECK(a->kind == b->kind && str_eq(a->identifier, b->identifier));
	CHECK(str_eq(a->identifier_index, b->identifier_index));
	CHECK(a->index_version == b->index_version && str_eq(a->data_key, b->data_key));
	CHECK(str_eq(a->profile, b->profile) && str_eq(a->password, b->password));
	CHECK(a->password_at_us == b->password_at_us && a->role == b->role);
	CHECK(str_eq(a->auth_provider, b->auth_provider) && a->is_verified == b->is_verified);
	CHECK(a->state == b->state && a->state_at_us == b->state_at_us && a->epoch == b->epoch);
	CHECK(a->last_login_us == b->last_login_us && a->created_at_us == b->created_at_us);
	CHECK(a->updated_at_us == b->updated_at_us);
}

static enum err insert_two(struct tx *tx, void *arg)
{
	struct user_row email = fixture_user(2), phone = fixture_user(3), twin = fixture_user(4);
	bool taken = true;

	(void)arg;
	email.external_id = STR("4711");
	CHECK(user_insert(tx, &email, &taken) == OK && !taken);
	CHECK(user_insert(tx, &phone, &taken) == OK && !taken);
	/* Each unique column alone refuses, and the transaction goes on. */
	twin.identifier_index = email.identifier_index;
	CHECK(user_insert(tx, &twin, &taken) == OK && taken);
	twin = fixture_user(4);
	twin.external_id = email.external_id;
	CHECK(user_insert(tx, &twin, &taken) == OK && taken);
	twin = fixture_user(4);
	twin.id = email.id;
	CHECK(user_insert(tx, &twin, &taken) == OK && taken);
	return OK;
}

static enum err find_two(struct tx *tx, void *arg)
{
	struct user_row email = fixture_user(2), phone = fixture_user(3), got = { 0 };
	struct str indexes[] = { fixture_bytes(99), email.identifier_index };
	bool found = false;

	(void)arg;
	email.external_id = STR("4711");
	CHECK(user_by_id(tx, email.id, &got, &found) == OK && found);
	check_same(&email, &got);
	CHECK(user_by_external_id(tx, STR("4711"), &got, &found) == OK && found);
	check_same(&email, &got);
	CHECK(user_by_index(tx, IDENTIFIER_EMAIL, indexes, 2, &got, &found) == OK && found);
	check_same(&email, &got);
	CHECK(user_by_index(tx, IDENTIFIER_PHONE, indexes, 2, &got, &found) == OK && !found);
	CHECK(user_by_index(tx, IDENTIFIER_PHONE, &phone.identifier_index, 1, &got, &found) == OK);
	CHECK(found);
	check_same(&phone, &got);
	CHECK(user_by_id(tx, fixture_id('u', 4), &got, &found) == OK && !found);
	CHECK(user_by_external_id(tx, STR("4712"), &got, &found) == OK && !found);
	return OK;
}

void store_users(void *arg)
{
	RUN(arg, insert_two, NULL);
	READ(arg, find_two, NULL);
	RUN(arg, find_two, NULL);
}

static struct user_row get(struct tx *tx, unsigned n)
{
	struct user_row user = { 0 };
	bool found = false;

	CHECK(user_by_id(tx, fixture_id('u', n), &user, &found) == OK && found);
	return user;
}

static enum err change_password(struct tx *tx, void *arg)
{
	struct uuid id = fixture_id('u', 1);
	bool changed = false;

	(void)arg;
	CHECK(user_set_password(tx, id, STR("b"), STR("not it"), 5, &changed) == OK && !changed);
	CHECK(user_set_password(tx, id, STR("b"), STR_NULL, 6, &changed) == OK && changed);
	CHECK(user_set_password(tx, id, STR("c"), STR("b"), 7, &changed) == OK && changed);
	CHECK(user_set_password(tx, fixture_id('u', 9), STR("b"), STR_NULL, 6, &changed) == OK);
	CHECK(!changed);
	CHECK(str_eq(get(tx, 1).password, STR("c")) && get(tx, 1).password_at_us == 6);
	return OK;
}

/* A new password replaces the one that was read, of somebody active, and nothing else. */
static enum err replace_password(struct tx *tx, void *arg)
{
	struct user_row read = get(tx, 1), gone = read;
	bool changed = false;

	(void)arg;
	CHECK(user_change_password(tx, &read, STR("d"), 9, &changed) == OK && changed);
	CHECK(str_eq(get(tx, 1).password, STR("d")) && get(tx, 1).password_at_us == 9);
	CHECK(user_change_password(tx, &read, STR("e"), 10, &changed) == OK && !changed);
	read = get(tx, 1);
	/* Two in the same moment are still two. */
	CHECK(user_change_password(tx, &read, STR("e"), 9, &changed) == OK && changed);
	CHECK(get(tx, 1).password_at_us == 10 && get(tx, 1).updated_at_us == 9);
	CHECK(user_set_state(tx, read.id, USER_DISABLED, 11, &changed) == OK && changed);
	read = get(tx, 1);
	CHECK(user_change_password(tx, &read, STR("f"), 12, &changed) == OK && !changed);
	gone.id = fixture_id('u', 9);
	CHECK(user_change_password(tx, &gone, STR("f"), 12, &changed) == OK && !changed);
	CHECK(str_eq(get(tx, 1).password, STR("e")));
	return ERR_FORBIDDEN; /* as if it had not been */
}

static enum err note_login(struct tx *tx, void *arg)
{
	struct user_row read = get(tx, 1);
	bool changed = false;

	(void)arg;
	CHECK(user_note_login(tx, &read, 7) == OK && get(tx, 1).last_login_us == 7);
	CHECK(user_set_password(tx, read.id, STR("d"), STR("c"), 8, &changed) == OK && changed);
	CHECK(user_note_login(tx, &read, 8) == OK && get(tx, 1).last_login_us == 8);
	return ERR_FORBIDDEN; /* as if it had not been */
}

static enum err change_password_of(struct tx *tx, struct uuid id)
{
	bool changed;

	return user_set_password(tx, id, STR("e"), STR_NULL, 9, &changed);
}

static enum err bump(struct tx *tx, struct uuid id)
{
	return user_bump_epoch(tx, id, 9);
}

static enum err disable(struct tx *tx, struct uuid id)
{
	bool changed;

	return user_set_state(tx, id, USER_DISABLED, 9, &changed);
}

/* A login is noted on what was read when it was granted, and on nothing that changed since. */
static enum err note_changed(struct tx *tx, void *arg)
{
	enum err (*const *change)(struct tx * tx, struct uuid id) = arg;
	struct user_row read = get(tx, 1);

	CHECK((*change)(tx, read.id) == OK);
	return user_note_login(tx, &read, 10);
}

static enum err note_of_nobody(struct tx *tx, void *arg)
{
	struct user_row nobody = fixture_user(9);

	(void)arg;
	return user_note_login(tx, &nobody, 10);
}

static void note_logins(void *arg)
{
	enum err (*changes[])(
	    struct tx * tx, struct uuid id) = { change_password_of, bump, disable };

	CHECK(fixture_tx(arg, note_login, NULL) == ERR_FORBIDDEN);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		CHECK(fixture_tx(arg, note_changed, &changes[i]) == ERR_PRECONDITION_FAILED);
	CHECK(fixture_tx(arg, note_of_nobody, NULL) == ERR_PRECONDITION_FAILED);
}

/* What is still open while nobody has proven the address, and no longer. */
static enum err settle(struct tx *tx, void *arg)
{
	struct user_row mine = get(tx, 1);
	bool done = false;

	(void)arg;
	mine.password = STR("mine");
	mine.profile = STR("my name");
	mine.role = ROLE_VENDOR;
	CHECK(user_withhold_password(tx, mine.id, 8, &done) == OK && done);
	CHECK(str_eq(get(tx, 1).password, STR("!")) && get(tx, 1).password_at_us == 8);
	CHECK(user_settle(tx, &mine, 9, &done) == OK && done && consent_clear(tx, mine.id) == OK);
	CHECK(str_eq(get(tx, 1).password, STR("mine")) && get(tx, 1).password_at_us == 9);
	CHECK(str_eq(get(tx, 1).profile, STR("my name")) && get(tx, 1).role == ROLE_VENDOR);
	CHECK(get(tx, 1).epoch == 1 && !get(tx, 1).is_verified);
	CHECK(user_set_verified(tx, mine.id, 10) == OK);
	CHECK(user_withhold_password(tx, mine.id, 11, &done) == OK && !done);
	CHECK(user_settle(tx, &mine, 11, &done) == OK && !done);
	CHECK(get(tx, 1).updated_at_us == 10);
	return ERR_FORBIDDEN; /* as if it had not been */
}

static enum err change_rest(struct tx *tx, void *arg)
{
	struct uuid id = fixture_id('u', 1);
	bool changed = false;

	(void)arg;
	CHECK(user_set_verified(tx, id, 10) == OK && get(tx, 1).is_verified);
	CHECK(user_set_verified(tx, id, 11) == OK && get(tx, 1).updated_at_us == 10);
	CHECK(user_set_profile(tx, id, STR("new"), 10, 12, &changed) == OK && changed);
	CHECK(user_set_profile(tx, id, STR("old"), 10, 13, &changed) == OK && !changed);
	CHECK(str_eq(get(tx, 1).profile, STR("new")));
	CHECK(get(tx, 1).epoch == 1);
	CHECK(user_set_state(tx, id, USER_DISABLED, 14, &changed) == OK && changed);
	CHECK(user_set_state(tx, id, USER_DISABLED, 15, &changed) == OK && !changed);
	CHECK(get(tx, 1).state == USER_DISABLED && get(tx, 1).state_at_us == 14);
	CHECK(get(tx, 1).epoch == 2);
	CHECK(user_set_role(tx, id, ROLE_VENDOR, 16, &changed) == OK && changed);
	CHECK(user_set_role(tx, id, ROLE_VENDOR, 17, &changed) == OK && !changed);
	CHECK(get(tx, 1).role == ROLE_VENDOR && get(tx, 1).epoch == 3);
	CHECK(user_bump_epoch(tx, id, 18) == OK && get(tx, 1).epoch == 4);
	CHECK(user_set_state(tx, id, USER_ERASED, 19, &changed) == OK && changed);
	CHECK(user_set_state(tx, id, USER_ACTIVE, 20, &changed) == OK && !changed);
	return OK;
}

void store_user_changes(void *arg)
{
	add_users(arg, 2);
	RUN(arg, change_password, NULL);
	CHECK(fixture_tx(arg, replace_password, NULL) == ERR_FORBIDDEN);
	note_logins(arg);
	CHECK(fixture_tx(arg, settle, NULL) == ERR_FORBIDDEN);
	RUN(arg, change_rest, NULL);
}

static enum err make_kinds(struct tx *tx, void *arg)
{
	bool changed = false;

	(void)arg;
	for (unsigned i = 1; i <= 40; i++) {
		if (i % 4 == 0)
			CHECK(user_set_role(tx, fixture_id('u', i), ROLE_ADMIN, 1, &changed) == OK);
		if (i % 8 == 0)
			CHECK(user_set_state(tx, fixture_id('u', i), USER_DELETED, 1, &changed) ==
			      OK);
	}
	return OK;
}

static size_t list(struct tx *tx, unsigned after, int role, int state, struct user_row **ret)
{
	struct user_page page = { .limit = 7, .role = role, .state = state };
	size_t n = 0;

	if (after > 0)
		page.after = fixture_id('u', after);
	CHECK(user_list(tx, &page, ret, &n) == OK);
	return n;
}

static enum err read_lists(struct tx *tx, void *arg)
{
	struct user_row *users = NULL;
	int64_t n = 0;

	(void)arg;
	CHECK(list(tx, 0, -1, -1, &users) == 7);
	CHECK(uuid_equal(users[0].id, fixture_id('u', 1)));
	CHECK(uuid_equal(users[6].id, fixture_id('u', 7)));
	CHECK(list(tx, 37, -1, -1, &users) == 3);
	CHECK(list(tx, 4, ROLE_ADMIN, -1, &users) == 7);
	CHECK(uuid_equal(users[0].id, fixture_id('u', 8)));
	CHECK(list(tx, 0, -1, USER_DELETED, &users) == 5);
	CHECK(list(tx, 0, ROLE_ADMIN, USER_DELETED, &users) == 5);
	CHECK(list(tx, 0, ROLE_CLIENT, USER_DELETED, &users) == 0);
	CHECK(user_count_role(tx, ROLE_ADMIN, &n) == OK && n == 5);
	CHECK(user_count_role(tx, ROLE_SUPERADMIN, &n) == OK && n == 0);
	return OK;
}

void store_user_lists(void *arg)
{
	add_users(arg, 40);
	RUN(arg, make_kinds, NULL);
	READ(arg, read_lists, NULL);
}

static enum err use_meta(struct tx *tx, void *arg)
{
	const struct consent_row consent = { STR("terms"), STR("2"), FIXTURE_NOW_US };
	struct str there = STR_NULL;
	bool found = true;

	(void)arg;
	CHECK(meta_get(tx, STR("key check"), &there, &found) == OK && !found);
	CHECK(meta_put_new(tx, STR("key check"), STR("one"), &there) == OK);
	CHECK(str_eq(there, STR("one")));
	CHECK(meta_put_new(tx, STR("key check"), STR("two"), &there) == OK);
	CHECK(str_eq(there, STR("one")));
	CHECK(meta_get(tx, STR("key check"), &there, &found) == OK && found);
	CHECK(consent_insert(tx, fixture_id('u', 1), &consent) == OK);
	CHECK(consent_insert(tx, fixture_id('u', 1), &consent) == OK);
	return OK;
}

void store_meta(void *arg)
{
	add_users(arg, 1);
	RUN(arg, use_meta, NULL);
}

static enum err insert_then_fail(struct tx *tx, void *arg)
{
	struct user_row user = fixture_user(2);
	bool taken = true;

	(void)arg;
	CHECK(user_insert(tx, &user, &taken) == OK && !taken);
	return ERR_FORBIDDEN;
}

/* A statement that the schema refuses: an error of ours that nothing may commit over. */
static enum err break_and_say_ok(struct tx *tx, void *arg)
{
	struct user_row user = fixture_user(2);
	bool taken;

	(void)arg;
	user.data_key = STR_NULL;
	CHECK(user_bump_epoch(tx, fixture_id('u', 1), 77) == OK);
	CHECK(user_insert(tx, &user, &taken) == ERR_INTERNAL);
	return OK;
}

static enum err nothing_of_it(struct tx *tx, void *arg)
{
	struct user_row user;
	bool found = true;

	(void)arg;
	CHECK(get(tx, 1).epoch == 1);
	CHECK(user_by_id(tx, fixture_id('u', 2), &user, &found) == OK && !found);
	return OK;
}

static enum err write_in_read(struct tx *tx, void *arg)
{
	(void)arg;
	return user_bump_epoch(tx, fixture_id('u', 1), 77);
}

void store_failed_fn_rolls_back(void *arg)
{
	add_users(arg, 1);
	CHECK(fixture_tx(arg, insert_then_fail, NULL) == ERR_FORBIDDEN);
	CHECK(fixture_tx(arg, break_and_say_ok, NULL) == ERR_INTERNAL);
	READ(arg, nothing_of_it, NULL);
	CHECK(fixture_read(arg, write_in_read, NULL) != OK);
}
