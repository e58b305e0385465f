/* Links the Django system has sent: good while they were good there. */
#include "service_cases.h"

/* What Django 3.2.25 answers for this row (tests/unit/crypto/test_django_token.c). */
#define DJANGO_KEY STR("django-insecure-test-key")
#define DJANGO_PK STR("0192f3c4-5b6a-7c8d-9e0f-112233445566")
#define DJANGO_UID STR("MDE5MmYzYzQtNWI2YS03YzhkLTllMGYtMTEyMjMzNDQ1NTY2")
#define DJANGO_TOKEN STR("d1rcit-336204db73b84abac5351d9a82f5a4f4")
#define DJANGO_SENT_US (INT64_C(1767323045) * US_PER_S)  /* 2026-01-02 03:04:05 UTC */
#define DJANGO_LOGIN_US (INT64_C(1767262830) * US_PER_S) /* 2026-01-01 10:20:30 UTC */

struct newcomer {
	struct account *account;
	bool taken;
};

static enum err insert_fn(struct tx *tx, void *arg)
{
	struct newcomer *n = arg;

	return user_insert(tx, &n->account->row, &n->taken);
}

/* Ada, as an import would have left her, an hour after Django sent her the link. */
struct reset_proof django_link(struct service_fixture *f)
{
	struct request *rq;
	struct identifier id = { 0 };
	struct newcomer n = { .taken = false };
	struct str indexes[16];

	service_fixture_advance(DJANGO_SENT_US + US_PER_HOUR - now_wall_us());
	rq = fixture_request(f, "test");
	f->service.config.django_secret_key = secret_of(DJANGO_KEY);
	CHECK(identifier_parse(rq->arena, ADA, STR_NULL, &id) == TEXT_NONE);
	identifier_indexes(rq, &id, indexes);
	n.account = account_draft(rq, &id, indexes[0], ROLE_CLIENT, &(struct profile){ 0 },
	    STR("pbkdf2_sha256$1200000$seasalt$x"));
	n.account->row.external_id = DJANGO_PK;
	n.account->row.is_verified = true;
	n.account->row.last_login_us = DJANGO_LOGIN_US + 123456;
	fixture_store_tx(f, insert_fn, &n);
	CHECK(!n.taken);
	return (struct reset_proof){
		.has_link = true,
		.uidb64 = DJANGO_UID,
		.token = secret_of(DJANGO_TOKEN),
	};
}

static enum err confirm(struct service_fixture *f, const struct reset_proof *proof)
{
	return call_reset_confirm(&(struct call){ .f = f }, proof, OTHER_PASSWORD);
}

void reset_django_link(void *arg)
{
	struct service_fixture *f = arg;
	struct reset_proof proof = django_link(f);
	struct signed_in in = { 0 };

	CHECK(confirm(f, &proof) == OK);
	TRAIL(f, "password.reset ok");
	POSTS(f, "email password_changed");
	CHECK(sign_in(f, ADA, OTHER_PASSWORD, &in) == OK);
	/* The hash it was made from is gone, and the link with it. */
	CHECK(confirm(f, &proof) == ERR_RESET_INVALID);
	TRAIL(f, "user.logged_in ok, password.reset_failed reset_invalid");
}

void reset_django_refusals(void *arg)
{
	struct service_fixture *f = arg;
	struct reset_proof proof = django_link(f), other = proof;

	f->service.config.django_secret_key = secret_of(STR_NULL);
	CHECK(confirm(f, &proof) == ERR_RESET_INVALID);
	f->service.config.django_secret_key = secret_of(STR("another key"));
	CHECK(confirm(f, &proof) == ERR_RESET_INVALID);
	f->service.config.django_secret_key = secret_of(DJANGO_KEY);
	other.uidb64 = STR("NDI");
	CHECK(confirm(f, &other) == ERR_RESET_INVALID);
	set_state(f, ADA, USER_DISABLED);
	CHECK(confirm(f, &proof) == ERR_RESET_INVALID);
	set_state(f, ADA, USER_ACTIVE);
	/* Its time is Django's setting, and never far in the future. */
	service_fixture_advance(3 * US_PER_DAY - US_PER_HOUR + US_PER_S);
	CHECK(confirm(f, &proof) == ERR_RESET_INVALID);
	f->service.config.django_reset_timeout_us = 4 * US_PER_DAY;
	service_fixture_advance(-4 * US_PER_DAY);
	CHECK(confirm(f, &proof) == ERR_RESET_INVALID);
	service_fixture_advance(2 * US_PER_DAY);
	CHECK(confirm(f, &proof) == OK);
}
