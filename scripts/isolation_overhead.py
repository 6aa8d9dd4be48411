"""What a process of its own costs: the same tiny instance solved in this process and in a warm worker."""

from __future__ import annotations

import argparse
import statistics
import sys
import time

from measuring import ended, uncut

import qnnt


def seconds(backend: str, repeat: int, *, isolate: bool) -> list[float]:
    """Wall seconds of each solve of XOR on two hidden neurons, after one that is not counted."""
    instance = qnnt.Instance(
        qnnt.Domain(3),
        qnnt.Architecture.dense([2, 2, 1]),
        qnnt.Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]),
    )
    taken = []
    for _ in range(repeat + 1):
        start = time.perf_counter()
        uncut(qnnt.solve(instance, backend=backend, isolate=isolate))
        taken.append(time.perf_counter() - start)
    return taken[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backends", default="enumeration,sat,maxsat,cpsat")
    parser.add_argument("--repeat", type=int, default=100)
    args = parser.parse_args()
    print(f"{'backend':<14} {'in process':>12} {'isolated':>12} {'added':>10}   (medians, ms)")
    for backend in args.backends.split(","):
        own = statistics.median(seconds(backend, args.repeat, isolate=False)) * 1e3
        apart = statistics.median(seconds(backend, args.repeat, isolate=True)) * 1e3
        print(f"{backend:<14} {own:>12.2f} {apart:>12.2f} {apart - own:>10.2f}")


if __name__ == "__main__":
    sys.exit(ended(main))
