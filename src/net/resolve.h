/* Names to addresses, without holding up a loop. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "base/arena.h"
#include "rt/lane.h"

/**
 * net_resolve() - the addresses of @host, as text, in the order the resolver gives
 * @blocking: lane for the look-up; NULL: the calling thread does it
 *
 * An address in numbers is its own answer, without a look-up.
 *
 * Returns: OK; ERR_UNAVAILABLE when there is none; ERR_OVERLOADED, ERR_DEADLINE, ERR_SHUTDOWN.
 */
MAY_YIELD MUST_CHECK enum err net_resolve(struct lane *blocking, struct arena *arena,
    const char *host, int64_t deadline_us, const char ***ret, size_t *ret_n);

#endif
