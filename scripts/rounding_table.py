"""Round trained networks in many ways; accuracy against cost: Table 2 and Figures 1 and 2 of the paper.

Three experiments: ``table`` (every backend at every number of bits), ``candidates`` (more than the two
nearest integers for each weight) and ``calibration`` (the share of the training data that the rounding is
fitted to). Networks are scikit-learn's MLPClassifier on the digits of scikit-learn, and on every ``--data
NAME=PATH``: a ``.npz`` file with Xtr, ytr, Xte, yte (or x_train, …), or a folder with the four IDX files of
MNIST.

Everything goes into one folder: a line in ``runs.jsonl`` for each rounding, as it ends; ``table.md`` and
``table.csv``, mean and standard deviation over the seeds; a picture for each experiment. Roundings that are
in ``runs.jsonl`` already are not made again; other settings, or other data of the same name, need another
folder. Exit status: 2 for bad input, 130 after Ctrl-C, else 0.
"""

from __future__ import annotations

import csv
import json
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from measuring import kept_lines
from rounding_data import Data, digits, read_data
from rounding_pictures import Line, deviation, draw, pearson, points

from qnnt.availability import Availability
from qnnt.cli.program import INTERRUPTED, OK, run
from qnnt.exceptions import InputError, Unavailable
from qnnt.limits import Limits
from qnnt.rounding.calibration import draw_calibration
from qnnt.rounding.model import DenseModel
from qnnt.rounding.network import round_network
from qnnt.rounding.scheme import Scheme

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

EXPERIMENTS = ("table", "candidates", "calibration")
SHARES = (0.01, 0.05, 0.10, 0.25)
CANDIDATES = (2, 3, 4)
NO_DATA: list[str] = []
HIDDEN = ["32"]


@dataclass(frozen=True)
class Case:
    """A rounding to be made: of the network of ``hidden`` layers trained on ``data`` with ``seed``."""

    experiment: str
    data: str
    hidden: str
    seed: int
    bits: int
    backend: str
    scaling: str
    per: str
    candidates: int = 2
    calibration: float = 0  # a share of the training data; 0 for the fixed size

    @property
    def network(self) -> tuple[str, str, int]:
        """What it rounds."""
        return self.data, self.hidden, self.seed


@app.command()
def table(
    folder: Annotated[Path, typer.Argument(help="Folder for the lines, the tables and the pictures.")],
    data: Annotated[
        list[str], typer.Option(metavar="NAME=PATH", help="A data set; may be repeated.")
    ] = NO_DATA,
    hidden: Annotated[
        list[str], typer.Option(metavar="SIZES", help="Hidden layers; may be repeated.")
    ] = HIDDEN,
    bits: Annotated[str, typer.Option(metavar="B,B", help="Bits of a weight.")] = "8,4,3,2,1",
    backends: Annotated[
        str, typer.Option(metavar="A,B", help="Rounding backends of the table; the last one is the best.")
    ] = "nearest,annealing,closest-vector",
    experiments: Annotated[str, typer.Option(metavar="A,B", help="Experiments.")] = ",".join(EXPERIMENTS),
    seeds: Annotated[int, typer.Option(metavar="N", help="Networks for each data set and shape.")] = 3,
    size: Annotated[int, typer.Option(metavar="N", help="Calibration inputs of the table.")] = 1000,
    epochs: Annotated[int, typer.Option(metavar="N", help="Epochs of training.")] = 20,
    row_time: Annotated[
        float, typer.Option(metavar="S", help="Seconds that an exact search may take a row.")
    ] = 1.0,
    threads: Annotated[int, typer.Option(metavar="N", help="Rows that are solved at once.")] = 1,
    scaling: Annotated[
        str, typer.Option(metavar="NAME", help="Weight scale: symmetric or max.")
    ] = "symmetric",
    per: Annotated[str, typer.Option(metavar="NAME", help="One weight scale per tensor or row.")] = "tensor",
    with_digits: Annotated[
        bool, typer.Option("--digits/--no-digits", help="Round networks of the digits.")
    ] = True,
) -> int:
    """Round trained networks in many ways; tables and pictures of accuracy against cost."""
    _need("sklearn", "scikit-learn", "sklearn")
    _need("matplotlib", "matplotlib", "plot")
    paths = _paths(data)
    names = [*(["digits"] if with_digits else []), *paths]
    networks = [(name, sizes, seed) for name in names for sizes in hidden for seed in range(seeds)]
    for b in _numbers(bits):
        Scheme(b, scaling, per)  # to complain before anything is trained
    plan = Plan(experiments.split(","), _numbers(bits), backends.split(","), scaling, per)
    cases = [case for network in networks for case in plan.cases(*network)]
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(folder, paths, size, epochs, row_time, threads)
    status = OK
    try:
        for i, case in enumerate(cases, 1):
            line = bench.line(case)
            print(f"{i}/{len(cases)} {_short(line)}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        status = INTERRUPTED
    keys = [_key(asdict(case)) for case in cases]
    lines = [bench.lines[key] for key in keys if key in bench.lines]
    if lines:
        _write_tables(lines, folder)
        draw(lines, folder)
        print((folder / "table.md").read_text(encoding="utf-8"))
    return status


class Bench:
    """Makes roundings, and keeps their lines and the trained networks in the folder."""

    def __init__(
        self, folder: Path, paths: dict[str, Path], size: int, epochs: int, row_time: float, threads: int
    ) -> None:
        self._folder, self._paths, self._size, self._epochs = folder, paths, size, epochs
        self._row_time, self._threads = row_time, threads
        self._runs = folder / "runs.jsonl"
        self.lines: dict[str, Line] = {}
        if self._runs.exists():
            self.lines = {_key(line): line for line in kept_lines(self._runs)}
        for name in {line["data"] for line in self.lines.values()} & {"digits", *paths}:
            if any(line.get("settings") != self._settings(name) for line in self._of(name)):
                raise InputError(
                    str(self._runs), f"has roundings of {name} under other settings: choose another folder"
                )

    def _of(self, name: str) -> list[Line]:
        return [line for line in self.lines.values() if line["data"] == name]

    def _settings(self, name: str) -> Line:
        """What makes the roundings of a data set other ones, or other seconds."""
        path = str(self._paths[name].resolve()) if name in self._paths else None
        chosen = {"size": self._size, "epochs": self._epochs, "row_time": self._row_time}
        return {**chosen, "threads": self._threads, "path": path}

    def line(self, case: Case) -> Line:
        """The line of a case, made now unless it is known."""
        key = _key(asdict(case))
        if key not in self.lines:
            self.lines[key] = self._make(case)
            with self._runs.open("a", encoding="utf-8") as file:
                print(json.dumps(self.lines[key]), file=file)
        return self.lines[key]

    def _make(self, case: Case) -> Line:
        data, model = self._data(case.data), self._model(*case.network)
        size = (
            {"share": case.calibration} if case.calibration else {"count": min(self._size, len(data.train))}
        )
        chosen = draw_calibration(data.train, seed=case.seed, **size)
        rounded = round_network(
            model,
            chosen,
            scheme=Scheme(case.bits, case.scaling, case.per),
            backend=case.backend,
            limits=Limits(threads=self._threads, seed=case.seed),
            row_time=self._row_time,
            candidates=case.candidates,
        )
        layers = rounded.layers
        return {
            **asdict(case),
            "sizes": list(model.sizes),
            "calibration_size": len(chosen.inputs),
            "real_accuracy": float((model.classify(data.test) == data.test_classes).mean()),
            "accuracy": float((rounded.classify(data.test) == data.test_classes).mean()),
            **{
                name: float(sum(getattr(layer, name).sum() for layer in layers))
                for name in ("cost", "nearest_cost", "lower_bound")
            },
            "test_cost": float(sum(cost.sum() for cost in rounded.costs(model, data.test))),
            "proved": int(sum(layer.proved.sum() for layer in layers)),
            "neurons": sum(model.sizes[1:]),
            "seconds": rounded.settings["seconds"],
            "settings": self._settings(case.data),
        }

    @cache  # noqa: B019 - there is one bench in a run
    def _data(self, name: str) -> Data:
        return digits() if name == "digits" else read_data(self._paths[name])

    def _model(self, data: str, hidden: str, seed: int) -> DenseModel:
        path = self._folder / "networks" / f"{data}-{hidden.replace(',', '-')}-{seed}-{self._epochs}.npz"
        if not path.exists():
            from sklearn.neural_network import MLPClassifier

            path.parent.mkdir(exist_ok=True)
            sizes = tuple(_numbers(hidden))
            known = self._data(data)
            batch = min(200, max(16, len(known.train) // 50))
            learner = MLPClassifier(sizes, batch_size=batch, max_iter=self._epochs, random_state=seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it says that it has not converged
                learner.fit(known.train, known.train_classes)
            DenseModel.from_sklearn(learner).save(path)
        return DenseModel.load(path)


@dataclass(frozen=True)
class Plan:
    """Which roundings are made of a network."""

    experiments: list[str]
    bits: list[int]
    backends: list[str]
    scaling: str
    per: str

    def __post_init__(self) -> None:
        for unknown in set(self.experiments) - set(EXPERIMENTS):
            raise InputError("--experiments", f"{unknown!r} is none of {', '.join(EXPERIMENTS)}")

    def cases(self, data: str, hidden: str, seed: int) -> Iterator[Case]:
        """Those of one network."""
        best, low = self.backends[-1], [b for b in (2, 1) if b in self.bits]
        every = [(b, backend) for b in self.bits for backend in self.backends]

        def case(experiment: str, bits: int, backend: str, **more: Any) -> Case:
            return Case(experiment, data, hidden, seed, bits, backend, self.scaling, self.per, **more)

        if "table" in self.experiments:
            yield from (case("table", *pair) for pair in every)
        if "candidates" in self.experiments:
            yield from (case("candidates", b, best, candidates=k) for b in low for k in CANDIDATES)
        if "calibration" in self.experiments and 2 in self.bits:
            two = dict.fromkeys((self.backends[0], best))
            yield from (case("calibration", 2, b, calibration=share) for share in SHARES for b in two)


def _write_tables(lines: list[Line], folder: Path) -> None:
    rows = list(_rows(lines))
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    text = []
    for experiment in dict.fromkeys(row["experiment"] for row in rows):
        text += [f"### {experiment}", "", *_markdown([r for r in rows if r["experiment"] == experiment]), ""]
    correlations = list(_correlations(lines))
    if correlations:
        text += [
            "### Accuracy against relative cost, all roundings of the table",
            "",
            *_markdown(correlations),
            "",
        ]
    (folder / "table.md").write_text("\n".join(text), encoding="utf-8")


def _rows(lines: list[Line]) -> Iterator[dict[str, Any]]:
    """Mean and standard deviation over the seeds."""
    keys = ("experiment", "data", "hidden", "bits", "backend", "candidates", "calibration_size")
    groups: dict[tuple[Any, ...], list[Line]] = {}
    for line in lines:
        groups.setdefault(tuple(line[key] for key in keys), []).append(line)
    for values, group in groups.items():
        relative = [line["cost"] / line["nearest_cost"] if line["nearest_cost"] else 1.0 for line in group]
        yield {
            **dict(zip(keys, values, strict=True)),
            "seeds": len(group),
            "real_accuracy": _spread([line["real_accuracy"] for line in group], ".4f"),
            "accuracy": _spread([line["accuracy"] for line in group], ".4f"),
            "cost": _spread([line["cost"] for line in group], ".4g"),
            "test_cost": _spread([line["test_cost"] for line in group], ".4g"),
            "cost_to_nearest": _spread(relative, ".3f"),
            "proved": f"{sum(line['proved'] for line in group)}/{sum(line['neurons'] for line in group)}",
            "seconds": f"{np.mean([line['seconds'] for line in group]):.1f}",
        }


def _spread(values: list[float], form: str) -> str:
    mean = format(float(np.mean(values)), form)
    return mean if len(values) < 2 else f"{mean} ± {format(deviation(values), form)}"


def _correlations(lines: list[Line]) -> Iterator[dict[str, Any]]:
    """For each data set and number of bits, Pearson's r of relative cost and accuracy less the real one."""
    shown = [line for line in lines if line["experiment"] == "table"]
    for name in dict.fromkeys(line["data"] for line in shown):
        for bits in dict.fromkeys(line["bits"] for line in shown):
            here = [line for line in shown if (line["data"], line["bits"]) == (name, bits)]
            searched = [line for line in here if line["backend"] != "nearest"]
            yield {
                "data": name,
                "bits": bits,
                "roundings": len(here),
                "r": _signed(pearson(*points(here))),
                "r without nearest": _signed(pearson(*points(searched))),
            }


def _signed(r: float) -> str:
    return "-" if np.isnan(r) else f"{r:+.2f}"


def _markdown(rows: list[dict[str, Any]]) -> list[str]:
    names = list(rows[0])
    head = [f"| {' | '.join(name.replace('_', ' ') for name in names)} |", "|---" * len(names) + "|"]
    return head + [f"| {' | '.join(str(row[name]) for name in names)} |" for row in rows]


def _paths(data: list[str]) -> dict[str, Path]:
    paths = {}
    for text in data:
        name, equals, path = text.partition("=")
        if not equals or not name or name == "digits":
            raise InputError("--data", f"must be NAME=PATH, not {text!r}")
        paths[name] = Path(path)
        if not paths[name].exists():
            raise InputError(path, "there is no such file or folder")
    return paths


def _numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise InputError("", f"must be numbers such as 8,4,2, not {text!r}") from None


def _need(module: str, package: str, extra: str) -> None:
    state = Availability.of_package(package, module, f"qnnt[{extra}]")
    if not state.available:
        raise Unavailable(str(state.reason))


def _key(line: Line) -> str:
    return json.dumps([line[key] for key in Case.__dataclass_fields__])


def _short(line: Line) -> str:
    where = f"{line['data']} {line['hidden']} seed {line['seed']} int{line['bits']} {line['backend']}"
    return f"{where}: cost {line['cost']:.4g}, accuracy {line['accuracy']:.4f}, {line['seconds']:.1f} s"


if __name__ == "__main__":
    sys.exit(run(app, "rounding_table"))
