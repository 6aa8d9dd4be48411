"""Where neurons stand: a column for each layer, from left to right; what is too much is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from qnnt.architecture import Architecture
from qnnt.drawing.effect import Bools, Effect
from qnnt.drawing.picture import QUIET, Label, Shape, cut, wide
from qnnt.wording import count

MOST_NEURONS = 40  # of a layer that are drawn
MOST_LAYERS = 9
_NAME, _INNER = 34, 18  # characters of a name, and of a hidden neuron's
_TOP, _ROW = 78.0, 31.0
RADIUS = 10.0
_SIDE, _BESIDE, _FOOT = 16.0, RADIUS + 8, RADIUS + 20  # of the sheet, between disc and name, below


@dataclass(frozen=True)
class Column:
    """The neurons of ``layer`` that are drawn; ``left`` are not. A column without layer stands for many."""

    layer: int | None
    x: float
    shown: tuple[int, ...] = ()
    left: int = 0

    @property
    def lines(self) -> int:
        """How many lines it takes: its neurons, and what is said of the rest."""
        return len(self.shown) + (self.left > 0)

    def y(self, row: int, height: float) -> float:
        """Where a row stands: spread over the height, but not too far apart, round the middle."""
        step = min(2.5 * _ROW, height / (self.lines - 1)) if self.lines > 1 else 0.0
        return _TOP + height / 2 + step * (row - (self.lines - 1) / 2)


@dataclass(frozen=True)
class Plan:
    """Of each neuron that is drawn, by (layer, position): ``place`` is where, ``text`` what it is called."""

    columns: tuple[Column, ...]
    place: dict[tuple[int, int], tuple[float, float]]
    text: dict[tuple[int, int], str]
    width: float
    height: float

    @property
    def pairs(self) -> list[int]:
        """Layers that are drawn right after the one before them."""
        layers = [column.layer for column in self.columns]
        return [b for a, b in pairwise(layers) if a is not None and b is not None]


def plan(architecture: Architecture, known: Effect | None = None) -> Plan:
    """Columns for the layers.

    If not all neurons of a layer can be drawn, those that have an effect come first. The value of a constant
    neuron stands beside its name.
    """
    layers, half = architecture.layers, MOST_LAYERS // 2
    chosen: list[int | None] = list(range(len(layers)))
    if len(layers) > MOST_LAYERS:
        chosen[half:-half] = [None]
    shown = {
        i: _shown(len(layers[i]), None if known is None else known.neurons[i])
        for i in chosen
        if i is not None
    }
    widest = {0: _NAME, len(layers) - 1: _NAME}
    text = {(i, j): cut(layers[i][j], widest.get(i, _INNER)) for i in shown for j in shown[i]}
    if known is not None:
        always = {(i, j): known.constants[i][j] for i, j in text}
        text |= {at: f"{text[at]} (always {value})" for at, value in always.items() if value is not None}
    first, last = (max(wide(text[i, j]) for j in shown[i]) for i in (0, len(layers) - 1))
    gap = min(360.0, 130 + 8.0 * max(map(len, shown.values())))
    columns = []
    for n, i in enumerate(chosen):
        x = _SIDE + first + _BESIDE + n * gap
        if i is None:
            columns.append(Column(None, x, (), len(layers) - 2 * half))
        else:
            columns.append(Column(i, x, shown[i], len(layers[i]) - len(shown[i])))
    height = _ROW * (max(column.lines for column in columns) - 1)
    place = {
        (column.layer, j): (column.x, column.y(row, height))
        for column in columns
        if column.layer is not None
        for row, j in enumerate(column.shown)
    }
    if columns[-1].left:
        last = max(last, wide(_more(columns[-1]), 11))
    width = columns[-1].x + _BESIDE + last + _SIDE
    return Plan(tuple(columns), place, text, max(width, 440.0), _TOP + height + _FOOT)


def _shown(size: int, live: Bools | None) -> tuple[int, ...]:
    if size <= MOST_NEURONS:
        return tuple(range(size))
    first = np.arange(size) if live is None else np.argsort(~live, kind="stable")
    return tuple(sorted(first[:MOST_NEURONS].tolist()))


def _more(column: Column) -> str:
    return f"… and {column.left:,} more"


def names(architecture: Architecture, plan: Plan) -> Iterator[Shape]:
    """The names of layers and neurons, and how many of them are not drawn."""
    last, height = len(architecture.layers) - 1, plan.height - _TOP - _FOOT
    for column in plan.columns:
        if column.layer is None:
            middle = _TOP + height / 2
            yield Label(column.x, middle - 10, "…", 20, colour=QUIET)
            yield Label(column.x, middle + 12, count(column.left, "more layer"), 11, colour=QUIET)
            continue
        layer = architecture.layers[column.layer]
        kind = {0: "input", last: "output"}.get(column.layer, "neuron")
        yield Label(column.x, _TOP - 30, count(len(layer), kind), 11, colour=QUIET)
        for j in column.shown:
            (x, y), text = plan.place[column.layer, j], plan.text[column.layer, j]
            if column.layer == 0:
                yield Label(x - _BESIDE, y, text, anchor="end", tip=layer[j])
            elif column.layer == last:
                yield Label(x + _BESIDE, y, text, anchor="start", tip=layer[j])
            else:
                yield Label(x, y + RADIUS + 6, text, 9, halo=True, tip=layer[j])
        if column.left:
            y = column.y(len(column.shown), height)
            text = _more(column)
            if column.layer in (0, last):
                x = _SIDE if column.layer == 0 else column.x - RADIUS
                yield Label(x, y, text, 11, "start", QUIET)
            else:
                yield Label(column.x, y, text, 11, colour=QUIET, halo=True)
