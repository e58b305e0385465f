/*
 * Where rows of the outbox go: e-mail, SMS, and the configured receivers of events. Each has its
 * own share of the relay and rests on its own when it is down, so that none holds up another.
 */
#ifndef OUTBOX_SINK_H
#define OUTBOX_SINK_H

#include "crypto/hmac.h"
#include "outbox/outbox.h"

#define WEBHOOKS_MAX 8
/** SINKS_MAX - e-mail, SMS and the webhooks. */
#define SINKS_MAX (2 + WEBHOOKS_MAX)
/** SINK_SECRETS_MAX - one in use, and another while receivers are told of it. */
#define SINK_SECRETS_MAX 2

enum sink_kind {
	SINK_EMAIL,
	SINK_SMS,
	SINK_WEBHOOK,
};

struct sink {
	struct str name; /* as the rows have it: "email", "webhook:shop" */
	enum sink_kind kind;
	struct str url;      /* webhooks only, as is the rest up to n_keys */
	struct str own_name; /* "shop" */
	struct str events;   /* outbox_config.webhook_events: which of them are meant for it */
	bool chooses;        /* it is named there, so it does not get all */
	struct hmac_key keys[SINK_SECRETS_MAX];
	size_t n_keys;

	/* The relay's. */
	unsigned in_flight;    /* atomic */
	unsigned failures;     /* atomic: in a row, of the sink rather than of a message */
	int64_t rest_until_us; /* atomic; wall clock */
};

struct sinks {
	struct sink v[SINKS_MAX];
	size_t n;
};

/**
 * sinks_init() - e-mail, SMS and what @config lists
 * @arena: owns the names
 *
 * Returns: OK, or ERR_VALIDATION_FAILED with a sentence that names the setting in @ret_problem.
 * sinks_done() either way: it wipes the keys.
 */
MUST_CHECK enum err sinks_init(struct sinks *sinks, const struct outbox_config *config,
    struct arena *arena, struct str *ret_problem);
void sinks_done(struct sinks *sinks);

/** sink_wants() - does this sink get events of @type? */
bool sink_wants(const struct sink *sink, struct str type);
/** sink_room() - how many deliveries may begin now. */
int64_t sink_room(const struct sink *sink, int64_t now_us);
/** sink_worked(), sink_failed() - it takes deliveries, or it is down and rests for a while. */
void sink_worked(struct sink *sink);
void sink_failed(struct sink *sink, int64_t rest_until_us);
/** sink_failures() - how often in a row it has failed. */
unsigned sink_failures(const struct sink *sink);

#endif
