#!/usr/bin/env python3
"""Count test cases in a meson test log (testlog.json).

Tests that print TAP lines, or lines that begin with ok, FAIL or skip, count case by case; others
count as one. What failed is shown on stderr with the end of its output. Prints "PASSED FAILED
SKIPPED".
"""

import json
import re
import sys

CASE = re.compile(r"^\s*(ok|not ok|FAIL|skip)\b(.*)$")
TAIL_LINES = 60


def tally(test):
    """Return (passed, failed, skipped) of one test program."""
    passed = failed = skipped = 0
    for line in test.get("stdout", "").splitlines():
        case = CASE.match(line)
        if not case:
            continue
        if case.group(1) == "skip" or "# SKIP" in case.group(2).upper():
            skipped += 1  # cmocka writes "not ok 3 # SKIP name"
        elif case.group(1) in ("not ok", "FAIL"):
            failed += 1
        else:
            passed += 1
    result = test["result"]
    if result == "SKIP" and not passed + failed + skipped:
        skipped = 1
    elif result not in ("OK", "EXPECTEDFAIL", "SKIP") and not failed:
        failed = 1  # it died between two cases, or prints none
    elif result == "OK" and not passed + failed + skipped:
        passed = 1
    return passed, failed, skipped


def show(test):
    """Say what went wrong."""
    print(f"not ok - {test['name']} ({test['result']})", file=sys.stderr)
    for stream in ("stdout", "stderr"):
        for line in test.get(stream, "").splitlines()[-TAIL_LINES:]:
            print("    " + line, file=sys.stderr)


def main():
    totals = [0, 0, 0]
    try:
        with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
            tests = [json.loads(line) for line in log if line.strip()]
    except FileNotFoundError:
        tests = []
    for test in tests:
        counts = tally(test)
        if counts[1]:
            show(test)
        totals = [a + b for a, b in zip(totals, counts)]
    print(*totals)


if __name__ == "__main__":
    main()
