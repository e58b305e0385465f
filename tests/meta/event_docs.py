"""Reads docs/events.md: the envelope's schema, and the schema of each event's data."""
import json
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/events.md"


def _block(text):
    found = re.search(r"^```json\n(.*?)^```$", text, re.S | re.M)
    assert found, "no schema in: " + text[:60]
    return json.loads(found.group(1))


def schemas():
    """(the envelope's schema, {type: the schema of its data})."""
    text = PAGE.read_text(encoding="utf-8")
    _, envelope = text.split("\n## The envelope\n")
    head, *events = re.split(r"^### (.+)\n", envelope, flags=re.M)
    return _block(head), {name: _block(body) for name, body in zip(events[::2], events[1::2])}


def example():
    """The one the page shows."""
    line = next(x for x in PAGE.read_text(encoding="utf-8").splitlines() if x.startswith('{"type"'))
    return json.loads(line)
