#include "main/config_value.h"

#include <arpa/inet.h>
#include <assert.h>

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = {
	{ "ms", US_PER_MS },
	{ "s", US_PER_S },
	{ "m", US_PER_MIN },
	{ "h", US_PER_HOUR },
	{ "d", US_PER_DAY },
	{ NULL, 0 },
};
static const struct unit windows[] = {
	{ "s", US_PER_S },
	{ "sec", US_PER_S },
	{ "second", US_PER_S },
	{ "m", US_PER_MIN },
	{ "min", US_PER_MIN },
	{ "minute", US_PER_MIN },
	{ "h", US_PER_HOUR },
	{ "hour", US_PER_HOUR },
	{ "d", US_PER_DAY },
	{ "day", US_PER_DAY },
	{ NULL, 0 },
};
static const struct unit sizes[] = {
	{ "KiB", 1 << 10 },
	{ "MiB", 1 << 20 },
	{ "GiB", 1 << 30 },
	{ NULL, 0 },
};

/* Cut the leading digits off @text; without any, @ret is @otherwise. */
static bool take_number(struct str *text, int64_t otherwise, int64_t *ret)
{
	size_t n = 0;

	while (n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9')
		n++;
	*ret = otherwise;
	if (n > 0 && !str_to_i64(str_upto(*text, n), ret))
		return false;
	*text = str_from(*text, n);
	return *ret >= 0;
}

static bool scale(const struct unit *units, struct str name, int64_t n, int64_t *ret)
{
	for (; units->name; units++)
		if (str_eq(name, str_of(units->name)))
			return !__builtin_mul_overflow(n, units->factor, ret);
	return false;
}

bool value_duration(struct str text, int64_t *ret_us)
{
	int64_t n;

	if (!take_number(&text, -1, &n))
		return false;
	return scale(durations, str_empty(text) ? STR("s") : text, n, ret_us);
}

bool value_rate(struct str text, struct rate *ret)
{
	int64_t max, n, window;

	if (!take_number(&text, -1, &max) || max > UINT32_MAX || !str_starts(text, STR("/")))
		return false;
	text = str_from(text, 1);
	if (!take_number(&text, 1, &n) || n == 0 || !scale(windows, text, n, &window))
		return false;
	*ret = (struct rate){ .max = (uint32_t)max, .window_us = window };
	return true;
}

bool value_size(struct str text, int64_t *ret)
{
	int64_t n;

	if (!take_number(&text, -1, &n))
		return false;
	*ret = n;
	return str_empty(text) || scale(sizes, text, n, ret);
}

bool value_address(struct str text, struct listen_address *ret)
{
	ssize_t colon = str_find_last(text, ':');
	struct listen_address a = { 0 };
	unsigned char parsed[sizeof(struct in6_addr)];
	struct str host;
	int64_t port;
	bool bracketed;

	if (str_empty(text)) {
		*ret = a;
		return true;
	}
	if (colon < 0 || !str_to_i64(str_from(text, (size_t)colon + 1), &port) || port < 0 ||
	    port > UINT16_MAX)
		return false;
	host = str_upto(text, (size_t)colon);
	bracketed = str_starts(host, STR("[")) && str_ends(host, STR("]"));
	if (bracketed)
		host = str_upto(str_from(host, 1), host.len - 2);
	if (str_eq(host, STR("localhost")))
		host = STR("127.0.0.1");
	if (str_empty(host) || host.len >= sizeof(a.host))
		return false;
	memcpy(a.host, host.ptr, host.len);
	a.port = (uint16_t)port;
	if (inet_pton(bracketed ? AF_INET6 : AF_INET, a.host, parsed) != 1)
		return false;
	*ret = a;
	return true;
}

static void *member(const struct setting *s, struct config *config)
{
	return (char *)config + s->offset;
}

static void put_number(const struct setting *s, void *to, int64_t n)
{
	switch (s->size) {
	case 1:
		*(bool *)to = n != 0;
		break;
	case 2:
		*(uint16_t *)to = (uint16_t)n;
		break;
	case 4:
		*(uint32_t *)to = (uint32_t)n;
		break;
	default:
		assert(s->size == 8);
		*(int64_t *)to = n;
	}
}

static int64_t get_number(const struct setting *s, const void *from)
{
	switch (s->size) {
	case 1:
		return *(const bool *)from;
	case 2:
		return *(const uint16_t *)from;
	case 4:
		return *(const uint32_t *)from;
	default:
		assert(s->size == 8);
		return *(const int64_t *)from;
	}
}

static int choice_index(const struct setting *s, struct str text)
{
	for (int i = 0; s->choices[i]; i++)
		if (str_eq(text, str_of(s->choices[i])))
			return i;
	return -1;
}

static struct str one_of(struct arena *arena, const struct setting *s)
{
	struct buf b;

	buf_init(&b, arena, 64);
	buf_add(&b, STR("must be "));
	for (int i = 0; s->choices[i]; i++) {
		if (i > 0)
			buf_add(&b, s->choices[i + 1] ? STR(", ") : STR(" or "));
		buf_add(&b, str_of(s->choices[i]));
	}
	return buf_str(&b);
}

/* @n in the spelling of the setting's type, for sentences about bounds. */
static struct str spell(struct arena *arena, const struct setting *s, int64_t n)
{
	const struct unit *unit = s->type == SETTING_SIZE ? sizes : durations;
	const char *name = "";
	int64_t factor = 1;

	if (s->type == SETTING_SECONDS)
		n *= US_PER_S;
	if (s->type == SETTING_MILLISECONDS)
		return str_printf(arena, "%lld", (long long)(n / US_PER_MS));
	if (s->type == SETTING_NUMBER || s->type == SETTING_TEXT)
		unit = &sizes[ARRAY_LEN(sizes) - 1];
	for (; unit->name && n != 0; unit++) {
		if (n % unit->factor == 0) {
			name = unit->name;
			factor = unit->factor;
		}
	}
	return str_printf(arena, "%lld%s", (long long)(n / factor), name);
}

static bool in_bounds(
    struct arena *arena, const struct setting *s, bool dev, int64_t n, struct str *ret_problem)
{
	int64_t min = dev && s->dev_min ? s->dev_min : s->min;
	int64_t max = s->max         ? s->max
		      : s->size == 2 ? UINT16_MAX
		      : s->size == 4 ? UINT32_MAX
				     : INT64_MAX;
	const char *bytes = s->type == SETTING_TEXT ? " bytes long" : "";

	if (n < min) {
		*ret_problem =
		    str_printf(arena, "must be at least %.*s%s%s", STR_ARG(spell(arena, s, min)),
			bytes, s->dev_min && n >= s->dev_min ? " (less is for --dev only)" : "");
		return false;
	}
	if (n > max) {
		*ret_problem = str_printf(
		    arena, "must be at most %.*s%s", STR_ARG(spell(arena, s, max)), bytes);
		return false;
	}
	return true;
}

/* Numbers in every spelling. Returns what was expected, or NULL when @text is that. */
static const char *read_number(enum setting_type type, struct str text, int64_t *ret)
{
	static const char *const a_time = "must be a time like 300 (seconds), 5m, 24h or 30d";

	if (type == SETTING_DURATION || type == SETTING_SECONDS) {
		if (!value_duration(text, ret))
			return a_time;
		*ret /= type == SETTING_SECONDS ? US_PER_S : 1;
		return NULL;
	}
	if (type == SETTING_SIZE)
		return value_size(text, ret) ? NULL : "must be a size like 16384, 16KiB or 1MiB";
	if (!str_to_i64(text, ret) || *ret < 0)
		return "must be a whole number";
	if (type == SETTING_MILLISECONDS && __builtin_mul_overflow(*ret, US_PER_MS, ret))
		return "is too large";
	return NULL;
}

static bool set_text(struct arena *arena, const struct setting *s, struct str text,
    struct config *config, struct str *ret_problem)
{
	if (s->choices && choice_index(s, text) < 0) {
		*ret_problem = one_of(arena, s);
		return false;
	}
	if (!in_bounds(arena, s, config->dev, (int64_t)text.len, ret_problem))
		return false;
	*(struct str *)member(s, config) = text;
	return true;
}

static bool set_number(struct arena *arena, const struct setting *s, struct str text,
    struct config *config, struct str *ret_problem)
{
	int64_t n;
	const char *wrong = read_number(s->type, text, &n);

	if (wrong) {
		*ret_problem = str_of(wrong);
		return false;
	}
	if (!in_bounds(arena, s, config->dev, n, ret_problem))
		return false;
	put_number(s, member(s, config), n);
	return true;
}

bool value_set(struct arena *arena, const struct setting *s, struct str text, struct config *config,
    struct str *ret_problem)
{
	void *to = member(s, config);
	int choice;

	switch (s->type) {
	case SETTING_UNREAD:
		return true;
	case SETTING_TEXT:
		return set_text(arena, s, text, config, ret_problem);
	case SETTING_SECRET:
		*(struct secret *)to = secret_of(text);
		return true;
	case SETTING_SWITCH:
		*ret_problem = STR("must be true or false");
		*(bool *)to = str_eq(text, STR("true"));
		return *(bool *)to || str_eq(text, STR("false"));
	case SETTING_RATE:
		*ret_problem = STR("must be a rate like 10/min, 1000/day or 10/15min");
		return value_rate(text, to) && ((const struct rate *)to)->max > 0;
	case SETTING_ADDRESS:
		*ret_problem =
		    STR("must be a numeric address and a port, like 127.0.0.1:8080 or [::]:8080");
		return value_address(text, to);
	case SETTING_CHOICE:
		choice = choice_index(s, text);
		if (choice >= 0)
			put_number(s, to, choice);
		else
			*ret_problem = one_of(arena, s);
		return choice >= 0;
	case SETTING_NUMBER:
	case SETTING_DURATION:
	case SETTING_MILLISECONDS:
	case SETTING_SECONDS:
	case SETTING_SIZE:
		return set_number(arena, s, text, config, ret_problem);
	}
	return false;
}

bool value_number(const struct setting *s, const struct config *config, int64_t *ret)
{
	const void *from = (const char *)config + s->offset;
	const struct rate *rate = from;

	switch (s->type) {
	case SETTING_UNREAD:
	case SETTING_TEXT:
	case SETTING_SECRET:
	case SETTING_ADDRESS:
		return false;
	case SETTING_RATE:
		*ret = (int64_t)((double)rate->max * (double)US_PER_DAY / (double)rate->window_us);
		return true;
	case SETTING_SWITCH:
	case SETTING_CHOICE:
	case SETTING_NUMBER:
	case SETTING_DURATION:
	case SETTING_MILLISECONDS:
	case SETTING_SECONDS:
	case SETTING_SIZE:
		*ret = get_number(s, from);
		return true;
	}
	return false;
}
