/*
 * An api for the tests of http: what a path asks for is all it does.
 *
 *	/inline/… /worker/… /coroutine/…    where it runs; "/uniform/…" is a worker's, held
 *	…/echo     "METHOD path?query body"
 *	…/wait     the same once fake_api_open() was called; heeds no deadline
 *	…/big?n    n bytes
 *	…/empty    204
 *	…/split    a header that holds a line end
 */
#ifndef TESTS_UNIT_HTTP_FAKE_API_H
#define TESTS_UNIT_HTTP_FAKE_API_H

#include "api/api.h"

struct api {
	const char *name; /* sent as "Server" */
	struct rt_latch gate;
	/* Atomics. */
	unsigned begun;      /* calls of api_handle() */
	unsigned cancelled;  /* of those that waited: the client had gone */
	unsigned refused;    /* calls of api_refuse() */
	int64_t arrived_us;  /* of the last request handled */
	int64_t finished_us; /* when it was */
};

void fake_api_init(struct api *api, const char *name);
void fake_api_done(struct api *api);
/** fake_api_open() - let everything that waits, or will, go on. */
void fake_api_open(struct api *api);

#endif
