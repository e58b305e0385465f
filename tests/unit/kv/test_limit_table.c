#include "tests/unit/test.h"

#include "base/clock.h"
#include "kv/limit_table.h"

static int64_t clock_us;

static int64_t fake_us(void)
{
	return clock_us;
}

static const struct world fake = { .wall_us = fake_us, .mono_us = fake_us };

static const struct kv_limit ten = { STR_INIT("ten"), 10, US_PER_MIN, false };
static const struct kv_limit sustained = { STR_INIT("sustained"), 1000, US_PER_DAY, false };
static const struct kv_limit durable = { STR_INIT("durable"), 1000, US_PER_DAY, true };

static int set_up(void **state)
{
	clock_us = INT64_C(1800000000) * US_PER_S;
	world = &fake;
	*state = limit_table_new((size_t)64 << 20);
	return 0;
}

static int tear_down(void **state)
{
	limit_table_free((struct limit_table **)state);
	world = &world_real;
	return 0;
}

static struct limit_key key(uint32_t n)
{
	struct limit_key k = { { 0 } };

	n *= 2654435761u; /* as scattered as a MAC */
	memcpy(k.b, &n, sizeof(n));
	memcpy(k.b + 8, &n, sizeof(n));
	return k;
}

static enum err claim(struct limit_table *t, struct limit_claim *c, const struct kv_limit *limit,
    uint32_t n, int64_t *wait_us)
{
	*c = (struct limit_claim){ .key = key(n), .limit = limit };
	return limit_table_claim(t, c, 1, wait_us);
}

static enum err admit(struct limit_table *t, const struct kv_limit *limit, uint32_t n)
{
	struct limit_claim c;
	int64_t wait_us = 0;
	enum err r = claim(t, &c, limit, n, &wait_us);

	if (r == OK)
		limit_table_settle(t, &c, 1, true);
	return r;
}

static int64_t wait_of(struct limit_table *t, const struct kv_limit *limit, uint32_t n)
{
	struct limit_claim c;
	int64_t wait_us = 0;

	assert_int_equal(claim(t, &c, limit, n, &wait_us), ERR_THROTTLED);
	return wait_us;
}

static void slides_exactly(void **state)
{
	struct limit_table *t = *state;
	int64_t start_us = clock_us;

	for (int i = 0; i < 10; i++) {
		clock_us = start_us + i * US_PER_S;
		assert_int_equal(admit(t, &ten, 1), OK);
	}
	assert_int_equal(wait_of(t, &ten, 1), 51 * US_PER_S);
	/* Each of the ten makes room exactly a window after it came, not a microsecond before. */
	for (int i = 0; i < 10; i++) {
		clock_us = start_us + US_PER_MIN + i * US_PER_S - 1;
		assert_int_equal(wait_of(t, &ten, 1), 1);
		clock_us++;
		assert_int_equal(admit(t, &ten, 1), OK);
		assert_int_equal(admit(t, &ten, 1), ERR_THROTTLED);
	}
}

static void refusals_are_not_counted(void **state)
{
	struct limit_table *t = *state;

	for (int i = 0; i < 10; i++)
		assert_int_equal(admit(t, &ten, 1), OK);
	for (int i = 0; i < 1000; i++) {
		clock_us += US_PER_S / 100;
		assert_int_equal(admit(t, &ten, 1), ERR_THROTTLED);
	}
	clock_us += 50 * US_PER_S;
	for (int i = 0; i < 10; i++)
		assert_int_equal(admit(t, &ten, 1), OK);
	assert_int_equal(limit_table_gauges(t).refused, 1000);
	assert_int_equal(limit_table_gauges(t).admitted, 20);
}

/* xorshift: the same calls every time. */
static uint32_t next(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

/* At no time are more than @max of the last window's calls admitted; a wait that is obeyed admits.
 */
static void never_over_admits(void **state)
{
	static int64_t admitted[40000];
	struct limit_table *t = *state;
	size_t n = 0, oldest = 0;
	uint32_t seed = 7;

	while (n < ARRAY_LEN(admitted)) {
		struct limit_claim c;
		int64_t wait_us = 0;

		clock_us += next(&seed) % (60 * US_PER_S);
		if (claim(t, &c, &sustained, 1, &wait_us) == ERR_THROTTLED) {
			assert_true(wait_us > 0 && wait_us <= US_PER_DAY);
			clock_us += wait_us - 1;
			assert_int_equal(wait_of(t, &sustained, 1), 1);
			clock_us++;
			assert_int_equal(claim(t, &c, &sustained, 1, &wait_us), OK);
		}
		limit_table_settle(t, &c, 1, true);
		admitted[n++] = clock_us;
		while (admitted[oldest] <= clock_us - US_PER_DAY)
			oldest++;
		assert_true(n - oldest <= sustained.max);
	}
}

/* The sub-windows cost at most a 24th of the window, and a subject's memory stays small. */
static void sub_windows_are_fine(void **state)
{
	struct limit_table *t = *state;

	for (int i = 0; i < 1000; i++) {
		assert_int_equal(admit(t, &sustained, 1), OK);
		clock_us += US_PER_DAY / 2000;
	}
	assert_true(wait_of(t, &sustained, 1) <= US_PER_DAY / 2 + US_PER_DAY / 24 + US_PER_S);
	assert_true(limit_table_gauges(t).bytes < 64 * 16 * 8 + 1024);
}

static void all_or_nothing(void **state)
{
	struct limit_table *t = *state;
	struct limit_claim c[3] = {
		{ .key = key(1), .limit = &ten },
		{ .key = key(2), .limit = &ten },
		{ .key = key(3), .limit = &sustained },
	};
	int64_t wait_us = 0;

	for (int i = 0; i < 10; i++) {
		assert_int_equal(admit(t, &ten, 2), OK);
		clock_us += US_PER_S;
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(limit_table_claim(t, c, 3, &wait_us), ERR_THROTTLED);
	assert_int_equal(wait_us, 50 * US_PER_S);
	/* The two that would have admitted still have all their room; nobody was even created. */
	assert_int_equal(limit_table_gauges(t).subjects, 1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(admit(t, &ten, 1), OK);
	assert_int_equal(admit(t, &ten, 1), ERR_THROTTLED);
}

static void longest_wait_is_told(void **state)
{
	struct limit_table *t = *state;
	struct limit_claim c[2] = {
		{ .key = key(1), .limit = &ten },
		{ .key = key(2), .limit = &sustained },
	};
	int64_t wait_us = 0;

	for (int i = 0; i < 10; i++)
		assert_int_equal(admit(t, &ten, 1), OK);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(admit(t, &sustained, 2), OK);
	assert_int_equal(limit_table_claim(t, c, 2, &wait_us), ERR_THROTTLED);
	assert_int_equal(wait_us, US_PER_DAY);
	clock_us += wait_us;
	assert_int_equal(limit_table_claim(t, c, 2, &wait_us), OK);
	limit_table_settle(t, c, 2, true);
}

static void same_subject_twice(void **state)
{
	struct limit_table *t = *state;
	struct limit_claim c[2] = {
		{ .key = key(1), .limit = &ten },
		{ .key = key(1), .limit = &ten },
	};
	int64_t wait_us = 0;

	for (int i = 0; i < 9; i++)
		assert_int_equal(admit(t, &ten, 1), OK);
	assert_int_equal(limit_table_claim(t, c, 2, &wait_us), ERR_THROTTLED);
	assert_int_equal(admit(t, &ten, 1), OK);
}

static void undone_is_not_counted(void **state)
{
	struct limit_table *t = *state;
	const struct kv_limit *limits[] = { &ten, &sustained, &durable };

	for (uint32_t l = 0; l < ARRAY_LEN(limits); l++) {
		struct limit_claim undone;
		int64_t wait_us = 0;

		assert_int_equal(admit(t, limits[l], l), OK);
		clock_us += US_PER_S;
		assert_int_equal(claim(t, &undone, limits[l], l, &wait_us), OK);
		clock_us += US_PER_S;
		for (uint32_t i = 2; i < limits[l]->max; i++)
			assert_int_equal(admit(t, limits[l], l), OK);
		assert_int_equal(admit(t, limits[l], l), ERR_THROTTLED);
		limit_table_settle(t, &undone, 1, false);
		assert_int_equal(admit(t, limits[l], l), OK);
		assert_int_equal(admit(t, limits[l], l), ERR_THROTTLED);
	}
	/* What is undone after its window has gone already. */
	for (uint32_t l = 0; l < ARRAY_LEN(limits); l++) {
		struct limit_claim late;
		int64_t wait_us = 0;

		clock_us += 2 * US_PER_DAY;
		assert_int_equal(claim(t, &late, limits[l], l, &wait_us), OK);
		clock_us += limits[l]->window_us;
		for (uint32_t i = 0; i < limits[l]->max; i++)
			assert_int_equal(admit(t, limits[l], l), OK);
		limit_table_settle(t, &late, 1, false);
		assert_int_equal(admit(t, limits[l], l), ERR_THROTTLED);
	}
}

static void clock_set_back(void **state)
{
	struct limit_table *t = *state;

	for (int i = 0; i < 10; i++)
		assert_int_equal(admit(t, &ten, 1), OK);
	clock_us -= US_PER_HOUR;
	/* They count from now on: a whole window, and not an hour more. */
	assert_int_equal(wait_of(t, &ten, 1), US_PER_MIN);
	clock_us += US_PER_MIN;
	assert_int_equal(admit(t, &ten, 1), OK);
}

static void forgotten(void **state)
{
	struct limit_table *t = *state;
	struct limit_claim pending;
	int64_t until_us, wait_us;

	assert_false(limit_table_forget(t, key(1), &until_us));
	for (int i = 0; i < 9; i++)
		assert_int_equal(admit(t, &ten, 1), OK);
	assert_int_equal(claim(t, &pending, &ten, 1, &wait_us), OK);
	assert_true(limit_table_forget(t, key(1), &until_us));
	assert_int_equal(until_us, clock_us);
	for (int i = 0; i < 10; i++)
		assert_int_equal(admit(t, &ten, 1), OK);
	/* A claim from before takes nothing back that was counted after. */
	limit_table_settle(t, &pending, 1, false);
	assert_int_equal(admit(t, &ten, 1), ERR_THROTTLED);
}

/* 1000 a day is stored in blocks of 50: every 50th admission writes. */
static void leases_blocks(void **state)
{
	struct limit_table *t = *state;
	struct limit_claim c;
	unsigned rows = 0, stored = 0;
	int64_t wait_us = 0;

	for (int i = 0; i < 1000; i++) {
		assert_int_equal(claim(t, &c, &durable, 1, &wait_us), OK);
		rows += c.lease > 0;
		stored += c.lease;
		limit_table_settle(t, &c, 1, true);
		clock_us += US_PER_S;
	}
	assert_int_equal(rows, 20);
	assert_int_equal(stored, 1000);
}

static void leases_beside_a_pending_block(void **state)
{
	struct limit_table *t = *state;
	struct limit_claim first, beside, after;
	int64_t wait_us = 0;

	assert_int_equal(claim(t, &first, &durable, 1, &wait_us), OK);
	assert_int_equal(first.lease, 50);
	assert_int_equal(claim(t, &beside, &durable, 1, &wait_us), OK);
	assert_int_equal(beside.lease, 1); /* stores itself; the block is not there yet */
	limit_table_settle(t, &first, 1, false);
	limit_table_settle(t, &beside, 1, true);
	assert_int_equal(claim(t, &after, &durable, 1, &wait_us), OK);
	assert_int_equal(after.lease, 50); /* nothing of the lost block is used */
	limit_table_settle(t, &after, 1, true);
	assert_int_equal(claim(t, &after, &durable, 1, &wait_us), OK);
	assert_int_equal(after.lease, 0);
	limit_table_settle(t, &after, 1, true);
	/* A block is not used beyond a window: its row will not be there for ever. */
	clock_us += US_PER_DAY;
	assert_int_equal(claim(t, &after, &durable, 1, &wait_us), OK);
	assert_int_equal(after.lease, 50);
	assert_int_equal(limit_claim_expires_us(&after), clock_us + 2 * US_PER_DAY);
	limit_table_settle(t, &after, 1, true);
}

/* Rows of a random history, loaded into a new table at any time, never let too many in. */
static void reloaded_never_over_admits(void **state)
{
	static struct limit_admission rows[20000];
	static int64_t admitted[40000];
	size_t n_rows = 0, n = 0, oldest = 0;
	struct limit_table *t = *state;
	struct limit_key k = key(1);
	uint32_t seed = 3;

	while (n < ARRAY_LEN(admitted)) {
		struct limit_claim c;
		int64_t wait_us = 0;

		clock_us += next(&seed) % (2 * 60 * US_PER_S);
		if (next(&seed) % 200 == 0) { /* a crash: only the rows are left */
			limit_table_free((struct limit_table **)state);
			*state = t = limit_table_new(1 << 20);
			for (size_t i = 0; i < n_rows; i++) {
				if (rows[i].expires_at_us > clock_us)
					limit_table_load(t, &rows[i]);
			}
			limit_table_loaded(t);
		}
		if (claim(t, &c, &durable, 1, &wait_us) == ERR_THROTTLED) {
			clock_us += wait_us;
			assert_int_equal(claim(t, &c, &durable, 1, &wait_us), OK);
		}
		limit_table_settle(t, &c, 1, true);
		if (c.lease > 0)
			rows[n_rows++] = (struct limit_admission){
				.subject = str_bytes(k.b, sizeof(k.b)),
				.at_us = c.at_us,
				.amount = c.lease,
				.expires_at_us = limit_claim_expires_us(&c),
			};
		admitted[n++] = clock_us;
		while (admitted[oldest] <= clock_us - US_PER_DAY)
			oldest++;
		assert_true(n - oldest <= durable.max);
	}
	assert_true(n_rows > 100 && n_rows < n / 10);
}

/* A flood of strangers is forgotten again; whoever has used up half of a limit is not. */
static void eviction(void **state)
{
	struct limit_table *t;

	limit_table_free((struct limit_table **)state);
	*state = t = limit_table_new(256 << 10);
	for (uint32_t hot = 0; hot < 20; hot++) {
		for (int i = 0; i < 10; i++)
			assert_int_equal(admit(t, &ten, hot), OK);
	}
	for (uint32_t n = 1000; n < 200000; n++)
		assert_int_equal(admit(t, &ten, n), OK);
	for (uint32_t hot = 0; hot < 20; hot++)
		assert_int_equal(admit(t, &ten, hot), ERR_THROTTLED);
	assert_true(limit_table_gauges(t).evicted > 100000);
	assert_true(limit_table_gauges(t).bytes < 300 << 10);

	/* Nothing but the hot: then nobody new is let in, rather than somebody too often. */
	clock_us += US_PER_HOUR;
	for (uint32_t n = 0; n < 5000; n++) {
		for (int i = 0; i < 5; i++)
			(void)!admit(t, &ten, n);
	}
	assert_int_equal(admit(t, &ten, 999999), ERR_OVERLOADED);
	clock_us += US_PER_MIN;
	assert_int_equal(admit(t, &ten, 999999), OK);
	clock_us += US_PER_MIN;
	limit_table_sweep(t);
	assert_int_equal(limit_table_gauges(t).subjects, 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(slides_exactly),
		TEST(refusals_are_not_counted),
		TEST(never_over_admits),
		TEST(sub_windows_are_fine),
		TEST(all_or_nothing),
		TEST(longest_wait_is_told),
		TEST(same_subject_twice),
		TEST(undone_is_not_counted),
		TEST(clock_set_back),
		TEST(forgotten),
		TEST(leases_blocks),
		TEST(leases_beside_a_pending_block),
		TEST(reloaded_never_over_admits),
		TEST(eviction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
