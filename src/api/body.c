#include "api/api_priv.h"

/*
 * A browser sends application/json to another origin only after asking (a preflight); forms and
 * text it sends unasked. So a form is taken from no browser but those of the listed origins, and
 * text/plain from nobody: otherwise any page could act with what the browser holds.
 */
enum media {
	MEDIA_JSON,
	MEDIA_FORM,
	MEDIA_MULTIPART,
	MEDIA_OTHER,
};

static struct str unquoted(struct str s)
{
	if (s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"')
		return (struct str){ s.ptr + 1, s.len - 2 };
	return s;
}

static enum media media_of(struct str type)
{
	static const struct {
		struct str name;
		enum media media;
	} known[] = {
		{ STR_INIT("application/json"), MEDIA_JSON },
		{ STR_INIT("application/x-www-form-urlencoded"), MEDIA_FORM },
		{ STR_INIT("multipart/form-data"), MEDIA_MULTIPART },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq_nocase(type, known[i].name))
			return known[i].media;
	return MEDIA_OTHER;
}

/* Parameters other than charset=utf-8 and boundary change nothing and are ignored. */
static enum media media_parse(struct str header, struct str *ret_boundary)
{
	struct str parameter = STR_NULL;
	enum media media;

	if (!str_next_token(&header, ';', &parameter))
		return MEDIA_OTHER;
	media = media_of(str_trim(parameter));
	while (str_next_token(&header, ';', &parameter)) {
		ssize_t equals = str_find(parameter, '=');
		struct str name, value;

		if (equals < 0)
			continue;
		name = str_trim(str_upto(parameter, (size_t)equals));
		value = unquoted(str_trim(str_from(parameter, (size_t)equals + 1)));
		if (str_eq_nocase(name, STR("charset")) && !str_eq_nocase(value, STR("utf-8")))
			return MEDIA_OTHER;
		if (str_eq_nocase(name, STR("boundary")))
			*ret_boundary = value;
	}
	if (media == MEDIA_MULTIPART && (ret_boundary->len < 1 || ret_boundary->len > 70))
		return MEDIA_OTHER;
	return media;
}

enum err body_parse(const struct call *call, const struct schema *schema, const struct json **ret)
{
	struct request *rq = call->rq;
	struct str text = call->in->body, boundary = STR_NULL;
	struct str origin = call->headers[HEADER_ORIGIN];
	enum media media;
	enum err r = OK;

	*ret = NULL;
	if (str_empty(text))
		return OK;
	media = media_parse(call->headers[HEADER_CONTENT_TYPE], &boundary);
	if (media == MEDIA_OTHER)
		return fault(rq, ERR_UNSUPPORTED_MEDIA_TYPE, "content type");
	if (!str_empty(call->headers[HEADER_CONTENT_ENCODING]) &&
	    !str_eq_nocase(call->headers[HEADER_CONTENT_ENCODING], STR("identity")))
		return fault(rq, ERR_UNSUPPORTED_MEDIA_TYPE, "content encoding");
	if (media != MEDIA_JSON && origin.ptr && !cors_origin_listed(call->api, origin))
		return fault(rq, ERR_UNSUPPORTED_MEDIA_TYPE, "form from an origin not listed");
	rq->is_form = media != MEDIA_JSON;
	if (media == MEDIA_FORM)
		r = form_urlencoded(rq->secrets, text, schema, &text);
	else if (media == MEDIA_MULTIPART)
		r = form_multipart(rq->secrets, text, boundary, schema, &text);
	if (r == OK)
		r = json_parse(rq->secrets, text, ret);
	return r == OK ? OK : fault(rq, r, "body");
}
