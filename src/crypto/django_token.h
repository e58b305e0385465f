/*
 * Tokens of the reset links a Django system has sent before it was replaced: what its
 * PasswordResetTokenGenerator (Django 3.1 and later) makes of a person's row. Checked, never made.
 * Such a token is a MAC over the row, so nothing is stored and it dies with the row as it was.
 */
#ifndef CRYPTO_DJANGO_TOKEN_H
#define CRYPTO_DJANGO_TOKEN_H

#include "base/secret.h"

struct arena;

/** struct django_row - what the MAC covers, as text. */
struct django_row {
	struct str pk;         /* str(user.pk) */
	struct str password;   /* encoded */
	struct str last_login; /* "2026-01-01 10:20:30", without a zone; empty: never */
	struct str email;      /* may be empty */
};

/** django_token_shaped() - could @token be one? Anybody's guess; no other token here is like it. */
bool django_token_shaped(struct str token);
/**
 * django_token_check() - was @token made for @row under @key?
 * @key:         SECRET_KEY, as it stands in Django's settings
 * @ret_made_at_s: when, in seconds since 1970 if Django's TIME_ZONE is UTC; on true
 *
 * How long a token lives is the caller's business.
 */
bool django_token_check(struct arena *secrets, struct secret key, const struct django_row *row,
    struct str token, int64_t *ret_made_at_s);

#endif
