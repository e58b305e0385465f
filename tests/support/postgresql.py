#!/usr/bin/env python3
"""A PostgreSQL server of a test's own: made in a fresh directory, on loopback, gone afterwards.

As a program it starts one, says so in a line of JSON, and ends it when its input is closed. Run as
root it becomes the user postgres, as the server refuses to run as root."""
import ctypes
import glob
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

_PR_SET_PDEATHSIG = 1

# Quick, and nothing of it has to outlive a power cut; `durable` turns that around.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "wal_level": "replica",
    "log_min_messages": "warning",
    "autovacuum_naptime": "5s",
    "jit": "off",
}
QUICK = {"fsync": "off", "full_page_writes": "off"}


def binaries():
    """Where the newest server's programs are; None when there is none."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"),
                   key=lambda path: float(path.split("/")[-2]))
    return found[-1] if found else None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _home():
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"


class Postgresql:
    """One server over a directory; start(), stop() and kill() as often as a test likes."""

    def __init__(self, durable=False, settings=None):
        self.bin = binaries()
        self.directory = tempfile.mkdtemp(prefix="cloakroom-pg-", dir="/tmp" if durable else _home())
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "log")
        self.port = free_port()
        self.process = None
        self.settings = {**SETTINGS, **({} if durable else QUICK), **(settings or {})}
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        if self.user:
            os.chown(self.directory, self.user.pw_uid, self.user.pw_gid)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--locale=C", "--no-sync")

    def _become(self):
        if self.user:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)
        # However the test ends, the server does too. (After the user: changing that forgets it.)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)

    def _run(self, program, *arguments):
        subprocess.run([os.path.join(self.bin, program), *arguments], check=True, cwd="/",
                       stdout=subprocess.DEVNULL, preexec_fn=self._become)

    def start(self, **settings):
        """Start, and wait until it answers."""
        options = []
        for name, value in {**self.settings, **settings}.items():
            options += ["-c", "%s=%s" % (name, value)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.bin, "postgres"), "-D", self.data, "-k", self.directory,
                 "-p", str(self.port), *options],
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=self._become)
        for _ in range(2000):
            if self.answers():
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        with open(self.log, errors="replace") as log:
            raise RuntimeError("PostgreSQL did not start:\n" + log.read()[-4000:])

    def answers(self):
        ready = subprocess.run([os.path.join(self.bin, "pg_isready"), "-q", "-h", "127.0.0.1",
                                "-p", str(self.port)], check=False)
        return ready.returncode == 0

    def stop(self, how=signal.SIGINT):
        """SIGINT: connections are cut, all is written; SIGQUIT: as after a crash."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def kill(self):
        """Every process of it at once, as when the machine dies."""
        self.stop(signal.SIGQUIT)

    def url(self, database="postgres", port=None):
        return "postgresql://postgres@127.0.0.1:%d/%s" % (port or self.port, database)

    def sql(self, text, database="postgres"):
        """Run texts; the rows of the last, a line each, columns apart by '|'."""
        done = subprocess.run([os.path.join(self.bin, "psql"), "-X", "-q", "-A", "-t", "-v",
                               "ON_ERROR_STOP=1", "-d", self.url(database), "-c", text],
                              check=True, capture_output=True, text=True)
        return done.stdout.splitlines()

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)


class PgBouncer:
    """A pooler in transaction mode before a server, on loopback."""

    def __init__(self, server):
        self.port = free_port()
        path = os.path.join(server.directory, "pgbouncer.ini")
        users = os.path.join(server.directory, "users.txt")
        with open(users, "w") as file:
            file.write('"postgres" ""\n')
        with open(path, "w") as file:
            file.write("[databases]\n* = host=127.0.0.1 port=%d\n[pgbouncer]\n"
                       "listen_addr=127.0.0.1\nlisten_port=%d\nunix_socket_dir=\n"
                       "pool_mode=transaction\nauth_type=trust\nauth_file=%s\n"
                       "default_pool_size=8\n" % (server.port, self.port, users))
        with open(os.path.join(server.directory, "pgbouncer.log"), "ab") as log:
            self.process = subprocess.Popen(["pgbouncer", "-q", path], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd="/",
                                            preexec_fn=server._become)
        for _ in range(1000):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise RuntimeError("PgBouncer did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = Postgresql()
    try:
        server.start()
        print(json.dumps({"event": "ready", "port": server.port}), flush=True)
        sys.stdin.read()
    finally:
        server.remove()


if __name__ == "__main__":
    main()
