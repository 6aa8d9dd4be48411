"""How long a formula takes from a parsed instance to a loaded solver, and where that time goes.

Planted instances. The baseline is the same encoder without its sharing of partial sums between inputs: one
tree of sums per neuron and distinct input. ``--solve S`` also solves, for at most S seconds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from unittest.mock import patch

import numpy as np
from measuring import ended, uncut
from rich.console import Console
from rich.table import Table

import qnnt
from qnnt.backends.sat import SatBackend, load
from qnnt.dataset import Dataset
from qnnt.encoders import sums
from qnnt.encoders.clauses import ClauseEncoder
from qnnt.generate.teacher import teacher_instance
from qnnt.models import Formula


def once(instance: qnnt.Instance, solver: str) -> tuple[float, float, Formula]:
    """Seconds to encode, seconds to load, and the formula."""
    from pysat.solvers import Solver

    old = instance.dataset
    fresh = Dataset(old.inputs, old.labels, old.counts)  # forget what was grouped before
    instance = qnnt.Instance(instance.domain, instance.architecture, fresh, instance.goal)
    start = time.perf_counter()
    formula, _ = ClauseEncoder().apply(instance)
    encoded = time.perf_counter()
    with Solver(name=solver) as sat:
        load(sat, formula.hard)
        return encoded - start, time.perf_counter() - encoded, formula


def medians(instance: qnnt.Instance, solver: str, repeat: int) -> tuple[float, float, Formula]:
    """Medians of the seconds over some runs."""
    runs = [once(instance, solver) for _ in range(repeat)]
    encode, load_ = (statistics.median(run[i] for run in runs) for i in (0, 1))
    return encode, load_, runs[0][2]


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
    once(teacher_instance(3, [2, 1], 3), args.solver)  # imports are no part of it
    table = Table(title=f"planted d={args.d} {args.layers}, sat:{args.solver}, medians of {args.repeat}")
    head = [
        "points",
        "variables",
        "clauses",
        "encode s",
        "load s",
        "total s",
        "unshared clauses",
        "unshared s",
    ]
    for name in (*head, "ratio", "solve"):
        table.add_column(name, justify="right")
    for points in map(int, args.points.split(",")):
        instance = teacher_instance(args.d, layers, points, 0.0, args.seed)
        encode, load_, formula = medians(instance, args.solver, args.repeat)
        with patch.object(sums, "distinct_rows", lambda rows: (rows, np.arange(len(rows)))):
            encode0, load0, unshared = medians(instance, args.solver, args.repeat)
        total, total0 = encode + load_, encode0 + load0
        solved = "-"
        if args.solve:
            limits = qnnt.Limits(time=args.solve)
            result = uncut(qnnt.solve(instance, backend=f"sat:{args.solver}", limits=limits))
            solved = f"{result.status} {result.statistics.seconds['solve']:.1f} s"
        sizes = [f"{formula.n_variables:,}", f"{formula.n_clauses:,}"]
        seconds = [f"{x:.3f}" for x in (encode, load_, total)]
        baseline = [f"{unshared.n_clauses:,}", f"{total0:.3f}", f"{total / total0:.2f}"]
        table.add_row(str(points), *sizes, *seconds, *baseline, solved)
    Console(width=140).print(table)


if __name__ == "__main__":
    sys.exit(ended(main))
