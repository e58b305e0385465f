/* A connection's bytes, plain or through TLS: the calls behave like recv(2) and send(2). */
#ifndef HTTP_TRANSPORT_H
#define HTTP_TRANSPORT_H

#include "http/conn.h"

/** transport_read() - bytes, 0 when the client sends no more, -1 with errno. */
ssize_t transport_read(const struct conn *conn, void *buf, size_t size);
/** transport_write() - as much of @out, one after the other, as is taken now. */
ssize_t transport_write(const struct conn *conn, const struct str out[static 2]);
/** transport_has_more() - may be read although the socket will not say so. */
bool transport_has_more(const struct conn *conn);
/** transport_wants_write() - reading goes on when the socket takes bytes. */
bool transport_wants_write(const struct conn *conn);
/** transport_finish() - send no more; what the client still sends may be read from the socket. */
void transport_finish(const struct conn *conn);
/** transport_close() - close the socket. */
void transport_close(struct conn *conn);

#endif
