#!/usr/bin/env python3
"""Staff find, read and change people: who sees what, who may act on whom, what is written down, and
that nobody takes the last superadmin away."""
import re
import sqlite3
import uuid

from lib import jwt
from lib.case import Suite
from lib.crowd import crowd
from lib.staff import bearer, hire

suite = Suite(__file__)
case, once = suite.case, suite.once

WHY = {"reason": "Ticket 4711."}


def users(t, staff, query, want=200, code=None):
    reply = t.send("GET", "staff/users/?" + query, None, bearer(staff))
    t.expect(reply, want, code)
    return reply


def found(t, staff, query):
    return [item["id"] for item in users(t, staff, query).data["items"]]


def act(t, staff, person, what, want=200, code=None, **more):
    return t.post("staff/users/%s/%s/" % (getattr(person, "id", person), what), {**WHY, **more},
                  bearer(staff), want, code)


def named(t, first, last="", role="client"):
    """Somebody with a name nobody else has; it is as secret as any."""
    person = t.people.person()
    made = t.server.run("user", "create", person.identifier, "--role", role, "--first-name", first,
                        "--last-name", last, "--password-stdin", text=person.password)
    t.eq(made.returncode, 0, "exit status of user create")
    person.id = made.stdout.decode().split()[-1]
    return person


def put_state(t, person, state):
    """As the person's own wish would, or time."""
    with sqlite3.connect(t.server.database, timeout=20) as connection:
        connection.execute("UPDATE users SET state = ? WHERE id = ?",
                           (state, uuid.UUID(person.id).bytes))
    connection.close()


def only(t, superadmin):
    """Nobody else is one: whoever earlier cases left is retired."""
    for item in users(t, superadmin, "role=superadmin&limit=200").data["items"]:
        if item["id"] != superadmin.id:
            t.expect(t.send("POST", "staff/users/%s/role/" % item["id"],
                            {**WHY, "role": "client"}, bearer(superadmin)), 200)


@case("people are found by what is theirs alone")
def _(t):
    staff, ada, obi = hire(t, "staff"), t.sign_up(), t.sign_up(t.people.person("phone"))
    for person, other in ((ada, obi), (obi, ada)):
        me = t.me(person.tokens["access"]).data["user"]
        for q in (me["id"], person.identifier.upper(), person.identifier.replace("+", "%2B")):
            t.eq(found(t, staff, "q=" + q), [me["id"]], "found")
    item = users(t, staff, "q=" + ada.identifier).data["items"][0]
    t.eq((item["email"], item["phone"]), (ada.email, None), "identifiers")
    t.eq(found(t, staff, "q=nobody.%s@example.com" % t.people.unique), [], "found")
    t.eq(found(t, staff, "q=" + str(uuid.uuid4())), [], "found")


@case("support sees identifiers masked, and still finds by them")
def _(t):
    support, ada, obi = hire(t, "support"), t.sign_up(), t.sign_up(t.people.person("phone"))
    item = users(t, support, "q=" + ada.email).data["items"][0]
    t.ok(item["email"].startswith("a**") and item["email"] != ada.email, "not masked")
    item = users(t, support, "q=" + obi.phone.replace("+", "%2B")).data["items"][0]
    t.ok("*" in item["phone"] and item["phone"] != obi.phone, "not masked")
    detail = t.get("staff/users/%s/" % item["id"], bearer(support)).data["user"]
    t.ok("*" in detail["phone"], "not masked")


@case("people are found by the beginning of a name, without case and accents")
def _(t):
    staff = hire(t, "staff")
    mark = "q" + "".join(chr(ord("a") + int(c, 16)) for c in t.people.unique)
    ada = named(t, t.people.secret("name", mark.capitalize() + "\u00e9l"), "Obi" + mark)
    ben = named(t, t.people.secret("name", mark + "ben"), "Eze")
    want = {mark: {ada.id, ben.id}, mark.upper() + "EEL": set(), mark + "el": {ada.id},
            "obi" + mark + " " + mark: {ada.id}, mark + " eze": {ben.id}, mark[:3]: None,
            mark + "x": set()}
    t.until(lambda: set(found(t, staff, "q=" + mark)) == {ada.id, ben.id}, "the index of names")
    for q, people in want.items():
        ids = set(found(t, staff, "limit=200&q=" + q.replace(" ", "+")))
        t.ok(ids >= {ada.id, ben.id} if people is None else ids == people,
             "%r finds %r" % (q, ids))
    one = users(t, staff, "limit=1&q=" + mark).data
    two = users(t, staff, "limit=1&q=%s&cursor=%s" % (mark, one["next_cursor"])).data
    t.eq({one["items"][0]["id"], two["items"][0]["id"]}, {ada.id, ben.id}, "pages")


@case("pages follow one another, newest first, and filters hold")
def _(t):
    admin = hire(t, "admin")
    people = [hire(t, "reviewer") for _ in range(5)]
    mine = [p.id for p in people][::-1]
    seen, cursor = [], ""
    while len(seen) < 5 and cursor is not None:
        data = users(t, admin, "role=reviewer&limit=2" + (cursor and "&cursor=" + cursor)).data
        t.ok(len(data["items"]) <= 2, "a page too long")
        seen += [i["id"] for i in data["items"]]
        cursor = data["next_cursor"]
    t.eq(seen[:5], mine, "pages")
    act(t, admin, people[0], "disable")
    t.eq(found(t, admin, "role=reviewer&state=disabled&limit=1"), [people[0].id], "disabled")
    t.ok(people[0].id not in found(t, admin, "role=reviewer&state=active"), "active")
    created = users(t, admin, "q=" + people[2].id).data["items"][0]["created_at"]
    ids = found(t, admin, "since=%s&limit=200" % created)
    t.ok(set(mine[:3]) <= set(ids) and not set(mine[3:]) & set(ids), "since")
    ids = found(t, admin, "until=%s&limit=200&role=reviewer" % created)
    t.ok(set(mine[3:]) <= set(ids) and not set(mine[:3]) & set(ids), "until")
    ids = found(t, admin, "since=%s&until=%s" % (created, created))
    t.eq(ids, [], "an empty span")
    t.eq(found(t, admin, "provider=google"), [], "provider")
    t.eq(found(t, admin, "provider=email&limit=1"), mine[:1], "provider")
    t.eq(len(found(t, admin, "limit=3")), 3, "limit")


@case("a question that cannot be answered is refused by name")
def _(t):
    admin = hire(t, "admin")
    for query, field in (("role=boss", "role"), ("state=sad", "state"), ("limit=0", "limit"),
                         ("limit=201", "limit"), ("cursor=x", "cursor"), ("since=x", "since")):
        reply = users(t, admin, query, 400, "validation_failed")
        t.eq(list(reply.errors), [field], "errors")
    t.get("staff/users/%s/" % uuid.uuid4(), bearer(admin), want=404, code="not_found")
    t.get("staff/users/1/", bearer(admin), want=404, code="not_found")
    for what in ("disable", "enable", "restore", "role", "note"):
        more = {"role": "staff"} if what == "role" else {}
        act(t, admin, uuid.uuid4(), what, 404, "not_found", **more)
        reply = t.post("staff/users/%s/%s/" % (uuid.uuid4(), what), {"reason": " "}, bearer(admin),
                       400, "validation_failed")
        t.ok("reason" in reply.errors, "a reason is asked for")
    t.post("staff/deleted/%s/restore/" % uuid.uuid4(), WHY, bearer(admin), 404, "not_found")
    t.post("staff/deleted/%s/restore/" % uuid.uuid4(), {}, bearer(admin), 400, "validation_failed")
    for method in ("GET", "DELETE"):
        t.call(method, "staff/users/%s/sessions/" % uuid.uuid4(), None, bearer(admin), 404)
    t.expect(t.send("DELETE", "staff/users/%s/sessions/?reason=%s" % (admin.id, "x" * 501), None,
                    bearer(admin)), 400, "validation_failed")


@case("a disabled person is out at once, and back when enabled")
def _(t):
    staff, ada = hire(t, "staff"), t.sign_up()
    ada.id = t.me(ada.tokens["access"]).data["user"]["id"]
    mark = t.trail.mark()
    t.ok(not act(t, staff, ada, "disable").data["user"]["is_active"], "still active")
    t.me(ada.tokens["access"], want=401, code="token_revoked")
    t.refresh(ada.tokens["refresh"], want=401)
    t.login(ada, want=401, code="invalid_credentials")
    rows = [r for r in t.trail.audit(mark) if r["event"] == "user.disabled"]
    t.eq([(r["outcome"], r["reason"], r["actor"], r["subject"], r["changes"]) for r in rows],
         [("ok", WHY["reason"], True, True, True)], "audit rows")
    act(t, staff, ada, "disable")
    t.eq(len([r for r in t.trail.audit(mark) if r["event"] == "user.disabled"]), 1, "rows")
    t.ok(act(t, staff, ada, "enable").data["user"]["is_active"], "not active")
    t.me(ada.tokens["access"], want=401, code="token_revoked")
    t.login(ada)


@case("a change of role is felt by the next call")
def _(t):
    admin, ada = hire(t, "admin"), t.sign_up()
    ada.id = t.me(ada.tokens["access"]).data["user"]["id"]
    user = act(t, admin, ada, "role", role="support").data["user"]
    t.eq((user["role"], user["is_staff"]), ("support", True), "role")
    t.me(ada.tokens["access"], want=401, code="token_revoked")
    ada.tokens = t.refresh(ada.tokens["refresh"]).data
    t.get("staff/roles/", bearer(ada))
    act(t, admin, ada, "role", role="client")
    ada.tokens = t.refresh(ada.tokens["refresh"]).data
    t.get("staff/roles/", bearer(ada), want=403, code="forbidden")
    reply = act(t, admin, ada, "role", 400, "validation_failed", role="boss")
    t.eq(list(reply.errors), ["role"], "errors")


@case("nobody acts on somebody of their own rank or above")
def _(t):
    people = {role: hire(t, role) for role in ("client", "support", "staff", "admin", "superadmin")}
    ranks = list(people)
    for actor in ("staff", "admin"):
        for role, subject in people.items():
            below = ranks.index(role) < ranks.index(actor)
            mark = t.trail.mark()
            for what in ("disable", "enable", "note"):
                act(t, people[actor], subject, what, 200 if below else 403,
                    None if below else "forbidden")
            ended = t.call("DELETE", "staff/users/%s/sessions/" % subject.id, None,
                           bearer(people[actor]), 200 if below else 403)
            if not below:
                t.eq({(r["outcome"], r["changes"]) for r in t.trail.audit(mark)
                      if r["event"] == "user.disabled"}, {("forbidden", True)}, "rows")
            else:
                t.ok(ended.data["ended"] >= 0, "ended")
    boss = people["superadmin"]
    for role in ranks[:-1]:
        act(t, boss, people[role], "disable")
        act(t, boss, people[role], "enable")


@case("nobody gives a role they may not give")
def _(t):
    admin, boss, ada = hire(t, "admin"), hire(t, "superadmin"), hire(t, "client")
    for role in ("admin", "superadmin"):
        act(t, admin, ada, "role", 403, "forbidden", role=role)
    act(t, admin, admin, "role", 403, "forbidden", role="superadmin")
    act(t, admin, ada, "role", role="staff")
    act(t, boss, ada, "role", role="admin")
    act(t, admin, ada, "role", 403, "forbidden", role="client")


@once("the last superadmin stays")
def _(t):
    boss = hire(t, "superadmin")
    only(t, boss)
    act(t, boss, boss, "disable", 409, "last_superadmin")
    act(t, boss, boss, "role", 409, "last_superadmin", role="admin")
    t.get("staff/roles/", bearer(boss))
    other = hire(t, "superadmin")
    act(t, boss, boss, "role", role="admin")
    act(t, other, other, "disable", 409, "last_superadmin")
    rows = [r for r in t.trail.audit() if r["outcome"] == "last_superadmin"]
    t.ok(len(rows) >= 3, "refusals are not on record")


@once("superadmins who go at the same moment leave one")
def _(t):
    first = hire(t, "superadmin")
    only(t, first)
    bosses = [first] + [hire(t, "superadmin") for _ in range(7)]

    def leave(client, i):
        path = "/api/%s/staff/users/%s/role/" % ("v1" if i % 2 else "v2", bosses[i].id)
        return client.post(path, {**WHY, "role": "admin"}, bearer(bosses[i]))

    replies = crowd(t.server, len(bosses), leave)
    t.eq(sorted(r.status for r in replies), [200] * 7 + [409], "statuses")
    t.eq(t.trail.value("SELECT count(*) FROM users WHERE role = 'superadmin'"
                       " AND state = 'active'"), 1, "superadmins")


@once("superadmins who demote one another at the same moment leave one")
def _(t):
    first = hire(t, "superadmin")
    only(t, first)
    bosses = [first] + [hire(t, "superadmin") for _ in range(5)]

    def demote(client, i):
        other = bosses[(i + 1) % len(bosses)]
        return client.post("/api/v2/staff/users/%s/role/" % other.id, {**WHY, "role": "admin"},
                           bearer(bosses[i]))

    replies = crowd(t.server, len(bosses), demote)
    t.ok({r.status for r in replies} <= {200, 401, 403, 409}, "statuses")
    left = t.trail.value("SELECT count(*) FROM users WHERE role = 'superadmin'"
                         " AND state = 'active'")
    t.ok(left >= 1, "%d superadmins are left" % left)
    t.eq(left, len(bosses) - len([r for r in replies if r.status == 200]), "superadmins")


@case("deleted people are listed apart, and restored")
def _(t):
    admin, ada = hire(t, "admin"), t.sign_up()
    ada.id = t.me(ada.tokens["access"]).data["user"]["id"]
    put_state(t, ada, "deleted")
    t.eq(found(t, admin, "state=deleted&limit=1"), [ada.id], "deleted")
    t.ok(ada.id not in found(t, admin, "limit=200"), "a deleted person is listed")
    data = t.get("staff/deleted/?limit=1", bearer(admin)).data
    t.eq([(i["id"], i["is_deleted"]) for i in data["items"]], [(ada.id, True)], "deleted")
    t.ok(data["items"][0]["deleted_at"], "when?")
    t.expect(t.send("GET", "staff/deleted/?limit=x", None, bearer(admin)), 400)
    for what in ("disable", "enable", "role", "note"):
        more = {"role": "vendor"} if what == "role" else {}
        act(t, admin, ada, what, 409, "conflict", **more)
    t.call("DELETE", "staff/users/%s/sessions/" % ada.id, None, bearer(admin), 409, "conflict")
    user = t.post("staff/deleted/%s/restore/" % ada.id, WHY, bearer(admin)).data["user"]
    t.ok(user["is_active"] and not user["is_deleted"] and not user["deleted_at"], "not restored")
    t.login(ada)
    put_state(t, ada, "deleted")
    t.ok(act(t, admin, ada, "restore").data["user"]["is_active"], "not restored")
    act(t, admin, ada, "disable")
    act(t, admin, ada, "restore", 409, "conflict")
    t.post("staff/deleted/%s/restore/" % ada.id, WHY, bearer(admin), 409, "conflict")
    put_state(t, ada, "erased")
    t.get("staff/users/%s/" % ada.id, bearer(admin), want=404, code="not_found")
    t.ok(ada.id not in found(t, admin, "limit=200"), "an erased person is listed")
    put_state(t, ada, "active")


@case("notes are for staff, and sealed")
def _(t):
    support, ada = hire(t, "support"), hire(t, "client")
    text = t.people.secret("note", "wears size %s" % t.people.unique)
    act(t, support, ada, "note", note=text)
    act(t, support, ada, "note")
    notes = t.get("staff/users/%s/" % ada.id, bearer(support)).data["notes"]
    t.eq([n["note"] for n in notes], [WHY["reason"], text], "notes")
    t.eq({n["author_id"] for n in notes}, {support.id}, "authors")


def impersonate(t, staff, person):
    reply = act(t, staff, person, "impersonate")
    return t.people.secret("access token", reply.data["access"])


@case("a customer's account is seen, and nothing else")
def _(t):
    support, ada = hire(t, "support"), t.sign_up()
    ada.id = t.me(ada.tokens["access"]).data["user"]["id"]
    mark, letters = t.trail.mark(), len(t.inbox(ada.identifier))
    reply = act(t, support, ada, "impersonate")
    access = reply.data["access"]
    t.ok(0 < reply.data["expires_in"] <= 600, "too long")
    claims = jwt.parts(access)[1]
    t.eq((claims["user_id"], claims["act"]), (ada.id, {"sub": support.id}), "claims")
    t.eq(t.me(access).data["user"]["email"], ada.email, "whose account")
    rows = [r for r in t.trail.audit(mark) if r["event"].startswith(("user.imp", "imp"))]
    t.eq([(r["event"], r["outcome"], r["object_id"] or "", r["actor"], r["subject"]) for r in rows],
         [("user.impersonated", "ok", "", True, True),
          ("impersonation.call", "ok", "me", True, True)], "rows")
    actors = t.trail.query("SELECT DISTINCT hex(actor_id) FROM audit WHERE id > ? AND event LIKE"
                           " 'impersonation.%'", mark[0])
    t.eq(actors, [(support.id.replace("-", "").upper(),)], "actors")
    t.mail(ada.identifier, letters + 1)
    sessions = t.get("me/sessions/", bearer(ada)).data["items"]
    t.ok("impersonation" in [s.get("amr", s.get("method")) for s in sessions], "not to be seen")
    seen = t.get("staff/users/%s/sessions/" % ada.id, bearer(support)).data["items"]
    t.eq([s["impersonator_id"] for s in seen], [None, support.id], "impersonators")
    theirs = next(s["id"] for s in sessions if s["id"] == reply.data["session_id"])
    t.expect(t.send("DELETE", "me/sessions/%s/" % theirs, None, bearer(ada)), 204)
    t.me(access, want=401, code="token_revoked")


@case("nothing can be changed through somebody else's eyes")
def _(t):
    support, ada = hire(t, "support"), t.sign_up()
    ada.id = t.me(ada.tokens["access"]).data["user"]["id"]
    header = [("Authorization", "Bearer " + impersonate(t, support, ada))]
    n = 0
    for path, item in sorted(t.contracts["v1"].document["paths"].items()):
        for method, operation in item.items():
            if method == "get" or {"bearer": []} not in operation.get("security", []):
                continue
            path_ = re.sub(r"\{[^}]*\}", ada.id, path[len("/api/v1/"):])
            body = {} if "requestBody" in operation else None
            t.expect(t.send(method.upper(), path_, body, header), 403, "forbidden")
            n += 1
    t.ok(n > 10, "only %d routes change anything" % n)
    t.expect(t.send("GET", "staff/roles/", None, header), 403, "forbidden")
    t.expect(t.send("GET", "me/export/", None, header), 403, "forbidden")


@case("only customers are seen so, and only by whoever may")
def _(t):
    support, boss, ada = hire(t, "support"), hire(t, "superadmin"), hire(t, "vendor")
    for person in (hire(t, "enhancer"), hire(t, "admin")):
        act(t, support, person, "impersonate", 403, "forbidden")
        act(t, boss, person, "impersonate", 403, "forbidden")
    act(t, support, uuid.uuid4(), "impersonate", 404, "not_found")
    t.post("staff/users/%s/impersonate/" % ada.id, {}, bearer(support), 400, "validation_failed")
    act(t, hire(t, "staff"), ada, "disable")
    act(t, support, ada, "impersonate", 409, "conflict")


@case("sessions are seen and ended")
def _(t):
    staff, ada = hire(t, "staff"), hire(t, "client")
    second = t.login(ada, headers=[("User-Agent", "phone/2")]).data
    items = t.get("staff/users/%s/sessions/" % ada.id, bearer(staff)).data["items"]
    t.eq([(i["address"], i["user_agent"], i["method"]) for i in items],
         [("127.0.0.1", "", "pwd"), ("127.0.0.1", "phone/2", "pwd")], "sessions")
    mark = t.trail.mark()
    ended = t.call("DELETE", "staff/users/%s/sessions/" % ada.id, None, bearer(staff))
    t.eq(ended.data["ended"], 2, "ended")
    for tokens in (ada.tokens, second):
        t.me(tokens["access"], want=401, code="token_revoked")
    t.eq([r["event"] for r in t.trail.audit(mark)][0], "user.sessions_ended", "event")


@case("what is read of a person is on record")
def _(t):
    support, ada = hire(t, "support"), hire(t, "client")
    mark = t.trail.mark()
    t.get("staff/users/%s/" % ada.id, bearer(support))
    t.get("staff/users/%s/sessions/" % ada.id, bearer(support))
    t.eq([r["event"] for r in t.trail.audit(mark)], ["user.viewed", "user.sessions_viewed"],
         "events")


@case("nothing is assigned in passing")
def _(t):
    admin, ada = hire(t, "admin"), hire(t, "client")
    for what in ("disable", "enable", "restore", "note"):
        for member, value in (("role", "admin"), ("is_staff", True), ("permissions", ["x"]),
                              ("id", admin.id), ("is_deleted", True)):
            reply = act(t, admin, ada, what, 400, "validation_failed", **{member: value})
            t.eq(list(reply.errors), [member], "errors")


@case("everybody's calls are counted by role", throttle_support="4/min", throttle_staff="6/min")
def _(t):
    for role, limit in (("support", 4), ("staff", 6)):
        person = hire(t, role)
        for _ in range(limit):
            t.expect(t.send("GET", "staff/users/?limit=1", None, bearer(person)), 200)
        reply = t.send("GET", "staff/users/?limit=1", None, bearer(person))
        t.expect(reply, 429, "throttled")
        t.ok(1 <= int(reply.header("Retry-After")) <= 60, "Retry-After")


@case("every staff route is counted", throttle_superadmin="1/min")
def _(t):
    for path, item in t.contracts["v1"].document["paths"].items():
        for method, operation in item.items():
            if not operation.get("x-permission"):
                continue
            person = hire(t, "superadmin")
            path_ = path[len("/api/v1/"):].replace("{id}", str(uuid.uuid4()))
            body = {} if "requestBody" in operation else None
            t.ok(t.send(method.upper(), path_, body, bearer(person)).status != 429, "too soon")
            t.expect(t.send(method.upper(), path_, body, bearer(person)), 429, "throttled")


if __name__ == "__main__":
    suite.main()
