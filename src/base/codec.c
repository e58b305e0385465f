#include "base/codec.h"

#include "base/clock.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static char *put_hex(char *p, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*p++ = digits[bytes[i] >> 4];
		*p++ = digits[bytes[i] & 15];
	}
	return p;
}

/* Read 2 * @n digits into @n bytes. */
static bool take_hex(const char *text, uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

struct str hex_encode(struct arena *arena, struct str bytes)
{
	char *out = arena_array(arena, 2, bytes.len + 1);

	put_hex(out, (const uint8_t *)bytes.ptr, bytes.len);
	return (struct str){ out, 2 * bytes.len };
}

bool hex_decode(struct arena *arena, struct str text, struct str *ret)
{
	uint8_t *out;

	if (text.len % 2 != 0)
		return false;
	out = arena_alloc(arena, text.len / 2 + 1);
	if (!take_hex(text.ptr, out, text.len / 2))
		return false;
	*ret = str_bytes(out, text.len / 2);
	return true;
}

/* The last two characters are all the two alphabets differ in. */
static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct str encode(struct arena *arena, struct str bytes, const char digits[65])
{
	const uint8_t *in = (const uint8_t *)bytes.ptr, *end = in + bytes.len;
	char *out = arena_array(arena, bytes.len / 3 + 2, 4), *p = out;
	unsigned rest;

	for (; end - in >= 3; in += 3) {
		unsigned three = (unsigned)in[0] << 16 | (unsigned)in[1] << 8 | in[2];

		*p++ = digits[three >> 18];
		*p++ = digits[three >> 12 & 63];
		*p++ = digits[three >> 6 & 63];
		*p++ = digits[three & 63];
	}
	if (in < end) {
		rest = (unsigned)in[0] << 8 | (end - in == 2 ? in[1] : 0);
		*p++ = digits[rest >> 10];
		*p++ = digits[rest >> 4 & 63];
		if (end - in == 2)
			*p++ = digits[rest << 2 & 63];
	}
	return (struct str){ out, (size_t)(p - out) };
}

/* One more than the value of the digits both alphabets share; 0 for any other character. */
/* clang-format off */
static const uint8_t shared_values[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,
	['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15,
	['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,
	['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29,
	['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43,
	['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50,
	['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57,
	['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62,
};
/* clang-format on */

static int value_of(char c, const char last[2])
{
	unsigned shared = shared_values[(uint8_t)c];

	if (shared > 0)
		return (int)shared - 1;
	if (c == last[0])
		return 62;
	return c == last[1] ? 63 : -1;
}

/* @n digits as a number; false when one of them is none of the alphabet that ends in @last. */
static bool take_digits(const char *p, size_t n, const char last[2], uint32_t *ret)
{
	int seen = 0;

	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		int value = value_of(p[i], last);

		seen |= value;
		*ret = *ret << 6 | ((uint32_t)value & 63);
	}
	return seen >= 0;
}

static bool decode(struct arena *arena, struct str text, const char digits[65], struct str *ret)
{
	uint8_t *out, *p;
	uint32_t four;
	size_t i;

	if (text.len % 4 == 1)
		return false;
	p = out = arena_alloc(arena, text.len / 4 * 3 + 3);
	for (i = 0; text.len - i >= 4; i += 4) {
		if (!take_digits(text.ptr + i, 4, digits + 62, &four))
			return false;
		*p++ = (uint8_t)(four >> 16);
		*p++ = (uint8_t)(four >> 8);
		*p++ = (uint8_t)four;
	}
	if (i < text.len) {
		size_t left = text.len - i;
		unsigned spare = left == 2 ? 4 : 2;

		/* Bits left over that are not zero would give one value several spellings. */
		if (!take_digits(text.ptr + i, left, digits + 62, &four) ||
		    (four & ((1u << spare) - 1)) != 0)
			return false;
		four >>= spare;
		if (left == 3)
			*p++ = (uint8_t)(four >> 8);
		*p++ = (uint8_t)four;
	}
	*ret = str_bytes(out, (size_t)(p - out));
	return true;
}

struct str base64_encode(struct arena *arena, struct str bytes)
{
	struct buf out;

	buf_init(&out, arena, bytes.len / 3 * 4 + 4);
	buf_add(&out, encode(arena, bytes, standard));
	while (out.len % 4 != 0)
		buf_add_char(&out, '=');
	return buf_str(&out);
}

bool base64_decode(struct arena *arena, struct str text, struct str *ret)
{
	if (text.len % 4 != 0)
		return false;
	for (int i = 0; i < 2 && str_ends(text, STR("=")); i++)
		text.len--;
	return decode(arena, text, standard, ret);
}

struct str base64_encode_bare(struct arena *arena, struct str bytes)
{
	return encode(arena, bytes, standard);
}

bool base64_decode_bare(struct arena *arena, struct str text, struct str *ret)
{
	return decode(arena, text, standard, ret);
}

struct str base64url_encode(struct arena *arena, struct str bytes)
{
	return encode(arena, bytes, url);
}

bool base64url_decode(struct arena *arena, struct str text, struct str *ret)
{
	return decode(arena, text, url, ret);
}

static void set_version(struct uuid *id, uint8_t version)
{
	id->b[6] = (uint8_t)(version << 4 | (id->b[6] & 0x0f));
	id->b[8] = (uint8_t)(0x80 | (id->b[8] & 0x3f));
}

/*
 * The time of a new v7 id in 1/4096 ms, of which the low twelve bits go into rand_a (RFC 9562 6.2,
 * method 3). Within the process no two are equal, and later ones are greater even when the clock
 * stands or steps back a little; set back by more, it counts again from what it says.
 */
static uint64_t v7_tick(void)
{
	static const uint64_t patience = UINT64_C(10) * 1000 * 4096;
	static uint64_t last;
	int64_t wall_us = now_wall_us();
	uint64_t now = (uint64_t)(wall_us / US_PER_MS) << 12 |
		       (uint64_t)(wall_us % US_PER_MS * 4096 / US_PER_MS);
	uint64_t before = __atomic_load_n(&last, __ATOMIC_RELAXED), tick;

	do {
		tick = before >= now && before - now < patience ? before + 1 : now;
	} while (!__atomic_compare_exchange_n(
	    &last, &before, tick, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return tick;
}

struct uuid uuid_v7(void)
{
	uint64_t tick = v7_tick(), ms = tick >> 12;
	struct uuid id;

	random_bytes(id.b + 8, 8);
	for (int i = 5; i >= 0; i--, ms >>= 8)
		id.b[i] = (uint8_t)ms;
	id.b[6] = (uint8_t)(tick >> 8 & 0x0f);
	id.b[7] = (uint8_t)tick;
	set_version(&id, 7);
	return id;
}

struct uuid uuid_v4(void)
{
	struct uuid id;

	random_bytes(id.b, sizeof(id.b));
	set_version(&id, 4);
	return id;
}

/* Bytes in each of the five groups. */
static const uint8_t uuid_groups[] = { 4, 2, 2, 2, 6 };

void uuid_format(struct uuid id, char out[UUID_TEXT_SIZE])
{
	const uint8_t *bytes = id.b;

	for (size_t i = 0; i < ARRAY_LEN(uuid_groups); i++) {
		if (i > 0)
			*out++ = '-';
		out = put_hex(out, bytes, uuid_groups[i]);
		bytes += uuid_groups[i];
	}
	*out = '\0';
}

struct str uuid_str(struct arena *arena, struct uuid id)
{
	char *text = arena_alloc(arena, UUID_TEXT_SIZE);

	uuid_format(id, text);
	return (struct str){ text, UUID_TEXT_SIZE - 1 };
}

bool uuid_parse(struct str text, struct uuid *ret)
{
	const char *p = text.ptr;
	struct uuid id;
	uint8_t *bytes = id.b;

	if (text.len != UUID_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(uuid_groups); i++) {
		if (i > 0 && *p++ != '-')
			return false;
		if (!take_hex(p, bytes, uuid_groups[i]))
			return false;
		p += 2 * (size_t)uuid_groups[i];
		bytes += uuid_groups[i];
	}
	*ret = id;
	return true;
}

bool uuid_equal(struct uuid a, struct uuid b)
{
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

bool uuid_is_nil(struct uuid id)
{
	return uuid_equal(id, (struct uuid){ 0 });
}
