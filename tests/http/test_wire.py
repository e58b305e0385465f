#!/usr/bin/env python3
"""The wire: envelope, headers, methods, bounds, and bodies in every shape and none."""
import json
import os
import time
import uuid

from lib.case import Suite
from lib.corpora import corpus
from lib.wire import Wire, request

suite = Suite(__file__)
case, once = suite.case, suite.once

JSON = [("Content-Type", "application/json")]
FORM = [("Content-Type", "application/x-www-form-urlencoded")]
MULTIPART = [("Content-Type", "multipart/form-data; boundary=b0")]
ORIGIN = "https://shop.example.com"


@case("every reply is an envelope with the usual headers")
def _(t):
    ada = t.sign_up()
    replies = [t.me(ada.tokens["access"]), t.me("x", want=401), t.post("auth/login/", {}, want=400),
               t.get("auth/login/", want=405), t.get("nowhere/", want=404),
               t.post("auth/login/", "[", want=400)]
    for reply in replies:
        body = reply.json
        wanted = {"success", "message", "data", "errors"}
        t.eq(set(body), wanted if reply.status < 400 else wanted | {"code"}, "members")
        t.eq(body["success"], reply.status < 400, "success")
        t.ok(isinstance(body["message"], str) and body["message"], "no message")
        t.eq(reply.header("Content-Type"), "application/json")
        t.eq(reply.header("Cache-Control"), "no-store")
        t.eq(reply.header("X-Content-Type-Options"), "nosniff")
        t.eq(reply.header("Referrer-Policy"), "no-referrer")
        t.ok(reply.header("Date").endswith(" GMT"), "Date")
        uuid.UUID(reply.header("X-Request-ID"))
        t.ok(reply.header("Server") is None, "it says what it is")
        timing = reply.header("Server-Timing")
        t.ok(timing and "statements" in timing, "no Server-Timing in --dev")


@case("a sane X-Request-ID is kept, another is replaced")
def _(t):
    for good in ("a", "req-1.2_3", "x" * 64, str(uuid.uuid4())):
        t.eq(t.get("nowhere/", [("X-Request-ID", good)], want=404).header("X-Request-ID"), good)
    for bad in ("", "x" * 65, "a b", "a\tb", "<script>", "\u00e9", "a;b", "\"a\""):
        reply = t.get("nowhere/", [("X-Request-ID", bad)], want=404)
        uuid.UUID(reply.header("X-Request-ID"))


@case("a path answers with and without its slash, never by redirect")
def _(t):
    ada = t.sign_up()
    for path in ("me", "me/"):
        t.get(path, [("Authorization", "Bearer " + ada.tokens["access"])])
    road = t.path("auth/login/")
    for path in (road, road.rstrip("/")):
        reply = t.client.post(path, {"email_or_phone": ada.email, "password": ada.password})
        t.eq(reply.status, 200, path)


@case("405 says what is allowed; OPTIONS says it too; HEAD is GET without its body")
def _(t):
    for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE", "PROPFIND", "post"):
        reply = t.send(method, "auth/login/")
        t.eq((reply.status, reply.header("Allow")), (405, "POST, OPTIONS"), method)
        t.note(reply) if method != "HEAD" else None
    reply = t.send("OPTIONS", "auth/login/")
    t.eq((reply.status, reply.body, reply.header("Allow")), (204, b"", "POST, OPTIONS"))
    for method in ("POST", "PUT"):
        t.eq(t.send(method, "me/").header("Allow"), "GET, HEAD, PATCH, DELETE, OPTIONS", method)
    ada = t.sign_up()
    bearer = [("Authorization", "Bearer " + ada.tokens["access"])]
    got, head = t.send("GET", "me/", None, bearer), t.send("HEAD", "me/", None, bearer)
    t.eq((head.status, head.body, head.header("Content-Length")),
         (200, b"", got.header("Content-Length")))
    t.eq(t.send("OPTIONS", "nowhere/").status, 404)


@once("OPTIONS * and CONNECT")
def _(t):
    with Wire(t.server.port) as wire:
        wire.send(request("OPTIONS", "*"))
        t.ok(wire.read().status in (200, 204, 404), "OPTIONS *")
    for target, method in (("example.com:443", "CONNECT"), ("http://example.com/", "GET"),
                           ("*", "GET"), ("healthz", "GET")):
        with Wire(t.server.port) as wire:
            wire.send(request(method, target))
            t.eq(wire.read().status, 400, method + " " + target)
            t.ok(wire.closed(), "left open after " + target)


@once("CORS: listed origins exactly, with credentials; others get nothing",
      cors_origins=ORIGIN + ", http://localhost:3000")
def _(t):
    path = "/api/v2/auth/login/"
    for origin in (ORIGIN, "http://localhost:3000"):
        reply = t.client.post(path, {}, [("Origin", origin)])
        t.eq(reply.header("Access-Control-Allow-Origin"), origin)
        t.eq(reply.header("Access-Control-Allow-Credentials"), "true")
        exposed = {name.strip() for name in
                   reply.header("Access-Control-Expose-Headers").split(",")}
        t.ok({"Retry-After", "X-Request-ID"} <= exposed, exposed)
        t.ok("Origin" in reply.header("Vary"), "Vary")
        ask = t.client.call("OPTIONS", path, None, [
            ("Origin", origin), ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type,authorization")])
        t.eq(ask.status, 204)
        t.ok("POST" in ask.header("Access-Control-Allow-Methods"))
        allowed = ask.header("Access-Control-Allow-Headers").lower()
        for name in ("content-type", "authorization", "idempotency-key", "x-cloakroom-device"):
            t.ok(name in allowed, name + " is not allowed")
    for origin in ("https://shop.example.com.evil.example", "https://SHOP.example.com",
                   "http://shop.example.com", "https://shop.example.com:444", "null", "*",
                   "https://evil.example", "https://shop.example.com/", ""):
        for method in ("POST", "OPTIONS"):
            reply = t.client.call(method, path, {} if method == "POST" else None, [
                ("Origin", origin), ("Access-Control-Request-Method", "POST")])
            t.eq(reply.header("Access-Control-Allow-Origin"), None, origin)
            t.eq(reply.header("Access-Control-Allow-Credentials"), None, origin)
            t.ok("Origin" in reply.header("Vary"), "Vary")


@once("nobody is listed: no CORS headers at all")
def _(t):
    reply = t.client.post("/api/v1/auth/login/", {}, [("Origin", ORIGIN)])
    t.ok(not any(n.lower().startswith("access-control") for n, _ in reply.headers), reply.headers)


@case("bodies over the bounds are refused before anything is looked at")
def _(t):
    road = t.path("auth/login/")
    body = {"email_or_phone": t.people.email(), "password": "x"}
    full = json.dumps({**body, "pad": ""})
    fits = json.dumps({**body, "pad": "x" * (16384 - len(full))})
    t.eq(len(fits), 16384)
    t.post("auth/login/", fits, want=401)
    for head in (b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 % road.encode(),):
        for rest in (b"Content-Length: 16385\r\n\r\n", b"Content-Length: 99999999999\r\n\r\n"):
            with Wire(t.server.port) as wire:
                wire.send(head + rest)
                reply = wire.read()
                t.expect(reply, 413, "too_large")
                t.note(reply)
                t.ok(wire.closed(), "left open")
        with Wire(t.server.port) as wire:
            wire.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" + b" " * 0x4000
                      + b"\r\n1\r\n \r\n")
            reply = wire.read()
            t.expect(reply, 413, "too_large")
            t.hold("POST", road, reply)
    with Wire(t.server.port) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Pad: " + b"x" * 9000 + b"\r\n\r\n")
        t.expect(wire.read(), 431, "headers_too_large")
        t.ok(wire.closed(), "left open")
    with Wire(t.server.port) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 1500 + b"\r\n")
        t.eq(wire.read().status, 431, "many headers")
    with Wire(t.server.port) as wire:
        wire.send(b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        t.ok(wire.read().status in (413, 414, 431), "a long target")


@case("slow requests are cut as a whole, however busy they look", server_head_timeout="1s",
      server_body_timeout="1s")
def _(t):
    road = t.path("auth/login/").encode()
    for start in (b"POST " + road + b" HTTP/1.1\r\nHost: x\r\nX-A: ",
                  b"POST " + road + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  b"Content-Length: 100\r\n\r\n{"):
        with Wire(t.server.port) as wire:
            wire.send(start)
            while wire.idle(0.15):
                wire.send(b" ")
            reply = wire.read()
            t.expect(reply, 408, "timeout")
            t.ok(wire.closed(), "left open")
            if b"{" in start:
                t.hold("POST", road.decode(), reply)
            t.note(reply)


@case("media types: JSON and forms, nothing else")
def _(t):
    body = json.dumps({"email_or_phone": t.people.email(), "password": "x y"})
    for good in ("application/json", "application/json; charset=utf-8",
                 "Application/JSON;charset=\"UTF-8\""):
        t.post("auth/login/", body, [("Content-Type", good)], want=401)
    for bad in ("text/plain", "text/json", "application/xml", "application/jsonx", "", "json",
                "application/json; charset=latin-1", "multipart/form-data",
                "multipart/form-data; boundary=" + "x" * 80, "application/octet-stream"):
        t.post("auth/login/", body, [("Content-Type", bad)], want=415,
               code="unsupported_media_type")
    t.post("auth/login/", body, JSON + [("Content-Encoding", "gzip")], want=415,
           code="unsupported_media_type")


@case("forms go through the same schema")
def _(t):
    ada = t.people.person()
    body = "email=%s&password=%s&first_name=Ad%%C3%%A0+Obi&remember=on" % (
        ada.email.replace("@", "%40"), ada.password)
    data = t.post("auth/register/", body, FORM, want=201).data
    t.eq((data["user"]["email"], data["user"]["first_name"]), (ada.email, "Ad\u00e0 Obi"))
    parts = [("flow_id", data["verification"]["flow_id"]), ("otp", t.code(ada))]
    multipart = "".join('--b0\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % part
                        for part in parts) + "--b0--\r\n"
    t.post("auth/verify-otp/", multipart, MULTIPART)
    t.refused("auth/register/", "email=x", "password", headers=FORM)
    for bad in ("email=%zz", "email=%e9", "a=1&a=2&email=x", "email=a%00b@example.com"):
        reply = t.post("auth/register/", bad, FORM, want=400)
        t.ok(reply.code in ("malformed_json", "validation_failed"), reply.code)
    for bad in ("", "--b0", "--b0\r\n\r\nx\r\n--b0--", multipart[:-10],
                multipart.replace("name=", "nom=")):
        reply = t.post("auth/verify-otp/", bad, MULTIPART, want=400)
        t.ok(reply.code in ("malformed_json", "validation_failed"), reply.code)
    file = multipart.replace('name="otp"', 'name="otp"; filename="x"')
    t.post("auth/verify-otp/", file, MULTIPART, want=415, code="unsupported_media_type")


@case("forms are taken from no page but those of listed origins", cors_origins=ORIGIN)
def _(t):
    for origin, want in ((None, 400), (ORIGIN, 400), ("https://evil.example", 415), ("null", 415)):
        t.post("auth/login/", "a=b", FORM + [("Origin", origin)], want=want)


@case("malformed JSON of every kind is 400, never 500")
def _(t):
    t.refused("auth/login/", b"", ("email_or_phone", "password"))
    for bad in (b" ", b"{", b"[1", b"nul", b"{'a':1}", b'{"a":1,}', b'{"a" 1}', b'{"a":1}{"b":2}',
                b'{"email_or_phone":"\xff\xfe"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\\ud800"}',
                b'{"a":1,"a":2}', b'{"password":"a","password":"b","email_or_phone":"c@d.example"}',
                b'{"x":{"a":1,"a":1}}', b"\xef\xbb\xbf{}", b'{"a":"\x00"}', b'{"a":"\n"}',
                b'{"a":01}', b'{"a":NaN}', b'{"a":1e999999}', b"\x00", b"[" * 17 + b"]" * 17,
                b"[" * 8000, b'{"a":' * 1200 + b"1" + b"}" * 1200, b'{"a\\u0000b":1}'):
        reply = t.post("auth/login/", bad, JSON, want=400)
        t.ok(reply.code == "malformed_json" or b"1e999999" in bad or b"u0000" in bad,
             "%s for %r" % (reply.code, bad[:40]))
    for other in (b"[]", b'"x"', b"1", b"true", b"null", b"[{}]"):
        reply = t.post("auth/login/", other, JSON, want=400, code="validation_failed")
        t.ok(reply.errors, "no errors")
    deep = b'{"a":' * 15 + b"1" + b"}" * 15
    t.post("auth/login/", deep, JSON, want=400, code="validation_failed")


@case("JSONTestSuite over HTTP: what is no JSON is 400, what is JSON is read")
def _(t):
    folder = corpus("jsontestsuite", "test_parsing")
    if not folder:
        t.skip("no JSONTestSuite")
    refused_although_valid = {"y_object_duplicated_key.json",
                              "y_object_duplicated_key_and_value.json",
                              "y_object_escaped_null_in_key.json"}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            body = file.read()
        if len(body) > 16384:
            t.eq(t.send("POST", "auth/login/", body, JSON).status, 413, name)
            continue
        reply = t.send("POST", "auth/login/", body, JSON)
        t.note(reply)
        t.eq(reply.status, 400, name)
        if name.startswith("n_") and body.strip():
            t.eq(reply.code, "malformed_json", name)
        elif name in refused_although_valid:
            t.eq(reply.code, "malformed_json", name)
        elif name.startswith("y_"):
            t.eq(reply.code, "validation_failed", name)


@case("a NUL in a field is refused by name, everywhere")
def _(t):
    for path, body in (("auth/login/", {"email_or_phone": "a@b.example", "password": "x"}),
                       ("auth/register/", {"email": "a@b.example", "password": "xxxxxxxxx",
                                           "first_name": "A", "last_name": "B", "country": "NG"}),
                       ("auth/verify-otp/", {"email_or_phone": "a@b.example", "otp": "123456"}),
                       ("auth/token/refresh/", {"refresh": "x"}),
                       ("auth/token/verify/", {"token": "x"})):
        for name in body:
            t.refused(path, {**body, name: body[name] + "\0"}, name)


@case("a secret in the address is refused loudly")
def _(t):
    for name in ("token", "access_token", "refresh", "password", "otp", "OTP", "%6ftp"):
        body = {"email_or_phone": "a@b.example", "password": "x"}
        reply = t.post("auth/login/?%s=x" % name, body, want=400, code="validation_failed")
        t.ok(reply.errors, "no errors")
    t.post("auth/login/?next=%2Fhome&utm=1", {"email_or_phone": t.people.email(), "password": "x"},
           want=401)


@once("one connection carries many requests, in order; a pipeline too")
def _(t):
    with Wire(t.server.port) as wire:
        for _ in range(50):
            wire.send(request("GET", "/healthz"))
            t.eq(wire.read().status, 200)
        paths = ["/healthz", "/api/v1/me/", "/api/v2/me/", "/nowhere", "/api/v2/countries/"] * 10
        wire.send(b"".join(request("GET", path) for path in paths))
        seen = [wire.read().status for _ in paths]
        t.eq(seen, [200, 401, 401, 404, 200] * 10)
        wire.send(request("GET", "/healthz", [("Connection", "close")]))
        t.eq(wire.read().header("Connection"), "close")
        t.ok(wire.closed(), "left open")


@once("Expect: 100-continue is answered, or refused, before the body is sent")
def _(t):
    with Wire(t.server.port) as wire:
        head = request("POST", "/api/v2/auth/login/", JSON + [("Expect", "100-continue"),
                                                             ("Content-Length", "2")])
        wire.send(head.replace(b"Content-Length: 0\r\n", b""))
        t.until(lambda: not wire.idle(), "100 Continue")
        wire.send(b"{}")
        t.eq(wire.read().status, 400)
    with Wire(t.server.port) as wire:
        wire.send(request("POST", "/api/v2/auth/login/", JSON + [("Expect", "100-continue"),
                                                                ("Content-Length", "99999")])
                  .replace(b"Content-Length: 0\r\n", b""))
        t.eq(wire.read().status, 413)
    with Wire(t.server.port) as wire:
        wire.send(request("GET", "/healthz", [("Expect", "a-miracle")]))
        t.eq(wire.read().status, 417)


@once("uniform replies leave on the step, other replies at once", security_uniform_ms="100")
def _(t):
    ada = t.sign_up()
    for path, body in (("auth/login/", {"email_or_phone": ada.email, "password": "wrong one"}),
                       ("auth/login/", {"email_or_phone": ada.email, "password": ada.password}),
                       ("auth/register/", {"email": t.people.email(), "password": "fine password"}),
                       ("auth/resend-otp/", {"email_or_phone": t.people.email()}),
                       ("auth/verify-otp/", {"email_or_phone": t.people.email(), "otp": "123456"})):
        for version in ("v1", "v2"):
            began = time.monotonic()
            t.client.post("/api/%s/%s" % (version, path), body)
            took = (time.monotonic() - began) * 1000
            t.ok(took >= 99, "%s after %.1f ms" % (path, took))
    # Nobody else waits behind them, and the connection goes on.
    t.until(lambda: quick(t, "/healthz") < 60 and quick(t, "/api/v2/me/") < 60, "a quick reply")


@once("a refused sign-in leaves on a longer step", security_uniform_ms="20",
      login_refusal_ms="150")
def _(t):
    ada = t.sign_up()
    for version in ("v1", "v2"):
        for name in (ada.email, t.people.email()):
            began = time.monotonic()
            t.client.post("/api/%s/auth/login/" % version,
                          {"email_or_phone": name, "password": "wrong one"})
            took = (time.monotonic() - began) * 1000
            t.ok(took >= 149, "%s after %.1f ms" % (version, took))


def quick(t, path):
    began = time.monotonic()
    t.client.get(path)
    return (time.monotonic() - began) * 1000


if __name__ == "__main__":
    suite.main()
