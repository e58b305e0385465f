#!/usr/bin/env python3
"""What may become a password: strength, stolen ones, Unicode; and that the refusal says why."""
import os
import subprocess
import tempfile
import unicodedata

from lib.case import PROVE, Suite
from lib.corpora import corpus
from lib.crowd import crowd
from lib.people import Person
from lib.server import Server

suite = Suite(__file__)
case, once = suite.case, suite.once

STRONG = "gravel lantern cobweb"


def why(reply):
    return " ".join(reply.errors["password"])


@case("what is easy to guess is refused, and the reason given", password_min_score="2",
      mail_product="Zanzibar")
def _(t):
    ada = t.people.person()
    before = t.trail.value("SELECT count(*) FROM limit_admissions")
    for password in ("password123", "12345678", "aaaaaaaaaaaa", "qwertyuiop", "zanzibar2026",
                     "Example.com1", "1" * 1024):
        reply = t.refused("auth/register/", {"email": ada.email, "password": password},
                          "password", "password_rejected")
        t.ok("easy to guess" in why(reply), why(reply))
        t.eq(reply.json["message"], "This password cannot be used. Choose another one.")
    # Nothing was counted, and nobody is there.
    t.eq(t.trail.value("SELECT count(*) FROM limit_admissions"), before, "admissions")
    t.sign_up(Person(ada.email, None, STRONG))


@case("one password, however its letters are composed")
def _(t):
    composed = unicodedata.normalize("NFC", "\u00e9toile du \u00c5ngstr\u00f6m \uac00")
    decomposed = unicodedata.normalize("NFD", composed)
    t.ok(composed != decomposed)
    for first, second in ((composed, decomposed), (decomposed, composed)):
        ada = t.sign_up(Person(t.people.email(), None, first))
        t.login(ada)
        t.login(ada, password=second)
        t.login(ada, password="etoile du Angstrom \uac00", want=401)


class Listed:
    """A server that knows the passwords of a file, made by its own command."""

    def __init__(self, build, words):
        self.folder = tempfile.TemporaryDirectory(prefix="breach-")
        words_path = os.path.join(self.folder.name, "words")
        path = os.path.join(self.folder.name, "breached")
        with open(words_path, "w", encoding="utf-8") as f:
            f.write("\n".join(words) + "\n")
        subprocess.run([os.path.join(build, "cloakroom"), "breach", "build", words_path, path],
                       check=True, capture_output=True)
        self.server = Server(build, {"password_breached_file": path, "log_level": "error"})
        self.server.start()

    def __enter__(self):
        return self.server

    def __exit__(self, *_):
        self.server.terminate()
        self.server.remove()
        self.folder.cleanup()


@once("stolen passwords are refused, ten thousand of them")
def _(t):
    path = corpus("breached-top1M", "10_million_password_list_top_1M.txt")
    if not path:
        t.skip("no corpora")
    with open(path, encoding="utf-8", errors="replace") as f:
        words = [word for word in f.read().split("\n") if 8 <= len(word) <= 64 and word.strip()]
    words = words[:10000 if PROVE else 1000]

    def ask(client, i):
        answers = set()
        for k in range(i, len(words), 8):
            reply = client.post("/api/v2/auth/register/", {
                "email": "ada.%d@example.com" % k, "password": words[k]})
            answers.add((reply.status, reply.code, " ".join(reply.errors["password"])
                         if reply.errors else words[k]))
        return answers

    with Listed(t.server.build, words) as server:
        answers = set().union(*crowd(server, 8, ask))
        t.eq(answers, {(400, "password_rejected", "This password is in a list of stolen passwords."
                                                  " Choose another one.")})
        t.eq(crowd(server, 1, lambda client, i: client.post("/api/v2/auth/register/", {
            "email": "ada@example.com", "password": STRONG}).status), [201])


if __name__ == "__main__":
    suite.main()
