/* The calls of service_contract.h. */
#include "service_contract.h"

static struct request *begin(struct call *c, const char *operation)
{
	struct request *rq = fixture_request(c->f, operation);

	if (c->key)
		rq->idempotency_key = str_of(c->key);
	rq->body = str_of(c->body ? c->body : "{}");
	rq->device_token = secret_reveal(c->device);
	if (c->address)
		CHECK(client_address_parse(str_of(c->address), &rq->client));
	c->rq = rq;
	return rq;
}

enum err call_register(struct call *c, const struct registration *in, struct registered *ret)
{
	return registration_create(begin(c, "register"), in, ret);
}

static enum err verify_target(
    struct call *c, const struct otp_target *target, struct str code, struct signed_in *ret)
{
	return otp_verify(begin(c, "verify_otp"), target, secret_of(code), ret);
}

enum err call_verify(struct call *c, struct uuid flow, struct str code, struct signed_in *ret)
{
	return verify_target(
	    c, &(struct otp_target){ .has_flow = true, .flow_id = flow }, code, ret);
}

enum err call_verify_address(
    struct call *c, struct str address, struct str code, struct signed_in *ret)
{
	return verify_target(c, &(struct otp_target){ .email_or_phone = address }, code, ret);
}

enum err call_resend(struct call *c, struct uuid flow, struct verification *ret)
{
	const struct otp_target target = { .has_flow = true, .flow_id = flow };

	return otp_resend(begin(c, "resend_otp"), &target, ret);
}

enum err call_resend_address(struct call *c, struct str address, struct verification *ret)
{
	const struct otp_target target = { .email_or_phone = address };

	return otp_resend(begin(c, "resend_otp"), &target, ret);
}

enum err call_login(struct call *c, struct str address, struct str password, struct signed_in *ret,
    struct verification *ret_verification)
{
	return login_password(
	    begin(c, "login"), address, secret_of(password), ret, ret_verification);
}

enum err call_refresh(struct call *c, struct secret refresh, struct token_pair *ret)
{
	return session_refresh(begin(c, "token_refresh"), refresh, ret);
}

enum err call_logout(struct call *c, struct secret refresh)
{
	return session_logout(begin(c, "logout"), refresh);
}

enum err call_authenticate(struct call *c, struct secret access)
{
	return session_authenticate(begin(c, "me"), access);
}

enum err call_check(struct call *c, struct secret token, struct token_check *ret)
{
	return session_check_token(begin(c, "token_verify"), token, ret);
}

enum err call_reset_request(struct call *c, struct str address, struct reset_sent *ret)
{
	return reset_request(begin(c, "password_reset_request"), address, ret);
}

enum err call_reset_confirm(struct call *c, const struct reset_proof *proof, struct str password)
{
	return reset_confirm(begin(c, "password_reset_confirm"), proof, secret_of(password));
}

enum err call_change(struct call *c, struct secret access, struct str current, struct str wanted)
{
	enum err e = session_authenticate(begin(c, "password_change"), access);

	return e == OK ? password_change(c->rq, secret_of(current), secret_of(wanted)) : e;
}

enum err sign_up(
    struct service_fixture *f, struct str address, struct str password, struct registered *ret)
{
	bool email = str_find(address, '@') >= 0;
	const struct registration in = {
		.email = email ? address : STR_NULL,
		.phone = email ? STR_NULL : address,
		.password = secret_of(password),
		.first_name = STR("Ada"),
	};

	return call_register(&(struct call){ .f = f }, &in, ret);
}

enum err verify(struct service_fixture *f, struct uuid flow, struct str code, struct signed_in *ret)
{
	return call_verify(&(struct call){ .f = f }, flow, code, ret);
}

enum err verify_address(
    struct service_fixture *f, struct str address, struct str code, struct signed_in *ret)
{
	return call_verify_address(&(struct call){ .f = f }, address, code, ret);
}

enum err resend(struct service_fixture *f, struct uuid flow, struct verification *ret)
{
	return call_resend(&(struct call){ .f = f }, flow, ret);
}

enum err resend_address(struct service_fixture *f, struct str address, struct verification *ret)
{
	return call_resend_address(&(struct call){ .f = f }, address, ret);
}

enum err sign_in(
    struct service_fixture *f, struct str address, struct str password, struct signed_in *ret)
{
	struct verification verification;

	return call_login(&(struct call){ .f = f }, address, password, ret, &verification);
}

enum err refresh(struct service_fixture *f, struct secret token, struct token_pair *ret)
{
	return call_refresh(&(struct call){ .f = f }, token, ret);
}

enum err sign_out(struct service_fixture *f, struct secret token)
{
	return call_logout(&(struct call){ .f = f }, token);
}

enum err authenticate(struct service_fixture *f, struct secret access)
{
	return call_authenticate(&(struct call){ .f = f }, access);
}

struct signed_in join(struct service_fixture *f, struct str address)
{
	struct signed_in in = { 0 };
	struct registered registered;

	CHECK(sign_up(f, address, PASSWORD, &registered) == OK);
	CHECK(verify(f, registered.verification.flow_id, registered.verification.otp, &in) == OK);
	fixture_trail(f);
	fixture_posts(f);
	return in;
}

struct user_row person(struct service_fixture *f, struct str address)
{
	struct user_row row = { 0 };

	CHECK(fixture_person(f, address, &row));
	return row;
}

struct str wrong(struct service_fixture *f, struct str code, unsigned n)
{
	struct str copy = str_dup(fixture_request(f, "test")->arena, code);
	char *last = (char *)(uintptr_t)copy.ptr + copy.len - 1;

	*last = (char)('0' + (unsigned)(*last - '0' + 1 + (int)n) % 10);
	return copy;
}

struct change {
	struct uuid id;
	enum user_state state;
	enum role role;
	bool changed;
};

static enum err state_fn(struct tx *tx, void *arg)
{
	struct change *c = arg;

	return user_set_state(tx, c->id, c->state, now_wall_us(), &c->changed);
}

static enum err role_fn(struct tx *tx, void *arg)
{
	struct change *c = arg;

	return user_set_role(tx, c->id, c->role, now_wall_us(), &c->changed);
}

void set_state(struct service_fixture *f, struct str address, enum user_state state)
{
	struct change c = { .id = person(f, address).id, .state = state };

	fixture_store_tx(f, state_fn, &c);
	CHECK(c.changed);
}

void set_role(struct service_fixture *f, struct str address, enum role role)
{
	struct change c = { .id = person(f, address).id, .role = role };

	fixture_store_tx(f, role_fn, &c);
	CHECK(c.changed);
}

void same_text(const char *got, const char *want, const char *file, int line)
{
	if (strcmp(got, want) == 0)
		return;
	fprintf(
	    stderr, "%s:%d: got  \"%s\"\n%s:%d: want \"%s\"\n", file, line, got, file, line, want);
	abort();
}

bool field_refused(const struct request *rq, const char *field)
{
	for (const struct field_error *e = rq->field_errors; e; e = e->next)
		if (str_eq(e->field, str_of(field)))
			return true;
	return false;
}
