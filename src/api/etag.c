/* Versions of objects as entity tags. */
#include "api/api_priv.h"

struct str etag_format(struct arena *arena, int64_t version)
{
	return str_printf(arena, "\"%llx\"", (unsigned long long)version);
}

/* Compared strongly (RFC 9110 13.1.1): a weak tag matches nothing, and neither does another's. */
static bool tag_parse(struct str tag, int64_t *ret)
{
	uint64_t n = 0;

	if (tag.len < 3 || tag.len > 18 || tag.ptr[0] != '"' || tag.ptr[tag.len - 1] != '"')
		return false;
	for (size_t i = 1; i < tag.len - 1; i++) {
		char c = tag.ptr[i];

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret = (int64_t)n;
	return true;
}

struct if_match etag_parse(struct str header)
{
	struct if_match ret = { .given = header.ptr != NULL };
	struct str tag;

	while (ret.n < IF_MATCH_MAX && str_next_token(&header, ',', &tag)) {
		tag = str_trim(tag);
		if (str_eq(tag, STR("*")))
			ret.any = true;
		else if (tag_parse(tag, &ret.versions[ret.n]))
			ret.n++;
	}
	return ret;
}
