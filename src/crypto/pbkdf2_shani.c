/*
 * PBKDF2's loop with the SHA extensions of x86: one stream, or two interleaved.
 *
 * sha256rnds2 does two rounds and takes four cycles, but the next may start after two. A stream's
 * rounds wait for each other, so one stream leaves half of the unit idle: 32 × 4 = 128 cycles a
 * compression. A second stream fills the gaps, and two passwords take little longer than one. A
 * third does not fit into sixteen registers.
 *
 * What is particular to PBKDF2, where every block is a 32-byte MAC with the same padding:
 *   - words 8-15 are constant, so rounds 8-15 add nothing to their round constants and four steps
 *     of the message schedule lose a term;
 *   - words are numbers from start to end: nothing is ever stored as bytes or swapped;
 *   - the state a compression ends with, its halves reversed, is what the next one's first rounds
 *     want, so the message words are put in order beside the critical path, not on it.
 *
 * The unit keeps the state as ABEF and CDGH (first letter in the highest 32 bits). A vector named
 * by its words, {w0, w1, w2, w3}, has w0 in the lowest.
 */
#include "crypto/pbkdf2.h"

#include <cpuid.h>
#include <immintrin.h>

#define SHANI __attribute__((target("sha,sse4.1")))
#define INLINE static inline __attribute__((always_inline)) SHANI

/* The most streams that interleave. */
#define MAX_STREAMS 2
/* What SHA-256 has taken in at the end of a block: the pad block and a MAC. */
#define BLOCK_BITS ((SHA256_BLOCK + SHA256_SIZE) * 8)

/* Round constants (FIPS 180-4 4.2.2): the first eight in the order of struct words. */
static const _Alignas(16) uint32_t first_constants[2][4] = {
	{ 0x428a2f98, 0x71374491, 0x3956c25b, 0x59f111f1 },
	{ 0xb5c0fbcf, 0xe9b5dba5, 0x923f82a4, 0xab1c5ed5 },
};
/* The others in fours; those of rounds 8-15 have the words added, which are padding. */
static const _Alignas(16) uint32_t constants[16][4] = {
	[2] = { 0xd807aa98 + 0x80000000, 0x12835b01, 0x243185be, 0x550c7dc3 },
	[3] = { 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174 + BLOCK_BITS },
	[4] = { 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc },
	[5] = { 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da },
	[6] = { 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7 },
	[7] = { 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967 },
	[8] = { 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13 },
	[9] = { 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85 },
	[10] = { 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3 },
	[11] = { 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070 },
	[12] = { 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5 },
	[13] = { 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3 },
	[14] = { 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208 },
	[15] = { 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2 },
};
/* Words 8-15 of every block: a one bit, zeros, and the length. */
static const _Alignas(16) uint32_t padding[2][4] = {
	{ 0x80000000, 0, 0, 0 },
	{ 0, 0, 0, BLOCK_BITS },
};

/* Eight words as SHA-256 leaves them: {A, B, E, F} and {C, D, G, H}. */
struct words {
	__m128i abef, cdgh;
};

/* One compression under way; x[i] are message words 4i … 4i+3. */
struct stream {
	__m128i abef, cdgh;
	__m128i x[16];
};

INLINE __m128i load(const uint32_t p[4])
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Two rounds with the lower half of @wk, two with the upper: words plus round constants. */
INLINE void two_rounds(struct stream *s, __m128i wk)
{
	__m128i abef = _mm_sha256rnds2_epu32(s->cdgh, s->abef, wk);

	s->cdgh = s->abef;
	s->abef = abef;
}

INLINE __m128i upper_half(__m128i v)
{
	return _mm_shuffle_epi32(v, 0x0e);
}

INLINE __m128i reversed(__m128i v)
{
	return _mm_shuffle_epi32(v, 0x1b);
}

/* Words 4i … 4i+3 from the sixteen before them, as FIPS 180-4 6.2.2 step 1 says. */
INLINE void extend(__m128i x[16], int i)
{
	__m128i sum;

	if (i == 4) /* w9 … w12 are zero */
		sum = _mm_sha256msg1_epu32(x[0], x[1]);
	else if (i == 6) /* sigma0 of zeros is zero: w8 … w11 stand as they are */
		sum = _mm_add_epi32(load(padding[0]), _mm_alignr_epi8(x[5], x[4], 4));
	else
		sum = _mm_add_epi32(_mm_sha256msg1_epu32(x[i - 4], x[i - 3]),
		    _mm_alignr_epi8(x[i - 1], x[i - 2], 4));
	x[i] = _mm_sha256msg2_epu32(sum, x[i - 1]);
}

/* Rounds 0-7. */
INLINE void begin(struct stream *s, const struct words *midstate, const struct words *words)
{
	__m128i wk0145 = _mm_add_epi32(words->abef, load(first_constants[0]));
	__m128i wk2367 = _mm_add_epi32(words->cdgh, load(first_constants[1]));

	s->abef = midstate->abef;
	s->cdgh = midstate->cdgh;
	two_rounds(s, wk0145);
	two_rounds(s, wk2367);
	two_rounds(s, upper_half(wk0145));
	two_rounds(s, upper_half(wk2367));
	s->x[0] = _mm_unpacklo_epi64(words->abef, words->cdgh);
	s->x[1] = _mm_unpackhi_epi64(words->abef, words->cdgh);
	s->x[2] = load(padding[0]);
	s->x[3] = load(padding[1]);
}

INLINE void four_rounds(struct stream *s, __m128i wk)
{
	two_rounds(s, wk);
	two_rounds(s, upper_half(wk));
}

/* Rounds 4i … 4i + 3, from the sixteenth on. */
INLINE void extend_and_run(struct stream *s, int i)
{
	extend(s->x, i);
	four_rounds(s, _mm_add_epi32(s->x[i], load(constants[i])));
}

/* One compression of @n streams from @midstates, over the blocks that begin with @words. */
INLINE void compress(const struct words midstates[], struct words words[], int n)
{
	struct stream streams[MAX_STREAMS];

#pragma GCC unroll 2
	for (int i = 0; i < n; i++)
		begin(&streams[i], &midstates[i], &words[i]);
#pragma GCC unroll 2
	for (int group = 2; group < 4; group++)
#pragma GCC unroll 2
		for (int i = 0; i < n; i++)
			four_rounds(&streams[i], load(constants[group]));
#pragma GCC unroll 12
	for (int group = 4; group < 16; group++)
#pragma GCC unroll 2
		for (int i = 0; i < n; i++)
			extend_and_run(&streams[i], group);
#pragma GCC unroll 2
	for (int i = 0; i < n; i++) {
		words[i].abef = reversed(_mm_add_epi32(streams[i].abef, midstates[i].abef));
		words[i].cdgh = reversed(_mm_add_epi32(streams[i].cdgh, midstates[i].cdgh));
	}
}

/* A midstate as the unit keeps it. */
INLINE struct words load_state(const uint32_t state[8])
{
	__m128i dcba = reversed(load(state)), hgfe = reversed(load(state + 4));

	return (struct words){ _mm_unpackhi_epi64(hgfe, dcba), _mm_unpacklo_epi64(hgfe, dcba) };
}

INLINE struct words load_words(const uint32_t words[8])
{
	__m128i abcd = load(words), efgh = load(words + 4);

	return (struct words){ _mm_unpacklo_epi64(abcd, efgh), _mm_unpackhi_epi64(abcd, efgh) };
}

INLINE void store_words(uint32_t words[8], struct words w)
{
	_mm_storeu_si128((__m128i *)(void *)words, _mm_unpacklo_epi64(w.abef, w.cdgh));
	_mm_storeu_si128((__m128i *)(void *)(words + 4), _mm_unpackhi_epi64(w.abef, w.cdgh));
}

INLINE void iterate(struct pbkdf2 *const states[], uint32_t iterations, int n)
{
	struct words inner[MAX_STREAMS], outer[MAX_STREAMS], u[MAX_STREAMS], t[MAX_STREAMS];

#pragma GCC unroll 2
	for (int i = 0; i < n; i++) {
		inner[i] = load_state(states[i]->key.inner);
		outer[i] = load_state(states[i]->key.outer);
		u[i] = load_words(states[i]->u);
		t[i] = load_words(states[i]->t);
	}
	while (iterations-- > 0) {
		compress(inner, u, n);
		compress(outer, u, n);
#pragma GCC unroll 2
		for (int i = 0; i < n; i++) {
			t[i].abef = _mm_xor_si128(t[i].abef, u[i].abef);
			t[i].cdgh = _mm_xor_si128(t[i].cdgh, u[i].cdgh);
		}
	}
#pragma GCC unroll 2
	for (int i = 0; i < n; i++) {
		store_words(states[i]->u, u[i]);
		store_words(states[i]->t, t[i]);
	}
}

static SHANI void run(struct pbkdf2 *s, uint32_t n)
{
	iterate((struct pbkdf2 *[]){ s }, n, 1);
}

static SHANI void run_pair(struct pbkdf2 *a, struct pbkdf2 *b, uint32_t n)
{
	iterate((struct pbkdf2 *[]){ a, b }, n, 2);
}

const struct pbkdf2_kernel *pbkdf2_sha(void)
{
	static const struct pbkdf2_kernel kernel = { "sha", run, run_pair };
	const unsigned sha_bit = 1u << 29, sse41_bit = 1u << 19, ssse3_bit = 1u << 9;
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & sse41_bit) || !(c & ssse3_bit))
		return NULL;
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & sha_bit))
		return NULL;
	return &kernel;
}
