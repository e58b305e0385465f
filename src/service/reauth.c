#include "service/reauth.h"

#include "base/log.h"
#include "service/audit.h"
#include "service/password.h"
#include "service/throttle.h"

static bool has_password(const struct account *account)
{
	struct str encoded = account->row.password;

	return !str_empty(encoded) && encoded.ptr[0] != '!';
}

static enum err refuse_password(struct request *rq)
{
	struct audit_entry entry = {
		.event = STR("user.reauth_failed"),
		.outcome = ERR_INVALID_CREDENTIALS,
		.subject = rq->account,
		.session = &rq->actor.session_id,
	};
	enum err e = audit_write(rq, &entry);

	if (e != OK)
		return e;
	return request_refuse_field(rq, STR("password"), TEXT_PASSWORD_WRONG, NULL, 0);
}

static enum err check_password(struct request *rq, struct secret password)
{
	const struct user_row *user = &rq->account->row;
	bool match = false;
	enum err e = password_check_length(rq, STR("password"), password);

	if (e == OK)
		e = password_room(rq);
	if (e == OK)
		e = throttle_identifier(
		    rq, STR("reauth"), &user->identifier_index, 1, THROTTLE_TRIES_PASSWORD);
	if (e == OK)
		e = password_verify(rq, password, user->password, &match);
	if (e != OK)
		return e;
	if (!match)
		return refuse_password(rq);
	if (throttle_forgive(rq, &user->identifier_index, 1) != OK)
		log_debug("guesses were not forgiven");
	return OK;
}

enum err reauth_check(struct request *rq, struct secret password, enum reauth want)
{
	int64_t since_us = rq->now_us - rq->actor.auth_time_us;

	if (password.len > 0)
		return check_password(rq, password);
	if (want == REAUTH_PASSWORD && has_password(rq->account))
		return fault(rq, ERR_REAUTH_REQUIRED, "no password came along");
	if (since_us > rq->service->config.reauth_age_us)
		return fault(rq, ERR_REAUTH_REQUIRED, "signed in too long ago");
	return OK;
}
