#include "service/google.h"

#include "base/log.h"
#include "service/id_token.h"
#include "service/throttle.h"

#define SPACE STR("id-token")
/* A token that is good for longer is remembered no longer: it has another day to be refused. */
#define REMEMBER_MAX_US US_PER_DAY
#define REMEMBER_MORE_US US_PER_MIN

/* --- what was sent --- */

static enum err check_grant(
    struct request *rq, const struct provider *google, const struct code_grant *grant)
{
	enum err e = OK;

	if (grant->verifier.len == 0)
		e = request_refuse_field(rq, STR("code_verifier"), TEXT_FIELD_REQUIRED, NULL, 0);
	if (str_empty(grant->redirect_uri))
		e = request_refuse_field(rq, STR("redirect_uri"), TEXT_FIELD_REQUIRED, NULL, 0);
	else if (!list_has(google->config->redirect_uris, grant->redirect_uri))
		e = request_refuse_field(
		    rq, STR("redirect_uri"), TEXT_REDIRECT_NOT_LISTED, NULL, 0);
	return e;
}

static enum err check(
    struct request *rq, const struct provider *google, const struct google_proof *proof)
{
	bool token = proof->id_token.len > 0, code = proof->grant.code.len > 0;

	if (!google->issuer)
		return fault(rq, ERR_NOT_FOUND, "google.client_id is not set");
	if (token == code) {
		request_refuse_field(rq, STR("id_token"), TEXT_TOKEN_OR_CODE, NULL, 0);
		return request_refuse_field(rq, STR("code"), TEXT_TOKEN_OR_CODE, NULL, 0);
	}
	return code ? check_grant(rq, google, &proof->grant) : OK;
}

/* --- once only --- */

/* What was signed, not the signature: of that an ES256 token has two. */
static struct str token_hash(struct request *rq, struct str token)
{
	ssize_t dot = str_find_last(token, '.');
	struct str signed_part = str_upto(token, dot < 0 ? 0 : (size_t)dot);
	struct mac mac;

	if (!keyring_mac(rq->keys, KEY_IDEMPOTENCY, KEYRING_ACTIVE, &signed_part, 1, &mac))
		die("no active master key");
	return str_dup(rq->arena, str_bytes(mac.b, sizeof(mac.b)));
}

static enum err use_once(struct request *rq, struct str token, const struct id_claims *claims)
{
	int64_t left_us = claims->expires_at_s * US_PER_S - rq->now_us + REMEMBER_MORE_US;
	bool first = false;
	enum err e = kv_put(rq->service->kv, rq, SPACE, token_hash(rq, token), STR("1"),
	    left_us < REMEMBER_MAX_US ? left_us : REMEMBER_MAX_US, &first);

	if (e == OK && !first)
		return fault(rq, ERR_IDENTITY_INVALID, "this token has been used");
	return e;
}

/* It led nowhere: the same token may prove the same thing to the account it is to be linked to. */
static void give_back(struct request *rq, struct str token)
{
	struct str value;
	bool found;

	if (kv_take(rq->service->kv, rq, SPACE, token_hash(rq, token), &value, &found) != OK)
		log_debug("a token was not given back");
}

/* --- the proof --- */

static enum err prove(struct request *rq, const struct provider *google,
    const struct google_proof *proof, struct str *ret_token, struct proven_identity *ret)
{
	const struct id_token_rules rules = {
		.client_ids = google->config->client_ids,
		.hosted_domain = google->config->hosted_domain,
		.nonce = proof->nonce,
		.bare_issuer = true,
	};
	struct id_claims claims = { 0 };
	enum err e = OK;

	*ret_token = secret_reveal(proof->id_token);
	if (str_empty(*ret_token))
		e = provider_redeem(rq, rq->service->net, google, &proof->grant, ret_token);
	if (e == OK)
		e = id_token_verify(rq, google->issuer, *ret_token, &rules, &claims);
	if (e == OK)
		e = use_once(rq, *ret_token, &claims);
	if (e != OK)
		return e;
	*ret = (struct proven_identity){
		.provider = google->name,
		.issuer = issuer_url(google->issuer),
		.subject = claims.subject,
		.email = claims.email,
		.email_verified = claims.email_verified,
		.first_name = claims.first_name,
		.last_name = claims.last_name,
		.image_url = claims.image_url,
		.locale = claims.locale,
	};
	return OK;
}

enum err google_sign_in(struct request *rq, const struct google_proof *proof, struct signed_in *ret)
{
	const struct provider *google = &rq->service->providers[PROVIDER_GOOGLE];
	struct idempotency idempotency = idempotency_of(rq);
	struct proven_identity who;
	struct str token = STR_NULL;
	bool answered;
	enum err e = check(rq, google, proof), retry;

	if (e != OK)
		return e;
	retry = session_answer_retry(rq, &idempotency, ret, &answered);
	if (idempotency_settled(retry, answered))
		return retry;
	e = throttle_address(rq, STR("google"));
	if (e == OK)
		e = retry;
	if (e == OK)
		e = prove(rq, google, proof, &token, &who);
	if (e != OK)
		return e;
	e = identity_sign_in(rq, &who, &idempotency, ret);
	if (e != OK)
		give_back(rq, token);
	return e;
}

enum err google_link(
    struct request *rq, const struct google_proof *proof, struct identity_view *ret)
{
	const struct provider *google = &rq->service->providers[PROVIDER_GOOGLE];
	struct proven_identity who;
	struct str token = STR_NULL;
	enum err e = check(rq, google, proof);

	if (e == OK)
		e = throttle_address(rq, STR("google"));
	if (e == OK)
		e = prove(rq, google, proof, &token, &who);
	if (e != OK)
		return e;
	e = identity_link(rq, &who, ret);
	if (e != OK)
		give_back(rq, token);
	return e;
}
