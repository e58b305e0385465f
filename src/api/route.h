/*
 * A route is declared once, as one row of const data. Matcher, decoder, encoder, gates, OpenAPI,
 * docs, fuzzer and HTTP tests all read the same row.
 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/api.h"
#include "api/schema.h"
#include "service/permissions.h"
#include "service/throttle.h"

enum auth {
	AUTH_NONE,
	AUTH_OPTIONAL, /* a good access token sets rq->actor, none is fine, a bad one is refused */
	AUTH_BEARER,   /* signed in */
	AUTH_SERVICE,  /* another service, by a credential of its own */
};

enum mount {
	MOUNT_VERSIONED, /* /api/v1/…, /api/v2/… and, where .legacy is set, /auth/… */
	MOUNT_ROOT,      /* as it stands: /healthz, /dev/inbox/ */
	MOUNT_METRICS,   /* on the metrics listener only */
};

/** struct route_example - NULL request or reply: made from the schemas' own examples. */
struct route_example {
	const char *name;    /* NULL ends the list */
	const char *request; /* JSON of the body */
	const char *reply;   /* JSON of data for a success */
};

/**
 * struct error_reply - a refusal that carries data
 *
 * When the handler returns @err, ret_out holds what @schema describes, written as the failure's
 * "data". ret_out has room for the larger of this and the reply.
 */
struct error_reply {
	enum err err; /* one of the row's .errors; OK: no refusal carries data */
	const struct schema *schema;
};

struct route {
	enum method method;
	const char *path;   /* suffix under the version, with its trailing slash: "auth/login/" */
	const char *legacy; /* whole alias, "/auth/login/", or NULL */
	enum mount mount;
	bool is_inline;        /* answered on the loop; must never park */
	bool dev_only;         /* exists only with api_config.dev */
	bool uniform;          /* answered at the next step of security.uniform_ms */
	const char *operation; /* "login": OpenAPI operationId, throttle purpose, log, audit */
	const char *tag;       /* OpenAPI group: "Sign-in" */
	/* "LOGIN": text log prints [SYNC LOGIN]. NULL: not an auth request, logged only if refused.
	 */
	const char *log_tag;
	const char *summary;
	const char *doc;
	enum auth auth;
	enum permission permission; /* the caller's role must have it; PERM_NONE: anybody's may */
	enum throttle throttle;
	int success; /* status: 200, 201; 204 has no body at all */
	enum text message;
	const struct schema *body;  /* NULL: takes none */
	const struct schema *query; /* NULL: takes none; never with a body */
	/*
	 * The {name} segment of .path, in the struct of .body or .query, or in one of its own:
	 * &(const struct field){ MEMBER(struct x, id), .doc = "…" }. A segment that is none is a
	 * 404.
	 */
	const struct field *param;
	/*
	 * The object has versions: a success carries ETag (of rq->version), and If-Match is told to
	 * the handler (rq->if_match), which answers ERR_PRECONDITION_FAILED to a stale one.
	 */
	bool versioned;
	const struct schema *reply; /* NULL: data is null (or see .raw) */
	struct error_reply error_reply;
	/**
	 * handler() - decoded body, query and segment in, reply struct out (reply->size bytes,
	 * zeroed)
	 *
	 * Returns OK or one of .errors; another error is our mistake: 500, and an abort in tests.
	 */
	enum err (*handler)(struct request *rq, const void *in, void *ret_out);
	/**
	 * raw() - instead of handler: writes the whole reply itself (schema, docs, metrics, health)
	 *
	 * .reply, where set, documents the "data" of its envelope; else .media says what it sends.
	 */
	void (*raw)(struct api *api, struct request *rq, const struct api_request *in,
	    struct api_reply *ret);
	const char *media;      /* of a raw reply without envelope: "text/html" */
	const enum err *errors; /* ends with OK; machine errors and gate errors are implied */
	const struct route_example *examples; /* NULL: one, made from the schemas */
};

/** Every table of routes, NULL-terminated; one *_api.c each. A table ends with {0}. */
extern const struct route *const route_lists[];

/** route_table_check() - sentences about what is wrong with the tables; at start and in a test. */
size_t route_table_check(struct arena *arena, struct str problems[], size_t max);

/**
 * route_may_return() - is @e one of .errors, or implied by the machine or a gate of @route?
 *
 * A handler's other errors are our mistake.
 */
bool route_may_return(const struct route *route, enum err e);

#endif
