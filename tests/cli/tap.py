"""Cases as plain functions, run in order; one "ok" or "not ok" line each."""
import sys
import traceback

_cases = []


class Skip(Exception):
    """This machine cannot run the case; says why."""


def case(function):
    """Register a case; its name is its title."""
    _cases.append(function)
    return function


def equal(have, want, what=""):
    if have != want:
        raise AssertionError("%s: have %r, want %r" % (what or "value", have, want))


def _short(text):
    return repr(text) if len(text) < 800 else repr(text[:400]) + " … " + repr(text[-400:])


def contains(text, part):
    if part not in text:
        raise AssertionError("no %s in: %s" % (_short(part), _short(text)))


def lacks(text, part):
    if part in text:
        raise AssertionError("%s in: %s" % (_short(part), _short(text)))


def main():
    """Run the cases whose names hold one of the words given after --; exit 1 when one failed."""
    words = sys.argv[2:]
    failed = 0
    for function in _cases:
        title = function.__name__.replace("_", " ")
        if words and not any(word in title for word in words):
            continue
        try:
            function()
            print("ok - " + title, flush=True)
        except Skip as why:
            print("skip %s: %s" % (title, why), flush=True)
        except Exception:  # noqa: BLE001 (whatever it is, the case failed)
            failed += 1
            print("not ok - " + title, flush=True)
            print("    " + traceback.format_exc().replace("\n", "\n    "), flush=True)
    sys.exit(1 if failed else 0)
