#!/usr/bin/env python3
"""The audit trail as staff read it, what other services add to it, and its export."""
import json
import os
import sqlite3
import uuid

from lib import jwt
from lib.case import Suite
from lib.server import TOKEN_SECRET
from lib.staff import bearer, hire

suite = Suite(__file__)
case, once = suite.case, suite.once

SHOP = "shop-credential-0123456789"
SERVICES = {"audit_services": "ads:another-credential-012345, shop:" + SHOP}


def rows(t, staff, query=""):
    reply = t.send("GET", "staff/audit/?" + query, None, bearer(staff))
    t.expect(reply, 200)
    return reply.data["items"]


def event(actor=None, **more):
    out = {"id": str(uuid.uuid4()), "event": "order.refunded", "object_type": "order",
           "object_id": "81", "changes": [{"field": "status", "before": "paid",
                                           "after": {"refunded": 3}}], **more}
    if actor:
        out["actor_token"] = actor.tokens["access"]
    return out


def report(t, events, want=200, code=None, credential=SHOP, **more):
    headers = [("Authorization", "Bearer " + credential)] if credential else []
    return t.post("audit/events/", {"events": events, **more}, headers, want, code)


@case("an act is read back with its before, after and reason")
def _(t):
    admin, ada = hire(t, "admin"), hire(t, "client")
    headers = bearer(admin) + [("X-Request-ID", "act-1"), ("User-Agent", "console/1")]
    t.post("staff/users/%s/disable/" % ada.id, {"reason": "Ticket 81."}, headers)
    row = rows(t, admin, "subject=%s&event=user.disabled" % ada.id)[0]
    t.eq({k: row[k] for k in ("event", "outcome", "actor_id", "subject_id", "operation",
                              "request_id", "address", "user_agent", "reason", "changes")},
         {"event": "user.disabled", "outcome": "ok", "actor_id": admin.id, "subject_id": ada.id,
          "operation": "staff_disable", "request_id": "act-1", "address": "127.0.0.1",
          "user_agent": "console/1", "reason": "Ticket 81.",
          "changes": {"state": {"before": "active", "after": "disabled"}}}, "row")
    t.eq(row["engine"], "async" if t.mount == "v2" else "sync", "engine")


@case("rows are found by actor, subject, object, event and time")
def _(t):
    admin, boss, ada = hire(t, "admin"), hire(t, "superadmin"), hire(t, "client")
    path = "staff/users/%s/" % ada.id
    for what in ("disable/", "enable/", "note/"):
        t.post(path + what, {"reason": "r"}, bearer(admin))
    t.post(path + "disable/", {"reason": "r"}, bearer(boss))
    events = [r["event"] for r in rows(t, boss, "actor=" + admin.id)]
    t.eq(events, ["user.noted", "user.enabled", "user.disabled"], "by actor")
    t.ok(set(events) < {r["event"] for r in rows(t, boss, "subject=" + ada.id)}, "by subject")
    both = rows(t, boss, "subject=%s&actor=%s&event=user.disabled" % (ada.id, admin.id))
    t.eq([r["actor_id"] for r in both], [admin.id], "by three")
    t.ok(all(r["event"] == "user.noted" for r in rows(t, boss, "event=user.noted")), "by event")
    last = rows(t, boss, "actor=" + boss.id)[0]
    t.eq([r["id"] for r in rows(t, boss, "actor=%s&since=%s" % (boss.id, last["at"]))],
         [last["id"]], "since")
    t.eq(rows(t, boss, "since=2999-01-01T00:00:00Z"), [], "in time to come")
    t.get("me/", bearer(ada), want=401)
    t.eq(rows(t, boss, "object=order:nothing"), [], "by object")
    seen, cursor = [], ""
    while cursor is not None:
        reply = t.send("GET", "staff/audit/?limit=2&subject=" + ada.id + cursor, None, bearer(boss))
        t.ok(len(reply.data["items"]) <= 2, "a page too long")
        seen += [r["id"] for r in reply.data["items"]]
        cursor = reply.data["next_cursor"] and "&cursor=" + reply.data["next_cursor"]
    t.eq(seen, [r["id"] for r in rows(t, boss, "limit=200&subject=" + ada.id)], "pages")
    for query, field in (("object=order", "object"), ("object=:1", "object"), ("actor=x", "actor"),
                         ("since=x", "since")):
        reply = t.send("GET", "staff/audit/?" + query, None, bearer(boss))
        t.expect(reply, 400, "validation_failed")
        t.eq(list(reply.errors), [field], "errors")


@once("another service's events are recorded once, under its name", **SERVICES)
def _(t):
    support, admin, ada = hire(t, "support"), hire(t, "admin"), hire(t, "client")
    order = t.people.unique
    secret = t.people.secret("a field of another service", "value-" + order)
    one = event(support, object_id=order, subject_id=ada.id, reason="Damaged.",
                request_id="shop-7", changes=[{"field": "note", "before": None, "after": secret}])
    two = event(object_id=order)
    data = report(t, [one, two], actor_token=support.tokens["access"]).data
    t.eq(data, {"recorded": 2, "known": 0}, "first time")
    t.eq(report(t, [one, two, event(support, object_id=order)],
                actor_token=support.tokens["access"]).data, {"recorded": 1, "known": 2}, "again")
    history = rows(t, admin, "object=order:" + order)
    t.eq(len(history), 3, "history of the object")
    row = history[-1]
    t.eq((row["event"], row["actor_id"], row["subject_id"], row["request_id"], row["reason"]),
         ("shop.order.refunded", support.id, ada.id, "shop-7", "Damaged."), "row")
    t.eq(row["changes"], {"note": {"before": None, "after": secret}}, "changes")
    t.eq(history[-2]["changes"], {"status": {"before": "paid", "after": {"refunded": 3}}},
         "changes")
    t.eq(t.server.run("audit", "verify").returncode, 0, "audit verify")


@case("only services report, and only what staff did", **SERVICES)
def _(t):
    support, ada = hire(t, "support"), hire(t, "client")
    report(t, [event(support)], 401, "token_missing", credential=None)
    for wrong in ("x", SHOP[:-1], SHOP + "x", "another", support.tokens["access"]):
        report(t, [event(support)], 401, "token_invalid", credential=wrong)
    now = jwt.parts(support.tokens["access"])[1]["exp"]
    old = jwt.resign(support.tokens["access"], TOKEN_SECRET, exp=now - 4500, iat=now - 4800)
    late = jwt.resign(support.tokens["access"], TOKEN_SECRET, exp=now - 1500, iat=now - 1800)
    forged = jwt.resign(support.tokens["access"], b"x" * 32)
    nobody = jwt.resign(support.tokens["access"], TOKEN_SECRET, sid=str(uuid.uuid4()))
    for token in (ada.tokens["access"], support.tokens["refresh"], old, forged, nobody, None, "x"):
        reply = report(t, [event(support), event(actor_token=token)], 400, "validation_failed")
        t.eq(list(reply.errors), ["events.1.actor_token"], "errors")
    t.eq(report(t, [event(actor_token=late)]).data["recorded"], 1, "recorded")
    reply = report(t, [event(support, subject_id=str(uuid.uuid4()))], 400, "validation_failed")
    t.eq(list(reply.errors), ["events.0.subject_id"], "errors")
    for events, field in (([], "events"), ([event(support)] * 51, "events"),
                          ([event(support, event=None)], "events.0.event"),
                          ([event(support, id="x")], "events.0.id"),
                          ([event(support, changes=[{"before": 1}])], "events.0.changes.0.field")):
        if len(events) == 51:
            events = [{**e, "actor_token": None} for e in events]
        reply = report(t, events, 400, "validation_failed")
        t.eq(list(reply.errors), [field], "errors")
    t.expect(t.send("POST", "audit/events/", "{", [("Authorization", "Bearer " + SHOP)]), 400,
             "malformed_json")
    t.expect(t.send("POST", "audit/events/", "{}", [("Authorization", "Bearer " + SHOP),
                                                    ("Content-Type", "text/plain")]), 415)
    t.expect(t.send("POST", "audit/events/", b" " * 17000, [("Authorization", "Bearer " + SHOP)]),
             413)


@once("an export proves itself")
def _(t):
    admin, ada = hire(t, "admin"), t.sign_up()
    t.get("staff/users/?q=" + ada.email, bearer(admin))
    made = t.server.run("audit", "export")
    t.eq(made.returncode, 0, "exit status: %s" % made.stderr.decode())
    lines = made.stdout.decode().splitlines()
    ids = [json.loads(line)["id"] for line in lines[:-1]]
    t.eq(ids, sorted(ids), "order")
    t.eq(json.loads(lines[-1])["end"]["rows"], len(ids), "rows")
    path = os.path.join(t.server.directory, "audit.jsonl")

    def verify(content):
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in content))
        return t.server.run("audit", "verify", "--export", path).returncode

    t.eq(verify(lines), 0, "honest")
    middle = len(lines) // 2
    for name, changed in (
            ("removed", lines[:middle] + lines[middle + 1:]),
            ("moved", [lines[1], lines[0]] + lines[2:]),
            ("changed", lines[:middle] + [lines[middle].replace('"ok"', '"no"', 1)]
             + lines[middle + 1:]),
            ("added", lines[:1] + lines[:1] + lines[1:]),
            ("cut off", lines[:-1]),
            ("cut short", lines[:middle] + lines[-1:]),
            ("counted otherwise", lines[:-1] + [lines[-1].replace('"rows":', '"rows":1', 1)])):
        t.eq(verify(changed), 1, "verdict on an export that was " + name)
    after = t.server.run("audit", "export", "--after", str(ids[-2]))
    t.eq(len(after.stdout.decode().splitlines()), 2, "lines after the last but one")
    t.eq(t.server.run("audit", "export", "--after", "x").returncode, 2, "exit status")
    t.eq(t.server.run("audit", "verify", "--export", path + "x").returncode, 1, "exit status")
    os.unlink(path)


@once("what was erased stays counted, and says nothing")
def _(t):
    admin, ada = hire(t, "admin"), t.sign_up()
    ada.id = t.me(ada.tokens["access"]).data["user"]["id"]
    with sqlite3.connect(t.server.database, timeout=20) as connection:
        connection.execute("UPDATE users SET state = 'erased', data_key = NULL, profile = NULL,"
                           " email = NULL, email_index = NULL WHERE id = ?",
                           (uuid.UUID(ada.id).bytes,))
    connection.close()
    found = rows(t, admin, "subject=" + ada.id)
    t.ok(found and all(r["address"] is None and r["user_agent"] is None for r in found), "rows")
    t.eq(t.server.run("audit", "verify").returncode, 0, "audit verify")


if __name__ == "__main__":
    suite.main()
