/*
 * Text as pointer and length. A NUL-terminated string exists only at the borders of libc,
 * SQLite and friends. A str borrows: whoever made the bytes says how long they live.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <string.h>

#include "base/defs.h"

struct arena;

/** struct str - @len bytes at @ptr, not NUL-terminated, never changed through this view. */
struct str {
	const char *ptr;
	size_t len;
};

/** STR() - a str over a string literal. */
#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
/** The same for static initialisers, where a compound literal is not allowed. */
#define STR_INIT(literal)                       \
	{                                       \
		"" literal, sizeof(literal) - 1 \
	}
#define STR_NULL ((struct str){ NULL, 0 })
/** For printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).len, ((s).ptr ? (s).ptr : "")

/** str_of() - view a NUL-terminated string; NULL gives the empty str. */
static inline struct str str_of(const char *s)
{
	return (struct str){ s, s ? strlen(s) : 0 };
}

/** str_bytes() - view @len raw bytes. */
static inline struct str str_bytes(const void *p, size_t len)
{
	return (struct str){ p, len };
}

static inline bool str_empty(struct str s)
{
	return s.len == 0;
}

/** str_eq() - same bytes? Not for secrets: see secret_equal(). */
bool str_eq(struct str a, struct str b);
/** str_eq_nocase() - same bytes but for the case of ASCII letters? */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/** str_find() - offset of the first @c in @s, or -1. */
ssize_t str_find(struct str s, char c);
/** str_find_last() - offset of the last @c in @s, or -1. */
ssize_t str_find_last(struct str s, char c);
/** str_from() - @s without its first @n bytes (the empty str when it has no more). */
static inline struct str str_from(struct str s, size_t n)
{
	return n < s.len ? (struct str){ s.ptr + n, s.len - n } : STR("");
}

/** str_upto() - the first @n bytes of @s (all of it when it has fewer). */
static inline struct str str_upto(struct str s, size_t n)
{
	return (struct str){ s.ptr, n < s.len ? n : s.len };
}

/** str_trim() - @s without spaces and tabs at both ends. */
struct str str_trim(struct str s);
/** str_blank() - nothing but ASCII white space? */
bool str_blank(struct str s);
/**
 * str_next_token() - cut the next piece off @rest
 * @rest: in: what is left; out: what follows the separator
 * @sep:  separator byte
 * @ret:  the piece, possibly empty
 *
 * Returns: false when nothing is left.
 */
bool str_next_token(struct str *rest, char sep, struct str *ret);
/** str_to_i64() - the whole of @s as a decimal number; false on anything else or overflow. */
bool str_to_i64(struct str s, int64_t *ret);
#define I64_TEXT_SIZE 20
/** i64_str() - @n in decimal, somewhere in @room. */
struct str i64_str(int64_t n, char room[static I64_TEXT_SIZE]);
/**
 * str_utf8_next() - the code point @s begins with
 *
 * Returns: how many bytes it takes; 0 when @s is empty or does not begin with well-formed UTF-8.
 */
size_t str_utf8_next(struct str s, uint32_t *ret);
/** str_utf8_valid() - well-formed UTF-8 (no surrogates, no overlong forms)? */
bool str_utf8_valid(struct str s);
/** str_utf8_length() - code points in well-formed UTF-8. */
size_t str_utf8_length(struct str s);
/** str_plain_span() - how many bytes at the front are printable ASCII other than '"' and '\\'. */
size_t str_plain_span(struct str s);
/** str_hash() - keyed hash for in-process tables (SipHash-like, seeded at start); not for storage.
 */
uint64_t str_hash(struct str s);

/** str_dup() - copy into @arena; the copy is also NUL-terminated. */
struct str str_dup(struct arena *arena, struct str s);
/** str_cstr() - NUL-terminated copy in @arena, for libc. */
char *str_cstr(struct arena *arena, struct str s);
/** str_lower() - ASCII letters lower-cased, copied into @arena. */
struct str str_lower(struct arena *arena, struct str s);
/** str_printf() - format into @arena. */
struct str str_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

/**
 * struct buf - text that grows, in an arena
 *
 * Growing copies into the same arena; the old bytes stay until the arena ends, so write the large
 * thing last or give it a first size near the truth.
 */
struct buf {
	struct arena *arena;
	char *ptr;
	size_t len;
	size_t cap;
};

/** buf_init() - empty, with room for @cap bytes. */
void buf_init(struct buf *b, struct arena *arena, size_t cap);
/** buf_grow() - what buf_reserve() does when there is no room left. */
char *buf_grow(struct buf *b, size_t n);

/** buf_reserve() - room for @n more bytes; returns where they go (advance b->len yourself). */
static inline char *buf_reserve(struct buf *b, size_t n)
{
	return b->ptr && n <= b->cap - b->len ? b->ptr + b->len : buf_grow(b, n);
}

/** buf_add() - @s at the end. */
static inline void buf_add(struct buf *b, struct str s)
{
	if (s.len == 0)
		return;
	memcpy(buf_reserve(b, s.len), s.ptr, s.len);
	b->len += s.len;
}

/** buf_add_char() - one byte at the end. */
static inline void buf_add_char(struct buf *b, char c)
{
	*buf_reserve(b, 1) = c;
	b->len++;
}

/** buf_printf() - formatted text at the end. */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/** buf_str() - what has been written; valid until the next write. */
static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->ptr, b->len };
}

#endif
