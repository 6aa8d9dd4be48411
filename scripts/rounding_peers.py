"""Our rounders beside those of other libraries, on the same layers with the same scales.

The inputs of every layer are those of the real network, so that each rounder is asked for the integers of the
same quadratic problems. What they cost is computed here, whoever found them. Then the integers are put into
the graph, and onnxruntime runs it on the test data. A library that is not installed is named with what
installs it.

Networks are the convolutional one of ``small_cnn.py``, trained on scikit-learn's digits or on every
``--data``, and any ONNX model that ``--model`` names. "Cost / baseline" is the geometric mean over the
layers, with the least and the greatest in brackets; "outputs moved" the mean squared distance of the first
output from the real one, by its variance; "seconds" those of the search alone, in as many threads as
``OMP_NUM_THREADS`` says for the libraries and one for ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from peers import Peer, Rows, availability, peers
from rounding_data import Data, digits, read_data
from rounding_graphs import trained

from qnnt import registry
from qnnt.cli.program import OK, run
from qnnt.exceptions import InputError, require_word
from qnnt.files.arrays import load_numpy
from qnnt.limits import Limits
from qnnt.onnx_graphs.feeds import Feeds
from qnnt.onnx_graphs.feeds import read_data as read_feeds
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.grid import Grid
from qnnt.onnx_graphs.layers import GraphLayer, find_layers
from qnnt.onnx_graphs.place import Codes, Placer
from qnnt.onnx_graphs.run import CANDIDATES
from qnnt.onnx_graphs.unfold import Moments
from qnnt.rounders.base import BitsRounder
from qnnt.rounding.rows import CtrlC
from qnnt.rounding.scheme import Ints, Reals, Scheme
from qnnt.rounding.search import Method, RowSearch

OURS = "nearest,gptq,gptq:in-order,beam,closest-vector"
THEIRS = ",".join(peers(1))
COLUMNS = ("network", "bits", "rounder", "accuracy", "outputs moved", "cost / {}", "seconds")
MOST_VALUES = 2**24  # of inputs that are kept for a layer, as numbers

Search = Callable[[Rows], Ints]

NO_DATA: list[str] = []
app = typer.Typer(rich_markup_mode=None, add_completion=False)


@dataclass(frozen=True, eq=False)
class Network:
    """A real model with data to calibrate on and to test on; ``classes`` (N,) of the test data, if known."""

    name: str
    graph: Graph
    calibration: Feeds
    test: Feeds
    classes: npt.NDArray[Any] | None

    def outputs(self, graph: Graph) -> npt.NDArray[Any]:
        """The first output of a graph on the test data."""
        return np.concatenate([values for (values,) in graph.run([graph.graph.output[0].name], self.test)])


@dataclass(frozen=True, eq=False)
class Inputs:
    """What reaches a layer: for each group the sum (f, f) of products, and vectors (N, T, f)."""

    moments: Reals
    points: int
    vectors: npt.NDArray[np.float32]


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Gets table.md.")],
    data: Annotated[
        list[str], typer.Option(metavar="NAME=PATH", help=".npz or IDX files; may be repeated.")
    ] = NO_DATA,
    model: Annotated[Path | None, typer.Option(metavar="ONNX", help="Round this model instead.")] = None,
    calibrate: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Its calibration data: .npy, .npz or a folder.")
    ] = None,
    test: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Its test data; default: those of calibration.")
    ] = None,
    classes: Annotated[
        Path | None, typer.Option(metavar="NPY", help="Classes of the test data, for the accuracy.")
    ] = None,
    bits: Annotated[str, typer.Option(metavar="B,B", help="Bits of the weights.")] = "4,3,2",
    rounders: Annotated[str, typer.Option(metavar="NAME,NAME", help="Rounders of this package.")] = OURS,
    others: Annotated[
        str, typer.Option("--peers", metavar="NAME,NAME", help="Those of other libraries.")
    ] = THEIRS,
    baseline: Annotated[str, typer.Option(metavar="NAME", help="What costs are divided by.")] = "gptq",
    steps: Annotated[int, typer.Option(metavar="N", help="Steps of AdaRound.")] = 2000,
    train: Annotated[int, typer.Option(metavar="N", help="Images to train on.")] = 20_000,
    epochs: Annotated[int, typer.Option(metavar="N", help="Passes over these.")] = 4,
    calibration: Annotated[int, typer.Option(metavar="N", help="Images to calibrate on.")] = 500,
    row_time: Annotated[float, typer.Option(metavar="S", help="Seconds for a row of ours.")] = 0.2,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of training, drawing and search.")] = 0,
) -> int:
    """Round networks with our rounders and those of other libraries, and print one table."""
    names, theirs = rounders.split(","), [name for name in others.split(",") if name]
    for name in theirs:
        require_word("peer", name, list(peers(1)))
    for name in names:
        registry.rounder(name)
    if baseline not in names:
        raise InputError("--baseline", f"{baseline!r} is none of --rounders {rounders}")
    schemes = [Scheme(b, per="row") for b in _numbers(bits)]
    if model is None:
        paths: dict[str, Path | None] = dict(map(_pair, data))
        networks: Iterable[Network] = (
            _cnn(name, digits() if path is None else read_data(path), train, epochs, calibration, seed)
            for name, path in (paths or {"digits": None}).items()
        )
    else:
        networks = [_given(model, calibrate, test, classes)]
    own = {name: partial(ours, name, row_time, seed) for name in names}
    for way in (*own.values(), *(peers(1)[name] for name in theirs)):
        warmed(way)
    ways = {baseline: own[baseline], **own, **{name: peers(steps)[name] for name in theirs}}
    folder.mkdir(parents=True, exist_ok=True)
    table = Table(folder / "table.md", baseline)
    for network in networks:
        compare(network, schemes, ways, table)
    return OK


class Table:
    """The table as it grows: printed, and kept in a file."""

    def __init__(self, path: Path, baseline: str) -> None:
        self._path, self._columns, self.baseline = path, [c.format(baseline) for c in COLUMNS], baseline
        self._path.write_text("", encoding="utf-8")
        self.line(*self._columns)
        self._add("|---" * len(self._columns) + "|")

    def line(self, *cells: object) -> None:
        """A line; columns for which there are no cells stay empty."""
        full = [str(cell) for cell in cells] + [""] * (len(self._columns) - len(cells))
        self._add(f"| {' | '.join(full)} |")

    def _add(self, text: str) -> None:
        print(text, flush=True)
        with self._path.open("a", encoding="utf-8") as file:
            print(text, file=file)


def compare(network: Network, schemes: list[Scheme], ways: Mapping[str, Search | Peer], table: Table) -> None:
    """A line for the real network, then one for each way of rounding at each number of bits."""
    real = network.outputs(network.graph)
    table.line(network.name, "float", "real", accuracy(network, real), "0.0000")
    layers, _ = find_layers(network.graph)
    if not layers:
        raise InputError(network.name, "has no Gemm, MatMul or Conv with constant float weights to round")
    inputs = captured(network.graph, layers, network.calibration)
    for scheme in schemes:
        rows = {layer.output: problems(layer, inputs[layer.output], scheme) for layer in layers}
        baseline = np.ones(len(layers))
        for name, way in ways.items():
            start = network.name, scheme.bits, name
            if not callable(way) and not availability(way).available:
                table.line(*start, f"not installed: `pip install {way.package}`")
                continue
            try:
                found, seconds = rounded(rows, searched(way))
            except Exception as error:
                if callable(way):  # ours: not to be hidden
                    raise
                table.line(*start, f"failed: {type(error).__name__}: {' '.join(str(error).split())[:80]}")
                continue
            costs = layer_costs(rows, found)
            baseline = costs if name == table.baseline else baseline
            outputs = network.outputs(placed(network.graph, layers, rows, found))
            moved = float(((outputs - real) ** 2).mean() / max(float(real.var()), 1e-300))
            cells = accuracy(network, outputs), f"{moved:.4f}", ratios(costs, baseline), f"{seconds:.1f}"
            table.line(*start, *cells)


def captured(graph: Graph, layers: list[GraphLayer], feeds: Feeds) -> dict[str, list[Inputs]]:
    """The inputs of every layer in the real network, by the tensor that it makes; one for each group."""
    found = {}
    for layer in layers:
        f, unfolding = layer.shape[1], layer.unfolding
        moments, kept, values = Moments(unfolding, f), [], 0
        for X in _values(graph, layer.source, feeds):
            moments.add(X)
            if values < MOST_VALUES:
                vectors = np.concatenate(list(unfolding.blocks(X)), axis=1).astype(np.float32)
                images = len(X) if vectors.shape[1] % len(X) == 0 else vectors.shape[1]
                kept.append(vectors.reshape(unfolding.groups, images, -1, f))
                values += vectors.size
        if len({part.shape[2] for part in kept}) > 1:  # feeds of several lengths: vector by vector
            kept = [part.reshape(unfolding.groups, -1, 1, f) for part in kept]
        together = np.concatenate(kept, axis=1)
        found[layer.output] = [
            Inputs(gram, moments.points, vectors)
            for gram, vectors in zip(moments.finished(), together, strict=True)
        ]
    return found


def problems(layer: GraphLayer, inputs: list[Inputs], scheme: Scheme) -> list[Rows]:
    """The rows of each group, with the scales of the scheme."""
    W = layer.rows()
    scale = np.broadcast_to(scheme.weight_scale(W), layer.n).astype(np.float64)
    parts = zip(np.split(W, len(inputs)), np.split(scale, len(inputs)), inputs, strict=True)
    return [Rows(own, units, scheme, its.moments, its.points, its.vectors) for own, units, its in parts]


def warmed(way: Search | Peer) -> None:
    """Run a search on next to nothing, so that no clock sees what it imports and compiles."""
    one, scheme = np.ones((1, 1, 2), np.float32), Scheme(2, per="row")
    with suppress(Exception):  # it is told when the search is run
        searched(way)(Rows(np.array([[0.3, 1.0]]), np.ones(1), scheme, np.eye(2), 2, one))


def searched(way: Search | Peer) -> Search:
    """The search itself; a peer's integers must be as many as asked for and in their range."""
    if callable(way):
        return way

    def search(rows: Rows) -> Ints:
        codes, problem = way.codes(rows), rows.problem
        if codes.shape != problem.base.shape:
            raise ValueError(f"gave {codes.shape} integers, not {problem.base.shape}")
        if (codes < problem.least).any() or (codes > problem.greatest).any():
            raise ValueError("gave integers out of the range")
        return codes

    return search


def rounded(rows: dict[str, list[Rows]], search: Search) -> tuple[dict[str, list[Ints]], float]:
    """The integers that a search finds for all layers, and its seconds."""
    for parts in rows.values():
        for part in parts:
            _ = part.root  # known before the clock starts
    begin = time.perf_counter()
    found = {output: [search(part) for part in parts] for output, parts in rows.items()}
    return found, time.perf_counter() - begin


def ours(name: str, row_time: float, seed: int, rows: Rows) -> Ints:
    """The integers that a rounder of this package finds."""
    method = Method.of(name, Limits(seed=seed), row_time=row_time, clip="fix", candidates=None, executor=None)
    if not isinstance(method.rounder, BitsRounder):
        method = replace(method, candidates=max(method.candidates, CANDIDATES))
    problem = rows.among(method.candidates)
    return RowSearch(lambda: problem, method, time.monotonic(), CtrlC()).result().codes


def layer_costs(rows: dict[str, list[Rows]], found: dict[str, list[Ints]]) -> Reals:
    """The cost of each layer: the sum over its rows."""
    return np.array(
        [
            sum(
                float(part.problem.costs(codes).sum())
                for part, codes in zip(parts, found[output], strict=True)
            )
            for output, parts in rows.items()
        ]
    )


def placed(
    graph: Graph, layers: list[GraphLayer], rows: dict[str, list[Rows]], found: dict[str, list[Ints]]
) -> Graph:
    """The graph with the integers where the weights were."""
    result, placer = Graph.copy_of(graph.model), Placer()
    for layer in layers:
        scale = np.concatenate([part.scale for part in rows[layer.output]])
        grid = Grid(scale[:, None], None, layer.shape[1])
        placer.place(result, layer, Codes(np.concatenate(found[layer.output]), grid))
    return result


def ratios(costs: Reals, baseline: Reals) -> str:
    """The geometric mean over the layers, with the least and the greatest."""
    each = np.maximum(costs, 1e-300) / np.maximum(baseline, 1e-300)
    return f"{np.exp(np.log(each).mean()):.3f} ({each.min():.2f} to {each.max():.2f})"


def accuracy(network: Network, outputs: npt.NDArray[Any]) -> str:
    """The share of test data whose class has the greatest output."""
    if network.classes is None:
        return ""
    return f"{float((outputs.argmax(axis=1) == network.classes).mean()):.4f}"


def _cnn(name: str, source: Data, train: int, epochs: int, calibration: int, seed: int) -> Network:
    graph = Graph(trained(source, train, epochs, seed))
    chosen = np.random.default_rng(seed + 1).permutation(len(source.train))[:calibration]
    feeds = (Feeds.of(images, graph.inputs) for images in (source.train[chosen], source.test))
    return Network(name, graph, *feeds, source.test_classes)


def _given(model: Path, calibrate: Path | None, test: Path | None, classes: Path | None) -> Network:
    if calibrate is None:
        raise InputError("--calibrate", "is needed with --model")
    graph = Graph.load(model)
    feeds = read_feeds(calibrate, graph.inputs)
    tested = feeds if test is None else read_feeds(test, graph.inputs)
    known = None if classes is None else load_numpy(classes)
    if isinstance(known, dict) or (known is not None and known.shape != (tested.about["size"],)):
        raise InputError("--classes", f"must be an array of {tested.about['size']} classes")
    return Network(model.stem, graph, feeds, tested, known)


def _values(graph: Graph, name: str, feeds: Feeds) -> Iterator[npt.NDArray[Any]]:
    if any(name == own.name for own in graph.inputs):
        yield from (feed[name] for feed in feeds)
    else:
        yield from (values for (values,) in graph.run([name], feeds))


def _pair(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if not path:
        raise InputError("--data", f"NAME=PATH, not {text!r}")
    return name, Path(path)


def _numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise InputError("--bits", f"integers with commas between, not {text!r}") from None


if __name__ == "__main__":
    raise SystemExit(run(app, "rounding_peers"))
