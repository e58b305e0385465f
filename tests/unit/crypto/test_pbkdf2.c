#include "tests/unit/test.h"

#include <openssl/evp.h>

#include "base/clock.h"
#include "crypto/pbkdf2.h"

#define MAX_ITERATIONS 300
#define MAX_TEXT 200

struct sample {
	uint8_t password[MAX_TEXT], salt[MAX_TEXT];
	size_t password_len, salt_len;
	uint32_t iterations;
	uint8_t expected[SHA256_SIZE];
};

/* Lengths on both sides of SHA-256's block, of its padding, and anything else. */
static size_t pick_length(void)
{
	static const size_t edges[] = { 0, 1, 31, 32, 51, 52, 55, 56, 63, 64, 65, 119, 120, 128 };
	uint32_t i = random_below(2 * ARRAY_LEN(edges));

	return i < ARRAY_LEN(edges) ? edges[i] : random_below(MAX_TEXT + 1);
}

static void pick(struct sample *s)
{
	uint32_t kind = random_below(8);

	s->password_len = pick_length();
	s->salt_len = pick_length();
	random_bytes(s->password, sizeof(s->password));
	random_bytes(s->salt, sizeof(s->salt));
	s->iterations = kind < 2 ? kind + 1 : 1 + random_below(MAX_ITERATIONS);
	assert_int_equal(
	    PKCS5_PBKDF2_HMAC((const char *)s->password, (int)s->password_len, s->salt,
		(int)s->salt_len, (int)s->iterations, EVP_sha256(), SHA256_SIZE, s->expected),
	    1);
}

static void begin(struct pbkdf2 *state, const struct sample *s)
{
	pbkdf2_begin(state, (struct secret){ s->password, s->password_len },
	    str_bytes(s->salt, s->salt_len), s->iterations);
}

static void assert_result(const struct pbkdf2 *state, const struct sample *s, const char *name)
{
	uint8_t key[SHA256_SIZE];

	pbkdf2_result(state, key);
	if (memcmp(key, s->expected, sizeof(key)) != 0)
		fail_msg("%s: password of %zu bytes, salt of %zu, %u iterations", name,
		    s->password_len, s->salt_len, s->iterations);
}

static void run_alone(const struct pbkdf2_kernel *kernel)
{
	struct sample s;
	struct pbkdf2 state;

	pick(&s);
	begin(&state, &s);
	while (!pbkdf2_step(kernel, &state, 1 + random_below(MAX_ITERATIONS)))
		;
	assert_result(&state, &s, kernel->name);
}

/* Two at once, slices of odd sizes, now and then one of them alone; one ends before the other. */
static void run_paired(const struct pbkdf2_kernel *kernel)
{
	struct sample x, y;
	struct pbkdf2 a, b;

	pick(&x);
	pick(&y);
	begin(&a, &x);
	begin(&b, &y);
	while (a.remaining > 0 && b.remaining > 0) {
		if (random_below(4) == 0)
			pbkdf2_step(kernel, &a, random_below(20));
		if (random_below(4) == 0)
			pbkdf2_step_pair(kernel, &b, &a, random_below(50));
		pbkdf2_step_pair(kernel, &a, &b, 1 + random_below(MAX_ITERATIONS));
	}
	while (!pbkdf2_step(kernel, &a, 1 + random_below(100)))
		;
	while (!pbkdf2_step(kernel, &b, 1 + random_below(100)))
		;
	assert_result(&a, &x, kernel->name);
	assert_result(&b, &y, kernel->name);
}

static void equals_openssl(const struct pbkdf2_kernel *kernel)
{
	for (int i = 0; i < 2000; i++) {
		run_alone(kernel);
		if (kernel->run_pair)
			run_paired(kernel);
	}
}

static void the_portable_kernel_equals_openssl(void **state)
{
	(void)state;
	equals_openssl(pbkdf2_portable());
}

static void the_sha_kernel_equals_openssl(void **state)
{
	(void)state;
	if (!pbkdf2_sha())
		skip();
	assert_non_null(pbkdf2_sha()->run_pair);
	equals_openssl(pbkdf2_sha());
}

/* RFC 7914 11 and RFC 6070's inputs with SHA-256. */
static void known_answers_are_given(void **state)
{
	static const struct {
		struct str password, salt;
		uint32_t iterations;
		const char *key;
	} rows[] = {
		{ STR_INIT("passwd"), STR_INIT("salt"), 1,
		    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc" },
		{ STR_INIT("Password"), STR_INIT("NaCl"), 80000,
		    "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56" },
		{ STR_INIT("password"), STR_INIT("salt"), 4096,
		    "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a" },
		{ STR_INIT("passwordPASSWORDpassword"),
		    STR_INIT("saltSALTsaltSALTsaltSALTsaltSALTsalt"), 4096,
		    "348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t key[SHA256_SIZE];
		char hex[2 * SHA256_SIZE + 1];
		struct pbkdf2 s;

		pbkdf2_begin(&s, secret_of(rows[i].password), rows[i].salt, rows[i].iterations);
		while (!pbkdf2_step(pbkdf2_choose(), &s, UINT32_MAX))
			;
		pbkdf2_result(&s, key);
		for (size_t b = 0; b < sizeof(key); b++)
			snprintf(hex + 2 * b, 3, "%02x", key[b]);
		assert_string_equal(hex, rows[i].key);
	}
}

static void run_wrongly(struct pbkdf2 *s, uint32_t n)
{
	pbkdf2_portable()->run(s, n);
	s->t[7] ^= n > 0;
}

static void run_pair_wrongly(struct pbkdf2 *a, struct pbkdf2 *b, uint32_t n)
{
	pbkdf2_portable()->run(a, n);
	(void)b;
}

static void a_wrong_kernel_is_found_out(void **state)
{
	const struct pbkdf2_kernel alone = { "wrong", run_wrongly, NULL };
	const struct pbkdf2_kernel pairing = { "wrong", pbkdf2_portable()->run, run_pair_wrongly };

	(void)state;
	assert_true(pbkdf2_kernel_is_right(pbkdf2_portable()));
	assert_false(pbkdf2_kernel_is_right(&alone));
	assert_false(pbkdf2_kernel_is_right(&pairing));
}

static void the_environment_forces_a_kernel(void **state)
{
	(void)state;
	assert_ptr_equal(pbkdf2_choose(), pbkdf2_sha() ? pbkdf2_sha() : pbkdf2_portable());
	setenv("CLOAKROOM_CPU", "portable", 1);
	assert_ptr_equal(pbkdf2_choose(), pbkdf2_portable());
	setenv("CLOAKROOM_CPU", "sha", 1);
	assert_ptr_equal(pbkdf2_choose(), pbkdf2_sha());
	setenv("CLOAKROOM_CPU", "z80", 1);
	assert_null(pbkdf2_choose());
	unsetenv("CLOAKROOM_CPU");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_portable_kernel_equals_openssl),
		cmocka_unit_test(the_sha_kernel_equals_openssl),
		cmocka_unit_test(known_answers_are_given),
		cmocka_unit_test(a_wrong_kernel_is_found_out),
		cmocka_unit_test(the_environment_forces_a_kernel),
	};

	unsetenv("CLOAKROOM_CPU");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
