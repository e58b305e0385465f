/* What the store's headers promise, held against every engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store_contract.h"

#define RACERS 64

struct run {
	struct host host;
	store_case *run;  /* one task */
	store_case *race; /* or RACERS of these, and then the number that must have won */
	int won, counted;
};

/* seal() - audit rows are sealed in every batch, as in the server. */
static enum err seal(struct tx *tx, void *arg)
{
	return audit_seal_batch(tx, ((struct store_fixture *)arg)->keys, FIXTURE_NOW_US);
}

static void one(void **state)
{
	const struct run *run = *state;

	for (unsigned seed = 0; seed < run->host.rounds; seed++) {
		struct store_fixture f;

		store_fixture_init(&f);
		f.config.before_commit = seal;
		f.config.before_commit_arg = &f;
		store_fixture_open(&f);
		host_run(&run->host, seed, (void (*[])(void *)){ run->run }, 1, &f);
		store_fixture_done(&f);
	}
}

static void race(void **state)
{
	const struct run *run = *state;
	void (*tasks[RACERS])(void *);

	for (size_t i = 0; i < RACERS; i++)
		tasks[i] = run->race;
	for (unsigned seed = 0; seed < run->host.rounds; seed++) {
		struct store_fixture f;
		struct store_race r = { .f = &f };

		store_fixture_init(&f);
		store_fixture_open(&f);
		host_run(&run->host, seed, (void (*[])(void *)){ store_race_seed }, 1, &f);
		host_run(&run->host, seed, tasks, RACERS, &r);
		assert_int_equal(r.won, run->won);
		assert_int_equal(r.counted, run->counted);
		store_fixture_done(&f);
	}
}

#define ONE(fn)                                                               \
	{                                                                     \
		.name = #fn, .test_func = one, .initial_state = &(struct run) \
		{                                                             \
			.host = host, .run = (fn)                             \
		}                                                             \
	}
#define RACE(fn, winners, counts)                                                         \
	{                                                                                 \
		.name = #fn, .test_func = race, .initial_state = &(struct run)            \
		{                                                                         \
			.host = host, .race = (fn), .won = (winners), .counted = (counts) \
		}                                                                         \
	}

static int run_on(const char *name, enum engine engine, unsigned rounds)
{
	const struct host host = { .engine = engine, .rounds = rounds };
	const struct CMUnitTest tests[] = {
		ONE(store_users),
		ONE(store_user_changes),
		ONE(store_user_lists),
		ONE(store_meta),
		ONE(store_sessions),
		ONE(store_session_rotation),
		ONE(store_session_ends),
		ONE(store_flows),
		ONE(store_flow_attempts),
		ONE(store_flow_resend),
		ONE(store_flow_idempotency),
		ONE(store_audit),
		ONE(store_outbox_order),
		ONE(store_outbox_ends),
		ONE(store_outbox_events),
		ONE(store_limits),
		ONE(store_failed_fn_rolls_back),
		RACE(store_race_right_code, 1, 0),
		RACE(store_race_wrong_code, 0, 5),
		RACE(store_race_rotation, 1, 0),
		RACE(store_race_user, 1, 0),
	};

	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	int failed;

	if (argc < 2 || strcmp(argv[1], "postgresql") != 0)
		return run_on("sync", ENGINE_SYNC, 1) + run_on("async", ENGINE_ASYNC, 1) +
		       run_on("simulation", ENGINE_SIMULATION, 5);
	if (!store_fixture_postgresql())
		return 77; /* skipped */
	failed =
	    run_on("postgresql sync", ENGINE_SYNC, 1) + run_on("postgresql async", ENGINE_ASYNC, 1);
	store_fixture_postgresql_stop();
	return failed;
}
