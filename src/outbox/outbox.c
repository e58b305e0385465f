#include "outbox/outbox.h"

#include <assert.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "outbox/event.h"
#include "outbox/outbox_priv.h"

struct str channel_name(enum channel c)
{
	return c == CHANNEL_SMS ? STR("sms") : STR("email");
}

static void set_defaults(struct outbox_config *config)
{
	if (config->lease_us <= 0)
		config->lease_us = US_PER_MIN;
	if (config->first_retry_us <= 0)
		config->first_retry_us = 5 * US_PER_S;
	if (config->last_retry_us <= 0)
		config->last_retry_us = 15 * US_PER_MIN;
	if (config->max_attempts <= 0)
		config->max_attempts = 12;
	if (config->webhook_timeout_us <= 0)
		config->webhook_timeout_us = 15 * US_PER_S;
}

struct str outbox_check_webhooks(struct arena *arena, const struct outbox_config *config)
{
	struct str problem = STR_NULL;
	struct sinks sinks;
	enum err r = sinks_init(&sinks, config, arena, &problem);

	sinks_done(&sinks);
	return r == OK ? STR_NULL : problem;
}

enum err outbox_new(const struct outbox_config *config, const struct outbox_deps *deps,
    struct arena *arena, struct outbox **ret, struct str *ret_problem)
{
	struct outbox *o = calloc(1, sizeof(*o));
	enum err r;

	if (!o)
		die("out of memory");
	o->config = *config;
	o->deps = *deps;
	o->arena = arena_new(ARENA_PLAIN, 0);
	rt_sem_init(&o->wake, 0);
	set_defaults(&o->config);
	r = templates_load(o->arena, config->templates, &o->templates, ret_problem);
	if (r == OK && !str_empty(config->smtp_url) &&
	    !mailbox_parse(config->mail_from, &o->from)) {
		*ret_problem = STR("mail.from is no address; write \"Name <local@domain>\".");
		r = ERR_INTERNAL;
	}
	if (r == OK && sinks_init(&o->sinks, config, o->arena, ret_problem) != OK)
		r = ERR_INTERNAL;
	if (r != OK) {
		*ret_problem = str_dup(arena, *ret_problem);
		outbox_free(&o);
		return r;
	}
	if (config->dev_inbox)
		o->inbox = inbox_new();
	*ret = o;
	return OK;
}

void outbox_free(struct outbox **o)
{
	if (!*o)
		return;
	inbox_free(&(*o)->inbox);
	sinks_done(&(*o)->sinks);
	rt_sem_done(&(*o)->wake);
	arena_free(&(*o)->arena);
	free(*o);
	*o = NULL;
}

bool outbox_can_send(const struct outbox *o, enum channel c)
{
	return o->inbox || !str_empty(c == CHANNEL_SMS ? o->config.sms[0].url : o->config.smtp_url);
}

void outbox_draft_message(const struct outbox *o, struct request *rq, const struct uuid *user,
    const struct data_key *key, const struct message *message, struct outbox_row *ret)
{
	(void)o;
	assert((user == NULL) == (key == NULL));
	*ret = (struct outbox_row){
		.event_id = uuid_v7(),
		.sink = channel_name(message->channel),
		.kind = message->kind,
		.has_user = user != NULL,
		.payload = payload_seal(rq, key, message),
		.created_at_us = rq->now_us,
		.expires_at_us = message->expires_at_us,
		.state = STR("pending"),
		.next_at_us = rq->now_us,
	};
	if (user)
		ret->user_id = *user;
}

static enum err insert_event(
    struct tx *tx, const struct sink *sink, const struct event *event, struct str payload)
{
	const struct outbox_row row = {
		.event_id = event->id,
		.sink = sink->name,
		.kind = event->type,
		.has_user = !uuid_is_nil(event->user),
		.user_id = event->user,
		.payload = payload,
		.created_at_us = event->at_us,
		.next_at_us = event->at_us,
	};

	return outbox_insert(tx, &row);
}

enum err outbox_append_event(const struct outbox *o, struct tx *tx, struct str type,
    struct uuid user, int64_t at_us, const struct event_field *fields, size_t n)
{
	const struct event event = {
		.id = uuid_v7(),
		.type = type,
		.user = user,
		.at_us = at_us,
		.fields = fields,
		.n_fields = n,
	};
	struct str payload = STR_NULL;
	enum err r = OK;

	for (size_t i = 0; r == OK && i < o->sinks.n; i++) {
		if (!sink_wants(&o->sinks.v[i], type))
			continue;
		if (str_empty(payload))
			payload = event_encode(tx_arena(tx), &event);
		r = insert_event(tx, &o->sinks.v[i], &event, payload);
	}
	return r;
}

void outbox_ring(struct outbox *o)
{
	if (!__atomic_exchange_n(&o->rung, 1, __ATOMIC_ACQ_REL))
		rt_sem_post(&o->wake);
}

void outbox_inbox(
    struct outbox *o, struct arena *arena, struct str to, struct inbox_item **ret, size_t *ret_n)
{
	*ret = NULL;
	*ret_n = 0;
	if (o->inbox)
		inbox_list(o->inbox, arena, to, ret, ret_n);
}

struct outbox_gauges outbox_gauges(const struct outbox *o)
{
	return (struct outbox_gauges){
		.delivered = __atomic_load_n(&o->gauges.delivered, __ATOMIC_RELAXED),
		.retried = __atomic_load_n(&o->gauges.retried, __ATOMIC_RELAXED),
		.dead = __atomic_load_n(&o->gauges.dead, __ATOMIC_RELAXED),
		.expired = __atomic_load_n(&o->gauges.expired, __ATOMIC_RELAXED),
	};
}
