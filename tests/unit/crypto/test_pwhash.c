#include "tests/unit/test.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/codec.h"
#include "crypto/pbkdf2.h"
#include "crypto/pwhash.h"

#define ITERATIONS 20000

static const struct pwhash_caller patient = { .deadline_us = NEVER_US };

struct fixture {
	struct arena *arena;
	struct lane *lane;
	struct pwhash *p;
};

static struct pwhash *new_pwhash(struct lane *lane, uint32_t iterations)
{
	const struct pwhash_config config = {
		.hasher = STR("pbkdf2_sha256"),
		.iterations = iterations,
	};
	const char *problem = NULL;
	struct pwhash *p = pwhash_new(&config, lane, &problem);

	assert_int_equal(!p, problem != NULL);
	return p;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct lane_config config = {
		.name = "hash", .workers = 2, .max_queued_us = 60 * US_PER_S
	};

	f->arena = arena_new(ARENA_WIPING, 0);
	f->lane = lane_new(&config);
	f->p = new_pwhash(f->lane, ITERATIONS);
	*state = f;
	return f->p ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	pwhash_free(&f->p);
	lane_free(&f->lane);
	arena_free(&f->arena);
	free(f);
	return 0;
}

static struct str create(struct fixture *f, const char *password)
{
	struct str encoded;

	assert_int_equal(
	    pwhash_create(f->p, f->arena, secret_of(str_of(password)), &patient, &encoded), OK);
	return encoded;
}

static bool verify(struct fixture *f, struct str password, struct str encoded)
{
	bool match = true;

	assert_int_equal(pwhash_verify(f->p, secret_of(password), encoded, &patient, &match), OK);
	return match;
}

/* What Django would store. */
static struct str encode(struct fixture *f, const char *password, const char *salt, int iterations)
{
	uint8_t key[32];

	assert_int_equal(PKCS5_PBKDF2_HMAC(password, (int)strlen(password), (const uint8_t *)salt,
			     (int)strlen(salt), iterations, EVP_sha256(), sizeof(key), key),
	    1);
	return str_printf(f->arena, "pbkdf2_sha256$%d$%s$%.*s", iterations, salt,
	    STR_ARG(base64_encode(f->arena, str_bytes(key, sizeof(key)))));
}

static void a_new_hash_is_djangos_and_verifies(void **state)
{
	struct fixture *f = *state;
	struct str a = create(f, "correct horse"), b = create(f, "correct horse");
	struct str rest = a, fields[4];

	assert_false(str_eq(a, b));
	for (size_t i = 0; i < 4; i++)
		assert_true(str_next_token(&rest, '$', &fields[i]));
	assert_str(fields[0], "pbkdf2_sha256");
	assert_str(fields[1], "20000");
	assert_int_equal(fields[2].len, 22);
	assert_int_equal(fields[3].len, 44);
	assert_bytes(a, encode(f, "correct horse", str_cstr(f->arena, fields[2]), ITERATIONS));
	assert_true(verify(f, STR("correct horse"), a));
	assert_false(verify(f, STR("correct horsE"), a));
	assert_false(verify(f, STR(""), a));
	assert_true(pwhash_usable(a));
	assert_false(pwhash_needs_rehash(f->p, a));
}

static void other_costs_and_salts_verify_and_want_a_rehash(void **state)
{
	static const struct {
		const char *salt;
		int iterations;
	} rows[] = {
		{ "seasalt", ITERATIONS },
		{ "0123456789012345678901", 1 },
		{ "0123456789012345678901", ITERATIONS - 1 },
		{ "0123456789012345678901", 2 * ITERATIONS },
		{ "", 100 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str encoded = encode(f, "x", rows[i].salt, rows[i].iterations);

		assert_true(verify(f, STR("x"), encoded));
		assert_false(verify(f, STR("y"), encoded));
		assert_true(pwhash_needs_rehash(f->p, encoded));
	}
	assert_false(
	    pwhash_needs_rehash(f->p, encode(f, "x", "0123456789012345678901", ITERATIONS)));
}

#define DIGEST "8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c="
#define SALT_128                                                           \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *const not_hashes[] = {
	"",
	"!",
	"!pbkdf2_sha256$1$salt$" DIGEST,
	"plain text",
	"pbkdf2_sha256",
	"pbkdf2_sha256$",
	"pbkdf2_sha256$1",
	"pbkdf2_sha256$1$salt",
	"pbkdf2_sha256$1$salt$",
	"pbkdf2_sha256$0$salt$" DIGEST,
	"pbkdf2_sha256$-1$salt$" DIGEST,
	"pbkdf2_sha256$+1$salt$" DIGEST,
	"pbkdf2_sha256$01$salt$" DIGEST,
	"pbkdf2_sha256$ 1$salt$" DIGEST,
	"pbkdf2_sha256$1e3$salt$" DIGEST,
	"pbkdf2_sha256$$salt$" DIGEST,
	"pbkdf2_sha256$10000001$salt$" DIGEST,
	"pbkdf2_sha256$4294967297$salt$" DIGEST,
	"pbkdf2_sha256$99999999999999999999$salt$" DIGEST,
	"pbkdf2_sha256$1$" SALT_128 "x$" DIGEST,
	"pbkdf2_sha256$1$salt$" DIGEST "$",
	"pbkdf2_sha256$1$salt$" DIGEST "$x",
	"pbkdf2_sha256$1$salt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c",
	"pbkdf2_sha256$1$salt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7d=",
	"pbkdf2_sha256$1$salt$8xBlGd3jVgvJ-92hWPxi5ww0uuAuAnKgC45eudxro7c=",
	"pbkdf2_sha256$1$salt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7cA",
	"pbkdf2_sha256$1$salt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxr",
	"pbkdf2_sha512$1$salt$" DIGEST,
	"PBKDF2_SHA256$1$salt$" DIGEST,
};

static void what_is_no_hash_never_matches(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(not_hashes); i++) {
		struct str encoded = str_of(not_hashes[i]);

		if (pwhash_usable(encoded) || verify(f, STR(""), encoded) ||
		    !pwhash_needs_rehash(f->p, encoded))
			fail_msg("taken for a hash: %s", not_hashes[i]);
	}
	assert_true(pwhash_usable(STR("pbkdf2_sha256$10000000$" SALT_128 "$" DIGEST)));
}

/* The linker puts these before pbkdf2_step() (--wrap), to count what is really run. */
bool __real_pbkdf2_step(const struct pbkdf2_kernel *kernel, struct pbkdf2 *s, uint32_t n);
bool __wrap_pbkdf2_step(const struct pbkdf2_kernel *kernel, struct pbkdf2 *s, uint32_t n);

static uint64_t iterations_run;

bool __wrap_pbkdf2_step(const struct pbkdf2_kernel *kernel, struct pbkdf2 *s, uint32_t n)
{
	uint32_t before = s->remaining;
	bool finished = __real_pbkdf2_step(kernel, s, n);

	__atomic_add_fetch(&iterations_run, before - s->remaining, __ATOMIC_RELAXED);
	return finished;
}

static void everything_costs_what_the_configured_hash_costs(void **state)
{
	struct fixture *f = *state;
	struct str cheap = encode(f, "x", "0123456789012345678901", 1);
	struct str equal = encode(f, "x", "0123456789012345678901", ITERATIONS);
	const struct str rows[] = { STR(""), STR("!"), STR("md5$x$y"), cheap, equal };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t before = __atomic_load_n(&iterations_run, __ATOMIC_RELAXED);

		verify(f, STR("x"), rows[i]);
		/* The first iteration is not the kernel's. */
		assert_int_equal(
		    __atomic_load_n(&iterations_run, __ATOMIC_RELAXED) - before, ITERATIONS - 1);
	}
}

/* What a hash of another kind takes less is filled with iterations that nobody reads. */
static void a_cheap_hash_of_another_kind_is_filled_up(void **state)
{
	struct fixture *f = *state;
	struct str md5 = STR("md5$NaCl$ce45d6ac75ae0a2d145a8ec61ab9854e");
	uint64_t before, run;

	verify(f, STR("x"), md5); /* OpenSSL looks its algorithm up once */
	before = __atomic_load_n(&iterations_run, __ATOMIC_RELAXED);
	verify(f, STR("x"), md5);
	run = __atomic_load_n(&iterations_run, __ATOMIC_RELAXED) - before;
	assert_in_range(run, ITERATIONS / 2, ITERATIONS);
}

struct person {
	struct fixture *f;
	char password[16];
	struct str encoded;
	bool right, wrong;
	enum err r;
};

static void *sign_in(void *arg)
{
	struct person *person = arg;
	struct secret password = secret_of(str_of(person->password));

	person->r =
	    pwhash_verify(person->f->p, password, person->encoded, &patient, &person->right);
	if (person->r == OK)
		person->r = pwhash_verify(
		    person->f->p, secret_of(STR("?")), person->encoded, &patient, &person->wrong);
	return NULL;
}

/* Eight threads on two workers: streams pair, part and pair again, with unequal lengths. */
static void many_at_once_get_their_own_answers(void **state)
{
	struct fixture *f = *state;
	struct person people[8] = { 0 };
	pthread_t threads[ARRAY_LEN(people)];

	for (size_t i = 0; i < ARRAY_LEN(people); i++) {
		people[i].f = f;
		people[i].wrong = true;
		snprintf(people[i].password, sizeof(people[i].password), "password %zu", i);
		people[i].encoded = encode(
		    f, people[i].password, "0123456789012345678901", ITERATIONS + 7919 * (int)i);
	}
	for (size_t i = 0; i < ARRAY_LEN(people); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sign_in, &people[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(people); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_LEN(people); i++) {
		assert_int_equal(people[i].r, OK);
		assert_true(people[i].right);
		assert_false(people[i].wrong);
	}
}

static void a_caller_who_is_late_or_gone_gets_no_hash(void **state)
{
	struct fixture *f = *state;
	const int gone = 1;
	const struct pwhash_caller late = { .deadline_us = now_mono_us() - 1 };
	const struct pwhash_caller left = { .deadline_us = NEVER_US, .cancelled = &gone };
	struct str encoded = STR("untouched");
	bool match = true;

	assert_int_equal(
	    pwhash_verify(f->p, secret_of(STR("x")), STR(""), &late, &match), ERR_DEADLINE);
	assert_int_equal(
	    pwhash_verify(f->p, secret_of(STR("x")), STR(""), &left, &match), ERR_DEADLINE);
	assert_int_equal(
	    pwhash_create(f->p, f->arena, secret_of(STR("x")), &late, &encoded), ERR_DEADLINE);
	assert_str(encoded, "untouched");
	assert_true(match);
}

static void configurations_are_checked(void **state)
{
	struct fixture *f = *state;
	const struct pwhash_config config = { .hasher = STR("bogus"), .iterations = 1000 };
	const char *problem = NULL;
	struct pwhash *p;

	assert_null(pwhash_new(&config, f->lane, &problem));
	assert_non_null(problem);
	assert_null(new_pwhash(f->lane, 0));
	assert_null(new_pwhash(f->lane, 10000001));
	setenv("CLOAKROOM_CPU", "z80", 1);
	assert_null(new_pwhash(f->lane, 1000));
	setenv("CLOAKROOM_CPU", "portable", 1);
	p = new_pwhash(f->lane, 1000);
	assert_non_null(p);
	unsetenv("CLOAKROOM_CPU");
	pwhash_free(&p);
	pwhash_free(&p);
}

static void cost_grows_with_iterations(void **state)
{
	struct fixture *f = *state;
	struct pwhash *dear = new_pwhash(f->lane, 10000000);

	assert_true(pwhash_cost_us(f->p) > 0);
	assert_true(pwhash_cost_us(dear) > 10 * pwhash_cost_us(f->p));
	pwhash_free(&dear);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_hash_is_djangos_and_verifies),
		TEST(other_costs_and_salts_verify_and_want_a_rehash),
		TEST(what_is_no_hash_never_matches),
		TEST(everything_costs_what_the_configured_hash_costs),
		TEST(a_cheap_hash_of_another_kind_is_filled_up),
		TEST(many_at_once_get_their_own_answers),
		TEST(a_caller_who_is_late_or_gone_gets_no_hash),
		TEST(configurations_are_checked),
		TEST(cost_grows_with_iterations),
	};

	unsetenv("CLOAKROOM_CPU");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
