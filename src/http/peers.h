/* How many connections each client network has open, so that one cannot take them all. */
#ifndef HTTP_PEERS_H
#define HTTP_PEERS_H

#include "rt/request.h"

struct peers;
struct peer;

/** peers_new() - at most @cap connections each; 0: no bound. Any thread may use it. */
struct peers *peers_new(unsigned cap);
void peers_free(struct peers **peers);

/**
 * peers_enter() - count a connection from @address in
 * @ret: hand it to peers_leave() when the connection closes
 *
 * Returns: false when the network has its share already.
 */
MUST_CHECK bool peers_enter(
    struct peers *peers, const struct client_address *address, struct peer **ret);
void peers_leave(struct peers *peers, struct peer *peer);

#endif
