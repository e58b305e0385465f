/* A reply as bytes (RFC 9112): the status line and the fields; the body follows as it is. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "api/api.h"

/** response_has_body() - may a reply with @status carry content? */
bool response_has_body(int status);

/**
 * response_head() - everything up to and with the blank line
 * @arena: the bytes live here
 * @reply: its headers are printed as given; one that holds a line end is left out and logged
 * @date:  for the Date field
 * @close: say "Connection: close"
 */
struct str response_head(
    struct arena *arena, const struct api_reply *reply, struct str date, bool close);

#endif
