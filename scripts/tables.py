"""Tables of data: errors of each contestant of ``benchmark.py``, and of a perceptron rounded to the domain.

Reads the runs of ``benchmark.py --suite 'tables-*' -o RUNS.jsonl``. The perceptrons are scikit-learn's:
``Perceptron`` for each output if there is no hidden layer, else ``MLPClassifier`` with as many hidden
neurons. They learn the same inputs and labels, values of Z_d. Their weights are scaled, layer by layer, in
many ways and rounded; the fewest errors of several seeds count. ``--plot`` draws the errors of some tables
over time.
"""

from __future__ import annotations

import itertools
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from suite import TABLES, cases

from qnnt.cli.options import writable
from qnnt.cli.program import FAILED, OK
from qnnt.cli.program import run as run_program
from qnnt.comparing.plots import COLOURS, STYLES
from qnnt.comparing.report import Rows, as_markdown, as_text, three_digits
from qnnt.comparing.runs import Run, judged, read_runs
from qnnt.drawing.files import form_of
from qnnt.exceptions import InputError
from qnnt.instance import Instance

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Layers = list[tuple[Floats, Floats]]  # weights (n_in, n_out) and thresholds (n_out,)


def perceptron(instance: Instance, seeds: int = 3, scales: int = 20) -> int:
    """The fewest errors of a rounded perceptron."""
    x, y = instance.dataset.inputs.astype(float), instance.dataset.labels.astype(np.int64)
    x, y = np.repeat(x, instance.dataset.counts, axis=0), np.repeat(y, instance.dataset.counts, axis=0)
    hidden = [len(layer) for layer in instance.architecture.layers[1:-1]]
    best = instance.dataset.total
    for seed in range(seeds):
        layers = _with_hidden(x, y, hidden, seed) if hidden else _without_hidden(x, y, seed)
        for factors in itertools.product(np.geomspace(0.1, 10, scales), repeat=len(layers)):
            vector = _rounded(instance, layers, factors)
            best = min(best, instance.network(vector).error(instance.dataset))
    return best


def _without_hidden(x: Floats, y: Integers, seed: int) -> Layers:
    from sklearn.linear_model import Perceptron

    weights, thresholds = np.zeros((x.shape[1], y.shape[1])), np.zeros(y.shape[1])
    for o in range(y.shape[1]):
        if len(np.unique(y[:, o])) > 1:
            model = Perceptron(random_state=seed, class_weight="balanced").fit(x, y[:, o] > y[:, o].min())
            size = max(np.abs(model.coef_).mean(), 1e-9)
            weights[:, o], thresholds[o] = model.coef_[0] / size, -model.intercept_[0] / size
    return [(weights, thresholds)]


def _with_hidden(x: Floats, y: Integers, hidden: Sequence[int], seed: int) -> Layers:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MLPClassifier(tuple(hidden), solver="lbfgs", max_iter=500, random_state=seed)
        labels = (y > y.min(axis=0)).astype(int)
        model.fit(x, labels if y.shape[1] > 1 else labels[:, 0])
    sizes = [max(np.abs(weights).mean(), 1e-9) for weights in model.coefs_]
    pairs = zip(model.coefs_, model.intercepts_, sizes, strict=True)
    return [(weights / size, -intercepts / size) for weights, intercepts, size in pairs]


def _rounded(instance: Instance, layers: Layers, factors: Sequence[float]) -> Integers:
    """The parameters of scaled and rounded layers, arcs first, in the instance's order."""
    starts = np.cumsum([0, *(len(layer) for layer in instance.architecture.layers)])
    weights, biases = [], []
    for i, ((matrix, thresholds), factor) in enumerate(zip(layers, factors, strict=True)):
        arcs = instance.architecture.arc_index
        own = arcs[(arcs[:, 1] >= starts[i + 1]) & (arcs[:, 1] < starts[i + 2])]
        weights.append(factor * matrix[own[:, 0] - starts[i], own[:, 1] - starts[i + 1]])
        biases.append(factor * thresholds - (0.5 if i + 1 == len(layers) else 0.0))  # shows 1 from 1 on
    vector: Integers = np.rint(np.concatenate([*weights, *biases])).astype(np.int64)
    return vector.clip(instance.domain.lo, instance.domain.hi)


def rows(runs: Sequence[Run], instances: Mapping[str, Instance]) -> Rows:
    """A row for each table: errors, a star where they are proved least, the best bound, the perceptron.

    ``first proof`` names the backends of the proof that took the fewest seconds.
    """
    contestants = list(dict.fromkeys(run.contestant for run in runs))
    shown = [["", *contestants, "bound", "first proof", "rounded perceptron"]]
    for case, instance in instances.items():
        here = {run.contestant: run for run in runs if run.case == case}
        bound = max((run.lower_bound or 0 for run in here.values() if run.outcome != "wrong"), default=0)
        cells = [_cell(here.get(name)) for name in contestants]
        ends = [str(bound), _first_proof(list(here.values())), str(perceptron(instance))]
        shown.append([case.removeprefix("tables-"), *cells, *ends])
    return shown


def _first_proof(runs: Sequence[Run]) -> str:
    proofs = [(run.seconds, run.backend) for run in runs if _proved(run) and run.seconds is not None]
    if not proofs:
        return "–"
    seconds, backend = min(proofs)
    return f"{backend}, {three_digits(seconds)} s"


def _proved(run: Run) -> bool:
    return run.outcome != "wrong" and run.errors is not None and run.errors == run.lower_bound


def _cell(run: Run | None) -> str:
    if run is None or run.errors is None:
        return "–"
    if run.outcome == "wrong":
        return "wrong"
    return f"{run.errors}{'*' if _proved(run) else ''}"


def draw(runs: Sequence[Run], names: Sequence[str], path: Path) -> None:
    """Draw errors over seconds, a panel for each case."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    contestants = list(dict.fromkeys(run.contestant for run in runs))
    columns = min(2, len(names))
    figure, panels = pyplot.subplots(
        -(-len(names) // columns), columns, figsize=(4.5 * columns, 3 * -(-len(names) // columns)),
        layout="constrained", squeeze=False,
    )  # fmt: skip
    for name, axes in itertools.zip_longest(names, panels.flat):
        if name is None:
            axes.set_axis_off()
            continue
        for run in (run for run in runs if run.case == name and run.incumbents):
            i = contestants.index(run.contestant)
            seconds, errors = zip(*run.incumbents, strict=True)
            end = max(seconds[-1], run.seconds or 0)
            style = STYLES[i // len(COLOURS) % len(STYLES)]
            axes.step(
                [*seconds, end], [*errors, errors[-1]], style, where="post", color=COLOURS[i % len(COLOURS)],
                label=run.contestant,
            )  # fmt: skip
        axes.set(xscale="log", title=name.removeprefix("tables-"), xlabel="seconds", ylabel="errors")
        axes.set_ylim(bottom=0)
    handles = {
        text: line
        for axes in panels.flat
        for line, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=min(4, len(handles)))
    figure.savefig(path, dpi=150)


@app.command(help=__doc__)
def tables(
    file: Annotated[Path, typer.Argument(metavar="RUNS.jsonl", help="Runs of benchmark.py.")],
    folder: Annotated[
        Path, typer.Option("--tables", metavar="FOLDER", help="Folder of further tables.")
    ] = TABLES,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table in Markdown.")] = False,
    plot: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the errors over time.")] = None,
    plotted: Annotated[
        str, typer.Option(metavar="A,B", help="Tables to draw, such as wine-h1.")
    ] = "wine-h1,breast_cancer-h2,digits-h0,digits-h3",
) -> int:
    if plot is not None:
        form_of(writable(plot), "--plot")
    runs, wrong = judged([run for run in read_runs(file) if run.family == "tables"])
    names = {run.case for run in runs}
    instances = {case.name: case.make() for case in cases(tables=folder) if case.name in names}
    if not instances:
        raise InputError(str(file), "holds no run of a table")
    print((as_markdown if markdown else as_text)(rows(runs, instances)))
    print(f"\nErrors in {runs[0].settings}; * proved to be the fewest.")
    for line in wrong:
        print(f"DISAGREEMENT {line}")
    if plot is not None:
        wanted = [f"tables-{name}" for name in plotted.split(",")]
        draw(runs, [name for name in wanted if name in names] or list(instances)[:4], plot)
    return FAILED if wrong else OK


if __name__ == "__main__":
    sys.exit(run_program(app, "tables"))
