#!/usr/bin/env python3
"""Runs the HTTP suite, file after file, and fails for any route or declared error nobody hit.

    tests/http/run.py [--build DIR] [--redis] [--database sqlite|postgresql|pgbouncer] [PATTERN…]

A pattern is part of a file's name ("otp"). With patterns coverage is not asked for. PROVE=1
runs the full counts; CLOAKROOM_CORPORA names the folder of public corpora. With --redis the servers
keep limits in a Redis of this run's own; without redis-server installed that is skipped."""
import argparse
import importlib
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from lib import database, redis  # noqa: E402 (the path comes first)
from lib.case import coverage, say  # noqa: E402

# Only a machine that fails answers these: a full queue, a store that is away, a mistake of ours.
# The contract suite and tests/crash reach them.
ONLY_BY_FAULTS = {"internal", "unavailable", "overloaded"}
# Whoever proves an identifier for the first time has no sessions yet, so their first one is refused
# for want of room only if something else went wrong.
UNREACHABLE = {("verify_otp", "forbidden")}


def files(patterns):
    names = sorted(n[:-3] for n in os.listdir(HERE) if n.startswith("test_") and n.endswith(".py"))
    return [n for n in names if not patterns or any(p in n for p in patterns)]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    parser.add_argument("--redis", action="store_true")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "pgbouncer"],
                        default="sqlite")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    if options.redis and not redis.start():
        print("ok - all # SKIP there is no redis-server\n0 passed, 0 failed, 1 skipped")
        return 0
    if options.database != "sqlite" and \
            not database.use_postgresql(options.database == "pgbouncer"):
        print("ok - all # SKIP there is no %s\n0 passed, 0 failed, 1 skipped" % options.database)
        return 0
    total = {"ok": 0, "FAIL": 0, "skip": 0}
    for name in files(options.patterns):
        for verdict, n in importlib.import_module(name).suite.run(options.build).items():
            total[verdict] += n
    if not options.patterns:
        for operation, code in sorted(coverage.missing(ONLY_BY_FAULTS) - UNREACHABLE):
            total["FAIL"] += 1
            say("FAIL", "%s answers %s somewhere" % (operation, code))
    print("%d passed, %d failed, %d skipped" % tuple(total.values()))
    return 1 if total["FAIL"] or not total["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
