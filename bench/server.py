"""The server under measurement, the programs that measure it, and the people it knows."""

import base64
import contextlib
import fcntl
import json
import os
import resource
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
# Out of reach, but counted: what a limit costs is part of what is measured.
RAISED = {
    "CLOAKROOM_THROTTLE_BURST": "1000000000/min",
    "CLOAKROOM_THROTTLE_ADDRESS_BURST": "1000000000/min",
    "CLOAKROOM_THROTTLE_SUSTAINED": "1000000000/day",
    "CLOAKROOM_THROTTLE_ANONYMOUS": "1000000000/min",
    "CLOAKROOM_THROTTLE_CLIENT": "1000000000/min",
    "CLOAKROOM_LOGIN_FAILURES": "1000000000/15min",
    "CLOAKROOM_LOGIN_FAILURES_TOTAL": "1000000000/365d",
    "CLOAKROOM_SERVER_MAX_CONNECTIONS_PER_PEER": "0",
}
SIGNED_IN = 64  # accounts whose sessions are seeded, with cheap hashes
PEOPLE = 32  # accounts with hashes at the cost of production
SESSIONS = 6400


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def key():
    return base64.b64encode(secrets.token_bytes(32)).decode()


class Server:
    """A running `cloakroom serve`; a context manager that stops it."""

    def __init__(self, bench, data, settings=None, dev=False):
        self.port, self.metrics_port = free_port(), free_port()
        env = bench.environment | {
            "CLOAKROOM_METRICS_LISTEN": f"127.0.0.1:{self.metrics_port}",
            "CLOAKROOM_LOG_FORMAT": "json",
        } | (settings or {})
        arguments = [bench.program, "serve", "--data", data, "--listen", f"127.0.0.1:{self.port}"]
        with open(bench.room / "log", "ab") as log:
            began = time.monotonic()
            self.process = subprocess.Popen(
                arguments + (["--dev"] if dev else []), env=env, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        self.wait_for_answer(bench)
        self.start_seconds = time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def wait_for_answer(self, bench):
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port)) as s:
                    s.sendall(request)
                    if s.recv(4096).startswith(b"HTTP/1.1 200"):
                        return
            except OSError:
                time.sleep(0.0005)
        tail = (bench.room / "log").read_text(errors="replace").splitlines()[-5:]
        sys.exit("the server does not answer:\n" + "\n".join(tail))

    def cpu_seconds(self):
        """CPU time of all its threads, user and system."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory_kib(self):
        """The kernel's account of its memory, as {field: KiB}."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(encoding="ascii")
        lines = (line.split() for line in rollup.splitlines()[1:])
        return {words[0].rstrip(":"): int(words[1]) for words in lines}

    def metrics(self):
        """Its gauges and counters that have no labels."""
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        with urllib.request.urlopen(url) as reply:
            lines = (line.split() for line in reply.read().decode().splitlines())
        return {words[0].removeprefix("cloakroom_"): float(words[1])
                for words in lines if len(words) == 2 and "{" not in words[0]}


class Bench:
    """What all rows share: programs, seeded data, times."""

    def __init__(self, build, room, short, plot):
        self.build, self.room, self.plot = build, room, plot
        self.short = short
        self.program = next(p for p in (build / "cloakroom", build / "src/main/cloakroom")
                            if p.exists())
        self.environment = os.environ | RAISED | {
            "CLOAKROOM_MASTER_KEY": key(),
            "CLOAKROOM_TOKEN_SECRET": key(),
            "CLOAKROOM_TOKEN_ACCESS_TTL": "1d",  # a row may take longer than five minutes
        }
        self.data = room / "data"
        self.sessions = room / "sessions"  # lines ACCESS REFRESH
        self.logins = room / "logins"  # lines IDENTIFIER PASSWORD
        self.strangers = room / "strangers"  # every other line is nobody's
        self.seeded = False

    @staticmethod
    def say(text):
        print(text, file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def alone(self):
        """One measurement at a time on this machine."""
        with open(Path(tempfile.gettempdir()) / "bench.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def seconds(self, full):
        return full * self.short

    def repeat(self, full):
        return max(1, round(full * self.short)) if self.short < 1 else full

    def serve(self, settings=None):
        """A server on the seeded data."""
        self.seed()
        return Server(self, self.data, settings)

    def start_load(self, server, op, seconds, connections=64, **more):
        """The load driver, started; see the options of bench/load.c."""
        arguments = [self.build / "bench/load", "--port", server.port, "--op", op,
                     "--seconds", seconds, "--connections", connections]
        for name, value in more.items():
            flag = "--" + name.replace("_", "-")
            arguments += [flag] if value is True else [flag, value]
        return subprocess.Popen([str(a) for a in arguments], stdout=subprocess.PIPE, text=True)

    @staticmethod
    def end_load(process):
        out = process.communicate()[0]
        if process.returncode != 0:
            sys.exit("the load driver failed")
        return json.loads(out)

    def load(self, *arguments, **more):
        return self.end_load(self.start_load(*arguments, **more))

    def tool(self, name, **more):
        """Run another program of bench/; returns what it prints."""
        arguments = [self.build / "bench" / name]
        for option, value in more.items():
            arguments += ["--" + option.replace("_", "-"), value]
        return subprocess.run([str(a) for a in arguments], check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def hashes_per_second(self, seconds, **more):
        return json.loads(self.tool("hash_bench", seconds=seconds, **more))

    # --- people and sessions ---

    def create_users(self, name, count, dev, settings=None):
        """Open accounts through the command line; returns lines for the load driver."""
        password = secrets.token_urlsafe(12)
        lines = []
        for i in range(count):
            address = f"{name}-{i}@example.com"
            arguments = [self.program, "user", "create", address, "--password-stdin",
                         "--data", self.data] + (["--dev"] if dev else [])
            subprocess.run(arguments, input=password + "\n", text=True, check=True,
                           stdout=subprocess.DEVNULL, env=self.environment | (settings or {}))
            lines.append(f"{address} {password}")
        return lines

    def seed(self):
        """Once: accounts, and sessions signed in with cheap hashes (which only --dev allows)."""
        if self.seeded:
            return
        self.seeded = True
        self.say(f"seeding {SIGNED_IN + PEOPLE} accounts and {SESSIONS} sessions …")
        cheap = {"CLOAKROOM_PASSWORD_ITERATIONS": "1000"}
        known = self.create_users("seed", SIGNED_IN, True, cheap)
        (self.room / "seed").write_text("\n".join(known), encoding="ascii")
        with Server(self, self.data, cheap | {"CLOAKROOM_SECURITY_UNIFORM_MS": "0"},
                    dev=True) as server:
            self.load(server, "login", 600, 16, warm=0, count=SESSIONS,
                      subjects=self.room / "seed", record=self.sessions)
        people = self.create_users("person", PEOPLE, False)
        nobody = [f"nobody-{i}@example.com {secrets.token_urlsafe(12)}" for i in range(PEOPLE)]
        mixed = [line for pair in zip(people, nobody) for line in pair]
        self.logins.write_text("\n".join(people), encoding="ascii")
        self.strangers.write_text("\n".join(mixed), encoding="ascii")


class Neighbours:
    """How much of the cores went to processes that are not ours, while in the `with` block."""

    def __init__(self, server=None):
        self.server = server
        self.share = 0.0

    def read(self):
        with open("/proc/stat", encoding="ascii") as stat:
            ticks = [int(word) for word in stat.readline().split()[1:9]]
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = children.ru_utime + children.ru_stime + time.process_time()
        if self.server:
            own += self.server.cpu_seconds()
        idle = ticks[3] + ticks[4]
        return (sum(ticks) - idle) / TICK - own, sum(ticks) / TICK

    def __enter__(self):
        self.before = self.read()
        return self

    def __exit__(self, *_):
        busy, total = (after - before for after, before in zip(self.read(), self.before))
        self.share = round(max(0.0, busy / total if total else 0), 3)
