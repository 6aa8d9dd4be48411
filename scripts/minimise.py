"""Minima by several backends: errors, bound and seconds on the same instances, and ratios to the first one.

The instances are drawn or come with the package, but for the family ``table``, which takes the CSV files of
``--tables`` (column ``target``). ``hermax:SOLVER`` is a solver of the package hermax, which has to be
installed; see ``hermax_backend.py`` for their names.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from statistics import geometric_mean

import numpy as np
from hermax_backend import HermaxBackend
from measuring import ended, uncut

import qnnt
from qnnt.backends.base import Backend
from qnnt.generate.table import table_instance
from qnnt.generate.teacher import teacher_instance

MINIMUM = qnnt.Minimize()
EXAMPLES = Path(__file__).parents[1] / "examples"
TEACHERS = (  # d, layers, points, noise, seed
    (2, (10, 4, 1), 120, 0.1, 0),
    (2, (8, 4, 2), 100, 0.1, 1),
    (3, (6, 3, 1), 80, 0.15, 0),
    (3, (8, 2, 1), 60, 0.2, 1),
    (3, (5, 3, 2), 60, 0.1, 2),
    (4, (5, 2, 1), 60, 0.15, 0),
    (4, (4, 3, 1), 50, 0.15, 1),
    (5, (5, 2, 1), 50, 0.15, 0),
    (5, (4, 2, 1), 60, 0.2, 1),
)
NEURONS = ((10, 60, 0), (12, 60, 1), (14, 50, 2), (16, 60, 3))  # inputs, points, seed
TABLES = (  # file, d, hidden layers
    ("monk1_enc", 3, (2,)),
    ("monk2_enc", 3, (2,)),
    ("monk3_enc", 3, (2,)),
    ("house-votes-84_enc", 3, ()),
    ("balance-scale_enc", 3, ()),
    ("car_evaluation_enc", 3, ()),
    ("soybean-small_enc", 3, (2,)),
)


def neuron(inputs: int, points: int, seed: int) -> qnnt.Instance:
    """One ternary neuron that is to learn random labels."""
    rng = np.random.default_rng(seed)
    data = qnnt.Dataset(rng.integers(-1, 2, size=(points, inputs)), rng.integers(0, 2, size=(points, 1)))
    return qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([inputs, 1]), data, MINIMUM)


def wine() -> qnnt.Instance:
    return qnnt.Instance.load(EXAMPLES / "wine.json").with_goal(MINIMUM)


def cases(tables: Path | None) -> Iterator[tuple[str, Callable[[], qnnt.Instance]]]:
    """Names, the family first, and what makes the instances."""
    for d, layers, points, noise, seed in TEACHERS:
        name = f"teacher-d{d}-{'-'.join(map(str, layers))}-{points}-s{seed}"
        yield name, partial(teacher_instance, d, layers, points, noise, seed, goal=MINIMUM)
    for inputs, points, seed in NEURONS:
        yield f"neuron-{inputs}x{points}-s{seed}", partial(neuron, inputs, points, seed)
    yield "wine", wine
    for file, d, hidden in TABLES if tables else ():
        path = tables / f"{file}.csv" if tables else Path()
        name = f"table-{file.removesuffix('_enc')}-d{d}-{'-'.join(map(str, hidden)) or 'flat'}"
        yield name, partial(table_instance, path, ["target"], d, hidden, MINIMUM)


def contestant(name: str) -> str | Backend:
    family, _, solver = name.partition(":")
    return HermaxBackend(solver) if family == "hermax" else name


@dataclass(frozen=True)
class Run:
    """What came of a backend on an instance, None if it declined, and the seconds that it took."""

    result: qnnt.Result | None
    seconds: float

    @property
    def proved(self) -> bool:
        """Whether the minimum is known."""
        return self.result is not None and self.result.status is qnnt.Status.OPTIMAL

    def __str__(self) -> str:
        if self.result is None:
            return "declined"
        errors, bound = self.result.errors, self.result.lower_bound
        gap = str(errors) if self.proved else f"{errors}/{bound}"
        return f"{gap:>9} {self.seconds:>7.2f}{' ' if self.proved else '*'}"


def run(instance: qnnt.Instance, backend: str, limits: qnnt.Limits) -> Run:
    start = time.perf_counter()
    try:
        result = uncut(qnnt.solve(instance, backend=contestant(backend), limits=limits))
    except qnnt.Unsupported:
        return Run(None, 0.0)
    return Run(result, time.perf_counter() - start)


def summary(runs: list[Run], baseline: list[Run]) -> str:
    """How many minima were proved, and how many times as quick that was in the mean."""
    ratios = [b.seconds / r.seconds for r, b in zip(runs, baseline, strict=True) if r.result and b.result]
    mean = f"{geometric_mean(ratios):.2f}×" if ratios else "-"
    return f"{sum(r.proved for r in runs):>9} {mean:>8}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backends", default="maxsat,sat,cpsat", metavar="BACKEND,…")
    parser.add_argument("--only", default="*", metavar="PATTERN,…", help="cases, such as 'teacher-d3-*'")
    parser.add_argument("--tables", type=Path, metavar="FOLDER", help="where the CSV files are")
    parser.add_argument("--limit", type=float, default=20.0, metavar="S")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    limits, names = qnnt.Limits(time=args.limit, threads=args.threads), args.backends.split(",")
    for name in names:
        run(neuron(4, 12, 0), name, replace(limits, time=60.0))  # loads what is to be measured
    print(f"{'':<34}" + "".join(f" {name:>18}" for name in names))
    families: dict[str, list[list[Run]]] = {}
    for name, make in cases(args.tables):
        if any(fnmatch(name, pattern) for pattern in args.only.split(",")):
            instance = make()
            runs = [run(instance, backend, limits) for backend in names]
            print(f"{name:<34}" + "".join(f" {each!s:>18}" for each in runs), flush=True)
            families.setdefault(name.partition("-")[0], []).append(runs)
    for family, rows in families.items():
        columns = [list(column) for column in zip(*rows, strict=True)]
        told = "".join(f" {summary(column, columns[0])}" for column in columns)
        print(f"{family + ': proved, times as quick':<34}{told}")
    print("errors, or errors/bound; * not proved: the time limit was reached, and counts as the time taken")


if __name__ == "__main__":
    sys.exit(ended(main))
