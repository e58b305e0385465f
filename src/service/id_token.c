#include "service/id_token.h"

#define LEEWAY_S 30
/* The last second of the year 9999: beyond it, a time is a mistake. */
#define MAX_TIME_S INT64_C(253402300799)
#define SUBJECT_MAX 255 /* OpenID Connect Core 2 */
#define NAME_MAX_BYTES 150
#define IMAGE_URL_MAX 2048

bool list_has(struct str list, struct str item)
{
	struct str entry;

	while (str_next_token(&list, ',', &entry))
		if (!str_empty(item) && str_eq(str_trim(entry), item))
			return true;
	return false;
}

static struct str text(const struct json *claims, const char *name)
{
	struct str value = json_string(json_get(claims, name));

	return str_find(value, '\0') < 0 ? value : STR_NULL;
}

static bool get_time(const struct json *claims, const char *name, int64_t *ret)
{
	const struct json *v = json_get(claims, name);

	if (!v || json_type(v) != JSON_TYPE_INTEGER || json_integer(v) < 0 ||
	    json_integer(v) > MAX_TIME_S)
		return false;
	*ret = json_integer(v);
	return true;
}

static bool is_from(
    const struct issuer *issuer, const struct id_token_rules *rules, const struct json *claims)
{
	struct str iss = text(claims, "iss"), url = issuer_url(issuer);

	return str_eq(iss, url) || (rules->bare_issuer && str_starts(url, STR("https://")) &&
				       str_eq(iss, str_from(url, 8)));
}

/* Of several audiences one must be us; then who asked for the token must be us as well. */
static bool is_for(const struct id_token_rules *rules, const struct json *claims)
{
	const struct json *aud = json_get(claims, "aud");
	size_t n = json_array_length(aud);
	bool named = list_has(rules->client_ids, json_string(aud));

	for (size_t i = 0; i < n; i++)
		named = named || list_has(rules->client_ids, json_string(json_array_at(aud, i)));
	if (n > 1 || json_get(claims, "azp"))
		named = named && list_has(rules->client_ids, text(claims, "azp"));
	return named;
}

static bool is_timely(const struct json *claims, int64_t now_s, int64_t *ret_expires_s)
{
	int64_t issued_s, not_before_s = 0;

	if (!get_time(claims, "exp", ret_expires_s) || !get_time(claims, "iat", &issued_s) ||
	    (json_get(claims, "nbf") && !get_time(claims, "nbf", &not_before_s)))
		return false;
	return *ret_expires_s + LEEWAY_S > now_s && issued_s - LEEWAY_S <= now_s &&
	       not_before_s - LEEWAY_S <= now_s;
}

static bool has_nonce(const struct id_token_rules *rules, const struct json *claims)
{
	struct str nonce = text(claims, "nonce");

	if (str_empty(rules->nonce))
		return !json_get(claims, "nonce");
	return secret_equal(secret_of(rules->nonce), secret_of(nonce));
}

/* Apple writes its booleans as text. */
static bool is_true(const struct json *v)
{
	return json_type(v) == JSON_TYPE_TRUE || str_eq(json_string(v), STR("true"));
}

/* What goes into a profile is shown to people: no control characters, no endless names. */
static struct str for_show(struct str value, size_t max)
{
	if (value.len > max)
		return STR_NULL;
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.ptr[i] < 0x20 || value.ptr[i] == 0x7f)
			return STR_NULL;
	return value;
}

static void read_person(const struct json *claims, struct id_claims *ret)
{
	const struct json *verified = json_get(claims, "email_verified");

	ret->email = text(claims, "email");
	ret->email_verified = verified && is_true(verified);
	ret->first_name = for_show(text(claims, "given_name"), NAME_MAX_BYTES);
	ret->last_name = for_show(text(claims, "family_name"), NAME_MAX_BYTES);
	if (str_empty(ret->first_name) && str_empty(ret->last_name))
		ret->first_name = for_show(text(claims, "name"), NAME_MAX_BYTES);
	ret->image_url = for_show(text(claims, "picture"), IMAGE_URL_MAX);
	if (!str_starts(ret->image_url, STR("https://")))
		ret->image_url = STR_NULL;
	ret->locale = for_show(text(claims, "locale"), 35);
}

static const char *what_is_wrong(const struct request *rq, const struct issuer *issuer,
    const struct id_token_rules *rules, const struct json *claims, struct id_claims *ret)
{
	ret->subject = text(claims, "sub");
	if (!is_from(issuer, rules, claims))
		return "another issuer";
	if (!is_for(rules, claims))
		return "another audience";
	if (!is_timely(claims, rq->now_us / US_PER_S, &ret->expires_at_s))
		return "expired, or not yet valid";
	if (str_empty(ret->subject) || ret->subject.len > SUBJECT_MAX)
		return "no subject";
	if (!has_nonce(rules, claims))
		return "another nonce";
	if (!str_empty(rules->hosted_domain) && !str_eq(text(claims, "hd"), rules->hosted_domain))
		return "another domain";
	return NULL;
}

enum err id_token_verify(struct request *rq, struct issuer *issuer, struct str token,
    const struct id_token_rules *rules, struct id_claims *ret)
{
	struct id_claims claims = { .email = STR_NULL };
	const struct json *tree;
	const char *problem;
	enum err e = issuer_verify(issuer, rq, token, &tree);

	if (e != OK)
		return e;
	problem = what_is_wrong(rq, issuer, rules, tree, &claims);
	if (problem)
		return fault(rq, ERR_IDENTITY_INVALID, "%s", problem);
	read_person(tree, &claims);
	*ret = claims;
	return OK;
}
