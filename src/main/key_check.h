/*
 * Is this database sealed under the master key we were given? A MAC made with each key is kept
 * beside the data; with another key the start is refused rather than every read.
 */
#ifndef MAIN_KEY_CHECK_H
#define MAIN_KEY_CHECK_H

#include "service/service.h"

/**
 * key_check() - compare the ring with what the store remembers, and let it remember new keys
 * @rq:          with its ring set
 * @remember:    false: only compare (the store is read-only)
 * @ret_problem: a sentence, in rq->arena
 *
 * Returns: OK, ERR_CONFLICT (another key, or the first one is missing), machine errors.
 */
MAY_YIELD MUST_CHECK enum err key_check(struct request *rq, bool remember, struct str *ret_problem);

#endif
