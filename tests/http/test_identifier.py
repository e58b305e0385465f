#!/usr/bin/env python3
"""Another address to sign in with: proven first, told to the old one, undone by it."""
import base64
import hashlib
import uuid

from lib.case import Suite
from lib.trial import wrong

suite = Suite(__file__)
case = suite.case


def bearer(tokens):
    return [("Authorization", "Bearer " + tokens["access"])]


def ask(t, who, new, want=200, code=None):
    """Ask for another identifier; returns data.verification."""
    body = {**new.identity, "password": who.password}
    return t.post("me/identifier/", body, bearer(who.tokens), want, code)


def confirm(t, who, flow, otp, want=200, code=None):
    return t.post("me/identifier/confirm/", {"flow_id": flow, "otp": otp}, bearer(who.tokens),
                  want, code)


def token(t, who):
    """What the former address was sent."""
    return t.until(lambda: next((m["code"] for m in t.inbox(who.identifier)
                                 if len(m["code"]) > 20), None), "a way back")


@case("the new address counts once its code has come, and not before")
def _(t):
    ada, new = t.sign_up(), t.people.person()
    other = t.login(ada).data
    flow = ask(t, ada, new).data["verification"]["flow_id"]
    code = t.code(new)
    confirm(t, ada, flow, wrong(code), 400, "otp_invalid")
    t.eq(t.me(ada.tokens["access"]).data["user"]["email"], ada.email)
    user = confirm(t, ada, flow, code).data["user"]
    t.eq((user["email"], user["phone"], user["is_verified"]), (new.email, None, True))
    confirm(t, ada, flow, code, 400, "otp_invalid")
    t.me(ada.tokens["access"])
    t.me(other["access"], 401, "token_revoked")
    t.login(ada, 401, "invalid_credentials")
    new.password = ada.password
    t.login(new)


@case("an address becomes a number: exactly one of them is set")
def _(t):
    ada, new = t.sign_up(), t.people.person("phone")
    flow = ask(t, ada, new).data["verification"]["flow_id"]
    user = confirm(t, ada, flow, t.code(new)).data["user"]
    t.eq((user["email"], user["phone"]), (None, new.phone))


@case("what is refused: both, neither, nonsense, without the password or with a wrong one")
def _(t):
    ada = t.sign_up()
    headers = bearer(ada.tokens)
    good = {"password": ada.password}
    t.refused("me/identifier/", good, {"email", "phone"}, headers=headers)
    both = {"email": "new@example.com", "phone": "+2348031234567", **good}
    t.refused("me/identifier/", both, {"email", "phone"}, headers=headers)
    t.refused("me/identifier/", {"email": "nonsense", **good}, "email", headers=headers)
    t.refused("me/identifier/", {"email": t.people.email(), "password": "not it at all"},
              "password", headers=headers)
    t.post("me/identifier/", {"email": t.people.email()}, headers, 403, "reauth_required")
    confirm(t, ada, str(uuid.UUID(int=9)), "123456", 400, "otp_invalid")


@case("somebody else's address: the same answer, and no code that opens it")
def _(t):
    ada, bob, free = t.sign_up(), t.sign_up(), t.people.person()
    taken = ask(t, ada, bob)
    t.same(taken, ask(t, ada, free), "a taken address")
    confirm(t, ada, taken.data["verification"]["flow_id"], "123456", 400, "otp_invalid")
    t.login(bob)
    t.until(lambda: [m for m in t.inbox(bob.identifier) if "already" in m["subject"]], "a notice")


@case("proven by somebody else meanwhile: a conflict")
def _(t):
    ada, new = t.sign_up(), t.people.person()
    flow = ask(t, ada, new).data["verification"]["flow_id"]
    code = t.code(new)
    t.sign_up(new)
    confirm(t, ada, flow, code, 409, "conflict")
    t.eq(t.me(ada.tokens["access"]).data["user"]["email"], ada.email)


@case("the way back: the old address takes the account again and locks everybody out")
def _(t):
    ada, new = t.sign_up(), t.people.person()
    flow = ask(t, ada, new).data["verification"]["flow_id"]
    confirm(t, ada, flow, t.code(new))
    way_back = t.people.secret("revert token", token(t, ada))
    t.post("auth/identifier/revert/", {"token": way_back[:-1] + "!"}, want=400, code="otp_invalid")
    t.post("auth/identifier/revert/", {"token": way_back})
    t.post("auth/identifier/revert/", {"token": way_back}, want=400, code="otp_invalid")
    t.me(ada.tokens["access"], 401, "token_revoked")
    t.login(ada, 401, "invalid_credentials")
    new.password = ada.password
    t.login(new, 401, "invalid_credentials")
    t.refused("auth/identifier/revert/", {}, "token")


@case("the way back is barred once the old address is somebody else's, and proven")
def _(t):
    ada, new = t.sign_up(), t.people.person()
    flow = ask(t, ada, new).data["verification"]["flow_id"]
    confirm(t, ada, flow, t.code(new))
    way_back = t.people.secret("revert token", token(t, ada))
    ada.code = way_back
    t.sign_up(ada)
    t.post("auth/identifier/revert/", {"token": way_back}, want=409, code="conflict")


@case("tries at one link are limited", throttle_burst="10/min")
def _(t):
    digest = hashlib.sha256(t.people.unique.encode()).digest()
    body = {"token": base64.urlsafe_b64encode(digest).decode().rstrip("=")}
    replies = [t.send("POST", "auth/identifier/revert/", body) for _ in range(11)]
    t.eq([r.status for r in replies], [400] * 10 + [429])


@case("the way back is a page's address where one is set",
      account_revert_url="https://shop.example/undo/{token}")
def _(t):
    ada, new = t.sign_up(), t.people.person()
    flow = ask(t, ada, new).data["verification"]["flow_id"]
    confirm(t, ada, flow, t.code(new))
    link = t.until(lambda: next((m["link"] for m in t.inbox(ada.identifier) if m["link"]), None),
                   "a link")
    t.ok(link.startswith("https://shop.example/undo/"), link)
    t.post("auth/identifier/revert/", {"token": link.rsplit("/", 1)[1]})


if __name__ == "__main__":
    suite.main()
