"""Rows about starting and about memory."""

import time
from statistics import median

from report import at_most
from server import Neighbours

IDLE_CONNECTIONS = 10000
IN_FLIGHT = 5000


def start(bench):
    """From exec to the first answer, and what the process weighs when nobody asks anything."""
    took, dirty, pss = [], [], []
    for _ in range(bench.repeat(5)):
        with bench.serve() as server:
            took.append(server.start_seconds * 1000)
            time.sleep(2)
            memory = server.memory_kib()
            dirty.append(memory["Private_Dirty"] / 1024)
            pss.append(memory["Pss"] / 1024)
    return [
        at_most("start to first answer", median(took), 100, "ms", {"runs_ms": took}),
        at_most("idle Private_Dirty", median(dirty), 12, "MiB"),
        at_most("idle PSS", median(pss), 32, "MiB", {"memory_kib": memory}),
    ]


def idle_connections(bench):
    """What an open connection that has made one request costs."""
    with bench.serve() as server:
        before = server.memory_kib()["Pss"]
        holder = bench.start_load(server, "get", 1, IDLE_CONNECTIONS, hold=True)
        assert "holding" in holder.stdout.readline()
        time.sleep(2)
        held = server.memory_kib()["Pss"]
        open_now = server.metrics()["http_connections"]
        holder.terminate()
        holder.communicate()
    assert open_now >= IDLE_CONNECTIONS, open_now
    return [at_most(f"PSS for each of {IDLE_CONNECTIONS:,} idle connections",
                    (held - before) / IDLE_CONNECTIONS, 8, "KiB",
                    {"before_kib": before, "held_kib": held})]


def flight_memory(bench, server, op, connections, mount, seconds):
    """PSS in KiB while @connections requests are in flight."""
    highest = 0
    load = bench.start_load(server, op, seconds, connections, warm=0, mount=mount,
                            subjects=bench.sessions)
    while load.poll() is None:
        if server.metrics()["http_requests_running"] >= 0.98 * connections:
            highest = max(highest, server.memory_kib()["Pss"])
        time.sleep(0.2)
    done = bench.end_load(load)
    assert highest and done["statuses"].keys() == {"200"}, done
    return highest


def in_flight(bench):
    """Refreshes of v2 that all wait for a slow store."""
    with bench.serve({"CLOAKROOM_STORE_DELAY_MS": "1000"}) as server, \
            Neighbours(server) as neighbours:
        idle = server.memory_kib()["Pss"]
        busy = flight_memory(bench, server, "refresh", IN_FLIGHT, "/api/v2", bench.seconds(10))
    return [at_most(f"PSS with {IN_FLIGHT:,} v2 refreshes in flight", busy / 1024, 200, "MiB",
                    {"idle_kib": idle, "kib_each": (busy - idle) / IN_FLIGHT,
                     "elsewhere": neighbours.share})]
