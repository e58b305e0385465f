/* The gauges of every layer as Prometheus text, for the api, which sees only some of them. */
#ifndef MAIN_GAUGES_H
#define MAIN_GAUGES_H

#include "http/server.h"
#include "net/tls.h"
#include "service/service.h"

/** gauges_write() - append the gauges of http, lanes, store, kv, outbox and the process. */
/** @tls: NULL when there is none. */
void gauges_write(
    struct service *service, const struct http_server *http, struct tls *tls, struct buf *out);

#endif
