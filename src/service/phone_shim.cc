#include "service/phone_shim.h"

#include <cstring>
#include <string>

#include <phonenumbers/phonenumberutil.h>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

/* noexcept: what C++ throws (only for want of memory) must not fly through C; it ends here. */
static enum phone_result parse(
    const std::string &text, const char *region, char *e164, size_t *prefix) noexcept
{
	const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
	PhoneNumber number;
	std::string formatted;

	switch (util->Parse(text, *region ? region : "ZZ", &number)) {
	case PhoneNumberUtil::NO_PARSING_ERROR:
		break;
	case PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR:
		/* With "+" the code itself is wrong; without, there is no region to add it. */
		return text.find('+') != std::string::npos ? PHONE_INVALID : PHONE_REGION_NEEDED;
	default:
		return PHONE_INVALID;
	}
	if (number.has_extension() || !util->IsValidNumber(number))
		return PHONE_INVALID;
	util->Format(number, PhoneNumberUtil::E164, &formatted);
	if (formatted.size() >= PHONE_E164_SIZE)
		return PHONE_INVALID;
	std::memcpy(e164, formatted.c_str(), formatted.size() + 1);
	*prefix = 1 + std::to_string(number.country_code()).size();
	return PHONE_VALID;
}

extern "C" enum phone_result phone_parse(
    const char *text, size_t len, const char *region, char e164[PHONE_E164_SIZE], size_t *prefix)
{
	return parse(std::string(text, len), region, e164, prefix);
}

extern "C" void phone_load(void)
{
	char e164[PHONE_E164_SIZE];
	size_t prefix;

	/* A number rather than nothing: its regular expressions are compiled too. */
	parse("+14155552671", "", e164, &prefix);
}
