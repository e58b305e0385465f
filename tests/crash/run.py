#!/usr/bin/env python3
"""kill -9 under load, again and again: nothing acknowledged may be lost, nothing half done.

    tests/crash/run.py [--build DIR] [--cycles N]

30 cycles, or 300 with PROVE=1. First the harness shows that it would see a loss: a server that
acknowledges before COMMIT (tests/faults) must be caught."""
import argparse
import os
import random
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "http"))
sys.path.insert(0, HERE)

from ledger import Ledger  # noqa: E402 (the paths come first)
from lib.case import PROVE, say  # noqa: E402
from lib.server import Server  # noqa: E402
from load import Worker  # noqa: E402
from verify import Verifier, database_problems  # noqa: E402

WORKERS = 8
# A crash forfeits the rest of a large limit's leased block, so large ones get short windows; small
# ones are kept exactly, and are part of what must survive.
SETTINGS = {"token_grace": "60s", "log_level": "error", "throttle_burst": "60/min",
            "throttle_address_burst": "1000000/1s", "throttle_sustained": "1000000/1s",
            "otp_sends": "60/min", "otp_attempts": "60/min", "login_failures": "60/min"}
KEEP = 24  # accounts of earlier cycles that are asked about again each time


class Campaign:
    """One server's life and deaths."""

    def __init__(self, server, seed):
        self.server = server
        self.random = random.Random(seed)
        self.ledger = Ledger(os.path.join(server.directory, "ledger"))
        self.accounts = []
        self.problems = []
        self.slowest = 0.0

    def cycle(self):
        """Load, kill, restart, ask."""
        workers = [Worker(self.server, self.ledger, self.random.random()) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        before = self.ledger.n
        deadline = time.monotonic() + 10
        while self.ledger.n == before and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(self.random.uniform(0.01, 0.2))
        self.server.kill()
        for worker in workers:
            worker.join()
            self.problems += worker.problems
        began = time.monotonic()
        self.server.start()
        self.slowest = max(self.slowest, time.monotonic() - began)
        fresh = [account for worker in workers for account in worker.accounts]
        older = self.random.sample(self.accounts, min(KEEP, len(self.accounts)))
        self.verify(fresh + older)
        self.accounts += fresh

    def verify(self, accounts):
        verifiers = [Verifier(self.server, accounts[i::WORKERS]) for i in range(WORKERS)]
        for verifier in verifiers:
            verifier.start()
        for verifier in verifiers:
            verifier.join()
            self.problems += verifier.problems
        self.problems += database_problems(self.server)


def run(build, cycles, program="cloakroom", fault=None, until_loss=False):
    """`cycles` deaths; what was lost and acknowledged, and how long the slowest start took."""
    server = Server(build, SETTINGS, program=program,
                    environment={"TEST_FAULT": fault} if fault else None)
    try:
        server.start()
        campaign = Campaign(server, seed=os.environ.get("SEED", "1"))
        for _ in range(cycles):
            campaign.cycle()
            if campaign.problems and (until_loss or len(campaign.problems) > 20):
                break
        if not campaign.problems:
            campaign.verify(campaign.accounts)
            campaign.problems += server.finish()
        return campaign
    finally:
        server.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    parser.add_argument("--cycles", type=int, default=300 if PROVE else 30)
    options = parser.parse_args()
    counts = {"ok": 0, "FAIL": 0, "skip": 0}

    def verdict(word, title, text=""):
        counts[word] += 1
        say(word, title, text)

    title = "crash: acknowledging before COMMIT is seen as a loss"
    faulty = "tests/faults/cloakroom-faults"
    if os.path.exists(os.path.join(options.build, faulty)):
        found = run(options.build, 12, faulty, "ack_early", until_loss=True).problems
        verdict("ok" if found else "FAIL", title, "\n".join(found[:2]))
    else:
        verdict("skip", title, "the build has no test faults")
    campaign = run(options.build, options.cycles)
    verdict("FAIL" if campaign.problems else "ok",
            "crash: %d times kill -9, %d writes acknowledged, none lost; slowest start %.0f ms" % (
                options.cycles, campaign.ledger.n, campaign.slowest * 1000),
            "\n".join(campaign.problems[:20]))
    print("%d passed, %d failed, %d skipped" % tuple(counts.values()))
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
