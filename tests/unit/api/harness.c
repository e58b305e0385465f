#include "tests/unit/api/harness.h"

#include "base/clock.h"

static struct service no_service;

struct api *api_for_test(const struct api_config *config)
{
	struct api_config plain = { .abort_on_undeclared = true };

	fake_reset();
	return api_new(config ? config : &plain, &no_service, NULL);
}

static enum method method_of(struct str text)
{
	static const char *const names[] = {
		[METHOD_GET] = "GET",
		[METHOD_HEAD] = "HEAD",
		[METHOD_POST] = "POST",
		[METHOD_PUT] = "PUT",
		[METHOD_PATCH] = "PATCH",
		[METHOD_DELETE] = "DELETE",
		[METHOD_OPTIONS] = "OPTIONS",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(text, str_of(names[i])))
			return (enum method)i;
	return METHOD_OTHER;
}

static void add_headers(struct api_request *rq, struct api_header *headers, const char *text)
{
	struct str rest = str_of(text), line;

	while (str_next_token(&rest, '\n', &line)) {
		ssize_t colon = str_find(line, ':');

		headers[rq->n_headers].name = str_upto(line, (size_t)colon);
		headers[rq->n_headers].value = str_trim(str_from(line, (size_t)colon + 1));
		rq->n_headers++;
	}
}

void exchange_run(struct api *api, const struct exchange_in *in, struct exchange *x)
{
	struct api_header headers[32];
	struct api_request request = { .headers = headers, .body = str_of(in->body) };
	struct str target = str_of(in->path);
	ssize_t question = str_find(target, '?');

	*x = (struct exchange){ .json = NULL };
	request.method_text = str_of(in->method ? in->method : in->body ? "POST" : "GET");
	request.method = method_of(request.method_text);
	request.path = question < 0 ? target : str_upto(target, (size_t)question);
	request.query = question < 0 ? STR("") : str_from(target, (size_t)question + 1);
	assert_true(client_address_parse(str_of(in->peer ? in->peer : "192.0.2.1"), &request.peer));
	if (in->headers)
		add_headers(&request, headers, in->headers);
	if (in->body && !(in->headers && strcasestr(in->headers, "content-type:")))
		add_headers(&request, headers, "Content-Type: application/json");
	request_init(&x->rq, &no_service, now_mono_us() + 10 * US_PER_S);
	api_match(api, &request, &x->match);
	api_handle(api, &x->rq, &request, &x->match, &x->reply);
	if (str_ends(x->reply.content_type, STR("json")))
		assert_int_equal(json_parse(x->rq.arena, x->reply.body, &x->json), OK);
}

void exchange_done(struct exchange *x)
{
	request_done(&x->rq);
}

struct str reply_header(const struct exchange *x, const char *name)
{
	for (size_t i = 0; i < x->reply.n_headers; i++)
		if (str_eq(x->reply.headers[i].name, str_of(name)))
			return x->reply.headers[i].value;
	return STR_NULL;
}

static const struct json *json_at(const struct json *v, const char *const *path)
{
	for (; v && *path; path++)
		v = json_get(v, *path);
	return v;
}

struct str json_string_at(const struct json *v, const char *const *path)
{
	v = json_at(v, path);
	return v ? json_string(v) : STR_NULL;
}

bool json_has_at(const struct json *v, const char *const *path)
{
	v = json_at(v, path);
	return v && json_type(v) != JSON_TYPE_NULL;
}

struct str reply_error(const struct exchange *x, const char *field)
{
	const struct json *list = json_at(x->json, (const char *const[]){ "errors", field, NULL });

	if (!list || json_array_length(list) == 0)
		return STR_NULL;
	return json_string(json_array_at(list, 0));
}
