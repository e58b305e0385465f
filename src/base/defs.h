/* Small marks and helpers every file may use. */
#ifndef BASE_DEFS_H
#define BASE_DEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** MUST_CHECK: the caller may not drop this result. */
#define MUST_CHECK __attribute__((warn_unused_result))
/** MAY_YIELD: may park the calling coroutine; no lock or thread-local pointer may be held. */
#define MAY_YIELD
#define NOINLINE __attribute__((noinline))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
/** CONTAINER_OF() - the struct of type @T whose member @m is at @p. */
#define CONTAINER_OF(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

/* Time is int64_t microseconds everywhere; these make literals readable. */
#define US_PER_MS INT64_C(1000)
#define US_PER_S INT64_C(1000000)
#define US_PER_MIN (60 * US_PER_S)
#define US_PER_HOUR (60 * US_PER_MIN)
#define US_PER_DAY (24 * US_PER_HOUR)
/** No deadline: later than anything that happens. */
#define NEVER_US INT64_MAX

#endif
