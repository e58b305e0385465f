/* With --dev only: what would have been sent, as JSON and as a small page. */
#include "api/api_priv.h"
#include "api/tables.h"
#include "base/clock.h"
#include "outbox/outbox.h"

static void write_items(struct json_writer *w, const struct inbox_item *items, size_t n)
{
	char at[TIME_TEXT_SIZE];

	json_begin_array(w);
	for (size_t i = 0; i < n; i++) {
		const struct inbox_item *item = &items[i];

		time_format(item->at_us, at);
		json_begin_object(w);
		json_member_str(w, STR("to"), item->to);
		json_member_str(w, STR("channel"), item->channel);
		json_member_str(w, STR("subject"), item->subject);
		json_member_str(w, STR("text"), item->text);
		json_member_str(w, STR("code"), item->code);
		json_member_str(w, STR("link"), item->link);
		json_member_str(w, STR("at"), str_of(at));
		json_end_object(w);
	}
	json_end_array(w);
}

static void add_escaped(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		switch (s.ptr[i]) {
		case '&':
			buf_add(out, STR("&amp;"));
			break;
		case '<':
			buf_add(out, STR("&lt;"));
			break;
		case '>':
			buf_add(out, STR("&gt;"));
			break;
		case '"':
			buf_add(out, STR("&quot;"));
			break;
		default:
			buf_add_char(out, s.ptr[i]);
		}
	}
}

/* The page's only style. Its hash stands in the policy below; the tests compare the two. */
#define STYLE                                                                            \
	"body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;paddi" \
	"ng:0 1rem;color-scheme:light dark}h1{font-size:1.4rem}h2{font-size:1.1rem;marg" \
	"in:.2rem 0}form{display:flex;gap:.5rem;margin:1rem 0}input{flex:1}input,button" \
	"{font:inherit;padding:.4rem .7rem}article{border:1px solid #8886;border-radius" \
	":.6rem;padding:1rem 1.2rem;margin:1rem 0}article p{margin:0;opacity:.7;font-si" \
	"ze:.9rem}pre{white-space:pre-wrap;font:inherit;margin:.6rem 0 0}"
#define STYLE_HASH "VrsCGSmRs2Xpn4l4yPlycLQhcPgATO0ZEsN3OTTnjPc="

static void write_link(struct buf *out, struct str link)
{
	if (str_empty(link))
		return;
	buf_add(out, STR("<p><a href=\""));
	add_escaped(out, link);
	buf_add(out, STR("\">Open the link</a></p>\n"));
}

static void write_page(struct buf *out, struct str to, const struct inbox_item *items, size_t n)
{
	char at[TIME_TEXT_SIZE];

	buf_add(
	    out, STR("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		     "<title>Dev inbox</title>\n<style>" STYLE "</style>\n</head>\n<body>\n"
		     "<h1>Dev inbox</h1>\n<form><input name=\"to\" aria-label=\"Recipient\" "
		     "placeholder=\"Only to this address or number\" value=\""));
	add_escaped(out, to);
	buf_add(out, STR("\"> <button>Show</button></form>\n"));
	if (n == 0)
		buf_add(out, STR("<p>Nothing was sent yet.</p>\n"));
	for (size_t i = 0; i < n; i++) {
		time_format(items[i].at_us, at);
		buf_printf(out, "<article>\n<p>%s, %.*s to <b>", at, STR_ARG(items[i].channel));
		add_escaped(out, items[i].to);
		buf_add(out, STR("</b></p>\n<h2>"));
		add_escaped(out, items[i].subject);
		buf_add(out, STR("</h2>\n<pre>"));
		add_escaped(out, items[i].text);
		buf_add(out, STR("</pre>\n"));
		write_link(out, items[i].link);
		buf_add(out, STR("</article>\n"));
	}
	buf_add(out, STR("</body>\n</html>\n"));
}

/* A browser names text/html; a program names JSON or nothing in particular. */
static bool wants_page(const struct api_request *in)
{
	struct str accept = api_header(in, STR("accept")), first = STR_NULL;

	while (str_next_token(&accept, ',', &first)) {
		first = str_trim(str_upto(
		    first, str_find(first, ';') >= 0 ? (size_t)str_find(first, ';') : first.len));
		if (str_eq_nocase(first, STR("text/html")))
			return true;
		if (str_eq_nocase(first, STR("application/json")))
			return false;
	}
	return false;
}

static void inbox_get(
    struct api *api, struct request *rq, const struct api_request *in, struct api_reply *reply)
{
	struct str to = query_get(rq->arena, in->query, STR("to"));
	struct inbox_item *items = NULL;
	struct json_writer w;
	struct buf body;
	size_t n = 0;

	outbox_inbox(api->service->outbox, rq->arena, to, &items, &n);
	buf_init(&body, rq->arena, 4096);
	reply->status = 200;
	api_reply_header(rq, reply, STR("Vary"), STR("Accept"));
	if (wants_page(in)) {
		write_page(&body, to, items, n);
		document_page_headers(rq, reply,
		    STR("default-src 'none'; base-uri 'none'; form-action 'self'; "
			"frame-ancestors 'none'; style-src 'sha256-" STYLE_HASH "'"));
		reply->content_type = STR("text/html; charset=utf-8");
	} else {
		json_writer_init(&w, &body);
		write_items(&w, items, n);
		reply->content_type = STR("application/json");
	}
	reply->body = buf_str(&body);
}

const struct route dev_routes[] = {
	{
	    .method = METHOD_GET,
	    .path = "/dev/inbox/",
	    .mount = MOUNT_ROOT,
	    .dev_only = true,
	    .operation = "dev_inbox",
	    .tag = "Development",
	    .summary = "What was sent",
	    .doc = "Newest first; ?to= shows one recipient's. Codes are in it: development only.",
	    .success = 200,
	    .media = "application/json",
	    .raw = inbox_get,
	},
	{ 0 },
};
