/* One-time codes: bound to one flow, few tries, short life, and the same for nobody. */
#include "service_cases.h"

static struct verification begin(struct service_fixture *f)
{
	struct registered r = { 0 };

	CHECK(sign_up(f, ADA, PASSWORD, &r) == OK);
	fixture_trail(f);
	fixture_posts(f);
	return r.verification;
}

void code_right(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f);
	struct signed_in in = { 0 };
	struct user_row row;

	CHECK(verify(f, v.flow_id, v.otp, &in) == OK);
	CHECK(in.user.is_verified && in.user.last_login_us > 0 && in.tokens.expires_in_s == 300);
	CHECK(str_eq(in.user.email, ADA) && in.device.len > 0);
	row = person(f, ADA);
	CHECK(row.is_verified && row.last_login_us > 0 && uuid_equal(row.id, in.user.id));
	CHECK(authenticate(f, in.tokens.access) == OK);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
	TRAIL(f, "user.verified ok, user.logged_in ok, user.logged_in ok");
	POSTS(f, "");
}

void code_used_twice(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f);
	struct signed_in in = { 0 };

	CHECK(verify_address(f, ADA, v.otp, &in) == OK);
	CHECK(verify(f, v.flow_id, v.otp, &in) == ERR_OTP_INVALID);
	CHECK(verify_address(f, ADA, v.otp, &in) == ERR_OTP_INVALID);
	TRAIL(f, "user.verified ok, user.logged_in ok, otp.failed otp_invalid, "
		 "otp.failed otp_invalid");
	CHECK(fixture_live_sessions(f, person(f, ADA).id) == 1);
}

void code_exhausted(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f);
	struct signed_in in = { 0 };

	for (unsigned i = 0; i < 5; i++)
		CHECK(verify(f, v.flow_id, wrong(f, v.otp, i), &in) == ERR_OTP_INVALID);
	CHECK(verify(f, v.flow_id, v.otp, &in) == ERR_OTP_INVALID);
	TRAIL(f, "otp.failed otp_invalid, otp.failed otp_invalid, otp.failed otp_invalid, "
		 "otp.failed otp_invalid, otp.failed otp_invalid, otp.failed otp_invalid");
	/* A resend gives a new code and no new tries. */
	service_fixture_advance(US_PER_MIN);
	CHECK(resend(f, v.flow_id, &v) == OK);
	CHECK(verify(f, v.flow_id, v.otp, &in) == ERR_OTP_INVALID);
	CHECK(!person(f, ADA).is_verified);
}

void code_almost_exhausted(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f);
	struct signed_in in = { 0 };

	for (unsigned i = 0; i < 4; i++)
		CHECK(verify(f, v.flow_id, wrong(f, v.otp, i), &in) == ERR_OTP_INVALID);
	CHECK(verify(f, v.flow_id, v.otp, &in) == OK);
}

/* Tries are counted over flows too: new flows buy no endless guessing. */
void code_budget(void *arg)
{
	struct service_fixture *f = arg;
	struct registered r = { 0 };
	struct signed_in in = { 0 };
	struct call c = { .f = f };

	for (int round = 0; round < 2; round++) {
		CHECK(sign_up(f, ADA, PASSWORD, &r) == OK);
		for (unsigned i = 0; i < 5; i++)
			CHECK(call_verify(&c, r.verification.flow_id,
				  wrong(f, r.verification.otp, i), &in) == ERR_OTP_INVALID);
		service_fixture_advance(US_PER_MIN);
	}
	CHECK(sign_up(f, ADA, PASSWORD, &r) == OK);
	fixture_trail(f);
	CHECK(call_verify(&c, r.verification.flow_id, r.verification.otp, &in) == ERR_THROTTLED);
	CHECK(c.rq->retry_after_us > 50 * US_PER_MIN && c.rq->retry_after_us <= US_PER_HOUR);
	CHECK(call_verify_address(&c, STR("ADA@example.com"), r.verification.otp, &in) ==
	      ERR_THROTTLED);
	TRAIL(f, "");
	service_fixture_advance(c.rq->retry_after_us);
	CHECK(resend_address(f, ADA, &r.verification) == OK);
	CHECK(call_verify(&c, r.verification.flow_id, r.verification.otp, &in) == OK);
}

void code_expired(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f);
	struct signed_in in = { 0 };

	service_fixture_advance(5 * US_PER_MIN);
	CHECK(verify(f, v.flow_id, v.otp, &in) == ERR_OTP_INVALID);
	/* The flow is still there for a fresh one. */
	CHECK(resend(f, v.flow_id, &v) == OK);
	CHECK(verify(f, v.flow_id, v.otp, &in) == OK);
}

/* A flow ends; what is promised of a code sent shortly before is no more than that. */
void code_at_the_end_of_its_flow(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f);
	struct signed_in in = { 0 };

	service_fixture_advance(58 * US_PER_MIN);
	CHECK(resend(f, v.flow_id, &v) == OK);
	CHECK(v.expires_in_s <= 120 && v.expires_in_s > 100);
	service_fixture_advance(2 * US_PER_MIN);
	CHECK(verify(f, v.flow_id, v.otp, &in) == ERR_OTP_INVALID);
	CHECK(resend(f, v.flow_id, &v) == ERR_OTP_INVALID);
}

void code_voided_by_newer(void *arg)
{
	struct service_fixture *f = arg;
	struct verification old = begin(f), v = { 0 };
	struct signed_in in = { 0 };

	service_fixture_advance(US_PER_MIN);
	CHECK(resend(f, old.flow_id, &v) == OK);
	CHECK(uuid_equal(old.flow_id, v.flow_id));
	CHECK(str_eq(old.destination, v.destination) && str_eq(old.channel, v.channel));
	POSTS(f, "email verification_code");
	TRAIL(f, "otp.sent ok");
	if (!str_eq(old.otp, v.otp))
		CHECK(verify(f, v.flow_id, old.otp, &in) == ERR_OTP_INVALID);
	CHECK(verify(f, v.flow_id, v.otp, &in) == OK);
}

void code_of_another_flow(void *arg)
{
	struct service_fixture *f = arg;
	struct verification ada = begin(f);
	struct registered bob = { 0 };
	struct signed_in in = { 0 };

	CHECK(sign_up(f, STR("bob@example.com"), PASSWORD, &bob) == OK);
	if (!str_eq(ada.otp, bob.verification.otp))
		CHECK(verify(f, ada.flow_id, bob.verification.otp, &in) == ERR_OTP_INVALID);
	CHECK(verify(f, uuid_v4(), ada.otp, &in) == ERR_OTP_INVALID);
	CHECK(verify_address(f, STR("nobody@example.com"), ada.otp, &in) == ERR_OTP_INVALID);
	CHECK(verify(f, ada.flow_id, STR(""), &in) == ERR_OTP_INVALID);
	CHECK(verify(f, ada.flow_id, ada.otp, &in) == OK);
}

struct twin {
	struct uuid of, id;
	struct str code_hash;
};

/* The same flow once more, under another purpose. */
static enum err twin_fn(struct tx *tx, void *arg)
{
	struct twin *t = arg;
	struct flow_row row = { 0 };
	bool found = false;

	CHECK(flow_by_id(tx, t->of, &row, &found) == OK && found);
	row.id = t->id;
	row.purpose = STR("reset");
	row.code_hash = t->code_hash;
	return flow_insert(tx, &row);
}

/* A code for one thing opens nothing else, even with its own flow's id. */
void code_of_another_purpose(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f);
	struct twin twin = { .of = v.flow_id, .id = uuid_v4() };
	struct str parts[] = { uuid_bytes(&twin.id), STR("reset"), v.otp };
	struct signed_in in = { 0 };
	struct mac mac;

	CHECK(keyring_mac(f->service.keys, KEY_OTP, KEYRING_ACTIVE, parts, 3, &mac));
	twin.code_hash = str_bytes(mac.b, sizeof(mac.b));
	fixture_store_tx(f, twin_fn, &twin);
	CHECK(verify(f, twin.id, v.otp, &in) == ERR_OTP_INVALID);
	service_fixture_advance(US_PER_MIN);
	CHECK(resend(f, twin.id, &v) == ERR_OTP_INVALID);
	CHECK(!person(f, ADA).is_verified);
}

/* Nobody there, somebody there: a decoy looks, counts, cools down and runs out the same. */
void code_decoy(void *arg)
{
	struct service_fixture *f = arg;
	struct str nobody = STR("nobody@example.com"), bob = STR("bob@example.com");
	struct registered r = { 0 };
	struct verification decoy = { 0 }, known = { 0 }, real = { 0 };
	struct signed_in in = { 0 };
	struct call c = { .f = f };

	join(f, ADA);
	CHECK(sign_up(f, bob, PASSWORD, &r) == OK);
	service_fixture_advance(US_PER_MIN);
	fixture_trail(f);
	fixture_posts(f);
	CHECK(resend_address(f, nobody, &decoy) == OK);
	CHECK(resend_address(f, ADA, &known) == OK);
	POSTS(f, "");
	CHECK(resend_address(f, bob, &real) == OK);
	POSTS(f, "email verification_code");
	TRAIL(f, "otp.sent ok, otp.sent ok, otp.sent ok");
	CHECK(decoy.otp.len == 6 && known.otp.len == 6 && real.otp.len == 6);
	CHECK(decoy.expires_in_s == real.expires_in_s && known.expires_in_s == real.expires_in_s);
	CHECK(decoy.resend_in_s == real.resend_in_s);
	CHECK(str_eq(decoy.destination, STR("n**@example.com")));
	CHECK(str_eq(known.destination, STR("a**@example.com")));
	CHECK(call_resend_address(&c, nobody, &decoy) == ERR_THROTTLED);
	CHECK(c.rq->retry_after_us > 50 * US_PER_S && c.rq->retry_after_us <= US_PER_MIN);
	CHECK(call_resend_address(&c, ADA, &known) == ERR_THROTTLED);
	CHECK(call_resend(&c, decoy.flow_id, &decoy) == ERR_THROTTLED);
	service_fixture_advance(US_PER_MIN);
	CHECK(resend(f, decoy.flow_id, &decoy) == OK && resend(f, known.flow_id, &known) == OK);
	POSTS(f, "");
	CHECK(verify(f, decoy.flow_id, decoy.otp, &in) == ERR_OTP_INVALID);
	CHECK(verify_address(f, nobody, decoy.otp, &in) == ERR_OTP_INVALID);
	CHECK(verify(f, known.flow_id, known.otp, &in) == ERR_OTP_INVALID);
	CHECK(verify_address(f, ADA, known.otp, &in) == ERR_OTP_INVALID);
}

void code_resend_cools_down(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f);
	struct call c = { .f = f };

	CHECK(call_resend(&c, v.flow_id, &v) == ERR_THROTTLED);
	CHECK(c.rq->retry_after_us > 50 * US_PER_S && c.rq->retry_after_us <= US_PER_MIN);
	CHECK(call_resend_address(&c, ADA, &v) == ERR_THROTTLED);
	service_fixture_advance(c.rq->retry_after_us);
	CHECK(call_resend_address(&c, ADA, &v) == OK);
	CHECK(call_resend(&c, v.flow_id, &v) == ERR_THROTTLED);
	POSTS(f, "email verification_code");
	TRAIL(f, "otp.sent ok");
}

/* Five messages an hour to one recipient, whatever asks for them. */
void code_sends_are_capped(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f);
	struct registered r = { 0 };
	struct signed_in in = { 0 };
	struct call c = { .f = f };

	for (int i = 0; i < 2; i++) {
		service_fixture_advance(US_PER_MIN);
		CHECK(resend(f, v.flow_id, &v) == OK);
	}
	CHECK(call_login(&c, ADA, PASSWORD, &in, &v) == ERR_VERIFICATION_REQUIRED);
	CHECK(sign_up(f, STR("ADA@example.COM"), PASSWORD, &r) == OK);
	POSTS(f, "email verification_code, email verification_code, email verification_code, "
		 "email verification_code");
	service_fixture_advance(US_PER_MIN);
	CHECK(call_resend(&c, r.verification.flow_id, &v) == ERR_THROTTLED);
	CHECK(c.rq->retry_after_us > 50 * US_PER_MIN);
	CHECK(sign_up(f, ADA, PASSWORD, &r) == ERR_THROTTLED);
	POSTS(f, "");
	service_fixture_advance(c.rq->retry_after_us);
	CHECK(resend_address(f, ADA, &v) == OK);
}

void code_resend_of_the_dead(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f), gone = { 0 };
	struct signed_in in = { 0 };

	CHECK(resend(f, uuid_v4(), &gone) == ERR_OTP_INVALID);
	CHECK(verify(f, v.flow_id, v.otp, &in) == OK);
	service_fixture_advance(US_PER_MIN);
	CHECK(resend(f, v.flow_id, &gone) == ERR_OTP_INVALID);
	/* By address: she is verified, so it is a decoy. */
	fixture_posts(f);
	CHECK(resend_address(f, ADA, &gone) == OK);
	POSTS(f, "");
}

/* Disabled between register and resend: no message, no code, and no sign of it. */
void code_of_the_disabled(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f);
	struct signed_in in = { 0 };

	set_state(f, ADA, USER_DISABLED);
	service_fixture_advance(US_PER_MIN);
	CHECK(resend(f, v.flow_id, &v) == OK);
	CHECK(str_eq(v.destination, STR("a**@example.com")));
	service_fixture_advance(US_PER_MIN);
	CHECK(resend_address(f, ADA, &v) == OK);
	POSTS(f, "");
	CHECK(verify(f, v.flow_id, v.otp, &in) == ERR_OTP_INVALID);
	CHECK(!person(f, ADA).is_verified);
}

void code_verify_retry(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f);
	struct call c = { .f = f, .key = "k1" };
	struct signed_in a = { 0 }, b = { 0 };

	CHECK(call_verify(&c, v.flow_id, v.otp, &a) == OK);
	CHECK(call_verify(&c, v.flow_id, v.otp, &b) == OK);
	CHECK(secret_equal(a.tokens.refresh, b.tokens.refresh));
	CHECK(a.tokens.refresh_expires_at_us == b.tokens.refresh_expires_at_us);
	CHECK(authenticate(f, b.tokens.access) == OK);
	CHECK(fixture_live_sessions(f, a.user.id) == 1);
	TRAIL(f, "user.verified ok, user.logged_in ok");
	c.body = "{\"otp\":\"000000\"}";
	CHECK(call_verify(&c, v.flow_id, v.otp, &b) == ERR_IDEMPOTENCY_CONFLICT);
}

void code_resend_retry(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = begin(f), a = { 0 }, b = { 0 };
	struct str strangers = STR("nobody@example.com");
	struct call c = { .f = f, .key = "k1" };

	service_fixture_advance(US_PER_MIN);
	CHECK(call_resend(&c, v.flow_id, &a) == OK && call_resend(&c, v.flow_id, &b) == OK);
	CHECK(uuid_equal(a.flow_id, b.flow_id) && str_eq(a.destination, b.destination));
	POSTS(f, "email verification_code");
	c.key = "k2";
	CHECK(call_resend_address(&c, strangers, &a) == OK);
	CHECK(call_resend_address(&c, strangers, &b) == OK);
	CHECK(uuid_equal(a.flow_id, b.flow_id));
	TRAIL(f, "otp.sent ok, otp.sent ok");
	c.body = "{\"flow_id\":1}";
	CHECK(call_resend_address(&c, strangers, &b) == ERR_IDEMPOTENCY_CONFLICT);
}

void code_target_missing(void *arg)
{
	struct service_fixture *f = arg;
	struct call c = { .f = f };
	struct verification v = { 0 };
	struct signed_in in = { 0 };

	CHECK(call_verify_address(&c, STR_NULL, STR("123456"), &in) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(c.rq, "flow_id"));
	CHECK(call_verify_address(&c, STR("@"), STR("123456"), &in) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(c.rq, "email_or_phone"));
	CHECK(call_resend_address(&c, STR_NULL, &v) == ERR_VALIDATION_FAILED);
	TRAIL(f, "");
}

/* Leading zeros are part of a code; each of its digits is any digit. */
void code_digits(void *arg)
{
	struct service_fixture *f = arg;
	struct verification v = { 0 };
	int seen[10] = { 0 }, zeros = 0;

	f->service.config.throttle_enabled = false;
	f->service.config.otp_digits = 10;
	for (int i = 0; i < 60; i++) {
		struct str who =
		    str_printf(fixture_request(f, "test")->arena, "u%d@example.com", i);

		CHECK(resend_address(f, who, &v) == OK && v.otp.len == 10);
		for (size_t d = 0; d < v.otp.len; d++)
			seen[v.otp.ptr[d] - '0']++;
		zeros += v.otp.ptr[0] == '0';
	}
	/* 60 expected of each; less than 20 of any is a chance of one in a million. */
	for (int d = 0; d < 10; d++)
		CHECK(seen[d] >= 20);
	CHECK(zeros >= 0 && zeros < 40);
}
