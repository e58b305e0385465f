"""The program under test: its commands, and a server of it on a data directory of its own."""
import base64
import ctypes
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BINARY = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/cloakroom")
PASSWORD = "a long enough passphrase"
_READY = re.compile(rb"listening on http://127\.0\.0\.1:(\d+)")
_PR_SET_PDEATHSIG = 1


def key(fill):
    """32 bytes, as a setting writes them."""
    return base64.b64encode(fill.encode() * 32).decode()


def _die_with_parent():
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Result:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")
        self.text = self.out + self.err


class Program:
    """Commands on one data directory; use it in a with statement."""

    def __init__(self, dev=True, **settings):
        self.directory = tempfile.mkdtemp(prefix="cloakroom-cli-")
        self.data = os.path.join(self.directory, "data")
        self.dev = dev
        self.settings = {"password_iterations": "1000" if dev else "600000", **settings}
        self.server = None
        self.port = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.server and self.server.poll() is None:
            self.server.kill()
            self.server.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def env(self):
        env = {n: v for n, v in os.environ.items() if not n.startswith("CLOAKROOM_")}
        for name, value in self.settings.items():
            env["CLOAKROOM_" + name.upper()] = value
        return env

    def words(self, words):
        return [BINARY, *words, *(["--dev"] if self.dev else []), "--data", self.data]

    def run(self, *words, text="", timeout=60):
        """A command with --dev and --data."""
        return Result(subprocess.run(
            self.words(words), env=self.env(), input=text.encode(), capture_output=True,
            timeout=timeout, check=False))

    def user(self, address, *words):
        """user create; the id it prints."""
        done = self.run("user", "create", address, "--password-stdin", *words, text=PASSWORD + "\n")
        if done.code != 0:
            raise AssertionError(done.text)
        return done.out.split()[-1]

    def serve(self, *words, wait=True, **environment):
        """Start a server; its output goes into a file."""
        with open(self.path("log"), "ab") as log:
            mark = log.tell()
            self.server = subprocess.Popen(
                self.words(["serve", "--listen", "127.0.0.1:0", *words]), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, env={**self.env(), **environment},
                preexec_fn=_die_with_parent)
        if wait:
            self.wait_for(_READY, mark)
            self.port = int(_READY.search(self.log(), mark).group(1))
        return self

    def log(self):
        with open(self.path("log"), "rb") as log:
            return log.read()

    def wait_for(self, pattern, mark=0):
        """Until the log matches from byte `mark` on."""
        deadline = time.monotonic() + 30
        while not re.compile(pattern).search(self.log(), mark):
            if self.server.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("no %r in: %s" % (pattern, self.log().decode()))
            time.sleep(0.005)

    def stop(self, number=signal.SIGTERM):
        """Signal the server; its exit status."""
        self.server.send_signal(number)
        return self.server.wait(30)

    def call(self, method, path, body=None, bearer=None):
        """One request to the server; (status, JSON)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json"}
        if bearer:
            headers["Authorization"] = "Bearer " + bearer
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply.status, json.loads(text)

    def login(self, address, password=PASSWORD):
        return self.call("POST", "/api/v2/auth/login/",
                         {"email_or_phone": address, "password": password})
