#include "net/http_client.h"

#include "net/net_priv.h"

/* One request and its reply on the way in. */
struct exchange {
	struct request *rq;
	const struct net_request *in;
	struct net_reply *reply;
	struct buf body;
	bool too_large;
};

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;

	(void)size; /* always 1 */
	if (n > x->in->max_reply - x->body.len) {
		x->too_large = true;
		return 0;
	}
	buf_add(&x->body, str_bytes(data, n));
	return n;
}

static void keep_header(struct exchange *x, struct str line, struct str name, struct str *ret)
{
	if (line.len <= name.len || line.ptr[name.len] != ':' ||
	    !str_eq_nocase(str_upto(line, name.len), name))
		return;
	*ret = str_dup(x->rq->arena, str_trim(str_from(line, name.len + 1)));
}

/* Curl bounds a header line itself (100 KiB); those we keep are short. */
static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	struct str line = str_bytes(data, n);

	(void)size;
	while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
		line.len--;
	if (line.len <= 1024) {
		keep_header(x, line, STR("content-type"), &x->reply->content_type);
		keep_header(x, line, STR("cache-control"), &x->reply->cache_control);
		keep_header(x, line, STR("retry-after"), &x->reply->retry_after);
	}
	return n;
}

static bool header_is_safe(const struct net_header *h)
{
	for (size_t i = 0; i < h->name.len; i++) {
		if (h->name.ptr[i] <= ' ' || h->name.ptr[i] == ':' || h->name.ptr[i] == 0x7f)
			return false;
	}
	return !str_empty(h->name) &&
	       !memchr(h->value.ptr ? h->value.ptr : "", '\n', h->value.len) &&
	       !memchr(h->value.ptr ? h->value.ptr : "", '\r', h->value.len) &&
	       !memchr(h->value.ptr ? h->value.ptr : "", '\0', h->value.len);
}

/* NULL when a header could break out of its line. */
static struct curl_slist *make_headers(const struct exchange *x)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* no 100-continue dance */

	for (size_t i = 0; i < x->in->n_headers; i++) {
		const struct net_header *h = &x->in->headers[i];
		struct str line =
		    str_printf(x->rq->secrets, "%.*s: %.*s", STR_ARG(h->name), STR_ARG(h->value));

		if (!header_is_safe(h)) {
			curl_slist_free_all(list);
			return NULL;
		}
		list = curl_slist_append(list, line.ptr);
	}
	return list;
}

static void set_method(CURL *easy, const struct exchange *x)
{
	const struct net_request *in = x->in;

	if (str_eq(in->method, STR("HEAD"))) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (!str_eq(in->method, STR("GET"))) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, in->body.ptr ? in->body.ptr : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)in->body.len);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, str_cstr(x->rq->arena, in->method));
}

static void set_up(CURL *easy, struct exchange *x, struct curl_slist *headers)
{
	struct arena *secrets = x->rq->secrets;

	set_method(easy, x);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "cloakroom/" CLOAKROOM_VERSION);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
	if (x->in->basic_user.len > 0) {
		curl_easy_setopt(
		    easy, CURLOPT_USERNAME, str_cstr(secrets, secret_reveal(x->in->basic_user)));
		curl_easy_setopt(easy, CURLOPT_PASSWORD,
		    str_cstr(secrets, secret_reveal(x->in->basic_password)));
	}
}

MAY_YIELD static enum err exchange(CURL *easy, struct exchange *x, int64_t deadline_us)
{
	struct curl_slist *headers = make_headers(x);
	struct net_reply *reply = x->reply;
	long status = 0;
	struct transfer transfer;
	CURLcode code;
	enum err r;

	if (!headers) {
		reply->problem = STR("A header of the request is not one line.");
		return fault(x->rq, ERR_INTERNAL, "unsafe header");
	}
	buf_init(&x->body, x->rq->arena, 1024);
	set_up(easy, x, headers);
	transfer_open(&transfer, easy);
	r = transfer_run(&transfer, deadline_us, &code);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	transfer_close(&transfer);
	curl_slist_free_all(headers);
	if (r == OK && code == CURLE_OK) {
		reply->status = (int)status;
		reply->body = buf_str(&x->body);
		return OK;
	}
	reply->problem =
	    x->too_large ? STR("The reply is larger than allowed.") : transfer_problem(r, code);
	return r == OK ? ERR_UNAVAILABLE : r;
}

MAY_YIELD enum err net_fetch(struct net *net, struct request *rq, const struct net_request *in,
    int64_t deadline_us, struct net_reply *ret)
{
	struct exchange x = { .rq = rq, .in = in, .reply = ret };
	struct curl_slist *pins = NULL;
	struct target target;
	enum err r = ERR_UNAVAILABLE;

	*ret = (struct net_reply){ 0 };
	if (target_parse(rq, in->url, &target, &ret->problem))
		r = dial_prepare(
		    net, rq, &target, in->public_only, deadline_us, &pins, &ret->problem);
	if (in->anonymous)
		target.user = target.password = (struct secret){ 0 };
	if (r == OK) {
		CURL *easy = easy_new(net, &target, pins, "http,https");

		r = exchange(easy, &x, deadline_us);
		curl_easy_cleanup(easy);
	}
	curl_slist_free_all(pins);
	target_done(&target);
	return r;
}

void net_url_credentials(
    struct request *rq, struct str url, struct secret *ret_user, struct secret *ret_password)
{
	struct target target;
	struct str problem;
	bool parsed = target_parse(rq, url, &target, &problem);

	*ret_user = parsed ? target.user : (struct secret){ 0 };
	*ret_password = parsed ? target.password : (struct secret){ 0 };
	target_done(&target);
}
