"""Secrets a test used, and the places where none of them may turn up again."""
import base64
import os
import re


def _fragments(value):
    """What base64 of any longer text around `value` must contain: three alignments."""
    for pad in range(3):
        coded = base64.b64encode(b"\0" * pad + value)
        begin = -(-pad * 8 // 6)
        end = len(value + b"\0" * pad) * 8 // 6
        yield coded[begin:end]


def _spellings(value):
    """The same bytes plainly, in hexadecimal, and in both alphabets of base64."""
    yield value
    yield value.hex().encode()
    yield value.hex().upper().encode()
    for piece in _fragments(value):
        if len(piece) >= _WINDOW:
            yield piece
            yield piece.replace(b"+", b"-").replace(b"/", b"_")


_WINDOW = 8
_RUN = re.compile(rb"[ -~]{%d,}" % _WINDOW)


class Canary:
    """Collects secrets while a server runs; searches its log and its database for them."""

    def __init__(self):
        self.secrets = {}
        self.binary = {}

    def add(self, kind, value):
        """Remember `value`; shorter than a window is no evidence and left out."""
        raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        if len(raw) >= _WINDOW:
            self.secrets.setdefault(raw, kind)

    def add_bytes(self, kind, value):
        """Remember bytes that are no text."""
        self.binary[value] = kind

    def _search(self, where, content, spell):
        """One pass, however many secrets: every window of a printable run is looked up in a table.

        Most of a database is sealed or repeats itself; what has been looked at is not looked at
        again.
        """
        table, found, seen = {}, set(), set()
        for value, kind in self.secrets.items():
            for form in spell(value):
                table.setdefault(form[:_WINDOW], []).append((form, value, kind))
        for match in _RUN.finditer(content):
            run = match.group()
            if run in seen:
                continue
            seen.add(run)
            for i in range(len(run) - _WINDOW + 1):
                for form, value, kind in table.get(run[i:i + _WINDOW], ()):
                    if content.startswith(form, match.start() + i):
                        found.add("%s in the %s: %r…" % (kind, where, value[:6]))
        for value, kind in self.binary.items():
            if value in content:
                found.add("%s in the %s: %s…" % (kind, where, value[:4].hex()))
        return sorted(found)

    def search_log(self, content):
        return self._search("log", content, lambda value: (value,))

    def search_dump(self, content):
        """All rows as text, bytes in hexadecimal."""
        return self._search("database", content, _spellings)

    def search_database(self, path):
        """The file, its write-ahead log and whatever else lies beside it."""
        found = []
        for suffix in ("", "-wal", "-journal"):
            if os.path.exists(path + suffix):
                with open(path + suffix, "rb") as file:
                    found += self._search("database", file.read(), _spellings)
        return found

