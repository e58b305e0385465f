#!/usr/bin/env python3
"""Tokens: rotation, reuse, logout, expiry; and everything that only looks like one."""
import hashlib
import hmac
import json
import time

from lib import jwt
from lib.case import Suite
from lib.server import TOKEN_SECRET

suite = Suite(__file__)
case, once = suite.case, suite.once

ENDED = {"want": 401, "code": "token_revoked"}


@case("tokens have SimpleJWT's shape")
def _(t):
    ada = t.sign_up(role="vendor")
    for name, kind, life in (("access", "access", 300), ("refresh", "refresh", 86400)):
        token = ada.tokens[name]
        header, claims = jwt.parts(token)
        t.eq(header, {"alg": "HS256", "typ": "JWT"}, "header")
        t.eq(set(claims), {"token_type", "exp", "iat", "jti", "user_id", "sid", "role", "ver"})
        t.eq((claims["token_type"], claims["exp"] - claims["iat"]), (kind, life))
        t.eq((claims["user_id"], claims["role"]), (ada.tokens["user"]["id"], "vendor"))
        t.ok(len(claims["jti"]) == 32 and abs(claims["iat"] - time.time()) < 5, claims)
        text, signature = token.rsplit(".", 1)
        t.eq(jwt.b64(hmac.new(TOKEN_SECRET, text.encode(), hashlib.sha256).digest()), signature)
        t.ok(ada.tokens[name + "_expires_at"].startswith(
            time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(claims["exp"]))), "expires_at")


@case("a refresh gives a successor, and the same one to whoever asks again within the grace")
def _(t):
    ada = t.sign_up()
    reply = t.refresh(ada.tokens["refresh"])
    t.eq(set(reply.data), {"access", "refresh", "token_type", "expires_in", "access_expires_at",
                           "refresh_expires_at"}, "members of data")
    t.ok(reply.data["refresh"] != ada.tokens["refresh"], "no successor")
    again = t.refresh(ada.tokens["refresh"]).data
    t.eq(again["refresh"], reply.data["refresh"], "successor")
    t.eq(again["refresh_expires_at"], reply.data["refresh_expires_at"], "its end")
    for access in (ada.tokens["access"], reply.data["access"], again["access"]):
        t.me(access)
    t.refresh(reply.data["refresh"])


@case("the token before the one before is superseded, and nothing is revoked")
def _(t):
    ada = t.sign_up()
    first = ada.tokens["refresh"]
    second = t.refresh(first).data["refresh"]
    third = t.refresh(second).data
    t.refresh(first, want=401, code="refresh_superseded")
    t.eq(t.refresh(second).data["refresh"], third["refresh"], "successor")
    t.me(third["access"])
    t.refresh(third["refresh"])


@case("a token older than that ends the session; its owner is told")
def _(t):
    ada = t.sign_up()
    token = first = ada.tokens["refresh"]
    for _ in range(3):
        last = t.refresh(token).data
        token = last["refresh"]
    before = len(t.inbox(ada.email))
    mark = t.trail.mark()
    reply = t.refresh(first, want=401, code="refresh_reused")
    t.eq(reply.header("WWW-Authenticate"), "Bearer")
    t.refresh(last["refresh"], **ENDED)
    t.me(last["access"], **ENDED)
    t.refresh(first, **ENDED)
    row = t.trail.audit(mark)[0]
    t.eq((row["event"], row["outcome"], row["subject"], row["session"]),
         ("session.refresh_reused", "refresh_reused", 1, 1))
    t.mail(ada.email, before + 1)
    t.login(ada)


@case("after the grace the token before the current one is a reuse", token_grace="1s")
def _(t):
    ada, obi = t.sign_up(), t.sign_up()
    last = t.refresh(ada.tokens["refresh"]).data
    other = t.refresh(obi.tokens["refresh"]).data
    time.sleep(1.1)
    t.refresh(ada.tokens["refresh"], want=401, code="refresh_reused")
    t.me(last["access"], **ENDED)
    t.me(other["access"])
    # Grace does not chain: a replay gives the successor no new life of its own.
    t.refresh(other["refresh"])
    time.sleep(1.1)
    t.refresh(other["refresh"], want=401, code="refresh_reused")


@case("on_reuse = refuse only refuses", token_on_reuse="refuse", token_grace="0s")
def _(t):
    ada = t.sign_up()
    last = t.refresh(ada.tokens["refresh"]).data
    t.refresh(ada.tokens["refresh"], want=401, code="refresh_reused")
    t.me(last["access"])
    t.refresh(last["refresh"])
    t.eq(len(t.inbox(ada.email)), 1, "mails")


@case("logout needs only the refresh token, ends all of the session at once, and may be repeated")
def _(t):
    ada = t.sign_up()
    other = t.login(ada).data
    reply = t.logout(ada.tokens["refresh"])
    t.eq((reply.json["message"], reply.json["data"]), ("Logout successful.", None))
    t.me(ada.tokens["access"], **ENDED)
    t.refresh(ada.tokens["refresh"], **ENDED)
    t.logout(ada.tokens["refresh"])
    t.me(other["access"])
    # A token that was rotated away still names its session.
    last = t.refresh(other["refresh"]).data
    t.logout(other["refresh"])
    t.me(last["access"], **ENDED)
    t.logout("garbage", want=401, code="refresh_invalid")


@case("logout with an access token beside: good, ended, expired or broken, it changes nothing",
      token_access_ttl="1s")
def _(t):
    ada = t.sign_up()
    access = "Bearer " + ada.tokens["access"]
    t.logout(ada.tokens["refresh"], headers=[("Authorization", access)])
    t.logout(ada.tokens["refresh"], headers=[("Authorization", access)])
    last = t.login(ada).data
    time.sleep(2.05 - time.time() % 1)
    t.logout(last["refresh"], headers=[("Authorization", "Bearer " + last["access"])])
    t.refresh(last["refresh"], **ENDED)


@case("an access token lives as long as it says", token_access_ttl="1s")
def _(t):
    ada = t.sign_up()
    t.eq(ada.tokens["expires_in"], 1)
    time.sleep(2.05 - time.time() % 1)
    reply = t.me(ada.tokens["access"], want=401, code="token_expired")
    t.eq(reply.header("WWW-Authenticate"), "Bearer")
    t.me(t.refresh(ada.tokens["refresh"]).data["access"])


@case("a refresh token dies when it is not used in time", token_access_ttl="1s",
      token_refresh_ttl="1s")
def _(t):
    ada = t.sign_up()
    time.sleep(2.05 - time.time() % 1)
    t.refresh(ada.tokens["refresh"], want=401, code="refresh_expired")
    t.post("auth/token/verify/", {"token": ada.tokens["refresh"]}, want=401, code="token_expired")
    t.logout(ada.tokens["refresh"])


@case("a session has an end, however often it is refreshed", token_access_ttl="1s",
      token_refresh_ttl="2s", session_ttl="3s")
def _(t):
    ada = t.sign_up()
    ends = time.time() + 3
    token, last = ada.tokens["refresh"], ada.tokens["refresh_expires_at"]
    for _ in range(3):
        time.sleep(0.5)
        reply = t.refresh(token)
        t.ok(reply.data["refresh_expires_at"] >= last, "it shrinks")
        token, last = reply.data["refresh"], reply.data["refresh_expires_at"]
    time.sleep(max(0, ends + 0.05 - time.time()))
    t.refresh(token, want=401, code="refresh_expired")


@case("every kind of token at every endpoint: only its own lets it in")
def _(t):
    ada = t.sign_up()
    flow = t.post("auth/resend-otp/", {"email_or_phone": ada.email}).data["verification"]
    kinds = {
        "access": ada.tokens["access"], "refresh": t.login(ada).data["refresh"],
        "device": ada.tokens["device"], "flow": flow["flow_id"], "code": flow["otp"],
        "id": ada.tokens["user"]["id"], "garbage": "x.y.z", "dots": "..", "one": "x",
    }
    for name, token in kinds.items():
        if name != "access":
            t.me(token, want=401, code="token_invalid")
        if name != "refresh":
            t.refresh(token, want=401, code="refresh_invalid")
            t.logout(token, want=401, code="refresh_invalid")
        if name not in ("access", "refresh"):
            t.post("auth/token/verify/", {"token": token}, want=401, code="token_invalid")
    t.me(kinds["access"])
    t.refresh(kinds["refresh"])


@case("token/verify judges access and refresh tokens as they are now")
def _(t):
    ada = t.sign_up()
    for kind in ("access", "refresh"):
        data = t.post("auth/token/verify/", {"token": ada.tokens[kind]}).data
        t.eq((data["token_type"], data["user_id"], data["role"]),
             (kind, ada.tokens["user"]["id"], "client"))
        t.eq(data["session_id"], jwt.parts(ada.tokens[kind])[1]["sid"])
    last = t.refresh(ada.tokens["refresh"]).data
    t.post("auth/token/verify/", {"token": ada.tokens["refresh"]}, **ENDED)
    t.logout(last["refresh"])
    for kind in ("access", "refresh"):
        t.post("auth/token/verify/", {"token": last[kind]}, **ENDED)
    t.refused("auth/token/verify/", {}, "token")
    t.refused("auth/token/verify/", {"token": 5}, "token")
    t.refused("auth/token/verify/", {"token": "x" * 5000}, "token")


@case("no token, another scheme, two of them")
def _(t):
    ada = t.sign_up()
    access = ada.tokens["access"]
    for value in (None, "Basic YTpi", "Token " + access, "Bearertoken", access):
        reply = t.get("me/", [("Authorization", value)], want=401, code="token_missing")
        t.eq(reply.header("WWW-Authenticate"), "Bearer")
    t.get("me/", [("authorization", "bEARER   " + access)])
    t.get("me/", [("Authorization", "Bearer " + access)] * 2, want=400, code="bad_request")
    for value in ("Bearer", "Bearer ", "Bearer x", "Bearer " + access + ",x",
                  "Bearer " + access + " x"):
        t.get("me/", [("Authorization", value)], want=401, code="token_invalid")
    t.get("me/?access_token=" + access, want=400, code="validation_failed")
    t.refused("auth/token/refresh/", {}, "refresh")
    t.refused("auth/logout/", {"refresh": ""}, "refresh")
    t.refused("auth/token/refresh/", {"refresh": ["x"]}, "refresh")


def forgeries(token):
    """(what, token): everything that is not exactly a token of ours (R40-R44)."""
    header, claims = jwt.parts(token)
    head, body, signature = token.split(".")
    other = ("A" if signature[0] != "A" else "B") + signature[1:]
    yield "another signature", "%s.%s.%s" % (head, body, other)
    yield "another key", jwt.resign(token, b"another secret of thirty-two byt")
    yield "an empty key", jwt.resign(token, b"")
    for alg in ("none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "PS256", "ES256",
                "EdDSA", "hs256", "HS256 ", None, 1, ["HS256"], {"a": 1}, True):
        made = {k: v for k, v in {**header, "alg": alg}.items() if v is not None}
        yield "alg %r" % (alg,), jwt.sign(made, claims, TOKEN_SECRET)
        yield "alg %r, unsigned" % (alg,), "%s.%s." % (jwt.b64(jwt.dumps(made)), body)
    for digest, alg in ((hashlib.sha384, "HS384"), (hashlib.sha512, "HS512")):
        yield alg, jwt.sign({**header, "alg": alg}, claims, TOKEN_SECRET, digest)
    for name, value in (
            ("kid", "../../../../dev/null"), ("kid", "x' OR '1'='1"), ("kid", 0),
            ("kid", "http://127.0.0.1:9/k"), ("jwk", {"kty": "oct", "k": jwt.b64(TOKEN_SECRET)}),
            ("jku", "http://127.0.0.1:9/jwks"), ("x5u", "http://127.0.0.1:9/c"), ("x5c", ["AA"]),
            ("crit", ["exp"]), ("b64", False), ("zip", "DEF"), ("cty", "JWT"), ("typ", "at+jwt"),
            ("typ", 1), ("nonce", "x")):
        yield "header %s=%r" % (name, value), jwt.resign(token, TOKEN_SECRET, {name: value})
    now = claims["iat"]
    for name, values in (
            ("exp", (None, "9999999999", 1.5 * now, -1, 2 ** 63, 2 ** 64, True, [now + 9], 10 ** 30,
                     1e400, now - 1, 0, now + 300.0)),
            ("iat", (None, "x", -1, now + 3600, 1.5, 2 ** 63, True)),
            ("nbf", (now + 3600, "x", 1.5, -1, True)),
            ("jti", (None, "", "x", "A" * 32, 5, "0" * 31, "0" * 33, claims["jti"].upper())),
            ("token_type", (None, "", "Access", "id", 1, ["access"], "sliding")),
            ("user_id", (None, "", 5, True, ["x"])),
            ("sid", (None, "", "x", 7, "00000000-0000-0000-0000-000000000000")),
            ("role", (None, 5)),
            ("ver", (None, "1", -1, 1.5, 2 ** 63)),
            ("aud", ("elsewhere", ["elsewhere"], 5)),):
        for value in values:
            if value == 1e400:
                value = float("inf")
            yield "%s=%r" % (name, value), jwt.resign(token, TOKEN_SECRET, **{name: value})
    text = jwt.dumps(claims)
    for what, made in (
            ("a member twice", text[:-1] + b',"token_type":"access"}'),
            ("exp twice", text[:-1] + b',"exp":9999999999}'),
            ("NUL in a name", text[:-1] + b',"a\\u0000b":1}'),
            ("raw NUL", text[:-1] + b',"a":"\0"}'),
            ("bad UTF-8", text[:-1] + b',"a":"\xff"}'),
            ("an array", b"[" + text + b"]"), ("two objects", text + text),
            ("a text", b'"x"'), ("nothing", b""), ("deep", b"[" * 5000),
            ("trailing", text + b"x"), ("BOM", b"\xef\xbb\xbf" + text)):
        yield "claims: " + what, jwt.sign(header, made, TOKEN_SECRET)
        if what in ("a member twice", "nothing", "an array", "trailing"):
            yield "header: " + what, jwt.sign(made, claims, TOKEN_SECRET)
    yield "alg twice", jwt.sign(b'{"alg":"none","alg":"HS256","typ":"JWT"}', claims, TOKEN_SECRET)
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = last[last.index(signature[-1]) ^ 1]
    yield "signature with spare bits", token[:-1] + spare
    for what, made in (
            ("padding", token + "="), ("a fourth part", token + ".x"), ("a fifth", token + ".x.y"),
            ("no signature", "%s.%s" % (head, body)), ("empty signature", "%s.%s." % (head, body)),
            ("empty header", ".%s.%s" % (body, signature)),
            ("empty claims", "%s..%s" % (head, signature)),
            ("half a signature", "%s.%s.%s" % (head, body, signature[:20])),
            ("double signature", "%s.%s.%s" % (head, body, signature * 2)),
            ("standard alphabet", "%s.%s.%s" % (head, body, "+/" + signature[2:])),
            ("a line end inside", token[:-10] + "\n" + token[-10:]),
            ("a NUL at the end", token + "\0"),
            ("a space inside", head + " ." + body + "." + signature),
            ("very long", "%s.%s.%s" % (head, "A" * 3000, signature))):
        yield what, made


@case("tokens that were changed, or made by somebody else, are refused everywhere")
def _(t):
    ada = t.sign_up()
    bearer = ada.tokens["access"]
    for what, token in forgeries(bearer):
        if not any(c in token for c in "\n\0"):
            reply = t.send("GET", "me/", None, [("Authorization", "Bearer " + token)])
            wanted = {"token_expired", "token_invalid"} if what.startswith("exp=") else {
                "token_invalid", "token_revoked"}
            t.ok(reply.status == 401 and reply.code in wanted,
                 "access token with %s: %d %s" % (what, reply.status, reply.code))
        reply = t.send("POST", "auth/token/verify/", {"token": token})
        t.ok(reply.status in (400, 401), "token/verify of %s: %d" % (what, reply.status))
    for what, token in forgeries(ada.tokens["refresh"]):
        for path in ("auth/token/refresh/", "auth/logout/"):
            reply = t.send("POST", path, {"refresh": token})
            if "logout" in path and reply.status == 200:
                # One that is only past its time, or names no session, ends nothing of hers.
                t.ok(what.startswith(("exp=", "sid=")), "logout took " + what)
                continue
            t.ok(reply.status in (400, 401), "%s took %s: %d" % (path, what, reply.status))
        if what.startswith("exp="):
            # A forger who holds the key may end a session by an expired token: start another.
            ada.tokens = t.login(ada).data
    t.me(t.login(ada).data["access"])


@case("a service that holds the token secret still cannot mint a refresh token")
def _(t):
    ada = t.sign_up()
    minted = jwt.resign(ada.tokens["refresh"], TOKEN_SECRET, jti="0" * 32)
    t.refresh(minted, want=401, code="refresh_reused")
    obi = t.sign_up()
    stranger = jwt.resign(obi.tokens["refresh"], TOKEN_SECRET,
                          sid="018f0000-0000-7000-8000-000000000000")
    t.refresh(stranger, want=401, code="refresh_invalid")
    t.me(obi.tokens["access"])


@case("the rows decide, not the token: another epoch, another user, an ended session")
def _(t):
    ada, obi = t.sign_up(), t.sign_up()
    access = ada.tokens["access"]
    t.me(jwt.resign(access, TOKEN_SECRET, ver=99), **ENDED)
    raised = t.me(jwt.resign(access, TOKEN_SECRET, role="superadmin")).data["user"]
    t.eq(raised["role"], "client", "role")
    swapped = t.send("GET", "me/", None, [("Authorization", "Bearer " + jwt.resign(
        access, TOKEN_SECRET, user_id=obi.tokens["user"]["id"]))])
    if swapped.status == 200:
        t.eq(swapped.data["user"]["id"], ada.tokens["user"]["id"], "whose session it is")
    t.eq(t.server.run("user", "disable", ada.email).returncode, 0, "user disable")
    t.me(access, **ENDED)
    t.refresh(ada.tokens["refresh"], **ENDED)
    t.me(obi.tokens["access"])


@case("issuer and audience, when set, are written and asked for", token_issuer="https://id.example",
      token_audience="shop")
def _(t):
    ada = t.sign_up()
    claims = jwt.parts(ada.tokens["access"])[1]
    t.eq((claims["iss"], claims["aud"]), ("https://id.example", "shop"))
    t.me(ada.tokens["access"])
    t.me(jwt.resign(ada.tokens["access"], TOKEN_SECRET, aud=["other", "shop"]))
    for change in ({"iss": None}, {"iss": "https://id.example/"}, {"aud": None}, {"aud": "shop2"},
                   {"aud": ["other"]}, {"aud": []}, {"iss": ["https://id.example"]}):
        t.me(jwt.resign(ada.tokens["access"], TOKEN_SECRET, **change), want=401,
             code="token_invalid")
        t.refresh(jwt.resign(ada.tokens["refresh"], TOKEN_SECRET, **change), want=401,
                  code="refresh_invalid")


@case("a changed password ends every session")
def _(t):
    ada = t.sign_up()
    new = t.people.password()
    done = t.server.run("user", "set-password", ada.email, "--password-stdin", text=new + "\n")
    t.eq(done.returncode, 0, "user set-password: %r" % done.stderr)
    t.me(ada.tokens["access"], **ENDED)
    t.refresh(ada.tokens["refresh"], **ENDED)
    t.login(ada, want=401)
    t.login(ada, password=new)


@once("what a token holds is told to nobody who asks with JSON")
def _(t):
    for body in ('{"refresh": "a.b.c", "refresh": "d.e.f"}', '{"refresh": {"$gt": ""}}'):
        reply = t.send("POST", "auth/token/refresh/", body)
        t.eq(reply.status, 400)
        t.ok("a.b.c" not in json.dumps(reply.json), "the token is echoed")


if __name__ == "__main__":
    suite.main()
