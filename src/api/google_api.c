/* Sign in with Google: what the page or the app got from Google, for a session of ours. */
#include "api/api_priv.h"
#include "api/tables.h"
#include "service/google.h"

static const struct field google_fields[] = {
	{ MEMBER(struct google_body, id_token), .max = 8192, .example = EXAMPLE_JWT,
	    .doc = "ID token, from Google's library; or credential, or code." },
	{ MEMBER(struct google_body, credential), .max = 8192,
	    .doc = "The same under the name One Tap and the button give it." },
	{ MEMBER(struct google_body, code), .max = 1024,
	    .doc = "Authorization code, with code_verifier and redirect_uri." },
	{ MEMBER(struct google_body, code_verifier), .min = 43, .max = 128,
	    .doc = "PKCE verifier of the code (RFC 7636), S256." },
	{ MEMBER(struct google_body, redirect_uri), .max = 512,
	    .doc = "Where the code was sent to; one of google.redirect_uris, to the letter." },
	{ MEMBER(struct google_body, nonce), .max = 255,
	    .doc = "The nonce Google was given for this sign-in, if any; the token must have it." },
	{ MEMBER(struct google_body, g_csrf_token), .max = 255,
	    .doc = "As Google's button posts it; must equal the cookie of that name." },
	{ 0 },
};
const struct schema google_schema = {
	.name = "GoogleRequest",
	.size = sizeof(struct google_body),
	.fields = google_fields,
	.doc = "Proof of a Google account: an ID token, or a code to fetch one with.",
};

/* Any page can make a browser post a form; only Google's script on ours can set our cookie. */
static enum err match_csrf(struct request *rq, const struct google_body *body)
{
	struct str cookie = cookie_get(rq->cookies, STR("g_csrf_token"));

	if (str_empty(body->g_csrf_token) && !rq->is_form)
		return OK;
	if (!str_empty(cookie) && secret_equal(secret_of(cookie), secret_of(body->g_csrf_token)))
		return OK;
	return request_refuse_field(rq, STR("g_csrf_token"), TEXT_CSRF_MISMATCH, NULL, 0);
}

enum err google_proof_read(
    struct request *rq, const struct google_body *body, struct google_proof *ret)
{
	if (body->id_token.len > 0 && body->credential.len > 0)
		return request_refuse_field(rq, STR("credential"), TEXT_TOKEN_OR_CODE, NULL, 0);
	*ret = (struct google_proof){
		.id_token = body->id_token.len > 0 ? body->id_token : body->credential,
		.grant = { body->code, body->code_verifier, body->redirect_uri },
		.nonce = body->nonce,
	};
	return match_csrf(rq, body);
}

static enum err google_post(struct request *rq, const void *in, void *ret_out)
{
	struct signed_in_reply *reply = ret_out;
	struct google_proof proof;
	enum err r = google_proof_read(rq, in, &proof);

	reply->token_type = STR("Bearer");
	return r == OK ? google_sign_in(rq, &proof, &reply->who) : r;
}

static const struct route_example google_examples[] = {
	{ .name = "idToken", .request = "{\"id_token\":\"" EXAMPLE_JWT "\"}" },
	{ .name = "oneTap",
	    .request = "{\"credential\":\"" EXAMPLE_JWT "\",\"g_csrf_token\":\"e9a7\"}" },
	{ .name = "code",
	    .request =
		"{\"code\":\"4/0AX4XfWh\",\"code_verifier\":\"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_"
		"wW1gFWFOEjXk\",\"redirect_uri\":\"https://shop.example.com/signed-in\"}" },
	{ 0 },
};

const struct route google_routes[] = {
	{
	    .method = METHOD_POST,
	    .path = "auth/google/",
	    .legacy = "/auth/google/",
	    .operation = "google",
	    .tag = "Sign-in",
	    .log_tag = "GOOGLE",
	    .summary = "Sign in with Google",
	    .doc = "The first time opens a verified account. When an account with that address "
		   "exists already, its owner signs in to it and links this one there: "
		   "link_required says so. An ID token works once.",
	    .throttle = THROTTLE_BURST,
	    .success = 200,
	    .message = TEXT_LOGGED_IN,
	    .body = &google_schema,
	    .reply = &signed_in_schema,
	    .handler = google_post,
	    .errors = (const enum err[]){ ERR_IDENTITY_INVALID, ERR_IDENTITY_UNVERIFIED,
		ERR_LINK_REQUIRED, ERR_INVALID_CREDENTIALS, ERR_ACCOUNT_DISABLED, ERR_FORBIDDEN,
		ERR_NOT_FOUND, ERR_IDEMPOTENCY_CONFLICT, OK },
	    .examples = google_examples,
	},
	{ 0 },
};
