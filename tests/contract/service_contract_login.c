/* Login: one refusal for everybody, and guesses that run out without locking anybody's door. */
#include "service_cases.h"

#define WRONG STR("not the password")

void login_right(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA), again = { 0 };

	service_fixture_advance(US_PER_MIN);
	CHECK(sign_in(f, STR(" ADA@Example.com "), PASSWORD, &again) == OK);
	CHECK(uuid_equal(in.user.id, again.user.id) && again.user.is_verified);
	CHECK(again.user.last_login_us > in.user.last_login_us);
	CHECK(person(f, ADA).last_login_us == again.user.last_login_us);
	CHECK(authenticate(f, again.tokens.access) == OK);
	CHECK(authenticate(f, in.tokens.access) == OK);
	CHECK(fixture_live_sessions(f, in.user.id) == 2);
	TRAIL(f, "user.logged_in ok");
}

static enum err no_password_fn(struct tx *tx, void *arg)
{
	struct user_row *user = arg;
	bool changed = false;

	CHECK(user_set_password(tx, user->id, STR("!"), STR_NULL, 1, &changed) == OK && changed);
	return OK;
}

/* Unknown, wrong, disabled, deleted, password-less: one answer. */
void login_refusals(void *arg)
{
	struct service_fixture *f = arg;
	struct str people[] = { ADA, STR("bob@example.com"), STR("cy@example.com"),
		STR("+2348031234567") };
	struct signed_in in = { 0 };
	struct user_row cy;
	struct call c = { .f = f };
	struct verification v = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(people); i++)
		join(f, people[i]);
	set_state(f, STR("bob@example.com"), USER_DISABLED);
	set_state(f, STR("+2348031234567"), USER_DELETED);
	cy = person(f, STR("cy@example.com"));
	fixture_store_tx(f, no_password_fn, &cy);
	CHECK(call_login(&c, STR("nobody@example.com"), PASSWORD, &in, &v) ==
	      ERR_INVALID_CREDENTIALS);
	CHECK(c.rq->hash_us > 0);
	CHECK(sign_in(f, ADA, WRONG, &in) == ERR_INVALID_CREDENTIALS);
	for (size_t i = 1; i < ARRAY_LEN(people); i++)
		CHECK(sign_in(f, people[i], PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, STR("cy@example.com"), STR("!"), &in) == ERR_INVALID_CREDENTIALS);
	TRAIL(f, "user.login_failed invalid_credentials, user.login_failed invalid_credentials, "
		 "user.login_failed invalid_credentials, user.login_failed invalid_credentials, "
		 "user.login_failed invalid_credentials, user.login_failed invalid_credentials");
	POSTS(f, "");
	f->service.config.reveal_disabled = true;
	CHECK(sign_in(f, STR("bob@example.com"), PASSWORD, &in) == ERR_ACCOUNT_DISABLED);
	CHECK(sign_in(f, STR("bob@example.com"), WRONG, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, STR("+2348031234567"), PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
	TRAIL(f, "user.login_failed account_disabled, user.login_failed invalid_credentials, "
		 "user.login_failed invalid_credentials");
}

void login_bounds(void *arg)
{
	struct service_fixture *f = arg;
	struct call c = { .f = f };
	struct signed_in in = { 0 };
	struct verification v = { 0 };
	char long_one[1025];

	memset(long_one, 'x', sizeof(long_one));
	CHECK(call_login(&c, STR("@"), PASSWORD, &in, &v) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(c.rq, "email_or_phone"));
	CHECK(call_login(&c, ADA, str_bytes(long_one, 1025), &in, &v) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(c.rq, "password") && c.rq->hash_us == 0 && c.rq->statements == 0);
	CHECK(call_login(&c, ADA, str_bytes(long_one, 1024), &in, &v) == ERR_INVALID_CREDENTIALS);
}

void login_unverified(void *arg)
{
	struct service_fixture *f = arg;
	struct registered r = { 0 };
	struct verification v = { 0 };
	struct signed_in in = { 0 };
	struct call c = { .f = f };

	CHECK(sign_up(f, ADA, PASSWORD, &r) == OK);
	fixture_trail(f);
	fixture_posts(f);
	CHECK(call_login(&c, ADA, WRONG, &in, &v) == ERR_INVALID_CREDENTIALS);
	POSTS(f, "");
	CHECK(call_login(&c, ADA, PASSWORD, &in, &v) == ERR_VERIFICATION_REQUIRED);
	POSTS(f, "email verification_code");
	TRAIL(f, "user.login_failed invalid_credentials, user.login_failed verification_required");
	CHECK(verify(f, r.verification.flow_id, r.verification.otp, &in) == ERR_OTP_INVALID);
	CHECK(verify(f, v.flow_id, v.otp, &in) == OK);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
}

void login_upgrades_hash(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct user_row before = person(f, ADA), after;

	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
	CHECK(str_eq(person(f, ADA).password, before.password));
	service_fixture_hasher(f, 11);
	service_fixture_advance(US_PER_MIN);
	CHECK(sign_in(f, ADA, WRONG, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(str_eq(person(f, ADA).password, before.password));
	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
	after = person(f, ADA);
	CHECK(str_starts(after.password, STR("pbkdf2_sha256$11$")));
	/* It is still the password she chose when she chose it. */
	CHECK(after.password_at_us == before.password_at_us);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
	CHECK(str_eq(person(f, ADA).password, after.password));
}

struct given_hash {
	struct uuid user;
	struct str encoded;
};

static enum err give_hash(struct tx *tx, void *arg)
{
	const struct given_hash *given = arg;
	bool changed;

	return user_set_password(
	    tx, given->user, given->encoded, STR_NULL, now_wall_us(), &changed);
}

/* As another program hashed the password; the first sign-in replaces it. */
void login_takes_old_hashes(void *arg)
{
	static const struct str old_forms[] = {
		STR_INIT("bcrypt$$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS"),
		STR_INIT("scrypt$16$NaCl$8$1$omuTShflqj67NE0jQ909tq3ppsLaVjNZ+tsCBY0bA5bb5TCeKQWRFP"
			 "pI7fqaeAoqTu50m8FkTWFVBd+4ok3cxg=="),
		STR_INIT("sha1$NaCl$e7aa742af15600a1a4965c99d7507372ce1f87b1"),
	};
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct given_hash given = { .user = person(f, ADA).id };

	for (size_t i = 0; i < ARRAY_LEN(old_forms); i++) {
		given.encoded = old_forms[i];
		fixture_store_tx(f, give_hash, &given);
		CHECK(sign_in(f, ADA, WRONG, &in) == ERR_INVALID_CREDENTIALS);
		CHECK(str_eq(person(f, ADA).password, old_forms[i]));
		CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
		CHECK(str_starts(person(f, ADA).password, STR("pbkdf2_sha256$10$")));
		CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
	}
}

void login_failures_run_out(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct verification v = { 0 };
	struct call c = { .f = f };

	f->service.config.throttle_burst.max = 1000;
	for (int i = 0; i < 10; i++)
		CHECK(call_login(&c, ADA, WRONG, &in, &v) == ERR_INVALID_CREDENTIALS);
	fixture_trail(f);
	/* Also the right one, under any spelling, from anywhere. */
	CHECK(call_login(&c, STR("aDa@EXAMPLE.com"), PASSWORD, &in, &v) == ERR_THROTTLED);
	CHECK(c.rq->retry_after_us > 14 * US_PER_MIN && c.rq->retry_after_us <= 15 * US_PER_MIN);
	CHECK(c.rq->hash_us == 0);
	c.address = "2001:db8::1";
	CHECK(call_login(&c, ADA, PASSWORD, &in, &v) == ERR_THROTTLED);
	TRAIL(f, "");
	/* Nobody else is locked out, known or not. */
	CHECK(sign_in(f, STR("nobody@example.com"), WRONG, &in) == ERR_INVALID_CREDENTIALS);
	service_fixture_advance(c.rq->retry_after_us);
	CHECK(call_login(&c, ADA, PASSWORD, &in, &v) == OK);
}

/* A success forgives what was counted before it: ten more may go wrong. */
void login_forgives(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);

	f->service.config.throttle_burst.max = 1000;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 9; i++)
			CHECK(sign_in(f, ADA, WRONG, &in) == ERR_INVALID_CREDENTIALS);
		CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
	}
}

/* Spaced out over days, a hundred in a row are the end of it, until a success. */
void login_failures_in_a_row(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);

	for (int i = 0; i < 100; i++) {
		service_fixture_advance(15 * US_PER_MIN);
		CHECK(sign_in(f, ADA, WRONG, &in) == ERR_INVALID_CREDENTIALS);
	}
	service_fixture_advance(US_PER_DAY);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == ERR_THROTTLED);
}

/* Somebody else's guesses do not lock out a device that has signed in before. */
void login_known_device(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA), bob = join(f, STR("bob@example.com")), out = { 0 };
	struct verification v = { 0 };
	struct call c = { .f = f, .device = in.device };

	f->service.config.throttle_burst.max = 1000;
	for (int i = 0; i < 10; i++)
		CHECK(sign_in(f, ADA, WRONG, &out) == ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, ADA, PASSWORD, &out) == ERR_THROTTLED);
	CHECK(call_login(&c, ADA, PASSWORD, &out, &v) == OK);
	/* The stranger's count stands, and the device's own guesses are bounded too. */
	CHECK(sign_in(f, ADA, PASSWORD, &out) == ERR_THROTTLED);
	for (int i = 0; i < 10; i++)
		CHECK(call_login(&c, ADA, WRONG, &out, &v) == ERR_INVALID_CREDENTIALS);
	CHECK(call_login(&c, ADA, PASSWORD, &out, &v) == ERR_THROTTLED);
	/* Another person's device, and what is no device at all, are nothing. */
	c.device = bob.device;
	CHECK(call_login(&c, ADA, PASSWORD, &out, &v) == ERR_THROTTLED);
	c.device = in.tokens.refresh;
	CHECK(call_login(&c, ADA, PASSWORD, &out, &v) == ERR_THROTTLED);
	c.device = secret_of(STR("AAAA"));
	CHECK(call_login(&c, ADA, PASSWORD, &out, &v) == ERR_THROTTLED);
}

/* A device stays known while the master key is being changed. */
void login_known_device_after_new_key(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in before = join(f, ADA), after = { 0 };
	struct verification v = { 0 };
	struct call c = { .f = f };

	f->service.config.throttle_burst.max = 1000;
	service_fixture_keys(f, "21");
	CHECK(sign_in(f, ADA, PASSWORD, &after) == OK);
	for (int i = 0; i < 10; i++)
		CHECK(sign_in(f, ADA, WRONG, &(struct signed_in){ 0 }) == ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, ADA, PASSWORD, &(struct signed_in){ 0 }) == ERR_THROTTLED);
	c.device = before.device;
	CHECK(call_login(&c, ADA, PASSWORD, &(struct signed_in){ 0 }, &v) == OK);
	c.device = after.device;
	CHECK(call_login(&c, ADA, PASSWORD, &(struct signed_in){ 0 }, &v) == OK);
}

void login_burst(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = { 0 };
	struct verification v = { 0 };
	struct call c = { .f = f };

	/* Ten a minute about one identifier. */
	f->service.config.login_failures.max = 0;
	for (int i = 0; i < 10; i++)
		CHECK(sign_in(f, ADA, WRONG, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(call_login(&c, ADA, WRONG, &in, &v) == ERR_THROTTLED);
	CHECK(c.rq->retry_after_us > 50 * US_PER_S && c.rq->retry_after_us <= US_PER_MIN);
	service_fixture_advance(c.rq->retry_after_us);
	CHECK(call_login(&c, ADA, WRONG, &in, &v) == ERR_INVALID_CREDENTIALS);
	/* And so many from one network, a /64, about anybody. */
	f->service.config.throttle_address_burst = (struct rate){ 3, US_PER_MIN };
	c.address = "2001:db8:0:1::1";
	for (int i = 0; i < 3; i++)
		CHECK(
		    call_login(&c, str_printf(fixture_request(f, "t")->arena, "p%d@example.com", i),
			WRONG, &in, &v) == ERR_INVALID_CREDENTIALS);
	c.address = "2001:db8:0:1:ffff::2";
	CHECK(call_login(&c, STR("q@example.com"), WRONG, &in, &v) == ERR_THROTTLED);
	c.address = "2001:db8:0:2::1";
	CHECK(call_login(&c, STR("q@example.com"), WRONG, &in, &v) == ERR_INVALID_CREDENTIALS);
}

void login_retry(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in a = join(f, ADA), b = { 0 };
	struct verification v = { 0 };
	struct call c = { .f = f, .key = "k1" };

	CHECK(call_login(&c, ADA, PASSWORD, &a, &v) == OK);
	CHECK(call_login(&c, ADA, PASSWORD, &b, &v) == OK);
	CHECK(secret_equal(a.tokens.refresh, b.tokens.refresh));
	CHECK(uuid_equal(a.user.id, b.user.id) && fixture_live_sessions(f, a.user.id) == 2);
	TRAIL(f, "user.logged_in ok");
	c.body = "{\"password\":\"other\"}";
	CHECK(call_login(&c, ADA, WRONG, &b, &v) == ERR_IDEMPOTENCY_CONFLICT);
}

/* Whoever knows a key must not test passwords against it: a conflict is as good as a guess. */
void login_retry_is_no_oracle(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct verification v = { 0 };
	struct call c = { .f = f, .key = "k1" };

	CHECK(call_login(&c, ADA, PASSWORD, &in, &v) == OK);
	c.body = "{\"password\":\"other\"}";
	for (int i = 0; i < 9; i++)
		CHECK(call_login(&c, ADA, WRONG, &in, &v) == ERR_IDEMPOTENCY_CONFLICT);
	CHECK(call_login(&c, ADA, WRONG, &in, &v) == ERR_THROTTLED);
}

/* The session a key made has ended: there is nothing to answer again, and no second one is made. */
void login_retry_after_logout(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA), again = { 0 };
	struct verification v = { 0 };
	struct call c = { .f = f, .key = "k1" };

	CHECK(call_login(&c, ADA, PASSWORD, &in, &v) == OK);
	CHECK(sign_out(f, in.tokens.refresh) == OK);
	CHECK(call_login(&c, ADA, PASSWORD, &again, &v) == ERR_IDEMPOTENCY_CONFLICT);
	CHECK(again.tokens.refresh.len == 0);
	c.key = "k2";
	CHECK(call_login(&c, ADA, PASSWORD, &again, &v) == OK);
}

/* A retry is answered while its author may sign in, no longer. */
void login_retry_of_the_disabled(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA), again = { 0 };
	struct verification v = { 0 };
	struct call c = { .f = f, .key = "k1" };

	CHECK(call_login(&c, ADA, PASSWORD, &in, &v) == OK);
	set_state(f, ADA, USER_DISABLED);
	CHECK(call_login(&c, ADA, PASSWORD, &again, &v) == ERR_INVALID_CREDENTIALS);
	CHECK(again.tokens.refresh.len == 0);
}

/* One key for everything, as a careless client sends it: a conflict, never somebody else's answer.
 */
void login_retry_of_another(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), bob = { 0 };
	struct registered r = { 0 };
	struct verification v = { 0 };
	struct call c = { .f = f, .key = "1", .body = "ada" };

	CHECK(sign_up(f, STR("bob@example.com"), PASSWORD, &r) == OK);
	CHECK(call_login(&c, ADA, PASSWORD, &ada, &v) == OK);
	c.body = "bob";
	CHECK(call_verify(&c, r.verification.flow_id, r.verification.otp, &bob) == OK);
	CHECK(!uuid_equal(ada.user.id, bob.user.id));
	CHECK(
	    call_login(&c, STR("bob@example.com"), PASSWORD, &bob, &v) == ERR_IDEMPOTENCY_CONFLICT);
	/* Also when what it stood for is over. */
	CHECK(sign_out(f, ada.tokens.refresh) == OK);
	CHECK(
	    call_login(&c, STR("bob@example.com"), PASSWORD, &bob, &v) == ERR_IDEMPOTENCY_CONFLICT);
}
