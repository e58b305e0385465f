/* The names of the service's cases, by the file they are in. */
#ifndef TESTS_CONTRACT_SERVICE_CASES_H
#define TESTS_CONTRACT_SERVICE_CASES_H

#include "service_contract.h"

service_case identity_new, identity_again, identity_without_address;
service_case identity_of_a_proven_address, identity_of_another_subject, identity_takes_over;
service_case identity_takes_over_from_a_code, identity_takes_over_from_a_trojan;
service_case identity_of_the_gone, identity_after_new_key, identity_retry, identity_session_limit;
service_case identity_links, identity_unlinks, identity_burst;
service_case race_google, race_one_google;

service_case registration_new, registration_phone, registration_of_somebody;
service_case registration_of_the_gone, registration_contested, registration_contested_by_address;
service_case registration_contested_resent, registration_contested_resent_by_flow;
service_case registration_contested_profile, registration_refusals, registration_passwords;
service_case registration_retry, registration_retry_revealing, registration_reveals;
service_case registration_mail, registration_test_recipients;

service_case code_right, code_used_twice, code_exhausted, code_almost_exhausted, code_budget;
service_case code_expired, code_at_the_end_of_its_flow, code_voided_by_newer;
service_case code_of_another_flow, code_of_another_purpose, code_decoy, code_resend_cools_down;
service_case code_sends_are_capped, code_resend_of_the_dead, code_of_the_disabled;
service_case code_verify_retry, code_resend_retry, code_target_missing, code_digits;

service_case login_right, login_refusals, login_bounds, login_unverified, login_upgrades_hash;
service_case login_takes_old_hashes;
service_case login_failures_run_out, login_forgives, login_failures_in_a_row, login_known_device;
service_case login_known_device_after_new_key, login_burst, login_retry;
service_case login_retry_is_no_oracle, login_retry_after_logout, login_retry_of_the_disabled;
service_case login_retry_of_another;

service_case reset_by_link, reset_by_code, reset_without_a_page, reset_padded_or_not, reset_once;
service_case reset_newest_only, reset_expires, reset_dies_with_the_password, reset_refusals;
service_case reset_of_another_purpose, reset_decoys, reset_of_the_unverified;
service_case reset_of_the_passwordless, reset_policy, reset_code_exhausted;
service_case reset_link_is_not_exhausted, reset_budget, reset_sends_are_capped, reset_forgives;
service_case reset_request_retry, reset_link_by_hand, reset_django_link, reset_django_refusals;

service_case change_right, change_refusals, change_tries_run_out, change_of_the_passwordless;
service_case change_of_the_gone;
service_case password_strength, password_strength_of_long, password_breached;
service_case password_normal_form, password_as_sent, password_history;

service_case session_rotates, session_replays, session_superseded, session_reuse;
service_case session_reuse_of_the_third, session_grace_does_not_chain;
service_case session_reuse_only_refused, session_replay_over_new_key, session_idle_life;
service_case session_absolute_life, session_limit_evicts, session_limit_refuses;
service_case session_logout_is_idempotent, session_logout_with_an_old_token, session_of_the_gone;
service_case session_after_role_change, session_tokens_are_of_a_kind;
service_case session_issuer_and_audience, session_refresh_is_counted;

service_case profile_patched, profile_checked, profile_phone_of_country, profile_versions;
service_case sessions_listed, sessions_ended, sessions_new_device;
service_case closing_ends_everything, closing_asks_again, closing_counts_guesses;
service_case closing_keeps_a_superadmin;

service_case typed_profile_of_a_client, typed_profile_of_both, typed_profile_slugs;
service_case consents_are_asked_again, consents_to_register, consents_setting;
service_case export_has_everything, erased_for_good, erased_after_the_grace;
service_case erased_keeps_a_superadmin;

service_case identifier_changed, identifier_refusals, identifier_of_somebody;
service_case identifier_of_another_session, identifier_squatted, identifier_overtaken;
service_case identifier_reverted, identifier_revert_is_over;

service_case trail_sweeps, trail_statements, trail_subjects, trail_user_agent_is_cut,
    trail_refusals;
service_case trail_refusals_are_not_lost;

service_case staff_ranks, staff_stale_actor, staff_states, staff_names;
service_case staff_needs_the_trail;
service_case race_setup_superadmins, race_superadmins, race_one_superadmin;

service_case race_setup_full_lane, race_full_lane, race_room_again;
service_case race_logout, race_logged_out, race_setup_free, race_setup_nothing, race_register,
    race_one_user;
service_case race_newest_is_live, race_register_again, race_setup_revealing;
service_case race_one_registration, race_setup_code, race_right_code, race_one_success;
service_case race_wrong_code, race_five_tries, race_setup_session, race_refresh;
service_case race_one_successor, race_login, race_ten_admitted, race_setup_account, race_disable;
service_case race_nobody_left, race_new_password, race_no_old_password, race_setup_rehash;
service_case race_rehash, race_all_in, race_verify_and_register, race_proven_stays;

service_case race_setup_link, race_confirm, race_one_confirmed, race_setup_django;
service_case race_confirm_and_change, race_one_password, race_confirm_and_login, race_signed_out;
service_case race_ask, race_newest_opens, race_change, race_one_change;
service_case race_setup_reset_code, race_guess, race_guessed_out;

#endif
