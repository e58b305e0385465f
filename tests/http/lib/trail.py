"""What a call leaves in the store: audit and outbox rows, read without touching them."""
import re

_AUDIT = """
SELECT id, engine, event, outcome, count, operation, object_type, object_id, reason,
       actor_id IS NOT NULL, subject_id IS NOT NULL, subject_index IS NOT NULL,
       session_id IS NOT NULL, address IS NOT NULL, user_agent IS NOT NULL, device IS NOT NULL,
       changes IS NOT NULL
FROM audit WHERE id > ? AND event <> 'request.refused' ORDER BY id
"""
_AUDIT_NAMES = (
    "event", "outcome", "count", "operation", "object_type", "object_id", "reason",
    "actor", "subject", "subject_index", "session", "address", "user_agent", "device", "changes")
_OUTBOX = """
SELECT sink, kind, user_id IS NOT NULL, expires_at IS NOT NULL, state
FROM outbox WHERE id > ? ORDER BY id
"""
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
# A row is as good as delivered while it waits its turn.
_STATE_CLASS = {"pending": "live", "delivered": "live", "expired": "expired", "dead": "dead"}


class Trail:
    """Reads a server's database beside it."""

    def __init__(self, server):
        self.query = server.store.query

    def value(self, sql, *parameters):
        return self.query(sql, *parameters)[0][0]

    def mark(self):
        """Where the trail ends now."""
        return (self.value("SELECT coalesce(max(id), 0) FROM audit"),
                self.value("SELECT coalesce(max(id), 0) FROM outbox"))

    def audit(self, mark=(0, 0)):
        """Rows since `mark` as dicts without ids; aggregated refusals come when they come."""
        return [dict(zip(_AUDIT_NAMES, row[2:7] + (_UUID.sub("<uuid>", row[7] or ""),) + row[8:]))
                for row in self.query(_AUDIT, mark[0])]

    def engines(self, mark, operations):
        """Which engines wrote rows of these operations; commands and sweeps have their own."""
        return {row[1] for row in self.query(_AUDIT, mark[0]) if row[5] in operations}

    def outbox(self, mark=(0, 0)):
        return [(sink, kind, bool(user), bool(expires), _STATE_CLASS[state])
                for sink, kind, user, expires, state in self.query(_OUTBOX, mark[1])]
