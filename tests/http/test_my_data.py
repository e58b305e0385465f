#!/usr/bin/env python3
"""A person's data as theirs: typed profiles, consents, export, and being erased."""
import os

from lib.case import Suite

suite = Suite(__file__)
case = suite.case


def bearer(tokens):
    return [("Authorization", "Bearer " + tokens["access"])]


def patch(t, who, path, body, headers=(), want=200, code=None):
    return t.call("PATCH", path, body, bearer(who.tokens) + list(headers), want, code)


@case("client profile: read, patched, cleared, under its version")
def _(t):
    ada = t.sign_up()
    first = t.get("me/client/", bearer(ada.tokens))
    t.eq(first.data["shoe_size"], None)
    t.eq(first.data["updated_at"], None)
    data = patch(t, ada, "me/client/", {"shoe_size": "42 EU", "shipping_city": "Lagos"},
                 [("If-Match", first.header("ETag"))]).data
    t.eq((data["shoe_size"], data["shipping_city"]), ("42 EU", "Lagos"))
    patch(t, ada, "me/client/", {}, [("If-Match", first.header("ETag"))], 412,
          "precondition_failed")
    data = patch(t, ada, "me/client/", {"shoe_size": None}).data
    t.eq((data["shoe_size"], data["shipping_city"]), (None, "Lagos"))
    reply = patch(t, ada, "me/client/", {"shipping_country": "XX", "shipping_phone": "1"}, want=400)
    t.eq(set(reply.errors), {"shipping_country", "shipping_phone"})
    t.get("me/vendor/", bearer(ada.tokens), 404, "not_found")
    patch(t, ada, "me/vendor/", {"store_name": "Ada's"}, want=404, code="not_found")


@case("vendor profile: a slug is one store's, verification is not theirs to set")
def _(t):
    ada, bob = t.sign_up(role="vendor"), t.sign_up(role="vendor")
    slug = "adas-" + t.people.unique
    first = t.get("me/vendor/", bearer(ada.tokens))
    t.eq(first.data["verification_state"], "unverified")
    patch(t, ada, "me/vendor/", {"slug": slug, "store_name": "Ada's Atelier",
                                 "payout_reference": "acct_123"})
    patch(t, ada, "me/vendor/", {"slug": slug}, [("If-Match", first.header("ETag"))], 412,
          "precondition_failed")
    reply = patch(t, bob, "me/vendor/", {"slug": slug}, want=400, code="validation_failed")
    t.eq(list(reply.errors), ["slug"])
    reply = patch(t, ada, "me/vendor/", {"verification_state": "verified"}, want=400)
    t.eq(list(reply.errors), ["verification_state"])
    t.get("me/client/", bearer(ada.tokens), 404, "not_found")
    patch(t, ada, "me/client/", {}, want=404, code="not_found")


@case("consents: recorded at registration, asked again in a new version",
      consents_required="terms:2,privacy:1")
def _(t):
    ada = t.people.person()
    given = [{"document": "terms", "version": "2"}, {"document": "privacy", "version": "1"}]
    body = {**ada.identity, "password": ada.password}
    t.refused("auth/register/", body, "consents")
    t.refused("auth/register/", {**body, "consents": given[:1]}, "consents")
    t.sign_up(ada, consents=given)
    data = t.get("me/consents/", bearer(ada.tokens)).data
    t.eq([(c["document"], c["version"]) for c in data["items"]], [("privacy", "1"), ("terms", "2")])
    t.eq(data["due"], [])


@case("consents: agreed to later, and only to something")
def _(t):
    ada = t.sign_up()
    t.eq(t.get("me/consents/", bearer(ada.tokens)).data, {"items": [], "due": []})
    body = {"consents": [{"document": "terms", "version": "3"}]}
    for _ in range(2):
        data = t.post("me/consents/", body, bearer(ada.tokens)).data
        t.eq([(c["document"], c["version"]) for c in data["items"]], [("terms", "3")])
    for bad in ({}, {"consents": []}):
        t.refused("me/consents/", bad, "consents", headers=bearer(ada.tokens))


@case("export: everything that is held, and that it was asked for")
def _(t):
    ada = t.sign_up(first_name="Ada")
    patch(t, ada, "me/", {"city": "Lagos"})
    patch(t, ada, "me/client/", {"shoe_size": "42 EU"})
    data = t.get("me/export/", bearer(ada.tokens)).data
    t.eq((data["user"]["email"], data["user"]["city"]), (ada.email, "Lagos"))
    t.eq(data["client"]["shoe_size"], "42 EU")
    t.eq(data["vendor"], None)
    t.eq(len(data["sessions"]), 1)
    events = [row["event"] for row in data["activity"]]
    t.eq(events, ["user.registered", "user.verified", "user.logged_in", "user.updated",
                  "client.updated", "user.exported"])
    t.eq(data["activity"][3]["changes"], {"city": {"changed": True}})
    t.ok(all(row["address"] == "127.0.0.1" and row["by_them"] for row in data["activity"]))


# What no table may keep about somebody who was erased; events in the outbox are ids only.
PERSONAL_TABLES = """SELECT m.name FROM sqlite_master m WHERE m.type = 'table'
    AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) c WHERE c.name = 'user_id')"""


def bytes_on_disk(t):
    """Every byte of every file in the data directory."""
    for folder, _, names in os.walk(t.server.data):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    yield name, file.read()


@case("erase: no table and no byte on the disk knows them any more; the trail stands")
def _(t):
    ada = t.people.person()
    unique = t.people.unique
    values = {"first_name": "Zyx" + unique, "last_name": "Wvu" + unique,
              "address": "7 Quiet Lane " + unique, "bio": "Tailor of " + unique}
    for value in values.values():
        t.people.secret("profile", value)
    t.sign_up(ada, first_name=values["first_name"])
    patch(t, ada, "me/", values)
    patch(t, ada, "me/client/", {"shipping_address": values["address"]})
    t.post("me/consents/", {"consents": [{"document": "terms", "version": "1"}]},
           bearer(ada.tokens))
    t.login(ada, headers=[("User-Agent", "Browser of " + unique)])
    t.register(ada)
    user = bytes.fromhex(t.me(ada.tokens["access"]).data["user"]["id"].replace("-", ""))
    row = t.trail.query("SELECT data_key, email, email_index, profile FROM users WHERE id = ?",
                        user)[0]
    t.post("me/erase/", {}, bearer(ada.tokens), 403, "reauth_required")
    t.refused("me/erase/", {"password": "not it at all"}, "password", headers=bearer(ada.tokens))
    t.post("me/erase/", {"password": ada.password}, bearer(ada.tokens), 204)
    t.me(ada.tokens["access"], 401, "token_revoked")
    for table, in t.trail.query(PERSONAL_TABLES):
        more = " AND sink IN ('email', 'sms')" if table == "outbox" else ""
        n = t.trail.value("SELECT count(*) FROM %s WHERE user_id = ?%s" % (table, more), user)
        t.eq(n, 0, "rows of " + table)
    needles = [value.encode() for value in (*values.values(), ada.identifier, unique)]
    needles += [bytes(column) for column in row]

    def found():
        return {(name, needle) for name, content in bytes_on_disk(t) for needle in needles
                if needle in content}

    t.eq(found(), set(), "on the disk")
    t.login(ada, 401, "invalid_credentials")
    done = t.server.run("audit", "verify")
    t.eq(done.returncode, 0, done.stdout + done.stderr)
    t.sign_up(ada)


@suite.once("erase: the last superadmin stays", session_max_superadmin=7)
def _(t):
    grace = t.people.person()
    done = t.server.run("superadmin", "create", grace.identifier, "--password-stdin",
                        text=grace.password + "\n")
    t.eq(done.returncode, 0, done.stderr)
    tokens = t.login(grace).data
    t.post("me/erase/", {"password": grace.password}, bearer(tokens), 409, "last_superadmin")


if __name__ == "__main__":
    suite.main()
