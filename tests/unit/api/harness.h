/* One request through api_match() and api_handle(), without a socket. */
#ifndef TESTS_UNIT_API_HARNESS_H
#define TESTS_UNIT_API_HARNESS_H

#include "tests/unit/test.h"

#include "api/api_priv.h"
#include "tests/unit/api/fake_service.h"

/** struct exchange - a request and what came of it; exchange_done() frees it. */
struct exchange {
	struct request rq;
	struct api_match match;
	struct api_reply reply;
	const struct json *json; /* the reply's body, when it is JSON */
};

struct exchange_in {
	const char *method;  /* NULL: GET, or POST with a body */
	const char *path;    /* with its query */
	const char *headers; /* "Name: value" lines; NULL: none */
	const char *body;    /* with Content-Type: application/json unless headers name one */
	const char *peer;    /* NULL: 192.0.2.1 */
};

/** api_for_test() - an api over the fake services. */
struct api *api_for_test(const struct api_config *config);
void exchange_run(struct api *api, const struct exchange_in *in, struct exchange *x);
void exchange_done(struct exchange *x);

/** reply_header() - value of a reply header, the empty str when absent. */
struct str reply_header(const struct exchange *x, const char *name);
/** reply_text() - a string in the reply's JSON, by members: reply_text(x, "data", "user", "role").
 */
#define reply_text(x, ...) json_string_at((x)->json, (const char *const[]){ __VA_ARGS__, NULL })
/** reply_has() - is there something, not null, at these members? */
#define reply_has(x, ...) json_has_at((x)->json, (const char *const[]){ __VA_ARGS__, NULL })
struct str json_string_at(const struct json *v, const char *const *path);
bool json_has_at(const struct json *v, const char *const *path);
/** reply_error() - the first sentence about @field; the empty str when it is not named. */
struct str reply_error(const struct exchange *x, const char *field);

#endif
