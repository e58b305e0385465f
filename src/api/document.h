/* Bytes served as they are: with a strong entity tag, and 304 to whoever has them already. */
#ifndef API_DOCUMENT_H
#define API_DOCUMENT_H

#include "api/api.h"

struct document {
	struct str body;
	struct str content_type;
	struct str etag; /* quoted, RFC 9110 8.8.3 */
	struct str cache_control;
	struct str csp; /* of a page; empty: not one */
};

/** document_etag() - a strong tag for @body, the same in every process; in @arena. */
struct str document_etag(struct arena *arena, struct str body);
/** document_page_headers() - keep a page out of frames, and foreign scripts out of the page. */
void document_page_headers(struct request *rq, struct api_reply *reply, struct str csp);
/** document_reply() - 200 with the body, or 304 when If-None-Match names it. */
void document_reply(const struct document *d, struct request *rq, const struct api_request *in,
    struct api_reply *reply);

/** struct embedded_file - one file built into the program (tools/embed_files.py). */
struct embedded_file {
	const char *name; /* NULL ends the list */
	const char *content_type;
	const char *etag;
	const char *data;
	size_t size;
};

/** The Swagger UI, and our start-up script for it. */
extern const struct embedded_file embedded_docs[];
/** data/countries.json. */
extern const struct embedded_file embedded_countries[];

#endif
