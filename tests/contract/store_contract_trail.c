/* Audit, outbox, limits: what is written beside the change it tells of. */
#include "store_contract.h"

static const int64_t now = FIXTURE_NOW_US;

static enum err append(struct tx *tx, void *arg)
{
	const struct store_fixture *f = arg;

	for (unsigned i = 0; i < 20; i++) {
		struct audit_row row = fixture_audit(i);

		CHECK(audit_append(tx, f->keys, &row) == OK);
	}
	return OK;
}

static enum err read_trail(struct tx *tx, void *arg)
{
	const struct store_fixture *f = arg;
	struct uuid subject = fixture_id('u', 1);
	struct audit_verdict verdict;
	struct audit_seal head;
	struct audit_row *rows = NULL, want = fixture_audit(11);
	struct mac mac;
	bool found = false;
	size_t n = 0;

	CHECK(audit_verify_rows(tx, f->keys, NULL, NULL, &verdict) == OK);
	CHECK(verdict.intact && verdict.rows == 40 && verdict.seals == 2);
	CHECK(audit_head(tx, &head, &found) == OK && found && head.n == 2 && head.last_id == 40);
	CHECK(audit_seal_at(tx, 1, &head, &found) == OK && found && head.last_id == 20);
	CHECK(audit_seal_at(tx, 3, &head, &found) == OK && !found);
	CHECK(audit_list(tx, NULL, 10, 5, &rows, &n) == OK && n == 5 && rows[0].id == 11);
	CHECK(audit_list(tx, &subject, 0, 100, &rows, &n) == OK && n == 6);
	CHECK(audit_list(tx, NULL, 11, 1, &rows, &n) == OK && n == 1);
	CHECK(rows[0].at_us == want.at_us && str_eq(rows[0].event, want.event));
	CHECK(rows[0].has_actor && uuid_equal(rows[0].actor_id, want.actor_id));
	CHECK(rows[0].has_subject == want.has_subject && !rows[0].has_session);
	CHECK(str_eq(rows[0].device, want.device) && str_eq(rows[0].reason, want.reason));
	CHECK(!rows[0].geo.ptr && rows[0].key_id == 1 && rows[0].count == 1);
	CHECK(audit_row_mac(f->keys, &rows[0], &mac) && bytes_equal(mac.b, rows[0].mac.b, 32));
	return OK;
}

void store_audit(void *arg)
{
	RUN(arg, append, arg);
	fixture_seal(arg);
	RUN(arg, append, arg);
	fixture_seal(arg);
	READ(arg, read_trail, arg);
}

static void put(struct tx *tx, unsigned n, unsigned user)
{
	struct outbox_row row = fixture_outbox(n, user);

	CHECK(outbox_insert(tx, &row) == OK);
}

static size_t lease(struct tx *tx, int64_t at, struct outbox_row **ret)
{
	const struct outbox_lease lease = {
		.sink = STR("email"),
		.now_us = at,
		.until_us = at + US_PER_MIN,
		.limit = 10,
	};
	size_t n = 0;

	CHECK(outbox_lease(tx, &lease, ret, &n) == OK);
	return n;
}

static int64_t next_due(struct tx *tx, const char *sink)
{
	struct outbox_due due = { .sink = str_of(sink) };

	CHECK(outbox_next_due(tx, &due) == OK);
	return due.at_us;
}

static int64_t replay(struct tx *tx, int64_t id, int64_t at)
{
	int64_t n = -1;

	CHECK(outbox_replay(tx, &(struct outbox_again){ .id = id }, at, &n) == OK);
	return n;
}

static enum err order(struct tx *tx, void *arg)
{
	struct outbox_row *rows = NULL;

	(void)arg;
	CHECK(next_due(tx, "email") == NEVER_US);
	put(tx, 1, 1);
	put(tx, 2, 1); /* waits behind 1 */
	put(tx, 3, 2);
	put(tx, 4, 0); /* nobody's: waits for nobody */
	put(tx, 5, 0);
	put(tx, 5, 0); /* the same event and sink again is one row */
	CHECK(next_due(tx, "email") == now + 1 && next_due(tx, "sms") == NEVER_US);
	CHECK(lease(tx, now, &rows) == 0);
	CHECK(lease(tx, now + 10, &rows) == 4);
	CHECK(rows[0].id == 1 && rows[1].id == 3 && rows[2].id == 4 && rows[3].id == 5);
	CHECK(str_eq(rows[0].data_key, STR("wrapped")) && !rows[2].data_key.ptr);
	CHECK(str_eq(rows[0].kind, STR("verification_code")));
	CHECK(str_eq(rows[0].payload, STR("sealed payload")));
	CHECK(lease(tx, now + 10, &rows) == 0);
	/* What is blocked is not due. */
	CHECK(next_due(tx, "email") == now + 10 + US_PER_MIN);
	CHECK(outbox_finish(tx, 1, STR("delivered"), STR_NULL, now + 11) == OK);
	CHECK(next_due(tx, "email") == now + 2);
	CHECK(lease(tx, now + 11, &rows) == 1 && rows[0].id == 2);
	CHECK(outbox_retry(tx, 2, STR("451"), now + 30) == OK);
	CHECK(lease(tx, now + 29, &rows) == 0);
	CHECK(lease(tx, now + 30, &rows) == 1 && rows[0].attempts == 1);
	CHECK(str_eq(rows[0].last_error, STR("451")));
	/* A lease that ran out: whoever had it is gone. */
	CHECK(lease(tx, now + 10 + US_PER_MIN, &rows) == 3);
	return OK;
}

void store_outbox_order(void *arg)
{
	add_users(arg, 2);
	RUN(arg, order, NULL);
}

static enum err ends(struct tx *tx, void *arg)
{
	struct outbox_row *rows = NULL;
	size_t n = 0;
	int64_t count = 0;

	(void)arg;
	for (unsigned i = 1; i <= 4; i++)
		put(tx, i, 1);
	CHECK(outbox_finish(tx, 1, STR("dead"), STR("550"), now) == OK);
	CHECK(outbox_finish(tx, 2, STR("expired"), STR_NULL, now) == OK);
	CHECK(outbox_finish(tx, 2, STR("delivered"), STR_NULL, now) == OK); /* is over already */
	CHECK(outbox_list(tx, STR_NULL, 0, 10, &rows, &n) == OK && n == 4);
	CHECK(str_eq(rows[0].state, STR("dead")) && rows[0].payload.ptr);
	CHECK(str_eq(rows[0].last_error, STR("550")) && rows[0].finished_at_us == now);
	CHECK(str_eq(rows[1].state, STR("expired")) && !rows[1].payload.ptr);
	CHECK(outbox_list(tx, STR("pending"), 3, 10, &rows, &n) == OK && n == 1 && rows[0].id == 4);
	CHECK(replay(tx, 2, now) == 0);
	CHECK(replay(tx, 1, now) == 1);
	CHECK(replay(tx, 0, now) == 0);
	CHECK(outbox_finish(tx, 1, STR("dead"), STR("550"), now + 5) == OK);
	CHECK(outbox_finish(tx, 3, STR("dead"), STR("550"), now + 5) == OK);
	CHECK(replay(tx, 0, now + 6) == 2);
	CHECK(lease(tx, now + 6, &rows) == 1 && rows[0].id == 1 && rows[0].attempts == 0);
	CHECK(outbox_sweep(tx, now + 1, 10, &count) == OK && count == 1);
	CHECK(outbox_list(tx, STR_NULL, 0, 10, &rows, &n) == OK && n == 3);
	return OK;
}

void store_outbox_ends(void *arg)
{
	add_users(arg, 1);
	RUN(arg, ends, NULL);
}

/* An event keeps what it said, so that its receiver can have it again. */
static enum err events(struct tx *tx, void *arg)
{
	struct outbox_again again = { .sink = STR("webhook:shop"), .since_us = now };
	struct outbox_row row = fixture_outbox(1, 1), *rows = NULL;
	size_t n = 0;
	int64_t count = 0;

	(void)arg;
	put(tx, 2, 1);
	row.sink = STR("webhook:shop");
	CHECK(outbox_insert(tx, &row) == OK);
	row.event_id = fixture_id('e', 99);
	CHECK(outbox_insert(tx, &row) == OK);
	CHECK(lease(tx, now + 5, &rows) == 1 && rows[0].id == 1); /* each sink by itself */
	CHECK(next_due(tx, "webhook:shop") == now + 1);
	CHECK(outbox_finish(tx, 1, STR("delivered"), STR_NULL, now + 1) == OK);
	CHECK(outbox_finish(tx, 2, STR("delivered"), STR_NULL, now + 1) == OK);
	CHECK(outbox_finish(tx, 3, STR("dead"), STR("500"), now - 1) == OK);
	CHECK(outbox_list(tx, STR("delivered"), 0, 10, &rows, &n) == OK && n == 2);
	CHECK(!rows[0].payload.ptr && str_eq(rows[1].payload, row.payload));
	CHECK(replay(tx, 1, now) == 0 && replay(tx, 2, now) == 1);
	CHECK(outbox_finish(tx, 2, STR("delivered"), STR_NULL, now + 1) == OK);
	CHECK(outbox_replay(tx, &again, now, &count) == OK && count == 1);
	again.since_us = 0;
	CHECK(outbox_replay(tx, &again, now, &count) == OK && count == 1);
	again.sink = STR("webhook:other");
	CHECK(outbox_replay(tx, &again, now, &count) == OK && count == 0);
	return OK;
}

void store_outbox_events(void *arg)
{
	add_users(arg, 1);
	RUN(arg, events, NULL);
}

struct seen {
	int64_t n, amount, last_at_us;
};

static void see(void *arg, const struct limit_admission *a)
{
	struct seen *seen = arg;

	CHECK(str_eq(a->subject, fixture_bytes((unsigned)a->amount)));
	CHECK(a->at_us > seen->last_at_us);
	seen->last_at_us = a->at_us;
	seen->amount += a->amount;
	seen->n++;
}

static enum err limits(struct tx *tx, void *arg)
{
	struct seen seen = { 0 };
	int64_t n = 0;

	(void)arg;
	for (unsigned i = 1; i <= 100; i++) {
		struct limit_admission a = { fixture_bytes(i), now + i, i, now + 1000 - i };

		CHECK(limit_insert(tx, &a) == OK);
	}
	CHECK(limit_each_live(tx, now + 949, see, &seen) == OK && seen.n == 50);
	CHECK(seen.amount == 50 * 51 / 2);
	CHECK(limit_sweep(tx, now + 949, 20, &n) == OK && n == 20);
	CHECK(limit_sweep(tx, now + 949, 100, &n) == OK && n == 30);
	seen = (struct seen){ 0 };
	CHECK(limit_each_live(tx, now, see, &seen) == OK && seen.n == 50);
	CHECK(limit_forget(tx, fixture_bytes(10), now + 9) == OK); /* it came at now + 10 */
	CHECK(limit_forget(tx, fixture_bytes(20), now + 20) == OK);
	seen = (struct seen){ 0 };
	CHECK(limit_each_live(tx, now, see, &seen) == OK && seen.n == 49);
	CHECK(seen.amount == 50 * 51 / 2 - 20);
	return OK;
}

void store_limits(void *arg)
{
	RUN(arg, limits, NULL);
}
