#!/usr/bin/env python3
"""Framing over the real server: whatever the first request looks like, a second one hidden in its
body is never answered."""
import json

from lib.case import PROVE, Suite
from lib.corpora import corpus
from lib.wire import Wire, WireError

suite = Suite(__file__)
once = suite.once

HEAD = b"POST /api/v2/auth/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CANARY = b"GET /api/v1/countries/canary HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: canary\r\n\r\n"


def answers(t, data):
    """Every reply to `data` until the server closes; the connection must end by itself or idle."""
    out = []
    with Wire(t.server.port, timeout=3) as wire:
        wire.send(data)
        try:
            while True:
                if out and wire.idle(0.05):
                    return out
                out.append(wire.read())
        except WireError:
            return out


def no_canary(t, data, what):
    """At most one reply, a refusal or the login's; never the canary's."""
    replies = answers(t, data)
    t.ok(not any(r.header("X-Request-ID") == "canary" for r in replies), "canary answered: " + what)
    t.ok(len(replies) <= 1, "%d replies: %s" % (len(replies), what))
    t.ok(all(400 <= r.status < 500 for r in replies), "a success: " + what)


@once("Transfer-Encoding in every disguise: the canary is never answered")
def _(t):
    path = corpus("http-smuggling", "te_header_variants.json")
    if not path:
        t.skip("no http-smuggling corpus")
    with open(path, encoding="utf-8") as file:
        variants = json.load(file)
    body = b"0\r\n\r\n" + CANARY
    for i, variant in enumerate(variants):
        if not PROVE and i % 16:
            continue
        header = variant["header_latin1"].encode("latin-1")
        no_canary(t, HEAD + b"Content-Length: %d\r\n" % len(body) + header + b"\r\n\r\n" + body,
                  repr(variant["header_latin1"]))


@once("ambiguous lengths, line ends and chunks: refused and closed")
def _(t):
    for what, lines, body in (
            ("two lengths", b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello" + CANARY),
            ("equal lengths", b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello" + CANARY),
            ("a list of lengths", b"Content-Length: 5, 5\r\n", b"hello" + CANARY),
            ("a sign", b"Content-Length: +5\r\n", b"hello" + CANARY),
            ("minus", b"Content-Length: -1\r\n", CANARY),
            ("hexadecimal", b"Content-Length: 0x5\r\n", b"hello" + CANARY),
            ("a space inside", b"Content-Length: 5 5\r\n", b"hello" + CANARY),
            ("empty", b"Content-Length:\r\n", CANARY),
            ("2^64+5", b"Content-Length: 18446744073709551621\r\n", b"hello" + CANARY),
            ("a space before the colon", b"Content-Length : 5\r\n", b"hello" + CANARY),
            ("a folded line", b"Content-Length: 5\r\n X: y\r\n", b"hello" + CANARY),
            ("both", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
             b"0\r\n\r\n" + CANARY),
            ("identity", b"Transfer-Encoding: identity\r\n", CANARY),
            ("twice chunked", b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n" + CANARY),
            ("gzip, chunked", b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n" + CANARY),
            ("a chunk extension", b"Transfer-Encoding: chunked\r\n", b"0;x\r\n\r\n" + CANARY),
            ("a signed chunk", b"Transfer-Encoding: chunked\r\n", b"+0\r\n\r\n" + CANARY),
            ("0x chunk", b"Transfer-Encoding: chunked\r\n", b"0x0\r\n\r\n" + CANARY),
            ("chunk by LF", b"Transfer-Encoding: chunked\r\n", b"0\n\n" + CANARY),
            ("chunk without its end", b"Transfer-Encoding: chunked\r\n",
             b"2\r\n{}0\r\n\r\n" + CANARY),
            ("a trailer", b"Transfer-Encoding: chunked\r\n", b"0\r\nX: y\r\n\r\n" + CANARY),
            ("a huge chunk", b"Transfer-Encoding: chunked\r\n",
             b"FFFFFFFFFFFFFFFF1\r\n" + CANARY),
            ("a bare CR", b"X: a\rContent-Length: 5\r\n", CANARY),
            ("a bare LF", b"X: a\nContent-Length: 5\r\n", CANARY),
            ("a NUL", b"X: a\0b\r\n", CANARY),
            ("no name", b": x\r\n", CANARY),
            ("no colon", b"Hello\r\n", CANARY)):
        no_canary(t, HEAD + lines + b"\r\n" + body, what)
    for start in (b"GET  / HTTP/1.1", b"GET / HTTP/1.1 ", b"GET /\tHTTP/1.1", b"GET / HTTP/1.9",
                  b"GET / HTTP/2.0", b"GET / HTTP/01.1", b"GET / http/1.1", b"GET /",
                  b" GET / HTTP/1.1",
                  b"\r\nGET / HTTP/1.1", b"G\xc3\xa9T / HTTP/1.1", b"GET /\xe9 HTTP/1.1",
                  b"GET /a b HTTP/1.1", b"GET", b"", b"\x16\x03\x01\x02\x00", b"PRI * HTTP/2.0"):
        no_canary(t, start + b"\r\nHost: localhost\r\n\r\n" + CANARY, repr(start))
    for hosts in (b"", b"Host: a\r\nHost: a\r\n", b"Host: a\r\nHost: b\r\n", b"Host: a b\r\n"):
        no_canary(t, b"GET /healthz HTTP/1.1\r\n" + hosts + b"\r\n" + CANARY, repr(hosts))


@once("the canary is answered when it is a request of its own")
def _(t):
    replies = answers(t, HEAD + b"Content-Length: 2\r\n\r\n{}" + CANARY)
    t.eq([r.status for r in replies], [400, 404])
    t.eq(replies[1].header("X-Request-ID"), "canary")
    replies = answers(t, HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + CANARY)
    t.eq([r.status for r in replies], [400, 404])


if __name__ == "__main__":
    suite.main()
