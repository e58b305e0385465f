#!/usr/bin/env python3
"""Sign in with Google: what is taken, everything that is not, and an issuer that is away."""
import os
import threading
import time

from lib.case import Suite
from lib.client import Client
from lib.issuer import Issuer, Key
from lib.jwt import b64, dumps, sign

suite = Suite(__file__)
case, once = suite.case, suite.once

issuer = Issuer()
REDIRECT = "https://shop.example.com/signed-in"
GOOGLE = {"google_issuer": issuer.url, "google_client_id": issuer.client + ",ios.apps.example",
          "google_client_secret": issuer.secret, "google_redirect_uris": REDIRECT + ",postmessage"}


def google(t, token, want=200, code=None, headers=(), **more):
    return t.post("auth/google/", {"id_token": token, **more}, headers, want, code)


def bearer(tokens):
    return [("Authorization", "Bearer " + tokens["access"])]


@case("google: the first time opens a verified account, the next finds it", **GOOGLE)
def _(t):
    email = t.people.email()
    first = google(t, issuer.token(email)).data
    t.eq(first["user"]["email"], email)
    t.eq((first["user"]["auth_provider"], first["user"]["is_verified"], first["user"]["role"]),
         ("google", True, "client"))
    t.eq((first["user"]["first_name"], first["user"]["last_name"]), ("Ada", "Obi"))
    t.eq(first["token_type"], "Bearer")
    again = google(t, issuer.token(email, given_name="Other")).data
    t.eq((again["user"]["id"], again["user"]["first_name"]), (first["user"]["id"], "Ada"))
    t.me(again["access"])
    t.refresh(again["refresh"])
    t.post("auth/login/", {"email_or_phone": email, "password": "!"}, want=401)


@case("google: One Tap's credential, with its cookie when a form brings it", **GOOGLE)
def _(t):
    token, csrf = issuer.token(t.people.email()), "e9a7c0de"
    t.post("auth/google/", {"credential": token})
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    token = issuer.token(t.people.email())
    body = "credential=%s&g_csrf_token=%s" % (token, csrf)
    t.refused("auth/google/", body, "g_csrf_token", headers=form)
    t.refused("auth/google/", body, "g_csrf_token", headers=form + [("Cookie", "g_csrf_token=x")])
    t.refused("auth/google/", body, "g_csrf_token",
              headers=form + [("Cookie", "g_csrf_token=%s; g_csrf_token=%s" % (csrf, csrf))])
    t.refused("auth/google/", "credential=" + token, "g_csrf_token", headers=form)
    t.refused("auth/google/", {"credential": token, "g_csrf_token": csrf}, "g_csrf_token")
    t.post("auth/google/", body, form + [("Cookie", "a=b; g_csrf_token=" + csrf)])


@case("google: one of token and code, not both and not neither", **GOOGLE)
def _(t):
    token = issuer.token(t.people.email())
    t.refused("auth/google/", {}, ("id_token", "code"))
    t.refused("auth/google/", {"id_token": token, "code": "x"}, ("id_token", "code"))
    t.refused("auth/google/", {"id_token": token, "credential": token}, "credential")
    t.refused("auth/google/", {"code": "x"}, ("code_verifier", "redirect_uri"))
    t.refused("auth/google/", {"code": "x", "code_verifier": "short", "redirect_uri": REDIRECT},
              "code_verifier")
    google(t, token)


@case("google: a code is exchanged for the token, with PKCE, at a listed address", **GOOGLE)
def _(t):
    email = t.people.email()
    t.post("auth/google/", issuer.grant(email, REDIRECT))
    grant = issuer.grant(email, "postmessage")
    t.post("auth/google/", grant)
    t.post("auth/google/", grant, want=401, code="identity_invalid")
    grant = issuer.grant(email, REDIRECT)
    other = issuer.grant(email, REDIRECT)
    t.post("auth/google/", {**grant, "code_verifier": other["code_verifier"]}, want=401,
           code="identity_invalid")
    for uri in (REDIRECT + "/", REDIRECT + "?", REDIRECT.upper(), "https://shop.example.com",
                "https://shop.example.com.evil.example/signed-in", REDIRECT + "#x", " " + REDIRECT,
                "https://shop.example.com/signed-in/../x", "http" + REDIRECT[5:]):
        t.refused("auth/google/", {**issuer.grant(email, uri)}, "redirect_uri")


@case("google: every claim is judged", **GOOGLE)
def _(t):
    email, now = t.people.email(), int(time.time())
    wrong = [
        {"iss": "https://accounts.google.com"}, {"iss": issuer.url + "/"}, {"iss": None},
        {"iss": issuer.url[7:]}, {"iss": [issuer.url]},
        {"aud": "someone.else"}, {"aud": None}, {"aud": []}, {"aud": ["someone.else"]},
        {"aud": 7}, {"aud": issuer.client.upper()}, {"aud": ""},
        {"aud": [issuer.client, "someone.else"], "azp": None},
        {"aud": [issuer.client, "someone.else"], "azp": "someone.else"},
        {"azp": "someone.else"}, {"azp": 1},
        {"exp": now - 60}, {"exp": None}, {"exp": str(now + 60)}, {"exp": now + 60.5},
        {"exp": -1}, {"exp": 2 ** 63 - 1},
        {"iat": now + 600}, {"iat": None}, {"iat": "now"},
        {"nbf": now + 600}, {"nbf": "0"},
        {"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": "x" * 256}, {"sub": "a\0b"},
        {"nonce": "not asked for"},
    ]
    for claims in wrong:
        reply = google(t, issuer.token(email, **claims), want=401, code="identity_invalid")
        t.eq(reply.json["errors"], None, "errors of %r" % claims)
    google(t, issuer.token(email, aud=["x", issuer.client], azp=issuer.client))
    google(t, issuer.token(email, azp="ios.apps.example"))
    google(t, issuer.token(email, azp=None, nbf=now))


@case("google: a nonce binds the token to one sign-in, and a token works once", **GOOGLE)
def _(t):
    email = t.people.email()
    token = issuer.token(email, nonce="n-0S6_WzA2Mj")
    google(t, token, want=401, code="identity_invalid")
    google(t, token, want=401, code="identity_invalid", nonce="another")
    google(t, token, nonce="n-0S6_WzA2Mj")
    google(t, token, want=401, code="identity_invalid", nonce="n-0S6_WzA2Mj")
    google(t, issuer.token(email), want=401, code="identity_invalid", nonce="n-0S6_WzA2Mj")
    key = [("Idempotency-Key", os.urandom(8).hex())]
    token = issuer.token(email)
    first = google(t, token, headers=key).data
    t.eq(google(t, token, headers=key).data["refresh"], first["refresh"])
    t.post("auth/google/", {"id_token": issuer.token(email)}, key, want=409,
           code="idempotency_conflict")


@case("google: the signature is the issuer's, whatever the header says", **GOOGLE)
def _(t):
    email = t.people.email()
    stranger = Key("one")
    google(t, issuer.token(email), )
    before = list(issuer.seen)
    claims, pem = issuer.claims(email), issuer.keys[0].public_pem()
    header = {"alg": "HS256", "kid": "one", "typ": "JWT"}
    good = issuer.token(email)
    text, signature = good.rpartition(".")[0], good.rpartition(".")[2]
    forged = [
        issuer.token(email, key=stranger),
        sign(header, claims, pem), sign(header, claims, pem.strip()),
        b64(dumps({"alg": "none", "kid": "one"})) + "." + b64(dumps(claims)) + ".",
        b64(dumps({"alg": "none", "kid": "one"})) + "." + b64(dumps(claims)) + "." + signature,
        issuer.token(email, header={"alg": "RS512"}), issuer.token(email, header={"alg": "PS256"}),
        issuer.token(email, header={"alg": "ES256"}), issuer.token(email, header={"alg": None}),
        issuer.token(email, header={"kid": None}), issuer.token(email, header={"kid": ""}),
        issuer.token(email, header={"crit": ["exp"]}), issuer.token(email, header={"b64": False}),
        issuer.token(email, header={"jwk": stranger.jwk()}, key=stranger),
        issuer.token(email, header={"jku": issuer.url + "/evil"}, key=stranger),
        issuer.token(email, header={"x5u": issuer.url + "/evil"}, key=stranger),
        issuer.token(email, header={"x5c": ["AAAA"]}, key=stranger),
        issuer.token(email, header={"typ": "at+jwt"}),
        text + "." + signature[:-4], text + "." + signature + "AAAA", text + "." + signature + "=",
        text + ".", text, good + ".x", "." + good, "x.y.z", "..", " " + good,
        text[:-1] + ("A" if text[-1] != "A" else "B") + "." + signature,
    ]
    for token in forged:
        google(t, token, want=401, code="identity_invalid")
    # None of them made the server ask anybody anything.
    t.eq(issuer.seen[len(before):], [])
    google(t, good)
    t.refused("auth/google/", {"id_token": "x" * 8193}, "id_token")


@case("google: keys rotate; a stranger's kid asks the issuer once a minute at most", **GOOGLE)
def _(t):
    email = t.people.email()
    google(t, issuer.token(email))
    before = issuer.count()
    stranger = Key("nobody-knows-me")
    for kid in ("../../etc/passwd", "' OR 1=1 --", issuer.url + "/evil", "x" * 500):
        google(t, issuer.token(email, key=stranger, header={"kid": kid}), want=401,
               code="identity_invalid")
    t.ok(issuer.count() - before <= 1, "asked %d times" % (issuer.count() - before))
    t.ok(not any("evil" in path for path in issuer.seen), "went where a token said")


@case("google: an address nobody vouches for, one that is somebody's, one that is unproven",
      **GOOGLE)
def _(t):
    email = t.people.email()
    for verified in (False, None, "false", 1, "yes"):
        google(t, issuer.token(email, email_verified=verified), want=403,
               code="identity_unverified")
    google(t, issuer.token(email, email=None), want=403, code="identity_unverified")
    ada = t.sign_up()
    google(t, issuer.token(ada.email), want=409, code="link_required")
    t.login(ada)
    mallory = t.people.person()
    t.register(mallory)
    code = t.code(mallory)
    owner = google(t, issuer.token(mallory.email)).data["user"]
    t.eq(owner["is_verified"], True)
    t.login(mallory, want=401, code="invalid_credentials")
    t.post("auth/verify-otp/", {"email_or_phone": mallory.email, "otp": code}, want=400,
           code="otp_invalid")
    google(t, issuer.token(mallory.email, sub="somebody-new"), want=409, code="link_required")


@case("google: a disabled account stays closed", login_reveal_disabled="true", **GOOGLE)
def _(t):
    email = t.people.email()
    google(t, issuer.token(email))
    t.server.run("user", "disable", email)
    google(t, issuer.token(email), want=403, code="account_disabled")


@case("google: a disabled account is not told from a wrong password", **GOOGLE)
def _(t):
    email = t.people.email()
    google(t, issuer.token(email))
    t.server.run("user", "disable", email)
    google(t, issuer.token(email), want=401, code="invalid_credentials")


@case("google: no room for another session", session_max_client="1", session_on_limit="refuse",
      **GOOGLE)
def _(t):
    email = t.people.email()
    google(t, issuer.token(email))
    google(t, issuer.token(email), want=403, code="forbidden")


@case("google: only people of the company's domain", google_hosted_domain="example.com", **GOOGLE)
def _(t):
    email = t.people.email()
    google(t, issuer.token(email), want=401, code="identity_invalid")
    google(t, issuer.token(email, hd="example.org"), want=401, code="identity_invalid")
    google(t, issuer.token(email, hd="example.com"))


@case("google: without a client id there is no such thing")
def _(t):
    google(t, "x.y.z", want=404, code="not_found")


@case("google: whoever asks too often waits", throttle_burst="3/min", **GOOGLE)
def _(t):
    email = t.people.email()
    for _ in range(3):
        google(t, issuer.token(email))
    google(t, issuer.token(email), want=429, code="throttled")


# --- me/identities/ ---

@case("identities: listed, linked, and taken away again", **GOOGLE)
def _(t):
    ada, email = t.sign_up(), t.people.email("elsewhere")
    me = bearer(ada.tokens)
    t.get("me/identities/", want=401, code="token_missing")
    t.eq(t.get("me/identities/", me).data, {"items": [], "next_cursor": None})
    token = issuer.token(email, nonce="abc")
    t.post("me/identities/", {"id_token": token}, me, want=401, code="identity_invalid")
    linked = t.post("me/identities/", {"id_token": token, "nonce": "abc"}, me).data["identity"]
    t.eq((linked["provider"], linked["email"], linked["last_used_at"]), ("google", email, None))
    t.eq(google(t, issuer.token(email)).data["user"]["id"], ada.tokens["user"]["id"])
    items = t.get("me/identities/", me).data["items"]
    t.eq([item["id"] for item in items], [linked["id"]])
    t.ok(items[0]["last_used_at"])
    bob = t.sign_up()
    t.post("me/identities/", {"id_token": issuer.token(email)}, bearer(bob.tokens), want=409,
           code="conflict")
    t.call("DELETE", "me/identities/%s/" % linked["id"], None, bearer(bob.tokens), want=404,
           code="not_found")
    t.call("DELETE", "me/identities/nothing/", None, me, want=404, code="not_found")
    t.call("DELETE", "me/identities/%s/" % linked["id"], None, me)
    t.eq(t.get("me/identities/", me).data["items"], [])


@case("identities: what link_required asks for", **GOOGLE)
def _(t):
    ada = t.sign_up()
    token = issuer.token(ada.email)
    google(t, token, want=409, code="link_required")
    tokens = t.login(ada).data
    # The same token still proves what it proved.
    t.post("me/identities/", {"id_token": token}, bearer(tokens))
    t.eq(google(t, issuer.token(ada.email)).data["user"]["id"], ada.tokens["user"]["id"])


@case("identities: long after the sign-in they stay as they are", security_reauth_age="1s",
      **GOOGLE)
def _(t):
    ada = t.sign_up()
    me, nobody = bearer(ada.tokens), "00000000-0000-0000-0000-000000000000"
    time.sleep(1.1)
    token = issuer.token(t.people.email())
    t.post("me/identities/", {"id_token": token}, me, 403, "reauth_required")
    t.call("DELETE", "me/identities/%s/" % nobody, None, me, 403, "reauth_required")
    t.eq(t.get("me/identities/", me).data["items"], [])


@case("identities: never the last way in", **GOOGLE)
def _(t):
    tokens = google(t, issuer.token(t.people.email())).data
    identity = t.get("me/identities/", bearer(tokens)).data["items"][0]
    t.call("DELETE", "me/identities/%s/" % identity["id"], None, bearer(tokens), want=409,
           code="last_sign_in")
    t.post("me/identities/", {"id_token": issuer.token(t.people.email())}, bearer(tokens))
    t.call("DELETE", "me/identities/%s/" % identity["id"], None, bearer(tokens))


@case("identities: there is nothing to link with when no provider is set up")
def _(t):
    ada = t.sign_up()
    t.post("me/identities/", {"id_token": "x.y.z"}, bearer(ada.tokens), want=404, code="not_found")


# --- an issuer that is away ---

def with_mode(mode):
    """An issuer of its own, for a server that shall not find its keys."""
    other = Issuer()
    other.mode = mode
    return other


for _mode in ("down", "hang", "huge", "broken"):
    _other = with_mode(_mode)

    @once("google: an issuer that is %s: 503 in time, passwords still work" % _mode,
          **{**GOOGLE, "google_issuer": _other.url})
    def _(t, other=_other, mode=_mode):
        ada = t.sign_up()
        began = time.monotonic()
        reply = t.send("POST", "auth/google/", {"id_token": other.token(t.people.email())})
        t.eq((reply.status, reply.code), (503, "unavailable"))
        t.ok(time.monotonic() - began < 2.5, "took %.1f s" % (time.monotonic() - began))
        t.ok(int(reply.header("Retry-After")) >= 1)
        t.login(ada)
        other.released.set()
        other.mode = "ok"
        t.until(lambda: t.send("POST", "auth/google/", {
            "id_token": other.token(t.people.email())}).status == 200, "it comes back", 15)


_fading = Issuer()
_fading.max_age = 5


@once("google: keys are fetched anew when their time is over, and kept while nobody answers",
      **{**GOOGLE, "google_issuer": _fading.url})
def _(t):
    google(t, _fading.token(t.people.email()))
    before = _fading.count()
    t.until(lambda: _fading.count() > before, "the keys were fetched again", 15)
    _fading.mode = "down"
    asked = _fading.count()
    t.until(lambda: _fading.count() > asked, "it asked while the issuer was down", 20)
    google(t, _fading.token(t.people.email()))
    _fading.mode = "ok"


_crowd = Issuer()


@once("google: one fetch, however many come at once", **{**GOOGLE, "google_issuer": _crowd.url})
def _(t):
    tokens = [_crowd.token(t.people.email()) for _ in range(24)]
    answers, clients = [], [Client(t.server) for _ in tokens]

    def go(client, token):
        answers.append(client.call("POST", "/api/v2/auth/google/", {"id_token": token}).status)
        client.close()
    threads = [threading.Thread(target=go, args=pair) for pair in zip(clients, tokens)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    t.eq(answers, [200] * len(tokens))
    t.eq((_crowd.count("/.well-known/openid-configuration"), _crowd.count()), (1, 1))


if __name__ == "__main__":
    suite.main()
