#!/usr/bin/env python3
"""Races: 64 clients at one moment, both engines mixed, and exactly one winner."""
import collections

from lib.case import PROVE, Suite
from lib.client import Client
from lib.contract import LEGACY
from lib.crowd import crowd
from lib.server import Server
from lib.trial import wrong

suite = Suite(__file__)
once = suite.once

N = 64
ROUNDS = 50 if PROVE else 3


def road(i, path):
    """Both engines, and the alias in between."""
    return ("/api/v1/" + path, "/api/v2/" + path, LEGACY[path])[i % 3]


def statuses(replies):
    return collections.Counter(reply.status for reply in replies)


def spelled(i, address):
    name, domain = address.split("@")
    return (address, address.upper(), name.title() + "@" + domain, " %s " % address,
            name + "@" + domain.upper())[i % 5]


@once("one address in many spellings is one person", otp_sends="1000000/hour",
      throttle_burst="1000000/min")
def _(t):
    for _ in range(ROUNDS):
        ada, before = t.people.person(), t.trail.value("SELECT count(*) FROM users")
        replies = crowd(t.server, N, lambda c, i: c.post(road(i, "auth/register/"), {
            "email": spelled(i, ada.email), "password": ada.password}))
        t.eq(statuses(replies), {201: N})
        t.eq(t.trail.value("SELECT count(*) FROM users"), before + 1, "people")
        live = t.trail.value("SELECT count(*) FROM flows WHERE voided_at IS NULL AND user_id ="
                             " (SELECT id FROM users ORDER BY id DESC LIMIT 1)")
        t.eq(live, 1, "live flows")


@once("one number in many spellings is one person", otp_sends="1000000/hour",
      throttle_burst="1000000/min")
def _(t):
    for _ in range(ROUNDS):
        ada, before = t.people.person("phone"), t.trail.value("SELECT count(*) FROM users")
        national = ada.phone[4:]
        ways = (ada.phone, "0" + national, "234" + national, "+234 %s" % national)
        replies = crowd(t.server, N, lambda c, i: c.post(road(i, "auth/register/"), {
            "phone": ways[i % 4], "password": ada.password}))
        t.eq(statuses(replies), {201: N})
        t.eq(t.trail.value("SELECT count(*) FROM users"), before + 1, "people")


@once("one refresh token has one successor")
def _(t):
    for _ in range(ROUNDS):
        ada = t.sign_up()
        token = ada.tokens["refresh"]
        replies = crowd(t.server, N, lambda c, i: c.post(road(i, "auth/token/refresh/"),
                                                         {"refresh": token}))
        t.eq(statuses(replies), {200: N})
        t.eq(len({reply.data["refresh"] for reply in replies}), 1, "distinct successors")
        t.refresh(replies[0].data["refresh"])


@once("a chain of refreshes raced by its own replays never ends the session by mistake")
def _(t):
    ada = t.sign_up()
    token = ada.tokens["refresh"]
    for _ in range(5 * ROUNDS):
        replies = crowd(t.server, 8, lambda c, i: c.post(road(i, "auth/token/refresh/"),
                                                         {"refresh": token}))
        t.eq(statuses(replies), {200: 8})
        token = replies[0].data["refresh"]
    t.me(replies[0].data["access"])


@once("one code has one success", otp_attempts="1000000/hour", throttle_burst="1000000/min",
      otp_max_attempts="10")
def _(t):
    for _ in range(ROUNDS):
        ada = t.people.person()
        sent = t.register(ada)
        replies = crowd(t.server, N, lambda c, i: c.post(road(i, "auth/verify-otp/"), {
            "flow_id": sent["flow_id"], "otp": sent["otp"]}))
        t.eq(statuses(replies), {200: 1, 400: N - 1})
        t.eq(t.trail.value("SELECT count(*) FROM sessions WHERE user_id ="
                           " (SELECT id FROM users ORDER BY id DESC LIMIT 1)"), 1, "sessions")


@once("64 wrong codes: five are looked at", otp_attempts="1000000/hour",
      throttle_burst="1000000/min")
def _(t):
    for _ in range(ROUNDS):
        ada = t.people.person()
        sent = t.register(ada)
        replies = crowd(t.server, N, lambda c, i: c.post(road(i, "auth/verify-otp/"), {
            "flow_id": sent["flow_id"], "otp": wrong(sent["otp"])}))
        t.eq(statuses(replies), {400: N})
        t.eq(t.trail.value("SELECT attempts FROM flows WHERE id = ?",
                           bytes.fromhex(sent["flow_id"].replace("-", ""))), 5, "attempts")
        t.verify(sent["flow_id"], sent["otp"], want=400, error="otp_invalid")


@once("one Idempotency-Key is one registration, and one session", otp_sends="1000000/hour",
      throttle_burst="1000000/min")
def _(t):
    for _ in range(ROUNDS):
        ada, before = t.people.person(), t.trail.value("SELECT count(*) FROM flows")
        key = [("Idempotency-Key", "race-" + ada.email)]
        replies = crowd(t.server, 16, lambda c, i: c.post(road(i, "auth/register/"), {
            "email": ada.email, "password": ada.password}, key))
        t.eq(statuses(replies), {201: 16})
        t.eq(len({r.data["verification"]["flow_id"] for r in replies}), 1, "distinct flows")
        t.eq(t.trail.value("SELECT count(*) FROM flows"), before + 1, "flows")
        sent = next(r.data["verification"] for r in replies if "otp" in r.data["verification"])
        replies = crowd(t.server, 16, lambda c, i: c.post(road(i, "auth/verify-otp/"), {
            "flow_id": sent["flow_id"], "otp": sent["otp"]}, key))
        t.eq(statuses(replies), {200: 16})
        t.eq(len({r.data["refresh"] for r in replies}), 1, "distinct sessions")
        replies = crowd(t.server, 16, lambda c, i: c.post(road(i, "auth/login/"), {
            "email_or_phone": ada.email, "password": ada.password}, key))
        t.eq(statuses(replies), {200: 16})
        t.eq(len({r.data["refresh"] for r in replies}), 1, "distinct sessions")


@once("64 calls at a limit of ten: ten are let in", throttle_burst="10/min")
def _(t):
    for path, body in (("auth/login/", lambda name: {"email_or_phone": name, "password": "x"}),
                       ("auth/verify-otp/", lambda name: {"email_or_phone": name, "otp": "000000"}),
                       ("auth/register/", lambda name: {"email": name, "password": "fine words"})):
        name = t.people.email()
        replies = crowd(t.server, N, lambda c, i: c.post(road(i, path), body(spelled(i, name))))
        t.eq(statuses(replies)[429], N - 10, path)


@once("ten, across a kill -9 and a restart in the middle")
def _(t):
    server = Server(t.server.build, {"throttle_burst": "10/min"})
    try:
        server.start()
        body = {"email_or_phone": t.people.email(), "password": "x"}
        admitted = 0
        for stop in (server.kill, server.terminate, server.kill):
            client = Client(server)
            for i in range(3):
                admitted += client.post(road(i, "auth/login/"), body).status == 401
            client.close()
            stop()
            server.start()
        replies = crowd(server, N, lambda c, i: c.post(road(i, "auth/login/"), body))
        admitted += statuses(replies)[401]
        t.eq(admitted, 10, "admitted")
    finally:
        server.remove()


@once("logout, refresh and login in one moment leave nothing alive that was ended")
def _(t):
    for _ in range(ROUNDS):
        ada = t.sign_up()
        token = ada.tokens["refresh"]
        replies = crowd(t.server, 32, lambda c, i: c.post(
            road(i, "auth/logout/" if i % 4 == 0 else "auth/token/refresh/"), {"refresh": token}))
        for reply in replies:
            t.ok(reply.status in (200, 401), reply.status)
            if reply.data:
                t.me(reply.data["access"], want=401, code="token_revoked")
                t.refresh(reply.data["refresh"], want=401, code="token_revoked")


@once("wrong passwords in one moment are counted, every one", login_failures="10/15min")
def _(t):
    ada = t.sign_up()
    replies = crowd(t.server, N, lambda c, i: c.post(road(i, "auth/login/"), {
        "email_or_phone": ada.email, "password": "wrong %d" % i}))
    t.eq(statuses(replies), {401: 10, 429: N - 10})


if __name__ == "__main__":
    suite.main()
