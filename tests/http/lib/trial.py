"""One run of one case on one mount: calls that are checked, noted and made comparable."""
import inspect
import os
import time
import urllib.parse

from .client import Client
from .compare import difference, normal_reply
from .contract import mounted
from .people import Namespace
from .trail import Trail


class Failed(Exception):
    """The server did not do what the case says."""


class Skipped(Exception):
    """The case cannot run here."""


def _line():
    """Where in the test file we are."""
    for frame in inspect.stack():
        if os.path.basename(frame.filename).startswith("test_"):
            return "%s:%d" % (os.path.basename(frame.filename), frame.lineno)
    return "?"


class Trial:
    """What a case's body gets."""

    def __init__(self, server, mount, contracts, coverage):
        self.server = server
        self.mount = mount
        self.contracts = contracts
        self.coverage = coverage
        self.client = Client(server)
        self.people = Namespace(server.canary)
        self.trail = Trail(server)
        self.replies = []

    def close(self):
        self.client.close()

    # --- verdicts ---

    def fail(self, text):
        raise Failed("%s: %s" % (_line(), text))

    def ok(self, condition, text="it is not so"):
        if not condition:
            self.fail(text)

    def eq(self, found, wanted, text="value"):
        if found != wanted:
            self.fail("%s is %r, wanted %r" % (text, found, wanted))

    def skip(self, reason):
        raise Skipped(reason)

    def until(self, condition, text, timeout=10.0):
        """Wait for something the server does in its own time."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.01)
        return self.fail("waited %g s in vain: %s" % (timeout, text))

    # --- calls ---

    def path(self, path):
        return mounted(self.mount, path)

    def send(self, method, path, body=None, headers=()):
        """A call whose reply is held to the contract, but not compared between mounts."""
        path = self.path(path)
        reply = self.client.call(method, path, body, headers)
        self.hold(method, path, reply)
        return reply

    def hold(self, method, path, reply):
        """Hold a reply to what the server's own document says; count it."""
        contract = self.contracts.get("v2" if self.mount == "v2" else "v1")
        operation = contract.find(method, path) if contract else None
        if reply.header("X-Request-ID") is None:
            self.fail("no X-Request-ID on %s %s" % (method, path))
        if reply.status >= 500 and reply.status != 503:
            self.fail("%s %s answered %d: %r" % (method, path, reply.status, reply.body[:300]))
        if operation is None:
            return
        if method == "HEAD":
            return
        if self.server.settings.get("errors_style") is None:
            problems = contract.problems(operation, reply)
            if problems:
                self.fail("; ".join(problems[:4]))
        if self.coverage and reply.status != 304:
            self.coverage.hit(operation.name, reply.code)

    def call(self, method, path, body=None, headers=(), want=200, code=None):
        """A call whose reply must have this status (and code), and is the same on every mount."""
        reply = self.send(method, path, body, headers)
        self.expect(reply, want, code)
        self.keep_secrets(reply)
        self.note(reply)
        return reply

    def expect(self, reply, want, code=None):
        if reply.status != want or (code and reply.code != code):
            self.fail("answered %d %s, wanted %d %s: %r" % (
                reply.status, reply.code, want, code or "", reply.body[:400]))

    def note(self, reply):
        self.replies.append(normal_reply(reply, self.people.names))

    def get(self, path, headers=(), want=200, code=None):
        return self.call("GET", path, None, headers, want, code)

    def post(self, path, body=None, headers=(), want=200, code=None):
        return self.call("POST", path, {} if body is None else body, headers, want, code)

    def refused(self, path, body, field, code="validation_failed", headers=()):
        """A 400 that names exactly this field (or these)."""
        reply = self.post(path, body, headers, want=400, code=code)
        fields = {field} if isinstance(field, str) else set(field)
        self.eq(set(reply.errors), fields, "errors")
        for sentences in reply.errors.values():
            self.ok(sentences and all(isinstance(s, str) and s for s in sentences), "no sentence")
        return reply

    def same(self, a, b, text):
        """Two replies that must not be told apart, however they came about."""
        names = self.people.names
        found = difference(normal_reply(a, names), normal_reply(b, names))
        if found:
            self.fail("%s can be told apart: %s" % (text, found))

    def keep_secrets(self, reply):
        """Tokens of a reply are canaries from here on."""
        body = reply.json if (reply.header("Content-Type") or "").endswith("json") else None
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, dict):
            return
        for name in ("access", "refresh", "device"):
            if name in data:
                self.people.secret(name + " token", data[name])

    # --- flows ---

    def inbox(self, to):
        """What was sent to `to`, newest first."""
        reply = self.client.get("/dev/inbox/?to=" + urllib.parse.quote(to),
                                [("Accept", "application/json")])
        self.eq(reply.status, 200, "status of the dev inbox")
        return reply.json

    def mail(self, to, n=1):
        """The newest message, once `n` have arrived."""
        return self.until(lambda: (lambda box: box if len(box) >= n else None)(self.inbox(to)),
                          "%d messages in the inbox" % n)[0]

    def code(self, person):
        """The newest code sent to them that they have not used yet."""
        def newest():
            for item in self.inbox(person.identifier):
                if item.get("code"):
                    return item["code"] if item["code"] != person.code else None
            return None
        person.code = self.until(newest, "a code in the inbox")
        return person.code

    def register(self, person, want=201, headers=(), **more):
        """Register; returns data.verification."""
        body = {**person.identity, "password": person.password, **more}
        return self.post("auth/register/", body, headers, want=want).data["verification"]

    def verify(self, flow, code, want=200, error=None, headers=()):
        return self.post("auth/verify-otp/", {"flow_id": flow, "otp": code}, headers, want, error)

    def sign_up(self, person=None, **more):
        """Register and verify; returns the person with their tokens in `.tokens`."""
        person = person or self.people.person()
        flow = self.register(person, **more)["flow_id"]
        person.tokens = self.verify(flow, self.code(person)).data
        return person

    def login(self, person, want=200, code=None, headers=(), password=None, name=None):
        body = {"email_or_phone": name or person.identifier,
                "password": person.password if password is None else password}
        return self.post("auth/login/", body, headers, want, code)

    def refresh(self, token, want=200, code=None, headers=()):
        return self.post("auth/token/refresh/", {"refresh": token}, headers, want, code)

    def logout(self, token, want=200, code=None, headers=()):
        return self.post("auth/logout/", {"refresh": token}, headers, want, code)

    def me(self, access, want=200, code=None):
        return self.get("me/", [("Authorization", "Bearer " + access)], want, code)


def wrong(code):
    """A code of the same length that is not this one."""
    return str((int(code) + 1) % 10 ** len(code)).zfill(len(code))
