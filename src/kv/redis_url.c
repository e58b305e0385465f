#include "base/arena.h"
#include "kv/redis_priv.h"

#define DEFAULT_PORT 6379
#define DATABASES_MAX 1000000

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* %41 is A; a % that begins nothing stands for itself. */
static struct secret decode(struct arena *arena, struct str text)
{
	struct buf out;

	buf_init(&out, arena, text.len + 1);
	for (size_t i = 0; i < text.len; i++) {
		int high = text.ptr[i] == '%' && i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;

		if (low < 0) {
			buf_add_char(&out, text.ptr[i]);
			continue;
		}
		buf_add_char(&out, (char)(high * 16 + low));
		i += 2;
	}
	return secret_of(buf_str(&out));
}

static void parse_user(struct arena *arena, struct str text, struct redis_place *ret)
{
	ssize_t colon = str_find(text, ':');

	ret->user = decode(arena, colon < 0 ? text : str_upto(text, (size_t)colon));
	ret->password = decode(arena, colon < 0 ? STR_NULL : str_from(text, (size_t)colon + 1));
}

static bool parse_host(struct str text, struct redis_place *ret)
{
	ssize_t colon = str_ends(text, STR("]")) ? -1 : str_find_last(text, ':');
	struct str host = colon < 0 ? text : str_upto(text, (size_t)colon);
	int64_t port = DEFAULT_PORT;

	if (colon >= 0 && !str_to_i64(str_from(text, (size_t)colon + 1), &port))
		return false;
	if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
		host = str_upto(str_from(host, 1), host.len - 2);
	if (str_empty(host) || host.len >= sizeof(ret->host) || port < 1 || port > UINT16_MAX)
		return false;
	memcpy(ret->host, host.ptr, host.len);
	ret->port = (uint16_t)port;
	return true;
}

bool redis_url_parse(
    struct arena *arena, struct str url, struct redis_place *ret, struct str *ret_problem)
{
	struct str rest;
	ssize_t slash, at;

	*ret = (struct redis_place){ .tls = str_starts(url, STR("rediss://")) };
	*ret_problem = STR("redis.url must be like redis://:PASSWORD@HOST:6379/0 or rediss://….");
	if (!ret->tls && !str_starts(url, STR("redis://")))
		return false;
	rest = str_from(url, ret->tls ? 9 : 8);
	at = str_find_last(rest, '@');
	if (at >= 0) {
		parse_user(arena, str_upto(rest, (size_t)at), ret);
		rest = str_from(rest, (size_t)at + 1);
	}
	slash = str_find(rest, '/');
	if (slash >= 0 && (size_t)slash + 1 < rest.len &&
	    (!str_to_i64(str_from(rest, (size_t)slash + 1), &ret->database) || ret->database < 0 ||
		ret->database > DATABASES_MAX))
		return false;
	return parse_host(slash < 0 ? rest : str_upto(rest, (size_t)slash), ret);
}

struct str redis_check_url(struct arena *arena, struct str url)
{
	struct redis_place place;
	struct str problem;

	(void)arena;
	return redis_url_parse(arena, url, &place, &problem) ? STR_NULL : problem;
}

/* CRC-16/XMODEM, as the Redis Cluster specification has it. */
static uint16_t crc16(struct str s)
{
	uint16_t crc = 0;

	for (size_t i = 0; i < s.len; i++) {
		crc ^= (uint16_t)((uint8_t)s.ptr[i] << 8);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1);
	}
	return crc;
}

unsigned redis_slot(struct str key)
{
	ssize_t open = str_find(key, '{');
	ssize_t length = open < 0 ? -1 : str_find(str_from(key, (size_t)open + 1), '}');

	if (length > 0)
		key = str_upto(str_from(key, (size_t)open + 1), (size_t)length);
	return crc16(key) % REDIS_SLOTS;
}
