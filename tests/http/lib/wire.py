"""HTTP/1.1 over a plain socket: exactly the bytes a test asks for, and strict about the answer."""
import json
import select
import socket


class WireError(Exception):
    """The peer closed early, answered too late, or did not answer in HTTP."""


class Reply:
    """One response as it came: status, header fields in order, body."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def all(self, name):
        """Every value of header `name`."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        """The one value of header `name`, or None."""
        values = self.all(name)
        if len(values) > 1:
            raise WireError("header %s came %d times" % (name, len(values)))
        return values[0] if values else None

    @property
    def json(self):
        """The body as JSON; None when there is none."""
        return json.loads(self.body) if self.body else None

    @property
    def data(self):
        """The envelope's data."""
        return self.json["data"]

    @property
    def code(self):
        """A failure's slug; "ok" for a success."""
        is_json = (self.header("Content-Type") or "").split(";")[0].endswith("json")
        body = self.json if is_json else None
        if isinstance(body, dict) and "code" in body:
            return body["code"]
        return "ok" if self.status < 400 else "status_%d" % self.status

    @property
    def errors(self):
        """The envelope's errors, {} when null."""
        return self.json.get("errors") or {}


def request(method, path, headers=(), body=b"", host="localhost"):
    """The bytes of one request; Content-Length is added when there is a body."""
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + host]
    lines += ["%s: %s" % field for field in headers]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


class Wire:
    """One connection."""

    def __init__(self, port, timeout=10.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """Send; a peer that has already refused and closed is no error here."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            raise WireError("no answer in time; so far %r" % self.buffer[:200]) from None
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return bool(data)

    def _line(self):
        while b"\r\n" not in self.buffer:
            if not self._more():
                raise WireError("closed; so far %r" % self.buffer[:200])
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def _head(self):
        start = self._line().split(" ", 2)
        if start[0] != "HTTP/1.1" or len(start[1]) != 3:
            raise WireError("not a status line: %r" % start)
        headers = []
        while True:
            line = self._line()
            if not line:
                return int(start[1]), headers
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise WireError("not a header field: %r" % line)
            headers.append((name, value.strip()))

    def read(self, head=False):
        """The next final response; @head: its request was HEAD."""
        status, headers = self._head()
        while status == 100:
            status, headers = self._head()
        reply = Reply(status, headers, b"")
        length = reply.header("Content-Length")
        if head or status in (204, 304) or length is None:
            if length is None and status not in (204, 304) and not head:
                raise WireError("no Content-Length in a %d" % status)
            return reply
        while len(self.buffer) < int(length):
            if not self._more():
                raise WireError("body cut short")
        reply.body, self.buffer = self.buffer[:int(length)], self.buffer[int(length):]
        return reply

    def closed(self, timeout=5.0):
        """Does the peer close within `timeout`, with nothing more said?"""
        if self.buffer:
            return False
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            return False
        except OSError:
            return True
        self.buffer += data
        return not data

    def idle(self, seconds=0.05):
        """Is the connection open, with nothing to read for `seconds`?"""
        return not self.buffer and not select.select([self.socket], [], [], seconds)[0]
