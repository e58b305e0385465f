#!/usr/bin/env python3
"""What the gates in front of every route do, asked of every route the document lists."""
import json
import re
import time
import uuid

from lib.case import Suite
from lib.contract import Contract
from lib.staff import hire
from lib.wire import Wire

suite = Suite(__file__)
case, once = suite.case, suite.once


def operations(t):
    """Every operation once, with its path on this mount, and a good body where it takes one."""
    contract = t.contracts["v2" if t.mount == "v2" else "v1"]
    for operation in contract.operations:
        content = operation.declared.get("requestBody", {}).get("content", {})
        examples = content.get("application/json", {}).get("examples", {})
        body = next((e["value"] for e in examples.values()), None)
        suffix = operation.path.split("/", 3)[3].replace("{file}", "init.js")
        yield operation, re.sub("{[a-z]+}", str(uuid.UUID(int=0)), suffix), body


def insists(operation):
    """Does it take nobody without an access token?"""
    security = operation.declared.get("security", [])
    return {"bearer": []} in security and {} not in security


@case("a body that is no JSON, too much of it, and of another type: on every route that takes one")
def _(t):
    n = 0
    ada, boss = t.sign_up(), hire(t, "superadmin")
    for operation, path, body in operations(t):
        if body is None or {"service": []} in operation.declared.get("security", []):
            continue
        n += 1
        caller = boss if "x-permission" in operation.declared else ada
        token = bearer(caller.tokens["access"]) if insists(operation) else []
        t.call(operation.method, path, b"{", token, want=400, code="malformed_json")
        t.call(operation.method, path, json.dumps(body), token + [("Content-Type", "text/plain")],
               want=415, code="unsupported_media_type")
        t.call(operation.method, path, b"[]", token, want=400, code="validation_failed")
        with Wire(t.server.port) as wire:
            wire.send(("%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n"
                       % (operation.method, t.path(path))).encode())
            reply = wire.read()
            t.expect(reply, 413, "too_large")
            t.hold(operation.method, t.path(path), reply)
            t.note(reply)
    t.ok(n >= 7, "only %d routes take a body" % n)


@case("a secret in the query, a key that is none, a header twice: on every route")
def _(t):
    for operation, path, body in operations(t):
        t.call(operation.method, path + "?access_token=x", body, want=400, code="validation_failed")
        t.call(operation.method, path, body, [("Idempotency-Key", "a b")], want=400,
               code="validation_failed")
        t.call(operation.method, path, body, [("Origin", "https://a.example"),
                                                    ("Origin", "https://b.example")], want=400,
               code="bad_request")


def readers(t):
    """Routes that read an access token, and whether they insist."""
    found = [(o, path, insists(o)) for o, path, _ in operations(t)
             if {"bearer": []} in o.declared.get("security", [])]
    t.ok(len(found) >= 2, "only %d routes read tokens" % len(found))
    return found


def bearer(token):
    return [("Authorization", "Bearer " + token)]


@case("a token that is none, expired or of an ended session: on every route that reads one",
      token_access_ttl="1s")
def _(t):
    ada = t.sign_up()
    for operation, path, always in readers(t):
        t.call(operation.method, path, None, bearer("x.y.z"), want=401, code="token_invalid")
        if always:
            t.call(operation.method, path, None, want=401, code="token_missing")
        ended = t.login(ada).data
        t.logout(ended["refresh"])
        # On a slow machine it may have expired as well by now.
        t.eq(t.send(operation.method, path, None, bearer(ended["access"])).status, 401)
    time.sleep(2.05 - time.time() % 1)
    for operation, path, _ in readers(t):
        t.call(operation.method, path, None, bearer(ada.tokens["access"]), want=401,
               code="token_expired")


# Their limits count what only a good body says; the files of these routes ask for them.
COUNTED_LATER = {"password_change"}


@case("an ended session's token and one call too many: on every route that reads one",
      throttle_client="2/min", trusted_proxies="127.0.0.1")
def _(t):
    ada = t.sign_up()
    ended = t.login(ada).data
    t.logout(ended["refresh"])
    for operation, path, _ in readers(t):
        t.call(operation.method, path, None, bearer(ended["access"]), want=401,
               code="token_revoked")
        if operation.name in COUNTED_LATER:
            continue
        # What changes something may end this session: somebody else's each time.
        who = ada if operation.method == "GET" else t.sign_up()
        statuses = [t.send(operation.method, path, None, bearer(who.tokens["access"])).status
                    for _ in range(3)]
        if statuses[1] == 401:
            continue  # the first call ended it
        t.eq([status == 429 for status in statuses], [False, False, True], operation.name)


@once("documents the run is measured by are those of a server with default settings")
def _(t):
    for version in ("v1", "v2"):
        contract = Contract(t.client.get("/api/%s/schema/" % version).json)
        names = [o.name for o in contract.operations]
        t.eq(len(names), len(set(names)), "names")
        for name in ("register", "verify_otp", "resend_otp", "login", "token_refresh", "logout",
                     "me", "token_verify", "countries", "schema", "docs"):
            t.ok(name in names, name + " is not there")


if __name__ == "__main__":
    suite.main()
