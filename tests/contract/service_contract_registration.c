/* Who may open an account, and what a stranger learns of those that are there: nothing. */
#include "service_contract.h"

#include "service_cases.h"

/* Everything in the reply but its ids, its code and the echo of what was sent. */
static void same_shape(const struct registered *a, const struct registered *b)
{
	CHECK(str_eq(a->role, b->role) && str_eq(a->auth_provider, b->auth_provider));
	CHECK(str_eq(a->first_name, b->first_name) && str_eq(a->last_name, b->last_name));
	CHECK(a->has_id == b->has_id);
	CHECK(str_eq(a->verification.channel, b->verification.channel));
	CHECK(a->verification.destination.len == b->verification.destination.len);
	CHECK(a->verification.expires_in_s == b->verification.expires_in_s);
	CHECK(a->verification.resend_in_s == b->verification.resend_in_s);
	CHECK(a->verification.otp.len == b->verification.otp.len);
	CHECK(!uuid_equal(a->verification.flow_id, b->verification.flow_id));
}

void registration_new(void *arg)
{
	struct service_fixture *f = arg;
	struct registered r = { 0 };
	struct user_row row;

	CHECK(sign_up(f, STR("Ada@Example.com"), PASSWORD, &r) == OK);
	CHECK(str_eq(r.email, STR("Ada@Example.com")) && str_empty(r.phone) && !r.has_id);
	CHECK(str_eq(r.role, STR("client")) && str_eq(r.auth_provider, STR("email")));
	CHECK(str_eq(r.verification.destination, STR("A**@Example.com")));
	CHECK(str_eq(r.verification.channel, STR("email")));
	CHECK(r.verification.expires_in_s == 300 && r.verification.resend_in_s == 60);
	CHECK(r.verification.otp.len == 6);
	row = person(f, ADA);
	CHECK(!row.is_verified && row.state == USER_ACTIVE && row.role == ROLE_CLIENT);
	CHECK(row.epoch == 1 && row.last_login_us == 0 && pwhash_usable(row.password));
	CHECK(str_eq(row.auth_provider, STR("email")));
	TRAIL(f, "user.registered ok");
	POSTS(f, "email verification_code");
}

void registration_phone(void *arg)
{
	struct service_fixture *f = arg;
	struct registration in = {
		.phone = STR("0803 123 4567"),
		.country = STR("NG"),
		.role = STR("VENDOR"),
		.password = secret_of(PASSWORD),
	};
	struct call c = { .f = f };
	struct registered r = { 0 }, again = { 0 };

	CHECK(call_register(&c, &in, &r) == OK);
	CHECK(str_eq(r.phone, STR("+2348031234567")) && str_empty(r.email));
	CHECK(str_eq(r.role, STR("vendor")) && str_eq(r.auth_provider, STR("phone")));
	CHECK(str_eq(r.verification.channel, STR("sms")));
	CHECK(person(f, STR("+234 803 123 4567")).role == ROLE_VENDOR);
	TRAIL(f, "user.registered ok");
	POSTS(f, "sms verification_code");
	/* The same number in another spelling is the same person. */
	in.phone = STR("+2348031234567");
	in.country = STR_NULL;
	CHECK(call_register(&c, &in, &again) == OK);
	TRAIL(f, "user.registered already_registered");
	POSTS(f, "sms verification_code");
}

void registration_of_somebody(void *arg)
{
	struct service_fixture *f = arg;
	struct registered mine = { 0 }, stranger = { 0 };
	struct signed_in in = join(f, ADA), out = { 0 };
	struct user_row before = person(f, ADA), after;

	CHECK(sign_up(f, STR("ADA@EXAMPLE.COM"), OTHER_PASSWORD, &mine) == OK);
	TRAIL(f, "user.registered already_registered");
	POSTS(f, "email already_registered");
	CHECK(sign_up(f, STR("eve@example.com"), OTHER_PASSWORD, &stranger) == OK);
	same_shape(&mine, &stranger);
	/* It is a decoy: its own code does not open it, and nothing about the account changed. */
	CHECK(verify(f, mine.verification.flow_id, mine.verification.otp, &out) == ERR_OTP_INVALID);
	after = person(f, ADA);
	CHECK(uuid_equal(before.id, after.id) && str_eq(before.password, after.password));
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &out) == ERR_INVALID_CREDENTIALS);
	CHECK(authenticate(f, in.tokens.access) == OK);
}

/* Whoever is disabled or deleted stays so, is told nothing, and the stranger sees no difference. */
void registration_of_the_gone(void *arg)
{
	static const enum user_state states[] = { USER_DISABLED, USER_DELETED };
	struct service_fixture *f = arg;
	struct registered gone = { 0 }, stranger = { 0 };

	join(f, ADA);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		set_state(f, ADA, states[i]);
		service_fixture_advance(US_PER_HOUR);
		CHECK(sign_up(f, ADA, OTHER_PASSWORD, &gone) == OK);
		TRAIL(f, "user.registered already_registered");
		POSTS(f, "");
	}
	CHECK(sign_up(f, STR("eve@example.com"), OTHER_PASSWORD, &stranger) == OK);
	same_shape(&gone, &stranger);
	CHECK(person(f, ADA).state == USER_DELETED);
}

/* docs/adr/0007: two registrations of one unproven address. */
void registration_contested(void *arg)
{
	struct service_fixture *f = arg;
	struct registered first = { 0 }, second = { 0 };
	struct signed_in in = { 0 };

	CHECK(sign_up(f, ADA, PASSWORD, &first) == OK);
	fixture_posts(f);
	CHECK(sign_up(f, ADA, OTHER_PASSWORD, &second) == OK);
	same_shape(&first, &second);
	TRAIL(f, "user.registered ok, user.registered already_registered");
	POSTS(f, "email verification_code");
	/* Nobody has proven anything: neither password is the account's. */
	CHECK(!pwhash_usable(person(f, ADA).password));
	CHECK(
	    verify(f, first.verification.flow_id, first.verification.otp, &in) == ERR_OTP_INVALID);
	CHECK(verify(f, second.verification.flow_id, second.verification.otp, &in) == OK);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &in) == OK);
}

/* The address alone does not say which of the two is there: neither password is installed. */
void registration_contested_by_address(void *arg)
{
	struct service_fixture *f = arg;
	struct registered r = { 0 };
	struct signed_in in = { 0 };

	CHECK(sign_up(f, ADA, PASSWORD, &r) == OK);
	CHECK(sign_up(f, ADA, OTHER_PASSWORD, &r) == OK);
	CHECK(verify_address(f, ADA, r.verification.otp, &in) == OK);
	CHECK(person(f, ADA).is_verified && !pwhash_usable(person(f, ADA).password));
	CHECK(sign_in(f, ADA, PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
}

/*
 * A resend by address gives the flow's id to whoever asks. From then on the id says no more who
 * began the flow, and the password that came with it must not take effect.
 */
void registration_contested_resent(void *arg)
{
	struct service_fixture *f = arg;
	struct registered owner = { 0 }, stranger = { 0 };
	struct verification v = { 0 };
	struct signed_in in = { 0 };

	CHECK(sign_up(f, ADA, PASSWORD, &owner) == OK);
	CHECK(sign_up(f, ADA, OTHER_PASSWORD, &stranger) == OK);
	service_fixture_advance(US_PER_MIN);
	CHECK(resend_address(f, ADA, &v) == OK);
	/* To the stranger it looks as it does for a decoy: the same flow goes on. */
	CHECK(uuid_equal(v.flow_id, stranger.verification.flow_id));
	CHECK(verify(f, v.flow_id, v.otp, &in) == OK);
	CHECK(!pwhash_usable(person(f, ADA).password));
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
}

/* A resend by the flow's id, which only its registrant has, keeps the password. */
void registration_contested_resent_by_flow(void *arg)
{
	struct service_fixture *f = arg;
	struct registered r = { 0 };
	struct verification v = { 0 };
	struct signed_in in = { 0 };

	CHECK(sign_up(f, ADA, PASSWORD, &r) == OK);
	CHECK(sign_up(f, ADA, OTHER_PASSWORD, &r) == OK);
	service_fixture_advance(US_PER_MIN);
	CHECK(resend(f, r.verification.flow_id, &v) == OK);
	CHECK(verify(f, v.flow_id, v.otp, &in) == OK);
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &in) == OK);
}

/* The one who proves the address gets the account they asked for, not a stranger's. */
void registration_contested_profile(void *arg)
{
	struct service_fixture *f = arg;
	const struct registration stranger = {
		.email = ADA,
		.password = secret_of(OTHER_PASSWORD),
		.first_name = STR("Eve"),
		.last_name = STR("Mallory"),
		.role = STR("vendor"),
	};
	const struct consent_given terms = { STR_INIT("terms"), STR_INIT("2026-01") };
	const struct registration owner = {
		.email = ADA,
		.password = secret_of(PASSWORD),
		.first_name = STR("Ada"),
		.country = STR("NG"),
		.consents = &terms,
		.n_consents = 1,
	};
	struct call c = { .f = f };
	struct registered r = { 0 };
	struct signed_in in = { 0 };

	CHECK(call_register(&c, &stranger, &r) == OK);
	CHECK(call_register(&c, &owner, &r) == OK);
	CHECK(verify(f, r.verification.flow_id, r.verification.otp, &in) == OK);
	CHECK(str_eq(in.user.first_name, STR("Ada")) && str_empty(in.user.last_name));
	CHECK(str_eq(in.user.country, STR("NG")) && str_eq(in.user.role, STR("client")));
	CHECK(person(f, ADA).role == ROLE_CLIENT);
	CHECK(authenticate(f, in.tokens.access) == OK);
}

void registration_refusals(void *arg)
{
	struct service_fixture *f = arg;
	const struct registration nothing = { .password = secret_of(STR("short")),
		.role = STR("admin"),
		.country = STR("XX"),
		.first_name = STR("Ada\r\nBcc: eve@example.com"),
		.last_name = STR("\x1b[2J") };
	const struct registration both = {
		.email = ADA, .phone = STR("+2348031234567"), .password = secret_of(PASSWORD)
	};
	static const char *const all[] = { "email", "phone", "password", "role", "country",
		"first_name", "last_name" };
	struct call c = { .f = f };
	struct registered r = { 0 };

	CHECK(call_register(&c, &nothing, &r) == ERR_VALIDATION_FAILED);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		CHECK(field_refused(c.rq, all[i]));
	CHECK(c.rq->statements == 0 && c.rq->hash_us == 0);
	CHECK(call_register(&c, &both, &r) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(c.rq, "email") && field_refused(c.rq, "phone"));
	CHECK(!field_refused(c.rq, "password"));
	CHECK(sign_up(f, STR("not an address@"), PASSWORD, &r) == ERR_VALIDATION_FAILED);
	CHECK(sign_up(f, STR("12"), PASSWORD, &r) == ERR_VALIDATION_FAILED);
	TRAIL(f, "");
	POSTS(f, "");
}

static enum err with_password(struct service_fixture *f, struct str address, struct str password)
{
	struct registered r = { 0 };

	service_fixture_advance(US_PER_HOUR);
	return sign_up(f, address, password, &r);
}

void registration_passwords(void *arg)
{
	struct service_fixture *f = arg;
	struct str eve = STR("eve@example.com"), phone = STR("+2348031234567");
	char long_one[1025];
	struct signed_in in = { 0 };

	memset(long_one, 'x', sizeof(long_one));
	/* Code points, not bytes, up to the bound in bytes; no character is unwelcome. */
	CHECK(with_password(f, eve, STR("\xf0\x9f\x8c\x8d\xf0\x9f\x8c\x8d")) ==
	      ERR_VALIDATION_FAILED);
	CHECK(with_password(f, eve, str_bytes(long_one, 1025)) == ERR_VALIDATION_FAILED);
	CHECK(with_password(f, eve, STR("1234567")) == ERR_VALIDATION_FAILED);
	/* Not one's own name at the counter, whole or in part, in any case. */
	CHECK(with_password(f, STR("ada.lovelace@example.com"), STR("xADA.Lovelacex")) ==
	      ERR_VALIDATION_FAILED);
	CHECK(with_password(f, STR("al@example.com"), STR("AL@example.com")) ==
	      ERR_VALIDATION_FAILED);
	CHECK(with_password(f, phone, STR("+2348031234567")) == ERR_VALIDATION_FAILED);
	CHECK(with_password(f, phone, STR("08031234567")) == ERR_VALIDATION_FAILED);
	TRAIL(f, "");
	CHECK(with_password(f, eve, str_bytes(long_one, 1024)) == OK);
	/* A NUL inside does not end a password. */
	CHECK(with_password(f, STR("nul@example.com"), STR("before\0after")) == OK);
	CHECK(sign_in(f, STR("nul@example.com"), STR("before\0other"), &in) ==
	      ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, STR("nul@example.com"), STR("before\0after"), &in) ==
	      ERR_VERIFICATION_REQUIRED);
}

void registration_retry(void *arg)
{
	struct service_fixture *f = arg;
	const struct registration in = { .email = ADA, .password = secret_of(PASSWORD) };
	struct call c = { .f = f, .key = "k1" };
	struct registered a = { 0 }, b = { 0 };

	CHECK(call_register(&c, &in, &a) == OK);
	service_fixture_advance(7 * US_PER_S);
	CHECK(call_register(&c, &in, &b) == OK);
	CHECK(uuid_equal(a.verification.flow_id, b.verification.flow_id));
	CHECK(b.verification.expires_in_s == 300 && b.verification.resend_in_s == 60);
	CHECK(str_eq(a.email, b.email) && str_eq(a.role, b.role));
	CHECK(str_eq(a.verification.destination, b.verification.destination));
	TRAIL(f, "user.registered ok");
	POSTS(f, "email verification_code");
	c.body = "{\"other\":1}";
	CHECK(call_register(&c, &in, &b) == ERR_IDEMPOTENCY_CONFLICT);
	TRAIL(f, "");
	/* The key is forgotten after ten minutes. */
	service_fixture_advance(10 * US_PER_MIN + US_PER_S);
	CHECK(call_register(&c, &in, &b) == OK);
	CHECK(!uuid_equal(a.verification.flow_id, b.verification.flow_id));
	TRAIL(f, "user.registered already_registered");
}

/* A retry is told apart from somebody who registers a known address: also when that is revealed. */
void registration_retry_revealing(void *arg)
{
	struct service_fixture *f = arg;
	const struct registration in = { .email = ADA, .password = secret_of(PASSWORD) };
	struct call c = { .f = f, .key = "k1" };
	struct registered a = { 0 }, b = { 0 };

	f->service.config.reveal_existing = REVEAL_409;
	CHECK(call_register(&c, &in, &a) == OK && a.has_id);
	CHECK(call_register(&c, &in, &b) == OK && b.has_id && uuid_equal(a.id, b.id));
	CHECK(uuid_equal(a.verification.flow_id, b.verification.flow_id));
}

void registration_reveals(void *arg)
{
	struct service_fixture *f = arg;
	const struct registration in = { .email = ADA, .password = secret_of(PASSWORD) };
	struct call c = { .f = f };
	struct registered r = { 0 };

	join(f, ADA);
	f->service.config.reveal_existing = REVEAL_409;
	CHECK(call_register(&c, &in, &r) == ERR_ALREADY_REGISTERED);
	CHECK(field_refused(c.rq, "email"));
	f->service.config.reveal_existing = REVEAL_400;
	CHECK(call_register(&c, &in, &r) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(c.rq, "email"));
	TRAIL(f, "user.registered already_registered, user.registered already_registered");
	POSTS(f, "");
}

/* The newest of @n messages, once it has come. */
static struct inbox_item mail(struct service_fixture *f, size_t n)
{
	struct request *rq = fixture_request(f, "test");
	struct inbox_item *items = NULL;
	size_t seen = 0;

	for (int i = 0; i < 10000 && seen < n; i++) {
		rt_sleep_until(now_mono_us() + US_PER_MS);
		outbox_inbox(f->service.outbox, rq->arena, STR_NULL, &items, &seen);
	}
	CHECK(seen == n);
	return items[0];
}

/* Codes are for the recipient's eyes; a stranger's words are not for the recipient's. */
void registration_mail(void *arg)
{
	struct service_fixture *f = arg;
	struct registered r = { 0 };
	struct inbox_item item;

	f->service.config.dev = false;
	if (rt_engine() != ENGINE_SIMULATION)
		CHECK(rt_background_start() == OK);
	CHECK(outbox_start(f->service.outbox) == OK);
	CHECK(sign_up(f, STR("Ada@example.com"), PASSWORD, &r) == OK);
	CHECK(str_empty(r.verification.otp));
	item = mail(f, 1);
	CHECK(str_eq(item.to, STR("Ada@example.com")) && item.code.len == 6);
	/* Her name is whatever somebody typed beside her address: not before she proved it. */
	CHECK(!strstr(item.text.ptr, "Ada"));
	CHECK(verify(f, r.verification.flow_id, item.code, &(struct signed_in){ 0 }) == OK);
	/* To the one who is there, and without a code: there is nothing to enter it into. */
	CHECK(sign_up(f, ADA, OTHER_PASSWORD, &r) == OK);
	item = mail(f, 2);
	CHECK(str_eq(item.to, STR("Ada@example.com")) && str_empty(item.code));
	CHECK(strstr(item.text.ptr, "Ada") != NULL);
	if (rt_engine() != ENGINE_SIMULATION)
		rt_background_stop();
}

void registration_test_recipients(void *arg)
{
	struct service_fixture *f = arg;
	struct service_config *config = &f->service.config;
	struct registered r = { 0 };

	config->dev = false;
	config->otp_test_recipients = STR("bob@example.com, Ada@example.com");
	CHECK(sign_up(f, ADA, PASSWORD, &r) == OK && str_empty(r.verification.otp));
	config->environment = STR("staging");
	CHECK(sign_up(f, ADA, PASSWORD, &r) == OK && r.verification.otp.len == 6);
	CHECK(sign_up(f, STR("eve@example.com"), PASSWORD, &r) == OK);
	CHECK(str_empty(r.verification.otp));
}
