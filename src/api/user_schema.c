#include "api/tables.h"
#include "service/account.h"
#include "service/registration.h"
#include "service/staff_users.h"

#define USER(m) MEMBER(struct user_view, m)
#define USER_TIME(m, wire) MEMBER_TIME(struct user_view, m, wire)

/* Of a struct that begins with a struct user_view. */
/* clang-format off */
#define USER_FIELDS \
	{ USER(id), .format = "uuid", .doc = "The account's id, a UUIDv7." }, \
	{ USER(external_id), .flags = FIELD_NULLABLE, \
	    .doc = "Key of this person in the system they were imported from." }, \
	{ USER(email), .flags = FIELD_NULLABLE, .format = "email", .example = "ada@example.com", \
	    .doc = "What they sign in with; exactly one of email and phone is set." }, \
	{ USER(phone), .flags = FIELD_NULLABLE, .doc = "The same as a phone number, E.164." }, \
	{ USER(contact_email), .flags = FIELD_NULLABLE, .format = "email", \
	    .doc = "A further address to reach them at; unverified, never a login." }, \
	{ USER(contact_phone), .flags = FIELD_NULLABLE, \
	    .doc = "A further number to reach them at; unverified, never a login." }, \
	{ USER(first_name), .example = "Ada", .doc = "Given name." }, \
	{ USER(last_name), .example = "Obi", .doc = "Family name." }, \
	{ USER(image_url), .doc = "Picture." }, \
	{ USER(bio), .doc = "What they say about themselves." }, \
	{ USER(country), .example = "NG", .doc = "ISO 3166-1 alpha-2 code." }, \
	{ USER(state), .doc = "State or province." }, \
	{ USER(city), .doc = "City." }, \
	{ USER(address), .doc = "Street address." }, \
	{ USER(gender), .doc = "As they put it." }, \
	{ USER(date_of_birth), .flags = FIELD_NULLABLE, .format = "date", .doc = "ISO 8601 date." }, \
	{ USER(locale), .example = "en", .doc = "Language of their messages, RFC 5646." }, \
	{ USER(role), .example = "client", \
	    .doc = "client, vendor, support, assistant, reviewer, enhancer, staff, admin or " \
		   "superadmin; an installation may add staff roles." }, \
	{ USER(auth_provider), .example = "email", .doc = "How the account was opened." }, \
	{ USER(is_verified), .example = "true", .doc = "Has the identifier been proven?" }, \
	{ USER(is_active), .example = "true", .doc = "May they sign in?" }, \
	{ USER(is_staff), .doc = "Company people: support and above." }, \
	{ USER(is_superuser), .doc = "Superadmin." }, \
	{ USER_TIME(last_login_us, "last_login"), .flags = FIELD_NULLABLE, \
	    .example = "2026-11-21T20:15:00.000000Z", .doc = "When they last signed in." }, \
	{ USER_TIME(created_at_us, "created_at"), .doc = "When the account was opened." }, \
	{ USER_TIME(updated_at_us, "updated_at"), .doc = "When it last changed." }
/* clang-format on */

static const struct field user_fields[] = {
	USER_FIELDS,
	{ 0 },
};

const struct schema user_schema = {
	.name = "User",
	.size = sizeof(struct user_view),
	.fields = user_fields,
	.doc = "One person, as they see themselves.",
};

_Static_assert(offsetof(struct staff_view, user) == 0, "USER_FIELDS count from the beginning");
static const struct field staff_user_fields[] = {
	USER_FIELDS,
	{ MEMBER(struct staff_view, is_deleted), .doc = "Deleted, and not erased yet?" },
	{ MEMBER_TIME(struct staff_view, deleted_at_us, "deleted_at"), .flags = FIELD_NULLABLE,
	    .doc = "When it was deleted." },
	{ 0 },
};

const struct schema staff_user_schema = {
	.name = "StaffUser",
	.size = sizeof(struct staff_view),
	.fields = staff_user_fields,
	.doc = "One person, as staff see them.",
};

static const struct field verification_fields[] = {
	{ MEMBER(struct verification, flow_id), .format = "uuid",
	    .doc = "Send it back with the code." },
	{ MEMBER(struct verification, channel), .example = "email", .doc = "email or sms." },
	{ MEMBER(struct verification, destination), .example = "a**@example.com",
	    .doc = "Where the code went: enough to recognise, not to learn." },
	{ MEMBER_AS(struct verification, expires_in_s, "expires_in"), .example = "300",
	    .doc = "Seconds the code lives." },
	{ MEMBER_AS(struct verification, resend_in_s, "resend_in"), .example = "60",
	    .doc = "Seconds until another may be asked for." },
	{ MEMBER(struct verification, otp), .flags = FIELD_OMIT,
	    .doc = "The code itself: only on a development server, or for test recipients." },
	{ 0 },
};

const struct schema verification_schema = {
	.name = "Verification",
	.size = sizeof(struct verification),
	.fields = verification_fields,
	.doc = "A one-time code is on its way. The same for known and unknown people.",
};
