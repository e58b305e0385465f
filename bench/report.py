"""Rows of the table, and how they are printed."""

from dataclasses import asdict, dataclass, field


@dataclass
class Row:
    """One line: what was measured, what was asked of it, what came out."""

    what: str
    target: str
    measured: str
    met: bool
    details: dict = field(default_factory=dict)

    def as_dict(self):
        return asdict(self)


def at_most(what, value, limit, unit, details=None):
    """A row whose value must not exceed its limit."""
    return Row(what, f"≤ {limit:g} {unit}", f"{value:.4g} {unit}", value <= limit, details or {})


def at_least(what, value, limit, unit="", details=None):
    """A row whose value must reach its limit."""
    return Row(what, f"≥ {limit:g}{unit}", f"{value:.3g}{unit}", value >= limit, details or {})


def print_table(rows):
    """Print the rows as a Markdown table with aligned columns."""
    lines = [("what", "target", "measured", "met?")]
    lines += [(r.what, r.target, r.measured, "yes" if r.met else "NO") for r in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(4)]
    lines.insert(1, tuple("-" * width for width in widths))
    for line in lines:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
