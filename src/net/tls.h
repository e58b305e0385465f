/*
 * TLS for a listener of our own (OpenSSL): versions 1.2 and 1.3, forward secrecy and AEAD ciphers
 * only, no renegotiation, no compression, no early data (RFC 9325). Sockets are non-blocking, and
 * reading and writing behave like recv(2) and send(2), so that a loop can serve both kinds.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

struct arena;
/** struct tls - what a listener shows its clients; the certificate in it can be replaced. */
struct tls;
/** struct tls_stream - one connection's side of it. */
struct tls_stream;

struct tls_config {
	struct str certificate; /* file: PEM, the server's own first, then those between */
	struct str key;         /* file: PEM, without a passphrase */
	bool only_13;           /* refuse TLS 1.2 */
};

/**
 * tls_open() - read certificate and key
 * @ret_problem: on failure a sentence for the operator, in @arena
 *
 * Returns: OK, or ERR_UNAVAILABLE when they cannot be read or do not belong together.
 */
MUST_CHECK enum err tls_open(const struct tls_config *config, struct arena *arena, struct tls **ret,
    struct str *ret_problem);
/**
 * tls_reload() - read them again, for connections from now on; the others keep what they have
 *
 * On failure nothing changes. Any thread.
 */
MUST_CHECK enum err tls_reload(
    struct tls *tls, const struct tls_config *config, struct arena *arena, struct str *ret_problem);
/** tls_expires_us() - when the certificate shown now ends, wall clock; any thread. */
int64_t tls_expires_us(struct tls *tls);
/** tls_close() - after its last stream. NULL is fine. */
void tls_close(struct tls **tls);

/**
 * tls_accept() - the server's side of a connection that has just been accepted
 * @fd: non-blocking; stays the caller's
 *
 * The handshake happens inside tls_read(). Any thread; afterwards only one at a time.
 */
struct tls_stream *tls_accept(struct tls *tls, int fd);
/** tls_free() - without touching the socket. NULL is fine. */
void tls_free(struct tls_stream **stream);

/**
 * tls_read() - like recv(2): bytes, 0 when the peer has said that it sends no more, or -1 with
 * errno
 *
 * EAGAIN: nothing now; see tls_wants_write(). ECONNRESET: no TLS, not a peer we talk to, or a
 * socket that ended without saying so, which may be somebody cutting a request short.
 */
ssize_t tls_read(struct tls_stream *stream, void *buf, size_t size);
/** tls_write() - like send(2); after EAGAIN call it again with the same bytes first. */
ssize_t tls_write(struct tls_stream *stream, const void *buf, size_t size);
/** tls_wants_write() - does the last tls_read() wait until the socket takes bytes? */
bool tls_wants_write(const struct tls_stream *stream);
/** tls_has_more() - are bytes decrypted and not yet read? The socket will not say so. */
bool tls_has_more(const struct tls_stream *stream);
/** tls_finish() - tell the peer that no more is sent (close_notify), if the socket takes it now. */
void tls_finish(struct tls_stream *stream);

#endif
