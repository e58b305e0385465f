/*
 * Everything a process opens before it can call a service: data directory, lock, keys, store,
 * lanes. `serve` builds the server on it; commands run on it alone. Opened in order, closed in
 * reverse.
 */
#ifndef MAIN_CORE_H
#define MAIN_CORE_H

#include "main/config.h"

enum core_mode {
	CORE_READ,  /* read the store beside whoever writes it */
	CORE_WRITE, /* a command that writes while no server runs */
	CORE_SERVE,
};

struct core {
	enum core_mode mode;
	struct config *config; /* owned by the arenas, and so are the sentences */
	struct arena *arena, *secrets;
	int dir_fd, lock_fd; /* -1: not open */
	struct service service;
};

/**
 * core_open() - open what @mode needs
 * @core:        filled in; to be closed whatever is returned
 * @config:      lives as long as @core
 * @arena:       for what is opened
 * @secrets:     a wiping arena, likewise
 * @ret_problem: on failure a sentence
 *
 * Returns: OK; ERR_CONFLICT when CORE_WRITE finds a server running; else ERR_UNAVAILABLE.
 */
MUST_CHECK enum err core_open(struct core *core, enum core_mode mode, struct config *config,
    struct arena *arena, struct arena *secrets, struct str *ret_problem);
void core_close(struct core *core);

/**
 * core_read_keys() - the ring of a configuration read again, if it fits the open database
 * @arena, @secrets: for what is read; @ret does not depend on them
 *
 * Returns: OK with one reference in @ret, or an error with a sentence.
 */
MUST_CHECK enum err core_read_keys(struct core *core, struct config *config, struct arena *arena,
    struct arena *secrets, struct keyring **ret, struct str *ret_problem);

/** core_request() - a request of @operation on the core, as of now; the caller ends it. */
void core_request(struct core *core, struct request *rq, struct str operation, int64_t deadline_us);

#endif
