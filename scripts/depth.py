"""Deep narrow dense networks: the treewidth backend beside a SAT solver as the depth grows.

No network of the widths tried computes the labels, at any depth. The layers' states repeat after a few
layers, so the dynamic program's time stops growing.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import product

from measuring import ended, uncut

import qnnt


def parity(d: int) -> qnnt.Dataset:
    """All pairs over Z_d; the label is 1 iff their sum is odd (exclusive or, for d = 2)."""
    domain = qnnt.Domain(d)
    inputs = list(product(range(domain.lo, domain.hi + 1), repeat=2))
    return qnnt.Dataset(inputs, [[sum(x) % 2] for x in inputs])


def shown(d: int, width: int, depth: int, backend: str, limit: float) -> str:
    """The verdict of a backend and its seconds."""
    architecture = qnnt.Architecture.dense([2, *[width] * depth, 1])
    instance = qnnt.Instance(qnnt.Domain(d), architecture, parity(d))
    start = time.perf_counter()
    result = uncut(qnnt.solve(instance, backend=backend, limits=qnnt.Limits(time=limit)))
    return f"{result.status} {time.perf_counter() - start:8.3f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backends", default="treewidth,sat:cadical195")
    parser.add_argument("--depths", default="4,8,16,32,64")
    parser.add_argument("--deep", type=int, default=1000, help="depth for the first backend alone")
    parser.add_argument("--time-limit", type=float, default=60.0, metavar="S")
    parser.add_argument("--all", action="store_true", help="every family at every depth, not only the last")
    args = parser.parse_args()
    backends = args.backends.split(",")
    for backend in backends:  # workers start before the clock
        shown(2, 1, 1, backend, args.time_limit)
    families = [("exclusive or, d = 2", 2, 3), ("parity, d = 3", 3, 2), ("parity, d = 3", 3, 3)]
    print(f"{'labels':<22} {'width':>5} {'depth':>5}  " + "  ".join(f"{b:<26}" for b in backends))
    for name, d, width in families:
        depths = [int(n) for n in args.depths.split(",")] if args.all or (d, width) == (3, 3) else []
        for depth in [*depths, args.deep]:
            asked = backends if depth != args.deep else backends[:1]
            cells = "  ".join(f"{shown(d, width, depth, b, args.time_limit):<26}" for b in asked)
            print(f"{name:<22} {width:>5} {depth:>5}  {cells}", flush=True)


if __name__ == "__main__":
    sys.exit(ended(main))
