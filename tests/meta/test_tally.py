#!/usr/bin/env python3
"""The tally behind script/test's last line: a failure must never be counted as anything else."""

import importlib.util
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
_PATH = pathlib.Path(__file__).resolve().parents[2] / "tools/tally.py"
_SPEC = importlib.util.spec_from_file_location("tally", _PATH)
tally = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tally)


def count(result, *lines):
    return tally.tally({"name": "x", "result": result, "stdout": "\n".join(lines)})


class Tally(unittest.TestCase):
    def test_cases_are_counted_one_by_one(self):
        self.assertEqual(count("OK", "1..3", "ok 1 - a", "ok 2 - b", "ok 3 # SKIP c"), (2, 0, 1))
        self.assertEqual(count("OK", "ok   login: a", "skip login: b", "ok - c"), (2, 0, 1))
        self.assertEqual(count("OK", "ok 1 - a", "not ok 2 # SKIP b"), (1, 0, 1))
        self.assertEqual(count("FAIL", "ok 1 - a", "not ok 2 - b"), (1, 1, 0))
        self.assertEqual(count("FAIL", "FAIL login: a", "ok   login: b"), (1, 1, 0))

    def test_a_program_that_prints_no_cases_is_one(self):
        self.assertEqual(count("OK", "hello"), (1, 0, 0))
        self.assertEqual(count("FAIL", "hello"), (0, 1, 0))
        self.assertEqual(count("SKIP"), (0, 0, 1))

    def test_dying_between_two_cases_is_a_failure(self):
        for result in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"):
            self.assertEqual(count(result, "ok 1 - a"), (1, 1, 0), result)

    def test_words_that_begin_like_a_verdict_are_none(self):
        self.assertEqual(count("OK", "okay", "failure", "skipping", "oklahoma: x"), (1, 0, 0))


if __name__ == "__main__":
    unittest.main()
