#include "crypto/pbkdf2.h"

#include <assert.h>

#include "base/log.h"
#include "crypto/bytes.h"

void pbkdf2_begin(struct pbkdf2 *s, struct secret password, struct str salt, uint32_t iterations)
{
	static const uint8_t first_block[] = { 0, 0, 0, 1 };
	uint8_t mac[SHA256_SIZE];
	struct hmac h;

	assert(iterations >= 1);
	hmac_key_init(&s->key, password);
	hmac_begin(&h, &s->key);
	hmac_add(&h, salt);
	hmac_add(&h, str_bytes(first_block, sizeof(first_block)));
	hmac_end(&h, mac);
	for (size_t i = 0; i < ARRAY_LEN(s->u); i++)
		s->u[i] = s->t[i] = load_be32(mac + 4 * i);
	s->remaining = iterations - 1;
	wipe(mac, sizeof(mac));
}

static uint32_t at_most(uint32_t n, uint32_t limit)
{
	return n < limit ? n : limit;
}

bool pbkdf2_step(const struct pbkdf2_kernel *kernel, struct pbkdf2 *s, uint32_t n)
{
	n = at_most(n, s->remaining);
	kernel->run(s, n);
	s->remaining -= n;
	return s->remaining == 0;
}

void pbkdf2_step_pair(
    const struct pbkdf2_kernel *kernel, struct pbkdf2 *a, struct pbkdf2 *b, uint32_t n)
{
	n = at_most(n, at_most(a->remaining, b->remaining));
	kernel->run_pair(a, b, n);
	a->remaining -= n;
	b->remaining -= n;
}

void pbkdf2_result(const struct pbkdf2 *s, uint8_t key[static SHA256_SIZE])
{
	assert(s->remaining == 0);
	for (size_t i = 0; i < ARRAY_LEN(s->t); i++)
		store_be32(key + 4 * i, s->t[i]);
}

/* RFC 7914 11 has the first; the other two were computed with Python's hashlib. */
static const struct known_answer {
	struct str password, salt;
	uint32_t iterations;
	uint8_t key[SHA256_SIZE];
} known_answers[] = {
	{ STR_INIT("passwd"), STR_INIT("salt"), 1,
	    { 0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f, 0xec, 0x16, 0x91, 0xc2, 0x25, 0x44,
		0xb6, 0x05, 0xf9, 0x41, 0x85, 0x21, 0x6d, 0xde, 0x04, 0x65, 0xe6, 0x8b, 0x9d, 0x57,
		0xc2, 0x0d, 0xac, 0xbc } },
	{ STR_INIT("correct horse battery staple"), STR_INIT(""), 600,
	    { 0xeb, 0x81, 0xc2, 0x21, 0xdf, 0x7a, 0x83, 0x87, 0x60, 0x8d, 0x9c, 0xb6, 0x66, 0x09,
		0x03, 0x55, 0x4a, 0xfc, 0xfa, 0x41, 0x7d, 0x63, 0x9e, 0x0a, 0xc9, 0x09, 0xcc, 0xda,
		0x09, 0xdc, 0x98, 0x3c } },
	{ STR_INIT("A password of more than sixty-four bytes, which HMAC hashes before it uses it"),
	    STR_INIT(
		"NaCl and more of it than one block of SHA-256 can hold together with the padding"),
	    1000,
	    { 0xca, 0x1f, 0xa3, 0x89, 0x48, 0x15, 0x75, 0x37, 0x49, 0xde, 0xe2, 0x78, 0x8f, 0xda,
		0x45, 0x54, 0xae, 0x1e, 0x44, 0x46, 0x35, 0x7d, 0xde, 0xbb, 0x7a, 0xd0, 0xfa, 0x9b,
		0x1d, 0x06, 0x22, 0x60 } },
};

static bool is_answer(const struct pbkdf2 *s, const struct known_answer *answer)
{
	uint8_t key[SHA256_SIZE];

	pbkdf2_result(s, key);
	return bytes_equal(key, answer->key, sizeof(key));
}

static void begin(struct pbkdf2 *s, const struct known_answer *answer)
{
	pbkdf2_begin(s, secret_of(answer->password), answer->salt, answer->iterations);
}

static bool pair_is_right(
    const struct pbkdf2_kernel *kernel, const struct known_answer *x, const struct known_answer *y)
{
	struct pbkdf2 a, b;

	begin(&a, x);
	begin(&b, y);
	while (a.remaining > 0 && b.remaining > 0)
		pbkdf2_step_pair(kernel, &a, &b, 100);
	while (!pbkdf2_step(kernel, &a, 100) || !pbkdf2_step(kernel, &b, 100))
		;
	return is_answer(&a, x) && is_answer(&b, y);
}

bool pbkdf2_kernel_is_right(const struct pbkdf2_kernel *kernel)
{
	for (size_t i = 0; i < ARRAY_LEN(known_answers); i++) {
		const struct known_answer *answer = &known_answers[i];
		struct pbkdf2 s;

		begin(&s, answer);
		while (!pbkdf2_step(kernel, &s, 77))
			;
		if (!is_answer(&s, answer))
			return false;
		for (size_t j = 0; kernel->run_pair && j < ARRAY_LEN(known_answers); j++)
			if (!pair_is_right(kernel, answer, &known_answers[j]))
				return false;
	}
	return true;
}

const struct pbkdf2_kernel *pbkdf2_choose(void)
{
	const struct pbkdf2_kernel *const fastest_first[] = { pbkdf2_sha(), pbkdf2_portable() };
	const char *forced = getenv("CLOAKROOM_CPU");

	for (size_t i = 0; i < ARRAY_LEN(fastest_first); i++) {
		const struct pbkdf2_kernel *kernel = fastest_first[i];

		if (!kernel || (forced && *forced && strcmp(forced, kernel->name) != 0))
			continue;
		if (pbkdf2_kernel_is_right(kernel))
			return kernel;
		log_error(
		    "PBKDF2: the %s kernel gives wrong answers on this machine", kernel->name);
	}
	return NULL;
}
