"""v2 against v1 where the store is slow: how many requests in flight at what p99, at what cost."""

import math
from statistics import median

from limits import flight_memory
from plot import write_plot
from report import Row, at_least
from server import Neighbours

DELAY_MS = 20
COUNTS = {
    "v1": (4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256),
    "v2": (16, 64, 128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096),
}
# p99s at which both are asked how many requests they hold; the first is the one reported.
BUDGETS_MS = (50, 30, 100, 200)
WORKERS = (16, 256)
FLIGHT = 4000


def held_at(points, budget_ms):
    """Requests in flight at a p99 of @budget_ms, between the two measured points around it."""
    held = None
    for (n0, p0), (n1, p1) in zip(points, points[1:]):
        if p0 <= budget_ms < p1:
            share = math.log(budget_ms / p0) / math.log(p1 / p0)
            held = n0 * (n1 / n0) ** share
            break
        if p1 <= budget_ms:
            held = n1
    return held


def measure_curves(bench):
    """{engine: [(in flight, p99 in ms)]} of me/, the engines in turns."""
    runs = {engine: {n: [] for n in counts} for engine, counts in COUNTS.items()}
    with bench.serve({"CLOAKROOM_STORE_DELAY_MS": str(DELAY_MS)}) as server, \
            Neighbours(server) as neighbours:
        for _ in range(bench.repeat(3)):
            for pair in zip(*COUNTS.values()):
                for engine, n in zip(COUNTS, pair):
                    done = bench.load(server, "me", bench.seconds(2), n, warm=0.5,
                                      mount=f"/api/{engine}", subjects=bench.sessions)
                    assert done["statuses"].keys() == {"200"}, done
                    runs[engine][n].append(done["ok"]["p99_ms"])
    curves = {engine: [(n, median(p99s)) for n, p99s in by_n.items()]
              for engine, by_n in runs.items()}
    return curves, neighbours.share


def memory_each(bench):
    """KiB of one more request in flight: of v1, a worker; of v2, a coroutine."""
    busy = []
    for workers in WORKERS:
        with bench.serve({"CLOAKROOM_STORE_DELAY_MS": "200",
                          "CLOAKROOM_SYNC_WORKERS": str(workers)}) as server:
            busy.append(flight_memory(bench, server, "refresh", workers, "/api/v1",
                                      bench.seconds(6)))
    with bench.serve({"CLOAKROOM_STORE_DELAY_MS": "1000"}) as server:
        idle = server.memory_kib()["Pss"]
        flying = flight_memory(bench, server, "refresh", FLIGHT, "/api/v2", bench.seconds(8))
    return {"v1": (busy[1] - busy[0]) / (WORKERS[1] - WORKERS[0]),
            "v2": (flying - idle) / FLIGHT}


def compare(bench):
    curves, elsewhere = measure_curves(bench)
    memory = memory_each(bench)
    held = {budget: {engine: held_at(points, budget) for engine, points in curves.items()}
            for budget in BUDGETS_MS}
    at = held[BUDGETS_MS[0]]
    ratio = (at["v2"] or 0) / at["v1"] if at["v1"] else 0.0
    details = {"curves": curves, "held_at_p99_ms": held, "memory_kib": memory,
               "elsewhere": elsewhere}
    write_plot(bench.plot, curves, memory, DELAY_MS)
    return [
        at_least(f"v2 against v1, store.delay_ms={DELAY_MS}: requests in flight at a p99 of "
                 f"{BUDGETS_MS[0]} ms ({at['v2'] or 0:.0f} against {at['v1'] or 0:.0f})",
                 ratio, 10, "×", details),
        Row("memory of a request in flight, v2 against v1's worker", "≤ 1/10",
            f"{memory['v2']:.3g} KiB / {memory['v1']:.3g} KiB = 1/{memory['v1'] / memory['v2']:.3g}",
            memory["v2"] <= memory["v1"] / 10),
    ]
