#include "net/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

/* TLS 1.2; those of 1.3 are all good. */
#define CIPHERS_12 "ECDHE+AESGCM:ECDHE+CHACHA20"

struct tls {
	pthread_mutex_t lock;
	SSL_CTX *context; /* under @lock; a stream holds the one it began with */
	int64_t expires_us;
};

struct tls_stream {
	SSL *ssl;
	bool wants_write;
	bool broken; /* OpenSSL forbids any further call but to free it */
};

/* --- certificate and key --- */

/* A key with a passphrase would otherwise be asked for at the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return 0;
}

/* HTTP/1.1 is all we speak; who offers only other protocols is told so (RFC 7301 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *context_new(bool only_13)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	if (!c)
		die("out of memory");
	SSL_CTX_set_min_proto_version(c, only_13 ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	/* Idle connections keep no buffers; a reply goes out in as many pieces as the socket takes.
	 */
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Sessions are resumed by tickets, which the client keeps. */
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(c, no_passphrase);
	SSL_CTX_set_alpn_select_cb(c, choose_protocol, NULL);
	if (SSL_CTX_set_cipher_list(c, CIPHERS_12) != 1)
		die("this OpenSSL knows none of %s", CIPHERS_12);
	return c;
}

/* OpenSSL's own reason, in words; its queue is empty afterwards. */
static const char *reason(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(e);

	ERR_clear_error();
	return text ? text : "unknown reason";
}

static bool load(
    SSL_CTX *c, const struct tls_config *config, struct arena *arena, struct str *ret_problem)
{
	const char *certificate = str_cstr(arena, config->certificate);
	const char *key = str_cstr(arena, config->key);

	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(c, certificate) != 1)
		*ret_problem = str_printf(
		    arena, "tls.certificate: %s cannot be read as PEM: %s.", certificate, reason());
	else if (SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1)
		*ret_problem = str_printf(arena,
		    "tls.key: %s is no key of that certificate in PEM, without a passphrase: %s.",
		    key, reason());
	else
		return true;
	return false;
}

static int64_t end_of(const SSL_CTX *c)
{
	struct tm end = { 0 };

	if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(c)), &end) != 1)
		return 0;
	return (int64_t)timegm(&end) * US_PER_S;
}

enum err tls_reload(
    struct tls *tls, const struct tls_config *config, struct arena *arena, struct str *ret_problem)
{
	SSL_CTX *fresh = context_new(config->only_13), *old;

	if (!load(fresh, config, arena, ret_problem)) {
		SSL_CTX_free(fresh);
		return ERR_UNAVAILABLE;
	}
	pthread_mutex_lock(&tls->lock);
	old = tls->context;
	tls->context = fresh;
	tls->expires_us = end_of(fresh);
	pthread_mutex_unlock(&tls->lock);
	SSL_CTX_free(old);
	return OK;
}

enum err tls_open(
    const struct tls_config *config, struct arena *arena, struct tls **ret, struct str *ret_problem)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	enum err e;

	if (!tls)
		die("out of memory");
	pthread_mutex_init(&tls->lock, NULL);
	e = tls_reload(tls, config, arena, ret_problem);
	if (e != OK)
		tls_close(&tls);
	*ret = tls;
	return e;
}

int64_t tls_expires_us(struct tls *tls)
{
	int64_t expires_us;

	pthread_mutex_lock(&tls->lock);
	expires_us = tls->expires_us;
	pthread_mutex_unlock(&tls->lock);
	return expires_us;
}

void tls_close(struct tls **tls)
{
	if (!*tls)
		return;
	SSL_CTX_free((*tls)->context);
	pthread_mutex_destroy(&(*tls)->lock);
	free(*tls);
	*tls = NULL;
}

/* --- a connection --- */

struct tls_stream *tls_accept(struct tls *tls, int fd)
{
	struct tls_stream *s = calloc(1, sizeof(*s));

	if (!s)
		die("out of memory");
	pthread_mutex_lock(&tls->lock);
	s->ssl = SSL_new(tls->context);
	pthread_mutex_unlock(&tls->lock);
	if (!s->ssl || SSL_set_fd(s->ssl, fd) != 1)
		die("out of memory");
	SSL_set_accept_state(s->ssl);
	return s;
}

void tls_free(struct tls_stream **stream)
{
	if (!*stream)
		return;
	SSL_free((*stream)->ssl);
	free(*stream);
	*stream = NULL;
}

/* What a call that did not succeed means to a caller who thinks in sockets. */
static ssize_t outcome(struct tls_stream *s, int result)
{
	int error = SSL_get_error(s->ssl, result);

	s->wants_write = error == SSL_ERROR_WANT_WRITE;
	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (s->wants_write || error == SSL_ERROR_WANT_READ) {
		errno = EAGAIN;
		return -1;
	}
	s->broken = true;
	ERR_clear_error();
	errno = ECONNRESET;
	return -1;
}

ssize_t tls_read(struct tls_stream *s, void *buf, size_t size)
{
	int n;

	s->wants_write = false;
	/* The queue is the thread's, and another stream may have left something in it. */
	ERR_clear_error();
	n = SSL_read(s->ssl, buf, size < INT_MAX ? (int)size : INT_MAX);
	return n > 0 ? n : outcome(s, n);
}

ssize_t tls_write(struct tls_stream *s, const void *buf, size_t size)
{
	int n;

	ERR_clear_error();
	n = SSL_write(s->ssl, buf, size < INT_MAX ? (int)size : INT_MAX);
	return n > 0 ? n : outcome(s, n);
}

bool tls_wants_write(const struct tls_stream *s)
{
	return s->wants_write;
}

bool tls_has_more(const struct tls_stream *s)
{
	return SSL_pending(s->ssl) > 0;
}

void tls_finish(struct tls_stream *s)
{
	if (s->broken || !SSL_is_init_finished(s->ssl))
		return;
	ERR_clear_error();
	if (SSL_shutdown(s->ssl) < 0)
		ERR_clear_error();
}
