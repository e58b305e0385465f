#include "tests/unit/corpus.h"

#include <argon2.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "crypto/pwhash.h"

static const struct pwhash_caller patient = { .deadline_us = NEVER_US };

struct fixture {
	struct arena *arena;
	struct lane *lane;
	struct pwhash *pbkdf2, *argon2id; /* by what new hashes get */
};

static struct pwhash *open_hasher(struct lane *lane, const struct pwhash_config *config)
{
	const char *problem = "";
	struct pwhash *p = pwhash_new(config, lane, &problem);

	if (!p)
		print_error("%s\n", problem);
	return p;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct lane_config config = {
		.name = "hash", .workers = 2, .max_queued_us = 60 * US_PER_S
	};
	const struct pwhash_config pbkdf2 = {
		.hasher = STR("pbkdf2_sha256"),
		.iterations = 1000,
	};
	const struct pwhash_config argon2id = {
		.hasher = STR("argon2id"),
		.argon2_memory_kib = 64,
		.argon2_passes = 2,
		.argon2_lanes = 1,
	};

	f->arena = arena_new(ARENA_WIPING, 0);
	f->lane = lane_new(&config);
	f->pbkdf2 = open_hasher(f->lane, &pbkdf2);
	f->argon2id = open_hasher(f->lane, &argon2id);
	*state = f;
	return f->pbkdf2 && f->argon2id ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	pwhash_free(&f->pbkdf2);
	pwhash_free(&f->argon2id);
	lane_free(&f->lane);
	arena_free(&f->arena);
	free(f);
	return 0;
}

static bool verify(struct pwhash *p, struct str password, struct str encoded)
{
	bool match = true;

	assert_int_equal(pwhash_verify(p, secret_of(password), encoded, &patient, &match), OK);
	return match;
}

/* Made with Python's hashlib and crypt, and with libargon2. */
#define PASSWORD STR("p\xc3\xa4ssword \xf0\x9f\x94\x91")

static const char *const encoded_forms[] = {
	"pbkdf2_sha256$1000$NaCl$78svMccnkKXJHTIOjaJ30eTW1VbqSvwI4x8YU0qNlqI=",
	"pbkdf2_sha1$1000$NaCl$+Urg0n+Ih1O9C3sKWmX3cHBoi0M=",
	"scrypt$1024$NaCl$8$2$6ziZVKlCNCO8QJ3t1/q8kAUYlZgX2k8mpYc9D64s257+Ojpq2vWYSQpaQwU3Imn"
	"GvxOUNcPBqeLGJ713aP9sHg==",
	"bcrypt$$2b$04$abcdefghijklmnopqrstuuFVPboFsn9b5jXRayYnJ8UfQ1Gbc3sUm",
	"bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuJk.aEGlFIRem/NGUB/WsPtlA1X2nYNu",
	"$2a$05$abcdefghijklmnopqrstuuNkI5Pt75YZimamvihYn2T7dth0Udrj6",
	"$2y$04$abcdefghijklmnopqrstuuFVPboFsn9b5jXRayYnJ8UfQ1Gbc3sUm",
	"sha1$NaCl$da59a19a985a47985da9d04b1d0bf1ff734ac391",
	"md5$NaCl$ce45d6ac75ae0a2d145a8ec61ab9854e",
	"e0eb3dd8270d5f88ee6f0a44c8c8daa6",
	"argon2$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHRzYWx0$"
	"EYsi0AlKQH1e/PBDZKQuWCTSfj2gCdmg1jQe7RcmbdQ",
	"$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHRzYWx0$EYsi0AlKQH1e/PBDZKQuWCTSfj2gCdmg1jQe7RcmbdQ",
	"$argon2id$v=19$m=256,t=1,p=4$c2FsdHNhbHRzYWx0$gyjxN7XsGEfeo61nUcxueQ",
	"argon2$argon2i$v=19$m=64,t=3,p=2$c2FsdHNhbHRzYWx0$"
	"Bhiw85AS2QbmZQcdYHpyNWk1yeUHcK4clOVHv4QqGfk",
	"$argon2i$v=16$m=64,t=3,p=2$c2FsdHNhbHRzYWx0$VpSt7Nz8pjFqGOYmGk7N2THnYpE72vVphlH6Yib4/6U",
	"$argon2i$m=64,t=3,p=2$c2FsdHNhbHRzYWx0$VpSt7Nz8pjFqGOYmGk7N2THnYpE72vVphlH6Yib4/6U",
};

static void every_format_verifies(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(encoded_forms); i++) {
		struct str encoded = str_of(encoded_forms[i]);

		if (!pwhash_usable(encoded) || !verify(f->pbkdf2, PASSWORD, encoded) ||
		    !verify(f->argon2id, PASSWORD, encoded))
			fail_msg("does not verify: %s", encoded_forms[i]);
		if (verify(f->pbkdf2, STR("password"), encoded))
			fail_msg("another password verifies: %s", encoded_forms[i]);
		assert_true(pwhash_needs_rehash(f->pbkdf2, encoded)); /* if only for its salt */
	}
}

#define A_TAG "EYsi0AlKQH1e/PBDZKQuWCTSfj2gCdmg1jQe7RcmbdQ"
#define A_SALT "c2FsdHNhbHRzYWx0"
#define BC_END "abcdefghijklmnopqrstuuFVPboFsn9b5jXRayYnJ8UfQ1Gbc3sUm"
#define SC_END \
	"6ziZVKlCNCO8QJ3t1/q8kAUYlZgX2k8mpYc9D64s257+Ojpq2vWYSQpaQwU3ImnGvxOUNcPBqeLGJ713aP9sHg=="

/* Malformed, or asking for more than a hash may have of the machine. */
static const char *const refused_forms[] = {
	"argon2$",
	"argon2$argon2id",
	"argon2$argon2d$v=19$m=64,t=2,p=1$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=18$m=64,t=2,p=1$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=019$m=64,t=2,p=1$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$m=64,t=2$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$t=2,m=64,p=1$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$m=64,t=2,p=1,data=AAAA$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$m=64,t=0,p=1$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$m=64,t=2,p=0$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$m=7,t=2,p=1$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$m=64,t=2,p=9$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$m=262145,t=1,p=1$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$m=4294967295,t=1,p=1$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$m=262144,t=9,p=1$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$m=64,t=65,p=1$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$m=1024,t=1,p=65$" A_SALT "$" A_TAG,
	"argon2$argon2id$v=19$m=64,t=2,p=1$c2Fs$" A_TAG,
	"argon2$argon2id$v=19$m=64,t=2,p=1$" A_SALT "$EYsi0A",
	"argon2$argon2id$v=19$m=64,t=2,p=1$" A_SALT "$" A_TAG "=",
	"argon2$argon2id$v=19$m=64,t=2,p=1$" A_SALT "$" A_TAG "$",
	"argon2$$argon2id$v=19$m=64,t=2,p=1$" A_SALT "$" A_TAG,
	"$argon2idx$v=19$m=64,t=2,p=1$" A_SALT "$" A_TAG,
	"bcrypt$2b$04$" BC_END,
	"bcrypt$$2b$03$" BC_END,
	"bcrypt$$2b$16$" BC_END,
	"bcrypt$$2b$31$" BC_END,
	"bcrypt$$2b$4$x" BC_END,
	"bcrypt$$2x$04$" BC_END,
	"bcrypt$$2$04$x" BC_END,
	"bcrypt$$2b$04$" BC_END "x",
	"bcrypt$$2b$04$!bcdefghijklmnopqrstuuFVPboFsn9b5jXRayYnJ8UfQ1Gbc3sUm",
	"$2b$04$",
	"scrypt$1023$NaCl$8$2$" SC_END,
	"scrypt$1$NaCl$8$2$" SC_END,
	"scrypt$1024$NaCl$0$2$" SC_END,
	"scrypt$1024$NaCl$8$0$" SC_END,
	"scrypt$1024$NaCl$33$2$" SC_END,
	"scrypt$1024$NaCl$8$65$" SC_END,
	"scrypt$262144$NaCl$8$1$" SC_END,
	"scrypt$2097152$NaCl$1$1$" SC_END,
	"scrypt$131072$NaCl$8$64$" SC_END,
	"scrypt$1024$NaCl$8$" SC_END,
	"scrypt$1024$NaCl$8$2$6ziZ",
	"pbkdf2_sha1$10000001$NaCl$+Urg0n+Ih1O9C3sKWmX3cHBoi0M=",
	"pbkdf2_sha1$0$NaCl$+Urg0n+Ih1O9C3sKWmX3cHBoi0M=",
	"pbkdf2_sha1$1000$NaCl$+Urg0n+Ih1O9C3sKWmX3cHBoi0",
	"sha1$NaCl$da59a19a985a47985da9d04b1d0bf1ff734ac3",
	"sha1$da59a19a985a47985da9d04b1d0bf1ff734ac391",
	"md5$NaCl$ce45d6ac75ae0a2d145a8ec61ab9854",
	"md5$NaCl$ce45d6ac75ae0a2d145a8ec61ab9854g",
	"e0eb3dd8270d5f88ee6f0a44c8c8daa",
	"e0eb3dd8270d5f88ee6f0a44c8c8daa6$",
	"!",
	"!e0eb3dd8270d5f88ee6f0a44c8c8daa6",
};

static void what_is_malformed_or_too_dear_never_matches(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(refused_forms); i++) {
		struct str encoded = str_of(refused_forms[i]);

		if (pwhash_usable(encoded) || verify(f->pbkdf2, PASSWORD, encoded) ||
		    !pwhash_needs_rehash(f->pbkdf2, encoded))
			fail_msg("taken for a hash: %s", refused_forms[i]);
	}
}

static void a_new_argon2id_hash_is_djangos_and_verifies(void **state)
{
	struct fixture *f = *state;
	struct str a, b;

	assert_int_equal(
	    pwhash_create(f->argon2id, f->arena, secret_of(PASSWORD), &patient, &a), OK);
	assert_int_equal(
	    pwhash_create(f->argon2id, f->arena, secret_of(PASSWORD), &patient, &b), OK);
	assert_false(str_eq(a, b));
	assert_true(str_starts(a, STR("argon2$argon2id$v=19$m=64,t=2,p=1$")));
	assert_true(verify(f->argon2id, PASSWORD, a));
	assert_false(verify(f->argon2id, STR("x"), a));
	assert_false(pwhash_needs_rehash(f->argon2id, a));
	assert_true(pwhash_needs_rehash(f->pbkdf2, a));
	/* libargon2 reads what follows "argon2", as Django lets it. */
	assert_int_equal(argon2_verify(str_cstr(f->arena, str_from(a, 6)), PASSWORD.ptr,
			     PASSWORD.len, Argon2_id),
	    ARGON2_OK);
}

static void other_argon2_costs_want_a_rehash(void **state)
{
	struct fixture *f = *state;
	static const char *const rows[] = {
		"argon2$argon2id$v=19$m=128,t=2,p=1$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMQ$" A_TAG,
		"argon2$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMQ$" A_TAG,
		"argon2$argon2id$v=19$m=64,t=2,p=2$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMQ$" A_TAG,
		"argon2$argon2id$v=16$m=64,t=2,p=1$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMQ$" A_TAG,
		"argon2$argon2i$v=19$m=64,t=2,p=1$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMQ$" A_TAG,
		"argon2$argon2id$v=19$m=64,t=2,p=1$" A_SALT "$" A_TAG,
		"argon2$argon2id$v=19$m=64,t=2,p=1$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMQ$"
		"gyjxN7XsGEfeo61nUcxueQ",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(pwhash_needs_rehash(f->argon2id, str_of(rows[i])));
	assert_false(pwhash_needs_rehash(f->argon2id,
	    STR("argon2$argon2id$v=19$m=64,t=2,p=1$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMQ$" A_TAG)));
}

/* bcrypt counts 72 bytes; hashed first, all of them. What libcrypt takes ends at a NUL. */
static void bcrypt_takes_what_it_takes(void **state)
{
	struct fixture *f = *state;
	struct str bare = STR("$2b$04$" BC_END);
	char long_one[600];

	memset(long_one, 'x', sizeof(long_one));
	assert_false(verify(f->pbkdf2, str_bytes(long_one, sizeof(long_one)), bare));
	assert_false(verify(f->pbkdf2, str_bytes("p\0", 2), bare));
	assert_false(verify(f->pbkdf2, STR(""), bare));
}

static void hashers_are_checked(void **state)
{
	struct fixture *f = *state;
	const struct pwhash_config good = {
		.hasher = STR("argon2id"),
		.argon2_memory_kib = 64,
		.argon2_passes = 2,
		.argon2_lanes = 1,
	};
	struct pwhash_config bad = good;
	const char *problem = NULL;

	bad.argon2_memory_kib = 7;
	assert_null(pwhash_new(&bad, f->lane, &problem));
	assert_non_null(problem);
	bad = good;
	bad.argon2_passes = 0;
	assert_null(pwhash_new(&bad, f->lane, &problem));
	bad = good;
	bad.argon2_lanes = 9;
	assert_null(pwhash_new(&bad, f->lane, &problem));
	bad = good;
	bad.hasher = STR("bcrypt");
	assert_null(pwhash_new(&bad, f->lane, &problem));
}

static void djangos_vectors_verify(void **state)
{
	struct fixture *f = *state;
	struct str text = corpus_read(f->arena, "django-hashers/vectors.json");
	const struct json *rows;

	assert_int_equal(json_parse(f->arena, text, &rows), OK);
	assert_true(json_array_length(rows) >= 10);
	for (size_t i = 0; i < json_array_length(rows); i++) {
		const struct json *row = json_array_at(rows, i);
		struct str encoded = json_string(json_get(row, "encoded"));
		bool valid = json_type(json_get(row, "valid")) == JSON_TYPE_TRUE;

		if (verify(f->pbkdf2, json_string(json_get(row, "password")), encoded) != valid)
			fail_msg("%.*s", STR_ARG(encoded));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format_verifies),
		cmocka_unit_test(what_is_malformed_or_too_dear_never_matches),
		cmocka_unit_test(a_new_argon2id_hash_is_djangos_and_verifies),
		cmocka_unit_test(other_argon2_costs_want_a_rehash),
		cmocka_unit_test(bcrypt_takes_what_it_takes),
		cmocka_unit_test(hashers_are_checked),
		cmocka_unit_test(djangos_vectors_verify),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
