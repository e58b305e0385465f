/*
 * Outgoing HTTP over libcurl: one easy handle in one private multi, driven over rt_wait_fds(), so
 * that it parks on the async engine and blocks on the sync one. Names are resolved first, on the
 * blocking lane.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "base/secret.h"
#include "rt/lane.h"
#include "rt/request.h"

struct net;

struct net_config {
	struct lane *blocking; /* DNS */
	struct str ca_file;    /* empty: the system's */
	bool allow_private; /* may webhooks and gateways be on private addresses? (--dev, tests) */
};

/** net_new() - @config is copied; what it points to outlives the result. net_free() - NULL is fine.
 */
struct net *net_new(const struct net_config *config);
void net_free(struct net **net);

struct net_header {
	struct str name, value;
};

struct net_request {
	struct str method; /* "GET", "POST" */
	struct str url;
	const struct net_header *headers;
	size_t n_headers;
	struct str body;
	struct secret basic_user, basic_password; /* empty: what the URL has, if anything */
	size_t max_reply;                         /* bytes of body accepted; more is an error */
	bool anonymous;   /* send no user and password, whatever the URL has */
	bool public_only; /* refuse private and loopback addresses, whatever the name says */
};

struct net_reply {
	int status;
	struct str body, content_type, cache_control, retry_after;
	struct str problem; /* when it failed: a sentence without secrets */
};

/**
 * net_fetch() - one request over a connection of its own; no redirect is followed
 * @ret: lives in rq->arena
 *
 * Returns: OK with any HTTP status; ERR_UNAVAILABLE with ret->problem; ERR_DEADLINE, ERR_OVERLOADED
 * or ERR_SHUTDOWN.
 */
MAY_YIELD MUST_CHECK enum err net_fetch(struct net *net, struct request *rq,
    const struct net_request *in, int64_t deadline_us, struct net_reply *ret);

/** net_url_credentials() - user and password in @url, decoded; empty when there are none. */
void net_url_credentials(
    struct request *rq, struct str url, struct secret *ret_user, struct secret *ret_password);

/**
 * struct net_mail - one message for one recipient
 *
 * @url is smtp://[user:password@]host[:port][/name for EHLO] or smtps://…, user and password
 * percent-encoded. ?starttls=required|optional|never says whether smtp:// is encrypted; without it,
 * required when there is a password and the host is another machine, else optional: used when the
 * server offers it. A certificate that cannot be verified is an error in every case.
 */
struct net_mail {
	struct str url;
	struct str from, to; /* bare addresses, for the envelope */
	struct str message;  /* RFC 5322, CRLF */
};

/**
 * net_send_mail() - hand one message to an SMTP server
 * @ret_code:    last SMTP reply code, 0 when there was none
 * @ret_problem: a sentence with the reply's codes, never its text, which may name the recipient
 *
 * Returns: OK (accepted); ERR_FORBIDDEN when the server refused this message for ever (5xx to its
 * envelope or content); else worth a retry: ERR_UNAVAILABLE (a refused login or certificate too:
 * those are our settings), ERR_DEADLINE, ERR_OVERLOADED or ERR_SHUTDOWN.
 */
MAY_YIELD MUST_CHECK enum err net_send_mail(struct net *net, struct request *rq,
    const struct net_mail *mail, int64_t deadline_us, long *ret_code, struct str *ret_problem);

#endif
