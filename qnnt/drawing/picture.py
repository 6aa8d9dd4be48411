"""What a picture is made of: lines, discs, boxes and labels on a sheet, in pixels from the upper left."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from qnnt.printable import printable

# Of Okabe and Ito, whose colours the colour-blind can tell apart.
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
INK, QUIET, GREY, FAINT, PAPER = "#202124", "#5f6368", "#a4a9ae", "#dfe2e5", "#ffffff"


@dataclass(frozen=True)
class Line:
    """A straight line; ``tip`` is shown under the pointer."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str = INK
    width: float = 1.0
    dashed: bool = False
    tip: str = ""


@dataclass(frozen=True)
class Disc:
    """A circle of radius ``r`` round (x, y)."""

    x: float
    y: float
    r: float
    fill: str = PAPER
    ink: str = INK
    tip: str = ""


@dataclass(frozen=True)
class Box:
    """A rectangle with its upper left corner at (x, y) and rounded corners."""

    x: float
    y: float
    wide: float
    high: float
    fill: str = PAPER
    ink: str = INK
    width: float = 1.2
    corner: float = 6.0
    dashed: bool = False
    tip: str = ""


@dataclass(frozen=True)
class Label:
    """A line of text whose middle, start or end is at x, and whose middle is at y.

    With a ``halo`` it stands on a rim of paper, so that lines behind it do not strike it out.
    """

    x: float
    y: float
    text: str
    size: float = 12.0
    anchor: Literal["start", "middle", "end"] = "middle"
    colour: str = INK
    bold: bool = False
    halo: bool = False
    tip: str = ""

    @property
    def width(self) -> float:
        """About the width of a picture that it fits into."""
        return wide(self.text, self.size * (1.05 if self.bold else 1)) + 32


Shape = Line | Disc | Box | Label


@dataclass(frozen=True)
class Picture:
    """Shapes on a sheet of paper, later ones above earlier ones; the sheet is white on a dark page, too."""

    width: float
    height: float
    title: str
    shapes: tuple[Shape, ...]


def wide(text: str, size: float = 12.0) -> float:
    """About how many pixels a text takes; rather too many."""
    units = sum(1.05 if unicodedata.east_asian_width(c) in "WF" else 0.62 for c in text)
    return units * size


def cut(text: str, length: int) -> str:
    """The text, printable and of at most so many characters; a longer one loses its middle."""
    text = printable(text)
    if len(text) <= length:
        return text
    end = (length - 1) // 3
    return f"{text[: length - 1 - end]}…{text[-end:]}"


def heading(title: str) -> Label:
    """The title above a picture; the middle of a long one is left out."""
    return Label(16, 22, cut(title, 90), 13, "start", bold=True, tip=title)


def legend(entries: Iterable[tuple[Shape | None, str]], y: float, width: float) -> Iterator[Shape]:
    """Samples and what they mean, side by side from (16, y) on, in as many rows of 20 pixels as needed.

    A sample is drawn as if its place were (0, 0), 26 pixels wide.
    """
    x = 16.0
    for sample, text in entries:
        needs = (32 if sample is not None else 0) + wide(text, 11)
        if x > 16 and x + needs > width - 16:
            x, y = 16.0, y + 20
        if sample is not None:
            yield _moved(sample, x, y)
        yield Label(x + (32 if sample is not None else 0), y, text, 11, "start", QUIET)
        x += needs + 22


def bottom(shapes: Iterable[Shape]) -> float:
    """The lowest y of labels."""
    return max(shape.y for shape in shapes if isinstance(shape, Label))


def _moved(shape: Shape, x: float, y: float) -> Shape:
    if isinstance(shape, Line):
        return replace(shape, x1=shape.x1 + x, x2=shape.x2 + x, y1=shape.y1 + y, y2=shape.y2 + y)
    return replace(shape, x=shape.x + x, y=shape.y + y)
