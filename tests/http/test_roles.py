#!/usr/bin/env python3
"""Roles and permissions: the table of docs/staff.md, every role on every route of the server's own
document, roles of one's own, and that a change of role is felt by the very next call."""
import os
import re
import uuid

from lib.case import Suite
from lib.staff import ROLES, bearer, hire

suite = Suite(__file__)
case, once = suite.case, suite.once

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "staff.md")


def written_table():
    """docs/staff.md: permission -> the roles that have it."""
    with open(DOCS, encoding="utf-8") as file:
        lines = [[c.strip() for c in line.strip().strip("|").split("|")]
                 for line in file if line.startswith("|")]
    head = next(i for i, cells in enumerate(lines) if cells[0] == "permission")
    roles = lines[head][1:]
    table = {}
    for cells in lines[head + 2:]:
        if not re.fullmatch(r"`[a-z_.]+`", cells[0]):
            break
        table[cells[0].strip("`")] = {r for r, c in zip(roles, cells[1:]) if c == "yes"}
    return table


def guarded(t):
    """(method, path, operation id, permission) of every route that asks for one."""
    out = []
    for path, item in t.contracts["v1"].document["paths"].items():
        for method, operation in item.items():
            permission = operation.get("x-permission")
            if path.startswith("/api/v1/staff/"):
                t.ok(permission, "%s names no permission" % path)
            if permission:
                out.append((method.upper(), path[len("/api/v1/"):], operation, permission))
    return out


def calls(operation, path):
    """A path with ids nobody has, and a body that says nothing."""
    body = {} if "requestBody" in operation else None
    return re.sub(r"\{[^}]*\}", str(uuid.uuid4()), path), body


@case("the table is the one that is written down")
def _(t):
    admin = hire(t, "admin")
    items = t.get("staff/roles/", bearer(admin)).data["items"]
    t.eq([i["name"] for i in items], list(ROLES), "roles")
    table = {}
    for item in items:
        t.eq(item["is_staff"], item["name"] not in ("client", "vendor"), "is_staff")
        for permission in item["permissions"]:
            table.setdefault(permission, set()).add(item["name"])
    t.eq(table, written_table(), "table")


@case("every role on every route")
def _(t):
    table, routes = written_table(), guarded(t)
    t.ok(routes, "no route asks for a permission")
    for role in ROLES:
        person = hire(t, role)
        for method, path, operation, permission in routes:
            path, body = calls(operation, path)
            reply = t.send(method, path, body, bearer(person))
            if role in table[permission]:
                t.ok(reply.status not in (401, 403), "%s may %s, yet %s %s answered %d %s" % (
                    role, permission, method, path, reply.status, reply.code))
            else:
                t.expect(reply, 403, "forbidden")


@case("nobody gets in without a token")
def _(t):
    for method, path, operation, _permission in guarded(t):
        path, body = calls(operation, path)
        t.expect(t.send(method, path, body), 401, "token_missing")
        t.expect(t.send(method, path, body, [("Authorization", "Bearer x")]), 401, "token_invalid")


@case("a refusal is on record")
def _(t):
    client = hire(t, "client")
    mark = t.trail.mark()
    t.get("staff/roles/", bearer(client), want=403, code="forbidden")
    rows = t.trail.audit(mark)
    t.eq([(r["event"], r["outcome"], r["object_type"], r["object_id"]) for r in rows],
         [("access.denied", "forbidden", "permission", "roles.read")], "rows")
    t.ok(rows[0]["actor"] and rows[0]["subject"] and rows[0]["session"], "who was it?")


@case("a role of one's own", role_tailor_extends="support", role_tailor_permissions="audit.read",
      role_tailor_rate="3/min", role_plain_permissions="")
def _(t):
    tailor = hire(t, "tailor")
    t.eq(tailor.tokens["user"]["role"], "tailor", "role")
    t.ok(tailor.tokens["user"]["is_staff"], "not staff")
    items = t.get("staff/roles/", bearer(tailor)).data["items"]
    own = next(i for i in items if i["name"] == "tailor")
    support = next(i for i in items if i["name"] == "support")
    t.eq(set(own["permissions"]), set(support["permissions"]) | {"audit.read"}, "permissions")
    t.eq((own["extends"], own["rank"]), ("support", support["rank"]), "extends")
    t.get("staff/roles/", bearer(tailor))
    t.get("staff/roles/", bearer(tailor))
    t.get("staff/roles/", bearer(tailor), want=429, code="throttled")


@once("a role that is gone may do what a client may", role_tailor_extends="admin")
def _(t):
    tailor = hire(t, "tailor")
    t.get("staff/roles/", bearer(tailor))
    t.server.settings["role_tailor_extends"] = None
    t.server.restart()
    tailor.tokens = t.login(tailor).data
    t.eq(tailor.tokens["user"]["role"], "client", "role")
    t.get("staff/roles/", bearer(tailor), want=403, code="forbidden")


if __name__ == "__main__":
    suite.main()
