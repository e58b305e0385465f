/*
 * Every sentence a person reads, by id: one table a locale (only "en" ships). Mail and SMS are
 * template files (templates/), not here.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/err.h"
#include "base/str.h"

struct arena;

enum text {
	TEXT_NONE,

	/* Successes (PRODUCT 8 fixes the wording of some). */
	TEXT_OK,
	TEXT_REGISTERED,
	TEXT_VERIFIED,
	TEXT_CODE_SENT,
	TEXT_LOGGED_IN,
	TEXT_LOGGED_OUT,
	TEXT_REFRESHED,
	TEXT_TOKEN_VALID,
	TEXT_PASSWORD_RESET_SENT,
	TEXT_PASSWORD_RESET,
	TEXT_PASSWORD_CHANGED,
	TEXT_PROFILE_UPDATED,

	/* What a field was refused for. {0}, {1} are filled in. */
	TEXT_FIELD_REQUIRED,
	TEXT_FIELD_TYPE_STRING,
	TEXT_FIELD_TYPE_INTEGER,
	TEXT_FIELD_TYPE_BOOLEAN,
	TEXT_FIELD_TYPE_OBJECT,
	TEXT_FIELD_TYPE_LIST,
	TEXT_FIELD_TOO_SHORT,
	TEXT_FIELD_TOO_LONG,
	TEXT_FIELD_TOO_SMALL,
	TEXT_FIELD_TOO_LARGE,
	TEXT_FIELD_NOT_A_CHOICE,
	TEXT_FIELD_NUL,
	TEXT_FIELD_UUID,
	TEXT_FIELD_TIME,
	TEXT_FIELD_CURSOR,
	TEXT_FIELD_TOO_FEW,
	TEXT_FIELD_TOO_MANY,
	TEXT_FIELD_IN_QUERY,
	TEXT_FIELD_READ_ONLY,
	TEXT_FIELD_MISMATCH,
	TEXT_BODY_NOT_OBJECT,
	TEXT_QUERY_MALFORMED,
	TEXT_EMAIL_INVALID,
	TEXT_PHONE_INVALID,
	TEXT_PHONE_NEEDS_COUNTRY,
	TEXT_COUNTRY_INVALID,
	TEXT_IDENTIFIER_ONE_OF,
	TEXT_IDENTIFIER_INVALID,
	TEXT_IDENTIFIER_TAKEN,
	TEXT_ROLE_NOT_ALLOWED,
	TEXT_ROLE_UNKNOWN,
	TEXT_PERSON_UNKNOWN,
	TEXT_ACTOR_TOKEN_INVALID,
	TEXT_OBJECT_INVALID,
	TEXT_NAME_INVALID,
	TEXT_FIELD_CONTROL,
	TEXT_URL_INVALID,
	TEXT_DATE_INVALID,
	TEXT_LOCALE_INVALID,
	TEXT_SLUG_INVALID,
	TEXT_SLUG_TAKEN,
	TEXT_CONSENT_REQUIRED,
	TEXT_PASSWORD_WRONG,
	TEXT_PASSWORD_TOO_SHORT,
	TEXT_PASSWORD_TOO_LONG,
	TEXT_PASSWORD_IS_IDENTIFIER,
	TEXT_PASSWORD_SAME,
	TEXT_FLOW_OR_IDENTIFIER,
	TEXT_RESET_PROOF,
	TEXT_IDEMPOTENCY_KEY_INVALID,

	TEXT_TOKEN_OR_CODE,
	TEXT_REDIRECT_NOT_LISTED,
	TEXT_CSRF_MISMATCH,
	TEXT_IDENTITY_LINKED,
	TEXT_IDENTITY_UNLINKED,

	/* One for each failure, in the order of enum err: TEXT_ERR_FIRST + e. */
	TEXT_ERR_FIRST,
	TEXT_ERR_LAST = TEXT_ERR_FIRST + ERR_COUNT - 1,

	TEXT_COUNT,
};

/** text_err() - the sentence for a failure. */
static inline enum text text_err(enum err e)
{
	return (enum text)(TEXT_ERR_FIRST + (int)e);
}

/** text_get() - the sentence in @locale, or in English where it has none. */
struct str text_get(struct str locale, enum text id);
/** text_format() - the same with {0} … {9} replaced; the rest is taken as it is. */
struct str text_format(
    struct arena *arena, struct str locale, enum text id, const struct str *args, size_t n);

#endif
