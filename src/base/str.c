#include "base/str.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_upto(s, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq(str_from(s, s.len - suffix.len), suffix);
}

ssize_t str_find(struct str s, char c)
{
	const char *p = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;

	return p ? p - s.ptr : -1;
}

ssize_t str_find_last(struct str s, char c)
{
	const char *p = s.len > 0 ? memrchr(s.ptr, c, s.len) : NULL;

	return p ? p - s.ptr : -1;
}

struct str str_trim(struct str s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = str_from(s, 1);
	while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool str_blank(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != ' ' && (s.ptr[i] < '\t' || s.ptr[i] > '\r'))
			return false;
	return true;
}

bool str_next_token(struct str *rest, char sep, struct str *ret)
{
	ssize_t at;

	if (rest->len == 0)
		return false;
	at = str_find(*rest, sep);
	if (at < 0) {
		*ret = *rest;
		*rest = STR("");
	} else {
		*ret = str_upto(*rest, (size_t)at);
		*rest = str_from(*rest, (size_t)at + 1);
	}
	return true;
}

bool str_to_i64(struct str s, int64_t *ret)
{
	bool negative = s.len > 0 && s.ptr[0] == '-';
	int64_t n = 0;

	if (negative)
		s = str_from(s, 1);
	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int digit = s.ptr[i] - '0';

		if (digit < 0 || digit > 9)
			return false;
		/* Counted downwards when negative: INT64_MIN has no positive twin. */
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, negative ? -digit : digit, &n))
			return false;
	}
	*ret = n;
	return true;
}

struct str i64_str(int64_t n, char room[static I64_TEXT_SIZE])
{
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
	char *end = room + I64_TEXT_SIZE, *p = end;

	do
		*--p = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (n < 0)
		*--p = '-';
	return (struct str){ p, (size_t)(end - p) };
}

size_t str_utf8_next(struct str s, uint32_t *ret)
{
	/* The smallest code point that needs that many bytes; less is an overlong form. */
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *p = (const uint8_t *)s.ptr;
	uint32_t c;
	size_t n;

	if (s.len == 0)
		return 0;
	c = p[0];
	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	if (c < 0xc0 || c > 0xf7)
		return 0;
	n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (s.len < n)
		return 0;
	c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

bool str_utf8_valid(struct str s)
{
	uint32_t ignored;

	while (s.len > 0) {
		size_t n = str_utf8_next(s, &ignored);

		if (n == 0)
			return false;
		s = str_from(s, n);
	}
	return true;
}

/* Bytes of @w that are @c have their top bit set in the result, the lowest of them for certain. */
static uint64_t bytes_that_are(uint64_t w, uint8_t c)
{
	uint64_t x = w ^ (UINT64_MAX / 255 * c);

	return (x - UINT64_MAX / 255) & ~x;
}

/* Subtracting sets the top bit of what is too small; a borrow comes only from such a byte. */
static bool eight_are_plain(const char *p)
{
	uint64_t w, below;

	memcpy(&w, p, sizeof(w));
	below = w - UINT64_MAX / 255 * ' ';
	return ((w | below | bytes_that_are(w, '"') | bytes_that_are(w, '\\') |
		    bytes_that_are(w, 0x7f)) &
		   (UINT64_MAX / 255 * 0x80)) == 0;
}

size_t str_plain_span(struct str s)
{
	const size_t word = sizeof(uint64_t);
	size_t n = 0;

	while (s.len - n >= word && eight_are_plain(s.ptr + n))
		n += word;
	/* The last eight again, rather than up to seven one by one. */
	if (s.len >= word && s.len - n < word && eight_are_plain(s.ptr + s.len - word))
		return s.len;
	while (
	    n < s.len && s.ptr[n] >= ' ' && s.ptr[n] <= '~' && s.ptr[n] != '"' && s.ptr[n] != '\\')
		n++;
	return n;
}

size_t str_utf8_length(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((uint8_t)s.ptr[i] & 0xc0) != 0x80;
	return n;
}

/*
 * SipHash-1-3 (Aumasson, Bernstein; one round a word, three at the end): a client who chooses the
 * keys of a table must not be able to choose their buckets. Words are read in the machine's own
 * order; the value never leaves the process.
 */
static uint64_t sip_key[2];
static pthread_once_t sip_once = PTHREAD_ONCE_INIT;

static void sip_seed(void)
{
	random_bytes(sip_key, sizeof(sip_key));
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32) + v[3];
	v[2] += v[1];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

uint64_t str_hash(struct str s)
{
	uint64_t v[4] = {
		0x736f6d6570736575,
		0x646f72616e646f6d,
		0x6c7967656e657261,
		0x7465646279746573,
	};
	uint64_t word;
	size_t i = 0;

	pthread_once(&sip_once, sip_seed);
	for (int k = 0; k < 4; k++)
		v[k] ^= sip_key[k & 1];
	for (; s.len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, s.ptr + i, sizeof(word));
		sip_word(v, word);
	}
	word = 0;
	if (i < s.len)
		memcpy(&word, s.ptr + i, s.len - i);
	sip_word(v, word | (uint64_t)s.len << 56);
	v[2] ^= 0xff;
	for (int k = 0; k < 3; k++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct str str_dup(struct arena *arena, struct str s)
{
	return (struct str){ str_cstr(arena, s), s.len };
}

char *str_cstr(struct arena *arena, struct str s)
{
	return arena_copy(arena, s.ptr, s.len);
}

struct str str_lower(struct arena *arena, struct str s)
{
	char *copy = str_cstr(arena, s);

	for (size_t i = 0; i < s.len; i++)
		copy[i] = lower(copy[i]);
	return (struct str){ copy, s.len };
}

void buf_init(struct buf *b, struct arena *arena, size_t cap)
{
	*b = (struct buf){ .arena = arena, .cap = cap };
	if (cap > 0)
		b->ptr = arena_alloc(arena, cap);
}

char *buf_grow(struct buf *b, size_t n)
{
	size_t need, cap;
	char *ptr;

	if (__builtin_add_overflow(b->len, n, &need))
		die("a text of %zu + %zu bytes", b->len, n);
	cap = b->cap < 32 ? 64 : 2 * b->cap;
	if (cap < need)
		cap = need;
	ptr = arena_alloc(b->arena, cap);
	if (b->ptr)
		memcpy(ptr, b->ptr, b->len);
	b->ptr = ptr;
	b->cap = cap;
	return ptr + b->len;
}

/* What is written ends in a NUL, which is not counted. */
static void PRINTF_LIKE(2, 0) add_formatted(struct buf *b, const char *fmt, va_list args)
{
	size_t room = b->cap - b->len;
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(b->ptr ? b->ptr + b->len : NULL, room, fmt, args);
	if (n < 0)
		die("cannot format \"%s\"", fmt);
	if ((size_t)n >= room)
		vsnprintf(buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_formatted(b, fmt, args);
	va_end(args);
}

struct str str_printf(struct arena *arena, const char *fmt, ...)
{
	struct buf b;
	va_list args;

	buf_init(&b, arena, 0);
	va_start(args, fmt);
	add_formatted(&b, fmt, args);
	va_end(args);
	return buf_str(&b);
}
