/* What stands before every handler, in this order: headers, query, access token, throttle,
 * permission. */
#include "api/api_priv.h"
#include "service/audit_report.h"
#include "service/authorize.h"
#include "service/session.h"

#define MAX_REQUEST_ID 64
#define MAX_USER_AGENT 512
#define MAX_DEVICE_ID 128
#define MAX_DEVICE_TOKEN 1024
#define MAX_IDEMPOTENCY_KEY 128
#define MAX_LANGUAGE_TAG 35 /* RFC 5646 4.4.1 */

static const struct str header_names[HEADER_COUNT] = {
	[HEADER_ACCEPT_LANGUAGE] = STR_INIT("accept-language"),
	[HEADER_AUTHORIZATION] = STR_INIT("authorization"),
	[HEADER_CONTENT_ENCODING] = STR_INIT("content-encoding"),
	[HEADER_CONTENT_TYPE] = STR_INIT("content-type"),
	[HEADER_COOKIE] = STR_INIT("cookie"),
	[HEADER_FORWARDER] = STR_INIT("x-cloakroom-forwarder"),
	[HEADER_FORWARDER_ADDRESS] = STR_INIT("x-cloakroom-client-address"),
	[HEADER_FORWARDER_USER_AGENT] = STR_INIT("x-cloakroom-client-user-agent"),
	[HEADER_DEVICE_ID] = STR_INIT("x-device-id"),
	[HEADER_DEVICE_TOKEN] = STR_INIT("x-cloakroom-device"),
	[HEADER_IDEMPOTENCY_KEY] = STR_INIT("idempotency-key"),
	[HEADER_IF_MATCH] = STR_INIT("if-match"),
	[HEADER_ORIGIN] = STR_INIT("origin"),
	[HEADER_REQUEST_ID] = STR_INIT("x-request-id"),
	[HEADER_USER_AGENT] = STR_INIT("user-agent"),
};

/* Where the first of several is as good as any: nothing is decided by these. */
static const bool may_repeat[HEADER_COUNT] = {
	[HEADER_ACCEPT_LANGUAGE] = true,
	[HEADER_DEVICE_ID] = true,
	[HEADER_REQUEST_ID] = true,
	[HEADER_USER_AGENT] = true,
};

static void pick_header(struct call *call, const struct api_header *h)
{
	for (size_t k = 0; k < HEADER_COUNT; k++) {
		if (!str_eq_nocase(h->name, header_names[k]))
			continue;
		if (!call->headers[k].ptr)
			call->headers[k] = h->value.ptr ? h->value : STR("");
		else if (!may_repeat[k])
			call->header_repeated = true;
		return;
	}
}

static bool is_visible(struct str s, size_t max)
{
	if (str_empty(s) || s.len > max)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
			return false;
	return true;
}

static bool is_word(struct str s, size_t max, const char *also)
{
	if (str_empty(s) || s.len > max)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || !strchr(also, c)))
			return false;
	}
	return true;
}

/* "q=0.8" in thousandths (RFC 9110 12.4.2); 1000 when there is none, 0 when it is not one. */
static int weight_of(struct str parameters)
{
	struct str q = str_trim(parameters);
	int weight = 0, unit = 100;

	if (str_empty(q))
		return 1000;
	if (!str_starts(q, STR("q=")) || q.len < 3)
		return 0;
	if (q.ptr[2] == '1')
		return 1000;
	for (size_t i = 4; i < q.len && unit > 0; i++, unit /= 10)
		if (q.ptr[i] >= '0' && q.ptr[i] <= '9')
			weight += (q.ptr[i] - '0') * unit;
	return weight;
}

static struct str preferred_language(struct str header)
{
	struct str best = STR_NULL, piece;
	int best_weight = 0;

	while (str_next_token(&header, ',', &piece)) {
		struct str tag = STR_NULL;
		int weight;

		if (!str_next_token(&piece, ';', &tag))
			continue;
		tag = str_trim(tag);
		weight = weight_of(piece);
		if (weight > best_weight && is_word(tag, MAX_LANGUAGE_TAG, "-")) {
			best = tag;
			best_weight = weight;
		}
	}
	return best;
}

static void identify_device(struct call *call)
{
	struct request *rq = call->rq;

	if (is_visible(call->headers[HEADER_DEVICE_ID], MAX_DEVICE_ID))
		rq->device_id = call->headers[HEADER_DEVICE_ID];
	if (is_visible(call->headers[HEADER_DEVICE_TOKEN], MAX_DEVICE_TOKEN))
		rq->device_token = call->headers[HEADER_DEVICE_TOKEN];
	rq->user_agent = client_is_forwarder(call) ? call->headers[HEADER_FORWARDER_USER_AGENT]
						   : call->headers[HEADER_USER_AGENT];
	rq->user_agent = str_upto(rq->user_agent, MAX_USER_AGENT);
}

static enum err identify_retry(struct call *call)
{
	struct str key = call->headers[HEADER_IDEMPOTENCY_KEY];

	if (!key.ptr)
		return OK;
	if (!is_visible(key, MAX_IDEMPOTENCY_KEY)) {
		(void)fault(call->rq, ERR_VALIDATION_FAILED, "Idempotency-Key");
		return request_refuse_field(
		    call->rq, STR("Idempotency-Key"), TEXT_IDEMPOTENCY_KEY_INVALID, NULL, 0);
	}
	call->rq->idempotency_key = key;
	return OK;
}

/*
 * Addresses end up in logs, histories and Referer fields; a secret that came in one is refused
 * loudly, so that whoever wrote the client notices on the first day.
 */
static enum err refuse_secret_query(struct call *call)
{
	static const char *const secrets[] = { "token", "access", "access_token", "refresh",
		"refresh_token", "id_token", "mfa_token", "password", "new_password",
		"current_password", "otp" };
	struct str rest = call->in->query, pair;

	while (str_next_token(&rest, '&', &pair)) {
		ssize_t equals = str_find(pair, '=');
		struct str name = equals < 0 ? pair : str_upto(pair, (size_t)equals);

		if (!url_decode(call->rq->arena, name, true, &name))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
			if (!str_eq_nocase(name, str_of(secrets[i])))
				continue;
			(void)fault(call->rq, ERR_VALIDATION_FAILED, "a secret in the query");
			return request_refuse_field(
			    call->rq, str_of(secrets[i]), TEXT_FIELD_IN_QUERY, NULL, 0);
		}
	}
	return OK;
}

enum err gates_identify(struct call *call)
{
	struct request *rq = call->rq;
	const struct api_request *in = call->in;
	enum err r;

	for (size_t i = 0; i < in->n_headers; i++)
		pick_header(call, &in->headers[i]);
	if (is_word(call->headers[HEADER_REQUEST_ID], MAX_REQUEST_ID, "._-"))
		rq->id = call->headers[HEADER_REQUEST_ID];
	else
		rq->id = uuid_str(rq->arena, uuid_v4());
	rq->client = client_find(call);
	rq->body = in->body;
	rq->cookies = call->headers[HEADER_COOKIE];
	if (call->headers[HEADER_ACCEPT_LANGUAGE].len > 0)
		rq->locale = preferred_language(call->headers[HEADER_ACCEPT_LANGUAGE]);
	identify_device(call);
	rq->if_match = etag_parse(call->headers[HEADER_IF_MATCH]);
	if (call->header_repeated)
		return fault(rq, ERR_BAD_REQUEST, "a header that counts came twice");
	r = identify_retry(call);
	if (r == OK && in->query.len > 0)
		r = refuse_secret_query(call);
	return r;
}

/* RFC 6750 2.1, the scheme in any case. False when there is no bearer token at all. */
static bool bearer_token(const struct call *call, struct secret *ret)
{
	struct str value = call->headers[HEADER_AUTHORIZATION], token;

	if (!str_eq_nocase(str_upto(value, 6), STR("bearer")) ||
	    (value.len > 6 && value.ptr[6] != ' '))
		return false;
	token = str_trim(str_from(value, 6));
	*ret = secret_of(token);
	return true;
}

static enum err authenticate_service(const struct call *call)
{
	struct secret credential;

	if (!bearer_token(call, &credential))
		return fault(call->rq, ERR_TOKEN_MISSING, "no service credential");
	return audit_report_service(call->rq, credential, &call->rq->calling_service);
}

static enum err authenticate(const struct call *call)
{
	struct secret token;

	if (call->route->auth == AUTH_NONE)
		return OK;
	if (call->route->auth == AUTH_SERVICE)
		return authenticate_service(call);
	if (bearer_token(call, &token))
		return session_authenticate(call->rq, token);
	if (call->route->auth == AUTH_OPTIONAL)
		return OK;
	return fault(call->rq, ERR_TOKEN_MISSING, "no bearer token");
}

enum err gates_admit(struct call *call)
{
	enum err r = authenticate(call);

	/* Burst and sustained rates count a subject that only the service knows. */
	if (r == OK && call->route->throttle == THROTTLE_ADAPTIVE)
		r = throttle_adaptive(call->rq, call->rq->operation);
	if (r == OK)
		r = authorize_impersonated(call->rq, call->route->method == METHOD_GET);
	if (r == OK && call->route->permission != PERM_NONE)
		r = authorize(call->rq, call->route->permission);
	return r;
}
