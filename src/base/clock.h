/*
 * Where time and randomness come from: one pointer the simulation engine replaces. Nothing else
 * in the program calls time(2), clock_gettime(2) or getrandom(2).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/defs.h"

struct world {
	int64_t (*wall_us)(void); /* microseconds since 1970, UTC; may jump */
	int64_t (*mono_us)(
	    void); /* microseconds, only forward; for deadlines and limits in memory */
	void (*random)(void *p, size_t n); /* CSPRNG; aborts rather than give weak bytes */
};

/** The source in use; real unless a test says otherwise. */
extern const struct world *world;
/** The real one: the kernel's clocks and getrandom. */
extern const struct world world_real;

static inline int64_t now_wall_us(void)
{
	return world->wall_us();
}

static inline int64_t now_mono_us(void)
{
	return world->mono_us();
}

static inline void random_bytes(void *p, size_t n)
{
	world->random(p, n);
}

/**
 * thread_cpu_us() - CPU time this thread has used. Real in every world: work that was done was
 * done, whatever the clock on the wall says.
 */
int64_t thread_cpu_us(void);

/** random_below() - uniform in [0, @n), without modulo bias; @n > 0. */
uint32_t random_below(uint32_t n);

/** TIME_TEXT_SIZE - room time_format() needs, with the NUL. */
#define TIME_TEXT_SIZE 32
/** time_format() - @wall_us as RFC 3339 UTC with microseconds, "2026-11-21T20:15:00.123456Z". */
void time_format(int64_t wall_us, char out[TIME_TEXT_SIZE]);
/** time_parse() - read RFC 3339 with any offset; false when it is not that. */
bool time_parse(const char *s, size_t len, int64_t *ret_us);
/** time_http() - @wall_us as an HTTP date (RFC 9110 5.6.7). */
void time_http(int64_t wall_us, char out[TIME_TEXT_SIZE]);

#endif
