"""The pictures of ``rounding_table.py``: accuracy against cost, candidates and calibration data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Line = dict[str, Any]


def draw(lines: list[Line], folder: Path) -> None:
    """A picture for each experiment that was run."""
    import matplotlib as mpl

    mpl.use("Agg")
    drawers = {"table": _draw_costs, "candidates": _draw_candidates, "calibration": _draw_calibration}
    for experiment, draw in drawers.items():
        chosen = [line for line in lines if line["experiment"] == experiment]
        if chosen:
            draw(chosen, folder)


# One mark and colour for each backend, those of Okabe and Ito, which the colour-blind can tell apart.
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_COLOURS = ("#000000", "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442")


_LOST = 50  # points of accuracy; a panel in which all lose more says so


def _hollow(colour: str) -> dict[str, Any]:
    """A mark through which another one can be seen."""
    return {"facecolors": "none", "edgecolors": colour, "linewidths": 1.3}


def apart(x: Array, y: Array) -> Array:
    """Costs of marks that would lie on each other, each a little to the right of the one before."""
    moved = x.copy()
    for i in range(len(x)):
        same = np.isclose(x[:i], x[i], rtol=0.02) & np.isclose(y[:i], y[i], atol=0.002)
        moved[i] *= 1.09 ** int(same.sum())
    return moved


def _grid(rows: int, columns: int, shared: bool = False) -> tuple[Any, Any]:
    from matplotlib import pyplot as plt

    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    size = (2.6 * columns + 0.8, 2.5 * rows + 0.7)
    return plt.subplots(
        rows, columns, figsize=size, squeeze=False, layout="constrained", sharex=shared, sharey=shared
    )


def _draw_costs(lines: list[Line], folder: Path) -> None:
    """Accuracy against cost: a row for each data set, a column for each number of bits."""
    names, bits, backends = (
        list(dict.fromkeys(line[key] for line in lines)) for key in ("data", "bits", "backend")
    )
    figure, axes = _grid(len(names), len(bits), shared=True)
    ratios = points(lines)[0]
    least = ratios[ratios > 0].min(initial=1.0)  # a cost of 0 is drawn here, as the scale has no 0
    for name, row in zip(names, axes, strict=True):
        for b, panel in zip(bits, row, strict=True):
            here = [line for line in lines if (line["data"], line["bits"]) == (name, b)]
            for backend, mark, colour in zip(backends, _MARKS, _COLOURS, strict=False):
                x, y = points([line for line in here if line["backend"] == backend])
                panel.scatter(
                    apart(np.maximum(x, least), y), 100 * y, 30, label=backend, marker=mark, **_hollow(colour)
                )
            r = pearson(*points(here))
            panel.set_title(f"{name}, int{b}" + ("" if np.isnan(r) else f"   r = {r:+.2f}"), fontsize=9)
            panel.axhline(0, color="#999999", linewidth=0.8, zorder=0)
            panel.grid(alpha=0.25)
            best = 100 * points(here)[1].max()
            if best < -_LOST:
                text = f"every rounding loses\n{math.floor(-best)} points or more"
                panel.text(
                    0.5, 0.5, text, ha="center", va="center", color="#666666", transform=panel.transAxes
                )
    # One scale for all panels: differences below a point are noise and shown as such, large ones fit, too.
    axes[0][0].set_xscale("log")
    axes[0][0].set_yscale("symlog", linthresh=1, linscale=0.6)
    low = 100 * min(points(lines)[1].min(), -0.01)
    axes[0][0].set(xlim=(0.8 * least, 1.8 * max(1.0, ratios.max())), ylim=(1.3 * low, 2))
    costs = [c for c in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1) if c >= 0.8 * least]
    axes[0][0].set_xticks(costs, [f"{c:g}" for c in costs])
    ticks = [-100, -50, -20, -10, -5, -2, -1, 0, 1]
    ticks = [tick for tick in ticks if tick >= 1.3 * low]
    axes[0][0].set_yticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
    axes[0][0].minorticks_off()
    for row in axes:
        row[0].set_ylabel("accuracy − real, points")
    for panel in axes[-1]:
        panel.set_xlabel("cost / cost of nearest")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    _save(figure, folder / "accuracy_cost.png")


def _draw_candidates(lines: list[Line], folder: Path) -> None:
    """Accuracy and cost against the number of integers that a weight may become."""
    _draw_series(lines, folder / "candidates.png", "candidates", "integers per weight", "bits", "int{}")


def _draw_calibration(lines: list[Line], folder: Path) -> None:
    """Accuracy and cost against the share of the training data."""
    _draw_series(
        lines, folder / "calibration.png", "calibration", "share of the training data", "backend", "{}"
    )


def _draw_series(lines: list[Line], path: Path, x: str, label: str, series: str, form: str) -> None:
    """Accuracy above, cost on the test data below; a column for each data set."""
    from matplotlib.ticker import LogLocator, NullLocator

    names = list(dict.fromkeys(line["data"] for line in lines))
    figure, axes = _grid(2, len(names))
    for name, (above, below) in zip(names, axes.T, strict=True):
        here = [line for line in lines if line["data"] == name]
        for value, mark, colour in zip(
            dict.fromkeys(line[series] for line in here), _MARKS, _COLOURS, strict=False
        ):
            chosen = [line for line in here if line[series] == value]
            ticks = sorted({line[x] for line in chosen})
            groups = [[line for line in chosen if line[x] == tick] for tick in ticks]
            style = {
                "color": colour,
                "marker": mark,
                "markersize": 5,
                "capsize": 3,
                "label": form.format(value),
            }
            for panel, measured in (
                (above, [[100 * line["accuracy"] for line in group] for group in groups]),
                (below, [[line["test_cost"] for line in group] for group in groups]),
            ):
                means, spreads = map(np.mean, measured), map(deviation, measured)
                panel.errorbar(ticks, list(means), list(spreads), **style)
        above.axhline(
            100 * np.mean([line["real_accuracy"] for line in here]),
            color="#999999",
            linestyle="--",
            label="real",
        )
        above.set_title(name, fontsize=9)
        for panel in (above, below):
            if x == "calibration":
                panel.set_xscale("log")
                panel.set_xticks(ticks, [f"{tick:.0%}" for tick in ticks])
                panel.minorticks_off()
            else:
                panel.set_xticks(ticks)
            panel.grid(alpha=0.25)
        below.set_yscale("log")
        below.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        below.yaxis.set_major_formatter("{x:g}")
        below.yaxis.set_minor_locator(NullLocator())
        below.set_xlabel(label)
    axes[0][0].set_ylabel("accuracy, %")
    axes[1][0].set_ylabel("cost on the test data")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot as plt

    figure.savefig(path, dpi=150)
    plt.close(figure)


def points(lines: list[Line]) -> tuple[Array, Array]:
    """Cost relative to rounding to nearest, and accuracy less that of the real network."""
    costs = [line["cost"] / (line["nearest_cost"] or 1.0) for line in lines]
    return np.array(costs), np.array([line["accuracy"] - line["real_accuracy"] for line in lines])


def deviation(values: list[float]) -> float:
    """The standard deviation as a sample tells it; 0 of one value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def pearson(x: Array, y: Array) -> float:
    if len(x) < 3 or x.std() == 0 or y.std() == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
