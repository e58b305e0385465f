/*
 * Events: what services outside may learn of. Which there are stands in event.c and, with the JSON
 * Schema of each, in docs/events.md; a test compares the two with what the services emit.
 */
#ifndef OUTBOX_EVENT_H
#define OUTBOX_EVENT_H

#include "outbox/outbox.h"

/** EVENT_VERSION - grows when a member changes its meaning or goes; new members do not count. */
#define EVENT_VERSION 1

/** struct event - one thing that happened, on its way to every sink that wants it. */
struct event {
	struct uuid id; /* the same for every sink and attempt: what receivers know repeats by */
	struct str type;
	struct uuid user; /* nil: nobody's */
	int64_t at_us;
	const struct event_field *fields;
	size_t n_fields;
};

/** event_encode() - the JSON a receiver gets, in @arena. */
struct str event_encode(struct arena *arena, const struct event *event);
/** event_pattern_known() - is @pattern "*", a type, or a group like "user.*" that has types? */
bool event_pattern_known(struct str pattern);
/** event_matches() - is @type one of those @pattern means? */
bool event_matches(struct str type, struct str pattern);

#endif
