#!/usr/bin/env python3
"""TLS on a listener of our own: what is spoken, what is refused, and that bytes do not get stuck
between a record and a request."""
import json
import shutil
import signal
import socket
import ssl
import time
import warnings

from lib.case import Suite
from lib.certificate import make_certificate
from lib.server import Server, free_port
from lib.wire import Wire, WireError, request

suite = Suite(__file__)
once = suite.once
warnings.filterwarnings("ignore", "ssl.TLSVersion.TLSv1", DeprecationWarning)


class TlsWire(Wire):
    """A connection through TLS; `adjust` changes the client's context first."""

    def __init__(self, port, certificate, adjust=None, timeout=10.0):
        super().__init__(port, timeout)
        context = ssl.create_default_context(cafile=certificate)
        if adjust:
            adjust(context)
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        except BaseException:
            self.close()
            raise


def start(t, **more):
    """A server with a TLS listener: (server, port, certificate)."""
    port = free_port()
    server = Server(t.server.build)
    certificate, key = make_certificate(server.directory, "first")
    server.settings.update({"tls_listen": "127.0.0.1:%d" % port, "tls_certificate": certificate,
                            "tls_key": key, **more})
    server.start()
    return server, port, certificate


def refused(port, certificate, adjust):
    """Is a client that insists on `adjust` turned away?"""
    try:
        with TlsWire(port, certificate, adjust) as wire:
            wire.send(request("GET", "/healthz"))
            wire.read()
    except (ssl.SSLError, ConnectionError, WireError):
        return True
    return False


def only(version):
    def adjust(context):
        context.minimum_version = context.maximum_version = version
    return adjust


def older(context):
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1


def without_forward_secrecy(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES256-GCM-SHA384:ECDHE-ECDSA-AES256-SHA384")


@once("1.2 and 1.3 are spoken, anything weaker is not")
def _(t):
    server, port, certificate = start(t)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with TlsWire(port, certificate, only(version)) as wire:
            wire.send(request("GET", "/healthz"))
            t.eq(wire.read().status, 200, str(version))
    t.ok(refused(port, certificate, older), "TLS 1.1 was spoken")
    t.ok(refused(port, certificate, without_forward_secrecy), "no forward secrecy")
    t.ok(refused(port, certificate, lambda c: c.set_alpn_protocols(["h2"])), "h2 was accepted")
    with TlsWire(port, certificate, lambda c: c.set_alpn_protocols(["h2", "http/1.1"])) as wire:
        t.eq(wire.socket.selected_alpn_protocol(), "http/1.1", "ALPN")
    server.remove()
    server, port, certificate = start(t, tls_only_13="true")
    t.ok(refused(port, certificate, only(ssl.TLSVersion.TLSv1_2)), "1.2 although only_13")
    server.remove()


@once("pipelined requests and a body in one record are all answered")
def _(t):
    server, port, certificate = start(t)
    body = json.dumps({"email_or_phone": "a@example.com", "password": "x" * 900,
                       "more": "y" * 12000}).encode()
    login = request("POST", "/api/v2/auth/login/", [("Content-Type", "application/json")], body)
    health = request("GET", "/healthz")
    with TlsWire(port, certificate) as wire:
        wire.send(health * 5 + login + health)
        t.eq([wire.read().status for _ in range(7)], [200] * 5 + [401, 200], "all in order")
        for piece in (login[:10], login[10:5000], login[5000:]):
            wire.send(piece)
        t.eq(wire.read().status, 401, "a body over three records")
        wire.send(request("GET", "/api/v2/schema/"))
        t.ok(len(wire.read().body) > 65536, "a long reply comes whole")
        wire.send(request("GET", "/healthz", [("Connection", "close")]))
        t.eq(wire.read().status, 200, "the last one")
        t.eq(wire.socket.recv(1), b"", "ends with close_notify, or Python would raise")
    server.remove()


@once("what is no TLS, or never finishes its handshake, is cut")
def _(t):
    server, port, certificate = start(t, server_head_timeout="300ms")
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        plain.sendall(request("GET", "/healthz"))
        try:
            t.ok(b"200" not in plain.recv(4096), "answered without TLS")
        except ConnectionResetError:
            pass  # cut with our bytes unread
    with socket.create_connection(("127.0.0.1", port), 5) as slow:
        slow.sendall(b"\x16\x03\x01")
        t.eq(slow.recv(1), b"", "an unfinished handshake is closed")
    with TlsWire(port, certificate) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\n")
        t.eq(wire.read().status, 408, "an unfinished request")
    server.remove()


@once("SIGHUP shows a new certificate to new connections; the open one goes on")
def _(t):
    server, port, certificate = start(t)
    with TlsWire(port, certificate) as old:
        old.send(request("GET", "/healthz"))
        t.eq(old.read().status, 200, "before")
        renewed, key = make_certificate(server.directory, "second")
        mark = len(server.read_log())
        shutil.copy(key, server.settings["tls_key"])
        shutil.copy(renewed, certificate)
        server.process.send_signal(signal.SIGHUP)
        wait_for(t, server, mark, b"read the certificate again")
        old.send(request("GET", "/healthz"))
        t.eq(old.read().status, 200, "the open connection was dropped")
        with TlsWire(port, renewed) as wire:
            subject = dict(pair[0] for pair in wire.socket.getpeercert()["subject"])
            t.eq(subject["commonName"], "second", "who is shown")
        mark = len(server.read_log())
        with open(certificate, "w", encoding="ascii") as file:
            file.write("nothing")
        server.process.send_signal(signal.SIGHUP)
        wait_for(t, server, mark, b"the certificate stays as it is")
        with TlsWire(port, renewed) as wire:
            wire.send(request("GET", "/healthz"))
            t.eq(wire.read().status, 200, "with the good one")
    server.remove()


def wait_for(t, server, mark, text):
    """Until the log says `text`."""
    deadline = time.monotonic() + 10
    while text not in server.read_log(mark):
        t.ok(time.monotonic() < deadline, "the log never said %r" % text)
        time.sleep(0.01)


if __name__ == "__main__":
    suite.main()
