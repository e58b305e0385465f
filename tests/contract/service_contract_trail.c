/* What every flow leaves behind and what it costs. */
#include "service_cases.h"

/* --- statements --- */

/*
 * What each flow costs, limits included: a row an admission counted exactly, one for each block of
 * the larger ones. A change here is a change of what a request costs: make it knowingly.
 */
static const struct budget {
	const char *what;
	unsigned statements;
} budgets[] = {
	{ "register", 10 },
	{ "register: known", 7 },
	{ "register: contested", 8 },
	{ "verify", 11 },
	{ "verify: wrong", 7 },
	{ "resend", 8 },
	{ "resend: decoy", 7 },
	{ "login", 11 },
	{ "login: wrong", 5 },
	{ "login: unknown", 5 },
	{ "bearer", 1 },
	{ "refresh: first of a block", 4 },
	{ "refresh", 3 },
	{ "refresh: replay", 2 },
	{ "refresh: reuse", 4 },
	{ "reset request", 7 },
	{ "reset request: unknown", 7 },
	{ "reset confirm", 14 },
	{ "reset confirm: again", 6 },
	{ "reset confirm: unknown", 3 },
	{ "change", 10 },
	{ "change: wrong", 5 },
	{ "logout", 4 },
	{ "logout: again", 1 },
};

static void within(const struct call *c, const char *what)
{
	for (size_t i = 0; i < ARRAY_LEN(budgets); i++) {
		if (strcmp(budgets[i].what, what) != 0)
			continue;
		if (c->rq->statements == budgets[i].statements)
			return;
		fprintf(stderr, "%s: %u statements, not %u\n", what, c->rq->statements,
		    budgets[i].statements);
	}
	abort();
}

static struct secret trail_sign_up(struct service_fixture *f)
{
	const struct registration ada = { .email = ADA, .password = secret_of(PASSWORD) };
	const struct registration bob = { .email = STR("bob@example.com"),
		.password = secret_of(PASSWORD) };
	struct call c = { .f = f };
	struct registered r = { 0 };
	struct verification v = { 0 };
	struct signed_in in = { 0 };

	CHECK(call_register(&c, &ada, &r) == OK);
	within(&c, "register");
	CHECK(call_verify(&c, r.verification.flow_id, wrong(f, r.verification.otp, 0), &in) ==
	      ERR_OTP_INVALID);
	within(&c, "verify: wrong");
	CHECK(call_verify(&c, r.verification.flow_id, r.verification.otp, &in) == OK);
	within(&c, "verify");
	CHECK(call_register(&c, &ada, &r) == OK);
	within(&c, "register: known");
	CHECK(call_register(&c, &bob, &r) == OK && call_register(&c, &bob, &r) == OK);
	within(&c, "register: contested");
	service_fixture_advance(US_PER_MIN);
	CHECK(call_resend(&c, r.verification.flow_id, &v) == OK);
	within(&c, "resend");
	CHECK(call_resend_address(&c, STR("nobody@example.com"), &v) == OK);
	within(&c, "resend: decoy");
	return in.tokens.refresh;
}

static void trail_tokens(struct service_fixture *f, struct secret refresh)
{
	struct call c = { .f = f };
	struct token_pair pair = { 0 }, next = { 0 };

	CHECK(call_refresh(&c, refresh, &pair) == OK);
	within(&c, "refresh: first of a block");
	CHECK(call_refresh(&c, pair.refresh, &next) == OK);
	within(&c, "refresh");
	CHECK(call_refresh(&c, pair.refresh, &next) == OK);
	within(&c, "refresh: replay");
	service_fixture_advance(11 * US_PER_S);
	CHECK(call_refresh(&c, pair.refresh, &pair) == ERR_REFRESH_REUSED);
	within(&c, "refresh: reuse");
}

static void trail_passwords(struct service_fixture *f, struct secret access)
{
	struct call c = { .f = f };
	struct reset_sent sent = { 0 };
	struct reset_proof proof;

	CHECK(call_change(&c, access, OTHER_PASSWORD, PASSWORD) == ERR_VALIDATION_FAILED);
	within(&c, "change: wrong");
	CHECK(call_change(&c, access, PASSWORD, OTHER_PASSWORD) == OK);
	within(&c, "change");
	CHECK(call_reset_request(&c, STR("nobody@example.com"), &sent) == OK);
	within(&c, "reset request: unknown");
	CHECK(call_reset_request(&c, ADA, &sent) == OK);
	within(&c, "reset request");
	proof = proof_of_link(fixture_newest_post(f).link);
	CHECK(call_reset_confirm(&c, &proof, PASSWORD) == OK);
	within(&c, "reset confirm");
	CHECK(call_reset_confirm(&c, &proof, OTHER_PASSWORD) == ERR_RESET_INVALID);
	within(&c, "reset confirm: again");
	proof.uidb64 = STR("MQ");
	CHECK(call_reset_confirm(&c, &proof, OTHER_PASSWORD) == ERR_RESET_INVALID);
	within(&c, "reset confirm: unknown");
}

void trail_statements(void *arg)
{
	struct service_fixture *f = arg;
	struct call c = { .f = f };
	struct signed_in in = { 0 };
	struct verification v = { 0 };

	trail_tokens(f, trail_sign_up(f));
	CHECK(call_login(&c, ADA, PASSWORD, &in, &v) == OK);
	within(&c, "login");
	CHECK(call_authenticate(&c, in.tokens.access) == OK);
	within(&c, "bearer");
	trail_passwords(f, in.tokens.access);
	CHECK(call_login(&c, ADA, PASSWORD, &in, &v) == OK);
	CHECK(call_login(&c, ADA, OTHER_PASSWORD, &in, &v) == ERR_INVALID_CREDENTIALS);
	within(&c, "login: wrong");
	CHECK(call_login(&c, STR("nobody@example.com"), PASSWORD, &in, &v) ==
	      ERR_INVALID_CREDENTIALS);
	within(&c, "login: unknown");
	CHECK(call_logout(&c, in.tokens.refresh) == OK);
	within(&c, "logout");
	CHECK(call_logout(&c, in.tokens.refresh) == OK);
	within(&c, "logout: again");
}

/* --- rows --- */

struct rows {
	struct audit_row *rows;
	size_t n;
};

static enum err rows_fn(struct tx *tx, void *arg)
{
	struct rows *r = arg;

	return audit_list(tx, NULL, 0, 1000, &r->rows, &r->n);
}

static struct rows all_rows(struct service_fixture *f)
{
	struct rows r = { 0 };

	fixture_store_tx(f, rows_fn, &r);
	return r;
}

/* Who, whom, which session, how often, and nothing personal in the clear. */
void trail_subjects(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = { 0 };
	struct registered reg = { 0 };
	struct user_row ada;
	struct rows r;

	CHECK(sign_up(f, ADA, PASSWORD, &reg) == OK);
	CHECK(verify(f, reg.verification.flow_id, reg.verification.otp, &in) == OK);
	CHECK(sign_in(f, STR("nobody@example.com"), PASSWORD, &in) == ERR_INVALID_CREDENTIALS);
	CHECK(verify(f, uuid_v4(), STR("123456"), &in) == ERR_OTP_INVALID);
	ada = person(f, ADA);
	r = all_rows(f);
	CHECK(r.n == 5);
	for (size_t i = 0; i < 3; i++) {
		CHECK(r.rows[i].has_subject && uuid_equal(r.rows[i].subject_id, ada.id));
		CHECK(str_empty(r.rows[i].subject_index));
		CHECK(r.rows[i].has_session == (i > 0));
	}
	for (size_t i = 3; i < 5; i++)
		CHECK(!r.rows[i].has_subject && !str_empty(r.rows[i].subject_index));
	for (size_t i = 0; i < r.n; i++) {
		CHECK(!r.rows[i].has_actor && r.rows[i].count == 1);
		CHECK(str_eq(r.rows[i].engine, engine_name(rt_engine())));
		CHECK(!memmem(r.rows[i].address.ptr, r.rows[i].address.len, "203.0.113.7", 11));
		CHECK(r.rows[i].user_agent.len > 12);
	}
	CHECK(str_eq(r.rows[3].operation, STR("login")));
	CHECK(str_eq(r.rows[4].operation, STR("verify_otp")));
}

/* A user agent is as long as its sender likes; what is kept of it is not. */
void trail_user_agent_is_cut(void *arg)
{
	struct service_fixture *f = arg;
	struct request *rq = fixture_request(f, "login");
	struct signed_in in = { 0 };
	struct verification v = { 0 };
	struct rows r;
	char agent[4000];

	join(f, ADA);
	memset(agent, 'x', sizeof(agent));
	rq->user_agent = str_bytes(agent, sizeof(agent));
	CHECK(login_password(rq, ADA, secret_of(PASSWORD), &in, &v) == OK);
	r = all_rows(f);
	CHECK(r.rows[r.n - 1].user_agent.len < 600);
}

static enum err flush(struct service_fixture *f, bool last)
{
	struct request *rq = fixture_request(f, "sweep");

	return audit_flush_refusals(rq, last ? INT64_MAX : rq->now_us);
}

/* Calls refused by the dozen become one row a subject and minute, once the minute is over. */
void trail_refusals(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in in = { 0 };
	struct verification v = { 0 };
	struct call c = { .f = f };
	struct rows r;

	f->service.config.throttle_burst = (struct rate){ 1, US_PER_MIN };
	CHECK(flush(f, true) == OK);
	CHECK(call_login(&c, ADA, PASSWORD, &in, &v) == ERR_INVALID_CREDENTIALS);
	for (int i = 0; i < 30; i++) {
		c.address = i % 3 == 0 ? "198.51.100.1" : NULL;
		CHECK(call_login(&c, ADA, PASSWORD, &in, &v) == ERR_THROTTLED);
		c.rq->now_us -= c.rq->now_us % US_PER_MIN; /* all in one minute */
		audit_count_refusal(c.rq, ERR_THROTTLED);
	}
	fixture_trail(f);
	service_fixture_advance(US_PER_MIN);
	CHECK(flush(f, false) == OK);
	TRAIL(f, "request.refused throttled, request.refused throttled");
	r = all_rows(f);
	CHECK(r.n == 3 && r.rows[1].count + r.rows[2].count == 30);
	CHECK(r.rows[1].count == 10 || r.rows[2].count == 10);
	CHECK(str_eq(r.rows[1].operation, STR("login")));
	CHECK(flush(f, false) == OK);
	TRAIL(f, "");
}

/* A minute is written when it is over; when the store cannot, later; when the server stops, now. */
void trail_refusals_are_not_lost(void *arg)
{
	struct service_fixture *f = arg;
	struct request *rq = fixture_request(f, "login"), *late = fixture_request(f, "sweep");

	CHECK(flush(f, true) == OK);
	fixture_trail(f);
	audit_count_refusal(rq, ERR_THROTTLED);
	rq->operation = STR("me");
	audit_count_refusal(rq, ERR_OVERLOADED);
	CHECK(audit_flush_refusals(late, rq->now_us) == OK);
	TRAIL(f, "");
	late->deadline_us = 0;
	CHECK(audit_flush_refusals(late, INT64_MAX) != OK);
	TRAIL(f, "");
	CHECK(flush(f, true) == OK);
	CHECK(strlen(fixture_trail(f)) ==
	      strlen("request.refused throttled, request.refused overloaded"));
}

struct old_rows {
	struct uuid flow, session;
	bool has_flow, has_session;
};

static enum err old_rows_fn(struct tx *tx, void *arg)
{
	struct old_rows *o = arg;
	struct session_user session = { 0 };
	struct flow_row flow = { 0 };

	CHECK(flow_by_id(tx, o->flow, &flow, &o->has_flow) == OK);
	CHECK(session_with_user(tx, o->session, &session) == OK);
	o->has_session = session.found;
	return OK;
}

/* What is long over is swept away in the background. Only the simulation has the patience. */
void trail_sweeps(void *arg)
{
	struct service_fixture *f = arg;
	struct call c = { .f = f };
	struct registered r = { 0 };
	struct signed_in in = { 0 };
	struct old_rows old = { 0 };

	if (rt_engine() != ENGINE_SIMULATION)
		return;
	CHECK(sign_up(f, ADA, PASSWORD, &r) == OK);
	CHECK(verify(f, r.verification.flow_id, r.verification.otp, &in) == OK);
	CHECK(call_authenticate(&c, in.tokens.access) == OK);
	old =
	    (struct old_rows){ .flow = r.verification.flow_id, .session = c.rq->actor.session_id };
	CHECK(sign_out(f, in.tokens.refresh) == OK);
	CHECK(service_start_background(&f->service) == OK);
	rt_sleep_until(now_mono_us() + 2 * US_PER_MIN);
	fixture_store_tx(f, old_rows_fn, &old);
	CHECK(old.has_flow && old.has_session);
	service_fixture_advance(2 * US_PER_DAY);
	rt_sleep_until(now_mono_us() + 2 * US_PER_MIN);
	fixture_store_tx(f, old_rows_fn, &old);
	CHECK(!old.has_flow && old.has_session);
	service_fixture_advance(30 * US_PER_DAY);
	rt_sleep_until(now_mono_us() + 2 * US_PER_MIN);
	fixture_store_tx(f, old_rows_fn, &old);
	CHECK(!old.has_session && person(f, ADA).is_verified);
}
