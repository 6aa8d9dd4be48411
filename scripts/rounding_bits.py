"""Bits chosen for each layer under a budget, beside the same bits for all, on a convolutional network.

The network is that of ``rounding_graphs.py``. It is rounded with the same number of bits in every layer, and
with ``bits="auto"`` under each budget. What comes of it is run by onnxruntime on the test data and checked as
there. "Outputs moved" is the mean squared distance of the scores from the real ones, by the variance of
these, on the test data; "sum of parts" is the sum of what the layers move alone, on the calibration data,
which the choice goes by. The picture shows accuracy against the size of the file, and the bits of the layers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import typer
from rounding_data import digits, read_data
from rounding_graphs import check, scores, trained

from qnnt.cli.program import OK, run
from qnnt.cli.round_options import bytes_of
from qnnt.limits import Limits
from qnnt.onnx_graphs.feeds import Feeds
from qnnt.onnx_graphs.graph import Graph
from qnnt.rounding import round_graph

COLUMNS = "bits", "budget", "bytes", "bits of the layers", "accuracy", "outputs moved", "sum of parts"

Line = dict[str, Any]
app = typer.Typer(add_completion=False)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Gets the models, table.md, bits.png.")],
    data: Annotated[
        Path | None, typer.Option(metavar="PATH", help=".npz or folder of IDX files; default: digits.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A network that rounding_graphs.py trained on it.")
    ] = None,
    backend: Annotated[str, typer.Option(metavar="NAME", help="Rounder.")] = "beam",
    bits: Annotated[str, typer.Option(metavar="B,B", help="Bits that all layers get.")] = "2,3,4,8",
    budgets: Annotated[
        str, typer.Option(metavar="SIZE,SIZE", help="Budgets for auto.")
    ] = "8kB,9kB,10kB,13kB",
    train: Annotated[int, typer.Option(metavar="N", help="Images to train on.")] = 20_000,
    epochs: Annotated[int, typer.Option(metavar="N", help="Passes over these.")] = 4,
    calibration: Annotated[int, typer.Option(metavar="N", help="Images to calibrate on.")] = 500,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the training and the drawing.")] = 0,
) -> int:
    """Round the network in every way, print the table and draw it."""
    folder.mkdir(parents=True, exist_ok=True)
    source = digits() if data is None else read_data(data)
    graph = Graph(trained(source, train, epochs, seed) if model is None else onnx.load(model))
    chosen = np.random.default_rng(seed + 1).permutation(len(source.train))[:calibration]
    images = Feeds.of(source.train[chosen], graph.inputs)
    test = Feeds.of(source.test, graph.inputs)
    real = scores(graph, test)
    accuracy = float((real.argmax(axis=1) == source.test_classes).mean())
    text = [
        f"Real accuracy {accuracy:.4f} on {len(real):,}, {graph.model.ByteSize():,} bytes, {backend}.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
    ]
    print("\n".join(text), flush=True)
    ways: list[tuple[int | str, int | None]] = [(int(b), None) for b in bits.split(",")]
    ways += [("auto", bytes_of(size)) for size in budgets.split(",")]
    lines: list[Line] = []
    for b, budget in ways:
        rounded = round_graph(
            graph.model, images, bits=b, budget=budget, backend=backend, row_time=60, limits=Limits(seed=seed)
        )
        check(graph.model, rounded, folder / f"{b if budget is None else budget}.onnx", images)
        rounded = rounded.with_moved(images)
        found = scores(Graph(rounded.model), test)
        line = {
            "bits": b,
            "budget": budget,
            "bytes": rounded.bytes[1],
            "layers": {layer.layer.name: layer.scheme.bits for layer in rounded.layers},
            "accuracy": float((found.argmax(axis=1) == source.test_classes).mean()),
            "moved": float(((found - real) ** 2).mean() / real.var()),
            "parts": sum(layer.moved[0] for layer in rounded.layers),
        }
        lines.append(line)
        text.append(row(line))
        print(text[-1], flush=True)
    (folder / "table.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    draw(lines, accuracy, folder / "bits.png")
    return OK


def row(line: Line) -> str:
    """A line of the table."""
    budget = "" if line["budget"] is None else f"{line['budget']:,}"
    listed = ", ".join(map(str, line["layers"].values()))
    figures = f"{line['accuracy']:.4f} | {line['moved']:.4f} | {line['parts']:.4f}"
    return f"| {line['bits']} | {budget} | {line['bytes']:,} | {listed} | {figures} |"


def draw(lines: list[Line], real: float, path: Path) -> None:
    """Accuracy against the size of the file, and the bits of each layer under each budget."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.5, 3.6), layout="constrained", width_ratios=(1.25, 1)
    )
    uniform = [line for line in lines if line["budget"] is None]
    auto = sorted((line for line in lines if line["budget"] is not None), key=lambda line: line["bytes"])
    for chosen, mark, colour, label in (
        (uniform, "s", "#0072B2", "the same bits in all layers"),
        (auto, "o", "#D55E00", "bits chosen under a budget"),
    ):
        x, y = [line["bytes"] / 1000 for line in chosen], [100 * line["accuracy"] for line in chosen]
        left.plot(x, y, mark, color=colour, label=label, markersize=6, linestyle="-" if mark == "o" else "")
    for i, line in enumerate(uniform):
        at = line["bytes"] / 1000, 100 * line["accuracy"]
        # int3 and int4 may have the same size: one is named below, the other one above.
        shared = any(other["bytes"] == line["bytes"] for other in uniform[:i])
        place = (-12, 9) if shared else (7, -12)
        left.annotate(f"int{line['bits']}", at, place, textcoords="offset points", color="#0072B2")
    left.axhline(100 * real, color="#999999", linestyle="--", linewidth=1, label="real network")
    left.set(xlabel="size of the file, kB", ylabel="accuracy on the test data, %")
    left.margins(x=0.1, y=0.12)
    left.grid(alpha=0.25)
    left.legend(loc="lower right", frameon=False)
    _cells(right, auto)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _cells(panel: Any, auto: list[Line]) -> None:
    """A row for each layer, a column for each budget: its bits as a number on a shade."""
    names = list(auto[0]["layers"])
    grid = np.array([[line["layers"][name] for line in auto] for name in names])
    panel.imshow(np.log2(grid), cmap="Oranges", vmin=0, vmax=5, aspect="auto")
    for i, j in np.ndindex(grid.shape):
        panel.text(j, i, str(grid[i, j]), ha="center", va="center")
    panel.set_xticks(range(len(auto)), [f"{line['budget'] / 1000:g} kB" for line in auto])
    panel.set_yticks(range(len(names)), [name.removeprefix("n_") for name in names])
    panel.set(xlabel="budget", title="bits of each layer")
    panel.tick_params(length=0)
    for side in ("left", "bottom"):
        panel.spines[side].set_visible(False)


if __name__ == "__main__":
    raise SystemExit(run(app, "rounding_bits"))
