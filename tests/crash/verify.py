"""After a restart: is every acknowledged write there, and nothing half there?"""
import sqlite3
import threading

from lib.client import Client
from lib.wire import WireError

_INVARIANTS = (
    ("a user without a password",
     "SELECT count(*) FROM users WHERE password IS NULL OR password = ''"),
    ("a user without the profile of their role",
     "SELECT count(*) FROM users u WHERE u.role = 'client' AND NOT EXISTS"
     " (SELECT 1 FROM clients c WHERE c.user_id = u.id)"),
    ("a user nobody registered, by the audit trail",
     "SELECT count(*) FROM users u WHERE NOT EXISTS (SELECT 1 FROM audit a"
     " WHERE a.subject_id = u.id AND a.event = 'user.registered' AND a.outcome = 'ok')"),
    ("a user without the message that was due",
     "SELECT count(*) FROM users u WHERE NOT EXISTS"
     " (SELECT 1 FROM outbox o WHERE o.user_id = u.id)"),
    ("a session the audit trail does not know",
     "SELECT count(*) FROM sessions s WHERE NOT EXISTS (SELECT 1 FROM audit a"
     " WHERE a.session_id = s.id AND a.event = 'user.logged_in')"),
    ("a session of a used code that is not there",
     "SELECT count(*) FROM flows f WHERE f.session_id IS NOT NULL AND NOT EXISTS"
     " (SELECT 1 FROM sessions s WHERE s.id = f.session_id)"),
    ("a verified user without a used code",
     "SELECT count(*) FROM users u WHERE u.is_verified AND NOT EXISTS (SELECT 1 FROM flows f"
     " WHERE f.user_id = u.id AND f.consumed_at IS NOT NULL)"),
    ("a used code of a user who is not verified",
     "SELECT count(*) FROM flows f JOIN users u ON u.id = f.user_id"
     " WHERE f.consumed_at IS NOT NULL AND NOT u.is_verified"),
)


def database_problems(server):
    """integrity_check, foreign_key_check, what must hold between tables, and the trail's seals."""
    out = []
    db = sqlite3.connect("file:%s?mode=ro" % server.database, uri=True, timeout=30)
    try:
        found = db.execute("PRAGMA integrity_check").fetchall()
        if found != [("ok",)]:
            out.append("integrity_check: %r" % found[:3])
        found = db.execute("PRAGMA foreign_key_check").fetchall()
        if found:
            out.append("foreign_key_check: %r" % found[:3])
        for what, sql in _INVARIANTS:
            n = db.execute(sql).fetchone()[0]
            if n:
                out.append("%d times %s" % (n, what))
    finally:
        db.close()
    done = server.run("audit", "verify")
    if done.returncode != 0:
        out.append("audit verify: %s" % (done.stdout + done.stderr).decode("utf-8", "replace"))
    return out


class Verifier(threading.Thread):
    """Asks the restarted server about some accounts; goes on using what it learns."""

    def __init__(self, server, accounts):
        super().__init__(daemon=True)
        self.server = server
        self.client = Client(server)
        self.accounts = accounts
        self.problems = []

    def run(self):
        try:
            for account in self.accounts:
                self.account(account)
        except (WireError, OSError) as error:
            self.problems.append("the server went away: %s" % error)
        finally:
            self.client.close()

    def post(self, path, body):
        return self.client.post("/api/v2/auth/%s/" % path, body)

    def wrong(self, what, account, reply):
        self.problems.append("%s: %s: %d %s" % (account.email, what, reply.status, reply.code))

    def account(self, account):
        """Everything acknowledged about one person."""
        if not account.registered:
            return  # the call was never answered: either is fine
        self.attempts(account)
        if account.verified or self.finish_verifying(account):
            self.password(account)
        for flow, code in account.used:
            reply = self.post("verify-otp", {"flow_id": flow, "otp": code})
            if reply.code != "otp_invalid":
                self.wrong("a used code came back to life", account, reply)
        account.unsure = None
        for session in account.sessions:
            self.session(account, session)

    def attempts(self, account):
        """Acknowledged wrong codes still count."""
        db = sqlite3.connect("file:%s?mode=ro" % self.server.database, uri=True, timeout=30)
        row = db.execute("SELECT attempts FROM flows WHERE id = ?",
                         (bytes.fromhex(account.flow.replace("-", "")),)).fetchone()
        db.close()
        if row is None or row[0] < account.wrong:
            self.problems.append("%s: %r wrong codes on record, %d acknowledged" % (
                account.email, row, account.wrong))

    def finish_verifying(self, account):
        """The code that was sent must still be good, unless its use was never answered."""
        reply = self.post("verify-otp", {"flow_id": account.flow, "otp": account.otp})
        if reply.status != 200 and account.unsure != "verify":
            self.wrong("a registration is lost", account, reply)
            return False
        account.verified = True
        account.used.append((account.flow, account.otp))
        return True

    def password(self, account):
        reply = self.post("login", {"email_or_phone": account.email, "password": account.password})
        if reply.status != 200:
            self.wrong("an account is lost", account, reply)

    def session(self, account, session):
        if session.unsure == "logout":
            session.ended = self.post("token/refresh", {"refresh": session.refresh}).status == 401
            session.unsure = None
            if not session.ended:
                return self.ended_or_alive(account, session)
        return self.ended_or_alive(account, session)

    def ended_or_alive(self, account, session):
        if session.ended:
            reply = self.post("token/refresh", {"refresh": session.refresh})
            if reply.code != "token_revoked":
                self.wrong("a session that was ended lives", account, reply)
            return
        # The current token; or, when the last refresh was not answered, perhaps the one before.
        old = session.refresh
        for _ in range(2):
            reply = self.post("token/refresh", {"refresh": session.refresh})
            if reply.status != 200:
                self.wrong("a session is lost", account, reply)
                session.ended = True
                return
            session.refresh, session.unsure = reply.data["refresh"], None
        reply = self.post("token/refresh", {"refresh": old})
        if reply.code != "refresh_superseded":
            self.wrong("a refresh token came back to life", account, reply)
