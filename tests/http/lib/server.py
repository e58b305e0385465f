"""One real server: started with its own data directory, stopped by its process id."""
import base64
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import database, redis
from .canary import Canary

TOKEN_SECRET = b"http-tests-token-secret-32-bytes"
MASTER_KEY = b"http-tests-master-key-of-32-byte"

# Small where it is not the thing under test: hashing and uniform steps cost nothing, and only the
# limits a test names itself are within reach; any long enough password will do.
DEFAULTS = {
    "password_iterations": "1",
    "password_min_score": "0",
    "password_history": "0",
    "security_uniform_ms": "0",
    "otp_cooldown": "0s",
    "throttle_burst": "1000/min",
    "throttle_address_burst": "1000000/min",
    "throttle_anonymous": "1000000/min",
    "throttle_client": "1000000/min",
    "throttle_vendor": "1000000/min",
    "login_failures": "100/15min",
    "otp_sends": "100/hour",
    "otp_attempts": "100/hour",
    "default_country": "NG",
    "log_format": "json",
    "log_level": "debug",
    "token_secret": "0:" + base64.b64encode(TOKEN_SECRET).decode(),
    "master_key": "0:" + base64.b64encode(MASTER_KEY).decode(),
}

_READY = re.compile(rb"listening.*?127\.0\.0\.1:(\d+)")
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    """However a test run ends, no server outlives it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    """A port nobody listens on, for something that cannot take port 0."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class ServerError(Exception):
    """It did not start, did not stop, or ended badly."""


def _room():
    """Where data directories go: memory, where there is enough. A kill -9 forgets nothing there
    either, and what a power cut leaves of a disk is not what these tests ask."""
    try:
        free = os.statvfs("/dev/shm")
    except OSError:
        return None
    return "/dev/shm" if free.f_bavail * free.f_frsize > 1 << 30 else None


def _find(build, program):
    """A program of a build directory; script/build puts a link to the server at its top."""
    for path in (program, "src/main/" + program):
        if os.path.exists(os.path.join(build, path)):
            return os.path.join(build, path)
    raise ServerError("no %s in %s: build it first" % (program, build))


class Server:
    """A server over `directory` (a fresh one when None), with settings over DEFAULTS.

    A setting is named as in the environment, in small letters and without the prefix; None leaves
    it out.
    """

    def __init__(self, build, settings=None, program="cloakroom", dev=True, environment=None):
        self.build = os.path.abspath(build)
        self.program = _find(self.build, program)
        self.settings = {**DEFAULTS, **redis.settings(), **(settings or {})}
        self.dev = ["--dev"] if dev else []
        self.environment = environment or {}
        self.directory = tempfile.mkdtemp(prefix="cloakroom-http-", dir=_room())
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "log")
        self.canary = Canary()
        self.process = None
        self.port = 0
        self.store = database.fresh(self)

    def env(self):
        """The environment: nothing of ours but what the test says."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("CLOAKROOM_")}
        for name, value in self.settings.items():
            if value is not None:
                env["CLOAKROOM_" + name.upper()] = str(value)
        env.update(self.environment)
        return env

    def start(self):
        """Start and wait until it says that it listens."""
        self.store.prepare()
        mark = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", *self.dev, "--listen", "127.0.0.1:0", "--data", self.data],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env(),
                preexec_fn=_die_with_parent)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            ready = _READY.search(self.read_log(mark))
            if ready:
                self.port = int(ready.group(1))
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        self.kill()
        raise ServerError("did not start:\n" + self.read_log(mark).decode("utf-8", "replace"))

    def read_log(self, mark=0):
        with open(self.log, "rb") as log:
            log.seek(mark)
            return log.read()

    @property
    def database(self):
        return os.path.join(self.data, "cloakroom.db")

    def terminate(self, timeout=20):
        """SIGTERM, by pid; returns the exit status."""
        if not self.process:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerError("did not stop within %d s" % timeout) from None
        self.process = None
        return status

    def kill(self):
        """kill -9."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self):
        status = self.terminate()
        if status != 0:
            raise ServerError("exit status %d on SIGTERM" % status)
        return self.start()

    def run(self, *arguments, text="", timeout=60):
        """A command beside (or without) the server, on the same data; `text` is its input."""
        return subprocess.run([self.program, *arguments, *self.dev, "--data", self.data],
                              env=self.env(), input=text.encode(), capture_output=True,
                              timeout=timeout, check=False)

    def finish(self):
        """Stop; the sentences that say what is wrong with how it ended and what it left behind."""
        problems = self.store.search(self.canary) if self.process else []
        try:
            status = self.terminate()
            if status != 0:
                problems.append("exit status %d on SIGTERM" % status)
        except ServerError as error:
            problems.append(str(error))
        problems += self.canary.search_log(self.read_log())
        problems += self.store.search(self.canary)
        problems += [line for line in self.read_log().decode("utf-8", "replace").splitlines()
                     if "Sanitizer" in line or "runtime error:" in line]
        return sorted(set(problems))

    def remove(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
