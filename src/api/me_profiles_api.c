/* What clients and vendors say about themselves. */
#include "api/tables.h"
#include "service/typed_profile.h"

/*
 * The same members in what is read and in what is patched, which has the profile at its start.
 * Written once; each table gives its own flags.
 */
/* clang-format off */
#define CLIENT_MEMBER(m) .name = #m, .type = FIELD_STR, .offset = offsetof(struct client_profile, m)
#define CLIENT_FIELDS(how) \
	{ CLIENT_MEMBER(shipping_name), .flags = (how), .max = 150, .example = "Ada Obi", \
	    .doc = "Who takes the parcel." }, \
	{ CLIENT_MEMBER(shipping_phone), .flags = (how), .max = 64, \
	    .doc = "Their number, E.164." }, \
	{ CLIENT_MEMBER(shipping_address), .flags = (how), .max = 300, .doc = "Street address." }, \
	{ CLIENT_MEMBER(shipping_city), .flags = (how), .max = 100, .example = "Lagos", \
	    .doc = "City." }, \
	{ CLIENT_MEMBER(shipping_state), .flags = (how), .max = 100, .doc = "State or province." }, \
	{ CLIENT_MEMBER(shipping_postcode), .flags = (how), .max = 20, .doc = "Postcode." }, \
	{ CLIENT_MEMBER(shipping_country), .flags = (how), .max = 2, \
	    .doc = "ISO 3166-1 alpha-2 code." }, \
	{ CLIENT_MEMBER(clothing_size), .flags = (how), .max = 50, .doc = "As they put it." }, \
	{ CLIENT_MEMBER(shoe_size), .flags = (how), .max = 50, .doc = "As they put it." }, \
	{ CLIENT_MEMBER(measurements), .flags = (how), .max = 1000, .doc = "As they put them." }, \
	{ CLIENT_MEMBER(style_preferences), .flags = (how), .max = 1000, \
	    .doc = "What they like to wear." }

#define VENDOR_MEMBER(m) .name = #m, .type = FIELD_STR, .offset = offsetof(struct vendor_profile, m)
#define VENDOR_FIELDS(how) \
	{ VENDOR_MEMBER(store_name), .flags = (how), .max = 150, .example = "Ada's Atelier", \
	    .doc = "Name of the store." }, \
	{ VENDOR_MEMBER(slug), .flags = (how), .max = 64, .example = "adas-atelier", \
	    .pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", .doc = "Its name in addresses; one store's only." }, \
	{ VENDOR_MEMBER(description), .flags = (how), .max = 2000, .doc = "About the store." }, \
	{ VENDOR_MEMBER(logo_url), .flags = (how), .max = 2000, .format = "uri", \
	    .doc = "Picture: an https:// address." }, \
	{ VENDOR_MEMBER(website_url), .flags = (how), .max = 2000, .format = "uri", \
	    .doc = "Its own site: an https:// address." }, \
	{ VENDOR_MEMBER(business_name), .flags = (how), .max = 150, .doc = "As registered." }, \
	{ VENDOR_MEMBER(business_address), .flags = (how), .max = 300, .doc = "As registered." }, \
	{ VENDOR_MEMBER(business_country), .flags = (how), .max = 2, \
	    .doc = "ISO 3166-1 alpha-2 code." }, \
	{ VENDOR_MEMBER(support_email), .flags = (how), .max = 254, .format = "email", \
	    .doc = "Where customers write to." }, \
	{ VENDOR_MEMBER(support_phone), .flags = (how), .max = 64, \
	    .doc = "Where customers call, E.164." }, \
	{ VENDOR_MEMBER(payout_reference), .flags = (how), .max = 200, \
	    .doc = "The payment provider's name for where their money goes." }
/* clang-format on */

static const struct field client_fields[] = {
	CLIENT_FIELDS(FIELD_NULLABLE),
	{ MEMBER_TIME(struct client_view, created_at_us, "created_at"), .doc = "When it began." },
	{ MEMBER_TIME(struct client_view, updated_at_us, "updated_at"),
	    .doc = "When it last changed; null: never." },
	{ 0 },
};
const struct schema client_schema = {
	.name = "ClientProfile",
	.size = sizeof(struct client_view),
	.fields = client_fields,
	.doc = "What a client says about themselves.",
};

static const struct field client_patch_fields[] = { CLIENT_FIELDS(FIELD_CLEARABLE), { 0 } };
static const struct schema client_patch_schema = {
	.name = "ClientProfilePatch",
	.size = sizeof(struct client_profile),
	.fields = client_patch_fields,
	.doc = "What to change. What is not named stays; null clears (RFC 7396).",
};

static const struct field vendor_fields[] = {
	VENDOR_FIELDS(FIELD_NULLABLE),
	{ MEMBER(struct vendor_view, verification_state), .example = "unverified",
	    .doc = "unverified, pending, verified or rejected; the staff's to change." },
	{ MEMBER_TIME(struct vendor_view, created_at_us, "created_at"), .doc = "When it began." },
	{ MEMBER_TIME(struct vendor_view, updated_at_us, "updated_at"),
	    .doc = "When it last changed; null: never." },
	{ 0 },
};
const struct schema vendor_schema = {
	.name = "VendorProfile",
	.size = sizeof(struct vendor_view),
	.fields = vendor_fields,
	.doc = "What a vendor says about their store.",
};

static const struct field vendor_patch_fields[] = { VENDOR_FIELDS(FIELD_CLEARABLE), { 0 } };
static const struct schema vendor_patch_schema = {
	.name = "VendorProfilePatch",
	.size = sizeof(struct vendor_profile),
	.fields = vendor_patch_fields,
	.doc = "What to change. What is not named stays; null clears (RFC 7396).",
};

_Static_assert(
    offsetof(struct client_view, profile) == 0 && offsetof(struct vendor_view, profile) == 0,
    "a view begins with what is patched");

static enum err client_get(struct request *rq, const void *in, void *ret_out)
{
	(void)in;
	return client_profile_read(rq, ret_out);
}

static enum err client_patch(struct request *rq, const void *in, void *ret_out)
{
	return client_profile_update(rq, in, ret_out);
}

static enum err vendor_get(struct request *rq, const void *in, void *ret_out)
{
	(void)in;
	return vendor_profile_read(rq, ret_out);
}

static enum err vendor_patch(struct request *rq, const void *in, void *ret_out)
{
	return vendor_profile_update(rq, in, ret_out);
}

#define PROFILE_ROUTE                                                                         \
	.tag = "Account", .auth = AUTH_BEARER, .throttle = THROTTLE_ADAPTIVE, .success = 200, \
	.versioned = true, .errors = (const enum err[])                                       \
	{                                                                                     \
		ERR_NOT_FOUND, OK                                                             \
	}

const struct route me_profile_routes[] = {
	{
	    PROFILE_ROUTE,
	    .method = METHOD_GET,
	    .path = "me/client/",
	    .operation = "me_client",
	    .message = TEXT_OK,
	    .summary = "Read your client profile",
	    .doc = "Where parcels go, sizes, taste. Whoever never was a client has none.",
	    .reply = &client_schema,
	    .handler = client_get,
	},
	{
	    PROFILE_ROUTE,
	    .method = METHOD_PATCH,
	    .path = "me/client/",
	    .operation = "me_client_update",
	    .message = TEXT_PROFILE_UPDATED,
	    .log_tag = "CLIENT PROFILE",
	    .summary = "Change your client profile",
	    .doc = "A merge patch: what is not named stays, null clears.",
	    .body = &client_patch_schema,
	    .reply = &client_schema,
	    .handler = client_patch,
	},
	{
	    PROFILE_ROUTE,
	    .method = METHOD_GET,
	    .path = "me/vendor/",
	    .operation = "me_vendor",
	    .message = TEXT_OK,
	    .summary = "Read your vendor profile",
	    .doc = "The store. Whoever never was a vendor has none.",
	    .reply = &vendor_schema,
	    .handler = vendor_get,
	},
	{
	    PROFILE_ROUTE,
	    .method = METHOD_PATCH,
	    .path = "me/vendor/",
	    .operation = "me_vendor_update",
	    .message = TEXT_PROFILE_UPDATED,
	    .log_tag = "VENDOR PROFILE",
	    .summary = "Change your vendor profile",
	    .doc = "A merge patch: what is not named stays, null clears. A slug somebody else has "
		   "is refused.",
	    .body = &vendor_patch_schema,
	    .reply = &vendor_schema,
	    .handler = vendor_patch,
	},
	{ 0 },
};
