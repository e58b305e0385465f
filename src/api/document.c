#include "api/document.h"

/*
 * FNV-1a over the bytes, and their number: it names a version of a document of ours, nobody gains
 * by making two collide.
 */
struct str document_etag(struct arena *arena, struct str body)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < body.len; i++)
		h = (h ^ (uint8_t)body.ptr[i]) * UINT64_C(0x100000001b3);
	return str_printf(arena, "\"%016llx-%zx\"", (unsigned long long)h, body.len);
}

/* RFC 9110 13.1.2: a list of tags or "*"; compared weakly. */
static bool names(struct str if_none_match, struct str etag)
{
	struct str tag;

	while (str_next_token(&if_none_match, ',', &tag)) {
		tag = str_trim(tag);
		if (str_starts(tag, STR("W/")))
			tag = str_from(tag, 2);
		if (str_eq(tag, etag) || str_eq(tag, STR("*")))
			return true;
	}
	return false;
}

void document_page_headers(struct request *rq, struct api_reply *reply, struct str csp)
{
	api_reply_header(rq, reply, STR("Content-Security-Policy"), csp);
	api_reply_header(rq, reply, STR("X-Frame-Options"), STR("DENY"));
}

void document_reply(const struct document *d, struct request *rq, const struct api_request *in,
    struct api_reply *reply)
{
	api_reply_header(rq, reply, STR("ETag"), d->etag);
	api_reply_header(rq, reply, STR("Cache-Control"), d->cache_control);
	if (!str_empty(d->csp))
		document_page_headers(rq, reply, d->csp);
	if (names(api_header(in, STR("if-none-match")), d->etag)) {
		reply->status = 304;
		return;
	}
	reply->status = 200;
	reply->content_type = d->content_type;
	reply->body = d->body;
}
