#!/usr/bin/env python3
"""Registration: who may open an account, and what is said to whom."""
import json
import unicodedata

from lib.case import PROVE, Suite
from lib.corpora import corpus
from lib.people import Person

suite = Suite(__file__)
case = suite.case

BOTH = ("email", "phone")


def users(t):
    return t.trail.value("SELECT count(*) FROM users")


@case("the reply to an e-mail address, by example", otp_cooldown="60s")
def _(t):
    ada = t.people.person()
    reply = t.post("auth/register/", {"email": ada.email, "password": ada.password,
                                      "first_name": "Ada"}, want=201)
    body = reply.json
    t.eq(set(body), {"success", "message", "data", "errors"}, "members")
    t.eq((body["success"], body["errors"]), (True, None), "envelope")
    t.eq(body["data"]["user"], {
        "email": ada.email, "phone": None, "first_name": "Ada", "last_name": "",
        "role": "client", "auth_provider": "email", "is_verified": False}, "user")
    sent = body["data"]["verification"]
    t.eq(set(sent), {"flow_id", "channel", "destination", "expires_in", "resend_in", "otp"})
    t.eq((sent["channel"], sent["expires_in"], sent["resend_in"]), ("email", 300, 60))
    t.ok(len(sent["otp"]) == 6 and sent["otp"].isdigit(), "no code of six digits")
    t.ok(sent["destination"].startswith("a*") and sent["destination"].endswith("@example.com"),
         sent["destination"])
    t.eq(t.mail(ada.email)["code"], sent["otp"], "code in the mail")


@case("the reply to a phone number, by example")
def _(t):
    ada = t.people.person("phone")
    data = t.post("auth/register/", {"phone": ada.phone, "password": ada.password,
                                     "role": "VENDOR"}, want=201).data
    t.eq((data["user"]["email"], data["user"]["phone"]), (None, ada.phone))
    t.eq((data["user"]["role"], data["user"]["auth_provider"]), ("vendor", "phone"))
    t.eq(data["verification"]["channel"], "sms")
    t.ok(ada.phone[4:-4] not in data["verification"]["destination"], "the number is not masked")
    t.eq(t.mail(ada.phone)["channel"], "sms", "channel")


@case("exactly one identifier: both and neither are refused, naming both")
def _(t):
    ada, obi = t.people.person(), t.people.person("phone")
    t.refused("auth/register/", {"email": ada.email, "phone": obi.phone,
                                 "password": ada.password}, BOTH)
    for nothing in ({}, {"email": None, "phone": ""}, {"email": "  ", "phone": "\t"}):
        t.refused("auth/register/", {**nothing, "password": ada.password}, BOTH)
    t.post("auth/register/", {"email": "  ", "phone": obi.phone, "password": obi.password},
           want=201)
    t.refused("auth/register/", {}, "password")


@case("identifiers that are none are refused by name")
def _(t):
    password = t.people.password()
    for email in ("ada", "ada@", "@example.com", "ada@example..com", "a b@example.com",
                  "ada@-example.com", "ada@example.com\r\nBcc: x@example.com", "ada@exa mple.com",
                  "x" * 65 + "@example.com", "ada@" + "x" * 64 + ".com", "<ada@example.com>",
                  "ada@example.com,bob@example.com", "ada@[127.0.0.1", "a" * 250 + "@example.com"):
        t.refused("auth/register/", {"email": email, "password": password}, "email")
    for phone in ("0", "12", "+", "+234", "+1234567890123456789", "phone", "080312",
                  "+2348031234567890", "0803123456a"):
        t.refused("auth/register/", {"phone": phone, "password": password}, "phone")
    for body, field in (({"email": 7}, "email"), ({"email": ["a@b.c"]}, "email"),
                        ({"phone": True}, "phone"), ({"phone": {"a": 1}}, "phone")):
        t.refused("auth/register/", {**body, "password": password}, field)
    t.refused("auth/register/", {"email": "a\0da@example.com", "password": password}, "email")


@case("a bare number needs a country", default_country=None)
def _(t):
    ada = t.people.person("phone")
    bare = {"phone": "0" + ada.phone[4:], "password": ada.password}
    t.refused("auth/register/", bare, "phone")
    data = t.post("auth/register/", {**bare, "country": "NG"}, want=201).data
    t.eq(data["user"]["phone"], ada.phone)
    t.refused("auth/register/", {**bare, "country": "ZZ"}, ("country", "phone"))


@case("the password: missing, short, long, repeated wrongly, made of the identifier")
def _(t):
    ada = t.people.person()
    for password in (None, "", "   "):
        t.refused("auth/register/", {"email": ada.email, "password": password}, "password")
    for password in ("short-7", "x" * 1025, "\u00fc" * 513, ada.email,
                     "my " + ada.email.split("@")[0]):
        t.refused("auth/register/", {"email": ada.email, "password": password}, "password")
    for password in (12345678, ["x" * 9], {"a": "b"}, True):
        t.refused("auth/register/", {"email": ada.email, "password": password}, "password")
    for again in ("password2", "confirm_password"):
        t.refused("auth/register/", {"email": ada.email, "password": ada.password,
                                     again: ada.password + "x"}, again)
    # Seven characters of four bytes each are still seven.
    t.refused("auth/register/", {"email": ada.email, "password": "\U0001f511" * 7}, "password")
    for password in ("x" * 1024, "\U0001f511" * 8):
        t.register(Person(t.people.email(), None, password), password2=password)
    t.eq(t.register(ada, password2=ada.password, confirm_password=ada.password)["channel"], "email")


@case("every spelling of one e-mail address is one person")
def _(t):
    ada = t.people.person()
    name, domain = ada.email.split("@")
    t.sign_up(ada)
    before = users(t)
    for spelling in (ada.email.upper(), name.title() + "@" + domain, name + "@EXAMPLE.com",
                     "  %s " % ada.email,
                     name.replace("a", "\uff41", 1) + "@" + domain):
        data = t.post("auth/register/", {"email": spelling, "password": ada.password},
                      want=201).data
        t.eq(data["user"]["email"], spelling.strip(), "the address as typed")
        t.login(ada, name=spelling)
    t.eq(users(t), before, "people")


@case("an international domain and its A-label are one; composed and decomposed letters are one")
def _(t):
    before = users(t)
    for first, second in (
            ("b\u00fccher.example", "xn--bcher-kva.example"),
            ("B\u00dcCHER.example", "bu\u0308cher.example"),
            ("\u4f8b\u5b50.example", "xn--fsqu00a.EXAMPLE")):
        ada = t.people.person()
        ada.email = t.people.email(domain=first)
        other = ada.email.split("@")[0] + "@" + second
        t.sign_up(ada)
        t.post("auth/register/", {"email": other, "password": ada.password}, want=201)
        t.login(ada, name=other)
    eve = t.people.person()
    eve.email = t.people.email(local="\u00e9ve")
    t.sign_up(eve)
    decomposed = unicodedata.normalize("NFD", eve.email)
    t.ok(decomposed != eve.email)
    t.post("auth/register/", {"email": decomposed, "password": eve.password}, want=201)
    t.login(eve, name=decomposed)
    t.eq(users(t), before + 4, "people")


@case("every way to write one phone number is one person")
def _(t):
    ada = t.sign_up(t.people.person("phone"))
    national, before = ada.phone[4:], users(t)
    for spelling in ("0" + national, "234" + national, "+234 %s %s" % (national[:3], national[3:]),
                     "+234-%s-%s" % (national[:3], national[3:]),
                     "0%s.%s" % (national[:3], national[3:]), "(0)" + national, ada.phone):
        for country in (None, "NG"):
            data = t.post("auth/register/", {"phone": spelling, "password": ada.password,
                                             "country": country}, want=201).data
            t.eq(data["user"]["phone"], ada.phone, "as E.164")
        t.login(ada, name=spelling)
    t.eq(users(t), before, "people")


@case("the address is kept as typed")
def _(t):
    ada = t.people.person()
    ada.email = t.people.email(local="Ada.LoveLace", domain="Example.COM")
    t.eq(t.post("auth/register/", {"email": ada.email, "password": ada.password},
                want=201).data["user"]["email"], ada.email)
    tokens = t.post("auth/verify-otp/", {"email_or_phone": ada.email.lower(),
                                         "otp": t.code(ada)}).data
    t.eq(tokens["user"]["email"], ada.email)
    t.eq(t.me(tokens["access"]).data["user"]["email"], ada.email)


@case("a registered identifier: the same reply, and a message to its owner")
def _(t):
    for kind in ("email", "phone"):
        ada, new = t.sign_up(t.people.person(kind)), t.people.person(kind)
        known = t.post("auth/register/", {**ada.identity, "password": new.password}, want=201)
        fresh = t.post("auth/register/", {**new.identity, "password": new.password}, want=201)
        a, b = known.json, fresh.json
        for side, person in ((a, ada), (b, new)):
            side["data"]["verification"].update(flow_id="", otp="", destination="")
            t.eq(side["data"]["user"].pop(kind), person.identifier)
        t.eq(a, b, "the reply to a known identifier")
        t.eq(len(known.body), len(fresh.body), "its size")
        t.eq([n for n, _ in known.headers], [n for n, _ in fresh.headers], "its headers")
        mail = t.mail(ada.identifier, 2)
        t.eq(mail["code"] or "", "", "no code goes to them")
        # The code that --dev shows in a decoy's reply opens nothing.
        t.verify(known.data["verification"]["flow_id"], known.data["verification"]["otp"],
                 want=400, error="otp_invalid")
        t.login(ada)
        t.login(ada, want=401, code="invalid_credentials", password=new.password)


@case("reveal_existing = 409 gives the classic answer", registration_reveal_existing="409")
def _(t):
    ada = t.people.person()
    data = t.post("auth/register/", {**ada.identity, "password": ada.password}, want=201).data
    t.ok(data["user"]["id"], "no id in the reply")
    t.verify(data["verification"]["flow_id"], t.code(ada))
    reply = t.post("auth/register/", {**ada.identity, "password": ada.password}, want=409,
                   code="already_registered")
    t.eq(set(reply.errors), {"email"})
    t.eq(len(t.inbox(ada.email)), 1, "messages")


@case("reveal_existing = 400 likewise", registration_reveal_existing="400")
def _(t):
    ada = t.people.person("phone")
    data = t.post("auth/register/", {**ada.identity, "password": ada.password}, want=201).data
    t.ok(data["user"]["id"], "no id in the reply")
    t.refused("auth/register/", {**ada.identity, "password": ada.password}, "phone")


@case("roles: client or vendor, in any case, with a profile of their own")
def _(t):
    for role, name, table in ((None, "client", "clients"), ("", "client", "clients"),
                              ("client", "client", "clients"), ("CLIENT", "client", "clients"),
                              ("vendor", "vendor", "vendors"), ("VenDor", "vendor", "vendors")):
        before = t.trail.value("SELECT count(*) FROM " + table)
        ada = t.people.person()
        data = t.post("auth/register/", {**ada.identity, "password": ada.password, "role": role},
                      want=201).data
        t.eq(data["user"]["role"], name)
        t.eq(t.trail.value("SELECT count(*) FROM " + table), before + 1, "rows of " + table)
        user = t.verify(data["verification"]["flow_id"], t.code(ada)).data["user"]
        t.eq((user["role"], user["is_staff"], user["is_superuser"]), (name, False, False))
    before = users(t)
    for role in ("support", "assistant", "reviewer", "enhancer", "staff", "admin", "superadmin",
                 "SuperAdmin", "root", 1, ["vendor"], {"a": 1}):
        ada = t.people.person()
        t.refused("auth/register/", {**ada.identity, "password": ada.password, "role": role},
                  "role")
    t.eq(users(t), before, "people")


@case("nobody gives themselves what only others may give")
def _(t):
    ada = t.people.person()
    body = {**ada.identity, "password": ada.password}
    for name, value in (("is_staff", True), ("is_superuser", True), ("is_verified", True),
                        ("is_active", False), ("id", "018f0000-0000-7000-8000-000000000000"),
                        ("permissions", ["users.read"]), ("auth_provider", "google"),
                        ("external_id", "1"), ("groups", [1]), ("is_staff", 1),
                        ("is_verified", "true")):
        t.refused("auth/register/", {**body, name: value}, name)
    t.refused("auth/register/", {**body, "is_staff": True, "is_superuser": True},
              ("is_staff", "is_superuser"))
    flow = t.register(ada, is_staff=False, is_superuser=False, is_verified=False, is_active=True,
                      id=None, permissions=None, nonsense={"deep": [1, 2]}, utm_source="x")
    user = t.verify(flow["flow_id"], t.code(ada)).data["user"]
    t.eq((user["role"], user["is_staff"], user["is_superuser"]), ("client", False, False))


@case("consents are kept with the account")
def _(t):
    ada = t.people.person()
    t.register(ada, consents=[{"document": "terms", "version": "2026-01"},
                              {"document": "privacy", "version": "3"}])
    rows = t.trail.query("SELECT document, version FROM consents"
                         " WHERE user_id = (SELECT id FROM users ORDER BY id DESC LIMIT 1) ORDER BY document")
    t.eq(rows, [("privacy", "3"), ("terms", "2026-01")], "consents")
    body = {**t.people.person().identity, "password": t.people.password()}
    t.refused("auth/register/", {**body, "consents": "terms"}, "consents")
    t.refused("auth/register/", {**body, "consents": [{"document": "terms"}]},
              "consents.0.version")
    t.refused("auth/register/", {**body, "consents": [1]}, "consents.0")
    t.refused("auth/register/", {**body, "consents": [{"document": "a", "version": "1"}] * 17},
              "consents")
    # Twice the same is a mistake of the client's or a double click; never a 500.
    twice = t.post("auth/register/", {**body, "consents": [{"document": "a", "version": "1"}] * 2},
                   want=201)
    t.eq(twice.status, 201)


@case("names: any text of the naughty strings is kept exactly or refused by name")
def _(t):
    path = corpus("blns", "blns.json")
    if not path:
        t.skip("no corpus of naughty strings")
    with open(path, encoding="utf-8") as file:
        strings = json.load(file)
    kept = 0
    for i, text in enumerate(strings):
        if not PROVE and i % 5:
            continue
        ada = t.people.person()
        body = {**ada.identity, "password": ada.password, "first_name": text, "last_name": text}
        reply = t.send("POST", "auth/register/", body)
        t.note(reply)
        if reply.status == 201:
            wanted = "" if not text.strip() else text
            t.eq(reply.data["user"]["first_name"], wanted, "the name")
            user = t.verify(reply.data["verification"]["flow_id"], t.code(ada)).data["user"]
            t.eq((user["first_name"], user["last_name"]), (wanted, wanted), "the name kept")
            kept += 1
        else:
            t.eq((reply.status, reply.code), (400, "validation_failed"))
            t.ok(set(reply.errors) <= {"first_name", "last_name"}, reply.errors)
    t.ok(kept > 50, "only %d of the strings may be names" % kept)


@case("a retry with the same Idempotency-Key and body is one registration")
def _(t):
    ada = t.people.person()
    key = [("Idempotency-Key", t.people.alias("key-" + t.people.unique, "{key}"))]
    body = {**ada.identity, "password": ada.password, "first_name": "Ada"}
    before = users(t)
    first = t.post("auth/register/", body, key, want=201).data
    second = t.post("auth/register/", body, key, want=201).data
    t.eq(second["verification"]["flow_id"], first["verification"]["flow_id"], "flow")
    t.eq(second["user"], first["user"], "user")
    t.eq(users(t), before + 1, "people")
    t.post("auth/register/", {**body, "first_name": "Eve"}, key, want=409,
           code="idempotency_conflict")
    t.code(ada)
    t.eq(len(t.inbox(ada.email)), 1, "messages")
    t.verify(first["verification"]["flow_id"], ada.code)
    for bad in ("", "a b", "x" * 256, "k\u00e9y"):
        t.refused("auth/register/", body, "Idempotency-Key", headers=[("Idempotency-Key", bad)])


@case("a retry for an identifier that is known is answered like one for an unknown")
def _(t):
    ada = t.sign_up()
    key = [("Idempotency-Key", "again-" + t.people.unique)]
    t.people.alias(key[0][1], "{key}")
    body = {**ada.identity, "password": t.people.password()}
    first = t.post("auth/register/", body, key, want=201).data["verification"]
    second = t.post("auth/register/", body, key, want=201).data["verification"]
    t.eq(second["flow_id"], first["flow_id"], "flow")
    t.mail(ada.email, 2)
    t.eq(len(t.inbox(ada.email)), 2, "messages")


@case("two registrations of one unproven address: each password takes effect with its own flow")
def _(t):
    ada = t.people.person()
    first_password, second_password = ada.password, t.people.password()
    first = t.register(ada)["flow_id"]
    first_code = t.code(ada)
    ada.password = second_password
    second = t.register(ada)["flow_id"]
    second_code = t.code(ada)
    t.verify(first, first_code, want=400, error="otp_invalid")
    t.verify(first, second_code, want=400, error="otp_invalid")
    for password in (first_password, second_password):
        t.login(ada, want=401, code="invalid_credentials", password=password)
    t.verify(second, second_code)
    t.login(ada)
    t.login(ada, want=401, code="invalid_credentials", password=first_password)


@case("by the address alone a contested code signs in and sets nobody's password")
def _(t):
    ada = t.people.person()
    passwords = [ada.password, t.people.password()]
    t.register(ada)
    t.code(ada)
    ada.password = passwords[1]
    t.register(ada)
    t.post("auth/verify-otp/", {"email_or_phone": ada.email, "otp": t.code(ada)})
    for password in passwords:
        t.login(ada, want=401, code="invalid_credentials", password=password)


@case("an account that was disabled stays so, and nothing is said")
def _(t):
    ada = t.sign_up()
    done = t.server.run("user", "disable", ada.email)
    t.eq((done.returncode, done.stderr), (0, b""), "user disable")
    before = len(t.inbox(ada.email))
    flow = t.register(ada)
    t.verify(flow["flow_id"], flow["otp"], want=400, error="otp_invalid")
    t.login(ada, want=401, code="invalid_credentials")
    t.eq(len(t.inbox(ada.email)), before, "messages")


if __name__ == "__main__":
    suite.main()
