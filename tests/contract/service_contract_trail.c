/* What every flow leaves behind and what it costs. */
#include "service_cases.h"

/* --- statements --- */

struct budget {
	const char *what;
	unsigned statements;
};

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
