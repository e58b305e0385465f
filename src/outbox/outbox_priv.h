/* The parts of the outbox; for this folder only. */
#ifndef OUTBOX_OUTBOX_PRIV_H
#define OUTBOX_OUTBOX_PRIV_H

#include "outbox/mime.h"
#include "outbox/outbox.h"
#include "outbox/sink.h"
#include "outbox/templates.h"
#include "rt/rt.h"

struct inbox;

struct outbox {
	struct outbox_config config;
	struct outbox_deps deps;
	struct arena *arena; /* the templates' */
	struct templates *templates;
	struct mailbox from;
	struct sinks sinks;
	struct inbox *inbox; /* NULL without dev_inbox */

	/* The relay. */
	struct rt_sem wake;
	int64_t
	    sms_rest_until_us; /* atomic; monotonic: when the first gateway is tried first again */
	int rung;              /* atomic: a wake is on its way already */
	struct outbox_gauges gauges; /* each member atomic */
};

/** payload_seal() - a message's personal part as it is stored; in rq->arena. */
struct str payload_seal(
    struct request *rq, const struct data_key *key, const struct message *message);
/**
 * payload_unseal() - the other way; @ret lives in rq->secrets
 *
 * Returns: OK, or ERR_FORBIDDEN: nobody can read it any more.
 */
MUST_CHECK enum err payload_unseal(
    struct request *rq, const struct outbox_row *row, struct message *ret);

/** struct attempt - what became of one delivery. */
struct attempt {
	enum err result;        /* OK; ERR_FORBIDDEN: never; else worth a retry */
	struct str problem;     /* a sentence without secrets or identifiers */
	int64_t retry_after_us; /* the other side asked for so long; 0: it did not say */
	bool sink_down;         /* it is not about this row: others need not be tried now */
};

/** message_deliver() - unseal, render and send one mail or SMS. */
MAY_YIELD struct attempt message_deliver(
    struct outbox *o, struct request *rq, const struct outbox_row *row, int64_t deadline_us);
/** webhook_send() - POST one event to @sink, signed. */
MAY_YIELD struct attempt webhook_send(struct outbox *o, const struct sink *sink, struct request *rq,
    const struct outbox_row *row, int64_t deadline_us);
/** sms_send() - one POST to the first gateway that takes it. */
MAY_YIELD struct attempt sms_send(
    struct outbox *o, struct request *rq, struct str to, struct str text, int64_t deadline_us);

/** backoff_us() - how long to wait after the failure number @attempts (from 0). */
int64_t backoff_us(const struct outbox_config *config, int64_t attempts);

/** inbox_new() - an empty ring of messages; inbox_free() - NULL is fine. */
struct inbox *inbox_new(void);
void inbox_free(struct inbox **inbox);
/** inbox_keep() - copies @item, once for each @id. */
void inbox_keep(struct inbox *inbox, struct uuid id, const struct inbox_item *item);
void inbox_list(struct inbox *inbox, struct arena *arena, struct str to, struct inbox_item **ret,
    size_t *ret_n);

#endif
