#include "service/fields.h"

#include "base/clock.h"
#include "service/audit.h"
#include "service/identifier.h"

/* Nobody alive was born before; a typing mistake was. */
#define EARLIEST_BIRTH "1900-01-01T00:00:00Z"
#define DATE_LEN 10 /* 2001-12-31 */
#define LANGUAGE_MAX 8
#define HTTPS STR("https://")

/* Control characters have no place in what goes into mails and on screens. */
static bool is_printable(struct str s, bool lines)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == 0x7f || (c < 0x20 && !(lines && (c == '\n' || c == '\r' || c == '\t'))))
			return false;
	}
	return true;
}

enum text field_name(struct request *rq, struct str *s, struct str country)
{
	(void)rq;
	(void)country;
	return is_printable(*s, false) ? TEXT_NONE : TEXT_NAME_INVALID;
}

enum text field_line(struct request *rq, struct str *s, struct str country)
{
	(void)rq;
	(void)country;
	return is_printable(*s, false) ? TEXT_NONE : TEXT_FIELD_CONTROL;
}

enum text field_lines(struct request *rq, struct str *s, struct str country)
{
	(void)rq;
	(void)country;
	return is_printable(*s, true) ? TEXT_NONE : TEXT_FIELD_CONTROL;
}

/* A reference, never fetched; but it is shown, so it is nothing but https to some host. */
enum text field_url(struct request *rq, struct str *s, struct str country)
{
	struct str host = str_from(*s, HTTPS.len);

	(void)rq;
	(void)country;
	if (!str_starts(*s, HTTPS) || str_empty(host) || strchr("/?#:@", host.ptr[0]))
		return TEXT_URL_INVALID;
	for (size_t i = 0; i < s->len; i++) {
		unsigned char c = (unsigned char)s->ptr[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c))
			return TEXT_URL_INVALID;
	}
	return memchr(host.ptr, '@', host.len) ? TEXT_URL_INVALID : TEXT_NONE;
}

enum text field_country(struct request *rq, struct str *s, struct str country)
{
	(void)rq;
	(void)country;
	return identifier_country_known(*s) ? TEXT_NONE : TEXT_COUNTRY_INVALID;
}

enum text field_birth(struct request *rq, struct str *s, struct str country)
{
	struct str noon = str_printf(rq->arena, "%.*sT12:00:00Z", STR_ARG(*s));
	int64_t earliest_us, at_us;

	(void)country;
	if (s->len != DATE_LEN || !time_parse(noon.ptr, noon.len, &at_us) ||
	    !time_parse(EARLIEST_BIRTH, sizeof(EARLIEST_BIRTH) - 1, &earliest_us))
		return TEXT_DATE_INVALID;
	return at_us >= earliest_us && at_us <= rq->now_us ? TEXT_NONE : TEXT_DATE_INVALID;
}

static bool is_subtag(struct str s, bool letters_only)
{
	if (s.len < 1 || s.len > LANGUAGE_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool letter = (s.ptr[i] | 0x20) >= 'a' && (s.ptr[i] | 0x20) <= 'z';

		if (!letter && (letters_only || s.ptr[i] < '0' || s.ptr[i] > '9'))
			return false;
	}
	return true;
}

/* Well-formed as RFC 5646 2.2.9 means it, as far as choosing a template needs. */
enum text field_locale(struct request *rq, struct str *s, struct str country)
{
	struct str rest = *s, tag;
	bool first = true;

	(void)rq;
	(void)country;
	if (str_ends(*s, STR("-")))
		return TEXT_LOCALE_INVALID;
	while (str_next_token(&rest, '-', &tag)) {
		if (!is_subtag(tag, first) || (first && tag.len < 2))
			return TEXT_LOCALE_INVALID;
		first = false;
	}
	return TEXT_NONE;
}

enum text field_email(struct request *rq, struct str *s, struct str country)
{
	struct identifier id;
	enum text problem = identifier_parse_email(rq->arena, *s, &id);

	(void)country;
	if (problem == TEXT_NONE)
		*s = id.display;
	return problem;
}

enum text field_phone(struct request *rq, struct str *s, struct str country)
{
	struct identifier id;
	enum text problem = identifier_parse_phone(rq->arena, *s, country, &id);

	if (problem == TEXT_NONE)
		*s = id.display;
	return problem;
}

/* A word of an address: what a shop is found under. */
enum text field_slug(struct request *rq, struct str *s, struct str country)
{
	bool hyphen = true;

	(void)rq;
	(void)country;
	for (size_t i = 0; i < s->len; i++) {
		char c = s->ptr[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (!word && (c != '-' || hyphen))
			return TEXT_SLUG_INVALID;
		hyphen = c == '-';
	}
	return hyphen ? TEXT_SLUG_INVALID : TEXT_NONE;
}

static const struct str *slot(const struct field_rule *rule, const void *value)
{
	return (const struct str *)(const void *)((const char *)value + rule->offset);
}

static struct str *slot_of(const struct field_rule *rule, void *value)
{
	return (struct str *)(void *)((char *)value + rule->offset);
}

struct str fields_encode(struct arena *secrets, const struct field_set *set, const void *value)
{
	struct buf plain;

	buf_init(&plain, secrets, 128);
	for (size_t i = 0; i < set->n; i++) {
		struct str s = str_upto(*slot(&set->rules[i], value), UINT16_MAX);

		if (str_empty(s) || set->rules[i].number == 0)
			continue;
		buf_add_char(&plain, (char)set->rules[i].number);
		buf_add_char(&plain, (char)(s.len >> 8));
		buf_add_char(&plain, (char)(s.len & 0xff));
		buf_add(&plain, s);
	}
	return buf_str(&plain);
}

bool fields_decode(const struct field_set *set, struct str plain, void *ret)
{
	while (plain.len >= 3) {
		const uint8_t *head = (const uint8_t *)plain.ptr;
		size_t len = (size_t)head[1] << 8 | head[2];

		if (plain.len - 3 < len)
			return false;
		for (size_t i = 0; i < set->n; i++)
			if (set->rules[i].number == head[0] && head[0] != 0)
				*slot_of(&set->rules[i], ret) = str_bytes(plain.ptr + 3, len);
		plain = str_from(plain, 3 + len);
	}
	return str_empty(plain);
}

enum err fields_check(
    struct request *rq, const struct field_set *set, void *value, struct str country)
{
	enum err e = OK;

	for (size_t i = 0; i < set->n; i++) {
		const struct field_rule *rule = &set->rules[i];
		struct str *s = slot_of(rule, value);
		enum text problem = str_empty(*s) ? TEXT_NONE : rule->check(rq, s, country);

		if (problem != TEXT_NONE)
			e = request_refuse_field(rq, rule->name, problem, NULL, 0);
	}
	return e;
}

size_t fields_merge(
    const struct field_set *set, const void *patch, void *value, struct audit_change *changes)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct str *now = slot_of(&set->rules[i], value);
		struct str wanted = *slot(&set->rules[i], patch);

		if (!wanted.ptr || str_eq(*now, wanted))
			continue;
		changes[n++] = (struct audit_change){
			.field = set->rules[i].name,
			.before = *now,
			.after = wanted,
			.hidden = true,
		};
		*now = wanted;
	}
	return n;
}
