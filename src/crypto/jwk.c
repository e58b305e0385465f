#include "crypto/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/log.h"

#define KID_MAX 255
#define P256_BYTES 32
#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 4096
#define RSA_NEW_BITS 2048
/* 65537 has three bytes; an exponent of more than four only makes verifying slow. */
#define RSA_EXPONENT_MAX 4

static const struct str alg_names[] = {
	[JOSE_ES256] = STR_INIT("ES256"),
	[JOSE_RS256] = STR_INIT("RS256"),
};

struct str jose_alg_name(enum jose_alg alg)
{
	return alg_names[alg];
}

bool jose_alg_parse(struct str name, enum jose_alg *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(alg_names); i++) {
		if (str_eq(name, alg_names[i])) {
			*ret = (enum jose_alg)i;
			return true;
		}
	}
	return false;
}

void jwk_done(struct jwk *key)
{
	EVP_PKEY_free(key->pkey);
	key->pkey = NULL;
}

/* --- reading a public key --- */

static struct str member(const struct json *object, const char *name)
{
	return json_string(json_get(object, name));
}

/* What is said of its use must allow signatures; what is not said forbids nothing. */
static bool is_for_signatures(const struct json *object)
{
	const struct json *operations = json_get(object, "key_ops");
	bool verifies = !operations;

	for (size_t i = 0; i < json_array_length(operations); i++)
		verifies =
		    verifies || str_eq(json_string(json_array_at(operations, i)), STR("verify"));
	return verifies && (!json_get(object, "use") || str_eq(member(object, "use"), STR("sig")));
}

static bool decode(
    struct arena *arena, const struct json *object, const char *name, struct str *ret)
{
	struct str text = member(object, name);

	return !str_empty(text) && base64url_decode(arena, text, ret);
}

static EVP_PKEY *import(const char *type, OSSL_PARAM_BLD *builder)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY *key = NULL;

	if (!context || !params)
		die("out of memory for a key");
	if (EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return key;
}

static BIGNUM *number(struct str bytes)
{
	BIGNUM *n = BN_bin2bn((const uint8_t *)bytes.ptr, (int)bytes.len, NULL);

	if (!n)
		die("out of memory for a key");
	return n;
}

static bool rsa_is_sound(const BIGNUM *n, const BIGNUM *e)
{
	int bits = BN_num_bits(n);

	return bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS && BN_is_odd(n) && BN_is_odd(e) &&
	       !BN_is_one(e);
}

static EVP_PKEY *read_rsa(struct arena *arena, const struct json *object)
{
	struct str n_bytes, e_bytes;
	OSSL_PARAM_BLD *builder;
	EVP_PKEY *key = NULL;
	BIGNUM *n, *e;

	if (!decode(arena, object, "n", &n_bytes) || !decode(arena, object, "e", &e_bytes) ||
	    n_bytes.len > RSA_MAX_BITS / 8 + 1 || e_bytes.len > RSA_EXPONENT_MAX)
		return NULL;
	builder = OSSL_PARAM_BLD_new();
	if (!builder)
		die("out of memory for a key");
	n = number(n_bytes);
	e = number(e_bytes);
	if (rsa_is_sound(n, e) && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
		key = import("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	return key;
}

/* OpenSSL refuses a point that is not on the curve. */
static EVP_PKEY *read_ec(struct arena *arena, const struct json *object)
{
	uint8_t point[1 + 2 * P256_BYTES] = { 4 }; /* uncompressed (SEC 1 2.3.3) */
	OSSL_PARAM_BLD *builder;
	EVP_PKEY *key = NULL;
	struct str x, y;

	if (!str_eq(member(object, "crv"), STR("P-256")) || !decode(arena, object, "x", &x) ||
	    !decode(arena, object, "y", &y) || x.len != P256_BYTES || y.len != P256_BYTES)
		return NULL;
	memcpy(point + 1, x.ptr, P256_BYTES);
	memcpy(point + 1 + P256_BYTES, y.ptr, P256_BYTES);
	builder = OSSL_PARAM_BLD_new();
	if (!builder)
		die("out of memory for a key");
	if (OSSL_PARAM_BLD_push_utf8_string(
		builder, OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0) &&
	    OSSL_PARAM_BLD_push_octet_string(
		builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)))
		key = import("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

bool jwk_parse_public(struct arena *arena, const struct json *object, struct jwk *ret)
{
	struct str kid = member(object, "kid"), kty = member(object, "kty");
	bool is_ec = str_eq(kty, STR("EC"));
	enum jose_alg alg = is_ec ? JOSE_ES256 : JOSE_RS256;
	EVP_PKEY *key;

	if (!is_ec && !str_eq(kty, STR("RSA")))
		return false;
	if (str_empty(kid) || kid.len > KID_MAX || !is_for_signatures(object))
		return false;
	if (json_get(object, "alg") && !str_eq(member(object, "alg"), jose_alg_name(alg)))
		return false;
	key = is_ec ? read_ec(arena, object) : read_rsa(arena, object);
	if (!key)
		return false;
	*ret = (struct jwk){ .alg = alg, .kid = str_dup(arena, kid), .pkey = key };
	return true;
}

/* --- writing one --- */

static struct str bn_base64url(struct arena *arena, const EVP_PKEY *key, const char *name, int size)
{
	BIGNUM *n = NULL;
	uint8_t *bytes;

	if (EVP_PKEY_get_bn_param(key, name, &n) != 1)
		die("a key of ours lacks a number");
	if (size == 0)
		size = BN_num_bytes(n);
	bytes = arena_alloc(arena, (size_t)size);
	if (BN_bn2binpad(n, bytes, size) != size)
		die("a key of ours has a number too large");
	BN_free(n);
	return base64url_encode(arena, str_bytes(bytes, (size_t)size));
}

struct public_half {
	struct str first, second; /* x and y, or e and n */
};

static struct public_half public_half(struct arena *arena, const struct jwk *key)
{
	if (key->alg == JOSE_ES256)
		return (struct public_half){
			bn_base64url(arena, key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, P256_BYTES),
			bn_base64url(arena, key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, P256_BYTES),
		};
	return (struct public_half){
		bn_base64url(arena, key->pkey, OSSL_PKEY_PARAM_RSA_E, 0),
		bn_base64url(arena, key->pkey, OSSL_PKEY_PARAM_RSA_N, 0),
	};
}

/* The required members alone, in alphabetical order and without spaces: what RFC 7638 hashes. */
struct str jwk_thumbprint(struct arena *arena, const struct jwk *key)
{
	struct public_half half = public_half(arena, key);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	struct str text;

	if (key->alg == JOSE_ES256)
		text = str_printf(arena,
		    "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%.*s\",\"y\":\"%.*s\"}",
		    STR_ARG(half.first), STR_ARG(half.second));
	else
		text = str_printf(arena, "{\"e\":\"%.*s\",\"kty\":\"RSA\",\"n\":\"%.*s\"}",
		    STR_ARG(half.first), STR_ARG(half.second));
	if (EVP_Digest(text.ptr, text.len, digest, &size, EVP_sha256(), NULL) != 1)
		die("SHA-256 does not work");
	return base64url_encode(arena, str_bytes(digest, size));
}

void jwk_write_public(struct arena *arena, struct json_writer *w, const struct jwk *key)
{
	struct public_half half = public_half(arena, key);
	bool is_ec = key->alg == JOSE_ES256;

	json_begin_object(w);
	json_member_str(w, STR("kty"), is_ec ? STR("EC") : STR("RSA"));
	json_member_str(w, STR("kid"), key->kid);
	json_member_str(w, STR("use"), STR("sig"));
	json_member_str(w, STR("alg"), jose_alg_name(key->alg));
	if (is_ec)
		json_member_str(w, STR("crv"), STR("P-256"));
	json_member_str(w, is_ec ? STR("x") : STR("e"), half.first);
	json_member_str(w, is_ec ? STR("y") : STR("n"), half.second);
	json_end_object(w);
}

struct str jwk_public_pem(struct arena *arena, const struct jwk *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;
	long size;
	struct str pem;

	if (!bio || PEM_write_bio_PUBKEY(bio, key->pkey) != 1)
		die("a key of ours cannot be written");
	size = BIO_get_mem_data(bio, &bytes);
	pem = str_dup(arena, str_bytes(bytes, (size_t)size));
	BIO_free(bio);
	return pem;
}

/* --- keys of our own --- */

void jwk_generate(struct arena *arena, enum jose_alg alg, struct jwk *ret)
{
	EVP_PKEY *key = alg == JOSE_ES256
			    ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
			    : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_NEW_BITS);

	if (!key)
		die("a signing key cannot be made");
	*ret = (struct jwk){ .alg = alg, .pkey = key };
	ret->kid = jwk_thumbprint(arena, ret);
}

struct secret jwk_private(struct arena *secrets, const struct jwk *key)
{
	uint8_t *der = NULL;
	int size = i2d_PrivateKey(key->pkey, &der);
	struct secret copy;

	if (size <= 0)
		die("a key of ours cannot be written");
	copy = secret_copy(secrets, (struct secret){ der, (size_t)size });
	OPENSSL_clear_free(der, (size_t)size);
	return copy;
}

static bool is_of(const EVP_PKEY *key, enum jose_alg alg)
{
	int bits = EVP_PKEY_get_bits(key);
	char curve[32];

	if (alg == JOSE_RS256)
		return EVP_PKEY_is_a(key, "RSA") && bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS;
	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1 &&
	       str_eq(str_of(curve), STR(SN_X9_62_prime256v1));
}

bool jwk_parse_private(struct arena *arena, enum jose_alg alg, struct secret der, struct jwk *ret)
{
	const uint8_t *p = der.ptr;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, (long)der.len);

	ERR_clear_error();
	if (!key || !is_of(key, alg)) {
		EVP_PKEY_free(key);
		return false;
	}
	*ret = (struct jwk){ .alg = alg, .pkey = key };
	ret->kid = jwk_thumbprint(arena, ret);
	return true;
}
