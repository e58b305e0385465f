/*
 * Signing in with an account elsewhere: whose account it opens, and whose it never does. The five
 * ways to lie in wait in an account before its owner comes (arXiv 2205.10174) are among them.
 */
#include "crypto/pwhash.h"
#include "service/identity.h"
#include "service_cases.h"

#define GOOGLE STR("https://accounts.google.com")

static struct proven_identity ada_at_google(void)
{
	return (struct proven_identity){
		.provider = STR("google"),
		.issuer = GOOGLE,
		.subject = STR("1001"),
		.email = STR("Ada@Example.com"),
		.email_verified = true,
		.first_name = STR("Ada"),
		.last_name = STR("Obi"),
	};
}

static enum err call_identity(
    struct call *c, const struct proven_identity *who, struct signed_in *ret)
{
	struct idempotency idempotency;

	c->rq = fixture_request(c->f, "google");
	if (c->key)
		c->rq->idempotency_key = str_of(c->key);
	c->rq->body = str_of(c->body ? c->body : "{}");
	idempotency = idempotency_of(c->rq);
	return identity_sign_in(c->rq, who, &idempotency, ret);
}

static enum err arrive(
    struct service_fixture *f, const struct proven_identity *who, struct signed_in *ret)
{
	return call_identity(&(struct call){ .f = f }, who, ret);
}

void identity_new(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in in = { 0 };
	struct user_row row;

	CHECK(arrive(f, &who, &in) == OK);
	TRAIL(f, "user.registered ok, user.verified ok, identity.linked ok, user.logged_in ok");
	CHECK(str_eq(in.user.email, STR("Ada@Example.com")) && in.user.is_verified);
	CHECK(str_eq(in.user.auth_provider, STR("google")));
	CHECK(str_eq(in.user.first_name, STR("Ada")) && str_eq(in.user.role, STR("client")));
	CHECK(authenticate(f, in.tokens.access) == OK);
	row = person(f, ADA);
	CHECK(row.is_verified && !pwhash_usable(row.password));
	/* No password is one that opens it. */
	CHECK(sign_in(f, ADA, STR("!"), &in) == ERR_INVALID_CREDENTIALS);
}

/* The key is the subject: name and address may change, the person stays. */
void identity_again(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in first = { 0 }, again = { 0 };

	CHECK(arrive(f, &who, &first) == OK);
	fixture_trail(f);
	who.email = STR("someone.else@example.com");
	who.email_verified = false;
	who.first_name = STR("Grace");
	CHECK(arrive(f, &who, &again) == OK);
	CHECK(uuid_equal(first.user.id, again.user.id));
	CHECK(str_eq(again.user.email, STR("Ada@Example.com")));
	CHECK(str_eq(again.user.first_name, STR("Ada")));
	CHECK(fixture_live_sessions(f, first.user.id) == 2);
	TRAIL(f, "user.logged_in ok");
}

/* Non-verifying provider: what it does not vouch for leads nowhere. */
void identity_without_address(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in in = { 0 };
	struct registered r = { 0 };
	struct user_row row;

	who.email_verified = false;
	CHECK(arrive(f, &who, &in) == ERR_IDENTITY_UNVERIFIED);
	CHECK(!fixture_person(f, ADA, &row));
	who.email_verified = true;
	who.email = STR_NULL;
	CHECK(arrive(f, &who, &in) == ERR_IDENTITY_UNVERIFIED);
	who.email = STR("not an address");
	CHECK(arrive(f, &who, &in) == ERR_IDENTITY_UNVERIFIED);
	TRAIL(f, "user.login_failed identity_unverified, user.login_failed identity_unverified, "
		 "user.login_failed identity_unverified");
	CHECK(sign_up(f, ADA, PASSWORD, &r) == OK);
	who = ada_at_google();
	who.email_verified = false;
	CHECK(arrive(f, &who, &in) == ERR_IDENTITY_UNVERIFIED);
	CHECK(!person(f, ADA).is_verified);
	CHECK(verify(f, r.verification.flow_id, r.verification.otp, &in) == OK);
}

void identity_of_a_proven_address(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in ada = join(f, ADA), in = { 0 };

	CHECK(arrive(f, &who, &in) == ERR_LINK_REQUIRED);
	TRAIL(f, "user.login_failed link_required");
	CHECK(fixture_live_sessions(f, ada.user.id) == 1);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
}

/* An address that was given to somebody else there does not open what its first owner has here. */
void identity_of_another_subject(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in in = { 0 };

	CHECK(arrive(f, &who, &in) == OK);
	who.subject = STR("2002");
	CHECK(arrive(f, &who, &in) == ERR_LINK_REQUIRED);
	who = ada_at_google();
	who.issuer = STR("https://login.example.com");
	CHECK(arrive(f, &who, &in) == ERR_LINK_REQUIRED);
}

static void owner_arrives(struct service_fixture *f, struct uuid id)
{
	struct proven_identity who = ada_at_google();
	struct signed_in in = { 0 };

	fixture_trail(f);
	CHECK(arrive(f, &who, &in) == OK);
	TRAIL(f, "user.taken_over ok, user.verified ok, identity.linked ok, user.logged_in ok");
	CHECK(uuid_equal(in.user.id, id) && in.user.is_verified);
	CHECK(str_eq(in.user.first_name, STR("Ada")) && str_eq(in.user.last_name, STR("Obi")));
	CHECK(str_eq(in.user.role, STR("client")));
	CHECK(authenticate(f, in.tokens.access) == OK);
	CHECK(fixture_live_sessions(f, id) == 1);
}

/* Classic merge, and the session it would leave open: the password is nobody's any more. */
void identity_takes_over(void *arg)
{
	struct service_fixture *f = arg;
	const struct registration mallory = {
		.email = ADA,
		.password = secret_of(OTHER_PASSWORD),
		.first_name = STR("Mallory"),
		.role = STR("vendor"),
	};
	struct registered r = { 0 };
	struct signed_in in = { 0 };
	struct verification v = { 0 };
	struct call c = { .f = f };

	CHECK(call_register(&c, &mallory, &r) == OK);
	CHECK(call_login(&c, ADA, OTHER_PASSWORD, &in, &v) == ERR_VERIFICATION_REQUIRED);
	CHECK(fixture_live_sessions(f, person(f, ADA).id) == 0);
	owner_arrives(f, person(f, ADA).id);
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(!pwhash_usable(person(f, ADA).password));
}

/* A change that waits: codes and registrations under way lead into the account no more. */
void identity_takes_over_from_a_code(void *arg)
{
	struct service_fixture *f = arg;
	struct registered first = { 0 }, second = { 0 };
	struct signed_in in = { 0 };

	CHECK(sign_up(f, ADA, OTHER_PASSWORD, &first) == OK);
	CHECK(sign_up(f, ADA, PASSWORD, &second) == OK);
	owner_arrives(f, person(f, ADA).id);
	CHECK(
	    verify(f, first.verification.flow_id, first.verification.otp, &in) == ERR_OTP_INVALID);
	CHECK(verify(f, second.verification.flow_id, second.verification.otp, &in) ==
	      ERR_OTP_INVALID);
	CHECK(verify_address(f, ADA, second.verification.otp, &in) == ERR_OTP_INVALID);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
}

static struct proven_identity mallory_at_google(void)
{
	struct proven_identity who = ada_at_google();

	who.subject = STR("6666");
	who.email = STR("mallory@example.com");
	return who;
}

struct trojan {
	struct request *rq;
	struct identity_row row;
	struct uuid user;
};

static enum err plant_fn(struct tx *tx, void *arg)
{
	struct trojan *t = arg;
	bool taken = true;

	CHECK(identity_insert(tx, &t->row, &taken) == OK && !taken);
	return OK;
}

/* Trojan identifier: an identity of somebody else's in the account goes with them. */
void identity_takes_over_from_a_trojan(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity mallory = mallory_at_google();
	struct trojan t = { .rq = fixture_request(f, "test") };
	struct registered r = { 0 };
	struct signed_in in = { 0 };
	struct account *account;
	struct user_row row;
	struct str indexes[16];

	CHECK(sign_up(f, ADA, OTHER_PASSWORD, &r) == OK);
	row = person(f, ADA);
	CHECK(account_open(t.rq, &row, &account) == OK);
	CHECK(identity_indexes(t.rq, &mallory, indexes) > 0);
	identity_draft(t.rq, account, &mallory, indexes[0], &t.row);
	fixture_store_tx(f, plant_fn, &t);
	owner_arrives(f, row.id);
	CHECK(arrive(f, &mallory, &in) == OK);
	CHECK(!uuid_equal(in.user.id, row.id));
	CHECK(str_eq(in.user.email, STR("mallory@example.com")));
}

void identity_of_the_gone(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in in = { 0 };

	CHECK(arrive(f, &who, &in) == OK);
	set_state(f, ADA, USER_DISABLED);
	fixture_trail(f);
	CHECK(arrive(f, &who, &in) == ERR_INVALID_CREDENTIALS);
	f->service.config.reveal_disabled = true;
	CHECK(arrive(f, &who, &in) == ERR_ACCOUNT_DISABLED);
	set_state(f, ADA, USER_DELETED);
	CHECK(arrive(f, &who, &in) == ERR_INVALID_CREDENTIALS);
	/* Nor does another identity open a second account at that address. */
	who.subject = STR("2002");
	CHECK(arrive(f, &who, &in) == ERR_INVALID_CREDENTIALS);
	TRAIL(f, "user.login_failed invalid_credentials, user.login_failed account_disabled, "
		 "user.login_failed invalid_credentials, user.login_failed invalid_credentials");
}

void identity_after_new_key(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in first = { 0 }, again = { 0 };

	CHECK(arrive(f, &who, &first) == OK);
	service_fixture_keys(f, "21");
	CHECK(arrive(f, &who, &again) == OK);
	CHECK(uuid_equal(first.user.id, again.user.id));
}

void identity_retry(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in first = { 0 }, again = { 0 };
	struct call c = { .f = f, .key = "key" };

	CHECK(call_identity(&c, &who, &first) == OK);
	CHECK(call_identity(&c, &who, &again) == OK);
	CHECK(secret_equal(first.tokens.refresh, again.tokens.refresh));
	CHECK(fixture_live_sessions(f, first.user.id) == 1);
	c.body = "{\"other\":1}";
	CHECK(call_identity(&c, &who, &again) == ERR_IDEMPOTENCY_CONFLICT);
}

void identity_session_limit(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in in = { 0 };

	f->service.config.session_max[ROLE_CLIENT] = 1;
	f->service.config.session_on_limit = SESSION_REFUSE_NEW;
	CHECK(arrive(f, &who, &in) == OK);
	fixture_trail(f);
	CHECK(arrive(f, &who, &in) == ERR_FORBIDDEN);
	TRAIL(f, "user.login_failed forbidden");
}

/* --- link and unlink --- */

static struct request *as(struct service_fixture *f, struct secret access)
{
	struct request *rq = fixture_request(f, "identity_link");

	CHECK(session_authenticate(rq, access) == OK);
	return rq;
}

void identity_links(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in ada = join(f, ADA), bob = join(f, STR("bob@example.com")), in = { 0 };
	struct identity_view view = { .linked_at_us = 0 }, *all = NULL;
	size_t n = 0;

	CHECK(identity_link(as(f, ada.tokens.access), &who, &view) == OK);
	CHECK(str_eq(view.email, STR("Ada@Example.com")) && view.last_used_at_us == 0);
	TRAIL(f, "identity.linked ok");
	CHECK(identity_link(as(f, ada.tokens.access), &who, &view) == OK);
	TRAIL(f, "");
	CHECK(identity_link(as(f, bob.tokens.access), &who, &view) == ERR_CONFLICT);
	CHECK(arrive(f, &who, &in) == OK && uuid_equal(in.user.id, ada.user.id));
	/* Address or no address, verified or not: both sides are proven by now. */
	who.subject = STR("1002");
	who.email = STR_NULL;
	CHECK(identity_link(as(f, ada.tokens.access), &who, &view) == OK);
	CHECK(identity_list_own(as(f, ada.tokens.access), &all, &n) == OK && n == 2);
	CHECK(all[0].last_used_at_us > 0 && str_empty(all[1].email));
	CHECK(identity_list_own(as(f, bob.tokens.access), &all, &n) == OK && n == 0);
	service_fixture_advance(11 * US_PER_MIN);
	CHECK(session_refresh(fixture_request(f, "test"), in.tokens.refresh, &in.tokens) == OK);
	CHECK(identity_link(as(f, in.tokens.access), &who, &view) == ERR_REAUTH_REQUIRED);
	CHECK(identity_unlink(as(f, in.tokens.access), view.id) == ERR_REAUTH_REQUIRED);
}

/* Never the last way in. */
void identity_unlinks(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in ada = { 0 }, bob = join(f, STR("bob@example.com")), in = { 0 };
	struct identity_view first = { .linked_at_us = 0 }, second = { .linked_at_us = 0 },
			     *all = NULL;
	size_t n = 0;

	CHECK(arrive(f, &who, &ada) == OK);
	CHECK(identity_list_own(as(f, ada.tokens.access), &all, &n) == OK && n == 1);
	first = all[0];
	CHECK(identity_unlink(as(f, ada.tokens.access), first.id) == ERR_LAST_SIGN_IN);
	who.subject = STR("1002");
	CHECK(identity_link(as(f, ada.tokens.access), &who, &second) == OK);
	CHECK(identity_unlink(as(f, bob.tokens.access), first.id) == ERR_NOT_FOUND);
	fixture_trail(f);
	CHECK(identity_unlink(as(f, ada.tokens.access), first.id) == OK);
	TRAIL(f, "identity.unlinked ok");
	CHECK(identity_unlink(as(f, ada.tokens.access), first.id) == ERR_NOT_FOUND);
	CHECK(identity_unlink(as(f, ada.tokens.access), second.id) == ERR_LAST_SIGN_IN);
	who = ada_at_google();
	CHECK(arrive(f, &who, &in) == ERR_LINK_REQUIRED);
	/* With a password there is another way in. */
	who.subject = STR("3003");
	CHECK(identity_link(as(f, bob.tokens.access), &who, &first) == OK);
	CHECK(identity_unlink(as(f, bob.tokens.access), first.id) == OK);
}

void identity_burst(void *arg)
{
	struct service_fixture *f = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in in = { 0 };

	for (int i = 0; i < 10; i++)
		CHECK(arrive(f, &who, &in) == OK);
	CHECK(arrive(f, &who, &in) == ERR_THROTTLED);
}

/* --- many tabs at once, the first time --- */

void race_google(void *arg)
{
	struct service_race *r = arg;
	struct proven_identity who = ada_at_google();
	struct signed_in in = { 0 };

	CHECK(arrive(r->f, &who, &in) == OK);
	__atomic_add_fetch(&r->ok, 1, __ATOMIC_ACQ_REL);
}

void race_one_google(void *arg)
{
	struct service_race *r = arg;
	const char *trail = fixture_trail(r->f), *first = strstr(trail, "user.registered");

	CHECK(r->ok == (int)r->racers && first && !strstr(first + 1, "user.registered"));
	CHECK(fixture_live_sessions(r->f, person(r->f, ADA).id) == (size_t)r->ok);
}
