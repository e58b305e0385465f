#!/usr/bin/env python3
"""Nothing secret lies about: a whole life of an account, then a search through log and database.

Every file's servers are searched for passwords, tokens and identifiers when they stop. Here codes
have ten digits, so that none turns up by chance, and the dead are searched too: rows and pages."""
import base64
import json
import os

from lib import jwt
from lib.case import Suite
from lib.canary import Canary
from lib.server import MASTER_KEY, TOKEN_SECRET
from lib.trial import Trial, wrong

suite = Suite(__file__)
once = suite.once


def live(t):
    """Everything a person may do, on one mount."""
    for kind in ("email", "phone"):
        ada = t.people.person(kind)
        mark = "mark%s" % t.people.unique
        t.people.secret("name", mark)
        device = [("X-Device-ID", t.people.secret("device id", "device-" + mark)),
                  ("User-Agent", t.people.secret("user agent", "agent-" + mark))]
        flow = t.register(ada, headers=device, first_name=mark, last_name=mark)
        ada.code = t.people.secret("code", flow["otp"])
        t.verify(flow["flow_id"], wrong(flow["otp"]), want=400)
        sent = t.post("auth/resend-otp/", {"flow_id": flow["flow_id"]}).data["verification"]
        t.people.secret("code", sent["otp"])
        t.verify(flow["flow_id"], t.code(ada), headers=device)
        t.register(ada, headers=device)
        t.login(ada, want=401, password=t.people.password())
        tokens = t.login(ada, headers=device).data
        first = tokens["refresh"]
        for _ in range(3):
            tokens = t.refresh(tokens["refresh"]).data
            for part in (tokens["refresh"], first):
                jti = t.people.secret("jti", jwt.parts(part)[1]["jti"])
                t.server.canary.add_bytes("jti", bytes.fromhex(jti))
                t.people.secret("signature", part.rsplit(".", 1)[1])
        t.me(tokens["access"])
        t.post("auth/token/verify/", {"token": tokens["access"]})
        t.refresh(first, want=401, code="refresh_reused")
        t.logout(tokens["refresh"])
        nobody = t.people.person(kind)
        t.login(nobody, want=401)
        t.post("auth/resend-otp/", {"email_or_phone": nobody.identifier})
        t.send("POST", "auth/login/", '{"email_or_phone": "%s", "password": "%s' % (
            nobody.identifier, nobody.password))
        t.send("GET", "me/?token=" + tokens["access"])
        t.send("GET", "nowhere/" + t.people.secret("path", "path-" + mark))


@once("after a whole life of accounts on every mount", otp_digits="10")
def _(t):
    for mount in ("v1", "v2", "legacy"):
        trial = Trial(t.server, mount, t.contracts, t.coverage)
        live(trial)
        trial.close()
    t.server.canary.add("token secret", TOKEN_SECRET)
    t.server.canary.add("token secret", base64.b64encode(TOKEN_SECRET))
    t.server.canary.add("master key", MASTER_KEY)
    t.server.canary.add("master key", base64.b64encode(MASTER_KEY))
    t.ok(len(t.server.canary.secrets) > 100, "too few canaries")
    t.eq(t.server.canary.search_log(t.server.read_log()), [])
    t.eq(t.server.store.search(t.server.canary), [])
    done = t.server.run("audit", "verify")
    t.eq(done.returncode, 0, "audit verify: %r %r" % (done.stdout, done.stderr))


@once("the text log holds none either", otp_digits="10", log_format="text")
def _(t):
    live(t)
    log = t.server.read_log().decode()
    t.ok("[SYNC LOGIN]" in log, "no entry line: " + log[-500:])
    t.eq(t.server.canary.search_log(t.server.read_log()), [])


@once("the search itself finds what is there")
def _(t):

    canary = Canary()
    canary.add("test", "needle-in-a-haystack")
    path = os.path.join(t.server.directory, "haystack")
    value = b"needle-in-a-haystack"
    for coded in (value, value.hex().encode(), value.hex().upper().encode(),
                  base64.b64encode(b"x" + value + b"yz"), base64.b64encode(b"xy" + value),
                  base64.urlsafe_b64encode(value + b"\xff\xff"), base64.b64encode(value)):
        with open(path, "wb") as file:
            file.write(b"hay" * 100 + coded + b"hay" * 100)
        t.eq(len(canary.search_database(path)), 1, repr(coded))
    t.eq(len(canary.search_log(b"..needle-in-a-haystack..")), 1)
    with open(path, "wb") as file:
        file.write(b"hay" * 300)
    t.eq(canary.search_database(path), [])


@once("one line in, one line out, and who, what and how long")
def _(t):

    mark = len(t.server.read_log())
    ada = t.sign_up()
    reply = t.login(ada)
    t.login(ada, want=401, password="wrong password")
    lines = [json.loads(line) for line in t.server.read_log(mark).splitlines()]
    mine = [l for l in lines if l.get("request_id") == reply.header("X-Request-ID")]
    t.eq(len(mine), 2, "lines of one login: %r" % mine)
    t.eq([l.get("operation") for l in mine], ["login", "login"])
    out = mine[1]
    t.eq((out["status"], out["code"], out["engine"]), (200, "ok", "sync"))
    t.eq(out["user_id"], ada.tokens["user"]["id"])
    for name in ("total_us", "hash_us", "store_us"):
        t.ok(isinstance(out[name], int) and out[name] >= 0, "%s in %r" % (name, out))
    t.ok(any(l.get("code") == "invalid_credentials" and l["level"].lower() == "warning"
             for l in lines), "no warning about the refusal")


if __name__ == "__main__":
    suite.main()
