"""How hard the families of ``qnnt generate family`` are: CPU seconds of the reference solver by size.

    python scripts/hardness.py --limit 10 --seeds 3

Sizes rise until an instance takes more than the limit. Each line is the kind of instances of a family, each
entry the median over the seeds. The last size and what did not end in time are what a developer of a solver
may start from: ``qnnt generate family NAME --hardness 60`` looks for a size itself.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from statistics import median

from qnnt.generate.family import FAMILIES, made
from qnnt.generate.reference import SOLVER, Reference

SIZES = (12, 24, 36, 48, 60, 72, 96, 120, 192, 240, 384, 480)  # multiples of 3, which balanced formulas need


def seconds_of(name: str, size: int, seeds: int, reference: Reference) -> dict[str, float]:
    """The median seconds of each kind of instances; infinity stands for more than the limit."""
    found: dict[str, list[float]] = {}
    for seed in range(seeds):
        for each in made(name, size, seed):
            line = reference.line(each.name, each.instance, each.answer)
            kind = each.member.label if each.member.by.startswith(("planted", "weights", "disjoint")) else ""
            kind = f"{name} {kind or 'any answer'}"
            found.setdefault(kind, []).append(line["seconds"] if line["solved"] else math.inf)
    return {kind: median(each) for kind, each in found.items()}


def table(sizes: list[int], rows: dict[str, dict[int, float]], limit: float) -> Iterator[str]:
    """The lines of a table in Markdown."""
    yield f"| | {' | '.join(map(str, sizes))} |"
    yield f"|---|{'---:|' * len(sizes)}"
    for kind, times in rows.items():
        shown = ["" if s not in times else _shown(times[s], limit) for s in sizes]
        yield f"| {kind} | {' | '.join(shown)} |"


def _shown(seconds: float, limit: float) -> str:
    return f"> {limit:g}" if math.isinf(seconds) else f"{seconds:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", default=",".join(FAMILIES), help="names, with commas between")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="sizes, in rising order")
    parser.add_argument("--seeds", type=int, default=1, help="instances of each size")
    parser.add_argument("--limit", type=float, default=10.0, help="CPU seconds for each instance")
    options = parser.parse_args()
    sizes, reference = [int(size) for size in options.sizes.split(",")], Reference(options.limit)
    rows: dict[str, dict[int, float]] = {}
    for name in options.families.split(","):
        for size in sizes:
            found = seconds_of(name, size, options.seeds, reference)
            for kind, seconds in found.items():
                rows.setdefault(kind, {})[size] = seconds
                print(f"{kind}, size {size}: {_shown(seconds, options.limit)} s", file=sys.stderr, flush=True)
            if max(found.values()) > options.limit:
                break
    print(f"{SOLVER} ({reference.version}), CPU seconds, median of {options.seeds}:\n")
    print("\n".join(table(sizes, rows, options.limit)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
