#!/usr/bin/env python3
"""Starting and stopping: what is wrong is said in a sentence, and what is stopped loses nothing."""
import os
import shutil
import sqlite3
import subprocess
import threading

from lib.case import Suite
from lib.client import Client
from lib.server import Server
from lib.wire import WireError

suite = Suite(__file__)
once = suite.once


def refuses(t, server, *words):
    """It does not start, says why in a sentence with these words, and exits with a failure."""
    command = [server.program, "serve", *server.dev, "--listen", "127.0.0.1:0", "--data",
               server.data]
    done = subprocess.run(command, env=server.env(), capture_output=True, timeout=30, check=False)
    text = (done.stderr + done.stdout).decode("utf-8", "replace")
    t.ok(done.returncode not in (0, None) and done.returncode > 0,
         "exit status %s: %s" % (done.returncode, text))
    for word in words:
        t.ok(word in text, "no %r in: %s" % (word, text))
    t.ok("Traceback" not in text and len(text) < 2000, text)


def fresh(t, settings=None, dev=True):
    return Server(t.server.build, settings, dev=dev)


@once("a wrong or unknown setting stops the start and is named")
def _(t):
    for settings, words in (
            ({"token_acess_ttl": "5m"}, ("ACESS", "CLOAKROOM_TOKEN_ACCESS_TTL")),
            ({"token_access_ttl": "soon"}, ("token.access_ttl",)),
            ({"throttle_burst": "10/fortnight"}, ("throttle.burst",)),
            ({"otp_digits": "2"}, ("otp.digits",)),
            ({"security_uniform_ms": "-5"}, ("security.uniform_ms",)),
            ({"errors_style": "fancy"}, ("errors.style",)),
            ({"trusted_proxies": "10.0.0.0/33"}, ("trusted_proxies",)),
            ({"cors_origins": "https://shop.example.com/path"}, ("cors.origins",)),
            ({"default_country": "XX"}, ("default_country",)),
            ({"master_key": "0:c2hvcnQ="}, ("MASTER_KEY", "32")),
            ({"token_secret": "short"}, ("TOKEN_SECRET", "32")),
            ({"database_url": "mysql://x"}, ("database.url",)),
            ({"token_access_ttl": "2h", "token_refresh_ttl": "1h"}, ("token.access_ttl",))):
        server = fresh(t, settings)
        refuses(t, server, *words)
        server.remove()


@once("without --dev nothing is made up and nothing is loosened")
def _(t):
    strict = {"password_iterations": "600000"}
    for settings, words in (({**strict, "master_key": None}, ("MASTER_KEY",)),
                            ({**strict, "token_secret": None}, ("TOKEN_SECRET",)),
                            ({"password_iterations": "599999"}, ("password.iterations",))):
        server = fresh(t, settings, dev=False)
        refuses(t, server, *words)
        server.remove()


@once("--dev makes its keys once and keeps them")
def _(t):
    server = fresh(t, {"master_key": None, "token_secret": None})
    try:
        server.start()
        mode = os.stat(server.data).st_mode & 0o777
        t.eq(mode, 0o700, "mode of the data directory")
        client = Client(server)
        body = {"email": t.people.email(), "password": t.people.password()}
        sent = client.post("/api/v1/auth/register/", body).data["verification"]
        client.close()
        server.restart()
        reply = client.post("/api/v1/auth/verify-otp/", {"flow_id": sent["flow_id"],
                                                         "otp": sent["otp"]})
        t.eq(reply.status, 200)
        client.close()
        t.eq(server.finish(), [])
    finally:
        server.remove()


@once("a data directory has one server")
def _(t):
    second = fresh(t)
    second.data = t.server.data
    refuses(t, second, "already")
    second.remove()
    t.eq(t.client.get("/healthz").status, 200)


@once("another master key, a corrupt file, a newer schema: a sentence, and no harm done")
def _(t):
    server = fresh(t)
    try:
        server.start()
        Client(server).post("/api/v1/auth/register/", {"email": t.people.email(),
                                                       "password": t.people.password()})
        t.eq(server.terminate(), 0, "exit status")
        good = server.database + ".good"
        shutil.copy(server.database, good)
        key = server.settings["master_key"]
        server.settings["master_key"] = "0:" + "QUJD" * 11 + "QQ=="
        refuses(t, server, "master key")
        server.settings["master_key"] = key
        with open(server.database, "r+b") as file:
            file.write(b"this is not a database at all" * 4)
        refuses(t, server, "database")
        shutil.copy(good, server.database)
        server.start()
        t.eq(server.finish(), [])
    finally:
        server.remove()


@once("SIGTERM under load: every request that was begun is answered")
def _(t):
    server = fresh(t)
    lost, answered = [], []

    def load(version):
        client = Client(server)
        while True:
            try:
                reply = client.post("/api/%s/auth/login/" % version,
                                    {"email_or_phone": "a@b.example", "password": "x"})
            except ConnectionRefusedError:
                return
            except (WireError, OSError) as error:
                lost.append(str(error))
                return
            answered.append(reply.status)
            if client.wire is None and server.process is None:
                return

    try:
        server.start()
        threads = [threading.Thread(target=load, args=("v%d" % (i % 2 + 1),)) for i in range(8)]
        for thread in threads:
            thread.start()
        t.until(lambda: len(answered) > 100, "some load")
        t.eq(server.terminate(), 0, "exit status")
        for thread in threads:
            thread.join()
        t.eq(lost, [], "requests lost")
        t.ok(set(answered) <= {401, 503, 429}, set(answered))
    finally:
        server.remove()


@once("the audit trail is whole, and a flipped byte is found")
def _(t):
    server = fresh(t)
    try:
        server.start()
        client = Client(server)
        for i in range(5):
            client.post("/api/v%d/auth/login/" % (i % 2 + 1), {
                "email_or_phone": t.people.email(), "password": "x"})
        client.close()
        done = server.run("audit", "verify")
        t.eq(done.returncode, 0, "beside the server: %r" % done.stderr)
        t.eq(server.terminate(), 0)
        good = server.database + ".good"
        shutil.copy(server.database, good)
        for change in ("UPDATE audit SET outcome = 'ok' WHERE id = 3",
                       "UPDATE audit SET at = at + 1 WHERE id = 2",
                       "DELETE FROM audit WHERE id = 4",
                       "UPDATE audit SET mac = randomblob(32) WHERE id = 1",
                       "DELETE FROM audit_seals WHERE n = 2"):
            shutil.copy(good, server.database)
            db = sqlite3.connect(server.database)
            t.eq(db.execute(change).rowcount, 1, change)
            db.commit()
            db.close()
            done = server.run("audit", "verify")
            t.ok(done.returncode > 0, "not found: %s: %r" % (change, done.stdout))
    finally:
        server.remove()


if __name__ == "__main__":
    suite.main()
