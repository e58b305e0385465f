#!/usr/bin/env python3
"""Accounts from the command line: alone, and beside a server, which must come to the same."""
import os
import pty
import re
import sqlite3
import sys
import uuid

sys.dont_write_bytecode = True

from program import BINARY, PASSWORD, Program  # noqa: E402 (the flag comes first)
from tap import case, contains, equal, lacks, main  # noqa: E402

ADA = "Ada.Lovelace@example.com"


def audit(p, event):
    """The audit rows of an event: (outcome, operation, engine, reason)."""
    db = sqlite3.connect(os.path.join(p.data, "cloakroom.db"))
    rows = db.execute("SELECT outcome, operation, engine, reason FROM audit WHERE event = ? "
                      "ORDER BY id", (event,)).fetchall()
    db.close()
    return rows


def life_of_an_account(p):
    """Every change a command makes, and what it says about it."""
    identity = p.user(ADA, "--role", "vendor", "--first-name", "Ada", "--reason", "on the phone")
    uuid.UUID(identity)
    shown = p.run("user", "show", "ada.lovelace@EXAMPLE.com")
    equal(shown.code, 0, shown.err)
    for part in (identity, ADA, "vendor", "active", "Ada"):
        contains(shown.out, part)
    equal(p.run("user", "show", identity).out, shown.out)

    again = p.run("user", "create", "ADA.lovelace@example.com", "--password-stdin",
                  text=PASSWORD + "\n")
    equal(again.code, 1)
    contains(again.err, "already")

    done = p.run("user", "disable", ADA, "--reason", "stolen phone")
    equal((done.code, done.out), (0, ADA + " is disabled.\n"))
    contains(p.run("user", "disable", ADA).out, "was disabled already")
    contains(p.run("user", "list", "--state", "disabled").out, identity)
    equal(p.run("user", "list", "--state", "active").out, "")
    equal(p.run("user", "enable", ADA).code, 0)

    changed = p.run("user", "set-password", ADA, "--password-stdin", text="another passphrase\n")
    equal(changed.code, 0, changed.err)
    lacks(changed.text, "another passphrase")
    equal(p.run("audit", "verify").code, 0)


def check_trail(p, who):
    created = audit(p, "user.created")
    equal(len(created), 1, "rows")
    equal(created[0][:2], ("ok", "command user create"))
    contains(created[0][3], who + ": on the phone")
    equal([row[0] for row in audit(p, "user.disabled")], ["ok"])
    contains(audit(p, "user.disabled")[0][3], "stolen phone")
    equal(len(audit(p, "user.enabled")), 1)
    equal(len(audit(p, "password.changed")), 1)


@case
def a_link_sets_a_new_password_once():
    with Program() as p:
        p.user(ADA)
        refused = p.run("user", "reset-link", "nobody@example.com")
        equal((refused.code, refused.out), (1, ""))
        equal(p.run("user", "disable", ADA).code, 0)
        contains(p.run("user", "reset-link", ADA).err, ADA + " is not active.")
        equal(p.run("user", "enable", ADA).code, 0)
        alone = p.run("user", "reset-link", ADA)
        p.serve()
        done = p.run("user", "reset-link", ADA, "--reason", "on the phone")
        equal(done.code, 0, done.err)
        links = [text.strip().split("/reset/")[1].split("/") for text in (alone.out, done.out)]
        bodies = [{"uidb64": uid, "token": token, "new_password": "quite new words"}
                  for uid, token in links]
        path = "/api/v2/password/reset-confirm/"
        equal([p.call("POST", path, body)[0] for body in (bodies[0], bodies[1], bodies[1])],
              [400, 200, 400])
        equal(p.login(ADA, "quite new words")[0], 200)
        contains(audit(p, "password.reset_requested")[1][3], "on the phone")
        lacks(p.log().decode(), bodies[1]["token"])


@case
def an_account_lives_without_a_server():
    with Program() as p:
        life_of_an_account(p)
        check_trail(p, "(uid %d)" % os.getuid())


@case
def an_account_lives_beside_a_server():
    with Program() as p:
        p.serve()
        life_of_an_account(p)
        equal(p.stop(), 0)
        check_trail(p, "(uid %d)" % os.getuid())
        lacks(p.log().decode(), PASSWORD)


@case
def what_a_command_changes_bites_at_once():
    with Program() as p:
        p.serve()
        p.user(ADA)
        status, reply = p.login(ADA)
        equal(status, 200, reply)
        access, refresh = reply["data"]["access"], reply["data"]["refresh"]
        equal(p.call("GET", "/api/v2/me/", bearer=access)[0], 200)
        equal(p.run("user", "disable", ADA).code, 0)
        equal(p.call("GET", "/api/v2/me/", bearer=access)[0], 401)
        equal(p.call("POST", "/api/v2/auth/token/refresh/", {"refresh": refresh})[0], 401)
        equal(p.login(ADA)[0], 401)
        equal(p.run("user", "enable", ADA).code, 0)
        status, reply = p.login(ADA)
        equal(status, 200)
        equal(p.run("user", "set-password", ADA, "--password-stdin", text="quite new words\n").code,
              0)
        equal(p.call("GET", "/api/v1/me/", bearer=reply["data"]["access"])[0], 401)
        equal(p.login(ADA)[0], 401)
        equal(p.login(ADA, "quite new words")[0], 200)


@case
def the_last_superadmin_stays():
    with Program() as p:
        def superadmin(address):
            equal(p.run("superadmin", "create", address, "--password-stdin",
                        text=PASSWORD + "\n").code, 0)
        superadmin("grace@example.com")
        refused = p.run("user", "disable", "grace@example.com")
        equal(refused.code, 1)
        contains(refused.err, "superadmin")
        contains(p.run("user", "show", "grace@example.com").out, "active")
        superadmin("alan@example.com")
        equal(p.run("user", "disable", "grace@example.com").code, 0)
        equal(p.run("user", "disable", "alan@example.com").code, 1)
        contains(p.run("user", "list", "--role", "superadmin").out, "alan@example.com")


@case
def wrong_input_changes_nothing():
    with Program() as p:
        for words, text, code, part in (
                (("user", "create", "not-an-address"), PASSWORD, 1, "identifier: "),
                (("user", "create", ADA), "short", 1, "password: "),
                (("user", "create", ADA), "", 1, "no password"),
                (("user", "create", ADA, "--role", "king"), PASSWORD, 2, "There is no role king"),
                (("user", "create", ADA, "--country", "XX"), PASSWORD, 1, "country: "),
                (("user", "create", "08031234567"), PASSWORD, 1, "identifier: "),
                (("user", "set-password", ADA), PASSWORD, 1, "")):
            done = p.run(*words, "--password-stdin", text=text + "\n")
            equal(done.code, code, " ".join(words) + done.text)
            contains(done.err, part)
        equal(p.run("user", "disable", ADA).code, 1)
        equal(p.run("user", "show", ADA).code, 1)
        equal(p.run("user", "list", "--limit", "0").code, 2)
        equal(p.run("user", "list", "--state", "dead").code, 2)
        equal(p.run("user", "list").out, "")


@case
def phones_are_accounts_too():
    with Program() as p:
        p.user("08031234567", "--country", "NG")
        contains(p.run("user", "show", "+234 803 123 4567").out, "+2348031234567")


@case
def names_cannot_steer_the_terminal():
    with Program() as p:
        p.user(ADA, "--first-name", "A\x1b[2J\u009bda")
        shown = p.run("user", "show", ADA)
        lacks(shown.out, "\x1b")
        lacks(shown.out, "\u009b")
        contains(shown.out, "A?[2J?da")


@case
def a_list_is_read_page_by_page():
    with Program() as p:
        made = [p.user("u%d@example.com" % i) for i in range(5)]
        first = p.run("user", "list", "--limit", "2").out.splitlines()
        rest = p.run("user", "list", "--after", first[-1].split()[0]).out.splitlines()
        equal([line.split()[0] for line in first + rest], made)


@case
def the_password_is_asked_for_twice_without_echo():
    def ask(*answers):
        with Program() as p:
            child, terminal = pty.fork()
            if child == 0:
                os.execve(BINARY, p.words(["user", "create", ADA]), p.env())
            shown = b""
            for prompt, answer in zip((b"Password: ", b"Once more: "), answers):
                while not shown.endswith(prompt):
                    shown += os.read(terminal, 1024)
                os.write(terminal, answer.encode() + b"\n")
            try:
                while chunk := os.read(terminal, 1024):
                    shown += chunk
            except OSError:  # the child has closed its side
                pass
            os.close(terminal)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()

    code, shown = ask(PASSWORD, PASSWORD)
    equal(code, 0, shown)
    lacks(shown, PASSWORD)
    code, shown = ask(PASSWORD, PASSWORD + "x")
    equal(code, 1, shown)
    contains(shown, "differ")


@case
def no_secret_is_left_in_the_process_list_or_the_files():
    with Program() as p:
        p.serve()
        p.user(ADA)
        with open("/proc/%d/cmdline" % p.server.pid, "rb") as words:
            lacks(words.read().decode(), PASSWORD)
        equal(p.stop(), 0)
        for name in os.listdir(p.data):
            path = os.path.join(p.data, name)
            equal(os.stat(path).st_mode & 0o077, 0, name)
            with open(path, "rb") as content:
                content = content.read()
            lacks(content, PASSWORD.encode())
            equal(re.search(rb"(?i)ada\.lovelace", content), None, name)


if __name__ == "__main__":
    main()
