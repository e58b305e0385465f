/* What PRODUCT says of registration, codes, login and tokens, held against every engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "service_cases.h"

struct trial {
	const char *name;
	service_case *one;                   /* one task */
	service_case *setup, *racer, *check; /* or RACERS tasks */
};

struct run {
	const struct host *host;
	const struct trial *trial;
};

#define RACERS 64

static service_case *case_now;

static void case_main(void *arg)
{
	service_fixture_clock();
	case_now(arg);
}

static void one(void **state)
{
	const struct run *run = *state;

	for (unsigned seed = 0; seed < run->host->rounds; seed++) {
		struct service_fixture f;

		service_fixture_init(&f);
		case_now = run->trial->one;
		host_run(run->host, seed, (void (*[])(void *)){ case_main }, 1, &f);
		service_fixture_done(&f);
	}
}

/* The first to come prepares the race, opens it, and looks at what is left. */
static void race_main(void *arg)
{
	struct service_race *r = arg;

	if (__atomic_fetch_add(&r->started, 1, __ATOMIC_ACQ_REL) > 0) {
		CHECK(rt_latch_wait(&r->open, NEVER_US) == OK);
		r->racer(r);
		raise_flag(&r->ended);
		return;
	}
	service_fixture_clock();
	r->setup(r);
	rt_latch_set(&r->open);
	await(&r->ended, (int)r->racers);
	r->check(r);
}

static void race_once(const struct run *run, unsigned seed)
{
	void (*tasks[RACERS + 1])(void *);
	struct service_fixture f;
	struct service_race r = {
		.f = &f,
		.setup = run->trial->setup,
		.racer = run->trial->racer,
		.check = run->trial->check,
		.racers = RACERS,
	};

	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		tasks[i] = race_main;
	rt_latch_init(&r.open);
	service_fixture_init(&f);
	host_run(run->host, seed, tasks, ARRAY_LEN(tasks), &r);
	service_fixture_done(&f);
	rt_latch_done(&r.open);
}

/* In the simulation SEEDS times (100, fewer under a sanitizer), ten times as often to prove it. */
static void race(void **state)
{
	const struct run *run = *state;
	const char *prove = getenv("PROVE");
	unsigned seeds = prove && strcmp(prove, "1") == 0 ? 10 * SEEDS : SEEDS;
	unsigned rounds = run->host->engine == ENGINE_SIMULATION ? seeds : 1;

	for (unsigned seed = 0; seed < rounds; seed++)
		race_once(run, seed);
}

#define ONE(fn)                        \
	{                              \
		.name = #fn, .one = fn \
	}
#define RACE(name_, setup_, racer_, check_)                                      \
	{                                                                        \
		.name = name_, .setup = setup_, .racer = racer_, .check = check_ \
	}

static const struct trial trials[] = {
	ONE(identity_new),
	ONE(identity_again),
	ONE(identity_without_address),
	ONE(identity_of_a_proven_address),
	ONE(identity_of_another_subject),
	ONE(identity_takes_over),
	ONE(identity_takes_over_from_a_code),
	ONE(identity_takes_over_from_a_trojan),
	ONE(identity_of_the_gone),
	ONE(identity_after_new_key),
	ONE(identity_retry),
	ONE(identity_session_limit),
	ONE(identity_links),
	ONE(identity_unlinks),
	ONE(identity_burst),
	ONE(registration_new),
	ONE(registration_phone),
	ONE(registration_of_somebody),
	ONE(registration_of_the_gone),
	ONE(registration_contested),
	ONE(registration_contested_by_address),
	ONE(registration_contested_resent),
	ONE(registration_contested_resent_by_flow),
	ONE(registration_contested_profile),
	ONE(registration_refusals),
	ONE(registration_passwords),
	ONE(registration_retry),
	ONE(registration_retry_revealing),
	ONE(registration_reveals),
	ONE(registration_mail),
	ONE(registration_test_recipients),
	ONE(code_right),
	ONE(code_used_twice),
	ONE(code_exhausted),
	ONE(code_almost_exhausted),
	ONE(code_budget),
	ONE(code_expired),
	ONE(code_at_the_end_of_its_flow),
	ONE(code_voided_by_newer),
	ONE(code_of_another_flow),
	ONE(code_of_another_purpose),
	ONE(code_decoy),
	ONE(code_resend_cools_down),
	ONE(code_sends_are_capped),
	ONE(code_resend_of_the_dead),
	ONE(code_of_the_disabled),
	ONE(code_verify_retry),
	ONE(code_resend_retry),
	ONE(code_target_missing),
	ONE(code_digits),
	ONE(login_right),
	ONE(login_refusals),
	ONE(login_bounds),
	ONE(login_unverified),
	ONE(login_upgrades_hash),
	ONE(login_takes_old_hashes),
	ONE(login_failures_run_out),
	ONE(login_forgives),
	ONE(login_failures_in_a_row),
	ONE(login_known_device),
	ONE(login_known_device_after_new_key),
	ONE(login_burst),
	ONE(login_retry),
	ONE(login_retry_is_no_oracle),
	ONE(login_retry_after_logout),
	ONE(login_retry_of_the_disabled),
	ONE(login_retry_of_another),
	ONE(reset_by_link),
	ONE(reset_by_code),
	ONE(reset_without_a_page),
	ONE(reset_padded_or_not),
	ONE(reset_once),
	ONE(reset_newest_only),
	ONE(reset_expires),
	ONE(reset_dies_with_the_password),
	ONE(reset_refusals),
	ONE(reset_of_another_purpose),
	ONE(reset_decoys),
	ONE(reset_of_the_unverified),
	ONE(reset_of_the_passwordless),
	ONE(reset_policy),
	ONE(reset_code_exhausted),
	ONE(reset_link_is_not_exhausted),
	ONE(reset_budget),
	ONE(reset_sends_are_capped),
	ONE(reset_forgives),
	ONE(reset_request_retry),
	ONE(reset_link_by_hand),
	ONE(reset_django_link),
	ONE(reset_django_refusals),
	ONE(change_right),
	ONE(change_refusals),
	ONE(change_tries_run_out),
	ONE(change_of_the_passwordless),
	ONE(change_of_the_gone),
	ONE(password_strength),
	ONE(password_strength_of_long),
	ONE(password_breached),
	ONE(password_normal_form),
	ONE(password_as_sent),
	ONE(password_history),
	ONE(session_rotates),
	ONE(session_replays),
	ONE(session_superseded),
	ONE(session_reuse),
	ONE(session_reuse_of_the_third),
	ONE(session_grace_does_not_chain),
	ONE(session_reuse_only_refused),
	ONE(session_replay_over_new_key),
	ONE(session_idle_life),
	ONE(session_absolute_life),
	ONE(session_limit_evicts),
	ONE(session_limit_refuses),
	ONE(session_logout_is_idempotent),
	ONE(session_logout_with_an_old_token),
	ONE(session_of_the_gone),
	ONE(session_after_role_change),
	ONE(session_tokens_are_of_a_kind),
	ONE(session_issuer_and_audience),
	ONE(session_refresh_is_counted),
	ONE(profile_patched),
	ONE(profile_checked),
	ONE(profile_phone_of_country),
	ONE(profile_versions),
	ONE(sessions_listed),
	ONE(sessions_ended),
	ONE(sessions_new_device),
	ONE(closing_ends_everything),
	ONE(closing_asks_again),
	ONE(closing_counts_guesses),
	ONE(closing_keeps_a_superadmin),
	ONE(typed_profile_of_a_client),
	ONE(typed_profile_of_both),
	ONE(typed_profile_slugs),
	ONE(consents_are_asked_again),
	ONE(consents_to_register),
	ONE(consents_setting),
	ONE(export_has_everything),
	ONE(erased_for_good),
	ONE(erased_after_the_grace),
	ONE(erased_keeps_a_superadmin),
	ONE(identifier_changed),
	ONE(identifier_refusals),
	ONE(identifier_of_somebody),
	ONE(identifier_of_another_session),
	ONE(identifier_squatted),
	ONE(identifier_overtaken),
	ONE(identifier_reverted),
	ONE(identifier_revert_is_over),
	ONE(trail_statements),
	ONE(trail_subjects),
	ONE(trail_user_agent_is_cut),
	ONE(trail_refusals),
	ONE(trail_refusals_are_not_lost),
	ONE(trail_sweeps),
	ONE(staff_ranks),
	ONE(staff_stale_actor),
	ONE(staff_states),
	ONE(staff_names),
	ONE(staff_needs_the_trail),
	RACE("race_superadmins", race_setup_superadmins, race_superadmins, race_one_superadmin),
	RACE("race_register", race_setup_free, race_register, race_one_user),
	RACE("race_google", race_setup_free, race_google, race_one_google),
	RACE("race_newest_is_live", race_setup_free, race_register, race_newest_is_live),
	RACE("race_register_again", race_setup_free, race_register_again, race_one_registration),
	RACE("race_register_again_revealing", race_setup_revealing, race_register_again,
	    race_one_registration),
	RACE("race_right_code", race_setup_code, race_right_code, race_one_success),
	RACE("race_wrong_code", race_setup_code, race_wrong_code, race_five_tries),
	RACE("race_refresh", race_setup_session, race_refresh, race_one_successor),
	RACE("race_limit", race_setup_nothing, race_login, race_ten_admitted),
	RACE("race_disable", race_setup_account, race_disable, race_nobody_left),
	RACE("race_logout", race_setup_account, race_logout, race_logged_out),
	RACE("race_new_password", race_setup_account, race_new_password, race_no_old_password),
	RACE("race_rehash", race_setup_rehash, race_rehash, race_all_in),
	RACE("race_confirm", race_setup_link, race_confirm, race_one_confirmed),
	RACE("race_confirm_django", race_setup_django, race_confirm, race_one_confirmed),
	RACE(
	    "race_confirm_and_change", race_setup_link, race_confirm_and_change, race_one_password),
	RACE("race_confirm_and_login", race_setup_link, race_confirm_and_login, race_signed_out),
	RACE("race_newest_link", race_setup_link, race_ask, race_newest_opens),
	RACE("race_change", race_setup_link, race_change, race_one_change),
	RACE("race_guess", race_setup_reset_code, race_guess, race_guessed_out),
	RACE("race_full_lane", race_setup_full_lane, race_full_lane, race_room_again),
	RACE("race_verify_and_register", race_setup_code, race_verify_and_register,
	    race_proven_stays),
};

static int run_on(const char *name, enum engine engine, unsigned rounds)
{
	const struct host host = { .engine = engine, .rounds = rounds };
	static struct CMUnitTest tests[ARRAY_LEN(trials)];
	static struct run runs[ARRAY_LEN(trials)];

	for (size_t i = 0; i < ARRAY_LEN(trials); i++) {
		runs[i] = (struct run){ .host = &host, .trial = &trials[i] };
		tests[i] = (struct CMUnitTest){
			.name = trials[i].name,
			.test_func = trials[i].one ? one : race,
			.initial_state = &runs[i],
		};
	}
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	int failed;

	if (argc > 1 && strcmp(argv[1], "postgresql") == 0) {
		if (argc > 2)
			cmocka_set_test_filter(argv[2]);
		if (!store_fixture_postgresql())
			return 77; /* skipped */
		failed = run_on("postgresql sync", ENGINE_SYNC, 1) +
			 run_on("postgresql async", ENGINE_ASYNC, 1);
		store_fixture_postgresql_stop();
		return failed;
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return run_on("sync", ENGINE_SYNC, 1) + run_on("async", ENGINE_ASYNC, 1) +
	       run_on("simulation", ENGINE_SIMULATION, 2);
}
