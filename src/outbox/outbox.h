/*
 * What leaves the house: e-mail, SMS and events, as rows written in the caller's transaction and
 * relayed in the background at least once, in order per user and sink. A reply never waits for
 * delivery; an expired code is never sent.
 */
#ifndef OUTBOX_OUTBOX_H
#define OUTBOX_OUTBOX_H

#include "crypto/seal.h"
#include "net/http_client.h"
#include "store/outbox_store.h"

struct outbox;

enum channel {
	CHANNEL_EMAIL,
	CHANNEL_SMS,
};

/** channel_name() - as in the database and on the wire. */
struct str channel_name(enum channel c); /* "email", "sms" */

/** enum sms_kind - how a gateway wants to be told. */
enum sms_kind {
	SMS_TWILIO, /* https://SID:TOKEN@api.twilio.com/2010-04-01/Accounts/SID/Messages.json */
	SMS_TERMII, /* https://:KEY@v3.api.termii.com/api/sms/send */
	SMS_AFRICAS_TALKING, /* https://USERNAME:KEY@api.africastalking.com/version1/messaging */
	SMS_TEMPLATE,        /* as @body says */
};

struct sms_gateway {
	struct str url; /* with its credentials; empty: there is none */
	struct str from;
	enum sms_kind kind;
	/*
	 * SMS_TEMPLATE: a JSON object, or else a form, with {to} {digits} (to without its +) {from}
	 * {text} {user} and {key}. User and key are the URL's.
	 */
	struct str body;
};

/** SMS_GATEWAYS - one, and another for when it fails. */
#define SMS_GATEWAYS 2

struct outbox_config {
	struct str smtp_url;  /* see net_send_mail(); empty: no e-mail leaves (but see dev_inbox) */
	struct str mail_from; /* "Cloakroom <no-reply@example.com>", or the bare address */
	struct sms_gateway sms[SMS_GATEWAYS];
	struct str
	    templates;      /* directory that overrides the built-in ones, by file; may be empty */
	struct str product; /* name in messages: "Fashionistar" */
	bool dev_inbox;     /* keep what was sent, for GET /dev/inbox/ */
	/*
	 * Receivers of events, as lists of NAME=VALUE: their URLs, one or two secrets each
	 * ("whsec_" and base64), and which events they get ("user.*"); not named there: all.
	 */
	struct str webhook_urls, webhook_events;
	struct secret webhook_secrets;
	int64_t webhook_timeout_us; /* for one reply; 0: 15 s */
	int64_t lease_us; /* a delivery's time, and how long a crash keeps its row back; 0: 60 s */
	/* Back-off after a failure, doubling from the first to the last, with jitter; 0: 5 s, 15
	 * min. */
	int64_t first_retry_us, last_retry_us;
	int64_t max_attempts; /* then dead; 0: 12 */
};

/** struct outbox_deps - what the relay works with; all outlive the outbox. */
struct outbox_deps {
	struct store *store;
	struct net *net;
	/** keys_of() - a reference to the ring in use now; the relay drops it after the delivery.
	 */
	struct keyring *(*keys_of)(void *arg);
	void *keys_arg;
};

/**
 * outbox_new() - check and load the templates
 * @config:      its strs must live as long as the outbox
 * @ret_problem: on failure a sentence for the operator, in @arena
 *
 * Returns: OK, or ERR_INTERNAL when a template is broken or unknown, mail_from no address, or the
 * webhooks are not what outbox_check_webhooks() accepts.
 */
MUST_CHECK enum err outbox_new(const struct outbox_config *config, const struct outbox_deps *deps,
    struct arena *arena, struct outbox **ret, struct str *ret_problem);
/** outbox_free() - after rt_background_stop(), which ends the relay; NULL is fine. */
void outbox_free(struct outbox **o);

/** outbox_check_webhooks() - a sentence for what is wrong with them, or the empty str. */
struct str outbox_check_webhooks(struct arena *arena, const struct outbox_config *config);

/** outbox_can_send() - is there a sink for this channel? */
bool outbox_can_send(const struct outbox *o, enum channel c);

/** struct message - one mail or SMS from a template; goes into its row sealed. */
struct message {
	enum channel channel;
	struct str kind; /* template: "verification_code", "already_registered", "new_device" … */
	struct str to;   /* as the person typed it */
	struct str name; /* how to address them; may be empty */
	struct str locale;
	struct str code;       /* one-time code; may be empty */
	struct str link;       /* may be empty */
	struct str detail;     /* one more value a template may show, e.g. when and from where */
	int64_t expires_at_us; /* not sent after; 0: never */
};

/** struct event_field - one member of an event's payload. Ids and flags, never identifiers. */
struct event_field {
	struct str name;
	struct str value;
};

/**
 * outbox_draft_message() - make the sealed row, before the transaction
 * @user, @key: whose key seals it; NULL both: the system's
 */
void outbox_draft_message(const struct outbox *o, struct request *rq, const struct uuid *user,
    const struct data_key *key, const struct message *message, struct outbox_row *ret);
/**
 * outbox_append_event() - one row for each sink that wants @type; none configured, no row
 * @type:   one that event.c lists and docs/events.md describes
 * @user:   whose events it is in order with; nil: nobody's
 */
MUST_CHECK enum err outbox_append_event(const struct outbox *o, struct tx *tx, struct str type,
    struct uuid user, int64_t at_us, const struct event_field *fields, size_t n);
/** A message's row is appended with outbox_insert(). */

/** outbox_ring() - rows were committed: look now rather than at the next poll. Any thread. */
void outbox_ring(struct outbox *o);
/** outbox_start() - the relay, on the background loop. */
MUST_CHECK enum err outbox_start(struct outbox *o);

/** struct inbox_item - what --dev kept of one message. */
struct inbox_item {
	struct str to, channel, subject, text, code, link;
	int64_t at_us;
};
/** outbox_inbox() - newest first, optionally only to @to; copies in @arena. */
void outbox_inbox(
    struct outbox *o, struct arena *arena, struct str to, struct inbox_item **ret, size_t *ret_n);

/** struct outbox_gauges - rows since the start, by what became of them. */
struct outbox_gauges {
	uint64_t delivered, retried, dead, expired;
};
struct outbox_gauges outbox_gauges(const struct outbox *o);

#endif
