#!/usr/bin/env python3
"""Write text files as a C array of struct embedded_text (src/outbox/templates.h).

usage: embed_text.py ARRAY OUTPUT.c ROOT INPUT...

An entry's name is its path below ROOT.
"""
import pathlib
import sys


def c_bytes(data):
    """Bytes as initialisers, with the NUL: a string literal may not be this long."""
    values = [str(b) for b in data] + ["0"]
    lines = (", ".join(values[i : i + 20]) for i in range(0, len(values), 20))
    return ",\n\t".join(lines)


def main():
    array, output, root, *inputs = sys.argv[1:]
    texts, rows = [], []
    for i, path in enumerate(sorted(map(pathlib.Path, inputs))):
        name = path.resolve().relative_to(pathlib.Path(root).resolve()).as_posix()
        texts.append(
            f"static const unsigned char text_{i}[] = {{\n\t{c_bytes(path.read_bytes())},\n}};\n"
        )
        rows.append(f'\t{{ STR_INIT("{name}"), text_{i}, sizeof(text_{i}) - 1 }},\n')
    pathlib.Path(output).write_text(
        '#include "outbox/templates.h"\n\n'
        + "\n".join(texts)
        + f"\nconst struct embedded_text {array}[] = {{\n{''.join(rows)}}};\n"
        + f"const size_t {array}_count = ARRAY_LEN({array});\n"
    )


main()
