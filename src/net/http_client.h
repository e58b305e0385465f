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
	struct lane *blocking;   /* DNS */
	struct str ca_file;      /* empty: the system's */
	bool allow_private;      /* may webhooks and gateways be on private addresses? (--dev, tests) */
};

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
	struct secret basic_user, basic_password; /* empty: no authentication */
	size_t max_reply;    /* bytes of body accepted; more is an error */
	bool public_only;    /* refuse private and loopback addresses, whatever the name says */
};

struct net_reply {
	int status;
	struct str body, content_type, cache_control, retry_after;
	struct str problem; /* when it failed: a sentence without secrets */
};

/** net_fetch() - Returns OK with any HTTP status; ERR_DEADLINE or ERR_UNAVAILABLE otherwise. */
MAY_YIELD MUST_CHECK enum err net_fetch(struct net *net, struct request *rq,
    const struct net_request *in, int64_t deadline_us, struct net_reply *ret);

struct net_mail {
	struct str url; /* smtp://[user:password@]host[:port], smtps://…; ?starttls=required|never */
	struct str from, to;
	struct str message; /* RFC 5322, CRLF */
};

/**
 * net_send_mail() - hand one message to an SMTP server
 * @ret_code: last SMTP reply code, 0 when there was none
 *
 * Returns: OK (accepted); ERR_UNAVAILABLE (worth a retry) or ERR_FORBIDDEN (5xx: never).
 */
MAY_YIELD MUST_CHECK enum err net_send_mail(struct net *net, struct request *rq,
    const struct net_mail *mail, int64_t deadline_us, long *ret_code, struct str *ret_problem);

#endif
