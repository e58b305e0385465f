#include "api/api_priv.h"

struct str cookie_get(struct str cookies, struct str name)
{
	struct str pair, value = STR_NULL;

	while (str_next_token(&cookies, ';', &pair)) {
		pair = str_trim(pair);
		if (pair.len <= name.len || pair.ptr[name.len] != '=' || !str_starts(pair, name))
			continue;
		if (value.ptr)
			return STR_NULL;
		value = str_from(pair, name.len + 1);
	}
	return value;
}
