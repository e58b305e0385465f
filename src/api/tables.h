/* The tables of routes, one a file, and the schemas more than one of them uses. */
#ifndef API_TABLES_H
#define API_TABLES_H

#include "api/route.h"
#include "service/session.h"

extern const struct route auth_routes[];          /* auth_api.c */
extern const struct route token_routes[];         /* token_api.c */
extern const struct route password_routes[];      /* password_api.c */
extern const struct route me_routes[];            /* me_api.c */
extern const struct route me_session_routes[];    /* me_sessions_api.c */
extern const struct route me_profile_routes[];    /* me_profiles_api.c */
extern const struct route me_identifier_routes[]; /* me_identifier_api.c */
extern const struct route me_data_routes[];       /* me_data_api.c */
extern const struct route staff_routes[];         /* staff_api.c */
extern const struct route google_routes[];        /* google_api.c */
extern const struct route identity_routes[];      /* identity_api.c */
extern const struct route public_routes[];        /* public_api.c */
extern const struct route docs_routes[];          /* docs_api.c */
extern const struct route operator_routes[];      /* operator_api.c: health, readiness, metrics */
extern const struct route dev_routes[];           /* dev_api.c */

extern const struct route staff_users_routes[]; /* staff_users_api.c */
extern const struct route audit_routes[];       /* audit_api.c */

/** struct signed_in_reply - what everything that signs a person in answers. */
struct signed_in_reply {
	struct signed_in who;
	struct str token_type;
};
extern const struct schema signed_in_schema;
/** token_pair_schema - only the tokens of struct signed_in_reply: what a refresh answers. */
extern const struct schema token_pair_schema;
/** EXAMPLE_JWT - looks like a token, opens nothing. */
#define EXAMPLE_JWT "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl"

/**
 * struct google_body - a proof of a Google account, as clients send it
 *
 * google_proof_read(): the proof itself, once the form it came in is known to be the page's own.
 */
struct google_body {
	struct secret id_token, credential, code, code_verifier;
	struct str redirect_uri, nonce, g_csrf_token;
};
struct google_proof;
extern const struct schema google_schema;
MUST_CHECK enum err google_proof_read(
    struct request *rq, const struct google_body *body, struct google_proof *ret);

/** struct password_twice - a new password, and where a form sends it once more. */
struct password_twice {
	struct secret password2, confirm_password;
};
/** password_twice_check() - each of the two that was sent must be @password. */
MUST_CHECK enum err password_twice_check(
    struct request *rq, const struct password_twice *twice, struct secret password);
/** PASSWORD_TWICE() - its rows in the table of @T, whose member @m it is. */
/* clang-format off */
#define PASSWORD_TWICE(T, m) \
	{ MEMBER_AS(T, m.password2, "password2"), .doc = "If sent, must match." }, \
	{ MEMBER_AS(T, m.confirm_password, "confirm_password"), .doc = "If sent, must match." }
/* clang-format on */

/** consent_schema - struct consent_given (service/registration.h): a document and its version. */
extern const struct schema consent_schema;
/** identity_schema - struct identity_view (service/identity.h): an account elsewhere. */
extern const struct schema identity_schema;
/** session_schema - struct session_view (service/session_list.h). */
extern const struct schema session_schema;
/** client_schema, vendor_schema - the typed profiles (service/typed_profile.h). */
extern const struct schema client_schema, vendor_schema;
/** user_schema - struct user_view (service/account.h) as "User". */
extern const struct schema user_schema;
/** staff_user_schema - struct staff_view (service/staff_users.h) as "StaffUser". */
extern const struct schema staff_user_schema;
/** audit_item_write() - a row of the audit trail as its JSON object. */
struct audit_view;
void audit_item_write(struct json_writer *w, const struct audit_view *row);
/** verification_schema - struct verification (service/registration.h): a code is on its way. */
extern const struct schema verification_schema;

#endif
