"""A convolutional network rounded where it stands: accuracy and cost of rounders, beside each other.

The network has four Conv, one of them grouped, with BatchNormalization; it is trained in plain numpy. For
each number of bits and each rounder it is rounded by ``round_graph``, run by onnxruntime on the test data,
and held against the real graph, of which nothing but the layers may have changed. Every rounder has the same
scales, one a row, and the same calibration data; the last lines have scales that are searched for. Costs are
sums over all layers; "outputs moved" is the mean squared distance of the scores from the real ones, by the
variance of these.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from adaround import AdaRound
from rounding_data import Data, digits, read_data
from small_cnn import SmallCnn

from qnnt.cli.program import OK, run
from qnnt.exceptions import WrongAnswer
from qnnt.limits import Limits
from qnnt.onnx_graphs.feeds import Feeds
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.rounded import RoundedGraph
from qnnt.rounders.base import Rounder
from qnnt.rounding import round_graph
from qnnt.verify.onnx_graph import changes, replay_graph

COLUMNS = ("bits", "activations", "rounder", "accuracy", "outputs moved", "cost / nearest", "cost / GPTQ")

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Gets the models and table.md.")],
    data: Annotated[
        Path | None, typer.Option(metavar="PATH", help=".npz or folder of IDX files; default: digits.")
    ] = None,
    bits: Annotated[str, typer.Option(metavar="B,B", help="Bits of the weights.")] = "8,4,3,2",
    backends: Annotated[
        str, typer.Option(metavar="NAME,NAME", help="Rounders; adaround needs onnxsim.")
    ] = "nearest,adaround,gptq,beam,closest-vector",
    train: Annotated[int, typer.Option(metavar="N", help="Images to train on.")] = 20_000,
    epochs: Annotated[int, typer.Option(metavar="N", help="Passes over these.")] = 4,
    calibration: Annotated[int, typer.Option(metavar="N", help="Images to calibrate on.")] = 500,
    row_time: Annotated[float, typer.Option(metavar="S", help="Seconds for a row.")] = 0.2,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the training and the drawing.")] = 0,
) -> int:
    """Train the network, round it in every way, and print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    source = digits() if data is None else read_data(data)
    model = trained(source, train, epochs, seed)
    graph = Graph(model)
    graph.save(folder / "real.onnx")
    size = graph.inputs[0].shape or ()
    chosen = np.random.default_rng(seed + 1).permutation(len(source.train))[:calibration]
    images = Feeds.of(source.train[chosen], graph.inputs)
    test = Feeds.of(source.test, graph.inputs)
    real = scores(graph, test)
    accuracy = float((real.argmax(axis=1) == source.test_classes).mean())
    lines = [
        f"{size[2]} x {size[2]} images, real accuracy {accuracy:.4f} on {len(real):,}, "
        f"{calibration:,} to calibrate on, {graph.model.ByteSize():,} bytes.",
        "",
        f"| {' | '.join(COLUMNS)} | bytes | seconds |",
        "|---" * (len(COLUMNS) + 2) + "|",
    ]
    print("\n".join(lines), flush=True)
    all_bits, names = [int(b) for b in bits.split(",")], backends.split(",")
    ways = [(b, "float", name, False) for b in all_bits for name in names]
    ways += [(b, "int8", names[-1], False) for b in all_bits]
    ways += [(b, "float", names[-1], True) for b in all_bits]
    for b, activations, name, searched in ways:
        rounder: str | Rounder = AdaRound() if name == "adaround" else name
        if not isinstance(rounder, str) and not (state := rounder.availability()).available:
            print(f"{name} at {b} bits is left out: {state.reason}", file=sys.stderr)
            continue
        begin = time.perf_counter()
        limits = Limits(seed=seed)
        rounded = round_graph(
            model,
            images,
            bits=b,
            backend=rounder,
            row_time=row_time,
            limits=limits,
            activations=activations,  # type: ignore[arg-type] # both are
            search_scales=searched,
        )
        seconds = time.perf_counter() - begin
        path = folder / f"int{b}-{activations}-{name.replace(':', '-')}{'-searched' * searched}.onnx"
        check(model, rounded, path, images)
        found = scores(Graph(rounded.model), test)
        hits = float((found.argmax(axis=1) == source.test_classes).mean())
        moved = float(((found - real) ** 2).mean() / real.var())
        cost, nearest, gptq = (
            sum(layer[key] for layer in rounded.report()["layers"])
            for key in ("cost", "nearest_cost", "gptq_cost")
        )
        ratios = f"{cost / nearest:.3f}", f"{cost / gptq:.3f}"
        shown = f"{name}, scales searched" if searched else name
        parts = b, activations, shown, f"{hits:.4f}", f"{moved:.4f}", *ratios
        lines.append(f"| {' | '.join(map(str, parts))} | {rounded.bytes[1]:,} | {seconds:.1f} |")
        print(lines[-1], flush=True)
    (folder / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return OK


def trained(source: Data, train: int, epochs: int, seed: int) -> Any:
    """The network as an ONNX model, of the newest opset that has INT2."""
    order = np.random.default_rng(seed).permutation(len(source.train))[:train]
    network = SmallCnn(seed, round(source.train.shape[1] ** 0.5))
    network.train(source.train[order], source.train_classes[order], epochs=epochs, seed=seed)
    return network.onnx(opset=25)


def scores(graph: Graph, test: Feeds) -> np.ndarray:
    """(N, 10) the outputs on the test data."""
    return np.concatenate([values for (values,) in graph.run(["scores"], test)])


def check(model: Any, rounded: RoundedGraph, path: Path, images: Feeds) -> None:
    """Raise :class:`WrongAnswer` if an integer differs in onnxruntime, or another node has changed."""
    rounded.save(path)
    replay = replay_graph(path, rounded, images)
    if not replay.same:
        raise WrongAnswer(f"{path}: {replay}")
    layers = [layer.layer for layer in rounded.layers]
    allowed = {name for layer in layers for name in (layer.name, layer.weight)}
    if rounded.settings["activations"] == "int8":
        allowed |= {layer.bias for layer in layers}
    others = [name for name in changes(model, rounded.model) if name not in allowed]
    if others:
        raise WrongAnswer(f"{path}: changed beside the layers: {', '.join(others)}")


if __name__ == "__main__":
    raise SystemExit(run(app, "rounding_graphs"))
