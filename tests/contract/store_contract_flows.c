#include "store_contract.h"

static const int64_t now = FIXTURE_NOW_US;

static struct flow_row get(struct tx *tx, unsigned n)
{
	struct flow_row flow = { 0 };
	bool found = false;

	CHECK(flow_by_id(tx, fixture_id('f', n), &flow, &found) == OK && found);
	return flow;
}

static void insert(struct tx *tx, unsigned n)
{
	struct flow_row flow = fixture_flow(n, 1);

	CHECK(flow_insert(tx, &flow) == OK);
}

static enum err find(struct tx *tx, void *arg)
{
	struct str indexes[] = { fixture_bytes(70), fixture_bytes(1) };
	struct flow_row want = fixture_flow(3, 1), got = { 0 };
	bool found = false;

	(void)arg;
	for (unsigned i = 1; i <= 3; i++)
		insert(tx, i);
	want.subject_index = indexes[0]; /* the same person, under an older key */
	want.id = fixture_id('f', 4);
	want.has_user = false;
	want.created_at_us = now;
	CHECK(flow_insert(tx, &want) == OK);
	CHECK(flow_newest(tx, indexes, 2, STR("verify"), &got, &found) == OK && found);
	want = fixture_flow(3, 1);
	CHECK(uuid_equal(got.id, want.id) && str_eq(got.purpose, want.purpose));
	CHECK(got.has_user && uuid_equal(got.user_id, want.user_id));
	CHECK(str_eq(got.channel, want.channel) && str_eq(got.destination, want.destination));
	CHECK(str_eq(got.code_hash, want.code_hash) && got.code_key == 1 && got.attempts == 0);
	CHECK(got.max_attempts == 5 && got.sends == 1 && got.expires_at_us == want.expires_at_us);
	CHECK(got.resend_at_us == want.resend_at_us && got.voided_at_us == 0);
	CHECK(!got.has_session && !got.pending.ptr);
	CHECK(!get(tx, 4).has_user);
	CHECK(flow_newest(tx, indexes, 2, STR("reset"), &got, &found) == OK && !found);
	CHECK(flow_by_id(tx, fixture_id('f', 9), &got, &found) == OK && !found);
	return OK;
}

static enum err void_and_sweep(struct tx *tx, void *arg)
{
	int64_t n = 0;

	(void)arg;
	CHECK(flow_void_older(tx, fixture_bytes(1), STR("verify"), fixture_id('f', 3), now) == OK);
	CHECK(get(tx, 1).voided_at_us == now && get(tx, 2).voided_at_us == now);
	CHECK(get(tx, 3).voided_at_us == 0 && get(tx, 4).voided_at_us == 0);
	CHECK(flow_set_session(tx, fixture_id('f', 3), fixture_id('s', 1)) == OK);
	CHECK(get(tx, 3).has_session && uuid_equal(get(tx, 3).session_id, fixture_id('s', 1)));
	CHECK(flow_sweep(tx, now + US_PER_HOUR, 100, &n) == OK && n == 0);
	CHECK(flow_sweep(tx, now + 2 * US_PER_HOUR, 3, &n) == OK && n == 3);
	CHECK(flow_sweep(tx, now + 2 * US_PER_HOUR, 3, &n) == OK && n == 1);
	return OK;
}

void store_flows(void *arg)
{
	add_users(arg, 1);
	RUN(arg, find, NULL);
	RUN(arg, void_and_sweep, NULL);
}

/* attempt() - try code @code on flow @n at @at; *ret is the row afterwards. */
static bool attempt(struct tx *tx, unsigned n, unsigned code, int64_t at, struct flow_row *ret)
{
	bool consumed = true, found = false;

	CHECK(flow_try(tx, fixture_id('f', n), fixture_bytes(code), at, &consumed, ret, &found) ==
	      OK);
	CHECK(found);
	return consumed;
}

static enum err spend(struct tx *tx, void *arg)
{
	struct flow_row flow = { 0 };
	bool consumed = true, found = true;
	int64_t n = 0;

	(void)arg;
	for (unsigned i = 1; i <= 5; i++)
		insert(tx, i);
	/* The right one, once. */
	CHECK(!attempt(tx, 1, 99, now, &flow) && flow.attempts == 1);
	CHECK(attempt(tx, 1, 1, now + 5, &flow) && flow.consumed_at_us == now + 5);
	CHECK(flow.attempts == 1);
	CHECK(!attempt(tx, 1, 1, now + 6, &flow) && flow.consumed_at_us == now + 5);
	/* Five wrong ones use it up. */
	for (int64_t i = 1; i <= 7; i++)
		CHECK(!attempt(tx, 2, 99, now, &flow) && flow.attempts == (i < 5 ? i : 5));
	CHECK(!attempt(tx, 2, 2, now, &flow) && flow.consumed_at_us == 0);
	/* Too late, by the code's time; voided; unknown. */
	CHECK(!attempt(tx, 3, 3, now + 5 * US_PER_MIN, &flow) && flow.attempts == 0);
	CHECK(flow_void_older(tx, fixture_bytes(1), STR("verify"), fixture_id('f', 5), now) == OK);
	CHECK(!attempt(tx, 4, 4, now, &flow) && flow.attempts == 0);
	CHECK(flow_try(tx, fixture_id('f', 9), fixture_bytes(1), now, &consumed, &flow, &found) ==
	      OK);
	CHECK(!consumed && !found);
	CHECK(flow_attempts_since(
		  tx, (struct str[]){ fixture_bytes(1) }, 1, STR("verify"), now, &n) == OK);
	CHECK(n == 6);
	CHECK(flow_attempts_since(
		  tx, (struct str[]){ fixture_bytes(1) }, 1, STR("verify"), now + 2, &n) == OK);
	CHECK(n == 5);
	return OK;
}

void store_flow_attempts(void *arg)
{
	add_users(arg, 1);
	RUN(arg, spend, NULL);
}

static enum err resend(struct tx *tx, void *arg)
{
	struct flow_resend again = {
		.id = fixture_id('f', 1),
		.code_hash = fixture_bytes(77),
		.code_key = 2,
		.now_us = now + US_PER_MIN - 1,
		.code_expires_at_us = now + 6 * US_PER_MIN,
		.resend_at_us = now + 2 * US_PER_MIN,
	};
	struct flow_row flow = { 0 };
	bool renewed = true;

	(void)arg;
	insert(tx, 1);
	CHECK(!attempt(tx, 1, 99, now, &flow));
	CHECK(flow_renew_code(tx, &again, &renewed) == OK && !renewed);
	again.now_us++;
	CHECK(flow_renew_code(tx, &again, &renewed) == OK && renewed);
	CHECK(flow_renew_code(tx, &again, &renewed) == OK && !renewed);
	flow = get(tx, 1);
	CHECK(flow.sends == 2 && flow.attempts == 1 && flow.code_key == 2);
	CHECK(!attempt(tx, 1, 1, again.now_us, &flow) && flow.attempts == 2);
	CHECK(attempt(tx, 1, 77, again.now_us, &flow));
	again.now_us = again.resend_at_us;
	CHECK(flow_renew_code(tx, &again, &renewed) == OK && !renewed);
	return OK;
}

void store_flow_resend(void *arg)
{
	add_users(arg, 1);
	RUN(arg, resend, NULL);
}

static enum err idempotency(struct tx *tx, void *arg)
{
	struct flow_row flow = fixture_flow(1, 1), got = { 0 };
	bool found = false;

	(void)arg;
	flow.idempotency_hash = fixture_bytes(60);
	flow.idempotency_body = fixture_bytes(61);
	flow.idempotency_until_us = now + 10 * US_PER_MIN;
	CHECK(flow_insert(tx, &flow) == OK);
	CHECK(flow_by_idempotency(tx, fixture_bytes(60), now, &got, &found) == OK && found);
	CHECK(str_eq(got.idempotency_body, fixture_bytes(61)));
	CHECK(flow_by_idempotency(tx, fixture_bytes(60), now + US_PER_HOUR, &got, &found) == OK);
	CHECK(!found);
	flow.id = fixture_id('f', 2);
	CHECK(flow_insert(tx, &flow) == ERR_CONFLICT);
	flow.created_at_us = now + 10 * US_PER_MIN;
	CHECK(flow_insert(tx, &flow) == OK);
	return OK;
}

void store_flow_idempotency(void *arg)
{
	add_users(arg, 1);
	RUN(arg, idempotency, NULL);
}

/* --- races --- */

static enum err seed(struct tx *tx, void *arg)
{
	struct session_row session = fixture_session(1, 1);

	(void)arg;
	insert(tx, 1);
	return session_insert(tx, &session);
}

void store_race_seed(void *arg)
{
	add_users(arg, 1);
	RUN(arg, seed, NULL);
}

struct attempt {
	unsigned code;
	int64_t attempts;
	bool consumed;
};

static enum err try_code(struct tx *tx, void *arg)
{
	struct attempt *a = arg;
	struct flow_row flow = get(tx, 1);
	int64_t before = flow.attempts;
	bool found;
	enum err r = flow_try(
	    tx, fixture_id('f', 1), fixture_bytes(a->code), now, &a->consumed, &flow, &found);

	/* Among many at once it may have to run again. */
	a->attempts = flow.attempts - before;
	return r;
}

static void race_code(struct store_race *race, unsigned code)
{
	struct attempt a = { .code = code };

	RUN(race->f, try_code, &a);
	if (a.consumed)
		raise_flag(&race->won);
	if (a.attempts == 1)
		raise_flag(&race->counted);
}

void store_race_right_code(void *arg)
{
	race_code(arg, 1);
}

void store_race_wrong_code(void *arg)
{
	race_code(arg, 2);
}

static enum err take_name(struct tx *tx, void *arg)
{
	struct user_row user = fixture_user(2);
	bool taken = true;
	enum err r;

	user.id = uuid_v7();
	r = user_insert(tx, &user, &taken);
	*(bool *)arg = !taken;
	return r;
}

void store_race_user(void *arg)
{
	struct store_race *race = arg;
	bool mine = false;

	RUN(race->f, take_name, &mine);
	if (mine)
		raise_flag(&race->won);
}
