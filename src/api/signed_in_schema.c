#include "api/tables.h"

/*
 * What signs a person in answers, and what a refresh answers: the same struct, of which the second
 * shows only the tokens.
 */
#define TOKENS(m, wire) MEMBER_AS(struct signed_in_reply, who.tokens.m, wire)
#define TOKENS_TIME(m, wire) MEMBER_TIME(struct signed_in_reply, who.tokens.m, wire)

static const struct field signed_in_fields[] = {
	{ TOKENS(access, "access"), .example = EXAMPLE_JWT,
	    .doc = "Access token, a JWT; send it as Authorization: Bearer." },
	{ TOKENS(refresh, "refresh"), .example = EXAMPLE_JWT,
	    .doc = "Refresh token; each use gives a new one." },
	{ MEMBER(struct signed_in_reply, token_type), .example = "Bearer",
	    .doc = "Always Bearer." },
	{ TOKENS(expires_in_s, "expires_in"), .example = "300",
	    .doc = "Seconds the access token lives." },
	{ TOKENS_TIME(access_expires_at_us, "access_expires_at"), .doc = "When it ends." },
	{ TOKENS_TIME(refresh_expires_at_us, "refresh_expires_at"),
	    .doc = "When the refresh token ends if it is not used." },
	{ MEMBER_AS(struct signed_in_reply, who.device, "device"), .example = "AQIDBAUGBwgJ",
	    .doc = "Proof that this person signed in from this device; send it back as "
		   "X-Cloakroom-Device when they log in again." },
	{ .name = "user",
	    .type = FIELD_OBJECT,
	    .offset = offsetof(struct signed_in_reply, who.user),
	    .sub = &user_schema,
	    .doc = "Who signed in." },
	{ 0 },
};
const struct schema signed_in_schema = {
	.name = "SignedIn",
	.size = sizeof(struct signed_in_reply),
	.fields = signed_in_fields,
	.doc = "A session has begun.",
};

static const struct field token_pair_fields[] = {
	{ TOKENS(access, "access"), .example = EXAMPLE_JWT, .doc = "New access token." },
	{ TOKENS(refresh, "refresh"), .example = EXAMPLE_JWT,
	    .doc = "New refresh token; the one sent is used up." },
	{ MEMBER(struct signed_in_reply, token_type), .example = "Bearer",
	    .doc = "Always Bearer." },
	{ TOKENS(expires_in_s, "expires_in"), .example = "300",
	    .doc = "Seconds the access token lives." },
	{ TOKENS_TIME(access_expires_at_us, "access_expires_at"), .doc = "When it ends." },
	{ TOKENS_TIME(refresh_expires_at_us, "refresh_expires_at"),
	    .doc = "When the refresh token ends if it is not used." },
	{ 0 },
};
const struct schema token_pair_schema = {
	.name = "TokenPair",
	.size = sizeof(struct signed_in_reply),
	.fields = token_pair_fields,
	.doc = "The session goes on.",
};
