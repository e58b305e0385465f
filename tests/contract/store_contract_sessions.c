#include "store_contract.h"

static const int64_t now = FIXTURE_NOW_US;

static struct session_row with_key(unsigned n)
{
	struct session_row session = fixture_session(n, 1);

	session.idempotency_hash = fixture_bytes(50);
	session.idempotency_body = fixture_bytes(51);
	session.idempotency_until_us = now + 10 * US_PER_MIN;
	return session;
}

static enum err insert_row(struct tx *tx, void *arg)
{
	return session_insert(tx, arg);
}

static void insert(struct store_fixture *f)
{
	struct session_row session = with_key(1);

	RUN(f, insert_row, &session);
	session = with_key(2);
	CHECK(fixture_tx(f, insert_row, &session) == ERR_CONFLICT);
	/* Once its time is over the key is free again. */
	session.created_at_us = now + 11 * US_PER_MIN;
	session.idempotency_until_us = now + 21 * US_PER_MIN;
	RUN(f, insert_row, &session);
}

static enum err find(struct tx *tx, void *arg)
{
	struct session_row want = fixture_session(1, 1);
	struct session_user got = { 0 };
	bool seen = false;

	(void)arg;
	CHECK(session_with_user(tx, want.id, &got) == OK && got.found);
	CHECK(uuid_equal(got.session.id, want.id) && uuid_equal(got.user.id, want.user_id));
	CHECK(str_eq(got.session.client, want.client) && str_eq(got.session.amr, want.amr));
	CHECK(str_eq(got.session.engine, want.engine));
	CHECK(str_eq(got.session.device_id, want.device_id));
	CHECK(str_eq(got.session.user_agent, want.user_agent));
	CHECK(str_eq(got.session.address, want.address));
	CHECK(got.session.idle_expires_at_us == want.idle_expires_at_us);
	CHECK(got.session.expires_at_us == want.expires_at_us);
	CHECK(str_eq(got.session.cur_hash, want.cur_hash) && !got.session.prev_hash.ptr);
	CHECK(str_eq(got.session.successor, want.successor) && got.session.ended_at_us == 0);
	CHECK(got.session.generation == 1 && got.session.hash_key == 1);
	CHECK(str_eq(got.user.password, fixture_user(1).password) && got.user.epoch == 1);
	CHECK(session_with_user(tx, fixture_id('s', 3), &got) == OK && !got.found);
	CHECK(session_for_access(tx, want.id, &got) == OK && got.found);
	CHECK(uuid_equal(got.session.id, want.id) && uuid_equal(got.user.id, want.user_id));
	CHECK(uuid_equal(got.session.user_id, want.user_id) && got.session.ended_at_us == 0);
	CHECK(got.session.auth_time_us == want.auth_time_us);
	CHECK(got.session.expires_at_us == want.expires_at_us);
	CHECK(session_for_access(tx, fixture_id('s', 3), &got) == OK && !got.found);
	CHECK(session_by_idempotency(tx, fixture_bytes(50), now, &got) == OK && got.found);
	CHECK(uuid_equal(got.session.id, fixture_id('s', 2)));
	CHECK(session_by_idempotency(tx, fixture_bytes(50), now + US_PER_HOUR, &got) == OK);
	CHECK(!got.found);
	CHECK(session_device_seen(tx, want.user_id, want.device_id, &seen) == OK && seen);
	CHECK(session_device_seen(tx, want.user_id, fixture_bytes(9), &seen) == OK && !seen);
	return OK;
}

void store_sessions(void *arg)
{
	add_users(arg, 1);
	insert(arg);
	READ(arg, find, NULL);
}

static enum err insert_one(struct tx *tx, void *arg)
{
	struct session_row session = fixture_session(1, 1);

	(void)arg;
	return session_insert(tx, &session);
}

static struct session_rotation rotation(unsigned from, unsigned to)
{
	return (struct session_rotation){
		.id = fixture_id('s', 1),
		.from_hash = fixture_bytes(from),
		.to_hash = fixture_bytes(to),
		.hash_key = 2,
		.successor = STR("next"),
		.now_us = now + to,
		.idle_expires_at_us = now + US_PER_HOUR,
	};
}

static enum err rotate(struct tx *tx, void *arg)
{
	return session_rotate_row(tx, arg);
}

static enum err rotate_between(struct store_fixture *f, unsigned from, unsigned to)
{
	struct session_rotation r = rotation(from, to);

	return fixture_tx(f, rotate, &r);
}

static enum err see_rotated(struct tx *tx, void *arg)
{
	struct session_user got = { 0 };

	(void)arg;
	CHECK(session_with_user(tx, fixture_id('s', 1), &got) == OK && got.found);
	CHECK(str_eq(got.session.cur_hash, fixture_bytes(2)));
	CHECK(str_eq(got.session.prev_hash, fixture_bytes(1)));
	CHECK(str_eq(got.session.prev2_hash, fixture_bytes(0)));
	CHECK(got.session.rotated_at_us == now + 2 && got.session.prev_rotated_at_us == now + 1);
	CHECK(got.session.generation == 3 && got.session.hash_key == 2);
	CHECK(got.session.idle_expires_at_us == now + US_PER_HOUR);
	CHECK(str_eq(got.session.successor, STR("next")));
	return OK;
}

static enum err end(struct tx *tx, void *arg)
{
	bool ended = false;

	(void)arg;
	CHECK(session_end(tx, fixture_id('s', 1), STR("logout"), now + 3, &ended) == OK && ended);
	return OK;
}

void store_session_rotation(void *arg)
{
	add_users(arg, 1);
	RUN(arg, insert_one, NULL);
	CHECK(rotate_between(arg, 0, 1) == OK);
	CHECK(rotate_between(arg, 0, 1) == ERR_CONFLICT);
	CHECK(rotate_between(arg, 1, 2) == OK);
	READ(arg, see_rotated, NULL);
	RUN(arg, end, NULL);
	CHECK(rotate_between(arg, 2, 3) == ERR_CONFLICT);
}

static enum err insert_many(struct tx *tx, void *arg)
{
	(void)arg;
	for (unsigned i = 1; i <= 30; i++) {
		struct session_row session = fixture_session(i, i % 2 + 1);

		session.expires_at_us += i;
		CHECK(session_insert(tx, &session) == OK);
	}
	return OK;
}

static enum err end_many(struct tx *tx, void *arg)
{
	struct uuid user = fixture_id('u', 2), keep = fixture_id('s', 5);
	struct session_row *list = NULL;
	size_t listed = 0;
	int64_t n = 0;
	bool ended = false;

	(void)arg;
	CHECK(session_list_live(tx, user, now, &list, &listed) == OK && listed == 15);
	CHECK(uuid_equal(list[0].id, fixture_id('s', 1)));
	CHECK(uuid_equal(list[14].id, fixture_id('s', 29)));
	CHECK(session_end(tx, list[0].id, STR("logout"), now, &ended) == OK && ended);
	CHECK(session_end(tx, list[0].id, STR("again"), now, &ended) == OK && !ended);
	CHECK(session_end_all(tx, user, keep, STR("password"), now, &n) == OK && n == 13);
	CHECK(session_list_live(tx, user, now, &list, &listed) == OK && listed == 1);
	CHECK(uuid_equal(list[0].id, keep));
	CHECK(session_end_all(tx, user, (struct uuid){ 0 }, STR("reset"), now, &n) == OK && n == 1);
	CHECK(session_list_live(tx, fixture_id('u', 1), now, &list, &listed) == OK && listed == 15);
	CHECK(session_list_live(tx, fixture_id('u', 1), now + US_PER_DAY, &list, &listed) == OK);
	CHECK(listed == 0);
	return OK;
}

static enum err sweep(struct tx *tx, void *arg)
{
	struct session_user got = { 0 };
	int64_t n = -1;

	(void)arg;
	CHECK(session_sweep(tx, now, 100, &n) == OK && n == 0);
	CHECK(session_sweep(tx, now + 1, 6, &n) == OK && n == 6);
	CHECK(session_sweep(tx, now + 1, 100, &n) == OK && n == 9);
	CHECK(session_with_user(tx, fixture_id('s', 2), &got) == OK && got.found);
	CHECK(session_sweep(tx, now + 31 * US_PER_DAY, 100, &n) == OK && n == 15);
	return OK;
}

void store_session_ends(void *arg)
{
	add_users(arg, 2);
	RUN(arg, insert_many, NULL);
	RUN(arg, end_many, NULL);
	RUN(arg, sweep, NULL);
}

void store_race_rotation(void *arg)
{
	struct store_race *race = arg;
	enum err r = rotate_between(race->f, 0, 1);

	CHECK(r == OK || r == ERR_CONFLICT);
	if (r == OK)
		raise_flag(&race->won);
}
