#!/usr/bin/python3
"""Writes a C file that builds other files into the program, as a table of struct embedded_file.

The bytes go in through the assembler's .incbin: a C array of a megabyte takes seconds to compile.
An entity tag is part of the C text, so a changed file is a changed C file and is built again.
"""
import argparse
import hashlib
import json
import pathlib
import sys

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
}


def escape(path):
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def minified(path, directory):
    """JSON without its white space, beside the output; other files as they are."""
    if path.suffix != ".json":
        return path
    target = directory / (path.stem + ".min.json")
    value = json.loads(path.read_text(encoding="utf-8"))
    target.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")),
                      encoding="utf-8")
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbol", required=True, help="name of the table")
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--depfile", required=True, type=pathlib.Path)
    parser.add_argument("--hint", default="", help="what to do when a file is missing")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    args = parser.parse_args()

    rows, data = [], []
    for i, path in enumerate(args.files):
        if not path.is_file():
            sys.exit(f"{path} is not there. {args.hint}")
        source = minified(path, args.output.parent).resolve()
        content = source.read_bytes()
        label = f"{args.symbol}_{i}"
        data.append(f'''__asm__(".section .rodata.{label},\\"a\\",@progbits\\n"
	".balign 16\\n"
	".globl {label}\\n"
	".hidden {label}\\n"
	"{label}:\\n"
	".incbin \\"{escape(escape(source))}\\"\\n"
	".byte 0\\n"
	".text\\n");
extern const char {label}[] __attribute__((visibility("hidden")));
''')
        tag = hashlib.sha256(content).hexdigest()[:16]
        rows.append(f'\t{{ "{path.name}", "{CONTENT_TYPES[path.suffix]}", "\\"{tag}\\"", '
                    f'{label}, {len(content)} }},\n')

    args.output.write_text('#include "api/document.h"\n\n' + "\n".join(data) +
                           f"\nconst struct embedded_file {args.symbol}[] = {{\n" +
                           "".join(rows) + "\t{ 0 },\n};\n", encoding="utf-8")
    args.depfile.write_text(f"{args.output}: " + " ".join(str(f) for f in args.files) + "\n",
                            encoding="utf-8")


if __name__ == "__main__":
    main()
