"""Clients that do everything at once, note what was acknowledged, and stop when the server dies."""
import random
import secrets
import threading

from lib.client import Client
from lib.wire import WireError

from ledger import Account, Session


class Gone(Exception):
    """The server died under a call."""


class Worker(threading.Thread):
    """One client with people of its own."""

    def __init__(self, server, ledger, seed):
        super().__init__(daemon=True)
        self.client = Client(server)
        self.ledger = ledger
        self.random = random.Random(seed)
        self.accounts = []
        self.problems = []

    def call(self, who, what, path, body):
        """One call on either engine; `who` stays unsure of it until the reply is here."""
        who.unsure = what
        version = self.random.choice(("v1", "v2"))
        try:
            reply = self.client.post("/api/%s/auth/%s/" % (version, path), body)
        except (WireError, OSError):
            raise Gone from None
        who.unsure = None
        return reply

    def want(self, reply, status, what):
        if reply.status != status:
            self.problems.append("%s: %d %s" % (what, reply.status, reply.body[:200]))
            return False
        return True

    def register(self):
        account = Account("crash.%s@example.com" % secrets.token_hex(8), secrets.token_hex(8))
        self.accounts.append(account)
        reply = self.call(account, "register", "register",
                          {"email": account.email, "password": account.password})
        if self.want(reply, 201, "register"):
            sent = reply.data["verification"]
            account.flow, account.otp = sent["flow_id"], sent["otp"]
            account.registered = True
            self.ledger.note(op="registered", email=account.email, flow=account.flow)

    def guess(self, account):
        code = str((int(account.otp) + 1) % 1000000).zfill(6)
        reply = self.call(account, "guess", "verify-otp", {"flow_id": account.flow, "otp": code})
        if self.want(reply, 400, "a wrong code"):
            account.wrong += 1
            self.ledger.note(op="guessed", flow=account.flow, n=account.wrong)

    def verify(self, account):
        reply = self.call(account, "verify", "verify-otp",
                          {"flow_id": account.flow, "otp": account.otp})
        if self.want(reply, 200, "the right code"):
            account.verified = True
            account.used.append((account.flow, account.otp))
            account.sessions.append(Session(reply.data))
            self.ledger.note(op="verified", email=account.email, refresh=reply.data["refresh"])

    def login(self, account):
        reply = self.call(account, "login", "login",
                          {"email_or_phone": account.email, "password": account.password})
        if self.want(reply, 200, "login"):
            account.sessions.append(Session(reply.data))
            self.ledger.note(op="login", email=account.email, refresh=reply.data["refresh"])

    def refresh(self, session):
        reply = self.call(session, "refresh", "token/refresh", {"refresh": session.refresh})
        if self.want(reply, 200, "refresh"):
            session.refresh, session.access = reply.data["refresh"], reply.data["access"]
            self.ledger.note(op="refreshed", refresh=session.refresh)

    def logout(self, session):
        reply = self.call(session, "logout", "logout", {"refresh": session.refresh})
        if self.want(reply, 200, "logout"):
            session.ended = True
            self.ledger.note(op="ended", refresh=session.refresh)

    def step(self):
        alive = [a for a in self.accounts if a.registered and not a.unsure]
        waiting = [a for a in alive if not a.verified]
        sessions = [s for a in alive for s in a.sessions if not s.ended and not s.unsure]
        dice = self.random.random()
        if not alive or dice < 0.2:
            self.register()
        elif waiting and dice < 0.45:
            account = self.random.choice(waiting)
            if account.wrong < 3 and self.random.random() < 0.3:
                self.guess(account)
            else:
                self.verify(account)
        elif sessions and dice < 0.85:
            self.refresh(self.random.choice(sessions))
        elif sessions and dice < 0.92:
            self.logout(self.random.choice(sessions))
        elif any(a.verified for a in alive):
            self.login(self.random.choice([a for a in alive if a.verified]))

    def run(self):
        try:
            while True:
                self.step()
        except Gone:
            pass
        finally:
            self.client.close()
