#include "service/password.h"

#include <uninorm.h>

#include "base/clock.h"

static bool contains_nocase(struct str hay, struct str needle)
{
	for (size_t i = 0; i + needle.len <= hay.len; i++)
		if (str_eq_nocase(str_bytes(hay.ptr + i, needle.len), needle))
			return true;
	return false;
}

/* Shorter, and it might be part of any word. */
#define NAME_MIN 4
/* So much of a number is the person's own, with or without the codes before it. */
#define OWN_DIGITS 8

/*
 * Made of the person's own identifier, as typed or as folded: the whole address or the part before
 * "@", or the end of their number.
 */
static bool is_made_of(struct str password, const struct identifier *own)
{
	struct str spellings[] = { own->display, own->canonical };

	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		struct str s = spellings[i];
		ssize_t at = str_find_last(s, '@');
		size_t cut = s.len > OWN_DIGITS ? s.len - OWN_DIGITS : 0;

		if (contains_nocase(password, at < 0 ? str_from(s, cut) : s) ||
		    (at >= NAME_MIN && contains_nocase(password, str_upto(s, (size_t)at))))
			return true;
	}
	return false;
}

enum err password_check_length(struct request *rq, struct str field, struct secret password)
{
	uint32_t max = rq->service->config.password_max;
	struct str bound;

	if (password.len <= max)
		return OK;
	bound = str_printf(rq->arena, "%u", max);
	return request_refuse_field(rq, field, TEXT_PASSWORD_TOO_LONG, &bound, 1);
}

enum err password_check_policy(
    struct request *rq, struct str field, struct secret password, const struct identifier *own)
{
	const struct service_config *config = &rq->service->config;
	struct str text = secret_reveal(password_normal(rq, password));
	struct str bound;
	enum err e = password_check_length(rq, field, password);

	if (e != OK)
		return e;
	if (str_utf8_length(text) < config->password_min) {
		bound = str_printf(rq->arena, "%u", config->password_min);
		return request_refuse_field(rq, field, TEXT_PASSWORD_TOO_SHORT, &bound, 1);
	}
	if (own && is_made_of(text, own))
		return request_refuse_field(rq, field, TEXT_PASSWORD_IS_IDENTIFIER, NULL, 0);
	return OK;
}

/* --- hashing --- */

static bool is_ascii(struct secret s)
{
	uint8_t seen = 0;

	for (size_t i = 0; i < s.len; i++)
		seen |= s.ptr[i];
	return seen < 0x80;
}

struct secret password_normal(struct request *rq, struct secret password)
{
	struct secret normal = { 0 };
	uint8_t *bytes;

	if (is_ascii(password))
		return password;
	bytes = u8_normalize(UNINORM_NFC, password.ptr, password.len, NULL, &normal.len);
	if (!bytes)
		return password;
	normal.ptr = bytes;
	if (!secret_equal(normal, password))
		password = secret_copy(rq->secrets, normal);
	wipe(bytes, normal.len);
	free(bytes);
	return password;
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

enum err password_room(struct request *rq)
{
	struct lane *lane = rq->service->hash_lane;

	if (!lane_is_full(lane, pwhash_cost_us(rq->service->pwhash)))
		return OK;
	rq->retry_after_us = lane_retry_after_us(lane);
	return fault(rq, ERR_OVERLOADED, "no room for a hash");
}

enum err password_hash(struct request *rq, struct secret password, struct str *ret)
{
	struct pwhash_caller caller = caller_of(rq);
	int64_t since_us = now_mono_us();

	return hashed(rq, since_us,
	    pwhash_create(
		rq->service->pwhash, rq->arena, password_normal(rq, password), &caller, ret));
}

static enum err verify_bytes(
    struct request *rq, struct secret password, struct str encoded, bool *ret_match)
{
	struct pwhash_caller caller = caller_of(rq);
	int64_t since_us = now_mono_us();

	return hashed(rq, since_us,
	    pwhash_verify(rq->service->pwhash, password, encoded, &caller, ret_match));
}

enum err password_compare(
    struct request *rq, struct secret password, struct str encoded, enum password_match *ret)
{
	struct secret normal = password_normal(rq, password);
	bool match = false, as_sent = false;
	enum err e = verify_bytes(rq, normal, encoded, &match);

	if (e == OK && !match && normal.ptr != password.ptr)
		e = verify_bytes(rq, password, encoded, &as_sent);
	if (e != OK)
		return e;
	if (!match && !as_sent)
		*ret = PASSWORD_WRONG;
	else if (as_sent || pwhash_needs_rehash(rq->service->pwhash, encoded))
		*ret = PASSWORD_AGED;
	else
		*ret = PASSWORD_RIGHT;
	return OK;
}

enum err password_verify(
    struct request *rq, struct secret password, struct str encoded, bool *ret_match)
{
	enum password_match match;
	enum err e = password_compare(rq, password, encoded, &match);

	if (e == OK)
		*ret_match = match != PASSWORD_WRONG;
	return e;
}
