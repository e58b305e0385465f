#!/usr/bin/env python3
"""Login: one answer to everything that is not the right password, and who is let in how often."""
import json
import time

from lib.case import PROVE, Suite
from lib.corpora import corpus
from lib.people import Person

suite = Suite(__file__)
case, once = suite.case, suite.once


def device(tokens):
    return [("X-Cloakroom-Device", tokens["device"])]


def fail(t, person, n=1, headers=()):
    """`n` wrong passwords; the last reply."""
    for _ in range(n):
        reply = t.login(person, want=401, code="invalid_credentials", headers=headers,
                        password="not " + person.password)
    return reply


@case("the reply, by example")
def _(t):
    ada = t.sign_up(t.people.person(), first_name="Ada")
    reply = t.login(ada)
    t.eq(reply.json["message"], "Login successful.")
    t.eq(set(reply.data), {"access", "refresh", "token_type", "expires_in", "access_expires_at",
                           "refresh_expires_at", "device", "user"}, "members of data")
    user = t.me(reply.data["access"]).data["user"]
    t.eq(user, reply.data["user"], "me")
    t.ok(user["last_login"] >= ada.tokens["user"]["last_login"], "last_login goes backwards")
    t.ok(reply.data["access"] != ada.tokens["access"], "the same token twice")


@case("phones in every spelling, addresses in any case")
def _(t):
    ada, obi = t.sign_up(), t.sign_up(t.people.person("phone"))
    for name in (ada.email, ada.email.upper(), " %s\t" % ada.email):
        t.login(ada, name=name)
    for name in (obi.phone, "0" + obi.phone[4:], obi.phone[1:],
                 obi.phone[:6] + " " + obi.phone[6:]):
        t.login(obi, name=name)


@case("unknown, wrong, unverified and disabled cannot be told apart")
def _(t):
    known, other, waiting, off = t.sign_up(), t.people.person(), t.people.person(), t.sign_up()
    t.register(waiting)
    t.code(waiting)
    t.eq(t.server.run("user", "disable", off.email).returncode, 0, "user disable")
    first = fail(t, known)
    for reply in (t.login(other, want=401, code="invalid_credentials"), fail(t, waiting),
                  fail(t, off), t.login(off, want=401, code="invalid_credentials")):
        t.same(first, reply, "the refusals")
    t.eq(first.json["message"], "Invalid credentials.")
    obi = t.people.person("phone")
    t.same(first, t.login(obi, want=401), "phone and e-mail")


@case("the right password of an unverified account: 403 and a code that works")
def _(t):
    ada = t.people.person()
    old = t.register(ada)["flow_id"]
    code = t.code(ada)
    reply = t.login(ada, want=403, code="verification_required")
    sent = reply.data["verification"]
    t.eq(set(sent), {"flow_id", "channel", "destination", "expires_in", "resend_in", "otp"})
    t.verify(old, code, want=400, error="otp_invalid")
    t.verify(sent["flow_id"], t.code(ada))
    t.login(ada)


@case("reveal_disabled tells the owner only", login_reveal_disabled="true")
def _(t):
    ada = t.sign_up()
    t.eq(t.server.run("user", "disable", ada.email).returncode, 0, "user disable")
    t.login(ada, want=403, code="account_disabled")
    fail(t, ada)


@case("bodies without what is needed are refused by name")
def _(t):
    both = ("email_or_phone", "password")
    t.refused("auth/login/", {}, both)
    t.refused("auth/login/", {"email_or_phone": " ", "password": None}, both)
    t.refused("auth/login/", {"email_or_phone": 1, "password": 2}, both)
    t.refused("auth/login/", {"email_or_phone": "nobody at all", "password": "x"}, "email_or_phone")
    t.refused("auth/login/", {"email_or_phone": "a" * 300 + "@b.example", "password": "x"},
              "email_or_phone")
    t.refused("auth/login/", {"email_or_phone": t.people.email(), "password": "a\0b"}, "password")


@case("passwords are compared whole, byte for byte")
def _(t):
    for password in ("x" * 200, "\u00e9" * 100, "  spaces around  ", "p\u0430ssw\u043erd",
                     "\x7f\x01" * 8, "a" * 72 + "b" * 300):
        ada = Person(t.people.email(), None, password)
        t.sign_up(ada)
        t.login(ada)
        for at in (0, 72, 73, 199):
            if at < len(password):
                changed = password[:at] + ("y" if password[at] != "y" else "z") + password[at + 1:]
                t.login(ada, want=401, password=changed)
        for changed in (password + "x", password[:-1], password.strip() + "!",
                        password.upper() + "."):
            t.login(ada, want=401, password=changed)
    t.login(ada, want=401, code="invalid_credentials", password="x" * 1024)
    long = t.send("POST", "auth/login/", {"email_or_phone": ada.email, "password": "x" * 1025})
    t.ok(long.status in (400, 401), long.status)
    t.note(long)


@case("naughty strings are passwords like others")
def _(t):
    path = corpus("blns", "blns.json")
    if not path:
        t.skip("no corpus of naughty strings")
    with open(path, encoding="utf-8") as file:
        strings = [s for s in json.load(file) if len(s) >= 8 and s.strip()]
    for i, text in enumerate(strings):
        if not PROVE and i % 10:
            continue
        ada = Person(t.people.email(), None, text)
        reply = t.send("POST", "auth/register/", {"email": ada.email, "password": text})
        t.note(reply)
        if reply.status != 201:
            t.eq((reply.status, set(reply.errors)), (400, {"password"}), repr(text))
            continue
        t.verify(reply.data["verification"]["flow_id"], t.code(ada))
        t.login(ada)
        t.login(ada, want=401, password=text + "x")


@case("guesses are limited; the owner's known device is not locked out", login_failures="3/15min")
def _(t):
    ada = t.sign_up()
    mine = device(t.login(ada).data)
    first = fail(t, ada)
    fail(t, ada, 2)
    refused = t.login(ada, want=429, code="throttled")
    t.ok(0 < int(refused.header("Retry-After")) <= 900, refused.header("Retry-After"))
    t.login(ada, headers=mine)
    t.login(ada, want=429, code="throttled")
    nobody = t.people.person()
    t.same(first, fail(t, nobody), "known and unknown")
    fail(t, nobody, 2)
    t.same(refused, t.login(nobody, want=429), "known and unknown, over the limit")
    # The device's own budget is a budget too.
    fail(t, ada, 3, headers=mine)
    t.login(ada, want=429, code="throttled", headers=mine)


@case("a device token counts only for its own person, whole and unchanged",
      login_failures="3/15min")
def _(t):
    ada, eve = t.sign_up(), t.sign_up()
    token, other = t.login(ada).data["device"], t.login(eve).data["device"]
    fail(t, ada, 3)
    forged = (other, token[:-2], token + "AA", token[:20] + ("A" if token[20] != "A" else "B")
              + token[21:], "", "x" * 600, "eyJhbGciOiJub25lIn0.e30.", ada.tokens["access"])
    for value in forged:
        t.login(ada, want=429, code="throttled", headers=[("X-Cloakroom-Device", value)])
    t.login(ada, headers=[("X-Cloakroom-Device", token)])


@case("a success forgives the guesses before it", login_failures="3/15min")
def _(t):
    ada = t.sign_up()
    for _ in range(3):
        fail(t, ada, 2)
        t.login(ada)
    fail(t, ada, 3)
    t.login(ada, want=429, code="throttled")


@case("failures in a row are limited over a long time", login_failures="1000/min",
      login_failures_total="4/365d")
def _(t):
    ada = t.sign_up()
    fail(t, ada, 3)
    t.login(ada)
    fail(t, ada, 4)
    reply = t.login(ada, want=429, code="throttled")
    t.ok(int(reply.header("Retry-After")) > 364 * 86400, reply.header("Retry-After"))


@case("Retry-After is true: then, and not before", login_failures="2/2s")
def _(t):
    ada = t.sign_up()
    began = time.monotonic()
    fail(t, ada, 2)
    done = time.monotonic()
    wait = int(t.login(ada, want=429).header("Retry-After"))
    t.ok(1 <= wait <= 2, wait)
    time.sleep(max(0, done + 2.05 - time.monotonic()))
    t.login(ada)
    t.ok(time.monotonic() - began >= 2, "let in before the window was over")


@case("a retry with the same Idempotency-Key is one session")
def _(t):
    ada = t.sign_up()
    sessions = t.trail.value("SELECT count(*) FROM sessions")
    key = [("Idempotency-Key", "in-" + t.people.unique)]
    first, second = t.login(ada, headers=key).data, t.login(ada, headers=key).data
    t.eq(second["refresh"], first["refresh"], "refresh token")
    t.eq(t.trail.value("SELECT count(*) FROM sessions"), sessions + 1, "sessions")
    t.eq(second["user"], first["user"], "user")
    t.login(ada, want=409, code="idempotency_conflict", headers=key, password="other password")
    # What the key stood for is over: nothing is made of it any more.
    t.logout(first["refresh"])
    t.login(ada, want=409, code="idempotency_conflict", headers=key)


@case("more sessions than the role may have: the oldest goes", session_max_client="2")
def _(t):
    ada = t.sign_up()
    second = t.login(ada).data
    t.me(ada.tokens["access"])
    third = t.login(ada).data
    t.me(ada.tokens["access"], want=401, code="token_revoked")
    t.refresh(ada.tokens["refresh"], want=401, code="token_revoked")
    t.me(second["access"])
    t.me(third["access"])


@case("more sessions than the role may have: the new one is refused", session_max_client="1",
      session_on_limit="refuse")
def _(t):
    ada = t.sign_up()
    t.login(ada, want=403, code="forbidden")
    t.me(ada.tokens["access"])
    t.logout(ada.tokens["refresh"])
    t.login(ada)


@case("what the audit trail says of each attempt")
def _(t):
    ada, waiting = t.sign_up(), t.people.person()
    t.register(waiting)
    mark = t.trail.mark()
    headers = [("X-Device-ID", "device-of-" + t.people.unique), ("User-Agent", "tests/1")]
    t.login(ada, headers=headers)
    fail(t, ada)
    t.login(t.people.person(), want=401)
    t.login(waiting, want=403)
    rows = t.trail.audit(mark)
    t.eq([(r["event"], r["outcome"]) for r in rows],
         [("user.logged_in", "ok"), ("user.login_failed", "invalid_credentials"),
          ("user.login_failed", "invalid_credentials"),
          ("user.login_failed", "verification_required")])
    t.eq([(r["subject"], r["subject_index"], r["session"], r["device"]) for r in rows],
         [(1, 0, 1, 1), (1, 0, 0, 0), (0, 1, 0, 0), (1, 0, 0, 0)])
    t.ok(all(r["operation"] == "login" and r["address"] for r in rows), rows)


if __name__ == "__main__":
    suite.main()
