#include <locale.h>

#include "base/log.h"
#include "net/net_priv.h"

static locale_t utf8;

static void make_utf8(void)
{
	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* Curl reads a name in the locale's character set; ours are UTF-8 wherever we run. */
static locale_t use_utf8(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_utf8);
	return uselocale(utf8 ? utf8 : (locale_t)0);
}

/* What curl_url_get() hands out is curl's to free; this copies and frees. */
static struct str part(CURLU *url, CURLUPart what, unsigned flags, struct arena *arena)
{
	struct str copy = STR_NULL;
	locale_t own = use_utf8();
	char *text = NULL;

	if (curl_url_get(url, what, &text, flags) == CURLUE_OK && text) {
		copy = str_dup(arena, str_of(text));
		wipe(text, strlen(text));
	}
	curl_free(text);
	uselocale(own);
	return copy;
}

static bool parse_port(struct request *rq, struct target *target)
{
	int64_t port;

	if (!str_to_i64(part(target->url, CURLUPART_PORT, CURLU_DEFAULT_PORT, rq->arena), &port))
		return false;
	target->port = (uint16_t)port;
	return port > 0;
}

/* The name in the URL becomes the one that is resolved and pinned. */
static bool parse_host(struct request *rq, struct target *target)
{
	struct str host = part(target->url, CURLUPART_HOST, CURLU_PUNYCODE, rq->arena);

	if (str_empty(host))
		return false;
	if (curl_url_set(target->url, CURLUPART_HOST, str_cstr(rq->arena, host), 0) != CURLUE_OK)
		return false;
	if (host.ptr[0] == '[')
		host = str_upto(str_from(host, 1), host.len - 2);
	target->host = str_dup(rq->arena, host);
	return true;
}

bool target_parse(struct request *rq, struct str url, struct target *ret, struct str *ret_problem)
{
	*ret = (struct target){ .url = curl_url() };
	if (!ret->url)
		die("out of memory for a URL");
	if (curl_url_set(ret->url, CURLUPART_URL, str_cstr(rq->secrets, url), 0) != CURLUE_OK ||
	    !parse_host(rq, ret) || !parse_port(rq, ret)) {
		*ret_problem = STR("That is not a URL we can use.");
		return false;
	}
	ret->scheme = part(ret->url, CURLUPART_SCHEME, 0, rq->arena);
	ret->query = NULL;
	curl_url_get(ret->url, CURLUPART_QUERY, &ret->query, 0);
	ret->user = secret_of(part(ret->url, CURLUPART_USER, CURLU_URLDECODE, rq->secrets));
	ret->password = secret_of(part(ret->url, CURLUPART_PASSWORD, CURLU_URLDECODE, rq->secrets));
	curl_url_set(ret->url, CURLUPART_USER, NULL, 0);
	curl_url_set(ret->url, CURLUPART_PASSWORD, NULL, 0);
	return true;
}

void target_done(struct target *target)
{
	curl_free(target->query);
	curl_url_cleanup(target->url);
	*target = (struct target){ 0 };
}

struct str target_query(const struct target *target, struct str name)
{
	struct str rest = str_of(target->query), pair;

	while (str_next_token(&rest, '&', &pair)) {
		if (pair.len > name.len && pair.ptr[name.len] == '=' && str_starts(pair, name))
			return str_from(pair, name.len + 1);
	}
	return STR_NULL;
}

bool target_ascii_host(struct arena *arena, struct str host, struct str *ret)
{
	CURLU *url = curl_url();
	bool found;

	if (!url)
		die("out of memory for a URL");
	curl_url_set(url, CURLUPART_SCHEME, "smtp", 0);
	found = curl_url_set(url, CURLUPART_HOST, str_cstr(arena, host), 0) == CURLUE_OK;
	*ret = found ? part(url, CURLUPART_HOST, CURLU_PUNYCODE, arena) : STR_NULL;
	curl_url_cleanup(url);
	return !str_empty(*ret);
}
