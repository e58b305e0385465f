/*
 * struct request: everything one request (or command, or background task) owns and knows about
 * itself. It is passed first to every service call; it knows no HTTP.
 */
#ifndef RT_REQUEST_H
#define RT_REQUEST_H

#include "base/arena.h"
#include "base/codec.h"
#include "base/secret.h"
#include "base/text.h"
#include "rt/rt.h"

struct service;
struct keyring;
struct account;

/** struct client_address - IPv6, or IPv4 mapped into it; all zero when there is none (CLI). */
struct client_address {
	uint8_t b[16];
};

/** client_address_text() - "203.0.113.7" or "2001:db8::1". */
struct str client_address_text(struct arena *arena, const struct client_address *a);
/** client_address_parse() - either family, without port or brackets. */
bool client_address_parse(struct str text, struct client_address *ret);
/** client_address_network() - what limits count: IPv4 whole, IPv6 cut to its /64. */
struct client_address client_address_network(const struct client_address *a);

enum role {
	ROLE_CLIENT,
	ROLE_VENDOR,
	ROLE_SUPPORT,
	ROLE_ASSISTANT,
	ROLE_REVIEWER,
	ROLE_ENHANCER,
	ROLE_STAFF,
	ROLE_ADMIN,
	ROLE_SUPERADMIN,
	ROLE_CUSTOM, /* and those after it: the [role.NAME] sections, in their order */
	ROLE_COUNT = ROLE_CUSTOM + 16,
};
#define ROLE_CUSTOM_MAX (ROLE_COUNT - ROLE_CUSTOM)

/**
 * role_install() - name the roles this installation adds, from ROLE_CUSTOM on
 * @names: @n of them, ROLE_CUSTOM_MAX at most; borrowed until the next call
 *
 * Once at start, before there are threads: afterwards the names are only read.
 */
void role_install(const struct str *names, size_t n);
/** role_exists() - a built-in role, or one that was installed? */
bool role_exists(enum role role);
/** role_name() - "client", "vendor" … as in the database and on the wire. */
struct str role_name(enum role role);
/** role_parse() - the other way; false for an unknown name. */
bool role_parse(struct str name, enum role *ret);
/** role_is_staff() - support and above, and every added one: company people. */
bool role_is_staff(enum role role);

/** struct actor - who is signed in, read from the session and user rows, never from the token. */
struct actor {
	bool present;
	struct uuid user_id;
	struct uuid session_id;
	enum role role;
	int64_t epoch;
	int64_t auth_time_us;
	struct uuid impersonator_id; /* who of the staff looks through their eyes; nil: nobody */
};

/** struct if_match - which versions of an object the caller is willing to change. */
#define IF_MATCH_MAX 8
struct if_match {
	bool given; /* false: any */
	bool any;   /* any that exists */
	int64_t versions[IF_MATCH_MAX];
	size_t n;
};

/** struct field_error - one sentence about one member of the body. */
struct field_error {
	struct field_error *next;
	struct str field; /* "email", or "non_field_errors" */
	struct str text;
};

/** struct fault - the private side of a failure: for the log and the audit row only. */
struct fault {
	enum err err;
	const char *file;
	int line;
	struct str detail;
};

struct request {
	struct arena *arena;   /* plain; everything the reply is made of */
	struct arena *secrets; /* wiping: passwords, tokens, codes */
	struct service *service;
	struct keyring *keys; /* the ring this request began with; one reference held */

	int64_t deadline_us; /* monotonic */
	int64_t arrived_us;  /* monotonic */
	int64_t now_us; /* wall clock at the start; every time the request writes is this one */
	enum engine engine;
	int cancelled; /* atomic: the client left; only what has not begun may heed it */

	struct str id;        /* X-Request-ID */
	struct str operation; /* the route's operation id, e.g. "login" */
	struct client_address client;
	struct str user_agent;
	struct str device_id;    /* X-Device-ID, opaque; stored keyed-hashed */
	struct str device_token; /* X-Cloakroom-Device */
	struct str idempotency_key;
	struct if_match if_match;
	struct str body;    /* as sent, for the idempotency hash; empty when there is none */
	struct str cookies; /* the Cookie field as sent */
	bool is_form;       /* the body is a form's, which any page can make a browser send */
	struct str locale;
	struct actor actor;
	struct str calling_service; /* which other service calls, by its credential; or empty */
	const struct account
	    *account; /* the actor's rows, unsealed (service/account.h); NULL: nobody */

	int64_t version;    /* of the object the reply shows; 0: it has none */
	struct fault fault; /* the first one */
	struct field_error *field_errors;
	struct field_error **field_errors_tail;
	int64_t
	    step_us; /* a uniform reply leaves on multiples of this, where it is the longer step */
	int64_t retry_after_us; /* set with ERR_THROTTLED, ERR_OVERLOADED, ERR_UNAVAILABLE */

	/* What it cost, for the exit line and Server-Timing. */
	int64_t hash_us;
	int64_t store_us;
	unsigned statements;
};

/**
 * request_init() - a request with empty arenas, the clocks read, the engine of this thread
 * @rq: zeroed by this call
 *
 * request_done() gives everything back.
 */
void request_init(struct request *rq, struct service *service, int64_t deadline_us);
void request_done(struct request *rq);

/**
 * fault() - note where and why, and hand @e on: return fault(rq, ERR_OTP_INVALID, "flow used");
 *
 * The detail is private; it must not hold an identifier or a secret. Only the first is kept.
 */
#define fault(rq, e, ...) fault_at((rq), (e), __FILE__, __LINE__, __VA_ARGS__)
enum err fault_at(struct request *rq, enum err e, const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(5, 6);

/** request_accepts() - is an object at @version what the caller is willing to change? */
bool request_accepts(const struct request *rq, int64_t version);

/**
 * request_refuse_field() - add a sentence to "errors"
 * @field: member of the body, "non_field_errors" for the whole
 * @text:  sentence in the text table; its {0}, {1} … are filled from @args
 *
 * Returns: ERR_VALIDATION_FAILED, to be handed on.
 */
enum err request_refuse_field(
    struct request *rq, struct str field, enum text text, const struct str *args, size_t n);

#endif
