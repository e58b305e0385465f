"""Where the servers under test keep their rows: a file each, or a database each of one PostgreSQL."""
import atexit
import json
import os
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../support"))

import postgresql  # noqa: E402 (the path comes first)

_server = None
_bouncer = None
_count = 0


def use_postgresql(pooled=False):
    """From here on servers keep their rows in a PostgreSQL started now; False: none installed."""
    global _server, _bouncer
    if not postgresql.binaries() or (pooled and not shutil.which("pgbouncer")):
        return False
    _server = postgresql.Postgresql()
    atexit.register(_server.remove)
    _server.start()
    if pooled:
        _bouncer = postgresql.PgBouncer(_server)
        atexit.register(_bouncer.stop)
    return True


def fresh(server):
    """The store of a server that is about to start for the first time."""
    if _server and "database_url" not in server.settings:
        return _Postgresql(server)
    return _Sqlite(server)


class _Sqlite:
    def __init__(self, server):
        self.server = server

    def prepare(self):
        """The server makes its file by itself."""

    def query(self, sql, *parameters):
        """Rows as tuples; read without touching them."""
        connection = sqlite3.connect("file:%s?mode=ro" % self.server.database, uri=True,
                                     timeout=10)
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()

    def search(self, canary):
        return canary.search_database(self.server.database)


def _literal(value):
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return "'\\x%s'" % value.hex()
    return "'%s'" % value.replace("'", "''")


class _Postgresql:
    def __init__(self, server):
        global _count
        _count += 1
        self.server = server
        self.name = "server_%d" % _count
        server.settings["database_url"] = _server.url(self.name, _bouncer and _bouncer.port)
        if _bouncer:
            server.settings["database_pg_prepare"] = "unnamed"
        self.made = False

    def prepare(self):
        """The schema is made once and copied: `serve` does not make it."""
        if self.made:
            return
        if not _server.sql("SELECT 1 FROM pg_database WHERE datname = 'pattern'"):
            _server.sql("CREATE DATABASE pattern")
            _run(self.server, _server.url("pattern"), "migrate")
        _server.sql("CREATE DATABASE %s TEMPLATE pattern" % self.name)
        self.made = True

    def query(self, sql, *parameters):
        for value in parameters:
            sql = sql.replace("?", _literal(value), 1)
        rows = _server.sql("SELECT coalesce(json_agg(q), '[]') FROM (%s) q" % sql, self.name)
        # Columns in their order, whatever they are called.
        return json.loads("".join(rows), object_pairs_hook=lambda row: tuple(v for _, v in row))

    def search(self, canary):
        if not self.made:
            return []
        dump = subprocess.run([os.path.join(_server.bin, "pg_dump"), "-d", _server.url(self.name),
                               "--data-only"], check=True, capture_output=True)
        return canary.search_dump(dump.stdout)


def _run(server, url, *arguments):
    """A command of the program under test against another database than the server's."""
    done = subprocess.run([server.program, *arguments, *server.dev, "--data", server.data],
                          env={**server.env(), "CLOAKROOM_DATABASE_URL": url},
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(arguments), done.stderr.decode()))
