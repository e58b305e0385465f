#!/usr/bin/env python3
"""Rules about the source that no compiler keeps: each check prints what breaks it and counts."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ["base", "rt", "crypto", "net", "store", "kv", "outbox", "service", "api", "http", "main"]
FILE_MAX_LINES = 800
FUNCTION_MAX_LINES = 70

# A vendor's headers may be included only in these folders (DESIGN: dependencies).
VENDORS = {
    r"ev\.h": {"rt", "http"},
    r"openssl/.*": {"crypto", "net"},
    r"argon2\.h|crypt\.h": {"crypto"},
    r"sqlite3\.h|libpq-fe\.h": {"store"},
    r"jansson\.h": {"base"},
    r"hiredis/.*": {"kv"},
    r"curl/.*": {"net"},
    r"phonenumbers/.*|idn2\.h|zxcvbn\.h|uni(case|norm|str|ctype)\.h": {"service"},
}

# Words that mark work as unfinished, put together here so that this file does not hold them.
UNFINISHED = re.compile("|".join([r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bHA" + r"CK\b"]))

# Calls with a better one of ours; banned.h cannot poison names that system headers use.
BANNED_CALLS = re.compile(r"\b(rand|srand|system|popen|alloca|usleep)\s*\(")
TIME_CALLS = re.compile(r"\b(time|clock_gettime|gettimeofday|getrandom)\s*\(")
# What may be compared with memcmp() in crypto and service: bytes that are no secret.
PUBLIC_BYTES = r"network|operation|country"
TIME_HOMES = {"src/base/clock.c"}


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, check=True,
                         capture_output=True, text=True).stdout
    return [ROOT / name for name in out.split("\0") if name and (ROOT / name).is_file()]


def name_of(path):
    return str(path.relative_to(ROOT))


def source_files():
    return tracked("src/*.c", "src/*.h", "src/*.cc")


def without_comments(text):
    return re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def check_layers():
    """A folder includes only what stands left of it, and vendors' headers only where they belong."""
    for path in source_files():
        folder = path.relative_to(ROOT / "src").parts[0]
        for line in path.read_text().splitlines():
            own = re.match(r'#include "([a-z0-9]+)/', line)
            vendor = re.match(r"#include <(.+)>", line)
            if own and own.group(1) in FOLDERS and \
                    FOLDERS.index(own.group(1)) > FOLDERS.index(folder):
                yield f"{name_of(path)}: {line} points right"
            if own and own.group(1) not in FOLDERS:
                yield f"{name_of(path)}: {line} is not written from src/"
            for pattern, homes in VENDORS.items():
                if vendor and re.fullmatch(pattern, vendor.group(1)) and folder not in homes:
                    yield f"{name_of(path)}: {line} belongs to {', '.join(sorted(homes))}"


def check_private_headers():
    """A _priv.h is for its own folder."""
    for path in source_files():
        folder = path.relative_to(ROOT / "src").parts[0]
        for target in re.findall(r'#include "([a-z]+)/\w+_priv\.h"', path.read_text()):
            if target != folder:
                yield f"{name_of(path)}: includes a private header of {target}"


def check_file_size():
    """No file over the cap."""
    for path in source_files() + tracked("tests/*.c", "tests/*.py", "bench/*.c", "tools/*.py"):
        lines = path.read_text().count("\n")
        if lines > FILE_MAX_LINES:
            yield f"{name_of(path)}: {lines} lines"


def check_function_size():
    """A function fits a screen."""
    for path in source_files():
        start = None
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line == "{":
                start = number
            elif line == "}" and start:
                if number - start - 1 > FUNCTION_MAX_LINES:
                    yield f"{name_of(path)}:{start}: {number - start - 1} lines"
                start = None


DECLARATION = re.compile(
    r"^(?!typedef|struct \w+;|static|extern \"C\"|#|\}|return)"
    r"[A-Za-z_][\w \*]*?\b(\w+)\([^;{]*\)[^;{]*;", re.M)


def check_comments():
    """Every function a public header declares is named in a comment, by itself or its group."""
    for path in tracked("src/*.h"):
        text = path.read_text()
        comments = " ".join(re.findall(r"/\*.*?\*/", text, flags=re.S))
        plain = without_comments(text)
        for match in DECLARATION.finditer(plain):
            before = text[:match.start()].rstrip()
            commented = before.endswith("*/") or f"{match.group(1)}()" in comments
            # One comment may stand over a run of declarations without a blank line between.
            run = text[:match.start()].rsplit("\n\n", 1)[-1]
            if not commented and "*/" not in run:
                yield f"{name_of(path)}: {match.group(1)}() has no comment"


def check_unfinished():
    """Nothing says it will be finished later."""
    for path in tracked("src", "tests", "script", "docs", "bench", "tools", "*.md"):
        if path.suffix in {".json", ".png", ".svg"} or "corpus" in path.parts:
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if UNFINISHED.search(line):
                yield f"{name_of(path)}:{number}: {line.strip()}"


def check_banned_calls():
    """Time and randomness come from base/clock.h; some calls are never right here."""
    for path in tracked("src/*.c"):
        text = without_comments(path.read_text())
        for number, line in enumerate(text.splitlines(), 1):
            if BANNED_CALLS.search(line):
                yield f"{name_of(path)}:{number}: {line.strip()}"
            if TIME_CALLS.search(line) and name_of(path) not in TIME_HOMES:
                yield f"{name_of(path)}:{number}: {line.strip()}"


def check_secret_compare():
    """No variable-time comparison where secrets are handled."""
    for path in tracked("src/crypto/*.c", "src/service/*.c"):
        text = without_comments(path.read_text())
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(r"\bmemcmp\s*\(", line) and not re.search(PUBLIC_BYTES, line):
                yield f"{name_of(path)}:{number}: {line.strip()}"


def check_documents():
    """Paths that the documents name exist."""
    for path in tracked("*.md", "docs/*.md", "docs/adr/*.md"):
        text = path.read_text()
        for named in re.findall(r"`((?:src|tests|docs|script|bench|data|templates|tools)/[\w./-]+)`", text):
            if not (ROOT / named.rstrip("/")).exists():
                yield f"{name_of(path)}: {named} does not exist"
        if path.name == "ARCHITECTURE.md":
            if text.count("\n") > 200:
                yield f"{name_of(path)}: {text.count(chr(10))} lines, at most 200"
            for named in re.findall(r"`((?:%s)/\w+\.[ch]c?)`" % "|".join(FOLDERS), text):
                if not (ROOT / "src" / named).exists():
                    yield f"{name_of(path)}: src/{named} does not exist"
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text):
            if not (path.parent / target).exists():
                yield f"{name_of(path)}: link to {target} leads nowhere"


def check_migrations():
    """Both databases have the same migrations, all of them built in; PostgreSQL's say for whom."""
    folder = ROOT / "src/store/sql"
    sqlite, postgresql = ({p.name for p in tracked(f"src/store/sql/{name}/*.sql")}
                          for name in ("sqlite", "postgresql"))
    for name in sorted(sqlite ^ postgresql):
        yield f"{name} is there for one database only"
    for path in tracked("src/store/sql/*/*.sql"):
        dialect = path.parent.name
        if f"'sql/{dialect}/{path.name}'" not in (folder.parent / "meson.build").read_text():
            yield f"{name_of(path)} is not built in (src/store/meson.build)"
        if dialect == "postgresql" and not re.match(r"-- oldest: \d+\n", path.read_text()):
            yield f"{name_of(path)} does not begin with \"-- oldest: N\" (src/store/migrate.h)"


def check_machine_paths():
    """Nothing names the machine it was written on."""
    pattern = re.compile(r"(^|[^\w.-])/(work|home|root)/")
    for path in tracked("."):
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if path == Path(__file__).resolve():
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                yield f"{name_of(path)}:{number}: {line.strip()[:100]}"


CHECKS = [
    check_layers, check_private_headers, check_file_size, check_function_size, check_comments,
    check_unfinished, check_banned_calls, check_secret_compare, check_documents,
    check_migrations, check_machine_paths,
]


def main():
    failed = 0
    for check in CHECKS:
        problems = list(check())
        print(f"{'not ok' if problems else 'ok'} {check.__name__[6:]}: {check.__doc__}")
        for problem in problems:
            print(f"    {problem}")
        failed += bool(problems)
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
