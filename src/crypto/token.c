#include "crypto/token.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "crypto/jws.h"
#include "crypto/keyring_priv.h"

#define MAX_TOKEN_BYTES 4096
#define JTI_BYTES 16
/* The last second of the year 9999: beyond it, a time is a mistake. */
#define MAX_TIME_S INT64_C(253402300799)

/* Base64url of {"alg":"HS256","typ":"JWT"}: what we write, and what every JWT library writes. */
static const struct str usual_header = STR_INIT("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9");

static const struct str type_names[] = {
	[TOKEN_ACCESS] = STR_INIT("access"),
	[TOKEN_REFRESH] = STR_INIT("refresh"),
};

struct str token_jti(struct arena *arena)
{
	uint8_t bytes[JTI_BYTES];

	random_bytes(bytes, sizeof(bytes));
	return hex_encode(arena, str_bytes(bytes, sizeof(bytes)));
}

static void write_user_id(struct json_writer *w, const struct token_config *config, struct str id)
{
	int64_t number;

	if (config->user_id_integer && str_to_i64(id, &number))
		json_member_i64(w, config->user_id_claim, number);
	else
		json_member_str(w, config->user_id_claim, id);
}

/* The order of members is fixed, so that equal claims give equal bytes. */
static struct str write_claims(
    struct arena *secrets, const struct token_config *config, const struct token_claims *claims)
{
	struct json_writer w;
	struct buf out;

	buf_init(&out, secrets, 512);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	json_member_str(&w, STR("token_type"), type_names[claims->type]);
	json_member_i64(&w, STR("exp"), claims->exp_s);
	json_member_i64(&w, STR("iat"), claims->iat_s);
	json_member_str(&w, STR("jti"), claims->jti);
	write_user_id(&w, config, claims->user_id);
	if (claims->has_session) {
		json_member_str(&w, STR("sid"), uuid_str(secrets, claims->session_id));
		json_member_str(&w, STR("role"), claims->role);
		json_member_i64(&w, STR("ver"), claims->epoch);
		if (!str_empty(claims->actor)) {
			json_key(&w, STR("act"));
			json_begin_object(&w);
			json_member_str(&w, STR("sub"), claims->actor);
			json_end_object(&w);
		}
	}
	if (!str_empty(config->issuer))
		json_member_str(&w, STR("iss"), config->issuer);
	if (!str_empty(config->audience))
		json_member_str(&w, STR("aud"), config->audience);
	json_end_object(&w);
	return buf_str(&out);
}

struct secret token_sign(struct arena *secrets, const struct keyring *keys,
    const struct token_config *config, const struct token_claims *claims)
{
	struct str payload = base64url_encode(secrets, write_claims(secrets, config, claims));
	uint8_t mac[SHA256_SIZE];
	struct buf out;

	buf_init(&out, secrets, usual_header.len + payload.len + SHA256_SIZE * 4 / 3 + 4);
	buf_add(&out, usual_header);
	buf_add_char(&out, '.');
	buf_add(&out, payload);
	hmac_sha256(&keys->tokens[0], buf_str(&out), mac);
	buf_add_char(&out, '.');
	buf_add(&out, base64url_encode(secrets, str_bytes(mac, sizeof(mac))));
	return secret_of(buf_str(&out));
}

/* The text of a member; false when it is absent, no string, or holds a NUL. */
static bool get_text(const struct json *object, const char *name, struct str *ret)
{
	const struct json *v = json_get(object, name);

	if (!v || json_type(v) != JSON_TYPE_STRING || str_find(json_string(v), '\0') >= 0)
		return false;
	*ret = json_string(v);
	return true;
}

/* The value of an integer member between 0 and @max; a float is no integer, even 1.0. */
static bool get_count(const struct json *object, const char *name, int64_t max, int64_t *ret)
{
	const struct json *v = json_get(object, name);

	if (!v || json_type(v) != JSON_TYPE_INTEGER || json_integer(v) < 0 || json_integer(v) > max)
		return false;
	*ret = json_integer(v);
	return true;
}

static bool is_alg_or_typ(void *ret_only, struct str name, const struct json *value)
{
	bool *only = ret_only;

	(void)value;
	*only = str_eq(name, STR("alg")) || str_eq(name, STR("typ"));
	return *only;
}

/*
 * Only "alg" and "typ" may be there. Everything else is for other kinds of token ("crit", "b64"),
 * or names a key of the sender's choice ("kid", "jwk", "jku", "x5u" ...).
 */
static bool header_is_ours(struct arena *arena, struct str header)
{
	const struct json *object;
	struct str json, alg, typ;
	bool only = true;

	if (str_eq(header, usual_header))
		return true;
	if (!base64url_decode(arena, header, &json) || json_parse(arena, json, &object) != OK ||
	    json_type(object) != JSON_TYPE_OBJECT)
		return false;
	json_each_member(object, is_alg_or_typ, &only);
	return only && get_text(object, "alg", &alg) && str_eq(alg, STR("HS256")) &&
	       (!json_get(object, "typ") ||
		   (get_text(object, "typ", &typ) && str_eq_nocase(typ, STR("JWT"))));
}

static bool signature_is_ours(
    struct arena *arena, const struct keyring *keys, const struct jws_parts *jws)
{
	uint8_t mac[SHA256_SIZE];
	struct str signature;
	bool ok = false;

	if (!base64url_decode(arena, jws->signature, &signature) || signature.len != sizeof(mac))
		return false;
	for (size_t i = 0; i < keys->n_tokens; i++) {
		hmac_sha256(&keys->tokens[i], jws->signed_part, mac);
		ok |= bytes_equal(mac, signature.ptr, sizeof(mac));
	}
	wipe(mac, sizeof(mac));
	return ok;
}

static bool jti_is_ours(struct str jti)
{
	for (size_t i = 0; i < jti.len; i++) {
		char c = jti.ptr[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return jti.len == (size_t)2 * JTI_BYTES;
}

/* SimpleJWT writes an integer key as a number or, since 5.5, as a string. */
static bool read_user_id(struct arena *arena, const struct token_config *config,
    const struct json *claims, struct str *ret)
{
	const char *name = str_cstr(arena, config->user_id_claim);
	int64_t number;

	if (config->user_id_integer && get_count(claims, name, INT64_MAX, &number)) {
		*ret = str_printf(arena, "%lld", (long long)number);
		return true;
	}
	return get_text(claims, name, ret) && !str_empty(*ret);
}

static bool read_session(const struct json *claims, struct token_claims *ret)
{
	struct str sid;

	ret->has_session = json_get(claims, "sid") != NULL;
	return !ret->has_session ||
	       (get_text(claims, "sid", &sid) && uuid_parse(sid, &ret->session_id) &&
		   get_text(claims, "role", &ret->role) &&
		   get_count(claims, "ver", INT64_MAX, &ret->epoch));
}

static bool audience_has(const struct json *aud, struct str name)
{
	if (json_type(aud) == JSON_TYPE_STRING)
		return str_eq(json_string(aud), name);
	for (size_t i = 0; i < json_array_length(aud); i++) {
		const struct json *entry = json_array_at(aud, i);

		if (json_type(entry) == JSON_TYPE_STRING && str_eq(json_string(entry), name))
			return true;
	}
	return false;
}

/* A token for some audience is not for us when we have no name (RFC 7519 4.1.3). */
static bool is_meant_for_us(const struct token_config *config, const struct json *claims)
{
	const struct json *aud = json_get(claims, "aud");
	struct str issuer;

	if (!str_empty(config->issuer) &&
	    !(get_text(claims, "iss", &issuer) && str_eq(issuer, config->issuer)))
		return false;
	if (str_empty(config->audience))
		return !aud;
	return aud && audience_has(aud, config->audience);
}

static bool read_times(const struct json *claims, struct token_claims *ret)
{
	ret->nbf_s = 0;
	return get_count(claims, "exp", MAX_TIME_S, &ret->exp_s) &&
	       get_count(claims, "iat", MAX_TIME_S, &ret->iat_s) &&
	       (!json_get(claims, "nbf") || get_count(claims, "nbf", MAX_TIME_S, &ret->nbf_s));
}

static bool has_begun(
    const struct token_config *config, const struct token_claims *claims, int64_t now_s)
{
	return claims->iat_s <= now_s + config->leeway_s &&
	       claims->nbf_s <= now_s + config->leeway_s;
}

static bool read_claims(struct arena *arena, const struct token_config *config,
    enum token_type type, const struct json *claims, struct token_claims *ret)
{
	struct str type_name;

	ret->type = type;
	return json_type(claims) == JSON_TYPE_OBJECT &&
	       get_text(claims, "token_type", &type_name) && str_eq(type_name, type_names[type]) &&
	       get_text(claims, "jti", &ret->jti) && jti_is_ours(ret->jti) &&
	       read_user_id(arena, config, claims, &ret->user_id) && read_session(claims, ret) &&
	       is_meant_for_us(config, claims) && read_times(claims, ret);
}

/* The tree goes as soon as it is read: a request may wait long with the claims in hand. */
static bool read_payload(struct arena *arena, const struct token_config *config,
    enum token_type type, struct str text, struct token_claims *ret)
{
	const struct json *tree;
	bool ok;

	if (json_new(text, &tree) != OK)
		return false;
	ok = read_claims(arena, config, type, tree, ret);
	ret->jti = str_dup(arena, ret->jti);
	ret->user_id = str_dup(arena, ret->user_id);
	ret->role = str_dup(arena, ret->role);
	json_free(&tree);
	return ok;
}

/* NOLINTNEXTLINE(readability-function-size): one parameter more than we like, each in use. */
enum err token_verify(struct arena *arena, const struct keyring *keys,
    const struct token_config *config, enum token_type type, struct str token, int64_t now_s,
    struct token_claims *ret)
{
	struct token_claims claims = { 0 };
	struct str payload;
	struct jws_parts jws;

	if (token.len > MAX_TOKEN_BYTES || !jws_split(token, &jws))
		return ERR_TOKEN_INVALID;
	/* The signature first: no JSON is read that was not signed with our key. */
	if (!signature_is_ours(arena, keys, &jws) || !header_is_ours(arena, jws.header))
		return ERR_TOKEN_INVALID;
	if (!base64url_decode(arena, jws.payload, &payload) ||
	    !read_payload(arena, config, type, payload, &claims) ||
	    !has_begun(config, &claims, now_s))
		return ERR_TOKEN_INVALID;
	*ret = claims;
	return claims.exp_s + config->leeway_s <= now_s ? ERR_TOKEN_EXPIRED : OK;
}
