"""The two engines in one picture: an SVG without a plotting library."""

import math

WIDTH, HEIGHT = 820, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 520, 56, 360  # of the curves
BARS = 590  # where the bars begin
COLOURS = {"v1": "#b4540a", "v2": "#0b62a4"}
NAMES = {"v1": "v1, worker threads", "v2": "v2, coroutines"}
STYLE = """text{font:13px system-ui,sans-serif;fill:#24292f}
.small{font-size:11px;fill:#57606a}.title{font-weight:600}
.grid{stroke:#d0d7de;stroke-width:1}.axis{stroke:#57606a;stroke-width:1}"""


class Scale:
    """A logarithmic axis."""

    def __init__(self, low, high, start, end):
        self.low, self.high = math.log10(low), math.log10(high)
        self.start, self.end = start, end

    def __call__(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">{words}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" class="{kind}"/>'


def ticks(low, high):
    """1, 2, 5, 10, … between low and high."""
    steps = (m * 10 ** e for e in range(0, 6) for m in (1, 2, 5))
    return [step for step in steps if low <= step <= high]


def curves_svg(curves, delay_ms):
    points = [point for curve in curves.values() for point in curve]
    x = Scale(min(n for n, _ in points), max(n for n, _ in points), LEFT, RIGHT)
    y = Scale(min(10, delay_ms), max(p for _, p in points) * 1.1, BOTTOM, TOP)
    out = [text(LEFT, 24, f"p99 of me/ with a store that takes {delay_ms} ms a call", "title"),
           text(LEFT, 42, "ms", "small"),
           text(RIGHT, BOTTOM + 38, "requests in flight", "small", "end")]
    for n in ticks(10 ** x.low, 10 ** x.high):
        out += [line(x(n), TOP, x(n), BOTTOM, "grid"),
                text(x(n), BOTTOM + 18, f"{n:,}", "small", "middle")]
    for p in ticks(10 ** y.low, 10 ** y.high):
        out += [line(LEFT, y(p), RIGHT, y(p), "grid"),
                text(LEFT - 8, y(p) + 4, f"{p:,}", "small", "end")]
    for engine, curve in curves.items():
        path = " ".join(f"{x(n)},{y(p)}" for n, p in curve)
        out.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[engine]}" '
                   'stroke-width="2"/>')
        out += [f'<circle cx="{x(n)}" cy="{y(p)}" r="3" fill="{COLOURS[engine]}"/>'
                for n, p in curve]
    return out


def bars_svg(memory):
    width = WIDTH - BARS - 24
    out = [text(BARS, 24, "memory of one in flight", "title")]
    for i, (engine, kib) in enumerate(memory.items()):
        top = TOP + 24 + i * 80
        long = max(2.0, round(width * kib / max(memory.values()), 1))
        out += [text(BARS, top - 8, NAMES[engine]),
                f'<rect x="{BARS}" y="{top}" width="{long}" height="22" '
                f'fill="{COLOURS[engine]}"/>',
                text(BARS, top + 38, f"{kib:.3g} KiB", "small")]
    return out


def write_plot(path, curves, memory, delay_ms):
    """Write the picture to @path."""
    parts = curves_svg(curves, delay_ms) + bars_svg(memory)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="The two engines compared">\n<style>{STYLE}</style>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n'
        + "\n".join(parts) + "\n</svg>\n", encoding="utf-8")
