/* Races for a password: one proof, one winner, and no session from before is left. */
#include "service_cases.h"

static struct service_fixture *fixture_of(void *arg)
{
	return ((struct service_race *)arg)->f;
}

static size_t count_words(const char *list, const char *word)
{
	size_t n = 0;

	for (const char *p = list; (p = strstr(p, word)); p += strlen(word))
		n++;
	return n;
}

static int my_turn(struct service_race *r)
{
	return __atomic_fetch_add(&r->turn, 1, __ATOMIC_ACQ_REL);
}

static void count(struct service_race *r, enum err e, enum err refusal)
{
	CHECK(e == OK || e == refusal);
	raise_flag(e == OK ? &r->ok : &r->refused);
}

static struct str hand_link(struct service_fixture *f)
{
	struct request *rq = fixture_request(f, "command user reset-link");
	struct account *ada;
	struct str link;

	CHECK(admin_user_find(rq, ADA, &ada) == OK);
	CHECK(reset_make_link(rq, ada, STR_NULL, &link) == OK);
	return link;
}

static struct str password_of(struct service_race *r, int turn)
{
	return str_printf(fixture_request(r->f, "test")->arena, "a password of its own %d", turn);
}

static enum err confirm(struct service_race *r, struct str link, int turn)
{
	struct reset_proof proof = proof_of_link(link);

	return call_reset_confirm(&(struct call){ .f = r->f }, &proof, password_of(r, turn));
}

/* --- one link --- */

void race_setup_link(void *arg)
{
	struct service_race *r = arg;

	fixture_of(arg)->service.config.throttle_enabled = false;
	r->token = join(r->f, ADA).tokens.access;
	r->id = person(r->f, ADA).id;
	r->code = hand_link(r->f);
	fixture_trail(r->f);
}

void race_confirm(void *arg)
{
	struct service_race *r = arg;
	int i = my_turn(r);
	enum err e = confirm(r, r->code, i);

	count(r, e, ERR_RESET_INVALID);
	if (e == OK)
		r->tokens[0] = secret_of(password_of(r, i));
}

void race_one_confirmed(void *arg)
{
	struct service_race *r = arg;
	const char *trail = fixture_trail(r->f);
	struct signed_in in = { 0 };

	CHECK(r->ok == 1 && r->refused == (int)r->racers - 1);
	CHECK(count_words(trail, "password.reset ok") == 1);
	CHECK(count_words(trail, "password.reset_failed reset_invalid") == r->racers - 1);
	CHECK(fixture_live_sessions(r->f, r->id) == 0);
	CHECK(sign_in(r->f, ADA, secret_reveal(r->tokens[0]), &in) == OK);
}

void race_setup_django(void *arg)
{
	struct service_race *r = arg;
	struct reset_proof proof = django_link(r->f);

	fixture_of(arg)->service.config.throttle_enabled = false;
	r->id = person(r->f, ADA).id;
	r->code =
	    str_printf(fixture_request(r->f, "test")->arena, "https://shop.example/reset/%.*s/%.*s",
		STR_ARG(proof.uidb64), (int)proof.token.len, (const char *)proof.token.ptr);
}

/* --- a link against a change --- */

/* One changes the password in her session, the others use the link: one of them wins. */
void race_confirm_and_change(void *arg)
{
	struct service_race *r = arg;
	struct call c = { .f = r->f };
	int i = my_turn(r);

	if (i != 2)
		count(r, confirm(r, r->code, i), ERR_RESET_INVALID);
	else
		count(r, call_change(&c, r->token, PASSWORD, OTHER_PASSWORD), ERR_TOKEN_REVOKED);
}

void race_one_password(void *arg)
{
	struct service_race *r = arg;
	const char *trail = fixture_trail(r->f);
	struct signed_in in = { 0 };
	bool by_change = count_words(trail, "password.changed ok") == 1;

	CHECK(r->ok == 1);
	CHECK(by_change != (count_words(trail, "password.reset ok") == 1));
	CHECK(fixture_live_sessions(r->f, r->id) == by_change);
	CHECK(
	    sign_in(r->f, ADA, OTHER_PASSWORD, &in) == (by_change ? OK : ERR_INVALID_CREDENTIALS));
}

/* --- a link against logins --- */

/* Whoever comes in with the old password is out again when the new one is set. */
void race_confirm_and_login(void *arg)
{
	struct service_race *r = arg;
	struct signed_in in = { 0 };
	int i = my_turn(r);

	if (i == 2)
		CHECK(confirm(r, r->code, i) == OK);
	else
		count(r, sign_in(r->f, ADA, PASSWORD, &in), ERR_INVALID_CREDENTIALS);
}

void race_signed_out(void *arg)
{
	struct service_race *r = arg;

	CHECK(fixture_live_sessions(r->f, r->id) == 0);
}

/* --- many links --- */

void race_ask(void *arg)
{
	struct service_race *r = arg;

	r->codes[my_turn(r)] = hand_link(r->f);
}

void race_newest_opens(void *arg)
{
	struct service_race *r = arg;
	int opened = 0;

	for (size_t i = 0; i < r->racers; i++) {
		enum err e = confirm(r, r->codes[i], (int)i);

		CHECK(e == OK || e == ERR_RESET_INVALID);
		opened += e == OK;
	}
	CHECK(opened == 1);
	CHECK(confirm(r, r->code, 0) == ERR_RESET_INVALID);
}

/* --- one session, many changes --- */

void race_change(void *arg)
{
	struct service_race *r = arg;
	struct call c = { .f = r->f };

	count(r, call_change(&c, r->token, PASSWORD, OTHER_PASSWORD), ERR_VALIDATION_FAILED);
}

void race_one_change(void *arg)
{
	struct service_race *r = arg;

	CHECK(r->ok == 1 && r->refused == (int)r->racers - 1);
	CHECK(count_words(fixture_trail(r->f), "password.changed ok") == 1);
	CHECK(fixture_live_sessions(r->f, r->id) == 1);
	CHECK(authenticate(r->f, r->token) == OK);
}

/* --- guessing a code --- */

void race_setup_reset_code(void *arg)
{
	struct service_race *r = arg;
	struct str phone = STR("+2348031234567");
	struct reset_sent sent = { 0 };

	fixture_of(arg)->service.config.throttle_enabled = false;
	join(r->f, phone);
	CHECK(call_reset_request(&(struct call){ .f = r->f }, phone, &sent) == OK);
	r->id = sent.flow_id;
	r->code = fixture_newest_post(r->f).code;
}

static enum err guess(struct service_race *r, struct str code)
{
	const struct reset_proof proof = {
		.target = { .has_flow = true, .flow_id = r->id },
		.code = secret_of(code),
	};

	return call_reset_confirm(&(struct call){ .f = r->f }, &proof, OTHER_PASSWORD);
}

void race_guess(void *arg)
{
	struct service_race *r = arg;
	unsigned i = (unsigned)my_turn(r);

	count(r, guess(r, wrong(r->f, r->code, i % 9)), ERR_RESET_INVALID);
}

void race_guessed_out(void *arg)
{
	struct service_race *r = arg;

	CHECK(r->ok == 0 && r->refused == (int)r->racers);
	CHECK(guess(r, r->code) == ERR_RESET_INVALID);
}
