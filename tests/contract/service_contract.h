/* The service's cases: each runs as one task on a host and has a whole service of its own. */
#ifndef TESTS_CONTRACT_SERVICE_CONTRACT_H
#define TESTS_CONTRACT_SERVICE_CONTRACT_H

#include "rt_host.h"
#include "service/admin.h"
#include "service/audit.h"
#include "service/throttle.h"
#include "tests/support/service_fixture.h"

#define ADA STR("ada@example.com")
#define PASSWORD STR("correct horse battery")
#define OTHER_PASSWORD STR("staple in the haystack")

/**
 * struct call - one request to the service: what it carries, and what became of it
 *
 * Each call_*() makes a request of its own from it.
 */
struct call {
	struct service_fixture *f;
	const char *key, *body; /* Idempotency-Key; what the body is taken for, "{}" when NULL */
	struct secret device;   /* X-Cloakroom-Device */
	const char *address;    /* NULL: 203.0.113.7 */
	struct request *rq;     /* out: the last one made */
};

enum err call_register(struct call *c, const struct registration *in, struct registered *ret);
enum err call_verify(struct call *c, struct uuid flow, struct str code, struct signed_in *ret);
enum err call_verify_address(
    struct call *c, struct str address, struct str code, struct signed_in *ret);
enum err call_resend(struct call *c, struct uuid flow, struct verification *ret);
enum err call_resend_address(struct call *c, struct str address, struct verification *ret);
enum err call_login(struct call *c, struct str address, struct str password, struct signed_in *ret,
    struct verification *ret_verification);
enum err call_refresh(struct call *c, struct secret refresh, struct token_pair *ret);
enum err call_logout(struct call *c, struct secret refresh);
enum err call_authenticate(struct call *c, struct secret access);
enum err call_check(struct call *c, struct secret token, struct token_check *ret);
enum err call_reset_request(struct call *c, struct str address, struct reset_sent *ret);
enum err call_reset_confirm(struct call *c, const struct reset_proof *proof, struct str password);
/** call_change() - as the holder of @access, who is authenticated first. */
enum err call_change(struct call *c, struct secret access, struct str current, struct str wanted);

/* The same with nothing special about them. */
enum err sign_up(
    struct service_fixture *f, struct str address, struct str password, struct registered *ret);
enum err verify(
    struct service_fixture *f, struct uuid flow, struct str code, struct signed_in *ret);
enum err verify_address(
    struct service_fixture *f, struct str address, struct str code, struct signed_in *ret);
enum err resend(struct service_fixture *f, struct uuid flow, struct verification *ret);
enum err resend_address(struct service_fixture *f, struct str address, struct verification *ret);
enum err sign_in(
    struct service_fixture *f, struct str address, struct str password, struct signed_in *ret);
enum err refresh(struct service_fixture *f, struct secret token, struct token_pair *ret);
enum err sign_out(struct service_fixture *f, struct secret token);
enum err authenticate(struct service_fixture *f, struct secret access);

/** join() - register and verify; no trail or post of it is left to be seen. */
struct signed_in join(struct service_fixture *f, struct str address);
/** person() - the row behind an address that must be there. */
struct user_row person(struct service_fixture *f, struct str address);
/** wrong() - a code that is not @code, and another for each @n from 0 to 8. */
struct str wrong(struct service_fixture *f, struct str code, unsigned n);
/** set_state(), set_role() - what an operator does, without ending sessions. */
void set_state(struct service_fixture *f, struct str address, enum user_state state);
void set_role(struct service_fixture *f, struct str address, enum role role);
/** proof_of_link() - what a reset link holds. */
struct reset_proof proof_of_link(struct str link);
/** django_link() - Ada, moved here from Django, and the reset link that sent her an hour ago. */
struct reset_proof django_link(struct service_fixture *f);
/** same_text() - strings compared whole, with both shown when they differ. */
void same_text(const char *got, const char *want, const char *file, int line);
#define TRAIL(f, want) same_text(fixture_trail(f), want, __FILE__, __LINE__)
#define POSTS(f, want) same_text(fixture_posts(f), want, __FILE__, __LINE__)
/** field_refused() - does the request's "errors" name @field? */
bool field_refused(const struct request *rq, const char *field);

/** service_case - arg is the struct service_fixture. */
typedef void service_case(void *arg);

/** struct service_race - many tasks at once: @setup alone, then the racers, then @check alone. */
struct service_race {
	struct service_fixture *f;
	service_case *setup, *racer, *check; /* arg is the struct service_race */
	size_t racers;

	struct rt_latch open;
	int started, ended; /* atomic */

	/* The race's own. */
	struct uuid id;
	struct str code;
	struct secret token;
	int turn, ok, refused;    /* atomic */
	struct secret tokens[64]; /* by turn */
	struct uuid flows[64];
	struct str codes[64];
};

#endif
