/* Sessions: one successor, lost replies and thefts told apart, and ends that are the end. */
#include "service_cases.h"

void session_rotates(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct token_pair a = { 0 }, b = { 0 };

	service_fixture_advance(US_PER_MIN);
	CHECK(refresh(f, in.tokens.refresh, &a) == OK);
	CHECK(!secret_equal(a.refresh, in.tokens.refresh) && a.expires_in_s == 300);
	CHECK(a.refresh_expires_at_us > in.tokens.refresh_expires_at_us);
	CHECK(authenticate(f, a.access) == OK);
	/* The old access token lives on until its time: the session is the same. */
	CHECK(authenticate(f, in.tokens.access) == OK);
	CHECK(refresh(f, a.refresh, &b) == OK);
	TRAIL(f, "session.refreshed ok, session.refreshed ok");
	POSTS(f, "");
	CHECK(fixture_live_sessions(f, in.user.id) == 1);
}

/* A lost reply: the same bytes again, however often, also when they have been used. */
void session_replays(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct token_pair a = { 0 }, b = { 0 }, c = { 0 };

	CHECK(refresh(f, in.tokens.refresh, &a) == OK);
	CHECK(refresh(f, in.tokens.refresh, &b) == OK);
	CHECK(secret_equal(a.refresh, b.refresh));
	CHECK(a.refresh_expires_at_us == b.refresh_expires_at_us);
	CHECK(authenticate(f, b.access) == OK);
	service_fixture_advance(9 * US_PER_S);
	CHECK(refresh(f, in.tokens.refresh, &b) == OK && secret_equal(a.refresh, b.refresh));
	TRAIL(f, "session.refreshed ok, session.refresh_replayed ok, session.refresh_replayed ok");
	CHECK(refresh(f, b.refresh, &c) == OK);
	CHECK(fixture_live_sessions(f, in.user.id) == 1);
}

/* Two behind, while its own grace runs: refused, and nobody is thrown out. */
void session_superseded(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct token_pair a = { 0 }, b = { 0 }, c = { 0 };

	CHECK(refresh(f, in.tokens.refresh, &a) == OK && refresh(f, a.refresh, &b) == OK);
	CHECK(refresh(f, in.tokens.refresh, &c) == ERR_REFRESH_SUPERSEDED);
	TRAIL(f, "session.refreshed ok, session.refreshed ok, "
		 "session.refresh_superseded refresh_superseded");
	CHECK(authenticate(f, b.access) == OK && refresh(f, b.refresh, &c) == OK);
}

static void expect_theft(struct service_fixture *f, struct secret old, struct secret child)
{
	struct token_pair out = { 0 };

	CHECK(refresh(f, old, &out) == ERR_REFRESH_REUSED);
	CHECK(refresh(f, child, &out) == ERR_TOKEN_REVOKED);
	CHECK(refresh(f, old, &out) == ERR_TOKEN_REVOKED);
	POSTS(f, "email refresh_reused");
}

void session_reuse(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA), other = { 0 };
	struct token_pair a = { 0 };

	CHECK(sign_in(f, ADA, PASSWORD, &other) == OK);
	CHECK(refresh(f, in.tokens.refresh, &a) == OK);
	service_fixture_advance(11 * US_PER_S);
	fixture_trail(f);
	expect_theft(f, in.tokens.refresh, a.refresh);
	TRAIL(f, "session.refresh_reused refresh_reused, session.refresh_failed token_revoked, "
		 "session.refresh_failed token_revoked");
	CHECK(authenticate(f, a.access) == ERR_TOKEN_REVOKED);
	/* The other session is another story. */
	CHECK(authenticate(f, other.tokens.access) == OK);
}

/* Three behind is reuse, however quickly it went. */
void session_reuse_of_the_third(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct token_pair a = { 0 }, b = { 0 }, c = { 0 };

	CHECK(refresh(f, in.tokens.refresh, &a) == OK && refresh(f, a.refresh, &b) == OK);
	CHECK(refresh(f, b.refresh, &c) == OK);
	expect_theft(f, in.tokens.refresh, c.refresh);
}

/* Each token's grace is its own: using the successor does not prolong the predecessor's. */
void session_grace_does_not_chain(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct token_pair a = { 0 }, b = { 0 };

	CHECK(refresh(f, in.tokens.refresh, &a) == OK);
	service_fixture_advance(8 * US_PER_S);
	CHECK(refresh(f, a.refresh, &b) == OK);
	service_fixture_advance(4 * US_PER_S);
	expect_theft(f, in.tokens.refresh, b.refresh);
}

void session_reuse_only_refused(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct token_pair a = { 0 }, b = { 0 };

	f->service.config.on_reuse = ON_REUSE_REFUSE;
	CHECK(refresh(f, in.tokens.refresh, &a) == OK);
	service_fixture_advance(11 * US_PER_S);
	CHECK(refresh(f, in.tokens.refresh, &b) == ERR_REFRESH_REUSED);
	TRAIL(f, "session.refreshed ok, session.refresh_reused refresh_reused");
	POSTS(f, "");
	CHECK(refresh(f, a.refresh, &b) == OK);
}

/* While the master key is being changed a lost reply is still a lost reply, and a theft a theft. */
void session_replay_over_new_key(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct token_pair a = { 0 }, b = { 0 }, c = { 0 };

	CHECK(refresh(f, in.tokens.refresh, &a) == OK);
	service_fixture_keys(f, "21");
	CHECK(refresh(f, a.refresh, &b) == OK);
	CHECK(refresh(f, a.refresh, &c) == OK && secret_equal(b.refresh, c.refresh));
	CHECK(refresh(f, in.tokens.refresh, &c) == ERR_REFRESH_SUPERSEDED);
	service_fixture_advance(11 * US_PER_S);
	CHECK(refresh(f, a.refresh, &c) == ERR_REFRESH_REUSED);
}

void session_idle_life(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct token_pair pair = in.tokens;
	struct token_pair out = { 0 };

	service_fixture_advance(23 * US_PER_HOUR);
	CHECK(refresh(f, pair.refresh, &pair) == OK);
	service_fixture_advance(23 * US_PER_HOUR);
	CHECK(refresh(f, pair.refresh, &pair) == OK);
	service_fixture_advance(US_PER_DAY);
	CHECK(refresh(f, pair.refresh, &out) == ERR_REFRESH_EXPIRED);
	CHECK(authenticate(f, pair.access) == ERR_TOKEN_EXPIRED);
	/* It may still end what it belonged to. */
	fixture_trail(f);
	CHECK(sign_out(f, pair.refresh) == OK);
	TRAIL(f, "user.logged_out ok");
}

void session_absolute_life(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct token_pair pair = in.tokens;
	int64_t end_us = now_wall_us() + 30 * US_PER_DAY;
	int refreshed = 0;
	enum err e;

	for (;;) {
		service_fixture_advance(12 * US_PER_HOUR);
		e = refresh(f, pair.refresh, &pair);
		if (e != OK)
			break;
		refreshed++;
		CHECK(pair.refresh_expires_at_us <= end_us);
		CHECK(pair.access_expires_at_us <= end_us);
	}
	CHECK(e == ERR_REFRESH_EXPIRED && refreshed == 59);
	CHECK(authenticate(f, pair.access) == ERR_TOKEN_EXPIRED);
}

void session_limit_evicts(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in[4] = { join(f, ADA) };

	f->service.config.session_max[ROLE_CLIENT] = 2;
	CHECK(sign_in(f, ADA, PASSWORD, &in[1]) == OK);
	TRAIL(f, "user.logged_in ok");
	CHECK(sign_in(f, ADA, PASSWORD, &in[2]) == OK);
	TRAIL(f, "session.evicted ok, user.logged_in ok");
	CHECK(authenticate(f, in[0].tokens.access) == ERR_TOKEN_REVOKED);
	CHECK(authenticate(f, in[1].tokens.access) == OK);
	CHECK(authenticate(f, in[2].tokens.access) == OK);
	f->service.config.session_max[ROLE_CLIENT] = 1;
	CHECK(sign_in(f, ADA, PASSWORD, &in[3]) == OK);
	TRAIL(f, "session.evicted ok, session.evicted ok, user.logged_in ok");
	CHECK(fixture_live_sessions(f, in[0].user.id) == 1);
}

void session_limit_refuses(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA), out = { 0 };

	f->service.config.session_max[ROLE_CLIENT] = 1;
	f->service.config.session_on_limit = SESSION_REFUSE_NEW;
	CHECK(sign_in(f, ADA, PASSWORD, &out) == ERR_FORBIDDEN);
	TRAIL(f, "user.login_failed forbidden");
	CHECK(authenticate(f, in.tokens.access) == OK);
	CHECK(sign_out(f, in.tokens.refresh) == OK);
	CHECK(sign_in(f, ADA, PASSWORD, &out) == OK);
}

void session_logout_is_idempotent(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA), other = { 0 };
	struct token_pair pair = { 0 };

	CHECK(sign_in(f, ADA, PASSWORD, &other) == OK);
	fixture_trail(f);
	CHECK(sign_out(f, in.tokens.refresh) == OK);
	CHECK(sign_out(f, in.tokens.refresh) == OK);
	TRAIL(f, "user.logged_out ok");
	CHECK(authenticate(f, in.tokens.access) == ERR_TOKEN_REVOKED);
	CHECK(refresh(f, in.tokens.refresh, &pair) == ERR_TOKEN_REVOKED);
	CHECK(authenticate(f, other.tokens.access) == OK);
	POSTS(f, "");
}

/* Every token of a session may end it: the holder wants out, or a thief does them a favour. */
void session_logout_with_an_old_token(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct token_pair a = { 0 }, b = { 0 };

	CHECK(refresh(f, in.tokens.refresh, &a) == OK && refresh(f, a.refresh, &b) == OK);
	CHECK(sign_out(f, in.tokens.refresh) == OK);
	CHECK(refresh(f, b.refresh, &a) == ERR_TOKEN_REVOKED);
	/* Long over, and the rows swept: still no error. */
	service_fixture_advance(90 * US_PER_DAY);
	CHECK(sign_out(f, in.tokens.refresh) == OK);
}

/* Disabled or deleted: every session is dead at once, by whatever token. */
void session_of_the_gone(void *arg)
{
	static const enum user_state states[] = { USER_DISABLED, USER_DELETED };
	struct service_fixture *f = arg;
	struct signed_in in = { 0 };
	struct token_pair pair = { 0 };

	join(f, ADA);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
		set_state(f, ADA, states[i]);
		CHECK(authenticate(f, in.tokens.access) == ERR_TOKEN_REVOKED);
		CHECK(refresh(f, in.tokens.refresh, &pair) == ERR_TOKEN_REVOKED);
		CHECK(sign_out(f, in.tokens.refresh) == OK);
		set_state(f, ADA, USER_ACTIVE);
		CHECK(authenticate(f, in.tokens.access) == ERR_TOKEN_REVOKED);
	}
}

/* A new role bites at once; the refresh token brings the new one. */
void session_after_role_change(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct call c = { .f = f };
	struct token_pair pair = { 0 };

	CHECK(call_authenticate(&c, in.tokens.access) == OK);
	CHECK(c.rq->actor.role == ROLE_CLIENT && c.rq->actor.epoch == 1);
	CHECK(uuid_equal(c.rq->actor.user_id, in.user.id) && c.rq->account != NULL);
	set_role(f, ADA, ROLE_SUPPORT);
	CHECK(call_authenticate(&c, in.tokens.access) == ERR_TOKEN_REVOKED);
	CHECK(!c.rq->actor.present && c.rq->account == NULL);
	CHECK(refresh(f, in.tokens.refresh, &pair) == OK);
	CHECK(call_authenticate(&c, pair.access) == OK && c.rq->actor.role == ROLE_SUPPORT);
}

void session_tokens_are_of_a_kind(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct token_pair pair = { 0 };
	struct token_check seen = { 0 };
	struct call c = { .f = f };

	CHECK(authenticate(f, in.tokens.refresh) == ERR_TOKEN_INVALID);
	CHECK(authenticate(f, in.device) == ERR_TOKEN_INVALID);
	CHECK(refresh(f, in.tokens.access, &pair) == ERR_REFRESH_INVALID);
	CHECK(refresh(f, in.device, &pair) == ERR_REFRESH_INVALID);
	CHECK(sign_out(f, in.tokens.access) == ERR_REFRESH_INVALID);
	CHECK(refresh(f, secret_of(STR("")), &pair) == ERR_REFRESH_INVALID);
	CHECK(authenticate(f, secret_of(STR("a.b.c"))) == ERR_TOKEN_INVALID);
	TRAIL(f, "");
	CHECK(call_check(&c, in.tokens.access, &seen) == OK);
	CHECK(str_eq(seen.token_type, STR("access")) && uuid_equal(seen.user_id, in.user.id));
	CHECK(call_check(&c, in.tokens.refresh, &seen) == OK);
	CHECK(str_eq(seen.token_type, STR("refresh")) && str_eq(seen.role, STR("client")));
	CHECK(call_check(&c, in.device, &seen) == ERR_TOKEN_INVALID);
	CHECK(refresh(f, in.tokens.refresh, &pair) == OK);
	CHECK(call_check(&c, in.tokens.refresh, &seen) == ERR_TOKEN_REVOKED);
	CHECK(call_check(&c, pair.refresh, &seen) == OK);
	service_fixture_advance(5 * US_PER_MIN);
	CHECK(call_check(&c, pair.access, &seen) == ERR_TOKEN_EXPIRED);
	service_fixture_advance(2 * US_PER_DAY);
	CHECK(call_check(&c, pair.refresh, &seen) == ERR_TOKEN_EXPIRED);
}

/* What one server signs another with the same secret but another name does not take. */
void session_issuer_and_audience(void *arg)
{
	struct service_fixture *f = arg;
	struct token_config *config = &f->service.config.token;
	struct signed_in in = { 0 };

	config->issuer = STR("https://id.example.com");
	config->audience = STR("shop");
	in = join(f, ADA);
	CHECK(authenticate(f, in.tokens.access) == OK);
	config->audience = STR("back office");
	CHECK(authenticate(f, in.tokens.access) == ERR_TOKEN_INVALID);
	config->audience = STR("shop");
	config->issuer = STR("https://id.example.org");
	CHECK(authenticate(f, in.tokens.access) == ERR_TOKEN_INVALID);
}

void session_refresh_is_counted(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA), other = { 0 };
	struct token_pair pair = in.tokens;
	struct call c = { .f = f };

	f->service.config.throttle_sustained = (struct rate){ 5, US_PER_DAY };
	CHECK(sign_in(f, ADA, PASSWORD, &other) == OK);
	for (int i = 0; i < 5; i++)
		CHECK(call_refresh(&c, pair.refresh, &pair) == OK);
	CHECK(call_refresh(&c, pair.refresh, &pair) == ERR_THROTTLED);
	CHECK(c.rq->retry_after_us > 23 * US_PER_HOUR);
	/* By session: the other one goes on, and this one may end. */
	CHECK(call_refresh(&c, other.tokens.refresh, &other.tokens) == OK);
	CHECK(sign_out(f, pair.refresh) == OK);
}
