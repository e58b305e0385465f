/* Changing one's own password: who is asked, who is told, who stays signed in. */
#include "service_cases.h"

static enum err change(
    struct service_fixture *f, struct secret access, struct str current, struct str wanted)
{
	return call_change(&(struct call){ .f = f }, access, current, wanted);
}

void change_right(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in mine = join(f, ADA), other = { 0 }, in = { 0 };
	struct token_pair pair = { 0 };

	CHECK(sign_in(f, ADA, PASSWORD, &other) == OK);
	fixture_trail(f);
	CHECK(change(f, mine.tokens.access, PASSWORD, OTHER_PASSWORD) == OK);
	TRAIL(f, "password.changed ok");
	POSTS(f, "email password_changed");
	CHECK(str_eq(fixture_newest_post(f).detail, STR("203.0.113.7")));
	/* This session goes on, both its tokens; the other is over. */
	CHECK(authenticate(f, mine.tokens.access) == OK);
	CHECK(refresh(f, mine.tokens.refresh, &pair) == OK);
	CHECK(authenticate(f, other.tokens.access) == ERR_TOKEN_REVOKED);
	CHECK(refresh(f, other.tokens.refresh, &pair) == ERR_TOKEN_REVOKED);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &in) == OK);
}

void change_refusals(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct call c = { .f = f };
	char *long_one = arena_alloc(fixture_request(f, "test")->arena, 1025);
	struct str too_long = str_bytes(long_one, 1025);

	memset(long_one, 'x', 1025);
	CHECK(call_change(&c, in.tokens.access, STR("not it"), OTHER_PASSWORD) ==
	      ERR_VALIDATION_FAILED);
	CHECK(field_refused(c.rq, "current_password") && !field_refused(c.rq, "new_password"));
	TRAIL(f, "password.change_failed invalid_credentials");
	CHECK(call_change(&c, in.tokens.access, PASSWORD, PASSWORD) == ERR_PASSWORD_REJECTED);
	CHECK(field_refused(c.rq, "new_password"));
	CHECK(call_change(&c, in.tokens.access, PASSWORD, STR("short")) == ERR_PASSWORD_REJECTED);
	CHECK(field_refused(c.rq, "new_password"));
	CHECK(call_change(&c, in.tokens.access, PASSWORD, STR("ada@example.com")) ==
	      ERR_PASSWORD_REJECTED);
	CHECK(call_change(&c, in.tokens.access, PASSWORD, too_long) == ERR_PASSWORD_REJECTED);
	CHECK(call_change(&c, in.tokens.access, too_long, PASSWORD) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(c.rq, "current_password"));
	TRAIL(f, "");
	POSTS(f, "");
	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
}

/* A stolen session is no way to guess the password, nor to keep its owner from logging in. */
void change_tries_run_out(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA), again = { 0 };
	struct secret access = in.tokens.access;
	struct call c = { .f = f };

	for (int i = 0; i < 9; i++)
		CHECK(change(f, access, STR("not it"), OTHER_PASSWORD) == ERR_VALIDATION_FAILED);
	/* The right one forgives the wrong ones, even with a new one that is refused. */
	CHECK(change(f, access, PASSWORD, STR("short")) == ERR_PASSWORD_REJECTED);
	for (int i = 0; i < 10; i++)
		CHECK(change(f, access, STR("not it"), OTHER_PASSWORD) == ERR_VALIDATION_FAILED);
	CHECK(call_change(&c, access, PASSWORD, OTHER_PASSWORD) == ERR_THROTTLED);
	CHECK(c.rq->retry_after_us > 10 * US_PER_MIN && c.rq->retry_after_us <= 15 * US_PER_MIN);
	CHECK(sign_in(f, ADA, PASSWORD, &again) == OK);
	/* Another session of hers does not help. */
	CHECK(change(f, again.tokens.access, PASSWORD, OTHER_PASSWORD) == ERR_THROTTLED);
	service_fixture_advance(c.rq->retry_after_us);
	CHECK(sign_in(f, ADA, PASSWORD, &again) == OK);
	CHECK(change(f, again.tokens.access, PASSWORD, OTHER_PASSWORD) == OK);
}

static enum err no_password_fn(struct tx *tx, void *arg)
{
	const struct user_row *user = arg;
	bool changed = false;

	return user_set_password(tx, user->id, STR("!"), STR_NULL, now_wall_us(), &changed);
}

/* Who has none cannot show one; a reset sets it. */
void change_of_the_passwordless(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct user_row ada = person(f, ADA);

	fixture_store_tx(f, no_password_fn, &ada);
	CHECK(change(f, in.tokens.access, STR("!"), OTHER_PASSWORD) == ERR_VALIDATION_FAILED);
	CHECK(change(f, in.tokens.access, PASSWORD, OTHER_PASSWORD) == ERR_VALIDATION_FAILED);
}

/* What ended between the gate and the transaction has ended. */
void change_of_the_gone(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA), other = { 0 };
	struct request *rq = fixture_request(f, "password_change");

	CHECK(session_authenticate(rq, in.tokens.access) == OK);
	set_state(f, ADA, USER_DISABLED);
	CHECK(password_change(rq, secret_of(PASSWORD), secret_of(OTHER_PASSWORD)) ==
	      ERR_TOKEN_REVOKED);
	set_state(f, ADA, USER_ACTIVE);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK && sign_in(f, ADA, PASSWORD, &other) == OK);
	rq = fixture_request(f, "password_change");
	CHECK(session_authenticate(rq, in.tokens.access) == OK);
	CHECK(change(f, other.tokens.access, PASSWORD, STR("a third password")) == OK);
	CHECK(password_change(rq, secret_of(PASSWORD), secret_of(OTHER_PASSWORD)) ==
	      ERR_TOKEN_REVOKED);
	/* In the same session, it is the current password that has become another. */
	rq = fixture_request(f, "password_change");
	CHECK(session_authenticate(rq, other.tokens.access) == OK);
	CHECK(change(f, other.tokens.access, STR("a third password"), PASSWORD) == OK);
	CHECK(password_change(rq, secret_of(STR("a third password")), secret_of(OTHER_PASSWORD)) ==
	      ERR_VALIDATION_FAILED);
	CHECK(field_refused(rq, "current_password"));
}
