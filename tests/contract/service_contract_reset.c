/* Password reset: one proof, used once, and nobody learns who is there. */
#include "service_cases.h"

#define NOBODY STR("nobody@example.com")
#define PHONE STR("+2348031234567")
#define PAGE "https://shop.example/reset/"

struct reset_proof proof_of_link(struct str link)
{
	struct str parts = str_from(link, sizeof(PAGE) - 1);
	ssize_t slash = str_find(parts, '/');

	CHECK(str_starts(link, STR(PAGE)) && slash > 0);
	return (struct reset_proof){
		.has_link = true,
		.uidb64 = str_upto(parts, (size_t)slash),
		.token = secret_of(str_from(parts, (size_t)slash + 1)),
	};
}

static enum err request(struct service_fixture *f, struct str address, struct reset_sent *ret)
{
	return call_reset_request(&(struct call){ .f = f }, address, ret);
}

static enum err confirm(
    struct service_fixture *f, const struct reset_proof *proof, struct str password)
{
	return call_reset_confirm(&(struct call){ .f = f }, proof, password);
}

/* Ask, and read the mail. */
static struct reset_proof mailed(struct service_fixture *f, struct str address)
{
	struct reset_sent sent = { 0 };

	CHECK(request(f, address, &sent) == OK);
	return proof_of_link(fixture_newest_post(f).link);
}

static struct reset_proof with_flow(struct uuid flow, struct str code)
{
	return (struct reset_proof){
		.target = { .has_flow = true, .flow_id = flow },
		.code = secret_of(code),
	};
}

static struct reset_proof with_address(struct str address, struct str code)
{
	return (struct reset_proof){
		.target = { .email_or_phone = address },
		.code = secret_of(code),
	};
}

/* Ask, and read the SMS. */
static struct reset_proof texted(struct service_fixture *f, struct str *ret_code)
{
	struct reset_sent sent = { 0 };

	CHECK(request(f, PHONE, &sent) == OK && sent.expires_in_s == 300);
	*ret_code = fixture_newest_post(f).code;
	return with_flow(sent.flow_id, *ret_code);
}

static struct str text(struct service_fixture *f, struct secret s)
{
	return str_dup(fixture_request(f, "test")->arena, secret_reveal(s));
}

void reset_by_link(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA), out = { 0 };
	struct reset_sent sent = { 0 };
	struct token_pair pair = { 0 };
	struct reset_proof proof;
	struct message mail;

	service_fixture_advance(US_PER_MIN);
	CHECK(request(f, STR(" ADA@Example.com "), &sent) == OK);
	CHECK(sent.expires_in_s == 1800 && !uuid_is_nil(sent.flow_id));
	POSTS(f, "email password_reset");
	TRAIL(f, "password.reset_requested ok");
	mail = fixture_newest_post(f);
	CHECK(str_eq(mail.to, ADA) && str_empty(mail.code) && mail.expires_at_us > 0);
	proof = proof_of_link(mail.link);
	CHECK(proof.token.len == 43 && authenticate(f, in.tokens.access) == OK);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == OK);
	TRAIL(f, "password.reset ok");
	POSTS(f, "email password_changed");
	/* Every session is over, and the old password with them. */
	CHECK(authenticate(f, in.tokens.access) == ERR_TOKEN_REVOKED);
	CHECK(refresh(f, in.tokens.refresh, &pair) == ERR_TOKEN_REVOKED);
	CHECK(fixture_live_sessions(f, in.user.id) == 0);
	CHECK(sign_in(f, ADA, PASSWORD, &out) == ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &out) == OK);
}

void reset_by_code(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in out = { 0 };
	struct reset_proof proof;
	struct str code;

	join(f, PHONE);
	proof = texted(f, &code);
	POSTS(f, "sms password_reset");
	CHECK(code.len == 6 && str_empty(fixture_newest_post(f).link));
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == OK);
	CHECK(sign_in(f, PHONE, OTHER_PASSWORD, &out) == OK);
	texted(f, &code);
	proof = with_address(STR("0803 123 4567"), code);
	CHECK(confirm(f, &proof, PASSWORD) == OK && sign_in(f, PHONE, PASSWORD, &out) == OK);
	proof = with_address(STR("no address"), code);
	CHECK(confirm(f, &proof, PASSWORD) == ERR_VALIDATION_FAILED);
}

/* No page for links is known: then a mail carries a code, and proves as much. */
void reset_without_a_page(void *arg)
{
	struct service_fixture *f = arg;
	struct reset_sent sent = { 0 };
	struct reset_proof proof;
	struct message mail;

	join(f, ADA);
	f->service.config.reset_url = STR_NULL;
	CHECK(request(f, ADA, &sent) == OK && sent.expires_in_s == 300);
	mail = fixture_newest_post(f);
	CHECK(str_empty(mail.link) && mail.code.len == 6);
	proof = with_address(ADA, mail.code);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == OK);
}

void reset_padded_or_not(void *arg)
{
	struct service_fixture *f = arg;
	struct reset_proof proof;

	join(f, ADA);
	for (int padding = 0; padding < 3; padding++) {
		proof = mailed(f, ADA);
		proof.uidb64 = str_printf(fixture_request(f, "test")->arena, "%.*s%s",
		    STR_ARG(proof.uidb64), &"=="[2 - padding]);
		CHECK(confirm(f, &proof, padding % 2 ? PASSWORD : OTHER_PASSWORD) == OK);
	}
}

void reset_once(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in out = { 0 };
	struct reset_proof proof;

	join(f, ADA);
	proof = mailed(f, ADA);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == OK);
	CHECK(confirm(f, &proof, PASSWORD) == ERR_RESET_INVALID);
	TRAIL(f, "password.reset_requested ok, password.reset ok, "
		 "password.reset_failed reset_invalid");
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &out) == OK);
}

void reset_newest_only(void *arg)
{
	struct service_fixture *f = arg;
	struct reset_proof old, new;

	join(f, ADA);
	old = mailed(f, ADA);
	service_fixture_advance(US_PER_S);
	new = mailed(f, STR("ADA@EXAMPLE.COM"));
	CHECK(confirm(f, &old, OTHER_PASSWORD) == ERR_RESET_INVALID);
	/* Also across a change of the master key, under which she is looked up. */
	service_fixture_keys(f, "21");
	service_fixture_advance(US_PER_S);
	old = new;
	new = mailed(f, ADA);
	CHECK(confirm(f, &old, OTHER_PASSWORD) == ERR_RESET_INVALID);
	CHECK(confirm(f, &new, OTHER_PASSWORD) == OK);
}

void reset_expires(void *arg)
{
	struct service_fixture *f = arg;
	struct reset_proof proof;
	struct str code;

	join(f, ADA);
	join(f, PHONE);
	proof = mailed(f, ADA);
	service_fixture_advance(30 * US_PER_MIN);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == ERR_RESET_INVALID);
	proof = mailed(f, ADA);
	service_fixture_advance(29 * US_PER_MIN);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == OK);
	/* A code lives no longer than any code, nor than a link. */
	proof = texted(f, &code);
	service_fixture_advance(5 * US_PER_MIN);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == ERR_RESET_INVALID);
	f->service.config.reset_ttl_us = US_PER_MIN;
	proof = with_address(PHONE, code);
	CHECK(request(f, PHONE, &(struct reset_sent){ 0 }) == OK);
	proof.code = secret_of(fixture_newest_post(f).code);
	service_fixture_advance(US_PER_MIN);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == ERR_RESET_INVALID);
}

struct renaming {
	struct uuid id;
	struct str password;
};

static enum err set_password_fn(struct tx *tx, void *arg)
{
	const struct renaming *r = arg;
	bool changed = false;

	CHECK(user_set_password(tx, r->id, r->password, STR_NULL, now_wall_us(), &changed) == OK);
	CHECK(changed);
	return OK;
}

/* Another password, whoever set it, and the link is dead; a better hash of the same is no other. */
void reset_dies_with_the_password(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct renaming r = { .id = person(f, ADA).id };
	struct reset_proof proof;
	struct call c = { .f = f };

	proof = mailed(f, ADA);
	service_fixture_hasher(f, 11);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
	CHECK(str_starts(person(f, ADA).password, STR("pbkdf2_sha256$11$")));
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == OK);
	proof = mailed(f, ADA);
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &in) == OK);
	CHECK(call_change(&c, in.tokens.access, OTHER_PASSWORD, PASSWORD) == OK);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == ERR_RESET_INVALID);
	proof = mailed(f, ADA);
	service_fixture_advance(US_PER_S);
	r.password = person(f, ADA).password;
	fixture_store_tx(f, set_password_fn, &r);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == ERR_RESET_INVALID);
}

/* Wrong, foreign, unknown, garbled: one answer, one row each. */
void reset_refusals(void *arg)
{
	struct service_fixture *f = arg;
	struct reset_proof ada, bob, wrong_ones[8];
	struct str token;

	join(f, ADA);
	join(f, STR("bob@example.com"));
	ada = mailed(f, ADA);
	bob = mailed(f, STR("bob@example.com"));
	fixture_trail(f);
	for (size_t i = 0; i < ARRAY_LEN(wrong_ones); i++)
		wrong_ones[i] = ada;
	token = text(f, ada.token);
	wrong_ones[0].token = bob.token;
	wrong_ones[1].uidb64 = bob.uidb64;
	wrong_ones[2].uidb64 = STR("MQ");
	wrong_ones[3].uidb64 = STR("not base64!");
	wrong_ones[4].token = secret_of(str_upto(token, 42));
	wrong_ones[5].token = secret_of(STR("d1rcit-336204db73b84abac5351d9a82f5a4f4"));
	wrong_ones[6] = with_address(ADA, str_upto(token, 16));
	wrong_ones[7] = with_flow(uuid_v4(), STR("123456"));
	for (size_t i = 0; i < ARRAY_LEN(wrong_ones); i++) {
		CHECK(confirm(f, &wrong_ones[i], OTHER_PASSWORD) == ERR_RESET_INVALID);
		TRAIL(f, "password.reset_failed reset_invalid");
	}
	POSTS(f, "email password_reset, email password_reset");
	CHECK(confirm(f, &ada, OTHER_PASSWORD) == OK && confirm(f, &bob, OTHER_PASSWORD) == OK);
}

/* A code for one thing opens nothing else: not with its flow's id, nor with the address. */
void reset_of_another_purpose(void *arg)
{
	struct service_fixture *f = arg;
	struct registered r = { 0 };
	struct reset_proof proof;
	struct signed_in in = { 0 };
	struct str code;

	CHECK(sign_up(f, PHONE, PASSWORD, &r) == OK);
	proof = with_flow(r.verification.flow_id, r.verification.otp);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == ERR_RESET_INVALID);
	proof = with_address(PHONE, r.verification.otp);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == ERR_RESET_INVALID);
	proof = texted(f, &code);
	CHECK(verify(f, proof.target.flow_id, code, &in) == ERR_OTP_INVALID);
	if (!str_eq(code, r.verification.otp))
		CHECK(verify_address(f, PHONE, code, &in) == ERR_OTP_INVALID);
	/* Neither is in the other's way. */
	CHECK(verify(f, r.verification.flow_id, r.verification.otp, &in) == OK);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == OK);
}

/* Nobody, disabled, deleted: the same reply and no message. */
void reset_decoys(void *arg)
{
	static const enum user_state states[] = { USER_DISABLED, USER_DELETED };
	struct service_fixture *f = arg;
	struct reset_sent known = { 0 }, gone = { 0 };
	struct reset_proof proof;

	join(f, ADA);
	CHECK(request(f, ADA, &known) == OK);
	proof = proof_of_link(fixture_newest_post(f).link);
	POSTS(f, "email password_reset");
	CHECK(request(f, NOBODY, &gone) == OK);
	CHECK(gone.expires_in_s == known.expires_in_s && !uuid_is_nil(gone.flow_id));
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		set_state(f, ADA, states[i]);
		/* What she was sent before opens nothing now. */
		CHECK(confirm(f, &proof, OTHER_PASSWORD) == ERR_RESET_INVALID);
		CHECK(request(f, ADA, &gone) == OK);
		CHECK(gone.expires_in_s == known.expires_in_s);
	}
	POSTS(f, "");
	TRAIL(f, "password.reset_requested ok, password.reset_requested ok, "
		 "password.reset_failed reset_invalid, password.reset_requested ok, "
		 "password.reset_failed reset_invalid, password.reset_requested ok");
}

/* Proving the address is what verification waits for (docs/adr/0015). */
void reset_of_the_unverified(void *arg)
{
	struct service_fixture *f = arg;
	struct registered r = { 0 };
	struct signed_in in = { 0 };
	struct reset_proof proof;

	/* A stranger opens an account in her name; she chooses "forgot password". */
	CHECK(sign_up(f, ADA, OTHER_PASSWORD, &r) == OK);
	fixture_trail(f);
	proof = mailed(f, ADA);
	CHECK(str_empty(fixture_newest_post(f).name));
	CHECK(confirm(f, &proof, PASSWORD) == OK);
	TRAIL(f, "password.reset_requested ok, password.reset ok, user.verified ok");
	CHECK(person(f, ADA).is_verified && fixture_live_sessions(f, person(f, ADA).id) == 0);
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
}

/* Who has no password sets one this way; docs/adr/0007 counts on it. */
void reset_of_the_passwordless(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct renaming r = { .id = in.user.id, .password = STR("!") };
	struct reset_proof proof;

	service_fixture_advance(US_PER_S);
	fixture_store_tx(f, set_password_fn, &r);
	proof = mailed(f, ADA);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == OK);
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &in) == OK);
}

/* A password that is refused says why, and the link goes on working. */
void reset_policy(void *arg)
{
	struct service_fixture *f = arg;
	struct str bad[] = { STR("short"), STR("ada@example.com"), STR_NULL };
	struct call c = { .f = f };
	struct reset_proof proof;
	char *long_one = arena_alloc(fixture_request(f, "test")->arena, 1025);

	memset(long_one, 'x', 1025);
	bad[2] = str_bytes(long_one, 1025);
	join(f, ADA);
	proof = mailed(f, ADA);
	fixture_trail(f);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK(call_reset_confirm(&c, &proof, bad[i]) == ERR_PASSWORD_REJECTED);
		CHECK(field_refused(c.rq, "new_password"));
	}
	TRAIL(f, "");
	CHECK(call_reset_confirm(&c, &proof, OTHER_PASSWORD) == OK);
}

void reset_code_exhausted(void *arg)
{
	struct service_fixture *f = arg;
	struct reset_proof proof, guess;
	struct str code;

	join(f, PHONE);
	proof = guess = texted(f, &code);
	for (unsigned i = 0; i < 5; i++) {
		guess.code = secret_of(wrong(f, code, i));
		CHECK(confirm(f, &guess, OTHER_PASSWORD) == ERR_RESET_INVALID);
	}
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == ERR_RESET_INVALID);
}

/* Who knows the flow's id, as whoever asked does, closes nothing for the owner by guessing. */
void reset_link_is_not_exhausted(void *arg)
{
	struct service_fixture *f = arg;
	struct reset_proof proof, guess;

	join(f, ADA);
	proof = guess = mailed(f, ADA);
	for (unsigned i = 0; i < 20; i++) {
		guess.token = secret_of(str_printf(fixture_request(f, "test")->arena, "%040u%.3s",
		    i, (const char *)proof.token.ptr));
		CHECK(confirm(f, &guess, OTHER_PASSWORD) == ERR_RESET_INVALID);
	}
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == OK);
}

/* Tries are counted over flows; those at other codes are others. */
void reset_budget(void *arg)
{
	struct service_fixture *f = arg;
	struct call c = { .f = f };
	struct signed_in in = { 0 };
	struct reset_proof proof;
	struct str code;

	join(f, PHONE);
	for (int round = 0; round < 2; round++) {
		proof = texted(f, &code);
		for (unsigned i = 0; i < 5; i++) {
			proof.code = secret_of(wrong(f, code, i));
			CHECK(confirm(f, &proof, OTHER_PASSWORD) == ERR_RESET_INVALID);
		}
		service_fixture_advance(US_PER_MIN);
	}
	proof = texted(f, &code);
	CHECK(call_reset_confirm(&c, &proof, OTHER_PASSWORD) == ERR_THROTTLED);
	CHECK(c.rq->retry_after_us > 50 * US_PER_MIN && c.rq->retry_after_us <= US_PER_HOUR);
	CHECK(verify_address(f, PHONE, STR("123456"), &in) == ERR_OTP_INVALID);
}

/* Five messages an hour to one recipient; nobody's are counted the same. */
void reset_sends_are_capped(void *arg)
{
	struct service_fixture *f = arg;
	struct reset_sent sent = { 0 };
	struct str people[] = { ADA, NOBODY };
	struct call c = { .f = f };

	join(f, ADA);
	service_fixture_advance(US_PER_HOUR);
	for (size_t p = 0; p < ARRAY_LEN(people); p++) {
		for (int i = 0; i < 5; i++)
			CHECK(call_reset_request(&c, people[p], &sent) == OK);
		CHECK(call_reset_request(&c, people[p], &sent) == ERR_THROTTLED);
		CHECK(c.rq->retry_after_us > 50 * US_PER_MIN);
	}
}

/* Others' guesses have locked her out; what lets her in again is the proof. */
void reset_forgives(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = { 0 };
	struct reset_proof proof;

	join(f, ADA);
	f->service.config.throttle_burst.max = 100;
	for (int i = 0; i < 10; i++)
		CHECK(sign_in(f, ADA, STR("not it"), &in) == ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == ERR_THROTTLED);
	proof = mailed(f, ADA);
	CHECK(confirm(f, &proof, OTHER_PASSWORD) == OK);
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &in) == OK);
}

void reset_request_retry(void *arg)
{
	struct service_fixture *f = arg;
	struct call c = { .f = f, .key = "k1" };
	struct reset_sent a = { 0 }, b = { 0 };

	join(f, ADA);
	CHECK(call_reset_request(&c, ADA, &a) == OK && call_reset_request(&c, ADA, &b) == OK);
	CHECK(uuid_equal(a.flow_id, b.flow_id) && a.expires_in_s == b.expires_in_s);
	POSTS(f, "email password_reset");
	c.body = "{\"email_or_phone\":1}";
	CHECK(call_reset_request(&c, ADA, &b) == ERR_IDEMPOTENCY_CONFLICT);
	c.key = "k2";
	CHECK(call_reset_request(&c, NOBODY, &a) == OK);
	CHECK(call_reset_request(&c, NOBODY, &b) == OK && uuid_equal(a.flow_id, b.flow_id));
	c.key = NULL;
	CHECK(call_reset_request(&c, STR("@"), &b) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(c.rq, "email_or_phone"));
}

void reset_link_by_hand(void *arg)
{
	struct service_fixture *f = arg;
	struct request *rq = fixture_request(f, "command user reset-link");
	struct reset_proof first, second;
	struct account *ada;
	struct str link;

	join(f, ADA);
	first = mailed(f, ADA);
	POSTS(f, "email password_reset");
	CHECK(admin_user_find(rq, ADA, &ada) == OK);
	CHECK(reset_make_link(rq, ada, STR("on the phone"), &link) == OK);
	second = proof_of_link(link);
	POSTS(f, "");
	TRAIL(f, "password.reset_requested ok, password.reset_requested ok");
	CHECK(confirm(f, &first, OTHER_PASSWORD) == ERR_RESET_INVALID);
	CHECK(confirm(f, &second, OTHER_PASSWORD) == OK);
	set_state(f, ADA, USER_DISABLED);
	CHECK(admin_user_find(rq, ADA, &ada) == OK);
	CHECK(reset_make_link(rq, ada, STR_NULL, &link) == ERR_CONFLICT);
	set_state(f, ADA, USER_ACTIVE);
	CHECK(admin_user_find(rq, ADA, &ada) == OK);
	f->service.config.reset_url = STR_NULL;
	CHECK(reset_make_link(rq, ada, STR_NULL, &link) == ERR_UNAVAILABLE);
}
