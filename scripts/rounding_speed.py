"""How fast rounding is, and how good: rows to their proof, and the two layers of an MNIST network.

``rows``: random rows of given lengths, closest-vector against general solvers (CP-SAT, HiGHS, SCIP if
PySCIPOpt is installed) on the same QUBO, all with the same time limit; the baseline of the ratios is the
fastest general solver that proved the row. ``mnist``: a 784-64-10 MLP at int2 against the paper's annealing,
the baseline.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rounding_data import read_arrays

from qnnt import registry
from qnnt.limits import Limits
from qnnt.models import QuadraticModel
from qnnt.rounders.base import PROVED
from qnnt.rounding import LayerProblem, RoundedLayer, Scheme, round_layer
from qnnt.rounding.qubo import QuboEncoder

Solve = Callable[[QuadraticModel, float], tuple[float, float]]


def random_row(bits: int, kind: str, seed: int, points: int = 1000) -> QuadraticModel:
    """A row of ``bits`` codes on independent inputs, or on rectified mixtures of half as many."""
    rng = np.random.default_rng(seed)
    f = bits - 1
    if kind == "independent":
        X = rng.random((points, f))
    else:
        X = np.maximum(rng.normal(size=(points, bits // 2)) @ rng.normal(size=(bits // 2, f)), 0)
    problem, _, _ = LayerProblem.of_layer(rng.uniform(-1, 1, (1, f)), rng.normal(size=1), X, Scheme(2))
    return QuboEncoder(0).apply(problem)[0]


def rounder(name: str) -> Solve:
    """Cost and bound by a rounding backend, in the process that it wants."""
    from qnnt.rounding.rows import RowPlan, RowRuns

    chosen = registry.rounder(name)

    def solve(model: QuadraticModel, seconds: float) -> tuple[float, float]:
        with RowRuns(RowPlan([model], chosen, Limits(time=seconds))) as runs:
            ((_, row),) = runs.ended()
        answer = row.answer
        cost = np.inf if answer.assignment is None else model.cost(answer.assignment)
        return cost, answer.bound

    return solve


def scip(model: QuadraticModel, seconds: float) -> tuple[float, float]:
    """SCIP on the linearised QUBO, one variable for each product of two bits."""
    from pyscipopt import Model, quicksum

    linear, pairs, offset = model.bits()
    solver = Model()
    solver.hideOutput()
    solver.setParam("limits/time", seconds)
    solver.setParam("numerics/feastol", 1e-9)
    z = [solver.addVar(vtype="B") for _ in linear]
    terms = [a * x for a, x in zip(linear.tolist(), z, strict=True)]
    for i, j in zip(*np.nonzero(pairs), strict=True):
        p = solver.addVar(lb=0.0, ub=1.0)
        if pairs[i, j] > 0:
            solver.addCons(p >= z[i] + z[j] - 1)
        else:
            solver.addCons(p <= z[i])
            solver.addCons(p <= z[j])
        terms.append(float(pairs[i, j]) * p)
    solver.setObjective(quicksum(terms))
    solver.optimize()
    if not solver.getNSols():
        return np.inf, 0.0
    found = model.lower.copy()
    found[model.free] += np.array([round(solver.getVal(x)) for x in z])
    return model.cost(found), solver.getDualbound() + offset


def rows(args: argparse.Namespace, console: Console) -> None:
    solvers: dict[str, Solve] = {name: rounder(name) for name in ("closest-vector", "cpsat", "milp")}
    if find_spec("pyscipopt") is not None:
        solvers["scip"] = scip
    else:
        console.print("SCIP is not here: pip install pyscipopt")
    for solve in solvers.values():  # imports and compilation are no part of it
        solve(random_row(10, "independent", 0), 60)
    table = Table(title=f"seconds to proof, limit {args.limit:g} s ('>': gap at the limit)")
    for column in ("bits", "free", "inputs", "seed", *solvers, "fastest other / closest-vector"):
        table.add_column(column, justify="right")
    for bits in args.bits:
        for kind in ("independent", "rectified"):
            for seed in range(args.seeds):
                model = random_row(bits, kind, seed)
                cells, taken, costs = [], {}, {}
                for name, solve in solvers.items():
                    start = time.perf_counter()
                    cost, bound = solve(model, args.limit)
                    seconds = time.perf_counter() - start
                    proved = bool(np.isfinite(cost)) and cost - bound <= PROVED * cost
                    costs[name] = cost
                    if proved:
                        taken[name] = seconds
                    gap = (cost - max(bound, 0)) / cost if np.isfinite(cost) and cost else 1.0
                    cells.append(f"{seconds:.2f}" if proved else f"> {seconds:.0f} ({gap:.0%})")
                own = taken.pop("closest-vector", None)
                other = min(taken.values(), default=None)
                ratio = "-"
                if own is not None:
                    ratio = f"{other / own:,.0f}" if other is not None else f"> {args.limit / own:,.0f}"
                proofs = [costs[name] for name in taken] + ([costs["closest-vector"]] if own else [])
                if proofs and max(proofs) > min(proofs) * (1 + 10 * PROVED):
                    raise SystemExit(f"two solvers prove different optima: {costs}")
                table.add_row(str(bits), str(len(model.free)), kind, str(seed), *cells, ratio)
    console.print(table)


def mnist(args: argparse.Namespace, console: Console) -> None:
    from sklearn.neural_network import MLPClassifier

    images, classes, *_ = read_arrays(args.data)
    shuffled = np.random.default_rng(0).permutation(len(classes))  # they may be sorted by class
    X, y = images[shuffled].reshape(-1, 784) / 255.0, classes[shuffled]
    model = MLPClassifier((64,), max_iter=args.epochs, n_iter_no_change=args.epochs, tol=0, random_state=0)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X[1000:], y[1000:])
    calibration = X[:1000]
    W, b = [w.T for w in model.coefs_], model.intercepts_
    backends = ["nearest", "nearest-plane", "beam", "annealing", "annealing:scaled", "closest-vector"]
    done: dict[str, RoundedLayer] = {}
    # imports and compilation are no part of it
    for name in backends:
        round_layer(W[1][:1], b[1][:1], np.maximum(calibration @ W[0].T + b[0], 0), backend=name)
    table = Table(title="784-64-10 at int2, 1,000 calibration images")
    for column in (
        "layer",
        "backend",
        "cost",
        "/ annealing",
        "bound / cost",
        "proved",
        "s",
        "s a row",
        "worst s",
    ):
        table.add_column(column, justify="right")
    first: RoundedLayer | None = None
    for layer in (1, 2):
        reached = calibration if first is None else np.maximum(first(calibration), 0)
        n = args.rows if layer == 1 else len(W[1])
        for name in backends:
            done[name] = round_layer(
                W[layer - 1][:n] if layer == 1 else W[1],
                b[layer - 1][:n] if layer == 1 else b[1],
                reached,
                backend=name,
                limits=Limits(seed=1),
                row_time=args.row_time,
            )
        for name, result in done.items():
            table.add_row(
                str(layer),
                name,
                f"{result.cost.mean():.5f}",
                f"{result.cost.mean() / done['annealing'].cost.mean():.3f}",
                f"{(result.lower_bound / result.cost).mean():.3f}",
                f"{int(result.proved.sum())}/{len(result.cost)}",
                f"{result.seconds:.2f}",
                f"{result.row_seconds.mean():.3f}",
                f"{result.row_seconds.max():.3f}",
            )
        if n < len(W[0]) and layer == 1:
            done["closest-vector"] = round_layer(W[0], b[0], calibration, backend="beam")
        first = done["closest-vector"]
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["rows", "mnist"])
    parser.add_argument(
        "--bits", type=lambda s: [int(b) for b in s.split(",")], default=[20, 40, 60, 80, 100]
    )
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--limit", type=float, default=30.0, help="seconds a row")
    parser.add_argument("--data", type=Path, metavar="MNIST", help=".npz file or folder of IDX files")
    parser.add_argument("--rows", type=int, default=64, help="neurons of the first layer")
    parser.add_argument("--row-time", type=float, default=2.0)
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    if args.what == "mnist" and args.data is None:
        parser.error("mnist needs --data")
    {"rows": rows, "mnist": mnist}[args.what](args, Console(width=140))


if __name__ == "__main__":
    main()
