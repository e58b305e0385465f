#include <signal.h>

#include "base/log.h"
#include "net/net_priv.h"

static void init_curl(void)
{
	/* OpenSSL writes to sockets that the other side may have closed. */
	signal(SIGPIPE, SIG_IGN);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		die("libcurl cannot be initialised");
}

struct net *net_new(const struct net_config *config)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct net *net = calloc(1, sizeof(*net));
	char *ca_file =
	    strndup(config->ca_file.ptr ? config->ca_file.ptr : "", config->ca_file.len);

	if (!net || !ca_file)
		die("out of memory");
	pthread_once(&once, init_curl);
	net->config = *config;
	net->config.ca_file = str_of(ca_file);
	pthread_mutex_init(&net->lock, NULL);
	return net;
}

void net_free(struct net **net)
{
	if (!*net)
		return;
	X509_STORE_free((*net)->trusted);
	pthread_mutex_destroy(&(*net)->lock);
	free((void *)(uintptr_t)(*net)->config.ca_file.ptr);
	free(*net);
	*net = NULL;
}

static CURLcode use_trusted(CURL *easy, void *ssl_ctx, void *arg)
{
	const struct net *net = arg;

	(void)easy;
	if (!net->trusted)
		return CURLE_SSL_CACERT_BADFILE;
	SSL_CTX_set1_cert_store(ssl_ctx, net->trusted);
	return CURLE_OK;
}

CURL *easy_new(
    struct net *net, const struct target *target, struct curl_slist *pins, const char *protocols)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		die("out of memory for a transfer");
	curl_easy_setopt(easy, CURLOPT_CURLU, target->url);
	curl_easy_setopt(easy, CURLOPT_RESOLVE, pins);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, use_trusted);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, net);
	if (target->user.len > 0) {
		curl_easy_setopt(easy, CURLOPT_USERNAME, (const char *)target->user.ptr);
		curl_easy_setopt(easy, CURLOPT_PASSWORD,
		    target->password.len > 0 ? (const char *)target->password.ptr : "");
	}
	return easy;
}
