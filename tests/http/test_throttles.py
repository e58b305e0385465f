#!/usr/bin/env python3
"""Limits: one counter whatever road leads to it, never more than the limit, and the truth about
when to come back."""
import time

from lib.case import PROVE, Suite
from lib.client import Client
from lib.contract import LEGACY
from lib.server import Server
from lib.wire import Wire, request

suite = Suite(__file__)
case, once = suite.case, suite.once

ADDRESS = "X-Forwarded-For"


def spellings(path):
    """Every address of one route."""
    roads = ["/api/v1/" + path, "/api/v2/" + path, LEGACY[path]]
    return roads + [road.rstrip("/") for road in roads]


def ask(t, path, body, headers=()):
    """One call on any road: "in", or "out" with a Retry-After."""
    reply = t.client.post(path, body, headers)
    t.hold("POST", path, reply)
    if reply.status != 429:
        t.ok(reply.status < 429, "%d: %r" % (reply.status, reply.body[:200]))
        return "in"
    t.eq(reply.code, "throttled")
    t.ok(int(reply.header("Retry-After")) >= 1, "Retry-After: " + reply.header("Retry-After"))
    return "out"


def stranger(t):
    return {"email_or_phone": t.people.email(), "password": t.people.password()}


@once("one identifier has one counter on every road, and exactly the limit is let in",
      throttle_burst="10/2s")
def _(t):
    bodies = {
        "auth/login/": lambda name: {"email_or_phone": name, "password": "wrong password"},
        "auth/register/": lambda name: {"email": name, "password": "a fine password"},
        "auth/verify-otp/": lambda name: {"email_or_phone": name, "otp": "000000"},
        "auth/resend-otp/": lambda name: {"email_or_phone": name},
    }
    name = t.people.email()
    for path, body in bodies.items():
        roads = spellings(path)
        began = time.monotonic()
        seen = [ask(t, roads[i % len(roads)], body(name if i % 2 else name.upper()))
                for i in range(30)]
        if time.monotonic() - began < 2:
            t.eq((seen.count("in"), seen[:10]), (10, ["in"] * 10), "admitted to " + path)


@once("a refused call costs nothing; the window slides; Retry-After is when, not before",
      throttle_burst="3/2s")
def _(t):
    body = stranger(t)
    inside, limit, span = [], 3, 2.0
    end = time.monotonic() + 5.5
    while time.monotonic() < end:
        sent = time.monotonic()
        reply = t.client.post("/api/v2/auth/login/", body)
        if reply.status != 429:
            inside.append((sent, time.monotonic()))
        else:
            t.ok(int(reply.header("Retry-After")) <= 2, reply.header("Retry-After"))
            time.sleep(0.005)
    t.eq(len(inside), 9, "admitted in 5.5 s at 3 in 2 s, hammering")
    for early, late in zip(inside, inside[limit:]):
        t.ok(late[1] - early[0] >= span, "%d calls in %.3f s" % (limit + 1, late[1] - early[0]))
        t.ok(late[0] - early[1] <= span + 0.5, "held back %.3f s" % (late[0] - early[1]))


@case("waiting exactly Retry-After is enough", throttle_burst="2/2s")
def _(t):
    body = stranger(t)
    for _ in range(2):
        t.post("auth/login/", body, want=401)
    wait = int(t.post("auth/login/", body, want=429, code="throttled").header("Retry-After"))
    time.sleep(wait)
    t.post("auth/login/", body, want=401)


@case("known and unknown people run into the same limit", throttle_burst="2/min")
def _(t):
    ada = t.sign_up()
    body = stranger(t)
    replies = []
    for name in (ada.email, body["email_or_phone"]):
        for _ in range(2):
            t.post("auth/login/", {**body, "email_or_phone": name}, want=401)
        replies.append(t.post("auth/login/", {**body, "email_or_phone": name}, want=429,
                              code="throttled"))
    t.same(replies[0], replies[1], "known and unknown")
    # One purpose's limit is not another's.
    t.post("auth/resend-otp/", {"email_or_phone": ada.email})


@once("headers of a stranger bring no new budget", throttle_address_burst="10/2s")
def _(t):
    names = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP",
             "X-Client-IP", "X-Cluster-Client-IP", "X-Cloakroom-Client-Address",
             "X-HTTP-Method-Override")
    roads = spellings("auth/login/")
    began = time.monotonic()
    seen = []
    for i in range(40):
        address = "198.51.100.%d" % i
        value = "for=" + address if names[i % len(names)] == "Forwarded" else address
        seen.append(ask(t, roads[i % len(roads)], stranger(t), [(names[i % len(names)], value)]))
    if time.monotonic() - began < 2:
        t.eq(seen.count("in"), 10, "admitted")


@once("behind a trusted proxy the right-most untrusted hop counts",
      throttle_address_burst="5/10s", trusted_proxies="127.0.0.0/8, 10.0.0.0/8")
def _(t):
    def tries(n, header):
        return [ask(t, "/api/v%d/auth/login/" % (i % 2 + 1), stranger(t), [(ADDRESS, header(i))])
                for i in range(n)].count("in")
    t.eq(tries(8, lambda i: "203.0.113.5"), 5, "one address")
    t.eq(tries(8, lambda i: "203.0.113.%d" % (20 + i)), 8, "eight addresses")
    t.eq(tries(8, lambda i: "198.51.100.%d, 203.0.113.6" % i), 5, "spoofed on the left")
    t.eq(tries(8, lambda i: "198.51.100.%d, 203.0.113.7, 10.1.2.%d" % (i, i)), 5, "two proxies")
    t.eq(tries(8, lambda i: "203.0.113.8:%d" % (1000 + i)), 5, "with ports")
    t.eq(tries(8, lambda i: "::ffff:203.0.113.9" if i % 2 else "203.0.113.9"), 5, "mapped")
    t.eq(tries(8, lambda i: "2001:db8:1:1::%x" % (i + 1)), 5, "one /64")
    t.eq(tries(8, lambda i: "2001:db8:1:2:%x::1" % (i * 4096)), 5, "one /64, other bits")
    t.eq(tries(8, lambda i: "[2001:db8:1:3::%x]:443" % i), 5, "one /64, with ports")
    t.eq(tries(8, lambda i: "2001:db8:1:%x::1" % (16 + i)), 8, "eight /64s")
    # What is no address leaves the proxy's own, not a budget a word.
    t.eq(tries(8, lambda i: "unknown%d" % i), 5, "no addresses")
    lines = [ask(t, "/auth/login/", stranger(t), [(ADDRESS, "198.51.100.%d" % i),
                                                   (ADDRESS, "203.0.113.77")]) for i in range(8)]
    t.eq(lines.count("in"), 5, "two lines are one list")


@once("the forwarder credential speaks for the browser", throttle_address_burst="5/10s",
      forwarder_secret="a secret of the front end server")
def _(t):
    def tries(n, secret, address):
        return [ask(t, "/api/v2/auth/login/", stranger(t),
                    [("X-Cloakroom-Forwarder", secret),
                     ("X-Cloakroom-Client-Address", address(i))]) for i in range(n)].count("in")
    right = "a secret of the front end server"
    t.eq(tries(8, right, lambda i: "203.0.113.%d" % i), 8, "eight browsers")
    t.eq(tries(8, right, lambda i: "203.0.113.99"), 5, "one browser")
    t.eq(tries(8, right[:-1] + "x", lambda i: "198.51.100.%d" % i), 5, "the wrong credential")


@once("a session's refreshes are counted by session, not by address", throttle_sustained="4/2s")
def _(t):
    ada, obi = t.sign_up(), t.sign_up()
    roads = spellings("auth/token/refresh/")
    began = time.monotonic()
    seen, token = [], ada.tokens["refresh"]
    for i in range(10):
        reply = t.client.post(roads[i % len(roads)], {"refresh": token})
        seen.append(reply.status)
        if reply.status == 200:
            token = reply.data["refresh"]
    if time.monotonic() - began < 2:
        t.eq(seen, [200] * 4 + [429] * 6)
    t.refresh(obi.tokens["refresh"])
    wait = int(t.send("POST", "auth/token/refresh/", {"refresh": token}).header("Retry-After") or 0)
    time.sleep(wait)
    t.refresh(token)
    # Logout is a purpose of its own: whoever has refreshed too much may still leave.
    t.logout(token)


@case("logout and token/verify have their limits too", throttle_sustained="2/min")
def _(t):
    ada = t.sign_up()
    for kind in ("access", "refresh"):
        t.post("auth/token/verify/", {"token": ada.tokens[kind]})
    t.post("auth/token/verify/", {"token": ada.tokens["access"]}, want=429, code="throttled")
    for _ in range(2):
        t.logout(ada.tokens["refresh"])
    t.logout(ada.tokens["refresh"], want=429, code="throttled")


@case("me and countries are counted by who asks", throttle_anonymous="4/min",
      throttle_client="3/min", throttle_vendor="6/min", trusted_proxies="127.0.0.1")
def _(t):
    ada, obi = t.sign_up(), t.sign_up(role="vendor")
    for person, limit in ((ada, 3), (obi, 6)):
        for _ in range(limit):
            t.me(person.tokens["access"])
        reply = t.me(person.tokens["access"], want=429, code="throttled")
        t.ok(1 <= int(reply.header("Retry-After")) <= 60)
    # A second session of the same person is the same person.
    t.me(t.login(ada).data["access"], want=429, code="throttled")
    home = {"v1": "203.0.113.1", "v2": "203.0.113.2", "legacy": "203.0.113.3"}[t.mount]
    for _ in range(4):
        t.get("countries/", [(ADDRESS, home)])
    t.get("countries/", [(ADDRESS, home)], want=429, code="throttled")
    t.get("countries/", [(ADDRESS, home[:-1] + "9" + home[-1])])


@once("a known device has a budget of its own on the burst limit too", throttle_burst="6/min")
def _(t):
    ada = t.sign_up()
    device = [("X-Cloakroom-Device", t.login(ada).data["device"])]
    for _ in range(5):
        t.login(ada, want=401, password="wrong password")
    t.login(ada, want=429, code="throttled")
    t.login(ada, headers=device)


@once("requests in one pipeline are counted one by one", throttle_burst="10/min")
def _(t):
    body = ('{"email_or_phone": "%s", "password": "wrong password"}' % t.people.email()).encode()
    roads = spellings("auth/login/")
    with Wire(t.server.port) as wire:
        wire.send(b"".join(request("POST", roads[i % 6], [("Content-Type", "application/json")],
                                   body) for i in range(24)))
        seen = [wire.read().status for _ in range(24)]
    t.eq((seen.count(401), seen.count(429)), (10, 14))


@once("paths that are not the route's own lead nowhere", throttle_burst="10/min")
def _(t):
    for path in ("//api/v1/auth/login/", "/api/v1//auth/login/", "/api/v1/auth/login//",
                 "/api/v1/auth/./login/", "/api/v1/auth/%6cogin/", "/API/v1/auth/login/",
                 "/api/v1/auth/login/%20", "/api/v1/auth/login;x/", "/api/v3/auth/login/",
                 "/api/auth/login/", "/auth/Login/", "/api/v1/../v1/auth/login/"):
        reply = t.client.post(path, stranger(t))
        t.ok(reply.status in (400, 404), "%s: %d" % (path, reply.status))


def admitted(client, body, n):
    return [client.post("/api/v%d/auth/login/" % (i % 2 + 1), body).status
            for i in range(n)].count(401)


@once("limits survive a restart and a kill -9")
def _(t):
    server = Server(t.server.build, {"throttle_burst": "10/min",
                                     "throttle_address_burst": "14/min"})
    try:
        server.start()
        body, client = stranger(t), Client(server)
        t.eq(admitted(client, body, 4), 4, "admitted at first")
        client.close()
        server.restart()
        t.eq(admitted(client, body, 3), 3, "after a restart")
        client.close()
        server.kill()
        server.start()
        t.eq(admitted(client, body, 20), 3, "after a kill -9")
        t.eq(admitted(client, stranger(t), 10), 4, "the address's own limit")
        t.eq(server.finish(), [])
    finally:
        server.remove()


@once("switched off, nothing is limited", throttle_enabled="false", throttle_burst="2/min",
      login_failures="2/min")
def _(t):
    body = stranger(t)
    for _ in range(12):
        t.post("auth/login/", body, want=401)


@once("refusals are on record, one row a subject and minute", throttle_burst="2/5min")
def _(t):
    if not PROVE:
        t.skip("it waits for a minute to end: PROVE=1")
    body = stranger(t)
    time.sleep(60 - time.time() % 60 if time.time() % 60 > 50 else 0)
    for _ in range(7):
        t.send("POST", "auth/login/", body)
    rows = t.until(lambda: t.trail.query(
        "SELECT outcome, count, operation FROM audit WHERE event = 'request.refused'"),
        "the aggregated row", timeout=130)
    t.eq(rows, [("throttled", 5, "login")])


if __name__ == "__main__":
    suite.main()
