"""Cases: each runs on v1, v2 and the legacy routes, and all three must leave the same traces.

    @case("login: a wrong password is refused", login_failures="3/15min")
    def _(t):
        ...

Settings name what the case needs beside lib/server.py's DEFAULTS; cases with equal settings share
a server. `@once` is for what has no engine: documents, framing, counters all mounts share.
"""
import argparse
import os
import sys
import time
import traceback

from .compare import difference
from .contract import Contract, Coverage
from .server import Server
from .trial import Failed, Skipped, Trial

MOUNTS = ("v1", "v2", "legacy")
_ENGINE = {"v1": "sync", "v2": "async", "legacy": "sync"}

# Full counts, as script/prove asks for them.
PROVE = "1" in (os.environ.get("PROVE"), os.environ.get("CLOAKROOM_TEST_FULL"))
coverage = Coverage()


def say(verdict, title, text=""):
    """One TAP line, with what there is to say about it below."""
    skip = " # SKIP " + text if verdict == "skip" else ""
    print("%s - %s%s" % ("not ok" if verdict == "FAIL" else "ok", title, skip), flush=True)
    if text and not skip:
        print("#    " + text.replace("\n", "\n#    "), flush=True)


class _Case:
    def __init__(self, title, body, settings, mounts):
        self.title = title
        self.body = body
        self.settings = settings
        self.mounts = mounts


class Suite:
    """The cases of one file."""

    def __init__(self, name):
        self.name = os.path.splitext(os.path.basename(name))[0]
        self.cases = []

    def case(self, title, **settings):
        return lambda body: self.cases.append(_Case(title, body, settings, MOUNTS)) or body

    def once(self, title, **settings):
        return lambda body: self.cases.append(_Case(title, body, settings, ("v1",))) or body

    def run(self, build, wanted=()):
        """Run all (or those whose title holds one of `wanted`); returns how many failed."""
        counts = {"ok": 0, "FAIL": 0, "skip": 0}
        servers = _Servers(build)
        began = time.monotonic()
        for case in self.cases:
            if wanted and not any(word in case.title for word in wanted):
                continue
            since = time.monotonic()
            verdict, text = _run_case(case, servers)
            counts[verdict] += 1
            if os.environ.get("TIMES"):
                print("# %.2f s" % (time.monotonic() - since))
            say(verdict, "%s: %s" % (self.name, case.title), text)
        for sentence in servers.finish():
            counts["FAIL"] += 1
            say("FAIL", "%s: at the end" % self.name, sentence)
        print("# %s: %d passed, %d failed, %d skipped (%.1f s)" % (
            self.name, *counts.values(), time.monotonic() - began), flush=True)
        return counts

    def main(self):
        """When a file is run by itself."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--build", default="build")
        parser.add_argument("words", nargs="*", help="only cases whose title holds one of these")
        options = parser.parse_args()
        counts = self.run(options.build, options.words)
        print("%d passed, %d failed, %d skipped" % tuple(counts.values()))
        sys.exit(1 if counts["FAIL"] else 0)


class _Servers:
    """One server for each set of settings, until the file ends."""

    def __init__(self, build):
        self.build = build
        self.running = {}

    def get(self, settings):
        key = tuple(sorted(settings.items()))
        if key not in self.running:
            server = Server(self.build, settings)
            server.start()
            trial = Trial(server, "v1", {}, None)
            contracts = {v: Contract(trial.client.get("/api/%s/schema/" % v).json)
                         for v in ("v1", "v2")}
            trial.close()
            if server.settings.get("errors_style") is None:
                for contract in contracts.values():
                    coverage.want(contract)
            self.running[key] = (server, contracts)
        return self.running[key]

    def drop(self, settings):
        """A case has left its server in no state to go on."""
        server, _ = self.running.pop(tuple(sorted(settings.items())))
        server.remove()

    def finish(self):
        problems = []
        for settings, (server, _) in self.running.items():
            name = ", ".join("%s=%s" % item for item in settings) or "default settings"
            problems += ["%s: %s" % (name, p) for p in server.finish()]
            server.remove()
        self.running = {}
        return problems


def _run_mount(case, servers, mount):
    server, contracts = servers.get(case.settings)
    trial = Trial(server, mount, contracts, coverage)
    mark = trial.trail.mark()
    operations = {operation.name for operation in contracts["v1"].operations}
    try:
        case.body(trial)
        return {
            "replies": trial.replies,
            "audit": trial.trail.audit(mark),
            "outbox": trial.trail.outbox(mark),
            "engines": trial.trail.engines(mark, operations),
        }
    finally:
        trial.close()


def _compare(traces):
    for mount, trace in traces.items():
        if trace["engines"] - {_ENGINE[mount]}:
            raise Failed("%s wrote audit rows of engine %s" % (mount, trace["engines"]))
    first = traces["v1"]
    for mount in ("v2", "legacy"):
        for what in ("replies", "audit", "outbox"):
            found = difference(first[what], traces[mount][what])
            if found:
                raise Failed("%s differ between v1 and %s: %s" % (what, mount, found))


def _run_case(case, servers):
    traces, mount = {}, None
    try:
        for mount in case.mounts:
            traces[mount] = _run_mount(case, servers, mount)
        if len(case.mounts) > 1:
            _compare(traces)
        return "ok", ""
    except Skipped as reason:
        return "skip", str(reason)
    except Failed as reason:
        return "FAIL", "on %s: %s" % (mount, reason)
    except Exception:  # a broken case, or a server that is gone: say where, go on with the next
        text = "on %s: %s" % (mount, traceback.format_exc(limit=-4))
        _drop_if_dead(case, servers)
        return "FAIL", text


def _drop_if_dead(case, servers):
    found = servers.running.get(tuple(sorted(case.settings.items())))
    if found and (found[0].process is None or found[0].process.poll() is not None):
        tail = found[0].read_log()[-2000:].decode("utf-8", "replace")
        print("# the server is gone; its last words:\n# " + tail.replace("\n", "\n# "), flush=True)
        servers.drop(case.settings)
