#!/usr/bin/env python3
"""Help, wrong words, settings, and what commands print that need no server."""
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from program import BINARY, Program, Result, key  # noqa: E402 (the flag comes first)
from tap import case, contains, equal, lacks, main  # noqa: E402


def plain(*words, env=None):
    """The program with these words and nothing else."""
    return Result(subprocess.run([BINARY, *words], env=env or {}, stdin=subprocess.DEVNULL,
                                 capture_output=True, timeout=60, check=False))


@case
def help_lists_every_command_and_teaches_each():
    overview = plain("help")
    equal(overview.code, 0)
    equal(plain("--help").out, overview.out)
    equal((plain().code, plain().out), (2, overview.out))
    lines = [line for line in overview.out.splitlines() if line.startswith("  ") and "  " in
             line.strip()]
    equal(len(lines), 20, "commands")
    for line in lines:
        name = line.strip().split("  ")[0]
        for words in (("help", *name.split()), (*name.split(), "--help"), (*name.split(), "-h")):
            done = plain(*words)
            equal(done.code, 0, name)
            contains(done.out, "usage: cloakroom " + name)
            contains(done.out, "  cloakroom " + name.split()[0])


@case
def stolen_passwords_become_a_file():
    with tempfile.TemporaryDirectory() as folder:
        words, made = os.path.join(folder, "words"), os.path.join(folder, "breached")
        with open(words, "w", encoding="utf-8") as f:
            f.write("password\n123456\n\npassword\n")
        done = plain("breach", "build", words, made)
        equal((done.code, done.out), (0, "2 passwords are in %s. Set password.breached_file to it."
                                         "\n" % made))
        equal(os.listdir(folder).count("breached"), 1)
        done = plain("breach", "build", os.path.join(folder, "nothing"), made)
        equal(done.code, 1)
        contains(done.err, "cannot be opened")
        done = plain("breach", "build", words, os.path.join(folder, "no", "such"))
        equal(done.code, 1)
        contains(done.err, "cannot be written")
        # A server does not start with something else in its place.
        done = plain("serve", "--dev", "--data", os.path.join(folder, "data"),
                     env={"CLOAKROOM_PASSWORD_BREACHED_FILE": words})
        equal(done.code, 1)
        contains(done.err, "is not a file that cloakroom breach build made")


@case
def wrong_words_are_a_sentence_and_exit_2():
    for words, part in ((("frobnicate",), "There is no command frobnicate"),
                        (("user",), "There is no command user"),
                        (("user", "list", "--frob"), "user list has no option --frob"),
                        (("user", "list", "--limit"), "--limit needs a value: --limit N"),
                        (("serve", "--dev=yes"), "--dev takes no value"),
                        (("version", "x"), "version takes no further argument: x"),
                        (("user", "show"), "user show needs USER"),
                        (("openapi", "v3", "--dev"), "There is no version v3")):
        done = plain(*words)
        equal((done.code, done.out), (2, ""), " ".join(words))
        contains(done.err, part)
        equal(done.err.count("\n"), 1, "lines")


@case
def options_may_be_joined_and_ended():
    with Program() as p:
        equal(p.run("user", "list", "--limit=5").code, 1)  # nothing is there yet
        contains(p.run("user", "show", "--", "--dev").text, "takes no further argument")


@case
def version_is_printed():
    equal(plain("version").code, 0)
    equal(plain("--version").out, plain("version").out)
    contains(plain("version").out, "cloakroom ")


@case
def config_says_what_is_set_and_where():
    with Program(token_secret=key("s"), server_listen="127.0.0.1:1") as p:
        with open(p.path("conf"), "w", encoding="ascii") as conf:
            conf.write("[smtp]\nurl = smtp://ada:hush@mail.example.com\n")
        os.chmod(p.path("conf"), 0o600)
        done = p.run("config", "--config", p.path("conf"))
        equal(done.code, 0, done.err)
        rows = {line.split()[0]: line for line in done.out.splitlines()}
        contains(rows["server.listen"], "127.0.0.1:1")
        contains(rows["server.listen"], "CLOAKROOM_SERVER_LISTEN")
        contains(rows["data_dir"], "--data")
        contains(rows["token.secret"], "(set)")
        contains(rows["master.key"], "(not set)")
        contains(rows["smtp.url"], "smtp://...@mail.example.com")
        contains(rows["smtp.url"], "conf:2")
        contains(rows["log.format"], "--dev")
        lacks(done.text, key("s"))
        lacks(done.text, "hush")


@case
def a_wrong_setting_stops_every_command():
    for settings, part in (({"token_acess_ttl": "5m"}, "Did you mean CLOAKROOM_TOKEN_ACCESS_TTL"),
                           ({"token_access_ttl": "soon"}, "token.access_ttl must be a time"),
                           ({"password_iterations": "599999"}, "less is for --dev only"),
                           ({"config": "/nowhere/conf"}, "/nowhere/conf cannot be opened")):
        with Program(dev=False, **settings) as p:
            for words in (("serve",), ("user", "list"), ("doctor",), ("config",), ("migrate",)):
                done = p.run(*words)
                equal(done.code, 1, " ".join(words))
                contains(done.err, part)
            equal(os.path.exists(p.data), False, "data directory")


@case
def openapi_is_json_for_both_versions():
    for words, prefix in ((("openapi",), "/api/v2/"), (("openapi", "v1"), "/api/v1/")):
        done = plain(*words, "--dev")
        equal(done.code, 0, done.err)
        document = json.loads(done.out)
        equal(document["openapi"], "3.1.0")
        contains(" ".join(document["paths"]), prefix + "auth/login/")


@case
def the_manual_page_has_every_setting():
    page = os.path.join(os.path.dirname(__file__), "../../docs/man/cloakroom.conf.5")
    with open(page, encoding="utf-8") as text:
        contains(text.read(), plain("config", "--man", "--dev").out)


if __name__ == "__main__":
    main()
