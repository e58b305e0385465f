#!/usr/bin/env python3
"""One-time codes: once, in time, five tries, bound to one flow; and decoys that behave alike."""
import time

from lib.case import Suite
from lib.trial import wrong

suite = Suite(__file__)
case, once = suite.case, suite.once

NOBODY = "018f0000-0000-4000-8000-000000000000"


def refuse(t, flow, code):
    return t.verify(flow, code, want=400, error="otp_invalid")


def attempts(t, flow):
    return t.trail.value("SELECT attempts FROM flows WHERE id = ?",
                         bytes.fromhex(flow.replace("-", "")))


@case("a right code by flow_id verifies and signs in")
def _(t):
    ada = t.people.person()
    flow = t.register(ada, first_name="Ada", last_name="Obi", country="NG")["flow_id"]
    reply = t.verify(flow, t.code(ada))
    t.eq(set(reply.data), {"access", "refresh", "token_type", "expires_in", "access_expires_at",
                           "refresh_expires_at", "device", "user"}, "members of data")
    t.eq((reply.data["token_type"], reply.data["expires_in"]), ("Bearer", 300))
    user = reply.data["user"]
    t.eq((user["email"], user["phone"], user["first_name"], user["last_name"], user["country"]),
         (ada.email, None, "Ada", "Obi", "NG"))
    t.eq((user["is_verified"], user["is_active"], user["external_id"]), (True, True, None))
    t.eq(t.me(reply.data["access"]).data["user"], user, "me")


@case("a right code by e-mail or phone, however it is written")
def _(t):
    ada, obi = t.people.person(), t.people.person("phone")
    t.register(ada)
    t.post("auth/verify-otp/", {"email_or_phone": ada.email.upper(), "otp": t.code(ada)})
    t.register(obi)
    t.post("auth/verify-otp/", {"email_or_phone": "0" + obi.phone[4:], "otp": t.code(obi)})


@case("five wrong codes, then the right one is refused too")
def _(t):
    ada = t.people.person()
    flow = t.register(ada)["flow_id"]
    code = t.code(ada)
    replies = [refuse(t, flow, wrong(code)) for _ in range(5)]
    replies.append(refuse(t, flow, code))
    for reply in replies[1:]:
        t.same(replies[0], reply, "wrong and exhausted")
    t.eq(attempts(t, flow), 5, "attempts")
    t.login(ada, want=403, code="verification_required")


@case("four wrong codes, then the right one is good")
def _(t):
    ada = t.people.person()
    flow = t.register(ada)["flow_id"]
    code = t.code(ada)
    for _ in range(4):
        refuse(t, flow, wrong(code))
    t.verify(flow, code)


@case("a resend voids the old code and keeps the attempts spent")
def _(t):
    ada = t.people.person()
    flow = t.register(ada)["flow_id"]
    old = t.code(ada)
    for _ in range(2):
        refuse(t, flow, wrong(old))
    again = t.post("auth/resend-otp/", {"flow_id": flow}).data["verification"]
    t.eq(again["flow_id"], flow, "flow")
    new = t.code(ada)
    refuse(t, flow, old)
    t.eq(attempts(t, flow), 3, "attempts")
    for _ in range(2):
        refuse(t, flow, wrong(new))
    refuse(t, flow, new)
    t.eq(attempts(t, flow), 5, "attempts")


@case("the code of a resend by e-mail is good, by flow and by address")
def _(t):
    ada, obi = t.people.person(), t.people.person()
    flow = t.register(ada)["flow_id"]
    t.code(ada)
    again = t.post("auth/resend-otp/", {"email_or_phone": ada.email.upper()}).data["verification"]
    t.eq(again["flow_id"], flow, "flow")
    t.verify(flow, t.code(ada))
    t.register(obi)
    t.code(obi)
    t.post("auth/resend-otp/", {"email_or_phone": obi.email})
    t.post("auth/verify-otp/", {"email_or_phone": obi.email, "otp": t.code(obi)})


@case("a resend waits out the cool-down, for anybody, and says how long", otp_cooldown="2s")
def _(t):
    ada, nobody = t.people.person(), t.people.person()
    flow = t.register(ada)["flow_id"]
    code = t.code(ada)
    began = time.monotonic()
    by_flow = t.post("auth/resend-otp/", {"flow_id": flow}, want=429, code="throttled")
    t.post("auth/resend-otp/", {"email_or_phone": ada.email}, want=429, code="throttled")
    t.ok(1 <= int(by_flow.header("Retry-After")) <= 2, by_flow.header("Retry-After"))
    t.post("auth/resend-otp/", {"email_or_phone": nobody.email})
    t.post("auth/resend-otp/", {"email_or_phone": nobody.email}, want=429, code="throttled")
    time.sleep(max(0, began + int(by_flow.header("Retry-After")) - time.monotonic()))
    t.post("auth/resend-otp/", {"flow_id": flow})
    refuse(t, flow, code)
    t.verify(flow, t.code(ada))


@case("a used code is used")
def _(t):
    ada = t.people.person()
    flow = t.register(ada)["flow_id"]
    code = t.code(ada)
    t.verify(flow, code)
    refuse(t, flow, code)
    t.post("auth/verify-otp/", {"email_or_phone": ada.email, "otp": code}, want=400,
           code="otp_invalid")


@case("a retry with the same Idempotency-Key gets the same session; another body is a conflict")
def _(t):
    ada = t.people.person()
    flow = t.register(ada)["flow_id"]
    code = t.code(ada)
    key = [("Idempotency-Key", "otp-" + t.people.unique)]
    first = t.verify(flow, code, headers=key).data
    second = t.verify(flow, code, headers=key).data
    t.eq(second["refresh"], first["refresh"], "refresh token")
    t.me(second["access"])
    t.eq(second["user"], first["user"], "user")
    t.verify(flow, wrong(code), want=409, error="idempotency_conflict", headers=key)
    refuse(t, flow, code)
    t.logout(first["refresh"])
    t.verify(flow, code, want=400, error="otp_invalid", headers=key)


@case("a retried resend sends one code; the same key for another body is a conflict")
def _(t):
    ada, nobody = t.people.person(), t.people.person()
    t.register(ada)
    for person, mails in ((ada, 2), (nobody, 0)):
        key = [("Idempotency-Key", "again-" + person.email)]
        body = {"email_or_phone": person.email}
        first = t.post("auth/resend-otp/", body, key).data["verification"]
        second = t.post("auth/resend-otp/", body, key).data["verification"]
        t.eq(second["flow_id"], first["flow_id"], "flow")
        t.post("auth/resend-otp/", {"email_or_phone": person.email.upper()}, key, want=409,
               code="idempotency_conflict")
        if mails:
            t.mail(person.email, mails)
        t.eq(len(t.inbox(person.email)), mails, "mails")


@case("one person's code opens no other person's flow")
def _(t):
    ada, eve = t.people.person(), t.people.person()
    flow, other = t.register(ada)["flow_id"], t.register(eve)["flow_id"]
    code = t.code(ada)
    if code == t.code(eve):
        t.skip("two equal codes, one in a million")
    refuse(t, other, code)
    t.post("auth/verify-otp/", {"email_or_phone": eve.email, "otp": code}, want=400,
           code="otp_invalid")
    t.eq((attempts(t, flow), attempts(t, other)), (0, 2), "attempts")
    t.verify(flow, code)


@case("either a flow or an identifier, not both, not neither; and a code that is text")
def _(t):
    ada = t.people.person()
    flow = t.register(ada)["flow_id"]
    code = t.code(ada)
    both = ("flow_id", "email_or_phone")
    for path, more in (("auth/verify-otp/", {"otp": code}), ("auth/resend-otp/", {})):
        t.refused(path, more, both)
        t.refused(path, {**more, "flow_id": None, "email_or_phone": " "}, both)
        t.refused(path, {**more, "flow_id": flow, "email_or_phone": ada.email}, both)
        for bad in ("x", "123", flow[:-1], flow + "0", "{%s}" % flow, flow.replace("-", "")):
            t.refused(path, {**more, "flow_id": bad}, "flow_id")
        t.refused(path, {**more, "flow_id": 5}, "flow_id")
        t.refused(path, {**more, "email_or_phone": "nobody at all"}, "email_or_phone")
    t.refused("auth/verify-otp/", {"flow_id": flow}, "otp")
    for bad in (int(code), [code], {"otp": code}, True, None, " "):
        t.refused("auth/verify-otp/", {"flow_id": flow, "otp": bad}, "otp")
    for bad in (code[:-1], code + "0", " " + code[1:], "abcdef", "\u0661" * 6, "0x1234"):
        refuse(t, flow, bad)


@case("decoys: unknown people, unknown flows and verified people get the same answers")
def _(t):
    ada, nobody, done = t.people.person(), t.people.person(), t.sign_up()
    flow = t.register(ada)["flow_id"]
    code = t.code(ada)
    refusals = [refuse(t, flow, wrong(code)), refuse(t, NOBODY, wrong(code))]
    for person in (ada, nobody, done):
        refusals.append(t.post("auth/verify-otp/", {"email_or_phone": person.email,
                                                    "otp": wrong(code)}, want=400,
                               code="otp_invalid"))
    for reply in refusals[1:]:
        t.same(refusals[0], reply, "known and unknown")
    resends = []
    for person in (ada, nobody, done):
        reply = t.post("auth/resend-otp/", {"email_or_phone": person.email})
        t.eq(set(reply.data["verification"]), {"flow_id", "channel", "destination", "expires_in",
                                               "resend_in", "otp"}, "members")
        resends.append(reply)
    for reply in resends[1:]:
        t.eq(len(reply.body), len(resends[0].body), "size of a resend")
        t.eq(reply.json["message"], resends[0].json["message"])
    t.eq(len(t.inbox(nobody.email)), 0, "mails to nobody")
    t.eq(len(t.inbox(done.email)), 1, "mails to somebody verified")
    # A decoy's flow counts and ends like a real one.
    decoy = resends[1].data["verification"]
    for _ in range(6):
        refuse(t, decoy["flow_id"], wrong(decoy["otp"]))
    refuse(t, decoy["flow_id"], decoy["otp"])
    t.eq(attempts(t, decoy["flow_id"]), 5, "attempts on a decoy")
    t.post("auth/resend-otp/", {"flow_id": NOBODY}, want=400, code="otp_invalid")


@case("an expired code is refused like a wrong one; a resend brings a good one", otp_ttl="1s")
def _(t):
    ada = t.people.person()
    sent = t.register(ada)
    t.eq(sent["expires_in"], 1)
    code = t.code(ada)
    first = refuse(t, sent["flow_id"], wrong(code))
    time.sleep(1.05)
    t.same(first, refuse(t, sent["flow_id"], code), "wrong and expired")
    t.post("auth/resend-otp/", {"flow_id": sent["flow_id"]})
    t.verify(sent["flow_id"], t.code(ada))


@case("guesses at one identifier are counted over all its flows", otp_attempts="7/hour")
def _(t):
    ada = t.people.person()
    flow = t.register(ada)["flow_id"]
    code = t.code(ada)
    for _ in range(5):
        refuse(t, flow, wrong(code))
    flow = t.register(ada)["flow_id"]
    code = t.code(ada)
    for _ in range(2):
        refuse(t, flow, wrong(code))
    reply = t.verify(flow, code, want=429, error="throttled")
    t.ok(int(reply.header("Retry-After")) > 3500, "it forgets too early")
    t.post("auth/verify-otp/", {"email_or_phone": ada.email.upper(), "otp": code}, want=429,
           code="throttled")
    nobody = t.people.email()
    for _ in range(7):
        t.post("auth/verify-otp/", {"email_or_phone": nobody, "otp": "000000"}, want=400,
               code="otp_invalid")
    t.same(reply, t.post("auth/verify-otp/", {"email_or_phone": nobody, "otp": "000000"},
                         want=429), "known and unknown")


@case("messages to one recipient are capped, whatever route asks for them", otp_sends="3/hour")
def _(t):
    ada, nobody = t.people.person(), t.people.person()
    flow = t.register(ada)["flow_id"]
    t.post("auth/resend-otp/", {"flow_id": flow})
    t.post("auth/resend-otp/", {"email_or_phone": ada.email.upper()})
    t.post("auth/resend-otp/", {"flow_id": flow}, want=429, code="throttled")
    known = t.post("auth/register/", {**ada.identity, "password": ada.password}, want=429,
                   code="throttled")
    t.login(ada, want=429, code="throttled")
    t.mail(ada.email, 3)
    t.eq(len(t.inbox(ada.email)), 3, "mails")
    for _ in range(3):
        t.post("auth/resend-otp/", {"email_or_phone": nobody.email})
    t.same(known, t.post("auth/register/", {**nobody.identity, "password": nobody.password},
                         want=429), "known and unknown")


@case("a code is worth nothing once its account is disabled")
def _(t):
    ada = t.people.person()
    flow = t.register(ada)["flow_id"]
    code = t.code(ada)
    t.eq(t.server.run("user", "disable", ada.email).returncode, 0, "user disable")
    refuse(t, flow, code)
    t.post("auth/verify-otp/", {"email_or_phone": ada.email, "otp": code}, want=400,
           code="otp_invalid")


@once("a leading zero is part of the code")
def _(t):
    for _ in range(200):
        ada = t.people.person()
        sent = t.register(ada)
        if sent["otp"].startswith("0"):
            refuse(t, sent["flow_id"], sent["otp"].lstrip("0"))
            t.verify(sent["flow_id"], sent["otp"])
            return
    t.fail("200 codes, and none begins with zero")


@once("codes are spread evenly", otp_sends="1000000/hour")
def _(t):
    ada = t.people.person()
    flow = t.register(ada)["flow_id"]
    counts = [[0] * 10 for _ in range(6)]
    n = 1000
    for _ in range(n):
        code = t.send("POST", "auth/resend-otp/", {"flow_id": flow}).data["verification"]["otp"]
        for place, digit in enumerate(code):
            counts[place][int(digit)] += 1
    for place in counts:
        chi = sum((seen - n / 10) ** 2 / (n / 10) for seen in place)
        t.ok(chi < 33.7, "chi-square %.1f at 9 degrees of freedom (p < 0.0001)" % chi)


@case("no stranger's words go to an address nobody has proven; once proven, the name is theirs",
      otp_digits="8")
def _(t):
    ada = t.people.person()
    flow = t.register(ada, first_name="Ad\u00e0", last_name="visit evil.example")
    t.eq(len(flow["otp"]), 8, "digits")
    mail = t.mail(ada.email)
    t.ok(flow["otp"] in mail["text"], mail["text"])
    t.ok("Ad\u00e0" not in mail["text"] and "evil" not in mail["text"], mail["text"])
    t.verify(flow["flow_id"], t.code(ada))
    t.register(ada, first_name="Eve", last_name="visit evil.example")
    mail = t.mail(ada.email, 2)
    t.ok("Ad\u00e0" in mail["text"] and "Eve" not in mail["text"], mail["text"])


if __name__ == "__main__":
    suite.main()
