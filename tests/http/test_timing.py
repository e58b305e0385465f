#!/usr/bin/env python3
"""Timing: can known and unknown people be told apart by a clock? Welch's t over interleaved calls.

With PROVE=1: 20,000 calls a comparison, and |t| must stay under 4.5; without, a small count shows
that the harness runs. That it sees is shown, too: a server that returns early for unknown people
must give |t| > 50."""
import os
import random
import threading
import time

from lib.case import PROVE, Suite
from lib.crowd import crowd
from lib.server import Server
from lib.stats import welch, worst_t
from lib.trial import Trial
from lib.wire import Wire, request

suite = Suite(__file__)
once = suite.once

CALLS = int(os.environ.get("TIMING_CALLS", "20000" if PROVE else "480"))
CLIENTS = 16
BOUND = 4.5
FREE = {"throttle_burst": "1000000000/min", "throttle_address_burst": "1000000000/min",
        "login_failures": "1000000000/min", "login_failures_total": "1000000000/day",
        "otp_sends": "1000000000/min", "otp_attempts": "1000000000/min", "log_level": "error"}
JSON = [("Content-Type", "application/json")]


class Watch:
    """Calls in two classes, each drawn by lot, on a few connections, timed one by one."""

    def __init__(self, t, path, known, unknown, version="v2", clients=CLIENTS):
        self.t = t
        self.path = "/api/%s/%s" % (version, path)
        self.bodies = (known, unknown)
        self.clients = clients
        self.times = ([], [])
        self.seen = (set(), set())

    def call(self, wire, side, i):
        data = request("POST", self.path, JSON, self.bodies[side](i).encode())
        began = time.perf_counter_ns()
        wire.send(data)
        status = wire.read().status
        return time.perf_counter_ns() - began, status

    def client(self, k, n):
        rng = random.Random("%s %d" % (self.path, k))
        with Wire(self.t.server.port) as wire:
            for i in range(n + 4):
                side = rng.randrange(2)
                took, status = self.call(wire, side, k * (n + 4) + i)
                if i >= 4:  # the first ones warm caches up
                    self.times[side].append(took)
                    self.seen[side].add(status)

    def compare(self, n=CALLS):
        """|t| at its worst crop. Both classes must get the same statuses."""
        threads = [threading.Thread(target=self.client, args=(k, n // self.clients))
                   for k in range(self.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.t.eq(self.seen[0], self.seen[1], "statuses of %s" % self.path)
        worst, crop = worst_t(*self.times)
        print("# %-26s n %d  |t| %.2f (crop %d)  mean %.1f / %.1f us" % (
            self.path, n, worst, crop, *(sum(x) / len(x) / 1000 for x in self.times)), flush=True)
        return worst


def check(t, path, known, unknown):
    for version in ("v1", "v2"):
        worst = Watch(t, path, lambda i: known(version, i), lambda i: unknown(version, i),
                      version).compare()
        if PROVE:
            t.ok(worst < BOUND, "%s on %s: |t| = %.2f" % (path, version, worst))


class People:
    """People to know: verified ones, and ones that wait for a code, so many that none is asked
    about often; and as many names of the same length that nobody has."""

    def __init__(self, t, n=64):
        self.done = [t.people.person() for _ in range(n)]
        self.waiting = [t.people.person() for _ in range(n)]
        crowd(t.server, n, lambda client, i: self.prove(client, self.open(client, self.done[i])))
        self.flows = [flow["flow_id"] for flow in crowd(
            t.server, n, lambda client, i: self.open(client, self.waiting[i]))]

    @staticmethod
    def open(client, person):
        return client.post("/api/v2/auth/register/", {
            "email": person.email, "password": person.password}).data["verification"]

    @staticmethod
    def prove(client, sent):
        client.post("/api/v2/auth/verify-otp/", {"flow_id": sent["flow_id"], "otp": sent["otp"]})

    @staticmethod
    def pick(people, i):
        return people[i % len(people)].email

    def nobody(self, i):
        return self.pick(self.done, i).replace("ada", "eve")


@once("login: known with a wrong password, or unknown", security_uniform_ms="50", **FREE)
def _(t):
    people = People(t)
    body = '{"email_or_phone": "%s", "password": "wrong"}'
    check(t, "auth/login/", lambda v, i: body % people.pick(people.done, i),
          lambda v, i: body % people.nobody(i))


@once("register: a known address, or a new one", security_uniform_ms="50", **FREE)
def _(t):
    people = People(t)
    body = '{"email": "%s", "password": "correct horse"}'
    check(t, "auth/register/", lambda v, i: body % people.pick(people.done, i),
          lambda v, i: body % ("%s%07x%s" % (v, i, people.nobody(i)[9:])))


@once("resend: somebody who waits for a code, or nobody", security_uniform_ms="50", **FREE)
def _(t):
    people = People(t)
    body = '{"email_or_phone": "%s"}'
    check(t, "auth/resend-otp/", lambda v, i: body % people.pick(people.waiting, i),
          lambda v, i: body % people.nobody(i))


@once("code check: a flow that is there, or none", security_uniform_ms="50", **FREE)
def _(t):
    people = People(t)
    body = '{"flow_id": "%s", "otp": "00000"}'
    check(t, "auth/verify-otp/", lambda v, i: body % people.flows[i % len(people.flows)],
          lambda v, i: body % (people.flows[i % len(people.flows)][:-6] + "abcdef"))


@once("code check by address: somebody who waits, or nobody", security_uniform_ms="50", **FREE)
def _(t):
    people = People(t)
    body = '{"email_or_phone": "%s", "otp": "00000"}'
    check(t, "auth/verify-otp/", lambda v, i: body % people.pick(people.waiting, i),
          lambda v, i: body % people.nobody(i))


@once("reset: somebody, or nobody", security_uniform_ms="50", **FREE)
def _(t):
    people = People(t)
    body = '{"email_or_phone": "%s"}'
    check(t, "password/reset-request/", lambda v, i: body % people.pick(people.done, i),
          lambda v, i: body % people.nobody(i))


@once("reset check by address: somebody who asked, or nobody", security_uniform_ms="50", **FREE)
def _(t):
    people = People(t)
    for person in people.done:
        t.client.post("/api/v2/password/reset-request/", {"email_or_phone": person.email})
    body = '{"email_or_phone": "%s", "otp": "00000", "new_password": "correct horse"}'
    check(t, "password/reset-confirm/", lambda v, i: body % people.pick(people.done, i),
          lambda v, i: body % people.nobody(i))


@once("the statistics see what is there and do not see what is not")
def _(t):
    rng = random.Random(1)
    a = [rng.gauss(1000, 50) for _ in range(5000)]
    b = [rng.gauss(1000, 50) for _ in range(5000)]
    c = [rng.gauss(1050, 50) for _ in range(5000)]
    t.ok(abs(welch(a, b)) < 3, welch(a, b))
    t.ok(abs(welch(a, c)) > 40, welch(a, c))
    t.ok(worst_t(a, c)[0] > worst_t(a, b)[0])


@once("a server that returns early for unknown people is caught")
def _(t):
    if not os.path.exists(os.path.join(t.server.build, "tests/faults/cloakroom-faults")):
        t.skip("the build has no test faults (meson -Dtest_faults=true)")
    server = Server(t.server.build, {**FREE, "password_iterations": "200000"},
                    program="tests/faults/cloakroom-faults",
                    environment={"TEST_FAULT": "early_return"})
    try:
        server.start()
        trial = Trial(server, "v2", {}, None)
        people = People(trial, n=8)
        trial.close()
        body = '{"email_or_phone": "%s", "password": "wrong"}'
        worst = Watch(trial, "auth/login/", lambda i: body % people.pick(people.done, i),
                      lambda i: body % people.nobody(i), clients=2).compare(max(400, CALLS // 10))
        bound = 50 if PROVE else 20
        t.ok(worst > bound, "|t| = %.1f only" % worst)
    finally:
        server.remove()


if __name__ == "__main__":
    suite.main()
