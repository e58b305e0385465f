#include "service/password.h"

#include "base/clock.h"

/* A password made of the person's own identifier: refused when it contains the part before "@". */
static bool contains_nocase(struct str hay, struct str needle)
{
	if (needle.len < 4)
		return false;
	for (size_t i = 0; i + needle.len <= hay.len; i++)
		if (str_eq_nocase(str_bytes(hay.ptr + i, needle.len), needle))
			return true;
	return false;
}

enum err password_check_policy(
    struct request *rq, struct str field, struct secret password, const struct identifier *own)
{
	const struct service_config *config = &rq->service->config;
	struct str text = secret_reveal(password);
	struct str bound;

	if (text.len > config->password_max) {
		bound = str_printf(rq->arena, "%u", config->password_max);
		return request_refuse_field(rq, field, TEXT_PASSWORD_TOO_LONG, &bound, 1);
	}
	if (str_utf8_length(text) < config->password_min) {
		bound = str_printf(rq->arena, "%u", config->password_min);
		return request_refuse_field(rq, field, TEXT_PASSWORD_TOO_SHORT, &bound, 1);
	}
	if (own) {
		ssize_t at = str_find_last(own->canonical, '@');
		struct str name = at < 0 ? own->canonical : str_upto(own->canonical, (size_t)at);

		if (contains_nocase(text, name))
			return request_refuse_field(
			    rq, field, TEXT_PASSWORD_IS_IDENTIFIER, NULL, 0);
	}
	return OK;
}

static struct pwhash_caller caller_of(const struct request *rq)
{
	return (struct pwhash_caller){
		.deadline_us = rq->deadline_us,
		.cancelled = &rq->cancelled,
	};
}

/* Notes what the hash cost and, when the lane is full, when to come back. */
static enum err hashed(struct request *rq, int64_t since_us, enum err e)
{
	rq->hash_us += now_mono_us() - since_us;
	if (e == ERR_OVERLOADED)
		rq->retry_after_us = lane_retry_after_us(rq->service->hash_lane);
	return e;
}

enum err password_hash(struct request *rq, struct secret password, struct str *ret)
{
	struct pwhash_caller caller = caller_of(rq);
	int64_t since_us = now_mono_us();

	return hashed(
	    rq, since_us, pwhash_create(rq->service->pwhash, rq->arena, password, &caller, ret));
}

enum err password_verify(
    struct request *rq, struct secret password, struct str encoded, bool *ret_match)
{
	struct pwhash_caller caller = caller_of(rq);
	int64_t since_us = now_mono_us();

	return hashed(rq, since_us,
	    pwhash_verify(rq->service->pwhash, password, encoded, &caller, ret_match));
}
