/* What people do with their own account: profile, sessions, closing it. */
#include "service/closing.h"
#include "service/profile.h"
#include "service/session_list.h"
#include "service_cases.h"

/* A request of whoever holds the token. */
static struct request *as(struct service_fixture *f, const struct signed_in *who)
{
	struct call c = { .f = f };

	CHECK(call_authenticate(&c, who->tokens.access) == OK);
	return c.rq;
}

/* --- profile --- */

void profile_patched(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA);
	struct profile patch = { .city = STR("Lagos"), .bio = STR("Line one.\nLine two.") };
	struct user_view user = { 0 };
	struct request *rq = as(f, &ada);

	CHECK(profile_update(rq, &patch, &user) == OK);
	CHECK(str_eq(user.city, STR("Lagos")) && str_eq(user.first_name, STR("Ada")));
	CHECK(rq->version == user.updated_at_us && rq->version == person(f, ADA).updated_at_us);
	TRAIL(f, "user.updated ok");
	/* Nothing new: nothing is written. */
	rq = as(f, &ada);
	CHECK(profile_update(rq, &patch, &user) == OK && rq->version == user.updated_at_us);
	TRAIL(f, "");
	patch = (struct profile){ .city = STR(""), .first_name = STR("") };
	CHECK(profile_update(as(f, &ada), &patch, &user) == OK);
	CHECK(str_empty(user.city) && str_empty(user.first_name));
	CHECK(str_eq(user.bio, STR("Line one.\nLine two.")));
	rq = as(f, &ada);
	CHECK(str_eq(rq->account->profile.bio, user.bio));
}

void profile_checked(void *arg)
{
	static const struct {
		const char *field;
		size_t offset;
		const char *bad[4], *good[3];
	} cases[] = {
#define CASE(m) #m, offsetof(struct profile, m)
		{ CASE(first_name), { "A\nb", "\x7f" }, { "Zoë", "O'Brien" } },
		{ CASE(image_url),
		    { "http://example.com/a.png", "https://", "https://a b", "https://x@y/" },
		    { "https://cdn.example.com/a.png?w=1", "https://[2001:db8::1]/a" } },
		{ CASE(bio), { "bell \a" }, { "tab\tand\r\nline" } },
		{ CASE(country), { "XX", "ng", "NGA" }, { "NG" } },
		{ CASE(date_of_birth), { "1899-12-31", "2001-02-29", "2999-01-01", "2001-1-01" },
		    { "2000-02-29", "1900-01-01" } },
		{ CASE(locale), { "e", "en-", "en--GB", "1en" }, { "en", "zh-Hant-TW" } },
		{ CASE(contact_email), { "ada", "a@b@c" }, { "ada.obi@example.com" } },
		{ CASE(contact_phone), { "12", "+23480" }, { "+2348031234567" } },
#undef CASE
	};
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA);
	struct user_view user = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t k = 0; k < 4 && cases[i].bad[k]; k++) {
			struct profile patch = { .bio = STR_NULL };
			struct request *rq = as(f, &ada);

			*(struct str *)(void *)((char *)&patch + cases[i].offset) =
			    str_of(cases[i].bad[k]);
			CHECK(profile_update(rq, &patch, &user) == ERR_VALIDATION_FAILED);
			CHECK(field_refused(rq, cases[i].field));
		}
		for (size_t k = 0; k < 3 && cases[i].good[k]; k++) {
			struct profile patch = { .bio = STR_NULL };

			*(struct str *)(void *)((char *)&patch + cases[i].offset) =
			    str_of(cases[i].good[k]);
			CHECK(profile_update(as(f, &ada), &patch, &user) == OK);
		}
	}
}

/* A bare number belongs to the country they name in the same breath, or named before. */
void profile_phone_of_country(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA);
	struct profile patch = { .contact_phone = STR("0803 123 4567"), .country = STR("NG") };
	struct user_view user = { 0 };

	CHECK(profile_update(as(f, &ada), &patch, &user) == OK);
	CHECK(str_eq(user.contact_phone, STR("+2348031234567")));
	patch = (struct profile){ .contact_phone = STR("0803 123 4568") };
	CHECK(profile_update(as(f, &ada), &patch, &user) == OK);
	CHECK(str_eq(user.contact_phone, STR("+2348031234568")));
}

void profile_versions(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA);
	const struct profile city = { .city = STR("Lagos") }, other = { .city = STR("Kano") };
	struct user_view user = { 0 };
	struct request *rq = as(f, &ada);
	int64_t version = rq->account->row.updated_at_us;

	rq->if_match = (struct if_match){ .given = true, .versions = { version }, .n = 1 };
	CHECK(profile_update(rq, &city, &user) == OK && rq->version > version);
	rq = as(f, &ada);
	rq->if_match = (struct if_match){ .given = true, .versions = { version }, .n = 1 };
	CHECK(profile_update(rq, &other, &user) == ERR_PRECONDITION_FAILED);
	/* Read before somebody else wrote: without a condition both changes stand. */
	rq = as(f, &ada);
	CHECK(profile_update(as(f, &ada), &other, &user) == OK);
	CHECK(profile_update(rq, &(struct profile){ .bio = STR("Hello.") }, &user) == OK);
	CHECK(str_eq(user.city, STR("Kano")) && str_eq(user.bio, STR("Hello.")));
	rq = as(f, &ada);
	set_state(f, ADA, USER_DISABLED);
	CHECK(profile_update(rq, &city, &user) == ERR_TOKEN_REVOKED);
}

/* --- sessions --- */

void sessions_listed(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in first = join(f, ADA), second = { 0 };
	struct page page = { .limit = 1 };
	struct session_view *items;
	struct page_key next;
	size_t n;

	service_fixture_advance(US_PER_MIN);
	CHECK(sign_in(f, ADA, PASSWORD, &second) == OK);
	CHECK(session_list(as(f, &second), &page, &items, &n, &next) == OK);
	CHECK(n == 1 && items[0].current && str_eq(items[0].amr, STR("pwd")));
	CHECK(str_eq(items[0].address, STR("203.0.113.7")) && !page_key_is_start(next));
	page.after = next;
	CHECK(session_list(as(f, &second), &page, &items, &n, &next) == OK);
	CHECK(n == 1 && !items[0].current && str_eq(items[0].amr, STR("otp")));
	CHECK(page_key_is_start(next));
	CHECK(session_list(as(f, &first), &(struct page){ .limit = 0 }, &items, &n, &next) == OK);
	CHECK(n == 2 && items[1].current);
}

void sessions_ended(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), second = { 0 }, third = { 0 };
	struct signed_in bob = join(f, STR("bob@example.com"));
	struct request *rq;

	CHECK(sign_in(f, ADA, PASSWORD, &second) == OK && sign_in(f, ADA, PASSWORD, &third) == OK);
	fixture_trail(f);
	/* Another's session is not found, and goes on. */
	rq = as(f, &bob);
	CHECK(session_end_own(as(f, &ada), rq->actor.session_id) == ERR_NOT_FOUND);
	CHECK(authenticate(f, bob.tokens.access) == OK);
	TRAIL(f, "");
	rq = as(f, &second);
	CHECK(session_end_own(as(f, &ada), rq->actor.session_id) == OK);
	CHECK(session_end_own(as(f, &ada), rq->actor.session_id) == ERR_NOT_FOUND);
	CHECK(authenticate(f, second.tokens.access) == ERR_TOKEN_REVOKED);
	TRAIL(f, "session.revoked ok");
	CHECK(session_end_others(as(f, &ada)) == OK);
	CHECK(authenticate(f, third.tokens.access) == ERR_TOKEN_REVOKED);
	CHECK(authenticate(f, ada.tokens.access) == OK);
	TRAIL(f, "session.others_revoked ok");
	CHECK(session_end_others(as(f, &ada)) == OK);
	TRAIL(f, "");
}

/* Told of a device nobody has seen; not of the first one, nor of one with a token. */
void sessions_new_device(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), in = { 0 };
	struct call known = { .f = f, .device = ada.device };
	struct verification v;

	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
	POSTS(f, "");
	f->user_agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Firefox/130.0";
	CHECK(call_login(&known, ADA, PASSWORD, &in, &v) == OK);
	POSTS(f, "");
	f->user_agent = "curl/8.0";
	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
	POSTS(f, "email new_device");
	CHECK(sign_in(f, ADA, PASSWORD, &in) == OK);
	POSTS(f, "");
}

/* --- closing --- */

void closing_ends_everything(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), second = { 0 };
	struct token_pair pair;

	CHECK(sign_in(f, ADA, PASSWORD, &second) == OK);
	fixture_trail(f);
	CHECK(account_close(as(f, &ada), secret_of(STR_NULL)) == OK);
	TRAIL(f, "user.deleted ok");
	CHECK(person(f, ADA).state == USER_DELETED);
	CHECK(authenticate(f, second.tokens.access) == ERR_TOKEN_REVOKED);
	CHECK(refresh(f, second.tokens.refresh, &pair) == ERR_TOKEN_REVOKED);
	CHECK(sign_in(f, ADA, PASSWORD, &second) == ERR_INVALID_CREDENTIALS);
	CHECK(fixture_live_sessions(f, ada.user.id) == 0);
}

void closing_asks_again(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA);
	struct token_pair pair = { 0 };
	struct request *rq;

	service_fixture_advance(f->service.config.reauth_age_us + US_PER_S);
	CHECK(refresh(f, ada.tokens.refresh, &pair) == OK);
	ada.tokens = pair;
	fixture_trail(f);
	CHECK(account_close(as(f, &ada), secret_of(STR_NULL)) == ERR_REAUTH_REQUIRED);
	rq = as(f, &ada);
	CHECK(account_close(rq, secret_of(OTHER_PASSWORD)) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(rq, "password"));
	TRAIL(f, "user.reauth_failed invalid_credentials");
	CHECK(account_close(as(f, &ada), secret_of(PASSWORD)) == OK);
}

/* Guesses here and at the login are guesses at the same password. */
void closing_counts_guesses(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), in = { 0 };

	f->service.config.login_failures = (struct rate){ 3, 15 * US_PER_MIN };
	for (unsigned i = 0; i < 3; i++)
		CHECK(
		    account_close(as(f, &ada), secret_of(OTHER_PASSWORD)) == ERR_VALIDATION_FAILED);
	CHECK(account_close(as(f, &ada), secret_of(PASSWORD)) == ERR_THROTTLED);
	CHECK(sign_in(f, ADA, PASSWORD, &in) == ERR_THROTTLED);
}

void closing_keeps_a_superadmin(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), bob = join(f, STR("bob@example.com"));

	set_role(f, ADA, ROLE_SUPERADMIN);
	CHECK(sign_in(f, ADA, PASSWORD, &ada) == OK);
	fixture_trail(f);
	CHECK(account_close(as(f, &ada), secret_of(PASSWORD)) == ERR_LAST_SUPERADMIN);
	TRAIL(f, "");
	CHECK(authenticate(f, ada.tokens.access) == OK);
	set_role(f, STR("bob@example.com"), ROLE_SUPERADMIN);
	CHECK(account_close(as(f, &ada), secret_of(PASSWORD)) == OK);
	(void)bob;
}
