#!/usr/bin/env python3
"""PostgreSQL on its bad days: what clients see, that nothing acknowledged is lost, and how it ends.

Each case starts a PostgreSQL of its own. PROVE=1 kills it 200 times."""
import os
import signal
import subprocess
import threading

from lib.case import Suite
from lib.client import Client
from lib.database import postgresql
from lib.server import Server
from lib.wire import WireError
from tcp_proxy import Proxy

suite = Suite(__file__)
once = suite.once
KILLS = 200 if os.environ.get("PROVE") == "1" else 3
RECOVERY = 5.0


class House:
    """A PostgreSQL, a proxy before it, a server, and somebody signed in."""

    def __init__(self, t, durable=False, settings=None, options=None):
        if not postgresql.binaries():
            t.skip("PostgreSQL is not installed")
        self.t = t
        self.pg = postgresql.Postgresql(durable, options)
        self.server = self.proxy = None
        try:
            self.pg.start()
            self.proxy = Proxy(self.pg.port)
            self.server = Server(t.server.build, {
                "database_url": self.pg.url(port=self.proxy.port), "token_grace": "1m",
                "database_timeout": "300ms", "engine_v2": "async", **(settings or {})})
            done = self.server.run("migrate")
            t.eq(done.returncode, 0, done.stderr)
            self.server.start()
        except BaseException:
            self.__exit__()
            raise
        self.client = Client(self.server)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.server:
            self.server.remove()
        if self.proxy:
            self.proxy.close()
        self.pg.remove()

    def sign_up(self, name):
        """The tokens of somebody new."""
        address = "%s@example.com" % name
        body = {"email": address, "password": "correct horse battery"}
        flow = self.client.post("/api/v2/auth/register/", body).data["verification"]
        inbox = self.client.get("/dev/inbox/?to=" + address, [("Accept", "application/json")])
        code = next((m["code"] for m in inbox.json if m.get("code")), None) or \
            self.t.until(lambda: self._code(address), "a code")
        return self.client.post("/api/v2/auth/verify-otp/",
                                {"flow_id": flow["flow_id"], "otp": code}).data

    def _code(self, address):
        inbox = self.client.get("/dev/inbox/?to=" + address, [("Accept", "application/json")])
        return next((m["code"] for m in inbox.json if m.get("code")), None)

    def refresh(self, token, version="v2"):
        return self.client.post("/api/%s/auth/token/refresh/" % version, {"refresh": token})

    def me(self, access):
        return self.client.get("/api/v2/me/", [("Authorization", "Bearer " + access)])

    def away(self, reply, text):
        """A 503 that says when to come back."""
        self.t.eq(reply.status, 503, text)
        self.t.ok(int(reply.header("Retry-After")) >= 1, "Retry-After")

    def alive(self):
        self.t.eq(self.client.get("/healthz").status, 200, "health")

    def back(self, token):
        """It works again by itself, soon; the successor of `token`."""
        reply = self.t.until(
            lambda: (lambda r: r if r.status == 200 else None)(self.refresh(token)),
            "a refresh", RECOVERY)
        self.t.until(lambda: self.client.get("/readyz").status == 200, "readiness", RECOVERY)
        return reply.data["refresh"]


@once("stopped and started: 503 with Retry-After, health goes on, recovery by itself")
def _(t):
    with House(t) as house:
        tokens = house.sign_up("ada")
        for how in (signal.SIGINT, signal.SIGQUIT):
            house.pg.stop(how)
            for version in ("v1", "v2"):
                house.away(house.refresh(tokens["refresh"], version), version)
            house.away(house.me(tokens["access"]), "me")
            house.alive()
            t.until(lambda: house.client.get("/readyz").status == 503, "not ready")
            house.pg.start()
            tokens["refresh"] = house.back(tokens["refresh"])


@once("hanging: answers end in time, health goes on, recovery by itself")
def _(t):
    with House(t) as house:
        token = house.sign_up("ada")["refresh"]
        house.proxy.hang()
        for version in ("v1", "v2", "v1", "v2"):
            house.away(house.refresh(token, version), version)
            house.alive()
        house.proxy.resume()
        house.back(token)


@once("a COMMIT whose answer is lost: 503, and the retry gets what was written")
def _(t):
    with House(t) as house:
        token = house.sign_up("ada")["refresh"]
        token = house.refresh(token).data["refresh"]  # connections are open
        count = "SELECT count(*) FROM audit WHERE event = 'session.refreshed'"
        before = int(house.pg.sql(count)[0])
        house.proxy.swallow = True
        house.away(house.refresh(token), "lost")
        house.proxy.resume()
        successor = house.back(token)
        t.ok(int(house.pg.sql(count)[0]) - before in (0, 1), "rotated once")
        t.eq(house.back(token), successor, "the same successor")


@once("read-only: writes wait, reads go on, recovery by itself")
def _(t):
    with House(t) as house:
        tokens = house.sign_up("ada")
        house.pg.sql("ALTER DATABASE postgres SET default_transaction_read_only = on")
        house.pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                     " WHERE application_name = 'cloakroom'")
        house.away(house.refresh(tokens["refresh"]), "refresh")
        t.eq(house.me(tokens["access"]).status, 200, "me")
        house.pg.sql("ALTER DATABASE postgres RESET default_transaction_read_only", "template1")
        house.pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                     " WHERE application_name = 'cloakroom'")
        house.back(tokens["refresh"])


@once("fewer connections than the pool would have: callers share what there is")
def _(t):
    with House(t, settings={"pool_size": "64", "database_timeout": "5s"},
               options={"max_connections": "12", "superuser_reserved_connections": "0"}) as house:
        tokens = [house.sign_up("u%d" % i)["refresh"] for i in range(8)]
        statuses = []

        def work(token):
            client = Client(house.server)
            for i in range(10):
                reply = client.post("/api/v%d/auth/token/refresh/" % (i % 2 + 1),
                                    {"refresh": token})
                statuses.append(reply.status)
                token = reply.data["refresh"] if reply.status == 200 else token
            client.close()

        threads = [threading.Thread(target=work, args=(token,)) for token in tokens]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        t.eq(sorted(set(statuses)), [200], "statuses")


@once("killed under load, again and again: nothing acknowledged is lost")
def _(t):
    with House(t, durable=True) as house:
        ledger = {"u%d" % i: house.sign_up("u%d" % i)["refresh"] for i in range(4)}
        done, acknowledged = threading.Event(), [0]

        def work(name):
            client = Client(house.server)
            while not done.is_set():
                try:
                    reply = client.post("/api/v2/auth/token/refresh/", {"refresh": ledger[name]})
                except WireError:
                    continue
                if reply.status == 200:
                    ledger[name] = reply.data["refresh"]
                    acknowledged[0] += 1
                elif reply.status != 503:
                    ledger[name] = "lost: %d %s" % (reply.status, reply.code)
                    return
            client.close()

        threads = [threading.Thread(target=work, args=(name,)) for name in ledger]
        for thread in threads:
            thread.start()
        try:
            for _ in range(KILLS):
                seen = acknowledged[0]
                t.until(lambda: acknowledged[0] > seen + 20, "refreshes", 60)
                house.pg.kill()
                house.alive()
                house.pg.start()
        finally:
            done.set()
            for thread in threads:
                thread.join()
        for name, token in ledger.items():
            t.ok(not token.startswith("lost"), "%s: %s" % (name, token))
            house.back(token)
        verdict = house.server.run("audit", "verify")
        t.eq(verdict.returncode, 0, verdict.stdout + verdict.stderr)


@once("round trips, counted on the wire: a refresh takes two, me/ one")
def _(t):
    with House(t, settings={"database_timeout": "5s"}) as house:
        tokens = house.sign_up("ada")
        token = tokens["refresh"]

        def fewest(call, n=8):
            """Of several: the sealer has its own, once a second."""
            least = 100
            for _ in range(n):
                before = house.proxy.trips
                call()
                least = min(least, house.proxy.trips - before)
            return least

        def refresh():
            nonlocal token
            token = house.refresh(token).data["refresh"]

        t.ok(fewest(refresh) <= 2, "refresh")
        t.ok(fewest(lambda: house.me(tokens["access"])) <= 1, "me")


@once("an old schema stops the start and names the command; migrating needs no stop")
def _(t):
    with House(t) as house:
        server = Server(t.server.build, {"database_url": house.pg.url("postgres")})
        house.pg.sql("CREATE DATABASE fresh")
        server.settings["database_url"] = house.pg.url("fresh")
        done = subprocess.run([server.program, "serve", *server.dev, "--data", server.data],
                              env=server.env(), capture_output=True, timeout=30, check=False)
        t.ok(done.returncode > 0 and b"cloakroom migrate" in done.stderr, done.stderr)
        plan = server.run("migrate", "--plan")
        t.ok(plan.returncode == 0 and b"Would apply migration 1 " in plan.stdout, plan.stdout)
        t.eq(server.run("migrate").returncode, 0, "migrate")
        server.start()
        # A later release's migration that this one can live with, while this one serves.
        house.pg.sql("ALTER TABLE users ADD COLUMN later text;"
                     "INSERT INTO schema_migration VALUES (9000, 'later', 'x', 1, 0)", "fresh")
        t.eq(Client(server).get("/readyz").status, 200, "ready")
        t.eq(server.restart() and Client(server).get("/readyz").status, 200, "ready again")
        t.ok(b"nothing to do" in server.run("migrate").stdout, "nothing is left for an old program")
        server.remove()


if __name__ == "__main__":
    suite.main()
