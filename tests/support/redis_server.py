#!/usr/bin/env python3
"""A redis-server of a test's own, on a free loopback port, behind a proxy that can stall.

Tells {"event": "ready", "port": N} on stdout; 0 when there is no redis-server here. Then takes one
word a line on stdin and tells {"event": "done"} when it is so:

    fresh           up, passing everything on, and empty
    kill start      the server, as hard as can be; and again on the same port, with nothing in it
    freeze thaw     SIGSTOP and SIGCONT
    flush           FLUSHALL
    evict           as little memory as there is, and anything may be evicted for it
    stall flow      the proxy takes bytes and passes none on; and passes them on again

With --cluster two servers that share the slots, without the proxy; N is the first one's.
"""
import argparse
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time


_PR_SET_PDEATHSIG = 1


def die_with_parent():
    """However a test run ends, no server outlives it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(port, *words):
    """One command; its reply's first line, or all of a bulk reply."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(" ".join(words).encode() + b"\r\n")
        reply = connection.makefile("rb")
        line = reply.readline()
        return reply.read(int(line[1:])) if line.startswith(b"$") else line


class Proxy:
    """Passes bytes both ways between its port and the server's."""

    def __init__(self, target):
        self.target = target
        self.open = threading.Event()
        self.open.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    def pump(self, source, sink):
        try:
            while True:
                data = source.recv(65536)
                self.open.wait()
                if not data:
                    break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Redis:
    def __init__(self, program, *options):
        self.program = program
        self.options = options
        self.port = free_port()
        self.directory = tempfile.mkdtemp(prefix="cloakroom-redis-")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", self.directory, "--loglevel", "warning",
             "--maxclients", "500", *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent)
        for _ in range(2000):
            try:
                if ask(self.port, "PING").startswith(b"+PONG"):
                    return
            except OSError:
                time.sleep(0.005)
        raise SystemExit("redis-server does not answer")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def flush(self):
        ask(self.port, "FLUSHALL")

    def fresh(self):
        """However a test left it."""
        if self.process.poll() is not None:
            self.start()
        self.thaw()
        self.flush()

    def evict(self):
        ask(self.port, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        ask(self.port, "CONFIG", "SET", "maxmemory", "1")
        ask(self.port, "CONFIG", "SET", "maxmemory", "0")

    def remove(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


class Cluster:
    """Two servers; each has half of the slots."""

    def __init__(self, program):
        self.bus = [str(free_port()) for _ in range(2)]
        self.servers = [Redis(program, "--cluster-enabled", "yes", "--cluster-port", bus)
                        for bus in self.bus]
        self.port = self.servers[0].port

    def start(self):
        for server, slots in zip(self.servers, ("0 8191", "8192 16383")):
            server.start()
            ask(server.port, "CLUSTER ADDSLOTSRANGE", slots)
        ask(self.port, "CLUSTER MEET 127.0.0.1", str(self.servers[1].port), self.bus[1])
        for _ in range(2000):
            if all(b"cluster_slots_ok:16384" in ask(s.port, "CLUSTER INFO") and
                   b"cluster_state:ok" in ask(s.port, "CLUSTER INFO") for s in self.servers):
                return
            time.sleep(0.01)
        raise SystemExit("the cluster does not come together")

    def fresh(self):
        for server in self.servers:
            server.fresh()

    def remove(self):
        for server in self.servers:
            server.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cluster", action="store_true")
    cluster = parser.parse_args().cluster
    program = shutil.which("redis-server")
    if not program:
        tell("ready", port=0)
        sys.stdin.read()
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    redis = Cluster(program) if cluster else Redis(program)
    redis.start()
    orders = {name: getattr(redis, name) for name in
              ("fresh", "kill", "start", "freeze", "thaw", "flush", "evict") if hasattr(redis, name)}
    port = redis.port
    if not cluster:
        proxy = Proxy(redis.port)
        port = proxy.port
        orders.update(stall=proxy.open.clear, flow=proxy.open.set, fresh=lambda: (
            proxy.open.set(), redis.fresh()))
    try:
        tell("ready", port=port)
        for line in sys.stdin:
            orders[line.strip()]()
            tell("done")
    finally:
        # Whoever ends us closes our input and sends the signal: the second must not cut this short.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        redis.remove()


if __name__ == "__main__":
    main()
