#!/usr/bin/env python3
"""Write Redis scripts as C constants of struct redis_script (src/kv/redis.h), with their SHA-1.

usage: embed_lua.py OUTPUT.c INPUT.lua...    limit_admit.lua becomes script_limit_admit
"""
import hashlib
import pathlib
import sys


def c_string(text):
    """One literal a line; comments stay behind."""
    quoted = (line.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + "\\n"
              for line in text.splitlines() if not line.startswith("--"))
    return "\n".join(f'\t"{line}"' for line in quoted)


def main():
    output, *inputs = sys.argv[1:]
    out = '#include "kv/kv_priv.h"\n'
    for path in map(pathlib.Path, inputs):
        lines = path.read_text(encoding="ascii").splitlines()
        text = "".join(line + "\n" for line in lines if not line.startswith("--"))
        sha1 = hashlib.sha1(text.encode()).hexdigest()
        out += (f"\nconst struct redis_script script_{path.stem} = {{\n"
                f"\t.text =\n{c_string(text)},\n\t.sha1 = \"{sha1}\",\n}};\n")
    pathlib.Path(output).write_text(out, encoding="ascii")


main()
