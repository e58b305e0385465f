/* What may become a password, what counts as the same one, and which may not come back. */
#include <unistd.h>

#include "crypto/breach_build.h"
#include "service/admin.h"
#include "service/password.h"
#include "service_cases.h"

static enum err register_with(struct call *c, struct str address, struct str password)
{
	const struct registration in = { .email = address, .password = secret_of(password) };
	struct registered r = { 0 };

	service_fixture_advance(US_PER_HOUR);
	return call_register(c, &in, &r);
}

static const char *reason(const struct request *rq)
{
	return rq->field_errors ? str_cstr(rq->arena, rq->field_errors->text) : "";
}

static void open_list(struct service_fixture *f, const char *word)
{
	struct breach_builder *builder = breach_builder_new();
	char path[] = "/tmp/contract-breach-XXXXXX";
	struct str problem;
	int fd = mkstemp(path);

	CHECK(fd >= 0 && close(fd) == 0);
	CHECK(breach_builder_add(builder, str_of(word)));
	CHECK(breach_builder_write(builder, path) == 1);
	breach_builder_free(&builder);
	CHECK(breach_open(f->base.arena, str_of(path), &f->service.breach, &problem) == OK);
	unlink(path);
}

void password_strength(void *arg)
{
	struct service_fixture *f = arg;
	struct call c = { .f = f };

	f->service.config.password_min_score = 2;
	f->service.config.product = STR("Zanzibar");
	CHECK(register_with(&c, ADA, STR("password123")) == ERR_PASSWORD_REJECTED);
	CHECK(field_refused(c.rq, "password"));
	CHECK(strstr(reason(c.rq), "easy to guess"));
	CHECK(register_with(&c, ADA, STR("zanzibar2026")) == ERR_PASSWORD_REJECTED);
	CHECK(register_with(&c, ADA, STR("EXAMPLE.COMexample.com")) == ERR_PASSWORD_REJECTED);
	/* Refused before anything was counted, looked up or hashed. */
	CHECK(c.rq->statements == 0 && c.rq->hash_us == 0);
	TRAIL(f, "");
	f->service.config.product = STR_NULL;
	CHECK(register_with(&c, STR("al@example.com"), STR("zanzibar2026")) == OK);
	CHECK(register_with(&c, ADA, STR("before\0after the rain has fallen")) == OK);
	f->service.config.password_min_score = 0;
	CHECK(register_with(&c, STR("eve@example.com"), STR("password123")) == OK);
}

/* Long ones are judged by both ends, and quickly. */
void password_strength_of_long(void *arg)
{
	struct service_fixture *f = arg;
	struct call c = { .f = f };
	char text[1024];

	f->service.config.password_min_score = 4;
	memset(text, '1', sizeof(text));
	CHECK(register_with(&c, ADA, str_bytes(text, sizeof(text))) == ERR_PASSWORD_REJECTED);
	memcpy(text + sizeof(text) - 30, "gravel lantern cobweb dolphin ", 30);
	CHECK(register_with(&c, ADA, str_bytes(text, sizeof(text))) == OK);
}

void password_breached(void *arg)
{
	struct service_fixture *f = arg;
	struct call c = { .f = f };

	open_list(f, "gravel lantern \xc3\xa9toile");
	CHECK(register_with(&c, ADA, STR("gravel lantern \xc3\xa9toile")) == ERR_PASSWORD_REJECTED);
	CHECK(strstr(reason(c.rq), "stolen"));
	/* The same letters, composed otherwise. */
	CHECK(
	    register_with(&c, ADA, STR("gravel lantern e\xcc\x81toile")) == ERR_PASSWORD_REJECTED);
	CHECK(register_with(&c, ADA, STR("gravel lantern etoile")) == OK);
	breach_close(&f->service.breach);
}

/* Registered composed, typed decomposed; and the other way round. */
void password_normal_form(void *arg)
{
	static const struct str composed = STR_INIT("\xc3\xa9toile du nord");
	static const struct str decomposed = STR_INIT("e\xcc\x81toile du nord");
	struct service_fixture *f = arg;
	struct registered r = { 0 };
	struct signed_in in = { 0 };

	CHECK(sign_up(f, ADA, composed, &r) == OK);
	CHECK(verify(f, r.verification.flow_id, r.verification.otp, &in) == OK);
	CHECK(sign_in(f, ADA, composed, &in) == OK);
	CHECK(sign_in(f, ADA, decomposed, &in) == OK);
	CHECK(sign_in(f, ADA, STR("etoile du nord"), &in) == ERR_INVALID_CREDENTIALS);
	service_fixture_advance(US_PER_HOUR);
	CHECK(sign_up(f, STR("eve@example.com"), decomposed, &r) == OK);
	CHECK(verify(f, r.verification.flow_id, r.verification.otp, &in) == OK);
	CHECK(sign_in(f, STR("eve@example.com"), composed, &in) == OK);
	/* Bytes that are no text are hashed as they are. */
	CHECK(sign_up(f, STR("al@example.com"), STR("caf\xe9 and more"), &r) == OK);
	CHECK(verify(f, r.verification.flow_id, r.verification.otp, &in) == OK);
	CHECK(sign_in(f, STR("al@example.com"), STR("caf\xe9 and more"), &in) == OK);
}

struct given_hash {
	struct service_fixture *f;
	struct uuid user;
	struct str password; /* to be hashed as it is */
};

static enum err give_hash(struct tx *tx, void *arg)
{
	const struct given_hash *given = arg;
	bool changed;

	return user_set_password(
	    tx, given->user, given->password, STR_NULL, now_wall_us(), &changed);
}

/* Another program hashed the bytes as sent: they open, and from then on both forms do. */
void password_as_sent(void *arg)
{
	static const struct str composed = STR_INIT("\xc3\xa9toile du nord");
	static const struct str decomposed = STR_INIT("e\xcc\x81toile du nord");
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct given_hash given = { .f = f, .user = person(f, ADA).id };
	const struct pwhash_caller caller = { .deadline_us = NEVER_US };

	CHECK(pwhash_create(f->service.pwhash, f->base.arena, secret_of(decomposed), &caller,
		  &given.password) == OK);
	fixture_store_tx(f, give_hash, &given);
	CHECK(sign_in(f, ADA, composed, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(str_eq(person(f, ADA).password, given.password));
	CHECK(sign_in(f, ADA, decomposed, &in) == OK);
	CHECK(!str_eq(person(f, ADA).password, given.password));
	CHECK(sign_in(f, ADA, composed, &in) == OK);
	CHECK(sign_in(f, ADA, decomposed, &in) == OK);
}

static enum err set(struct call *c, struct str password)
{
	struct account *account = NULL;
	struct user_row row = person(c->f, ADA);

	service_fixture_advance(US_PER_MIN);
	c->rq = fixture_request(c->f, "test");
	CHECK(account_open(c->rq, &row, &account) == OK);
	return admin_user_set_password(c->rq, account, secret_of(password), STR("forgotten"));
}

void password_history(void *arg)
{
	static const struct str words[] = { STR_INIT("password one"), STR_INIT("password two"),
		STR_INIT("password three"), STR_INIT("password four") };
	struct service_fixture *f = arg;
	struct signed_in in = join(f, ADA);
	struct call c = { .f = f };

	f->service.config.password_history = 2;
	CHECK(set(&c, PASSWORD) == ERR_PASSWORD_REJECTED);
	CHECK(strstr(reason(c.rq), "used this password before"));
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		CHECK(set(&c, words[i]) == OK);
	/* The present one and the two before it; not the one before those. */
	CHECK(set(&c, words[3]) == ERR_PASSWORD_REJECTED);
	CHECK(set(&c, words[2]) == ERR_PASSWORD_REJECTED);
	CHECK(set(&c, words[1]) == ERR_PASSWORD_REJECTED);
	CHECK(sign_in(f, ADA, words[3], &in) == OK);
	CHECK(set(&c, words[0]) == OK);
	CHECK(sign_in(f, ADA, words[0], &in) == OK);
	/* None is kept where none counts. */
	f->service.config.password_history = 0;
	CHECK(set(&c, words[0]) == ERR_PASSWORD_REJECTED);
	CHECK(set(&c, words[1]) == OK);
	f->service.config.password_history = 24;
	CHECK(set(&c, words[0]) == OK);
	CHECK(set(&c, words[1]) == ERR_PASSWORD_REJECTED);
	CHECK(set(&c, words[3]) == OK);
}
