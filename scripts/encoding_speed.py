"""How long a formula takes from a parsed instance to a loaded solver, and where that time goes.

Planted instances; the baseline is what PySAT needs to take the same clauses as Python lists
(``Solver(bootstrap_with=…)``), without any encoding. ``--solve S`` also solves, for at most S seconds.
"""

from __future__ import annotations

import argparse
import statistics
import time

from rich.console import Console
from rich.table import Table

import qnnt
from qnnt.backends.sat import SatBackend, load
from qnnt.dataset import Dataset
from qnnt.encoders.clauses import ClauseEncoder
from qnnt.generate.teacher import teacher_instance


def measure(instance: qnnt.Instance, solver: str, repeat: int) -> dict[str, float]:
    """Medians over some runs, in seconds, and the sizes of the formula."""
    from pysat.solvers import Solver

    seconds: dict[str, list[float]] = {"encode": [], "load": [], "baseline": []}
    for _ in range(repeat):
        old = instance.dataset
        fresh = Dataset(old.inputs, old.labels, old.counts)  # forget what was grouped before
        instance = qnnt.Instance(instance.domain, instance.architecture, fresh, instance.goal)
        start = time.perf_counter()
        formula, _ = ClauseEncoder().apply(instance)
        encoded = time.perf_counter()
        with Solver(name=solver) as ours:
            load(ours, formula.hard)
            loaded = time.perf_counter()
        lists = [clause for block in formula.hard for clause in block.tolist()]
        before = time.perf_counter()
        with Solver(name=solver, bootstrap_with=lists):
            seconds["baseline"].append(time.perf_counter() - before)
        seconds["encode"].append(encoded - start)
        seconds["load"].append(loaded - encoded)
    return {**{k: statistics.median(v) for k, v in seconds.items()}, **formula.sizes()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--d", type=int, default=5)
    parser.add_argument("--layers", default="6,4,2")
    parser.add_argument("--points", default="40,100,400,1000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--solver", default=SatBackend().solver)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--solve", type=float, default=0.0, metavar="S")
    args = parser.parse_args()
    layers = [int(n) for n in args.layers.split(",")]
    measure(teacher_instance(3, [2, 1], 3), args.solver, 1)  # imports are no part of it
    table = Table(title=f"planted d={args.d} {args.layers}, sat:{args.solver}, medians of {args.repeat}")
    for name in (
        "points",
        "variables",
        "clauses",
        "encode s",
        "load s",
        "total s",
        "baseline s",
        "ratio",
        "solve",
    ):
        table.add_column(name, justify="right")
    for points in map(int, args.points.split(",")):
        instance = teacher_instance(args.d, layers, points, 0.0, args.seed)
        m = measure(instance, args.solver, args.repeat)
        total = m["encode"] + m["load"]
        row = [str(points), f"{m['variables']:,}", f"{m['clauses']:,}"]
        row += [f"{x:.3f}" for x in (m["encode"], m["load"], total, m["baseline"])] + [
            f"{total / m['baseline']:.2f}"
        ]
        solved = "-"
        if args.solve:
            limits = qnnt.Limits(time=args.solve)
            result = qnnt.solve(instance, backend=f"sat:{args.solver}", limits=limits)
            solved = f"{result.status} {result.statistics.seconds['solve']:.1f} s"
        table.add_row(*row, solved)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
