#include "http/transport.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/secret.h"

/* Head and body of a usual reply go out as one TLS record. */
#define RECORD 4096

ssize_t transport_read(const struct conn *conn, void *buf, size_t size)
{
	return conn->tls ? tls_read(conn->tls, buf, size) : recv(conn->fd, buf, size, 0);
}

static ssize_t write_plain(int fd, const struct str out[static 2])
{
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)out[0].ptr, out[0].len },
		{ (void *)(uintptr_t)out[1].ptr, out[1].len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_LEN(iov) };

	return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static ssize_t write_tls(struct tls_stream *tls, const struct str out[static 2])
{
	char record[RECORD];
	size_t size = out[0].len + out[1].len;
	ssize_t n;

	if (!out[0].len)
		return tls_write(tls, out[1].ptr, out[1].len);
	if (!out[1].len || size > sizeof(record))
		return tls_write(tls, out[0].ptr, out[0].len);
	memcpy(record, out[0].ptr, out[0].len);
	memcpy(record + out[0].len, out[1].ptr, out[1].len);
	n = tls_write(tls, record, size);
	wipe(record, size); /* tokens */
	return n;
}

ssize_t transport_write(const struct conn *conn, const struct str out[static 2])
{
	return conn->tls ? write_tls(conn->tls, out) : write_plain(conn->fd, out);
}

bool transport_has_more(const struct conn *conn)
{
	return conn->tls && tls_has_more(conn->tls);
}

bool transport_wants_write(const struct conn *conn)
{
	return conn->tls && tls_wants_write(conn->tls);
}

void transport_finish(const struct conn *conn)
{
	if (conn->tls)
		tls_finish(conn->tls);
	shutdown(conn->fd, SHUT_WR);
}

void transport_close(struct conn *conn)
{
	if (conn->tls)
		tls_finish(conn->tls);
	tls_free(&conn->tls);
	close(conn->fd);
}
