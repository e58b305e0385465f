#!/usr/bin/env python3
"""What people do with their own account: profile, sessions, closing it."""
import time
import uuid

from lib.case import Suite

suite = Suite(__file__)
case = suite.case

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"


def bearer(tokens):
    return [("Authorization", "Bearer " + tokens["access"])]


def patch(t, who, body, headers=(), want=200, code=None):
    return t.call("PATCH", "me/", body, bearer(who.tokens) + list(headers), want, code)


@case("profile: a merge patch changes what it names and nothing else")
def _(t):
    ada = t.sign_up(first_name="Ada")
    user = patch(t, ada, {"city": "Lagos", "bio": "Tailor.", "date_of_birth": "1990-12-31",
                          "unknown": 1}).data["user"]
    t.eq([user[k] for k in ("first_name", "city", "bio", "date_of_birth")],
         ["Ada", "Lagos", "Tailor.", "1990-12-31"])
    user = patch(t, ada, {"bio": None, "city": "", "date_of_birth": None}).data["user"]
    t.eq([user[k] for k in ("first_name", "city", "bio", "date_of_birth")], ["Ada", "", "", None])
    t.eq(t.me(ada.tokens["access"]).data["user"], user)
    t.eq(patch(t, ada, {}).data["user"], user)


@case("profile: what may not be kept is refused by name, all of it at once")
def _(t):
    ada = t.sign_up()
    reply = patch(t, ada, {"image_url": "http://example.com/x.png", "country": "Atlantis",
                           "date_of_birth": "2999-01-01", "locale": "e", "contact_email": "ada",
                           "contact_phone": "12", "city": "x" * 101}, want=400)
    t.eq(set(reply.errors), {"country", "city"})  # too long to be looked at further
    reply = patch(t, ada, {"image_url": "http://example.com/x.png", "country": "XX",
                           "date_of_birth": "2999-01-01", "locale": "e", "contact_email": "ada",
                           "contact_phone": "12"}, want=400, code="validation_failed")
    t.eq(set(reply.errors), {"image_url", "country", "date_of_birth", "locale", "contact_email",
                             "contact_phone"})


@case("profile: nobody makes themselves more than they are")
def _(t):
    ada = t.sign_up()
    before = t.me(ada.tokens["access"]).data["user"]
    for name, value in (("role", "admin"), ("is_staff", True), ("id", str(uuid.UUID(int=1))),
                        ("is_verified", True), ("permissions", ["users.read"]),
                        ("auth_provider", "google"), ("created_at", "2020-01-01T00:00:00Z")):
        reply = patch(t, ada, {name: value, "city": "Lagos"}, want=400, code="validation_failed")
        t.eq(list(reply.errors), [name])
    patch(t, ada, {"email": "other@example.com", "phone": "+2348030000000"})
    t.eq(t.me(ada.tokens["access"]).data["user"], before)


@case("profile: a stale If-Match is refused, the right one is not")
def _(t):
    ada = t.sign_up()
    tag = t.me(ada.tokens["access"]).header("ETag")
    newer = patch(t, ada, {"city": "Lagos"}, [("If-Match", tag)]).header("ETag")
    t.ok(tag and newer and tag != newer, (tag, newer))
    patch(t, ada, {"city": "Kano"}, [("If-Match", tag)], want=412, code="precondition_failed")
    patch(t, ada, {"city": "Kano"}, [("If-Match", "W/" + newer)], want=412)
    patch(t, ada, {"city": "Kano"}, [("If-Match", '"1", ' + newer)])
    patch(t, ada, {"city": "Jos"}, [("If-Match", "*")])
    t.eq(t.me(ada.tokens["access"]).data["user"]["city"], "Jos")


@case("sessions: what they are, and ending one or all others")
def _(t):
    ada = t.sign_up()
    phone = t.login(ada, headers=[("User-Agent", FIREFOX)]).data
    laptop = t.login(ada).data
    page = t.get("me/sessions/", bearer(laptop)).data
    t.eq([item["current"] for item in page["items"]], [True, False, False])
    t.eq(page["items"][1]["device"], "Firefox on Windows")
    t.eq(page["items"][1]["address"], "127.0.0.1")
    t.eq(page["next_cursor"], None)
    first = t.get("me/sessions/?limit=2", bearer(laptop)).data
    rest = t.get("me/sessions/?limit=2&cursor=" + first["next_cursor"], bearer(laptop)).data
    t.eq(first["items"] + rest["items"], page["items"])
    t.call("DELETE", "me/sessions/%s/" % page["items"][1]["id"], None, bearer(laptop), 204)
    t.me(phone["access"], 401, "token_revoked")
    t.call("DELETE", "me/sessions/", None, bearer(laptop), 204)
    t.me(ada.tokens["access"], 401, "token_revoked")
    t.eq(len(t.get("me/sessions/", bearer(laptop)).data["items"]), 1)
    t.call("DELETE", "me/sessions/", None, bearer(laptop), 204)


@case("sessions: another's is not found, like one that never was")
def _(t):
    ada, bob = t.sign_up(), t.sign_up()
    session = t.get("me/sessions/", bearer(bob.tokens)).data["items"][0]["id"]
    for name in (session, str(uuid.UUID(int=7)), "x"):
        t.call("DELETE", "me/sessions/%s/" % name, None, bearer(ada.tokens), 404, "not_found")
    t.me(bob.tokens["access"])
    t.get("me/sessions/?cursor=x", bearer(ada.tokens), 400, "validation_failed")


@case("sessions: a device nobody has seen is told to the owner")
def _(t):
    ada = t.sign_up()
    t.login(ada)
    t.login(ada, headers=[("User-Agent", FIREFOX),
                          ("X-Cloakroom-Device", ada.tokens["device"])])
    t.eq([m["subject"] for m in t.inbox(ada.identifier) if "sign-in" in m["subject"]], [])
    t.login(ada, headers=[("User-Agent", FIREFOX), ("X-Device-ID", "ada-phone")])
    mail = t.until(lambda: [m for m in t.inbox(ada.identifier) if "sign-in" in m["subject"]],
                   "a notice")[0]
    t.ok("Firefox on Windows, 127.0.0.1" in mail["text"], mail["text"])


@case("closing: every session ends, the login knows nobody, the address stays taken")
def _(t):
    ada = t.sign_up()
    other = t.login(ada).data
    t.call("DELETE", "me/", None, bearer(ada.tokens), 204)
    t.me(ada.tokens["access"], 401, "token_revoked")
    t.me(other["access"], 401, "token_revoked")
    t.refresh(other["refresh"], 401, "token_revoked")
    t.login(ada, 401, "invalid_credentials")
    t.register(ada)
    t.eq([m for m in t.inbox(ada.identifier) if m["code"] not in (ada.code, "")], [])


@case("closing: a thief of the token cannot try passwords for long", security_reauth_age="1s",
      login_failures="2/15min")
def _(t):
    ada = t.sign_up()
    time.sleep(1.1)
    for want in (400, 400, 429):
        reply = t.call("DELETE", "me/", {"password": "not it at all"}, bearer(ada.tokens), want)
    t.eq(reply.code, "throttled")
    t.me(ada.tokens["access"])


@case("closing: long after the sign-in it takes the password", security_reauth_age="1s")
def _(t):
    ada = t.sign_up()
    time.sleep(1.1)
    t.call("DELETE", "me/", None, bearer(ada.tokens), 403, "reauth_required")
    reply = t.call("DELETE", "me/", {"password": "not it at all"}, bearer(ada.tokens), 400)
    t.eq(list(reply.errors), ["password"])
    t.me(ada.tokens["access"])
    t.call("DELETE", "me/", {"password": ada.password}, bearer(ada.tokens), 204)


@suite.once("closing: the last superadmin stays", session_max_superadmin=7)
def _(t):
    grace = t.people.person()
    done = t.server.run("superadmin", "create", grace.identifier, "--password-stdin",
                        text=grace.password + "\n")
    t.eq(done.returncode, 0, done.stderr)
    tokens = t.login(grace).data
    t.call("DELETE", "me/", None, bearer(tokens), 409, "last_superadmin")
    t.me(tokens["access"])


if __name__ == "__main__":
    suite.main()
