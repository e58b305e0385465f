#include "net/smtp_dialogue.h"

static size_t on_reply(char *data, size_t size, size_t n, void *arg)
{
	struct smtp_dialogue *d = arg;
	struct str line = str_bytes(data, size * n);

	while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
		line.len--;
	smtp_reply_line(&d->reply, line);
	line = str_from(line, 4);
	if (str_eq_nocase(line, STR("SMTPUTF8")))
		d->offers_utf8 = true;
	if (str_eq_nocase(str_upto(line, 4), STR("SIZE")))
		d->offers_size = true;
	return size * n;
}

static bool is_loopback(struct str host)
{
	return str_eq(host, STR("localhost")) || str_eq(host, STR("::1")) ||
	       str_starts(host, STR("127."));
}

/*
 * Unless the URL says otherwise: a password never travels in the clear but to this machine itself;
 * without one, encrypt when the server offers it.
 */
static bool choose_starttls(const struct target *target, long *ret)
{
	struct str wish = target_query(target, STR("starttls"));

	if (str_eq(wish, STR("required")))
		*ret = CURLUSESSL_ALL;
	else if (str_eq(wish, STR("optional")))
		*ret = CURLUSESSL_TRY;
	else if (str_eq(wish, STR("never")))
		*ret = CURLUSESSL_NONE;
	else if (str_empty(wish) && target->user.len > 0 && !is_loopback(target->host))
		*ret = CURLUSESSL_ALL;
	else if (str_empty(wish))
		*ret = CURLUSESSL_TRY;
	else
		return false;
	return true;
}

/* Who we say we are: what the URL's path says, else the sender's domain. */
static void set_greeting(struct request *rq, const struct target *target, struct str from)
{
	struct str domain = str_from(from, (size_t)(str_find_last(from, '@') + 1));
	char *path = NULL;

	curl_url_set(target->url, CURLUPART_QUERY, NULL, 0);
	if (curl_url_get(target->url, CURLUPART_PATH, &path, 0) == CURLUE_OK &&
	    str_of(path).len <= 1 && target_ascii_host(rq->arena, domain, &domain))
		curl_url_set(target->url, CURLUPART_PATH,
		    str_printf(rq->arena, "/%.*s", STR_ARG(domain)).ptr, 0);
	curl_free(path);
}

/* An address goes into a protocol line between angle brackets. */
static bool address_is_safe(struct str address)
{
	for (size_t i = 0; i < address.len; i++) {
		unsigned char c = (unsigned char)address.ptr[i];

		if (c < ' ' || c == 0x7f || c == '<' || c == '>')
			return false;
	}
	return str_find(address, '@') > 0;
}

/* Curl comes back when it is greeted, encrypted and logged in. */
MAY_YIELD static enum err converse(struct smtp_dialogue *d, const struct net_mail *mail)
{
	struct transfer transfer;
	CURLcode code;
	enum err r;

	transfer_open(&transfer, d->easy);
	r = transfer_run(&transfer, d->deadline_us, &code);
	if (r == OK && code == CURLE_OK) {
		r = smtp_hand_over(d, mail);
	} else {
		d->problem = transfer_problem(r, code);
		r = r == OK ? ERR_UNAVAILABLE : r;
	}
	transfer_close(&transfer);
	return r;
}

MAY_YIELD static enum err connect_and_send(struct net *net, struct request *rq,
    const struct target *target, struct curl_slist *pins, const struct net_mail *mail,
    struct smtp_dialogue *d)
{
	long starttls = CURLUSESSL_ALL;
	enum err r;

	if (!choose_starttls(target, &starttls)) {
		d->problem = STR("starttls must be required, optional or never.");
		return ERR_UNAVAILABLE;
	}
	set_greeting(rq, target, mail->from);
	d->easy = easy_new(net, target, pins, "smtp,smtps");
	curl_easy_setopt(d->easy, CURLOPT_USE_SSL, starttls);
	curl_easy_setopt(d->easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
	curl_easy_setopt(d->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(d->easy, CURLOPT_FORBID_REUSE, 0L); /* it is still used by us */
	curl_easy_setopt(d->easy, CURLOPT_HEADERFUNCTION, on_reply);
	curl_easy_setopt(d->easy, CURLOPT_HEADERDATA, d);
	r = converse(d, mail);
	curl_easy_cleanup(d->easy);
	return r;
}

/* A reply's codes say more than any sentence of ours. */
static struct str problem_of(struct request *rq, const struct smtp_dialogue *d, enum err r)
{
	const struct smtp_reply *reply = &d->reply;

	if (r == OK || r == ERR_DEADLINE || r == ERR_SHUTDOWN || reply->code < 400)
		return d->problem;
	return str_printf(rq->arena, "The mail server answered %ld%s%.*s.", reply->code,
	    reply->status_len > 0 ? " " : "", (int)reply->status_len, reply->status);
}

MAY_YIELD enum err net_send_mail(struct net *net, struct request *rq, const struct net_mail *mail,
    int64_t deadline_us, long *ret_code, struct str *ret_problem)
{
	struct smtp_dialogue *d = ARENA_NEW(rq->secrets, struct smtp_dialogue);
	struct curl_slist *pins = NULL;
	struct target target;
	enum err r = ERR_UNAVAILABLE;

	*ret_code = 0;
	if (!address_is_safe(mail->from) || !address_is_safe(mail->to)) {
		*ret_problem = STR("That is not a mail address.");
		return ERR_FORBIDDEN;
	}
	d->arena = rq->secrets;
	d->deadline_us = deadline_us;
	if (target_parse(rq, mail->url, &target, &d->problem))
		r = dial_prepare(net, rq, &target, false, deadline_us, &pins, &d->problem);
	if (r == OK)
		r = connect_and_send(net, rq, &target, pins, mail, d);
	curl_slist_free_all(pins);
	target_done(&target);
	*ret_code = d->reply.code;
	*ret_problem = problem_of(rq, d, r);
	return r;
}
