#!/usr/bin/env python3
"""The events of src/outbox/event.c, those the services emit, and docs/events.md are the same."""
import re
import sys
from pathlib import Path

import event_docs
import json_schema

ROOT = Path(__file__).resolve().parents[2]


def listed():
    table = (ROOT / "src/outbox/event.c").read_text().split("types[] = {")[1].split("};")[0]
    return re.findall(r'STR_INIT\("([\w.]+)"\)', table)


def emitted():
    for path in sorted((ROOT / "src/service").glob("*.c")):
        for call in re.findall(r"outbox_append_event\(([^;]*);", path.read_text()):
            for name in re.findall(r'STR\("([a-z_]+\.[a-z_]+)"\)', call):
                yield path.name, name


def problems():
    types = listed()
    envelope, documented = event_docs.schemas()
    for name in sorted(set(types) ^ set(documented)):
        yield f"{name}: is in only one of src/outbox/event.c and docs/events.md"
    for path, name in emitted():
        if name not in types:
            yield f"src/service/{path}: {name} is not in src/outbox/event.c and docs/events.md"
    example = event_docs.example()
    yield from json_schema.errors(example, envelope, envelope)
    schema = documented[example["type"]]
    yield from json_schema.errors(example["data"], schema, schema)
    for name, schema in documented.items():
        wrong = list(json_schema.errors({"user_id": "ada@example.com"}, schema, schema))
        if not any("uuid" in sentence for sentence in wrong):
            yield f"{name}: its schema takes anything for user_id"


def main():
    found = list(problems())
    print(f"{'not ok' if found else 'ok'} events: {__doc__}")
    for sentence in found:
        print("    " + sentence)
    print(f"{0 if found else 1} passed, {1 if found else 0} failed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
