/* Listening sockets: opening them, and accepting on loop 0 without ever spinning. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include "http/http_priv.h"

/** listener_open() - bind and listen; ERR_UNAVAILABLE, with the reason logged, when it cannot. */
MUST_CHECK enum err listener_open(struct http_listener *l, const char *host, uint16_t port);
/** listener_start() - accept on loop 0; before its thread runs, or on it. */
void listener_start(struct http_listener *l);
/** listener_drain() - let no new client in, take those that are, then stop; on loop 0's thread. */
void listener_drain(struct http_listener *l);
/** listener_stop() - stop accepting and close the socket; on loop 0's thread; safe twice. */
void listener_stop(struct http_listener *l);
/** listener_close() - close the socket; no thread may be using it. */
void listener_close(struct http_listener *l);

#endif
