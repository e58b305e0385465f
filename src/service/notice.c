#include "service/notice.h"

void notice_draft(struct request *rq, const struct account *account, struct str kind,
    struct str detail, struct notice *ret)
{
	const struct message message = {
		.channel = account->row.kind == IDENTIFIER_EMAIL ? CHANNEL_EMAIL : CHANNEL_SMS,
		.kind = kind,
		.to = account->identifier,
		/* Before the address is proven it is a stranger's word. */
		.name = account->row.is_verified ? account->profile.first_name : STR_NULL,
		.locale = account_locale(rq, account),
		.detail = detail,
	};

	*ret = (struct notice){ .present = outbox_can_send(rq->service->outbox, message.channel) };
	if (ret->present)
		outbox_draft_message(
		    rq->service->outbox, rq, &account->row.id, &account->key, &message, &ret->row);
}

enum err notice_post(struct tx *tx, const struct notice *notice)
{
	return notice->present ? outbox_insert(tx, &notice->row) : OK;
}
