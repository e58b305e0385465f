#include "base/clock.h"
#include "outbox/outbox_priv.h"

/* "2026-11-21 20:15 UTC", which reads the same in every language. */
static struct str time_text(struct arena *arena, int64_t at_us)
{
	char text[TIME_TEXT_SIZE];

	time_format(at_us, text);
	return str_printf(arena, "%.10s %.5s UTC", text, text + 11);
}

static struct str minutes_text(struct arena *arena, const struct outbox_row *row)
{
	int64_t minutes;

	if (row->expires_at_us == 0)
		return STR_NULL;
	minutes = (row->expires_at_us - row->created_at_us + US_PER_MIN / 2) / US_PER_MIN;
	return str_printf(arena, "%lld", minutes > 1 ? (long long)minutes : 1LL);
}

static bool render(struct outbox *o, struct request *rq, const struct outbox_row *row,
    const struct message *m, struct rendered *ret)
{
	const struct template_order order = {
		.channel = m->channel,
		.kind = m->kind,
		.locale = m->locale,
		.values = { {
		    [VAR_CODE] = m->code,
		    [VAR_LINK] = m->link,
		    [VAR_NAME] = m->name,
		    [VAR_PRODUCT] = o->config.product,
		    [VAR_DETAIL] = m->detail,
		    [VAR_MINUTES] = minutes_text(rq->arena, row),
		    [VAR_TIME] = time_text(rq->arena, row->created_at_us),
		} },
	};

	return templates_render(o->templates, rq->secrets, &order, ret);
}

static void keep(struct outbox *o, const struct outbox_row *row, const struct message *m,
    const struct rendered *words)
{
	const struct inbox_item item = {
		.to = m->to,
		.channel = channel_name(m->channel),
		.subject = words->subject,
		.text = words->text,
		.code = m->code,
		.link = m->link,
		.at_us = now_wall_us(),
	};

	inbox_keep(o->inbox, row->event_id, &item);
}

MAY_YIELD static struct attempt send_mail(struct outbox *o, struct request *rq,
    const struct outbox_row *row, const struct message *m, const struct rendered *words,
    int64_t deadline_us)
{
	const struct mime_mail mail = {
		.from = o->from,
		.to = m->to,
		.subject = words->subject,
		.text = words->text,
		.html = words->html,
		.id = row->event_id,
		.at_us = row->created_at_us,
	};
	const struct net_mail out = {
		.url = o->config.smtp_url,
		.from = o->from.address,
		.to = m->to,
		.message = mime_build(rq->secrets, &mail),
	};
	struct attempt attempt = { 0 };
	long code;

	attempt.result = net_send_mail(o->deps.net, rq, &out, deadline_us, &code, &attempt.problem);
	return attempt;
}

static struct attempt never(struct str problem)
{
	return (struct attempt){ .result = ERR_FORBIDDEN, .problem = problem };
}

MAY_YIELD struct attempt message_deliver(
    struct outbox *o, struct request *rq, const struct outbox_row *row, int64_t deadline_us)
{
	struct message m;
	struct rendered words;
	struct str url;

	if (payload_unseal(rq, row, &m) != OK)
		return never(STR("Its key is gone; nobody can read it."));
	if (!render(o, rq, row, &m, &words))
		return never(STR("There is no template for it."));
	if (o->inbox)
		keep(o, row, &m, &words);
	url = m.channel == CHANNEL_SMS ? o->config.sms[0].url : o->config.smtp_url;
	if (str_empty(url) && o->inbox)
		return (struct attempt){ .result = OK };
	if (str_empty(url))
		return (struct attempt){
			.result = ERR_UNAVAILABLE,
			.problem = STR("No server is configured for it."),
		};
	if (m.channel == CHANNEL_SMS)
		return sms_send(o, rq, m.to, words.text, deadline_us);
	return send_mail(o, rq, row, &m, &words, deadline_us);
}
