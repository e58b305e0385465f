#!/usr/bin/env python3
"""Passwords: a reset proves the address and tells nobody anything; a change asks for the old one."""
import json
import time

from lib.case import Suite
from lib.trial import wrong
from lib.wire import Wire, request

suite = Suite(__file__)
case, once = suite.case, suite.once

PAGE = "https://shop.example/reset/"
LINKS = {"password_reset_url": PAGE + "{uidb64}/{token}"}
REQUEST, CONFIRM, CHANGE = ("password/reset-request/", "password/reset-confirm/",
                            "password/change/")


def bearer(tokens):
    return [("Authorization", "Bearer " + tokens["access"])]


def ask(t, name, headers=(), want=200, code=None):
    return t.post(REQUEST, {"email_or_phone": name}, headers, want, code)


def link(t, person):
    """Ask for a reset and read the mail: the two parts of its link."""
    before = len(t.inbox(person.identifier))
    ask(t, person.identifier)
    mail = t.mail(person.identifier, before + 1)
    t.ok(mail["link"].startswith(PAGE), mail["link"])
    uidb64, token = mail["link"][len(PAGE):].split("/")
    t.ok(mail["link"] in mail["text"] and mail["code"] == "", mail)
    return {"uidb64": uidb64, "token": t.people.secret("reset token", token)}


def confirm(t, proof, password, want=200, code=None, **more):
    return t.post(CONFIRM, {**proof, "new_password": password, **more}, (), want, code)


def refuse(t, proof, password="a password of no consequence"):
    return confirm(t, proof, password, want=400, code="reset_invalid")


def change(t, tokens, current, wanted, want=200, code=None, **more):
    body = {"current_password": current, "new_password": wanted, **more}
    return t.post(CHANGE, body, bearer(tokens), want, code)


@case("a reset, by example", **LINKS)
def _(t):
    ada = t.sign_up()
    reply = ask(t, ada.email)
    t.eq(set(reply.data), {"flow_id", "expires_in"}, "members of data")
    t.eq(reply.data["expires_in"], 1800)
    proof, new = link(t, ada), t.people.password()
    reply = confirm(t, proof, new)
    t.eq((reply.json["message"], reply.data), ("Password reset successfully.", None))
    # It signs nobody in, and everybody out.
    t.me(ada.tokens["access"], want=401, code="token_revoked")
    t.refresh(ada.tokens["refresh"], want=401, code="token_revoked")
    t.login(ada, want=401)
    t.login(ada, password=new)
    notice = t.mail(ada.email, 4)
    t.ok("was changed" in notice["subject"] and "127.0.0.1" in notice["text"], notice)


@case("by SMS it is a code, with the flow or with the number however it is written")
def _(t):
    obi, new = t.sign_up(t.people.person("phone")), t.people.password()
    sent = ask(t, obi.phone).data
    t.eq(sent["expires_in"], 300)
    confirm(t, {"flow_id": sent["flow_id"], "otp": t.code(obi)}, new)
    t.login(obi, password=new)
    ask(t, "0" + obi.phone[4:])
    confirm(t, {"email_or_phone": "0" + obi.phone[4:], "otp": t.code(obi)}, obi.password)
    t.login(obi)


@case("nobody learns who is there", **LINKS)
def _(t):
    ada, waiting, off = t.sign_up(), t.people.person(), t.sign_up()
    t.register(waiting)
    t.eq(t.server.run("user", "disable", off.email).returncode, 0, "user disable")
    boxes = [(p, len(t.inbox(p.email))) for p in (ada, waiting, off)]
    flows, mark = t.trail.value("SELECT count(*) FROM flows"), t.trail.mark()
    replies = [ask(t, p.email) for p in (ada, waiting, off, t.people.person())]
    for reply in replies[1:]:
        t.same(replies[0], reply, "known and unknown")
        t.eq(len(reply.body), len(replies[0].body), "size")
    t.eq(t.trail.value("SELECT count(*) FROM flows"), flows + 4, "flows")
    rows = t.trail.audit(mark)
    t.eq([(r["event"], r["outcome"]) for r in rows], [("password.reset_requested", "ok")] * 4)
    t.eq([(r["subject"], r["subject_index"]) for r in rows], [(1, 0), (1, 0), (1, 0), (0, 1)])
    for (person, before), more in zip(boxes, (1, 1, 0)):
        t.until(lambda p=person, n=before + more: len(t.inbox(p.email)) == n, "mails")
    obi = t.sign_up(t.people.person("phone"))
    t.same(ask(t, obi.phone), ask(t, t.people.person("phone").phone), "phones")


@case("wrong, used, superseded, unknown, garbled: one reply", **LINKS)
def _(t):
    ada, eve, new = t.sign_up(), t.sign_up(), t.people.password()
    old = link(t, ada)
    proof, other = link(t, ada), link(t, eve)
    first = refuse(t, old)
    nobody = "018f0000-0000-4000-8000-000000000000"
    for bad in ({**proof, "token": other["token"]}, {**proof, "uidb64": other["uidb64"]},
                {**proof, "uidb64": "MQ"}, {**proof, "uidb64": "MQ=="},
                {**proof, "uidb64": "not base64!"}, {**proof, "uidb64": proof["uidb64"] + "==="},
                {**proof, "token": proof["token"][:-1]}, {**proof, "token": proof["token"] + "A"},
                {**proof, "token": "d1rcit-336204db73b84abac5351d9a82f5a4f4"},
                {"email_or_phone": ada.email, "otp": proof["token"][:16]},
                {"email_or_phone": t.people.email(), "otp": "123456"},
                {"flow_id": nobody, "otp": "123456"}):
        t.same(first, refuse(t, bad), "refusals")
    t.login(ada)
    confirm(t, proof, new)
    t.same(first, refuse(t, proof), "used and superseded")
    confirm(t, {**other, "uidb64": other["uidb64"] + "=="}, new)
    t.login(ada, password=new)


@case("five wrong codes, then the right one is refused too")
def _(t):
    obi = t.sign_up(t.people.person("phone"))
    flow = ask(t, obi.phone).data["flow_id"]
    code = t.code(obi)
    replies = [refuse(t, {"flow_id": flow, "otp": wrong(code)}) for _ in range(5)]
    t.same(replies[0], refuse(t, {"flow_id": flow, "otp": code}), "wrong and exhausted")
    t.login(obi)


@case("an expired link is refused like a wrong one", password_reset_ttl="1s", **LINKS)
def _(t):
    ada = t.sign_up()
    proof = link(t, ada)
    time.sleep(1.05)
    t.same(refuse(t, proof), refuse(t, {**proof, "uidb64": "MQ"}), "expired and unknown")


@case("a link is dead once the password is another", **LINKS)
def _(t):
    ada, new = t.sign_up(), t.people.password()
    proof = link(t, ada)
    change(t, ada.tokens, ada.password, new)
    refuse(t, proof)
    proof = link(t, ada)
    t.eq(t.server.run("user", "set-password", ada.email, "--password-stdin",
                      text=ada.password + "\n").returncode, 0, "user set-password")
    refuse(t, proof)
    t.login(ada)


@case("one proof, and all of it", **LINKS)
def _(t):
    ada = t.sign_up()
    proof, flow = link(t, ada), "018f0000-0000-4000-8000-000000000000"
    new = {"new_password": t.people.password()}
    for body, fields in (
            ({}, "new_password"),
            (new, "non_field_errors"),
            ({**proof, **new, "otp": "123456"}, "non_field_errors"),
            ({**proof, **new, "flow_id": flow}, "non_field_errors"),
            ({"uidb64": proof["uidb64"], **new}, "token"),
            ({"token": proof["token"], **new}, "uidb64"),
            ({"flow_id": flow, **new}, "otp"),
            ({"otp": "123456", **new}, {"flow_id", "email_or_phone"}),
            ({"otp": "123456", "flow_id": flow, "email_or_phone": ada.email, **new},
             {"flow_id", "email_or_phone"}),
            ({"otp": "123456", "email_or_phone": "nobody at all", **new}, "email_or_phone"),
            ({**proof, **new, "confirm_password": "another"}, "confirm_password"),
            ({**proof, **new, "password2": "another"}, "password2")):
        t.refused(CONFIRM, body, fields)
    t.refused(REQUEST, {}, "email_or_phone")
    t.refused(REQUEST, {"email_or_phone": "nobody at all"}, "email_or_phone")
    confirm(t, proof, **{"password": new["new_password"]},
            confirm_password=new["new_password"])


@case("a password that is refused leaves the link as good as it was", **LINKS)
def _(t):
    ada, new = t.sign_up(), t.people.password()
    proof = link(t, ada)
    for bad in ("short", ada.email, "x" * 1025):
        reply = confirm(t, proof, bad, want=400, code="password_rejected")
        t.eq(set(reply.errors), {"new_password"}, "errors")
    confirm(t, proof, new)
    t.login(ada, password=new)


@case("a GET uses nothing up", **LINKS)
def _(t):
    ada, new = t.sign_up(), t.people.password()
    proof = link(t, ada)
    for path in (REQUEST, CONFIRM, CHANGE):
        for method in ("GET", "HEAD"):
            reply = t.send(method, path)
            t.eq((reply.status, reply.header("Allow")), (405, "POST, OPTIONS"), method)
    query = "?uidb64=%s" % proof["uidb64"]
    t.eq(t.send("GET", CONFIRM + query).status, 405)
    confirm(t, proof, new)


POISON = [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "http"),
          ("X-Forwarded-Server", "evil.example"), ("X-Original-Host", "evil.example"),
          ("X-Host", "evil.example"), ("Forwarded", "host=evil.example"),
          ("Origin", "https://evil.example"), ("Referer", "https://evil.example/")]


def poisoned(t, person):
    """Links mailed for requests that claim to come by way of another host."""
    body = json.dumps({"email_or_phone": person.identifier}).encode()
    fields = [("Content-Type", "application/json")]
    for host, more in (("evil.example", []), ("evil.example:443", []), ("localhost", POISON)):
        before = len(t.inbox(person.identifier))
        with Wire(t.server.port) as wire:
            wire.send(request("POST", t.path(REQUEST), fields + more, body, host=host))
            t.eq(wire.read().status, 200)
        yield t.mail(person.identifier, before + 1)["link"]


@case("no header has a say in where a link leads", **LINKS)
def _(t):
    for found in poisoned(t, t.sign_up()):
        t.ok(found.startswith(PAGE), found)


@case("without a page of its own it is public_url's", public_url="https://id.example")
def _(t):
    for found in poisoned(t, t.sign_up()):
        t.ok(found.startswith("https://id.example/reset/"), found)


@case("resetting proves an address that nobody has proven", **LINKS)
def _(t):
    ada, new = t.people.person(), t.people.password()
    t.register(ada, first_name="Mallory")
    mark = t.trail.mark()
    confirm(t, link(t, ada), new)
    t.login(ada, want=401)
    t.ok(t.login(ada, password=new).data["user"]["is_verified"], "not verified")
    t.eq([(r["event"], r["outcome"]) for r in t.trail.audit(mark)],
         [("password.reset_requested", "ok"), ("password.reset", "ok"), ("user.verified", "ok"),
          ("user.login_failed", "invalid_credentials"), ("user.logged_in", "ok")])
    t.ok(all("Mallory" not in m["text"] for m in t.inbox(ada.email)), "a stranger's words")


@case("an operator's link works like a mailed one", **LINKS)
def _(t):
    ada, new = t.sign_up(), t.people.password()
    mailed = link(t, ada)
    done = t.server.run("user", "reset-link", ada.email, "--reason", "on the phone")
    t.eq(done.returncode, 0, done.stderr)
    text = done.stdout.decode().strip()
    t.ok(text.startswith(PAGE), text)
    uidb64, token = text[len(PAGE):].split("/")
    refuse(t, mailed)
    confirm(t, {"uidb64": uidb64, "token": t.people.secret("reset token", token)}, new)
    t.login(ada, password=new)


@case("asking is limited, for nobody as for somebody", throttle_burst="3/min", **LINKS)
def _(t):
    ada, nobody = t.sign_up(), t.people.person()
    for person in (ada, nobody):
        for _ in range(3):
            ask(t, person.email)
    first = ask(t, ada.email, want=429, code="throttled")
    t.same(first, ask(t, nobody.email.upper(), want=429), "known and unknown")
    t.ok(0 < int(first.header("Retry-After")) <= 60, first.header("Retry-After"))


@case("tries at a code are limited, for nobody as for somebody", throttle_burst="3/min")
def _(t):
    obi, nobody = t.sign_up(t.people.person("phone")), t.people.person("phone")
    ask(t, obi.phone)
    for person in (obi, nobody):
        for _ in range(3):
            refuse(t, {"email_or_phone": person.phone, "otp": "0000"})
    replies = [confirm(t, {"email_or_phone": p.phone, "otp": "0000"}, "x" * 20, want=429,
                       code="throttled") for p in (obi, nobody)]
    t.same(*replies, "known and unknown")


@case("a retry with the same Idempotency-Key is one reset", **LINKS)
def _(t):
    ada = t.sign_up()
    key = [("Idempotency-Key", "reset-" + t.people.unique)]
    first, second = ask(t, ada.email, key), ask(t, ada.email, key)
    t.eq(second.data, first.data)
    t.mail(ada.email, 2)
    ask(t, t.people.email(), key, want=409, code="idempotency_conflict")
    t.eq(len(t.inbox(ada.email)), 2, "mails")


@case("a change, by example")
def _(t):
    ada, new = t.sign_up(), t.people.password()
    other = t.login(ada).data
    mark = t.trail.mark()
    reply = change(t, ada.tokens, ada.password, new, confirm_password=new)
    t.eq((reply.json["message"], reply.data), ("Password changed successfully.", None))
    rows = t.trail.audit(mark)
    t.eq([(r["event"], r["outcome"], r["actor"], r["session"], r["changes"]) for r in rows],
         [("password.changed", "ok", 1, 1, 1)])
    t.eq([(sink, kind) for sink, kind, *_ in t.trail.outbox(mark)], [("email", "password_changed")])
    # This session goes on, both its tokens; the other is over.
    t.me(ada.tokens["access"])
    t.refresh(ada.tokens["refresh"])
    t.me(other["access"], want=401, code="token_revoked")
    t.refresh(other["refresh"], want=401, code="token_revoked")
    t.login(ada, want=401)
    t.login(ada, password=new)


@case("a change names what is wrong with it")
def _(t):
    ada, new = t.sign_up(), t.people.password()
    reply = change(t, ada.tokens, new, new + "!", want=400, code="validation_failed")
    t.eq(set(reply.errors), {"current_password"}, "errors")
    for bad in (ada.password, "short", ada.email, "x" * 1025):
        reply = change(t, ada.tokens, ada.password, bad, want=400, code="password_rejected")
        t.eq(set(reply.errors), {"new_password"}, "errors")
    for body, fields in (
            ({}, {"current_password", "new_password"}),
            ({"current_password": ada.password, "new_password": new, "confirm_password": "other"},
             "confirm_password"),
            ({"current_password": ada.password, "new_password": new, "password2": "other"},
             "password2"),
            ({"current_password": "x" * 1025, "new_password": new}, "current_password")):
        t.refused(CHANGE, body, fields, headers=bearer(ada.tokens))
    t.post(CHANGE, {"current_password": ada.password, "new_password": new}, want=401,
           code="token_missing")
    t.login(ada)


@case("a session is no way to guess the password", login_failures="3/15min")
def _(t):
    ada, new = t.sign_up(), t.people.password()
    for _ in range(3):
        change(t, ada.tokens, "wrong " + new, new, want=400, code="validation_failed")
    reply = change(t, ada.tokens, ada.password, new, want=429, code="throttled")
    t.ok(0 < int(reply.header("Retry-After")) <= 900, reply.header("Retry-After"))
    # Her log-in is another matter.
    t.login(ada)


if __name__ == "__main__":
    suite.main()
