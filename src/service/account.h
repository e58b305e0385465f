/* One person: the row unsealed, and the "user" object others see (PRODUCT 3.3). */
#ifndef SERVICE_ACCOUNT_H
#define SERVICE_ACCOUNT_H

#include "crypto/seal.h"
#include "service/identifier.h"
#include "store/session_store.h"

/** struct profile - the personal fields, sealed as one value in users.profile. */
struct profile {
	struct str first_name, last_name, image_url, bio, country, state, city, address, gender;
	struct str date_of_birth, locale, contact_email, contact_phone;
};

/** struct account - a user's row and what it seals; lives in the request's arenas. */
struct account {
	struct user_row row;
	struct data_key key;   /* in rq->secrets */
	struct str identifier; /* e-mail or phone as typed */
	struct profile profile;
};

/** account_open() - unseal @row. Returns OK or ERR_INTERNAL (wrong master key, changed bytes). */
MUST_CHECK enum err account_open(
    struct request *rq, const struct user_row *row, struct account **ret);
/** account_open_key() - the same with the identifier and the profile left empty: for sealing. */
MUST_CHECK enum err account_open_key(
    struct request *rq, const struct user_row *row, struct account **ret);
/**
 * account_draft() - a person who is not in the store yet, complete but for being written
 * @index:    blind index of @id under the active master key
 * @password: encoded hash
 *
 * The account is active and not verified; its data key is fresh. Lives in the request's arenas.
 */
struct account *account_draft(struct request *rq, const struct identifier *id, struct str index,
    enum role role, const struct profile *profile, struct str password);
/** profile_encode() - the plain bytes of a profile, in @secrets; profile_decode() reads them. */
struct str profile_encode(struct arena *secrets, const struct profile *profile);
bool profile_decode(struct str plain, struct profile *ret);
/** account_seal_profile() - the value for users.profile. */
struct str account_seal_profile(
    struct request *rq, const struct data_key *key, const struct profile *profile);
/** account_locale() - what to write to them in: their language, or the caller's if they have none.
 */
struct str account_locale(const struct request *rq, const struct account *account);
/** account_seal_identifier() - the value for users.email or users.phone. */
struct str account_seal_identifier(
    struct request *rq, const struct data_key *key, struct str display);
/** identifier_indexes() - blind indexes of @id, one for each accepted master key, active first. */
size_t identifier_indexes(
    struct request *rq, const struct identifier *id, struct str ret[static 16]);

/**
 * account_read() - a person by id, unsealed
 *
 * Returns: OK, ERR_NOT_FOUND (no such person, or erased), machine errors.
 */
MAY_YIELD MUST_CHECK enum err account_read(
    struct request *rq, struct uuid id, struct account **ret);

/** struct user_view - what the person themselves sees; see account_view(). */
struct user_view {
	struct uuid id;
	struct str external_id, email, phone, contact_email, contact_phone;
	struct str first_name, last_name, image_url, bio, country, state, city, address, gender;
	struct str date_of_birth, locale;
	struct str role, auth_provider;
	bool is_verified, is_active, is_staff, is_superuser;
	int64_t last_login_us, created_at_us, updated_at_us; /* 0: never */
};
void account_view(const struct account *account, struct user_view *ret);

#endif
