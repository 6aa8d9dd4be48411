"""Rows of 300 to 4,096 inputs: their costs against GPTQ and descent at equal time, and how far bounds reach.

``layers``: random layers, half of them with independent inputs, half with rectified mixtures. The baseline is
GPTQ in activation order, then coordinate descent by single steps, all over the same integers. With the time
that is left until the rounder's end it goes on from random starts near its result, and keeps the best of each
row. ``bounds``: the first rows of a 784-64-10 network for MNIST, which are up to 785 bits long, at int2.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from rounding_data import read_data

from qnnt.limits import Limits
from qnnt.rounders.gptq import gptq_planes
from qnnt.rounders.lattice import loops
from qnnt.rounding import Scheme
from qnnt.rounding.layer import round_layer
from qnnt.rounding.problem import GramProblem
from qnnt.rounding.rows import CtrlC
from qnnt.rounding.search import Method, RowSearch, SearchedRows

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def random_problem(width: int, rows: int, kind: str, seed: int, args: argparse.Namespace) -> GramProblem:
    """Rows of normal weights, on twice as many inputs as the width, which are made in blocks."""
    rng = np.random.default_rng(seed)
    gram, points = np.zeros((width, width)), 2 * width
    mixture = rng.normal(size=(width // 2, width))
    for begin in range(0, points, 1024):
        count = min(1024, points - begin)
        if kind == "independent":
            X = rng.random((count, width))
        else:
            X = np.maximum(rng.normal(size=(count, width // 2)) @ mixture, 0) / np.sqrt(width)
        gram += X.T @ X
    W, scheme = rng.normal(size=(rows, width)), Scheme(args.bits, per="row")
    scale = np.asarray(scheme.weight_scale(W))
    return GramProblem.of_rows(W, None, gram, points, scale, scheme, candidates=args.candidates)


class Baseline:
    """GPTQ in activation order and coordinate descent, of all rows; ``costs`` (n,) are the best so far."""

    def __init__(self, problem: GramProblem) -> None:
        self._problem = problem
        self._low, self._high = problem.lower - problem.base, problem.upper - problem.base
        begin = time.perf_counter()
        planes = gptq_planes(problem.gram)
        self._codes = planes.rounded(problem.part, self._low, self._high)
        self.gptq_costs = problem.costs(problem.base + self._codes)
        self.costs = np.full(problem.n, np.inf)
        self._take(self._codes)
        self.seconds = time.perf_counter() - begin

    def go_on(self, seconds: float, seed: int) -> None:
        """Descend from random starts: in each row one weight in fifty is moved by a step."""
        rng, begin = np.random.default_rng(seed), time.perf_counter()
        while time.perf_counter() - begin < seconds:
            moved = rng.integers(0, 50, self._codes.shape) == 0
            steps = moved * rng.choice([-1, 1], self._codes.shape)
            self._take(np.clip(self._codes + steps, self._low, self._high))

    def _take(self, codes: Ints) -> None:
        """Descend from codes (n, m), and keep what costs less."""
        gram, z = self._problem.gram, codes - self._low
        gradient = (codes - self._problem.part) @ gram
        for i in range(len(z)):
            loops.descend(
                gram, gradient[i], z[i], (self._high - self._low)[i], np.zeros(2, dtype=np.int64), 0
            )
        costs = self._problem.costs(self._problem.base + self._low + z)
        better = costs < self.costs
        self.costs[better], self._codes[better] = costs[better], (self._low + z)[better]


@dataclass(frozen=True)
class Compared:
    """A layer that was rounded, GPTQ's costs, those of the baseline at first and at the end, and seconds."""

    rows: SearchedRows
    seconds: float
    gptq: Reals
    first: Reals
    first_seconds: float
    last: Reals


def compare(problem: GramProblem, args: argparse.Namespace, seed: int) -> Compared:
    """Round a layer, then give the baseline the same time."""
    method = Method.of(
        args.rounder,
        Limits(threads=args.threads, seed=1),
        row_time=args.row_time,
        clip="fix",
        candidates=args.candidates,
        executor=None,
    )
    begin = time.perf_counter()
    rows = RowSearch(lambda: problem, method, time.monotonic(), CtrlC()).result()
    seconds = time.perf_counter() - begin
    baseline = Baseline(problem)
    first = baseline.costs.copy()
    if args.equal_time:
        baseline.go_on(seconds - baseline.seconds, seed)
    return Compared(rows, seconds, baseline.gptq_costs, first, baseline.seconds, baseline.costs)


def layers(args: argparse.Namespace, console: Console) -> None:
    warm = random_problem(8, 1, "independent", 0, args)  # imports and compilation are no part of it
    compare(warm, args, 0)
    title = f"int{args.bits}, {args.rows} rows, {args.candidates} candidates, {args.rounder}, cost as a share"
    table = Table(title=f"{title}; {args.threads} threads, at most {args.row_time:g} s a row")
    names = (
        "width", "inputs", "of GPTQ", "of GPTQ + descent", "worst row", "of the same, as long", "worst row ",
        "proved / cost", "s", "s a row", "worst s", "s of GPTQ + descent", "peak MiB",
    )  # fmt: skip
    for column in names:
        table.add_column(column, justify="right")
    worse, later = 0, 0
    for width in args.widths:
        for number in range(args.layers):
            kind = ("independent", "rectified")[number % 2]
            problem = random_problem(width, args.rows, kind, 1000 * width + number, args)
            done = compare(problem, args, number)
            cost, nothing = done.rows.cost, "-"
            worse += int((cost > done.first * (1 + 1e-9)).sum())
            later += int((cost > done.last * (1 + 1e-9)).sum())
            table.add_row(
                f"{width:,}",
                kind,
                f"{cost.sum() / done.gptq.sum():.3f}",
                f"{cost.sum() / done.first.sum():.3f}",
                f"{(cost / done.first).max():.3f}",
                f"{cost.sum() / done.last.sum():.3f}" if args.equal_time else nothing,
                f"{(cost / done.last).max():.3f}" if args.equal_time else nothing,
                f"{(done.rows.lower_bound / cost).mean():.3f}",
                f"{done.seconds:.1f}",
                f"{done.rows.row_seconds.mean():.2f}",
                f"{done.rows.row_seconds.max():.2f}",
                f"{done.first_seconds:.1f}",
                f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f}",
            )
    console.print(table)
    console.print(f"{worse} rows cost more than the baseline")
    if args.equal_time:
        console.print(f"{later} rows cost more than the baseline that goes on from random starts")
    if worse:
        raise SystemExit(1)


def bounds(args: argparse.Namespace, console: Console) -> None:
    from sklearn.neural_network import MLPClassifier

    data = read_data(args.data)
    order = np.random.default_rng(0).permutation(len(data.train))  # they may be sorted by class
    X, y = data.train[order], data.train_classes[order]
    model = MLPClassifier((64,), max_iter=args.epochs, n_iter_no_change=args.epochs, tol=0, random_state=0)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X[1000:], y[1000:])
    W, b, calibration = model.coefs_[0].T[: args.rows], model.intercepts_[0][: args.rows], X[:1000]
    few = slice(W.shape[1] // 2, W.shape[1] // 2 + 8)
    round_layer(W[:1, few], b[:1], calibration[:, few], backend=args.rounder)  # compilation
    table = Table(title=f"bounds of {len(W)} rows of {W.shape[1] + 1} bits at int{args.bits}, {args.rounder}")
    for column in ("limit a row, s", "bound / cost", "least", "at most left", "cost", "s a row", "worst s"):
        table.add_column(column, justify="right")
    for row_time in args.row_times:
        done = round_layer(W, b, calibration, bits=args.bits, backend=args.rounder, row_time=row_time)
        share, whole = done.lower_bound / done.cost, done.lower_bound.sum() / done.cost.sum()
        table.add_row(
            f"{row_time:g}",
            f"{share.mean():.3f}",
            f"{share.min():.3f}",
            f"{1 - whole:.1%}",
            f"{done.cost.sum():.5g}",
            f"{done.row_seconds.mean():.2f}",
            f"{done.row_seconds.max():.2f}",
        )
    console.print(table)


def _numbers(word: str) -> list[float]:
    return [float(number) for number in word.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["layers", "bounds"])
    parser.add_argument("--widths", type=lambda s: [int(w) for w in s.split(",")], default=[1024, 4096])
    parser.add_argument("--layers", type=int, default=5, help="of each width")
    parser.add_argument("--rows", type=int, default=64, help="of each layer")
    parser.add_argument("--bits", type=int, default=2)
    parser.add_argument("--candidates", type=int, default=2, help="integers for each weight")
    parser.add_argument("--rounder", default="closest-vector")
    parser.add_argument("--row-time", type=float, default=1.0, help="of layers, seconds a row")
    parser.add_argument(
        "--row-times", type=_numbers, default=[0.2, 1.0, 2.0], help="of bounds, seconds a row"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--equal-time",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="the baseline goes on as long",
    )
    parser.add_argument("--data", type=Path, help="of bounds: MNIST as a .npz file or a folder of IDX files")
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    if args.what == "bounds" and args.data is None:
        parser.error("bounds needs --data")
    {"layers": layers, "bounds": bounds}[args.what](args, Console(width=180))


if __name__ == "__main__":
    main()
