/* The parts of net; for this folder only. */
#ifndef NET_NET_PRIV_H
#define NET_NET_PRIV_H

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <pthread.h>

#include "net/http_client.h"

struct net {
	struct net_config config;
	pthread_mutex_t lock;
	X509_STORE *trusted; /* loaded with the first name resolved; NULL until then */
};

/** struct target - a URL taken apart; user and password no longer in @url. */
struct target {
	CURLU *url;
	struct str scheme, host; /* the host as DNS knows it, without brackets */
	char *query;             /* without '?'; NULL when there is none */
	uint16_t port;
	struct secret user, password; /* percent-decoded; empty when the URL has none */
};

/**
 * target_parse() - take @url apart
 * @rq: its secrets arena holds user and password
 *
 * Returns: false, with a sentence in @ret_problem, when it is no URL. target_done() either way.
 */
bool target_parse(struct request *rq, struct str url, struct target *ret, struct str *ret_problem);
void target_done(struct target *target);
/** target_query() - @name's value in the query, NULL when it is not there. */
struct str target_query(const struct target *target, struct str name);

/** target_ascii_host() - a domain as DNS and old mail servers know it (RFC 5891); false: none. */
bool target_ascii_host(struct arena *arena, struct str host, struct str *ret);

/** net_ensure_trusted() - load the trusted certificates; blocks the first time. */
bool net_ensure_trusted(struct net *net);

/** address_is_public() - may a name given by strangers lead here? @sa: IPv4 or IPv6. */
bool address_is_public(const struct sockaddr *sa);

/**
 * dial_prepare() - resolve the host and load the trusted certificates, on the blocking lane
 * @ret_pins: for CURLOPT_RESOLVE, freed by the caller; NULL when the host is an address
 *
 * Returns: OK; ERR_UNAVAILABLE with a sentence in @ret_problem; ERR_OVERLOADED, ERR_DEADLINE or
 * ERR_SHUTDOWN from the lane.
 */
MAY_YIELD MUST_CHECK enum err dial_prepare(struct net *net, struct request *rq,
    const struct target *target, bool public_only, int64_t deadline_us,
    struct curl_slist **ret_pins, struct str *ret_problem);

/**
 * easy_new() - a handle for @target with what every transfer needs: names pinned, no proxy, no
 * signals, peer verified, one connection for one transfer
 * @protocols: which schemes it may speak, "http,https"
 */
CURL *easy_new(
    struct net *net, const struct target *target, struct curl_slist *pins, const char *protocols);

/* One transfer has a socket, or two while IPv4 and IPv6 race; curl keeps a wake-up pipe as well. */
#define TRANSFER_FDS 8

/** struct transfer - one easy handle in a multi of its own. */
struct transfer {
	CURL *easy;
	CURLM *multi;
	struct rt_fd fds[TRANSFER_FDS];
	size_t n;
	int64_t timer_us; /* when curl wants to be called though nothing happened */
};

/** transfer_open() - @t stays where it is until transfer_close(), which ends the connection. */
void transfer_open(struct transfer *t, CURL *easy);
void transfer_close(struct transfer *t);
/**
 * transfer_run() - do the transfer, waiting in rt_wait_fds()
 *
 * Returns: OK when libcurl came to a result, which is in @ret_code; ERR_DEADLINE, ERR_SHUTDOWN.
 */
MAY_YIELD MUST_CHECK enum err transfer_run(
    struct transfer *t, int64_t deadline_us, CURLcode *ret_code);

/** transfer_problem() - a sentence for @r and @code, without anything from the other side. */
struct str transfer_problem(enum err r, CURLcode code);

#endif
