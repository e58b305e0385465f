#include "base/text.h"

#include <assert.h>

#include "base/arena.h"

#define TEXT_ERR(e) [TEXT_ERR_FIRST + (e)]

/* Each says what happened and, where the reader can do something about it, what. */
static const struct str english[] = {
	[TEXT_NONE] = STR_INIT(""),

	[TEXT_OK] = STR_INIT("Done."),
	[TEXT_REGISTERED] =
	    STR_INIT("Registration received. Enter the code we sent you to finish."),
	[TEXT_VERIFIED] = STR_INIT("Verification successful."),
	[TEXT_CODE_SENT] = STR_INIT("If this account needs a code, a new one is on its way."),
	[TEXT_LOGGED_IN] = STR_INIT("Login successful."),
	[TEXT_LOGGED_OUT] = STR_INIT("Logout successful."),
	[TEXT_REFRESHED] = STR_INIT("Token refreshed."),
	[TEXT_TOKEN_VALID] = STR_INIT("Token is valid."),
	[TEXT_PASSWORD_RESET_SENT] =
	    STR_INIT("If an account exists, instructions to reset its password are on their way."),
	[TEXT_PASSWORD_RESET] = STR_INIT("Password reset successfully."),
	[TEXT_PASSWORD_CHANGED] = STR_INIT("Password changed successfully."),
	[TEXT_PROFILE_UPDATED] = STR_INIT("Saved."),

	[TEXT_IDENTITY_LINKED] = STR_INIT("Sign-in linked."),
	[TEXT_IDENTITY_UNLINKED] = STR_INIT("Sign-in unlinked."),

	[TEXT_FIELD_REQUIRED] = STR_INIT("This field is required."),
	[TEXT_FIELD_TYPE_STRING] = STR_INIT("This must be a string."),
	[TEXT_FIELD_TYPE_INTEGER] = STR_INIT("This must be a whole number."),
	[TEXT_FIELD_TYPE_BOOLEAN] = STR_INIT("This must be true or false."),
	[TEXT_FIELD_TYPE_OBJECT] = STR_INIT("This must be an object."),
	[TEXT_FIELD_TYPE_LIST] = STR_INIT("This must be a list."),
	[TEXT_FIELD_TOO_SHORT] = STR_INIT("This must have at least {0} characters."),
	[TEXT_FIELD_TOO_LONG] = STR_INIT("This must have at most {0} characters."),
	[TEXT_FIELD_TOO_SMALL] = STR_INIT("This must be {0} or more."),
	[TEXT_FIELD_TOO_LARGE] = STR_INIT("This must be {0} or less."),
	[TEXT_FIELD_NOT_A_CHOICE] = STR_INIT("This must be one of: {0}."),
	[TEXT_FIELD_NUL] = STR_INIT("This must not contain a NUL character."),
	[TEXT_FIELD_UUID] = STR_INIT("This must be a UUID."),
	[TEXT_FIELD_TIME] = STR_INIT("This must be a time such as 2026-11-21T20:15:00Z."),
	[TEXT_FIELD_CURSOR] = STR_INIT("This must be the next_cursor of a page you were given."),
	[TEXT_FIELD_TOO_FEW] = STR_INIT("This must have at least {0} items."),
	[TEXT_FIELD_TOO_MANY] = STR_INIT("This must have at most {0} items."),
	[TEXT_FIELD_IN_QUERY] =
	    STR_INIT("Secrets do not belong in the address. Send this in the body or a header."),
	[TEXT_FIELD_READ_ONLY] = STR_INIT("This cannot be set here."),
	[TEXT_FIELD_MISMATCH] = STR_INIT("The two passwords must be the same."),
	[TEXT_BODY_NOT_OBJECT] = STR_INIT("The body must be a JSON object."),
	[TEXT_QUERY_MALFORMED] =
	    STR_INIT("The query must be percent-encoded UTF-8 and name each parameter once."),
	[TEXT_EMAIL_INVALID] = STR_INIT("Enter a valid e-mail address."),
	[TEXT_PHONE_INVALID] = STR_INIT("Enter a valid phone number."),
	[TEXT_PHONE_NEEDS_COUNTRY] =
	    STR_INIT("Enter the number with its country code (+…), or name the country."),
	[TEXT_COUNTRY_INVALID] = STR_INIT("Enter a two-letter ISO country code."),
	[TEXT_IDENTIFIER_ONE_OF] = STR_INIT("Enter either an e-mail address or a phone number."),
	[TEXT_IDENTIFIER_INVALID] = STR_INIT("Enter a valid e-mail address or phone number."),
	[TEXT_IDENTIFIER_TAKEN] = STR_INIT("An account with this already exists. Log in instead."),
	[TEXT_ROLE_NOT_ALLOWED] = STR_INIT("This role cannot be chosen here."),
	[TEXT_ROLE_UNKNOWN] = STR_INIT("There is no such role."),
	[TEXT_PERSON_UNKNOWN] = STR_INIT("There is no such person."),
	[TEXT_ACTOR_TOKEN_INVALID] = STR_INIT(
	    "This must be an access token of the staff, not expired for more than an hour."),
	[TEXT_OBJECT_INVALID] = STR_INIT("Name an object as type:id, such as order:81."),
	[TEXT_NAME_INVALID] = STR_INIT("This name contains characters that are not allowed."),
	[TEXT_FIELD_CONTROL] = STR_INIT("This contains characters that are not allowed."),
	[TEXT_URL_INVALID] = STR_INIT("Enter an address that begins with https://."),
	[TEXT_DATE_INVALID] = STR_INIT("Enter a date of the past such as 1990-12-31."),
	[TEXT_LOCALE_INVALID] = STR_INIT("Enter a language such as en or en-NG."),
	[TEXT_SLUG_INVALID] =
	    STR_INIT("Use lower-case letters and digits, with single hyphens between them."),
	[TEXT_SLUG_TAKEN] = STR_INIT("Somebody else has this one."),
	[TEXT_CONSENT_REQUIRED] = STR_INIT("Agree to {0}, version {1}, to go on."),
	[TEXT_PASSWORD_WRONG] = STR_INIT("This is not your password."),
	[TEXT_PASSWORD_TOO_SHORT] =
	    STR_INIT("This password is too short. Use at least {0} characters."),
	[TEXT_PASSWORD_IS_IDENTIFIER] = STR_INIT(
	    "This password contains your e-mail address or phone number. Choose another one."),
	[TEXT_PASSWORD_BREACHED] =
	    STR_INIT("This password is in a list of stolen passwords. Choose another one."),
	[TEXT_PASSWORD_GUESSABLE] =
	    STR_INIT("This password is easy to guess. Use more words, or rarer ones."),
	[TEXT_PASSWORD_USED_BEFORE] =
	    STR_INIT("You have used this password before. Choose another one."),
	[TEXT_PASSWORD_TOO_LONG] = STR_INIT("This password is too long. Use at most {0} bytes."),
	[TEXT_PASSWORD_SAME] = STR_INIT("This is your current password. Choose another one."),
	[TEXT_RESET_PROOF] =
	    STR_INIT("Send uidb64 and token, or otp with either flow_id or email_or_phone."),
	[TEXT_FLOW_OR_IDENTIFIER] = STR_INIT("Send either flow_id or email_or_phone."),
	[TEXT_IDEMPOTENCY_KEY_INVALID] =
	    STR_INIT("Idempotency-Key must be 1 to 128 printable ASCII characters."),

	[TEXT_TOKEN_OR_CODE] = STR_INIT("Send either an ID token or an authorization code."),
	[TEXT_REDIRECT_NOT_LISTED] = STR_INIT("This address is not on the list."),
	[TEXT_CSRF_MISMATCH] = STR_INIT("This must be the value of the cookie of the same name."),

	TEXT_ERR(OK) = STR_INIT("Done."),

	TEXT_ERR(ERR_INTERNAL) = STR_INIT("Something went wrong on our side. Try again later."),
	TEXT_ERR(ERR_UNAVAILABLE) =
	    STR_INIT("The service is not available at the moment. Try again shortly."),
	TEXT_ERR(ERR_OVERLOADED) = STR_INIT("The service is busy. Try again shortly."),
	TEXT_ERR(ERR_DEADLINE) = STR_INIT("This took too long. Try again shortly."),
	TEXT_ERR(ERR_SHUTDOWN) = STR_INIT("The service is restarting. Try again shortly."),

	TEXT_ERR(ERR_MALFORMED_JSON) = STR_INIT("The body is not valid JSON."),
	TEXT_ERR(ERR_VALIDATION_FAILED) = STR_INIT("Check the fields named in errors."),
	TEXT_ERR(ERR_NOT_FOUND) = STR_INIT("Not found."),
	TEXT_ERR(ERR_METHOD_NOT_ALLOWED) =
	    STR_INIT("This method is not allowed here. See the Allow header."),
	TEXT_ERR(ERR_TIMEOUT) = STR_INIT("The request took too long to arrive. Send it again."),
	TEXT_ERR(ERR_TOO_LARGE) = STR_INIT("The body is too large."),
	TEXT_ERR(ERR_HEADERS_TOO_LARGE) = STR_INIT("The headers are too large."),
	TEXT_ERR(ERR_UNSUPPORTED_MEDIA_TYPE) = STR_INIT("Send the body as application/json."),
	TEXT_ERR(ERR_BAD_REQUEST) = STR_INIT("The request is not valid HTTP."),
	TEXT_ERR(ERR_THROTTLED) =
	    STR_INIT("Too many requests. Wait as long as Retry-After says, then try again."),
	TEXT_ERR(ERR_CONFLICT) =
	    STR_INIT("This conflicts with the current state. Read it again, then retry."),
	TEXT_ERR(ERR_IDEMPOTENCY_CONFLICT) =
	    STR_INIT("This Idempotency-Key was used with another body. Use a new one."),
	TEXT_ERR(ERR_PRECONDITION_FAILED) =
	    STR_INIT("This has changed since you read it. Read it again, then retry."),

	TEXT_ERR(ERR_INVALID_CREDENTIALS) = STR_INIT("Invalid credentials."),
	TEXT_ERR(ERR_OTP_INVALID) =
	    STR_INIT("This code is wrong or no longer valid. Check it, or ask for a new one."),
	TEXT_ERR(ERR_RESET_INVALID) =
	    STR_INIT("This reset link or code is no longer valid. Ask for a new one."),
	TEXT_ERR(ERR_PASSWORD_REJECTED) =
	    STR_INIT("This password cannot be used. Choose another one."),
	TEXT_ERR(ERR_ALREADY_REGISTERED) =
	    STR_INIT("An account with this e-mail address or phone number already exists."),
	TEXT_ERR(ERR_VERIFICATION_REQUIRED) =
	    STR_INIT("Verify your account first. A new code is on its way."),
	TEXT_ERR(ERR_ACCOUNT_DISABLED) = STR_INIT("This account is disabled. Contact support."),
	TEXT_ERR(ERR_FORBIDDEN) = STR_INIT("You do not have permission to do this."),
	TEXT_ERR(ERR_REAUTH_REQUIRED) = STR_INIT("Log in again to do this."),
	TEXT_ERR(ERR_MFA_ENROLMENT_REQUIRED) = STR_INIT("Set up a second factor to go on."),
	TEXT_ERR(ERR_TOKEN_MISSING) = STR_INIT("Send an access token."),
	TEXT_ERR(ERR_TOKEN_INVALID) = STR_INIT("This access token is not valid. Log in again."),
	TEXT_ERR(ERR_TOKEN_EXPIRED) = STR_INIT("This access token has expired. Refresh it."),
	TEXT_ERR(ERR_TOKEN_REVOKED) = STR_INIT("This session has ended. Log in again."),
	TEXT_ERR(ERR_REFRESH_INVALID) = STR_INIT("This refresh token is not valid. Log in again."),
	TEXT_ERR(ERR_REFRESH_EXPIRED) = STR_INIT("This refresh token has expired. Log in again."),
	TEXT_ERR(ERR_REFRESH_SUPERSEDED) =
	    STR_INIT("A newer refresh token was issued for this session. Use that one."),
	TEXT_ERR(ERR_REFRESH_REUSED) =
	    STR_INIT("This refresh token was used before, so its session was ended. Log in again."),
	TEXT_ERR(ERR_LAST_SUPERADMIN) =
	    STR_INIT("The last superadmin cannot be removed. Appoint another one first."),
	TEXT_ERR(ERR_IDENTITY_INVALID) =
	    STR_INIT("This sign-in could not be confirmed. Start it again."),
	TEXT_ERR(ERR_IDENTITY_UNVERIFIED) = STR_INIT(
	    "The provider does not confirm an e-mail address of yours. Confirm it there first."),
	TEXT_ERR(ERR_LINK_REQUIRED) = STR_INIT("An account with this e-mail address exists. Log in "
					       "to it, then link this sign-in there."),
	TEXT_ERR(ERR_LAST_SIGN_IN) =
	    STR_INIT("This is the only way into the account. Set a password first."),
};
_Static_assert(ARRAY_LEN(english) == TEXT_COUNT, "one sentence for each enum text");

static const struct locale {
	struct str language; /* primary subtag, RFC 5646 */
	const struct str *sentences;
} locales[] = {
	{ STR_INIT("en"), english },
};

static const struct str *sentences_for(struct str locale)
{
	struct str language = STR_NULL;

	if (!str_next_token(&locale, '-', &language))
		return english;
	for (size_t i = 0; i < ARRAY_LEN(locales); i++)
		if (str_eq_nocase(locales[i].language, language))
			return locales[i].sentences;
	return english;
}

struct str text_get(struct str locale, enum text id)
{
	struct str sentence;

	assert((unsigned)id < TEXT_COUNT);
	sentence = sentences_for(locale)[id];
	return sentence.ptr ? sentence : english[id];
}

struct str text_format(
    struct arena *arena, struct str locale, enum text id, const struct str *args, size_t n)
{
	struct str s = text_get(locale, id);
	struct buf out;

	buf_init(&out, arena, s.len + 64);
	while (s.len > 0) {
		size_t arg = s.len >= 3 && s.ptr[0] == '{' && s.ptr[2] == '}'
				 ? (size_t)(uint8_t)s.ptr[1] - '0'
				 : SIZE_MAX;

		if (arg < 10 && arg < n) {
			buf_add(&out, args[arg]);
			s = str_from(s, 3);
		} else {
			buf_add_char(&out, s.ptr[0]);
			s = str_from(s, 1);
		}
	}
	return buf_str(&out);
}
