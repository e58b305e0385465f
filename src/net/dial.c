#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include "base/log.h"
#include "net/net_priv.h"

/* More addresses than this of one name are not tried. */
#define ADDRESSES_MAX 8

/* What the blocking lane does for a transfer; lives on the caller's stack until it is done. */
struct preparation {
	struct net *net;
	const char *host;
	bool tls;
	struct addrinfo *found;
	int failure; /* of getaddrinfo */
	bool no_certificates;
};

static X509_STORE *load_trusted(const struct net *net)
{
	X509_STORE *store = X509_STORE_new();
	bool loaded;

	if (!store)
		die("out of memory for certificates");
	if (str_empty(net->config.ca_file))
		loaded = X509_STORE_set_default_paths(store) == 1;
	else
		loaded = X509_STORE_load_file(store, net->config.ca_file.ptr) == 1;
	if (loaded)
		return store;
	X509_STORE_free(store);
	return NULL;
}

/* Reading all certificates takes longer than a whole transfer, so it is done once. */
bool net_ensure_trusted(struct net *net)
{
	bool loaded;

	pthread_mutex_lock(&net->lock);
	if (!net->trusted)
		net->trusted = load_trusted(net);
	loaded = net->trusted != NULL;
	pthread_mutex_unlock(&net->lock);
	return loaded;
}

static void prepare(void *arg)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct preparation *p = arg;

	p->no_certificates = p->tls && !net_ensure_trusted(p->net);
	p->failure = getaddrinfo(p->host, NULL, &hints, &p->found);
}

static bool all_public(const struct addrinfo *found)
{
	for (const struct addrinfo *a = found; a; a = a->ai_next) {
		if (!address_is_public(a->ai_addr))
			return false;
	}
	return found != NULL;
}

static void add_address(struct buf *out, const struct sockaddr *sa)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
		buf_add(out, str_of(text));
	} else {
		memcpy(&v6, sa, sizeof(v6));
		inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
		buf_printf(out, "[%s]", text);
	}
}

/* "host:port:address,address": curl then asks no resolver. */
static struct curl_slist *pin(
    struct request *rq, const struct target *target, const struct addrinfo *found)
{
	struct curl_slist *pins;
	struct buf text;
	unsigned n = 0;

	buf_init(&text, rq->arena, 256);
	buf_printf(&text, "%.*s:%u:", STR_ARG(target->host), target->port);
	for (const struct addrinfo *a = found; a && n < ADDRESSES_MAX; a = a->ai_next) {
		if (n++ > 0)
			buf_add_char(&text, ',');
		add_address(&text, a->ai_addr);
	}
	pins = curl_slist_append(NULL, str_cstr(rq->arena, buf_str(&text)));
	if (!pins)
		die("out of memory for an address");
	return pins;
}

static bool speaks_tls(const struct target *target)
{
	return !str_eq(target->scheme, STR("http"));
}

static bool is_address(const char *host)
{
	uint8_t bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

MAY_YIELD static enum err offload(struct net *net, struct preparation *p, int64_t deadline_us)
{
	if (net->config.blocking)
		return rt_offload_call(net->config.blocking, prepare, p, deadline_us);
	prepare(p);
	return OK;
}

MAY_YIELD enum err dial_prepare(struct net *net, struct request *rq, const struct target *target,
    bool public_only, int64_t deadline_us, struct curl_slist **ret_pins, struct str *ret_problem)
{
	struct preparation p = {
		.net = net,
		.host = str_cstr(rq->arena, target->host),
		.tls = speaks_tls(target),
	};
	enum err r = offload(net, &p, deadline_us);

	*ret_pins = NULL;
	if (r != OK) {
		*ret_problem = STR("There was no time to look up the name.");
		return r;
	}
	if (p.failure != 0) {
		*ret_problem = STR("The name of the server cannot be resolved.");
		return ERR_UNAVAILABLE;
	}
	if (p.no_certificates) {
		*ret_problem = STR("The file of trusted certificates cannot be read.");
		r = ERR_UNAVAILABLE;
	} else if (public_only && !net->config.allow_private && !all_public(p.found)) {
		*ret_problem = STR("The server has a private address.");
		r = ERR_UNAVAILABLE;
	} else if (!is_address(p.host)) {
		*ret_pins = pin(rq, target, p.found);
	}
	freeaddrinfo(p.found);
	return r;
}
