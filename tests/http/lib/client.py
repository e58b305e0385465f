"""A client that speaks JSON over one kept-alive connection."""
import json

from .wire import Wire, WireError, request


class Client:
    """Calls one server; reconnects when the server closed an idle connection."""

    def __init__(self, server, headers=()):
        self.server = server
        self.headers = list(headers)
        self.wire = None

    def close(self):
        if self.wire:
            self.wire.close()
            self.wire = None

    def call(self, method, path, body=None, headers=()):
        """One request, one reply. A dict or list is sent as JSON, bytes and str as they are."""
        fields = self.headers + list(headers)
        if isinstance(body, (dict, list)):
            body = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        elif isinstance(body, str):
            body = body.encode()
        if body is not None and not any(n.lower() == "content-type" for n, _ in fields):
            fields.append(("Content-Type", "application/json"))
        data = request(method, path, [f for f in fields if f[1] is not None], body or b"")
        for fresh in (False, True):
            kept = self.wire is not None
            if not self.wire:
                self.wire = Wire(self.server.port)
            try:
                self.wire.send(data)
                reply = self.wire.read(head=method == "HEAD")
            except WireError:
                # Only a connection that was kept may have been closed under us; once.
                nothing_came = self.wire.buffer == b""
                self.close()
                if fresh or not kept or not nothing_came:
                    raise
                continue
            if (reply.header("Connection") or "").lower() == "close":
                self.close()
            return reply
        raise AssertionError("unreachable")

    def get(self, path, headers=()):
        return self.call("GET", path, None, headers)

    def post(self, path, body=None, headers=()):
        return self.call("POST", path, {} if body is None else body, headers)
