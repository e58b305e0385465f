"""Rows about speed: CPU a request, durable refreshes, logins, and a flood of logins."""

import re
import shutil
from statistics import median

from report import Row, at_least, at_most
from server import SESSIONS, Neighbours

CONNECTIONS = 64


def warm_up(bench, server):
    """Every session once: the first refresh of each takes a block of its limit."""
    for op in ("me", "refresh"):
        bench.load(server, op, 120, CONNECTIONS, warm=0, count=SESSIONS, subjects=bench.sessions)


def cpu_per_request(bench):
    """CPU of the server over the requests it answered, the three routes in turns."""
    routes = {
        "/healthz": ("get", {}),
        "me/": ("me", {"subjects": bench.sessions}),
        "refresh": ("refresh", {"subjects": bench.sessions}),
    }
    cost = {name: [] for name in routes}
    with bench.serve() as server, Neighbours(server) as neighbours:
        warm_up(bench, server)
        for _ in range(bench.repeat(5)):
            for name, (op, more) in routes.items():
                before = server.cpu_seconds()
                done = bench.load(server, op, bench.seconds(3), CONNECTIONS, warm=0, **more)
                assert done["statuses"].keys() == {"200"} and not done["failures"], done
                cost[name].append((server.cpu_seconds() - before) * 1e6 / done["requests"])
    health, me, refresh = (median(cost[name]) for name in routes)
    details = {"runs_us": cost, "elsewhere": neighbours.share}
    return [
        at_most("server CPU a request, /healthz", health, 15, "µs", details),
        Row("server CPU a request, me/", f"≤ /healthz + 30 = {health + 30:.4g} µs",
            f"{me:.4g} µs", me <= health + 30),
        at_most("server CPU a request, refresh", refresh, 150, "µs"),
    ]


def store_alone(bench, seconds):
    """The same transaction without HTTP, over as many sessions and clients."""
    directory = bench.room / "store"
    directory.mkdir()
    out = bench.tool("store_bench", seconds=seconds, clients=CONNECTIONS, sessions=SESSIONS,
                     dir=directory)
    shutil.rmtree(directory, ignore_errors=True)
    return {name: float(value) for name, value in re.findall(r"^(\w+) ([\d.]+)$", out, re.M)}


def durable_refreshes(bench):
    """Refreshes through HTTP against the bare transaction, in turns."""
    served, alone = [], []
    rotations = batches = 0
    with bench.serve() as server, Neighbours(server) as neighbours:
        warm_up(bench, server)
        for _ in range(bench.repeat(5)):
            alone.append(store_alone(bench, bench.seconds(4))["rotations_per_s"])
            before = server.metrics()
            done = bench.load(server, "refresh", bench.seconds(4), CONNECTIONS, warm=0,
                              subjects=bench.sessions)
            assert done["statuses"].keys() == {"200"} and not done["failures"], done
            served.append(done["per_second"])
            rotations += done["requests"]
            batches += server.metrics()["store_batches_total"] - before["store_batches_total"]
    details = {"served_per_s": served, "store_per_s": alone, "rotations": rotations,
               "batches": batches, "elsewhere": neighbours.share}
    what = (f"durable refreshes a second, v2, {CONNECTIONS} connections: "
            f"{median(served):.0f} against {median(alone):.0f} of the store alone")
    return [
        at_least(what, median(served) / median(alone), 0.6, "×", details),
        at_least("rotations for one fsync", rotations / batches, 5),
    ]


def logins(bench):
    """Logins that succeed, against the bare hash."""
    served, bare = [], []
    with bench.serve() as server, Neighbours(server) as neighbours:
        # Once each: what a first login does more is not what is measured.
        bench.load(server, "login", bench.seconds(5), CONNECTIONS, warm=0, subjects=bench.logins,
                   obey_retry_after=True)
        for _ in range(bench.repeat(3)):
            bare.append(bench.hashes_per_second(bench.seconds(8))["per_second"])
            done = bench.load(server, "login", bench.seconds(12), CONNECTIONS, warm=2,
                              subjects=bench.logins, obey_retry_after=True)
            served.append(done["statuses"]["200"] / done["seconds"])
        openssl = bench.hashes_per_second(1, openssl_seconds=bench.seconds(5))
    details = {"served_per_s": served, "bare_per_s": bare, "elsewhere": neighbours.share,
               "openssl_per_s": openssl["openssl_per_second"]}
    what = (f"logins a second: {median(served):.3g} against {median(bare):.3g} bare hashes "
            f"on all cores (OpenSSL's own: {openssl['openssl_per_second']:.3g})")
    return [at_least(what, median(served) / median(bare), 0.95, "×", details)]


def login_flood(bench):
    """Ten times the logins the machine can hash, half of them for nobody; who else notices?"""
    seconds = bench.seconds(20)
    with bench.serve() as server, Neighbours(server) as neighbours:
        capacity = bench.hashes_per_second(bench.seconds(5))["per_second"]
        flood = bench.start_load(server, "login", seconds + 3, 512, warm=0, rate=10 * capacity,
                                 subjects=bench.strangers)
        others = {
            "refresh": bench.start_load(server, "refresh", seconds, 32, warm=2, rate=200,
                                        subjects=bench.sessions),
            "healthz": bench.start_load(server, "get", seconds, 8, warm=2, rate=100),
        }
        others = {name: bench.end_load(process) for name, process in others.items()}
        flood = bench.end_load(flood)
    details = {"capacity_per_s": capacity, "flood": flood, "elsewhere": neighbours.share} | others
    refused = flood["refused"]
    says_when = flood["refused_without_retry_after"] == 0 and refused["n"] > 0
    return [
        at_most("login flood at ten times capacity: refresh p99 from its scheduled time",
                others["refresh"]["ok"]["p99_ms"], 100, "ms", details),
        at_most("the same: /healthz p99", others["healthz"]["ok"]["p99_ms"], 50, "ms"),
        Row("the same: refusals p99, all with Retry-After", "≤ 100 ms",
            f"{refused['p99_ms']:.4g} ms" + ("" if says_when else ", some without"),
            refused["p99_ms"] <= 100 and says_when),
    ]
