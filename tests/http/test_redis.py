#!/usr/bin/env python3
"""Two servers that share limits through Redis, on good days and while it is away."""
import itertools
import re
import shutil
import urllib.request

from lib import redis
from lib.case import Suite
from lib.client import Client
from lib.crowd import crowd
from lib.server import Server, free_port

suite = Suite(__file__)
once = suite.once

MOUNTS = ("/api/v1/auth/login/", "/api/v2/auth/login/", "/auth/login/")


class Nodes:
    """Two servers with a database of their own each and one Redis between them."""

    def __init__(self, t, **settings):
        program = shutil.which("redis-server")
        if not program:
            t.skip("there is no redis-server")
        self.redis = redis.redis_server.Redis(program)
        self.redis.start()
        self.people = t.people
        self.servers = []
        for _ in range(2):
            self.servers.append(Server(t.server.build, {
                "redis_url": "redis://127.0.0.1:%d" % self.redis.port,
                "redis_timeout": "500ms",
                "throttle_burst": "10/min",
                "metrics_listen": "127.0.0.1:%d" % free_port(),
                **settings,
            }))

    def __enter__(self):
        for server in self.servers:
            server.start()
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.remove()
        self.redis.remove()

    def metric(self, server, name):
        url = "http://%s/metrics" % server.settings["metrics_listen"]
        with urllib.request.urlopen(url, timeout=10) as reply:
            text = reply.read().decode()
        return int(re.search(r"^cloakroom_%s (\d+)$" % name, text, re.M).group(1))


def guess(server, path, email):
    """A wrong login; its status."""
    client = Client(server)
    try:
        return client.post(path, {"email_or_phone": email, "password": "wrong"}).status
    finally:
        client.close()


def guesses(nodes, email, n=48):
    """Statuses of `n` at once, over both servers and every mount."""
    where = list(itertools.islice(
        itertools.cycle(itertools.product(nodes.servers, MOUNTS)), n))
    return crowd(nodes.servers[0], n, lambda _, i: guess(*where[i], email))


@once("ten a minute over two servers and every mount are ten, also across restarts")
def _(t):
    with Nodes(t) as nodes:
        email = t.people.email()
        statuses = guesses(nodes, email)
        t.eq(set(statuses), {401, 429})
        t.eq(statuses.count(401), 10, "admitted")
        for server in nodes.servers:
            server.restart()
        t.eq(set(guesses(nodes, email)), {429}, "after a restart")
        t.eq(nodes.metric(nodes.servers[0], "redis_away"), 0)
        t.ok(nodes.metric(nodes.servers[0], "redis_calls_total") > 0, "it was asked")


@once("without Redis logins go on, limits are stricter, and it is taken back without a restart")
def _(t):
    with Nodes(t) as nodes:
        one = nodes.servers[0]
        ada = t.people.person()
        client = Client(one)
        body = {"email": ada.email, "password": ada.password}
        flow = client.post("/api/v2/auth/register/", body).data["verification"]
        code = {"flow_id": flow["flow_id"], "otp": flow["otp"]}
        t.eq(client.post("/api/v2/auth/verify-otp/", code).status, 200)
        for begin, end in (("kill", "start"), ("freeze", "thaw")):
            getattr(nodes.redis, begin)()
            t.eq(client.get("/healthz").status, 200)
            reply = client.post("/api/v1/auth/login/", {"email_or_phone": ada.email,
                                                        "password": ada.password})
            t.eq(reply.status, 200, "a login with Redis away (%s)" % begin)
            me = [("Authorization", "Bearer " + reply.data["access"])]
            t.eq(client.get("/api/v2/me/", me).status, 200)
            t.until(lambda: guess(one, MOUNTS[1], t.people.email()) == 401 and nodes.metric(
                one, "redis_away") == 1, "noticing it")
            stranger = t.people.email()
            found = [guess(one, MOUNTS[i % 3], stranger) for i in range(12)]
            t.eq(found, [401] * 5 + [429] * 7, "half of ten")
            getattr(nodes.redis, end)()
            t.until(lambda: guess(one, MOUNTS[1], t.people.email()) == 401 and nodes.metric(
                one, "redis_away") == 0, "taking it back", timeout=5)
        client.close()


@once("flushed, it learns from the database what it has lost")
def _(t):
    with Nodes(t) as nodes:
        email = t.people.email()
        one = nodes.servers[0]
        t.eq([guess(one, MOUNTS[i % 3], email) for i in range(7)], [401] * 7)
        nodes.redis.flush()
        t.eq([guess(one, MOUNTS[i % 3], email) for i in range(5)], [401] * 3 + [429] * 2)


if __name__ == "__main__":
    suite.main()
