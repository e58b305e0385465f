#include "service/impersonation.h"

#include "service/session.h"
#include "service/user_change.h"

/* Whoever is looked at can ask why. */
static bool draft_message(struct request *rq, const struct account *account, struct outbox_row *ret)
{
	enum channel channel = account->row.kind == IDENTIFIER_EMAIL ? CHANNEL_EMAIL : CHANNEL_SMS;
	const struct message message = {
		.channel = channel,
		.kind = STR("impersonated"),
		.to = account->identifier,
		.name = account->profile.first_name,
		.locale = account_locale(rq, account),
	};

	if (!outbox_can_send(rq->service->outbox, channel))
		return false;
	outbox_draft_message(
	    rq->service->outbox, rq, &account->row.id, &account->key, &message, ret);
	return true;
}

enum err impersonate(
    struct request *rq, struct uuid id, struct str reason, struct impersonation *ret)
{
	struct session_row session;
	struct token_pair tokens;
	struct outbox_row message;
	struct user_change change = {
		.kind = CHANGE_NOTHING,
		.event = STR("user.impersonated"),
		.reason = reason,
		.begins = &session,
	};
	struct account *account;
	enum err e = account_read(rq, id, &account);

	if (e != OK)
		return e;
	session_impersonate(rq, account, &session, &tokens);
	change.account = account;
	change.session = &session.id;
	if (draft_message(rq, account, &message))
		change.message = &message;
	e = user_change(rq, &change);
	if (e != OK)
		return e;
	ret->access = tokens.access;
	ret->expires_in_s = tokens.expires_in_s;
	ret->expires_at_us = tokens.access_expires_at_us;
	ret->session_id = session.id;
	staff_view(rq, account, &ret->user);
	return OK;
}
