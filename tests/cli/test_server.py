#!/usr/bin/env python3
"""Starting, stopping, keys, the control socket, and the commands that look after a server."""
import base64
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys

sys.dont_write_bytecode = True

from program import PASSWORD, Program, key  # noqa: E402 (the flag comes first)
from tap import Skip, case, contains, equal, lacks, main  # noqa: E402

ADA = "ada@example.com"


def configured(**settings):
    """A program outside --dev, with keys."""
    return Program(dev=False, master_key=key("m"), token_secret=key("t"), **settings)


@case
def a_second_server_is_refused():
    with Program() as p:
        p.serve()
        done = p.run("serve", "--listen", "127.0.0.1:0")
        equal(done.code, 1)
        contains(done.err, "A server is running on the data directory " + p.data)
        equal(p.call("GET", "/healthz")[0], 200)
        equal(p.stop(), 0)


@case
def keys_must_be_configured_outside_dev():
    for missing, variable in (("master_key", "CLOAKROOM_MASTER_KEY"),
                              ("token_secret", "CLOAKROOM_TOKEN_SECRET")):
        with configured() as p:
            del p.settings[missing]
            done = p.run("serve", "--listen", "127.0.0.1:0")
            equal(done.code, 1)
            contains(done.err, variable)
            contains(done.err, "openssl rand -base64 32")
            equal(os.path.exists(os.path.join(p.data, "cloakroom.db")), False, "database")


@case
def dev_makes_keys_that_only_we_may_read():
    with Program() as p:
        p.serve()
        equal(p.stop(), 0)
        for name in ("master.key", "token.secret"):
            path = os.path.join(p.data, name)
            equal(os.stat(path).st_mode & 0o777, 0o600, name)
            with open(path, "rb") as made:
                equal(len(base64.b64decode(made.read())), 32, name)
        equal(os.stat(p.data).st_mode & 0o777, 0o700)


@case
def the_data_directory_must_be_ours():
    with Program() as p:
        os.mkdir(p.data)
        os.chmod(p.data, 0o777)
        contains(p.run("serve").err, "may be written by others")
        os.chmod(p.data, 0o700)
        if os.geteuid() != 0:
            raise Skip("only root can give a directory away")
        os.chown(p.data, 65534, 65534)
        contains(p.run("serve").err, "belongs to another user")
        p.data = p.path("log")
        with open(p.data, "wb"):
            pass
        contains(p.run("serve").err, "cannot be")
    with Program() as p:
        contains(p.run("user", "list").err, "cannot be opened")
        equal(os.path.exists(p.data), False, "reading made the directory")


@case
def another_master_key_is_refused():
    with configured() as p:
        p.user(ADA)
        p.settings["master_key"] = key("x")
        for words in (("serve", "--listen", "127.0.0.1:0"), ("user", "list"),
                      ("user", "disable", ADA)):
            done = p.run(*words)
            equal(done.code, 1, done.text)
            contains(done.err, "CLOAKROOM_MASTER_KEY")
        p.settings["master_key"] = "1:%s" % key("m")
        contains(p.run("user", "list").err, "CLOAKROOM_MASTER_KEY")
        # A new active key beside the old one is how keys are changed.
        p.settings["master_key"] = "1:%s,0:%s" % (key("x"), key("m"))
        contains(p.run("user", "show", ADA).out, ADA)


@case
def signals_end_it_with_0():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Program() as p:
            p.serve()
            equal(p.stop(number), 0)
            equal(os.path.exists(os.path.join(p.data, "control.sock")), False, "control socket")
            equal(p.serve().stop(number), 0)


@case
def sighup_reads_the_keys_again():
    with configured() as p:
        def write(text):
            with open(p.path("token.secret"), "w", encoding="ascii") as secret:
                secret.write(text + "\n")
        del p.settings["token_secret"]
        p.settings["token_secret_file"] = p.path("token.secret")
        write("0:" + key("t"))
        p.user(ADA)
        p.serve()
        old = p.login(ADA)[1]["data"]["access"]

        write("1:%s,0:%s" % (key("u"), key("t")))
        p.server.send_signal(signal.SIGHUP)
        p.wait_for(rb"read the keys again")
        new = p.login(ADA)[1]["data"]["access"]
        for token in (old, new):
            equal(p.call("GET", "/api/v2/me/", bearer=token)[0], 200)

        write("1:" + key("u"))
        p.server.send_signal(signal.SIGHUP)
        p.wait_for(rb"(?s)read the keys again.*read the keys again")
        equal(p.call("GET", "/api/v2/me/", bearer=old)[0], 401)
        equal(p.call("GET", "/api/v2/me/", bearer=new)[0], 200)

        write("not a key")
        p.server.send_signal(signal.SIGHUP)
        p.wait_for(rb"the keys stay as they are")
        equal(p.call("GET", "/api/v2/me/", bearer=new)[0], 200)
        equal(p.stop(), 0)


@case
def the_supervisor_is_told():
    with Program() as p:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.bind(p.path("notify"))
            supervisor.settimeout(30)
            p.serve(NOTIFY_SOCKET=p.path("notify"))
            equal(supervisor.recv(100), b"READY=1")
            equal(p.stop(), 0)
            equal(supervisor.recv(100), b"STOPPING=1")


@case
def metrics_have_a_listener_of_their_own():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Program(metrics_listen="127.0.0.1:%d" % port) as p:
        p.serve()
        equal(p.call("GET", "/metrics")[0], 404)
        p.port = port
        with socket.create_connection(("127.0.0.1", port), 30) as wire:
            wire.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            text = b"".join(iter(lambda: wire.recv(65536), b"")).decode()
        for name in ("http_connections", "store_transactions_total", "hash_jobs_waiting",
                     "limits_admitted_total", "outbox_delivered_total"):
            contains(text, "\ncloakroom_%s " % name)
        lines = [line for line in text.split("\r\n\r\n", 1)[1].splitlines() if line]
        bad = [line for line in lines
               if not re.fullmatch(r'(# .*|[a-z_]+(\{[^}]*\})? [0-9.e+-]+|[a-z_]+(\{[^}]*\})? NaN)',
                                   line)]
        equal(bad, [])
        equal(p.stop(), 0)


def control(p, request):
    """What the control socket answers to these bytes."""
    with socket.socket(socket.AF_UNIX) as wire:
        here = os.getcwd()
        os.chdir(p.data)  # its path may be too long
        try:
            wire.connect("control.sock")
        finally:
            os.chdir(here)
        wire.settimeout(30)
        wire.sendall(request)
        wire.shutdown(socket.SHUT_WR)
        try:
            return b"".join(iter(lambda: wire.recv(65536), b""))
        except ConnectionResetError:
            return b""


@case
def the_control_socket_survives_nonsense():
    with Program() as p:
        p.serve()
        equal(os.stat(os.path.join(p.data, "control.sock")).st_mode & 0o777, 0o600)
        for request, code in ((b"\n", 2), (b"{}\n", 2), (b"[]\n", 2), (b'{"argv":[]}\n', 2),
                              (b'{"argv":[1]}\n', 2), (b'{"argv":["serve"]}\n', 2),
                              (b'{"argv":["user","list"]}\n', 2), (b'{"argv":["nope"]}\n', 2),
                              (b'{"argv":["user","disable"]}\n', 2),
                              (b'{"argv":["user","disable","nobody@example.com"]}\n', 1),
                              (b'{"argv":' + b"[" * 100 + b"\n", 2),
                              (json.dumps({"argv": ["x"] * 100}).encode() + b"\n", 2)):
            lines = control(p, request).splitlines()
            equal(json.loads(lines[-1]), {"exit": code}, request[:60])
            contains(json.loads(lines[0]), "err")
        equal(control(p, b"x" * 40000), b"")
        equal(control(p, b'{"argv":'), b"")
        p.user(ADA)
        equal(p.stop(), 0)


@case
def a_dead_servers_lock_and_socket_are_no_hindrance():
    with Program() as p:
        p.serve()
        p.user(ADA)
        p.server.kill()
        p.server.wait()
        equal(os.path.exists(os.path.join(p.data, "control.sock")), True)
        p.user("grace@example.com")
        p.serve()
        equal(p.login(ADA)[0], 200)
        equal(p.stop(), 0)


@case
def the_audit_head_finds_what_is_cut_off():
    with Program() as p:
        for i in range(4):
            p.user("u%d@example.com" % i)
        whole = p.run("audit", "verify")
        equal(whole.code, 0, whole.err)
        head = re.search(r"^head (\S+)$", whole.out, re.M).group(1)
        equal(p.run("audit", "verify", "--head", head).code, 0)
        p.user("later@example.com")
        equal(p.run("audit", "verify", "--head", head).code, 0)
        number, digits = head.split(":")
        for wrong in ("x", "0:" + digits, ":" + digits, number):
            equal(p.run("audit", "verify", "--head", wrong).code, 2, wrong)
        for other in (digits[::-1], digits[:-1], ""):
            equal(p.run("audit", "verify", "--head", "%s:%s" % (number, other)).code, 1, other)
        p.serve()
        p.wait_for(rb"head=")
        equal(p.stop(), 0)
        contains(p.log().decode(), p.run("audit", "verify").out.split("head ")[1].strip())

        db = sqlite3.connect(os.path.join(p.data, "cloakroom.db"))
        first = db.execute("SELECT first_id FROM audit_seals WHERE n = ?", (number,)).fetchone()[0]
        db.execute("DELETE FROM audit_seals WHERE n >= ?", (number,))
        db.execute("DELETE FROM audit WHERE id >= ?", (first,))
        db.commit()
        db.close()
        equal(p.run("audit", "verify").code, 0)  # what is left is sound
        cut = p.run("audit", "verify", "--head", head)
        equal(cut.code, 1)
        contains(cut.err, "cut off")


@case
def migrate_plans_then_does_then_has_nothing_to_do():
    with Program() as p:
        os.mkdir(p.data, 0o700)
        plan = p.run("migrate", "--plan")
        equal(plan.code, 0, plan.err)
        contains(plan.out, "from version 0")
        equal(os.path.exists(os.path.join(p.data, "cloakroom.db")), False, "planning made it")
        equal(p.run("migrate").code, 0)
        contains(p.run("migrate").out, "nothing to do")
        p.serve()
        equal(p.run("migrate").code, 1)
        equal(p.stop(), 0)


@case
def the_outbox_is_listed_and_replayed():
    with Program() as p:
        p.serve()
        p.call("POST", "/api/v2/auth/register/", {"email": ADA, "password": PASSWORD})
        equal(p.stop(), 0)
        listed = p.run("outbox", "list")
        equal(listed.code, 0, listed.err)
        contains(listed.out, "verification_code")
        lacks(listed.out, ADA)
        number = listed.out.split()[0]
        equal(p.run("outbox", "list", "--state", "dead").out, "")
        equal(p.run("outbox", "replay", number).code, 1)  # it is not dead
        db = sqlite3.connect(os.path.join(p.data, "cloakroom.db"))
        db.execute("UPDATE outbox SET state = 'dead', finished_at = 1 WHERE id = ?", (number,))
        db.commit()
        db.close()
        contains(p.run("outbox", "list", "--state", "dead").out, number)
        contains(p.run("outbox", "replay", number).out, "1 to be tried again")
        contains(p.run("outbox", "list", "--state", "pending").out, number)
        equal(p.run("outbox", "replay", "x").code, 2)
        contains(p.run("outbox", "replay", "--sink", "sms").out, "0 to be tried again")
        equal(p.run("outbox", "replay", "--since", "1h").code, 2)
        equal(p.run("outbox", "replay", "--sink", "sms", "--since", "soon").code, 2)


@case
def doctor_finds_what_is_wrong():
    with configured() as p:
        p.settings["password_iterations"] = "1200000"
        equal(p.run("doctor").code, 1)  # there is no database yet
        p.serve()
        done = p.run("doctor")
        equal(done.code, 0, done.text)
        contains(done.out, "well   database")
        contains(done.out, "no setting guards less")
        equal(p.stop(), 0)

        p.settings["throttle_enabled"] = "false"
        p.settings["token_legacy_until"] = "x"
        done = p.run("doctor")
        contains(done.out, "loose  throttle.enabled is false")
        contains(done.out, "note   token.legacy_until is set")
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            p.settings["smtp_url"] = "smtp://u:hush@127.0.0.1:%d" % closed.getsockname()[1]
            p.settings["mail_from"] = "a@b.example"
            done = p.run("doctor")
            equal(done.code, 1)
            contains(done.out, "WRONG  mail")
            lacks(done.text, "hush")
            closed.listen()
            contains(p.run("doctor").out, "well   mail")
        path = os.path.join(p.data, "cloakroom.db")
        good = p.path("good")
        shutil.copy(path, good)
        with open(path, "r+b") as database:
            database.seek(4096 * 3)
            database.write(os.urandom(4096 * 4))
        done = p.run("doctor")
        equal(done.code, 1)
        contains(done.out, "WRONG  data")


@case
def its_memory_is_closed_to_others():
    with Program() as p:
        p.serve()
        with open("/proc/%d/status" % p.server.pid, encoding="ascii") as status:
            contains(status.read(), "NoNewPrivs:\t1")
        with open("/proc/%d/limits" % p.server.pid, encoding="ascii") as limits:
            core = next(line for line in limits if line.startswith("Max core file size"))
        equal(core.split()[4:6], ["0", "0"])
        # What may not be dumped belongs to root in /proc, whoever runs it.
        if os.geteuid() == 0:
            try:
                subprocess.run(["true"], user=65534, check=True)
            except OSError as why:
                raise Skip("cannot become another user") from why
        equal(p.stop(), 0)


if __name__ == "__main__":
    main()
