/* What the HTTP reader makes of a stream of bytes, as text: for tests and the fuzzer. */
#ifndef TESTS_UNIT_HTTP_READING_H
#define TESTS_UNIT_HTTP_READING_H

#include "base/arena.h"
#include "http/parse.h"

/**
 * reading_of() - read @bytes as a connection would, arriving in pieces of @piece
 *
 * One line a request, "POST /a?q=1 [hello]" with "close" or "100-continue" behind it, then one
 * line a field, "Host: a". The last line says how it ended: "more", "close" or
 * "refused SLUG: reason". The text lives in @arena.
 */
struct str reading_of(
    struct arena *arena, const struct http_limits *limits, struct str bytes, size_t piece);

#endif
