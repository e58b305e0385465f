/* Another address to sign in with: proven first, told to the old one, and undone by it. */
#include "base/json.h"
#include "service/identifier_change.h"
#include "service_cases.h"

#define NEW STR("ada.new@example.com")
#define BOB STR("bob@example.com")

static struct request *as(struct service_fixture *f, const struct signed_in *who)
{
	struct call c = { .f = f };

	CHECK(call_authenticate(&c, who->tokens.access) == OK);
	return c.rq;
}

static enum err ask(struct service_fixture *f, const struct signed_in *who, struct str address,
    struct verification *ret)
{
	bool email = str_find(address, '@') >= 0;
	const struct identifier_wish wish = {
		.email = email ? address : STR_NULL,
		.phone = email ? STR_NULL : address,
		.password = secret_of(PASSWORD),
	};

	return identifier_change(as(f, who), &wish, ret);
}

static enum err confirm(
    struct service_fixture *f, const struct signed_in *who, struct uuid flow, struct str code)
{
	struct user_view user = { 0 };

	return identifier_confirm(as(f, who), flow, secret_of(code), &user);
}

struct posts {
	struct outbox_row *rows;
	size_t n;
};

static enum err posts_tx(struct tx *tx, void *arg)
{
	struct posts *p = arg;

	return outbox_list(tx, STR("pending"), 0, 1000, &p->rows, &p->n);
}

/* The token in the newest message of its kind; @who is somebody who is still signed in. */
static struct secret sent_token(struct service_fixture *f, const struct signed_in *who)
{
	struct request *rq = as(f, who);
	struct posts p = { .n = 0 };
	struct str text = STR_NULL;
	const struct json *json;

	CHECK(store_read(f->service.store, rq, STORE_PRIMARY, posts_tx, &p) == OK);
	for (size_t i = 0; i < p.n; i++)
		if (str_eq(p.rows[i].kind, STR("identifier_changed")))
			CHECK(unseal(rq->secrets, &rq->account->key, STR("outbox.payload"),
				  p.rows[i].payload, &text) == OK);
	CHECK(json_parse(rq->secrets, text, &json) == OK);
	return secret_of(json_string(json_get(json, "code")));
}

void identifier_changed(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), other = { 0 }, in = { 0 };
	struct verification v = { 0 };

	CHECK(sign_in(f, ADA, PASSWORD, &other) == OK);
	fixture_trail(f);
	CHECK(ask(f, &ada, NEW, &v) == OK && str_eq(v.channel, STR("email")));
	TRAIL(f, "identifier.requested ok");
	POSTS(f, "email verification_code");
	/* Until the code comes back the old one counts. */
	CHECK(sign_in(f, NEW, PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(confirm(f, &ada, v.flow_id, wrong(f, v.otp, 0)) == ERR_OTP_INVALID);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
	fixture_trail(f);
	CHECK(confirm(f, &ada, v.flow_id, v.otp) == OK);
	TRAIL(f, "identifier.changed ok");
	POSTS(f, "email identifier_changed");
	CHECK(confirm(f, &ada, v.flow_id, v.otp) == ERR_OTP_INVALID);
	CHECK(authenticate(f, ada.tokens.access) == OK);
	CHECK(authenticate(f, other.tokens.access) == ERR_TOKEN_REVOKED);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, NEW, PASSWORD, &in) == OK);
	CHECK(uuid_equal(in.user.id, ada.user.id) && str_eq(in.user.email, NEW));
	/* From an address to a number: one takes the other's place. */
	CHECK(ask(f, &in, STR("+2348031234567"), &v) == OK);
	CHECK(confirm(f, &in, v.flow_id, v.otp) == OK);
	CHECK(person(f, STR("+2348031234567")).kind == IDENTIFIER_PHONE);
}

void identifier_refusals(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA);
	struct identifier_wish wish = { .password = secret_of(PASSWORD) };
	struct verification v = { 0 };
	struct request *rq = as(f, &ada);

	CHECK(identifier_change(rq, &wish, &v) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(rq, "email") && field_refused(rq, "phone"));
	wish.email = STR("nonsense");
	rq = as(f, &ada);
	CHECK(identifier_change(rq, &wish, &v) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(rq, "email"));
	wish = (struct identifier_wish){ .email = NEW };
	CHECK(identifier_change(as(f, &ada), &wish, &v) == ERR_REAUTH_REQUIRED);
	wish.password = secret_of(OTHER_PASSWORD);
	rq = as(f, &ada);
	CHECK(identifier_change(rq, &wish, &v) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(rq, "password"));
	CHECK(confirm(f, &ada, uuid_v4(), STR("123456")) == ERR_OTP_INVALID);
}

/* Somebody else's proven address: the same answer, no code opens it, and its owner is told. */
void identifier_of_somebody(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), bob = join(f, BOB);
	struct verification v = { 0 };

	CHECK(ask(f, &ada, BOB, &v) == OK && !str_empty(v.otp) && v.expires_in_s == 300);
	POSTS(f, "email already_registered");
	CHECK(confirm(f, &ada, v.flow_id, v.otp) == ERR_OTP_INVALID);
	CHECK(str_eq(person(f, BOB).identifier_index, person(f, BOB).identifier_index));
	CHECK(uuid_equal(person(f, BOB).id, bob.user.id));
	CHECK(uuid_equal(person(f, ADA).id, ada.user.id));
}

/* A flow opens for who began it only. */
void identifier_of_another_session(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), bob = join(f, BOB);
	struct verification v = { 0 };

	CHECK(ask(f, &ada, NEW, &v) == OK);
	CHECK(confirm(f, &bob, v.flow_id, v.otp) == ERR_OTP_INVALID);
	CHECK(confirm(f, &ada, v.flow_id, v.otp) == OK);
}

/* Registered by somebody who never proved it: it goes to whoever does. */
void identifier_squatted(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA);
	struct registered squatter = { 0 };
	struct verification v = { 0 };
	struct uuid id;

	CHECK(ask(f, &ada, NEW, &v) == OK);
	CHECK(sign_up(f, NEW, OTHER_PASSWORD, &squatter) == OK);
	id = person(f, NEW).id;
	fixture_trail(f);
	CHECK(confirm(f, &ada, v.flow_id, v.otp) == OK);
	TRAIL(f, "user.erased ok, identifier.changed ok");
	CHECK(uuid_equal(person(f, NEW).id, ada.user.id) && !uuid_equal(id, ada.user.id));
}

/* Proven by somebody else between the question and the answer. */
void identifier_overtaken(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), bob;
	struct verification v = { 0 };

	CHECK(ask(f, &ada, NEW, &v) == OK);
	bob = join(f, NEW);
	CHECK(confirm(f, &ada, v.flow_id, v.otp) == ERR_CONFLICT);
	CHECK(uuid_equal(person(f, NEW).id, bob.user.id));
	CHECK(uuid_equal(person(f, ADA).id, ada.user.id));
}

void identifier_reverted(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), thief = { 0 };
	struct registered squatter = { 0 };
	struct verification v = { 0 };
	struct secret token;

	CHECK(sign_in(f, ADA, PASSWORD, &thief) == OK);
	CHECK(ask(f, &thief, NEW, &v) == OK && confirm(f, &thief, v.flow_id, v.otp) == OK);
	token = sent_token(f, &thief);
	CHECK(identifier_revert(fixture_request(f, "revert"), secret_of(STR("x"))) ==
	      ERR_OTP_INVALID);
	/* Whoever registers the old address meanwhile has not proven it, and is in nobody's way. */
	CHECK(sign_up(f, ADA, OTHER_PASSWORD, &squatter) == OK);
	fixture_trail(f);
	CHECK(identifier_revert(fixture_request(f, "revert"), token) == OK);
	TRAIL(f, "user.erased ok, identifier.reverted ok");
	CHECK(identifier_revert(fixture_request(f, "revert"), token) == ERR_OTP_INVALID);
	CHECK(uuid_equal(person(f, ADA).id, ada.user.id));
	CHECK(authenticate(f, thief.tokens.access) == ERR_TOKEN_REVOKED);
	CHECK(sign_in(f, ADA, PASSWORD, &thief) == ERR_INVALID_CREDENTIALS);
	CHECK(sign_in(f, NEW, PASSWORD, &thief) == ERR_INVALID_CREDENTIALS);
}

void identifier_revert_is_over(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), bob;
	struct verification v = { 0 };
	struct secret token;

	CHECK(ask(f, &ada, NEW, &v) == OK && confirm(f, &ada, v.flow_id, v.otp) == OK);
	token = sent_token(f, &ada);
	bob = join(f, ADA);
	CHECK(identifier_revert(fixture_request(f, "revert"), token) == ERR_CONFLICT);
	CHECK(uuid_equal(person(f, ADA).id, bob.user.id));
	service_fixture_advance(72 * US_PER_HOUR);
	CHECK(identifier_revert(fixture_request(f, "revert"), token) == ERR_OTP_INVALID);
}
