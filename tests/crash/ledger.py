"""What the server has acknowledged, on disk before anything builds on it."""
import json
import os
import threading


class Ledger:
    """An append-only file of JSON lines, each fsynced."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.lock = threading.Lock()
        self.n = 0

    def note(self, **entry):
        with self.lock:
            os.write(self.file, json.dumps(entry).encode() + b"\n")
            os.fsync(self.file)
            self.n += 1

    def close(self):
        os.close(self.file)


class Session:
    """One session as its client knows it."""

    def __init__(self, tokens):
        self.refresh = tokens["refresh"]
        self.access = tokens["access"]
        self.ended = False
        self.unsure = None  # a call that was never answered: "refresh", "logout"


class Account:
    """One person as their client knows them."""

    def __init__(self, email, password):
        self.email = email
        self.password = password
        self.flow = self.otp = None
        self.registered = self.verified = False
        self.used = []  # (flow, code) pairs that were consumed
        self.wrong = 0  # acknowledged wrong codes on the flow
        self.sessions = []
        self.unsure = None
