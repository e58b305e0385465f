/*
 * What clients and vendors say about themselves beside the common profile: one row each, sealed
 * under the person's key. Whoever changes role keeps the other one.
 */
#ifndef SERVICE_TYPED_PROFILE_H
#define SERVICE_TYPED_PROFILE_H

#include "service/account.h"
#include "service/fields.h"

struct client_profile {
	struct str shipping_name, shipping_phone, shipping_address, shipping_city, shipping_state;
	struct str shipping_postcode, shipping_country;
	struct str clothing_size, shoe_size, measurements, style_preferences;
};

struct client_view {
	struct client_profile profile;
	int64_t created_at_us, updated_at_us; /* updated: 0 when never */
};

struct vendor_profile {
	struct str store_name, slug, description, logo_url, website_url;
	struct str business_name, business_address, business_country;
	struct str support_email, support_phone, payout_reference;
};

struct vendor_view {
	struct vendor_profile profile;
	struct str verification_state; /* the staff's */
	int64_t created_at_us, updated_at_us;
};

/**
 * client_profile_read() - the signed-in person's
 *
 * rq->version is set. Returns: OK, ERR_NOT_FOUND (never was a client), machine errors.
 */
MAY_YIELD MUST_CHECK enum err client_profile_read(struct request *rq, struct client_view *ret);
/**
 * client_profile_update() - change what @patch names: no pointer stays, empty clears
 *
 * Returns: OK, ERR_NOT_FOUND, ERR_VALIDATION_FAILED, ERR_PRECONDITION_FAILED, machine errors.
 */
MAY_YIELD MUST_CHECK enum err client_profile_update(
    struct request *rq, const struct client_profile *patch, struct client_view *ret);

/** vendor_profile_read(), vendor_profile_update() - likewise; a slug is one vendor's only. */
MAY_YIELD MUST_CHECK enum err vendor_profile_read(struct request *rq, struct vendor_view *ret);
MAY_YIELD MUST_CHECK enum err vendor_profile_update(
    struct request *rq, const struct vendor_profile *patch, struct vendor_view *ret);

#endif
