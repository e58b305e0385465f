#include "crypto/django_token.h"

#include <openssl/evp.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/log.h"
#include "crypto/hmac.h"

/* key_salt of PasswordResetTokenGenerator. */
#define SALT "django.contrib.auth.tokens.PasswordResetTokenGenerator"
/* Seconds since 2001-01-01 in base 36: seven digits last until the year 4484. */
#define TIME_DIGITS 7
#define EPOCH_2001_S INT64_C(978307200)
/* Every second of a SHA-256 MAC's hexadecimal digits. */
#define MAC_DIGITS 32

static int digit_36(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : -1;
}

/* "d1rcit-336204db…": the time and the MAC. */
static bool split(struct str token, int64_t *ret_time, struct str *ret_mac)
{
	ssize_t dash = str_find(token, '-');
	int64_t time = 0;

	if (dash < 1 || dash > TIME_DIGITS || token.len != (size_t)dash + 1 + MAC_DIGITS)
		return false;
	for (ssize_t i = 0; i < dash; i++) {
		if (digit_36(token.ptr[i]) < 0)
			return false;
		time = time * 36 + digit_36(token.ptr[i]);
	}
	*ret_mac = str_from(token, (size_t)dash + 1);
	for (size_t i = 0; i < MAC_DIGITS; i++)
		if (digit_36(ret_mac->ptr[i]) < 0 || digit_36(ret_mac->ptr[i]) > 15)
			return false;
	*ret_time = time;
	return true;
}

bool django_token_shaped(struct str token)
{
	struct str mac;
	int64_t time;

	return split(token, &time, &mac);
}

/* salted_hmac(): the key is hashed together with what it is for. */
static void salted_key(struct arena *secrets, struct secret key, struct hmac_key *ret)
{
	uint8_t hashed[SHA256_SIZE];
	unsigned size = sizeof(hashed);
	struct str text = secret_reveal(key);
	struct str both = str_printf(secrets, SALT "%.*s", STR_ARG(text));

	if (EVP_Digest(both.ptr, both.len, hashed, &size, EVP_sha256(), NULL) != 1)
		die("SHA-256 failed");
	hmac_key_init(ret, (struct secret){ hashed, sizeof(hashed) });
	wipe(hashed, sizeof(hashed));
}

bool django_token_check(struct arena *secrets, struct secret key, const struct django_row *row,
    struct str token, int64_t *ret_made_at_s)
{
	uint8_t mac[SHA256_SIZE];
	char digits[MAC_DIGITS];
	struct hmac_key salted;
	struct str given, value, hex;
	int64_t time;

	if (!split(token, &time, &given))
		return false;
	value = str_printf(secrets, "%.*s%.*s%.*s%lld%.*s", STR_ARG(row->pk),
	    STR_ARG(row->password), STR_ARG(row->last_login), (long long)time, STR_ARG(row->email));
	salted_key(secrets, key, &salted);
	hmac_sha256(&salted, value, mac);
	hex = hex_encode(secrets, str_bytes(mac, sizeof(mac)));
	for (size_t i = 0; i < MAC_DIGITS; i++)
		digits[i] = hex.ptr[2 * i];
	wipe(&salted, sizeof(salted));
	*ret_made_at_s = EPOCH_2001_S + time;
	return bytes_equal(digits, given.ptr, MAC_DIGITS);
}
