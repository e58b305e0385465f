/* struct request: its arenas, and how a failure is noted in it. */
#include "rt/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define SECRETS_FIRST 1024
/* Arenas of ended requests a thread keeps for the next ones, by kind. */
#define CACHE_MAX 32

struct cache {
	struct arena *free[CACHE_MAX];
	unsigned count;
};

static __thread struct cache cache[2];
static __thread bool cache_registered;
static pthread_key_t cache_key;
static pthread_once_t cache_once = PTHREAD_ONCE_INIT;

static void cache_empty(void *arg)
{
	struct cache *c = arg;

	for (size_t kind = 0; kind < ARRAY_LEN(cache); kind++)
		while (c[kind].count > 0)
			arena_free(&c[kind].free[--c[kind].count]);
}

/* The first thread ends with the process, without its keys' destructors. */
static void cache_empty_own(void)
{
	cache_empty(cache);
}

static void cache_key_make(void)
{
	pthread_key_create(&cache_key, cache_empty);
	atexit(cache_empty_own);
}

static struct arena *arena_get(enum arena_kind kind)
{
	struct cache *c = &cache[kind];

	if (c->count > 0)
		return c->free[--c->count];
	return arena_new(kind, kind == ARENA_WIPING ? SECRETS_FIRST : 0);
}

static void arena_put(struct arena **a, enum arena_kind kind)
{
	struct cache *c;

	if (!*a)
		return;
	arena_reset(*a); /* its deferred calls may use this cache too */
	if (!cache_registered) {
		/* Empties the cache when the thread ends. */
		pthread_once(&cache_once, cache_key_make);
		pthread_setspecific(cache_key, cache);
		cache_registered = true;
	}
	c = &cache[kind];
	if (c->count == CACHE_MAX) {
		arena_free(a);
		return;
	}
	c->free[c->count++] = *a;
	*a = NULL;
}

void request_init(struct request *rq, struct service *service, int64_t deadline_us)
{
	*rq = (struct request){
		.arena = arena_get(ARENA_PLAIN),
		.secrets = arena_get(ARENA_WIPING),
		.service = service,
		.deadline_us = deadline_us,
		.arrived_us = now_mono_us(),
		.now_us = now_wall_us(),
		.engine = rt_engine(),
	};
	rq->field_errors_tail = &rq->field_errors;
}

void request_done(struct request *rq)
{
	/* What is deferred in the plain arena may still look at a secret. */
	arena_put(&rq->arena, ARENA_PLAIN);
	arena_put(&rq->secrets, ARENA_WIPING);
}

enum err fault_at(struct request *rq, enum err e, const char *file, int line, const char *fmt, ...)
{
	char text[512];
	va_list args;

	if (rq->fault.err != OK)
		return e;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	rq->fault = (struct fault){
		.err = e,
		.file = file,
		.line = line,
		.detail = str_dup(rq->arena, str_of(text)),
	};
	return e;
}

bool request_accepts(const struct request *rq, int64_t version)
{
	const struct if_match *m = &rq->if_match;

	if (!m->given || m->any)
		return true;
	for (size_t i = 0; i < m->n; i++)
		if (m->versions[i] == version)
			return true;
	return false;
}

enum err request_refuse_field(
    struct request *rq, struct str field, enum text text, const struct str *args, size_t n)
{
	struct field_error *error = ARENA_NEW(rq->arena, struct field_error);

	error->field = str_dup(rq->arena, field);
	error->text = text_format(rq->arena, rq->locale, text, args, n);
	*rq->field_errors_tail = error;
	rq->field_errors_tail = &error->next;
	return fault(rq, ERR_VALIDATION_FAILED, "%.*s refused", STR_ARG(field));
}
