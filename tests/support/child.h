/*
 * A Python helper run beside a test, which tells what happens to it as JSON lines on a pipe. The
 * pipe holds 64 KiB: a helper that is not listened to stops.
 */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <stdio.h>

#include "base/arena.h"
#include "base/json.h"

struct child {
	pid_t pid;
	int in; /* closing it asks the child to end */
	FILE *out;
	struct arena *arena; /* the lines read so far */
	uint16_t port;
};

/**
 * child_start() - run tests/support/@script with @args (NULL ends them) and read its "ready" line
 *
 * Aborts with a sentence when it does not come up.
 */
void child_start(struct child *c, const char *script, const char *const *args);
void child_stop(struct child *c);
/** child_event() - the next line whose "event" is @name; those before it are passed over. */
const struct json *child_event(struct child *c, const char *name);
/** child_text() - member @name of an event. */
struct str child_text(const struct json *event, const char *name);

#endif
