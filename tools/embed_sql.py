#!/usr/bin/env python3
"""Write migrations (NNNN_name.sql) as a C array of struct migration (src/store/db.h).

usage: embed_sql.py ARRAY OUTPUT.c INPUT.sql...
"""
import hashlib
import pathlib
import re
import sys


def c_bytes(data):
    """Bytes as initialisers, with the NUL: a string literal may not be this long."""
    values = [str(b) for b in data] + ["0"]
    lines = (", ".join(values[i : i + 20]) for i in range(0, len(values), 20))
    return ",\n\t".join(lines)


def main():
    array, output, *inputs = sys.argv[1:]
    texts, rows, last = [], [], 0
    for path in sorted(map(pathlib.Path, inputs), key=lambda p: p.name):
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", path.name)
        if not match or int(match[1]) <= last:
            sys.exit(f"{path}: migrations are NNNN_name.sql, each number once")
        last = int(match[1])
        data = path.read_bytes()
        oldest = re.match(rb"-- oldest: (\d+)\n", data)
        if not data.isascii() or b"\0" in data:
            sys.exit(f"{path}: ASCII only")
        texts.append(f"static const char sql_{match[1]}[] = {{\n\t{c_bytes(data)},\n}};\n")
        rows.append(
            f"\t{{ {int(match[1])}, STR_INIT(\"{match[2]}\"),\n"
            f"\t  STR_INIT(\"{hashlib.sha256(data).hexdigest()}\"), {int(oldest[1]) if oldest else 0},\n"
            f"\t  {{ sql_{match[1]}, sizeof(sql_{match[1]}) - 1 }} }},\n"
        )
    pathlib.Path(output).write_text(
        '#include "base/defs.h"\n#include "store/db.h"\n\n'
        f"extern const struct migration {array}[];\nextern const size_t {array}_count;\n\n"
        + "\n".join(texts)
        + f"\nconst struct migration {array}[] = {{\n{''.join(rows)}}};\n"
        + f"const size_t {array}_count = ARRAY_LEN({array});\n"
    )


main()
