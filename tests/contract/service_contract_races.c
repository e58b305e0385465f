/* Races: whatever the interleaving, one winner, and nobody slips past an end. */
#include "service_cases.h"

static struct service_fixture *fixture_of(void *arg)
{
	return ((struct service_race *)arg)->f;
}

static void count(struct service_race *r, enum err e, enum err refusal)
{
	CHECK(e == OK || e == refusal);
	raise_flag(e == OK ? &r->ok : &r->refused);
}

struct flow_look {
	struct uuid id;
	struct flow_row row;
	bool found;
};

static enum err flow_fn(struct tx *tx, void *arg)
{
	struct flow_look *l = arg;

	return flow_by_id(tx, l->id, &l->row, &l->found);
}

/* --- one address, many registrations --- */

void race_setup_free(void *arg)
{
	struct service_config *config = &fixture_of(arg)->service.config;

	config->throttle_enabled = false;
}

void race_setup_nothing(void *arg)
{
	(void)arg;
}

static const struct str spellings[] = { STR_INIT("ada@example.com"), STR_INIT("ADA@Example.COM"),
	STR_INIT("Ada@example.com"),
	STR_INIT("\xef\xbc\xa1"
		 "da@example.com") };

void race_register(void *arg)
{
	struct service_race *r = arg;
	int i = __atomic_fetch_add(&r->turn, 1, __ATOMIC_ACQ_REL);
	struct registered registered = { 0 };

	count(r, sign_up(r->f, spellings[(size_t)i % ARRAY_LEN(spellings)], PASSWORD, &registered),
	    OK);
	r->flows[i] = registered.verification.flow_id;
	r->codes[i] = registered.verification.otp;
}

struct users {
	struct user_row *rows;
	size_t n;
};

static enum err users_fn(struct tx *tx, void *arg)
{
	struct users *u = arg;
	const struct user_page page = { .limit = 100, .role = -1, .state = -1 };

	return user_list(tx, &page, &u->rows, &u->n);
}

static size_t count_users(struct service_fixture *f)
{
	struct users u = { 0 };

	fixture_store_tx(f, users_fn, &u);
	return u.n;
}

static size_t count_words(const char *list, const char *word)
{
	size_t n = 0;

	for (const char *p = list; (p = strstr(p, word)); p += strlen(word))
		n++;
	return n;
}

void race_one_user(void *arg)
{
	struct service_race *r = arg;
	const char *trail = fixture_trail(r->f);

	CHECK(r->ok == (int)r->racers && count_users(r->f) == 1);
	CHECK(count_words(trail, "user.registered ok") == 1);
	CHECK(count_words(trail, "user.registered already_registered") == r->racers - 1);
	CHECK(!pwhash_usable(person(r->f, ADA).password));
}

/* One flow is live, and it is the one whose code a look-up by address tries. */
void race_newest_is_live(void *arg)
{
	struct service_race *r = arg;
	struct signed_in in = { 0 };
	size_t live = 0, n = 0;

	race_one_user(arg);
	for (size_t i = 0; i < r->racers; i++) {
		struct flow_look l = { .id = r->flows[i] };

		fixture_store_tx(r->f, flow_fn, &l);
		CHECK(l.found);
		if (l.row.voided_at_us)
			continue;
		live = i;
		n++;
	}
	CHECK(n == 1 && verify_address(r->f, ADA, r->codes[live], &in) == OK);
}

/* --- the same call, many times at once --- */

void race_register_again(void *arg)
{
	struct service_race *r = arg;
	const struct registration in = { .email = ADA, .password = secret_of(PASSWORD) };
	struct call c = { .f = r->f, .key = "k1" };
	int i = __atomic_fetch_add(&r->turn, 1, __ATOMIC_ACQ_REL);
	struct registered registered = { 0 };

	count(r, call_register(&c, &in, &registered), OK);
	r->flows[i] = registered.verification.flow_id;
}

void race_setup_revealing(void *arg)
{
	race_setup_free(arg);
	fixture_of(arg)->service.config.reveal_existing = REVEAL_409;
}

void race_one_registration(void *arg)
{
	struct service_race *r = arg;

	CHECK(r->ok == (int)r->racers && count_users(r->f) == 1);
	for (size_t i = 0; i < r->racers; i++)
		CHECK(!uuid_is_nil(r->flows[i]) && uuid_equal(r->flows[0], r->flows[i]));
	TRAIL(r->f, "user.registered ok");
	POSTS(r->f, "email verification_code");
	CHECK(pwhash_usable(person(r->f, ADA).password));
}

/* --- one code --- */

void race_setup_code(void *arg)
{
	struct service_race *r = arg;
	struct registered registered = { 0 };

	race_setup_free(arg);
	CHECK(sign_up(r->f, ADA, PASSWORD, &registered) == OK);
	r->id = registered.verification.flow_id;
	r->code = registered.verification.otp;
	fixture_trail(r->f);
}

void race_right_code(void *arg)
{
	struct service_race *r = arg;
	struct signed_in in = { 0 };

	count(r, verify(r->f, r->id, r->code, &in), ERR_OTP_INVALID);
}

void race_one_success(void *arg)
{
	struct service_race *r = arg;

	CHECK(r->ok == 1 && r->refused == (int)r->racers - 1);
	CHECK(fixture_live_sessions(r->f, person(r->f, ADA).id) == 1);
	CHECK(count_words(fixture_trail(r->f), "user.verified ok") == 1);
}

void race_wrong_code(void *arg)
{
	struct service_race *r = arg;
	unsigned i = (unsigned)__atomic_fetch_add(&r->turn, 1, __ATOMIC_ACQ_REL);
	struct signed_in in = { 0 };

	count(r, verify(r->f, r->id, wrong(r->f, r->code, i % 9), &in), ERR_OTP_INVALID);
}

void race_five_tries(void *arg)
{
	struct service_race *r = arg;
	struct flow_look l = { .id = r->id };
	struct signed_in in = { 0 };

	CHECK(r->ok == 0 && r->refused == (int)r->racers);
	fixture_store_tx(r->f, flow_fn, &l);
	CHECK(l.found && l.row.attempts == 5);
	CHECK(verify(r->f, r->id, r->code, &in) == ERR_OTP_INVALID);
}

/* --- one refresh token --- */

void race_setup_session(void *arg)
{
	struct service_race *r = arg;

	race_setup_free(arg);
	r->token = join(r->f, ADA).tokens.refresh;
}

void race_refresh(void *arg)
{
	struct service_race *r = arg;
	struct token_pair pair = { 0 };
	int i;

	count(r, refresh(r->f, r->token, &pair), OK);
	i = __atomic_fetch_add(&r->turn, 1, __ATOMIC_ACQ_REL);
	r->tokens[i] = pair.refresh;
}

void race_one_successor(void *arg)
{
	struct service_race *r = arg;
	const char *trail = fixture_trail(r->f);
	struct token_pair pair = { 0 };

	for (size_t i = 1; i < r->racers; i++)
		CHECK(secret_equal(r->tokens[0], r->tokens[i]));
	CHECK(count_words(trail, "session.refreshed ok") == 1);
	CHECK(count_words(trail, "session.refresh_replayed ok") == r->racers - 1);
	CHECK(refresh(r->f, r->tokens[0], &pair) == OK);
}

/* --- a limit of ten --- */

void race_login(void *arg)
{
	struct service_race *r = arg;
	struct signed_in in = { 0 };
	enum err e = sign_in(r->f, ADA, PASSWORD, &in);

	CHECK(e == ERR_INVALID_CREDENTIALS || e == ERR_THROTTLED);
	raise_flag(e == ERR_THROTTLED ? &r->refused : &r->ok);
}

void race_ten_admitted(void *arg)
{
	struct service_race *r = arg;

	CHECK(r->ok == 10 && r->refused == (int)r->racers - 10);
	CHECK(count_words(fixture_trail(r->f), "user.login_failed") == 10);
}

/* --- against an end --- */

struct ending {
	struct uuid user;
	int64_t now_us;
};

/* As an operator's command does it: state and sessions in one transaction. */
static enum err disable_fn(struct tx *tx, void *arg)
{
	const struct ending *e = arg;
	bool changed;
	int64_t n;
	enum err r = user_set_state(tx, e->user, USER_DISABLED, e->now_us, &changed);

	if (r != OK)
		return r;
	return session_end_all(tx, e->user, (struct uuid){ 0 }, STR("disabled"), e->now_us, &n);
}

void race_setup_account(void *arg)
{
	struct service_race *r = arg;

	race_setup_session(arg);
	r->id = person(r->f, ADA).id;
}

/* One disables her, the others sign in or refresh. */
void race_disable(void *arg)
{
	struct service_race *r = arg;
	int i = __atomic_fetch_add(&r->turn, 1, __ATOMIC_ACQ_REL);
	struct ending ending = { .user = r->id, .now_us = now_wall_us() };
	struct signed_in in = { 0 };
	struct token_pair pair = { 0 };

	if (i == 2)
		fixture_store_tx(r->f, disable_fn, &ending);
	else if (i % 2)
		count(r, refresh(r->f, r->token, &pair), ERR_TOKEN_REVOKED);
	else
		count(r, sign_in(r->f, ADA, PASSWORD, &in), ERR_INVALID_CREDENTIALS);
}

/* Also when she is let in again, no session from before is alive. */
void race_nobody_left(void *arg)
{
	struct service_race *r = arg;

	set_state(r->f, ADA, USER_ACTIVE);
	CHECK(fixture_live_sessions(r->f, r->id) == 0);
}

/* One logs out, the others refresh: nobody carries the session on. */
void race_logout(void *arg)
{
	struct service_race *r = arg;
	int i = __atomic_fetch_add(&r->turn, 1, __ATOMIC_ACQ_REL);
	struct token_pair pair = { 0 };

	if (i == 2)
		CHECK(sign_out(r->f, r->token) == OK);
	else
		count(r, refresh(r->f, r->token, &pair), ERR_TOKEN_REVOKED);
}

void race_logged_out(void *arg)
{
	struct service_race *r = arg;
	struct token_pair pair = { 0 };

	CHECK(fixture_live_sessions(r->f, r->id) == 0);
	CHECK(count_words(fixture_trail(r->f), "user.logged_out ok") == 1);
	CHECK(refresh(r->f, r->token, &pair) == ERR_TOKEN_REVOKED);
}

static enum err new_password_fn(struct tx *tx, void *arg)
{
	const struct ending *e = arg;
	bool changed;
	int64_t n;
	enum err r = user_set_password(tx, e->user, STR("!"), STR_NULL, e->now_us, &changed);

	if (r != OK)
		return r;
	return session_end_all(tx, e->user, (struct uuid){ 0 }, STR("password"), e->now_us, &n);
}

/* One changes the password and ends all sessions; no login with the old one survives it. */
void race_new_password(void *arg)
{
	struct service_race *r = arg;
	int i = __atomic_fetch_add(&r->turn, 1, __ATOMIC_ACQ_REL);
	struct ending ending = { .user = r->id, .now_us = now_wall_us() };
	struct signed_in in = { 0 };

	if (i == 2)
		fixture_store_tx(r->f, new_password_fn, &ending);
	else
		count(r, sign_in(r->f, ADA, PASSWORD, &in), ERR_INVALID_CREDENTIALS);
}

void race_no_old_password(void *arg)
{
	struct service_race *r = arg;

	CHECK(fixture_live_sessions(r->f, r->id) == 0);
}

/* Two logins that both upgrade the hash: the second one's password has not changed meanwhile. */
void race_setup_rehash(void *arg)
{
	race_setup_session(arg);
	service_fixture_hasher(fixture_of(arg), 11);
}

void race_rehash(void *arg)
{
	struct service_race *r = arg;
	struct signed_in in = { 0 };

	count(r, sign_in(r->f, ADA, PASSWORD, &in), OK);
}

void race_all_in(void *arg)
{
	struct service_race *r = arg;

	CHECK(r->ok == (int)r->racers);
	CHECK(fixture_live_sessions(r->f, person(r->f, ADA).id) == r->racers + 1);
	CHECK(str_starts(person(r->f, ADA).password, STR("pbkdf2_sha256$11$")));
}

/* The owner proves the address while a stranger registers it: what is proven stays as it is. */
void race_verify_and_register(void *arg)
{
	struct service_race *r = arg;
	int i = __atomic_fetch_add(&r->turn, 1, __ATOMIC_ACQ_REL);
	struct registered registered = { 0 };
	struct signed_in in = { 0 };

	if (i == 0)
		count(r, verify(r->f, r->id, r->code, &in), ERR_OTP_INVALID);
	else
		CHECK(sign_up(r->f, ADA, OTHER_PASSWORD, &registered) == OK);
}

void race_proven_stays(void *arg)
{
	struct service_race *r = arg;
	struct user_row row = person(r->f, ADA);
	const char *trail = fixture_trail(r->f);
	struct signed_in in = { 0 };

	CHECK(row.is_verified == (r->ok == 1));
	if (!row.is_verified)
		return;
	/* Either the registration came first and the flow was void, or it found her verified. */
	CHECK(count_words(trail, "user.verified ok") == 1);
	CHECK(sign_in(r->f, ADA, PASSWORD, &in) == OK);
}

/* --- a full lane --- */

struct hold {
	struct lane_job job;
	struct service_race *race;
};

static bool hold_step(struct lane_job *job)
{
	struct hold *h = CONTAINER_OF(job, struct hold, job);

	return __atomic_load_n(&h->race->refused, __ATOMIC_ACQUIRE) > 0;
}

/* A lane of one worker that takes two jobs and is full. */
void race_setup_full_lane(void *arg)
{
	static const struct lane_config config = {
		.name = "small", .workers = 1, .max_queued_us = 1
	};
	struct service_race *r = arg;

	join(r->f, ADA);
	service_fixture_advance(US_PER_HOUR);
	r->f->service.hash_lane = lane_new(&config);
	service_fixture_hasher(r->f, 10);
}

static void hold_lane(struct service_race *r)
{
	static const struct lane_ops ops = { .step = hold_step };
	struct hold h = { .job = { .ops = &ops, .cost_us = 1, .deadline_us = NEVER_US },
		.race = r };

	CHECK(rt_offload(r->f->service.hash_lane, &h.job) == OK);
}

/* Whoever is turned away for want of room, however often, has not used up a try. */
static void knock(struct service_race *r)
{
	const struct registration bob = { .email = STR("bob@example.com"),
		.password = secret_of(PASSWORD) };
	struct call c = { .f = r->f };
	struct registered registered = { 0 };
	struct verification v = { 0 };
	struct signed_in in = { 0 };

	while (lane_gauges(r->f->service.hash_lane).queued_us < 2)
		rt_sleep_until(now_mono_us() + 200);
	for (int i = 0; i < 20; i++) {
		CHECK(call_login(&c, ADA, PASSWORD, &in, &v) == ERR_OVERLOADED);
		CHECK(c.rq->retry_after_us > 0);
		CHECK(call_register(&c, &bob, &registered) == ERR_OVERLOADED);
	}
	raise_flag(&r->refused);
}

void race_full_lane(void *arg)
{
	struct service_race *r = arg;
	int i = __atomic_fetch_add(&r->turn, 1, __ATOMIC_ACQ_REL);

	if (i < 2)
		hold_lane(r);
	else if (i == 2)
		knock(r);
}

void race_room_again(void *arg)
{
	struct service_race *r = arg;
	struct service *service = &r->f->service;
	struct lane *small = service->hash_lane;
	struct registered registered = { 0 };
	struct signed_in in = { 0 };

	service->hash_lane = service->blocking_lane;
	service_fixture_hasher(r->f, 10);
	lane_free(&small);
	CHECK(sign_in(r->f, ADA, PASSWORD, &in) == OK);
	CHECK(sign_up(r->f, STR("bob@example.com"), PASSWORD, &registered) == OK);
	TRAIL(r->f, "user.logged_in ok, user.registered ok");
}
