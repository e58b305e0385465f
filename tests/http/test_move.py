#!/usr/bin/env python3
"""cloakroom move: from a SQLite file to PostgreSQL, with everybody still signed in."""
from lib.case import Suite
from lib.client import Client
from lib.database import postgresql
from lib.server import Server

suite = Suite(__file__)


def sign_up(t, client, address):
    body = {"email": address, "password": "correct horse battery"}
    flow = client.post("/api/v2/auth/register/", body).data["verification"]["flow_id"]

    def code():
        inbox = client.get("/dev/inbox/?to=" + address, [("Accept", "application/json")])
        return next((m["code"] for m in inbox.json if m.get("code")), None)
    otp = t.until(code, "a code")
    return client.post("/api/v2/auth/verify-otp/", {"flow_id": flow, "otp": otp}).data


@suite.once("everything arrives, is proven to, and goes on; begun again it does no harm")
def _(t):
    if not postgresql.binaries():
        t.skip("PostgreSQL is not installed")
    pg = postgresql.Postgresql()
    server = Server(t.server.build, {"database_url": None})
    try:
        pg.start()
        server.start()
        client = Client(server)
        ada = sign_up(t, client, "ada@example.com")
        sign_up(t, client, "grace@example.com")
        move = ["move", "--from", "sqlite:" + server.database, "--to", pg.url()]
        busy = server.run(*move)
        t.ok(busy.returncode == 1 and b"stop it first" in busy.stderr, busy.stderr)
        server.terminate()
        early = server.run(*move)
        t.ok(early.returncode == 1 and b"migrate" in early.stderr, early.stderr)
        server.settings["database_url"] = pg.url()
        t.eq(server.run("migrate").returncode, 0, "migrate")
        # Broken off: some rows are there.
        first = server.run(*move)
        t.eq(first.returncode, 0, first.stdout + first.stderr)
        pg.sql("DELETE FROM audit WHERE id > 3; DELETE FROM sessions")
        again = server.run(*move)
        t.eq(again.returncode, 0, again.stdout + again.stderr)
        t.ok(b"users: 2 rows are there" in again.stdout, again.stdout)
        t.eq(server.run("audit", "verify").returncode, 0, "audit verify")
        server.start()
        client = Client(server)
        t.eq(client.post("/api/v2/auth/token/refresh/",
                         {"refresh": ada["refresh"]}).status, 200, "refresh")
        t.eq(client.post("/api/v1/auth/login/", {"email_or_phone": "grace@example.com",
                                                 "password": "correct horse battery"}).status,
             200, "login")
        server.terminate()
        t.eq(server.run("audit", "verify").returncode, 0, "audit verify")
        # What has gone on since is not what the file has.
        after = server.run(*move)
        t.ok(after.returncode == 1 and b"differ" in after.stderr, after.stdout + after.stderr)
    finally:
        server.remove()
        pg.remove()


if __name__ == "__main__":
    suite.main()
