#include "service/identifier.h"

#include <ctype.h>

#include "base/arena.h"
#include "service/identifier_priv.h"
#include "service/phone_shim.h"

#define MAX_PHONE_BYTES 64

/* ISO 3166-1 alpha-2, in order; a test compares it with data/countries.json. */
static const char countries[] =
    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCD"
    "CFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGF"
    "GGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKN"
    "KPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNA"
    "NCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSI"
    "SJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVI"
    "VNVUWFWSYEYTZAZMZW";

bool identifier_country_known(struct str country)
{
	if (country.len != 2)
		return false;
	for (const char *code = countries; *code; code += 2)
		if (memcmp(code, country.ptr, 2) == 0)
			return true;
	return false;
}

void phone_warm(void)
{
	phone_load();
}

enum text identifier_parse_email(struct arena *arena, struct str text, struct identifier *ret)
{
	struct str canonical;

	text = str_trim(text);
	if (!email_parse(arena, text, &canonical))
		return TEXT_EMAIL_INVALID;
	ret->kind = IDENTIFIER_EMAIL;
	ret->display = str_dup(arena, text);
	ret->canonical = canonical;
	return TEXT_NONE;
}

/*
 * Digits of any script and the punctuation people put between them. libphonenumber would also take
 * letters (1-800-FLOWERS), extensions and tel: URIs, which are no numbers to send a code to.
 */
static bool looks_like_phone(struct str text)
{
	if (str_empty(text) || text.len > MAX_PHONE_BYTES || !str_utf8_valid(text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c < 0x80 && !isdigit(c) && (c == '\0' || !strchr("+-./() ", c)))
			return false;
	}
	return true;
}

/* The region in libphonenumber's spelling; "" when @country has not two letters. */
static void region_of(struct str country, char region[static 3])
{
	if (country.len == 2)
		for (size_t i = 0; i < 2; i++)
			region[i] = (char)toupper((unsigned char)country.ptr[i]);
}

enum text identifier_parse_phone(
    struct arena *arena, struct str text, struct str country, struct identifier *ret)
{
	char e164[PHONE_E164_SIZE], region[3] = "";
	size_t prefix;

	text = str_trim(text);
	if (!looks_like_phone(text))
		return TEXT_PHONE_INVALID;
	region_of(country, region);
	switch (phone_parse(text.ptr, text.len, region, e164, &prefix)) {
	case PHONE_VALID:
		ret->kind = IDENTIFIER_PHONE;
		ret->display = ret->canonical = str_dup(arena, str_of(e164));
		return TEXT_NONE;
	case PHONE_REGION_NEEDED:
		return TEXT_PHONE_NEEDS_COUNTRY;
	case PHONE_INVALID:
		break;
	}
	return TEXT_PHONE_INVALID;
}

enum text identifier_parse(
    struct arena *arena, struct str text, struct str country, struct identifier *ret)
{
	enum text problem = str_find(text, '@') >= 0
				? identifier_parse_email(arena, text, ret)
				: identifier_parse_phone(arena, text, country, ret);

	return problem == TEXT_NONE ? TEXT_NONE : TEXT_IDENTIFIER_INVALID;
}

static struct str mask_email(struct arena *arena, struct str address)
{
	uint32_t c;
	size_t first = str_utf8_next(address, &c);
	struct str domain = str_from(address, (size_t)str_find_last(address, '@'));

	return str_printf(arena, "%.*s**%.*s", STR_ARG(str_upto(address, first)), STR_ARG(domain));
}

/* Some territories have numbers of four or five digits: there three would be most of it. */
static struct str mask_phone(struct arena *arena, struct str e164)
{
	char ignored[PHONE_E164_SIZE];
	size_t prefix = 1, shown;
	struct buf out;

	if (phone_parse(e164.ptr, e164.len, "", ignored, &prefix) != PHONE_VALID)
		prefix = 1;
	shown = e164.len - prefix >= 7 ? 3 : 1;
	buf_init(&out, arena, e164.len);
	buf_add(&out, str_upto(e164, prefix));
	while (out.len + shown < e164.len)
		buf_add_char(&out, '*');
	buf_add(&out, str_from(e164, out.len));
	return buf_str(&out);
}

struct str identifier_mask(struct arena *arena, const struct identifier *id)
{
	return id->kind == IDENTIFIER_EMAIL ? mask_email(arena, id->display)
					    : mask_phone(arena, id->canonical);
}
