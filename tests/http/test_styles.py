#!/usr/bin/env python3
"""errors.style: failures as Django REST framework and SimpleJWT word them, or as RFC 9457 says."""
from lib.case import Suite

suite = Suite(__file__)
case, once = suite.case, suite.once

DRF = {"errors_style": "drf"}
PROBLEM = {"errors_style": "problem"}


@case("drf: fields at the top, SimpleJWT's sentences about tokens", **DRF)
def _(t):
    ada = t.sign_up()
    t.eq(t.post("auth/login/", {}, want=400).json, {
        "email_or_phone": ["This field is required."], "password": ["This field is required."]})
    t.eq(t.login(ada, want=401, password="x").json,
         {"detail": "No active account found with the given credentials"})
    reply = t.me("x.y.z", want=401)
    t.eq(reply.json["code"], "token_not_valid")
    t.eq(reply.json["detail"], "Given token not valid for any token type")
    t.eq([set(m) for m in reply.json["messages"]], [{"token_class", "token_type", "message"}])
    t.eq(reply.header("WWW-Authenticate"), 'Bearer realm="api"')
    t.eq(t.get("me/", want=401).json, {"detail": "Authentication credentials were not provided."})
    t.logout(ada.tokens["refresh"])
    t.eq(t.refresh(ada.tokens["refresh"], want=401).json,
         {"detail": "Token is blacklisted", "code": "token_not_valid"})
    t.eq(t.get("auth/login/", want=405).json, {"detail": 'Method "GET" not allowed.'})
    t.eq(t.get("nowhere/", want=404).json, {"detail": "Not found."})
    t.eq(t.post("auth/login/", "x", [("Content-Type", "text/plain")], want=415).json,
         {"detail": 'Unsupported media type "text/plain" in request.'})
    t.eq(set(t.post("auth/login/", "{", want=400).json), {"detail", "code"})


@case("drf: the throttle's sentence counts the seconds", throttle_burst="1/2s", **DRF)
def _(t):
    body = {"email_or_phone": t.people.email(), "password": "x"}
    t.post("auth/login/", body, want=401)
    reply = t.send("POST", "auth/login/", body)
    wait = int(reply.header("Retry-After"))
    t.eq((reply.status, reply.json), (429, {
        "detail": "Request was throttled. Expected available in %d second%s."
                  % (wait, "" if wait == 1 else "s")}))


@case("drf: successes stay as they are", **DRF)
def _(t):
    ada = t.sign_up()
    body = t.me(ada.tokens["access"]).json
    t.eq(set(body), {"success", "message", "data", "errors"})
    obi = t.people.person()
    t.register(obi)
    reply = t.login(obi, want=403)
    t.eq(reply.json["code"], "verification_required")
    t.ok(reply.json["data"]["verification"]["flow_id"])


@case("problem: RFC 9457", **PROBLEM)
def _(t):
    ada = t.sign_up()
    for reply, code in ((t.post("auth/login/", {}, want=400), "validation_failed"),
                        (t.login(ada, want=401, password="x"), "invalid_credentials"),
                        (t.me("x", want=401), "token_invalid"),
                        (t.get("nowhere/", want=404), "not_found"),
                        (t.get("auth/login/", want=405), "method_not_allowed"),
                        (t.post("auth/login/", "{", want=400), "malformed_json")):
        t.eq(reply.header("Content-Type"), "application/problem+json")
        body = reply.json
        t.eq((body["status"], body["code"]), (reply.status, code))
        t.ok(body["title"] and body["type"], body)
    t.eq(set(t.post("auth/login/", {}, want=400).json["errors"]), {"email_or_phone", "password"})
    t.eq(t.me(ada.tokens["access"]).header("Content-Type"), "application/json")


if __name__ == "__main__":
    suite.main()
