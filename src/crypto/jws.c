#include "crypto/jws.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/log.h"

/* One half of an ES256 signature, which is r then s, each of fixed size (RFC 7518 3.4). */
#define ES256_HALF 32
/* The DER form of such a signature: two integers of at most 33 bytes with their heads. */
#define ES256_DER_MAX 72

bool jws_split(struct str text, struct jws_parts *ret)
{
	ssize_t first = str_find(text, '.'), last = str_find_last(text, '.');

	if (first < 0 || first == last)
		return false;
	ret->header = str_upto(text, (size_t)first);
	ret->signed_part = str_upto(text, (size_t)last);
	ret->payload = str_from(ret->signed_part, (size_t)first + 1);
	ret->signature = str_from(text, (size_t)last + 1);
	return str_find(ret->payload, '.') < 0;
}

/* Members that bring a key, name a place to fetch one from, or change how the token is read. */
static bool is_forbidden(struct str name)
{
	static const struct str names[] = { STR_INIT("jwk"), STR_INIT("jku"), STR_INIT("x5u"),
		STR_INIT("x5c"), STR_INIT("crit"), STR_INIT("b64"), STR_INIT("zip"),
		STR_INIT("enc") };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(name, names[i]))
			return true;
	return false;
}

static bool note_forbidden(void *ret_found, struct str name, const struct json *value)
{
	bool *found = ret_found;

	(void)value;
	*found = is_forbidden(name);
	return !*found;
}

static struct str text_member(const struct json *object, const char *name)
{
	struct str text = json_string(json_get(object, name));

	return str_find(text, '\0') < 0 ? text : STR_NULL;
}

bool jws_read(struct arena *arena, struct str text, struct jws *ret)
{
	const struct json *header;
	bool forbidden = false;
	struct str json;

	if (text.len > JWS_MAX_BYTES || !jws_split(text, &ret->parts))
		return false;
	if (!base64url_decode(arena, ret->parts.header, &json) ||
	    json_parse(arena, json, &header) != OK || json_type(header) != JSON_TYPE_OBJECT)
		return false;
	json_each_member(header, note_forbidden, &forbidden);
	ret->kid = text_member(header, "kid");
	return !forbidden && jose_alg_parse(text_member(header, "alg"), &ret->alg) &&
	       !str_empty(ret->kid) &&
	       (!json_get(header, "typ") || str_eq_nocase(text_member(header, "typ"), STR("JWT")));
}

/* --- ES256: raw halves outside, DER inside OpenSSL --- */

static struct str es256_to_der(struct str raw, uint8_t der[static ES256_DER_MAX])
{
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r, *s;
	int size;

	if (raw.len != (size_t)2 * ES256_HALF)
		r = s = NULL;
	else {
		r = BN_bin2bn((const uint8_t *)raw.ptr, ES256_HALF, NULL);
		s = BN_bin2bn((const uint8_t *)raw.ptr + ES256_HALF, ES256_HALF, NULL);
	}
	if (!signature || !r || !s || ECDSA_SIG_set0(signature, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(signature);
		return STR_NULL;
	}
	size = i2d_ECDSA_SIG(signature, &der);
	ECDSA_SIG_free(signature);
	return size > 0 ? str_bytes(der - size, (size_t)size) : STR_NULL;
}

static void es256_from_der(const uint8_t *der, size_t size, uint8_t raw[static 2 * ES256_HALF])
{
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)size);

	if (!signature ||
	    BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, ES256_HALF) != ES256_HALF ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + ES256_HALF, ES256_HALF) != ES256_HALF)
		die("a signature of ours cannot be written");
	ECDSA_SIG_free(signature);
}

/* --- both --- */

static bool verify(const struct jwk *key, struct str message, struct str signature)
{
	uint8_t der[ES256_DER_MAX];
	EVP_MD_CTX *context;
	bool ok;

	if (key->alg == JOSE_ES256)
		signature = es256_to_der(signature, der);
	if (str_empty(signature))
		return false;
	context = EVP_MD_CTX_new();
	if (!context)
		die("out of memory for a signature");
	ok = EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
	     EVP_DigestVerify(context, (const uint8_t *)signature.ptr, signature.len,
		 (const uint8_t *)message.ptr, message.len) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return ok;
}

bool jws_verify(
    struct arena *arena, const struct jws *jws, const struct jwk *key, struct str *ret_payload)
{
	struct str signature;

	return key->alg == jws->alg && base64url_decode(arena, jws->parts.signature, &signature) &&
	       verify(key, jws->parts.signed_part, signature) &&
	       base64url_decode(arena, jws->parts.payload, ret_payload);
}

static struct str sign(struct arena *secrets, const struct jwk *key, struct str message)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t size = (size_t)EVP_PKEY_get_size(key->pkey);
	uint8_t *bytes = arena_alloc(secrets, size), *raw;

	if (!context || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pkey) != 1 ||
	    EVP_DigestSign(context, bytes, &size, (const uint8_t *)message.ptr, message.len) != 1)
		die("a signing key does not sign");
	EVP_MD_CTX_free(context);
	if (key->alg == JOSE_RS256)
		return str_bytes(bytes, size);
	raw = arena_alloc(secrets, (size_t)2 * ES256_HALF);
	es256_from_der(bytes, size, raw);
	return str_bytes(raw, (size_t)2 * ES256_HALF);
}

static struct str header_of(struct arena *arena, const struct jwk *key)
{
	struct json_writer w;
	struct buf json;

	buf_init(&json, arena, 128);
	json_writer_init(&w, &json);
	json_begin_object(&w);
	json_member_str(&w, STR("alg"), jose_alg_name(key->alg));
	json_member_str(&w, STR("kid"), key->kid);
	json_member_str(&w, STR("typ"), STR("JWT"));
	json_end_object(&w);
	return base64url_encode(arena, buf_str(&json));
}

struct secret jws_sign(struct arena *secrets, const struct jwk *key, struct str payload)
{
	struct buf out;

	buf_init(&out, secrets, payload.len / 3 * 4 + 1024);
	buf_add(&out, header_of(secrets, key));
	buf_add_char(&out, '.');
	buf_add(&out, base64url_encode(secrets, payload));
	payload = base64url_encode(secrets, sign(secrets, key, buf_str(&out)));
	buf_add_char(&out, '.');
	buf_add(&out, payload);
	return secret_of(buf_str(&out));
}
